/**
 * What the page tells of the tiles in view: the certified bound of their level as it stands in quality.json, and water
 * where their masks have it. A coast is built and served by the real command, beside another tool's tiles without either.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QualityJson } from '../../tiler/catalog/quality-json.ts';
import { startBrowser } from '../support/browser.ts';
import { relievo, relievoServe, type ServingCommand } from '../support/command.ts';
import { describeWithData } from '../support/test-data.ts';
import { ask, settled, stateOf, type Visit, visit } from '../support/visit.ts';

/** Degrees: inland, and on the open sea, both inside the sheet. */
const LAND = [1.4, 41.6] as const;
const SEA = [1.8, 41.06] as const;
/** Levels of the tiles; coarser ones than the first are flat on purpose, and so not certified. */
const LEVELS = { first: 6, last: 9 };
/** The page looks at the whole sheet in tiles of this level before it shows it. */
const LOOKED_AT = 8;

describeWithData(
  'quality and water in the viewer',
  ['hgt/N41E001.hgt.zip', 'quantized-mesh/maastricht'],
  (sheet, other) => {
    const folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
    const out = join(folder, 'coast');
    let browser: Browser;
    let server: ServingCommand;
    let open: Visit;
    let quality: QualityJson;

    beforeAll(async () => {
      const serveCoast = async () => {
        const levels = ['--min-zoom', String(LEVELS.first), '--max-zoom', String(LEVELS.last)];
        const built = await relievo(['build', sheet, '--out', out, '--water', 'natural-earth', ...levels]);
        expect(built.code, built.stderr).toBe(0);
        quality = JSON.parse(readFileSync(join(out, 'quality.json'), 'utf8'));
        return relievoServe([out, other]);
      };
      [server, browser] = await Promise.all([serveCoast(), startBrowser()]);
      open = await visit(browser, `${server.url}/?light=1#layer=coast&view=${LAND},9000000,0,-90`);
    });
    afterAll(async () => {
      await browser?.close();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('tells the certified greatest error of the level in view', async () => {
      const { page, requests } = open;
      const seen: number[] = [];
      for (const height of [9_000_000, 1_000_000, 20_000]) {
        await lookDown(page, LAND, height);
        const level = deepestOver(requests, LAND);
        seen.push(level);
        await page.waitForFunction(
          `document.getElementById('quality').textContent.includes('Level ${level}, in view')`,
        );
        const line = (await page.locator('#quality').textContent()) ?? '';
        const { maxError = null, maxErrorRatio = null, measured } = quality.levels[level] ?? {};
        if (level < LEVELS.first) {
          expect(maxError).toBeNull();
          expect(line).toContain('Greatest error unknown not certified');
          expect(line).toContain(`Level ${level}, in view: RMS`);
        } else {
          const told = Number(/Error at most ([\d,.]+) m certified/.exec(line)?.[1]?.replaceAll(',', ''));
          expect(told).toBeGreaterThanOrEqual(maxError ?? Number.NaN);
          expect(told).toBeLessThan((maxError ?? Number.NaN) + 1);
          const ratio = Number(/in view: ([\d.]+) of the bound/.exec(line)?.[1]);
          expect(ratio).toBeGreaterThanOrEqual(maxErrorRatio ?? Number.NaN);
          expect(ratio).toBeLessThan((maxErrorRatio ?? Number.NaN) + 0.01);
        }
        const rms = Number(/in view.*?RMS ([\d,.]+) m/s.exec(line)?.[1]?.replaceAll(',', ''));
        expect(Math.abs(rms - (measured?.rms ?? Number.NaN))).toBeLessThanOrEqual(0.5);
        expect(line).toMatch(/Certified levels: at most (0\.\d\d|1\.00) of the bound; RMS at level 9: /);
      }
      const [far = Number.NaN, middle = Number.NaN, near] = seen;
      expect(far).toBeLessThan(LEVELS.first);
      expect(middle).toBeGreaterThanOrEqual(LEVELS.first);
      expect(middle).toBeLessThan(LEVELS.last);
      // Nearer than the data reach, the globe draws pieces of their last level.
      expect(near).toBe(LEVELS.last);
    });

    it('turns waves on and off at sea, and leaves the land alone', async () => {
      const { page } = open;
      expect(await ask<boolean>(page, 'window.relievo.viewer.terrainProvider.hasWaterMask')).toBe(true);
      const toggle = page.locator('#water');
      expect(await toggle.isEnabled()).toBe(true);
      expect(await toggle.isChecked()).toBe(true);
      await expect(page.locator('#water-hint').isHidden()).resolves.toBe(true);
      expect(await page.locator('#water-sources').textContent()).toContain('Natural Earth 1:10m');

      await lookDown(page, LAND, 20_000);
      const land = { on: await middleOf(page), off: [] as number[] };
      await toggle.uncheck();
      await settled(page);
      land.off = await middleOf(page);
      expect(spread(land.on)).toBeGreaterThan(2);
      expect(farthest(land.on, land.off)).toBeLessThan(3);

      await lookDown(page, SEA, 20_000);
      const calm = await middleOf(page);
      await toggle.check();
      await settled(page);
      const waves = await middleOf(page);
      expect((await stateOf(page)).water).toBe(true);
      expect(spread(calm)).toBeLessThan(1);
      expect(spread(waves)).toBeGreaterThan(spread(calm) + 2);
      expect(farthest(calm, waves)).toBeGreaterThan(8);
      await toggle.uncheck();
      await settled(page);
      expect(farthest(calm, await middleOf(page))).toBeLessThan(2);
    });

    it('opens a link without waves and colours, and can switch waves on there', async () => {
      await open.page.waitForFunction("location.hash.includes('water=0')");
      const { page } = await visit(browser, `${open.page.url()}&colours=0`);
      await settled(page);
      const toggle = page.locator('#water');
      expect(await toggle.isChecked()).toBe(false);
      const calm = await middleOf(page);
      expect(spread(calm)).toBeLessThan(1);
      await toggle.check();
      await settled(page);
      expect(spread(await middleOf(page))).toBeGreaterThan(spread(calm) + 2);
      await page.close();
    });

    it('says of tiles without water masks and quality.json that and why there is none', async () => {
      const { page } = open;
      await page.locator('#water').check();
      const [quality, toggle, hint] = [page.locator('#quality'), page.locator('#water'), page.locator('#water-hint')];
      await choose(page, 'maastricht');
      expect(await quality.isVisible()).toBe(false);
      expect(await ask<boolean>(page, 'window.relievo.viewer.terrainProvider.hasWaterMask')).toBe(false);
      expect([await toggle.isDisabled(), await toggle.isChecked()]).toEqual([true, false]);
      expect(await hint.textContent()).toBe(
        'The tiles of this layer do not say where water is: they have no water mask.',
      );
      // The wish stays, here and in the link.
      await page.locator('#contours').check();
      expect((await stateOf(page)).water).toBe(true);
      await page.locator('#contours').uncheck();

      await choose(page, 'none');
      expect(await quality.isVisible()).toBe(false);
      expect([await toggle.isDisabled(), await toggle.isChecked()]).toEqual([true, false]);
      expect(await hint.textContent()).toBe('The smooth globe has no water mask.');

      await choose(page, 'coast');
      expect([await toggle.isDisabled(), await toggle.isChecked()]).toEqual([false, true]);
      expect(await hint.isVisible()).toBe(false);
      await quality.getByText('in view').waitFor();
    });

    it('says so when quality.json cannot be had, and still tells what the list of layers knows', async () => {
      const { page } = open;
      await page.route('**/quality.json', (route) => route.fulfill({ status: 503, body: 'busy' }));
      await choose(page, 'none');
      await choose(page, 'coast');
      const line = page.locator('#quality');
      await line.getByText('The server answered 503').waitFor();
      expect(await line.textContent()).toContain('Certified levels: at most');
      await page.unroute('**/quality.json');
    });

    it.each([
      { name: 'a desk', width: 1280, height: 800 },
      { name: 'a phone', width: 390, height: 844 },
    ])('fits $name: nothing overlaps, no text is cut off', async ({ width, height }) => {
      const { page } = open;
      await page.setViewportSize({ width, height });
      // Below 760 pixels the panel folds itself.
      if (width < 760) {
        await page.locator('#panel[data-folded]').waitFor();
        expect(await overlapsOf(page, width, height)).toEqual([]);
        await page.locator('#panel-toggle').click();
      }
      for (const layer of ['maastricht', 'coast']) {
        await choose(page, layer);
        expect(await overlapsOf(page, width, height), layer).toEqual([]);
        expect(await cutOff(page), layer).toEqual([]);
      }
    });
  },
);

async function choose(page: Page, layer: string): Promise<void> {
  await page.locator(`#layers input[value="${layer}"]`).click();
  await page.waitForFunction(`window.relievo.state().layer === '${layer}'`);
}

/** Straight down on a place (degrees) from a height in metres; back when all in view is drawn. */
async function lookDown(page: Page, [longitude, latitude]: readonly [number, number], height: number): Promise<void> {
  const water = (await stateOf(page)).water ? '1' : '0';
  const hash = `layer=coast&view=${longitude},${latitude},${height},0,-90&water=${water}`;
  await page.evaluate(`location.hash = '${hash}'`);
  await page.waitForFunction(`Math.abs(window.relievo.state().camera.height / ${height} - 1) < 0.01`);
  await settled(page);
}

/** Level of the most detailed tile over a place that was asked for, other than to look at the whole sheet. */
function deepestOver(requests: readonly string[], [longitude, latitude]: readonly [number, number]): number {
  const levels = requests.flatMap((url) => {
    const [z = Number.NaN, x, y] = (/coast\/(\d+)\/(\d+)\/(\d+)\.terrain/.exec(url) ?? []).slice(1).map(Number);
    const side = 180 / 2 ** z;
    const over = x === Math.floor((longitude + 180) / side) && y === Math.floor((latitude + 90) / side);
    return over && z !== LOOKED_AT ? [z] : [];
  });
  return Math.max(...levels);
}

/** Red, green and blue of 40 x 40 spots in the middle fifth of the canvas, as it is drawn. */
function middleOf(page: Page): Promise<number[]> {
  return ask(
    page,
    `(() => {
      const drawn = window.relievo.viewer.canvas;
      const flat = Object.assign(document.createElement('canvas'), { width: 40, height: 40 });
      const context = flat.getContext('2d');
      const side = drawn.height / 5;
      context.drawImage(drawn, (drawn.width - side) / 2, (drawn.height - side) / 2, side, side, 0, 0, 40, 40);
      return [...context.getImageData(0, 0, 40, 40).data].filter((_, i) => i % 4 < 3);
    })()`,
  );
}

/** Standard deviation of the greens (0..255). */
function spread(colours: readonly number[]): number {
  const greens = colours.filter((_, i) => i % 3 === 1);
  const mean = greens.reduce((a, b) => a + b) / greens.length;
  return Math.sqrt(greens.reduce((sum, green) => sum + (green - mean) ** 2, 0) / greens.length);
}

/** Greatest difference of two pictures in a colour's mean over the spots (0..255). */
function farthest(a: readonly number[], b: readonly number[]): number {
  const means = [0, 1, 2].map((band) => {
    const differences = a.flatMap((value, i) => (i % 3 === band ? [Math.abs(value - (b[i] ?? Number.NaN))] : []));
    return differences.reduce((sum, value) => sum + value, 0) / differences.length;
  });
  return Math.max(...means);
}

/** Pairs of parts of the page that lie over each other, and parts beyond its edges. */
function overlapsOf(page: Page, width: number, height: number): Promise<string[]> {
  return ask(
    page,
    `(() => {
      const ids = ['panel', 'nav', 'readout', 'scale', 'credits'];
      const boxes = ids.map((id) => [id, document.getElementById(id).getBoundingClientRect()]).filter(([, box]) => box.width > 0);
      const beyond = boxes.filter(([, b]) => b.left < 0 || b.top < 0 || b.right > ${width} || b.bottom > ${height});
      const pairs = boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
        .filter(([, q]) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom)
        .map(([b]) => a + ' over ' + b));
      return [...beyond.map(([id]) => id + ' beyond the page'), ...pairs];
    })()`,
  );
}

/** Texts of the panel that are wider than their place, or have none. */
function cutOff(page: Page): Promise<string[]> {
  return ask(
    page,
    `(() => {
      const body = document.getElementById('panel-body').getBoundingClientRect();
      return [...document.querySelectorAll('#panel-body :is(p, b, h2, .name, .switch span, .badge)')]
        .filter((e) => e.checkVisibility() && e.textContent !== '')
        .filter((e) => {
          const box = e.getBoundingClientRect();
          return e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'
            || box.left < body.left || box.right > body.right || box.height < 10;
        })
        .map((e) => e.textContent);
    })()`,
  );
}
