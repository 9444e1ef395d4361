/** Visits the page in a browser and asks it things, each for a bounded time; and reads tiles as a foreign decoder does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import type { ViewState } from '../../viewer/page-api.ts';
import { decodeWithHere } from './here-decoder.ts';

/** Software drawing on a busy machine. */
export const PATIENCE_MS = 90_000;

export interface Visit {
  readonly page: Page;
  /** Console errors and uncaught exceptions. */
  readonly faults: string[];
  readonly requests: string[];
}

/** Opens the page and waits until it is ready; the caller closes it. */
export async function visit(browser: Browser, url: string, size = { width: 1280, height: 800 }): Promise<Visit> {
  const page = await browser.newPage({ viewport: size });
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  await page.waitForFunction('window.relievo !== undefined');
  await ask(page, 'window.relievo.ready');
  return { page, faults, requests };
}

/** Evaluates an expression in the page, for no longer than `limitMs`. */
export async function ask<T>(page: Page, expression: string, limitMs = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limitMs} ms: ${expression}`)), limitMs);
  });
  try {
    return await Promise.race([page.evaluate<T>(expression), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** All in view is loaded and drawn. */
export const settled = (page: Page) => ask<void>(page, `window.relievo.settled(${PATIENCE_MS - 5000})`);
export const stateOf = (page: Page) => ask<ViewState>(page, 'window.relievo.state()');

/** Standard deviation of luminance (0..255) in the middle third of the canvas. */
export function contrast(page: Page): Promise<number> {
  return ask(
    page,
    `(() => {
      const drawn = window.relievo.viewer.canvas;
      const flat = Object.assign(document.createElement('canvas'), { width: 160, height: 100 });
      const context = flat.getContext('2d');
      context.drawImage(drawn, drawn.width / 3, drawn.height / 3, drawn.width / 3, drawn.height / 3, 0, 0, 160, 100);
      const { data } = context.getImageData(0, 0, 160, 100);
      const light = [];
      for (let i = 0; i < data.length; i += 4) light.push(0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2]);
      const mean = light.reduce((a, b) => a + b) / light.length;
      return Math.sqrt(light.reduce((sum, l) => sum + (l - mean) ** 2, 0) / light.length);
    })()`,
  );
}

/** The figure behind a field of the readout, unrounded. */
export async function value(page: Page, id: string): Promise<number> {
  return Number(await page.locator(`#${id}`).getAttribute('data-value'));
}

/** Height in metres from the triangle of a tile that holds the point, decoded by a foreign decoder. */
export function heightInTile(folder: string, z: number, longitude: number, latitude: number): number {
  const side = 180 / 2 ** z;
  const column = (longitude + 180) / side;
  const row = (latitude + 90) / side;
  const stored = readFileSync(join(folder, `${z}/${Math.floor(column)}/${Math.floor(row)}.terrain`));
  const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? gunzipSync(stored) : stored;
  const { header, vertexData, triangleIndices } = decodeWithHere(bytes);
  const count = vertexData.length / 3;
  const [u, v] = [(column % 1) * 32767, (row % 1) * 32767];
  const at = (plane: number, vertex: number) => vertexData[plane * count + vertex] ?? Number.NaN;
  for (let i = 0; i < triangleIndices.length; i += 3) {
    const [a = 0, b = 0, c = 0] = triangleIndices.subarray(i, i + 3);
    const [ua, ub, uc, va, vb, vc] = [at(0, a), at(0, b), at(0, c), at(1, a), at(1, b), at(1, c)];
    const area = (ub - ua) * (vc - va) - (uc - ua) * (vb - va);
    const wb = ((u - ua) * (vc - va) - (uc - ua) * (v - va)) / area;
    const wc = ((ub - ua) * (v - va) - (u - ua) * (vb - va)) / area;
    if (wb >= -1e-9 && wc >= -1e-9 && wb + wc <= 1 + 1e-9) {
      const part = ((1 - wb - wc) * at(2, a) + wb * at(2, b) + wc * at(2, c)) / 32767;
      const { minHeight = 0, maxHeight = 0 } = header;
      return minHeight + part * (maxHeight - minHeight);
    }
  }
  throw new Error(`no triangle of ${z}/${Math.floor(column)}/${Math.floor(row)} holds ${longitude}, ${latitude}`);
}
