/**
 * The package as its users get it: packed, installed into an empty folder without what only developers need, and run
 * from there: terrain on screen from a raster file, with nothing of the checkout in reach.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LayerSummary } from '../../server/routes/layers.ts';
import { REPOSITORY } from '../support/test-data.ts';

const runFile = promisify(execFile);
const DEM = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');
const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));

/** Everything that an install brings, in bytes, most of it loaders.gl and sharp; the README states what it is, this holds it down. */
const GREATEST_INSTALL = 190e6;

const folder = mkdtempSync(join(tmpdir(), 'relievo-package-'));
// What the shell would find first is this Node: the installed command starts with `env node`.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };
const relievo = (...args: string[]) => runFile('npx', ['--no-install', 'relievo', ...args], { cwd: folder, env });

beforeAll(async () => {
  await runFile('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: REPOSITORY, env });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  await runFile('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder, env });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the installed package', () => {
  it('holds the command, the viewer, the base relief and its papers, and no sources, tests or other data', () => {
    const root = join(folder, 'node_modules/relievo');
    expect(readdirSync(root).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'NOTICE',
      'README.md',
      'data',
      'dist',
      'package.json',
    ]);
    expect(readdirSync(join(root, 'dist')).sort()).toEqual(['server', 'tiler', 'viewer']);
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => /\.(hgt|tif|zip|tgz)$|(?<!\.d)\.ts$|\.test\./.test(name))).toEqual([
      'data/base/relief-5min.tif',
    ]);
    expect(names.filter((name) => name.startsWith('data/'))).toHaveLength(2);
  });

  it('finds its base relief where it was installed, the same bytes as in the checkout', async () => {
    const find = `import { bundledBasePath } from ${JSON.stringify(join(folder, 'node_modules/relievo/dist/tiler/sources/bundled-base.js'))};
      process.stdout.write(bundledBasePath());`;
    const { stdout } = await runFile(process.execPath, ['--input-type=module', '--eval', find], { cwd: folder });
    expect(realpathSync(stdout)).toBe(realpathSync(join(folder, 'node_modules/relievo/data/base/relief-5min.tif')));
    expect(readFileSync(stdout).equals(readFileSync(join(REPOSITORY, 'data/base/relief-5min.tif')))).toBe(true);
  });

  it('takes little room', ({ annotate }) => {
    const bytes = sizeOf(join(folder, 'node_modules'));
    const own = sizeOf(join(folder, 'node_modules/relievo'));
    annotate(`${(bytes / 1e6).toFixed(1)} MB installed, ${(own / 1e6).toFixed(1)} MB of it relievo itself`);
    expect(bytes).toBeLessThan(GREATEST_INSTALL);
  });

  it('knows its version', async () => {
    expect((await relievo('--version')).stdout.trim()).toBe(version);
  });

  it('names its commands', async () => {
    const { stdout } = await relievo('--help');
    for (const command of ['build', 'serve', 'info', 'sample'])
      expect(stdout).toMatch(new RegExp(`^ +${command}\\b`, 'm'));
  });

  it('serves a raster: health, catalog, a tile and the viewer', async () => {
    await withServer([DEM], async (url) => {
      expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok', version });

      const layers = (await (await fetch(`${url}/layers`)).json()) as LayerSummary[];
      expect(layers).toHaveLength(1);
      const [{ addresses, bounds }] = layers;
      expect(bounds[0]).toBeCloseTo(-156, 2);

      const tile = await fetch(`${addresses.terrain}/0/0/0.terrain`);
      expect(tile.status).toBe(200);
      expect((await tile.arrayBuffer()).byteLength).toBeGreaterThan(88);

      const page = await fetch(`${url}/`);
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      const html = await page.text();
      const script = html.match(/<script[^>]+src="([^"]+)"/)?.[1];
      expect(script, html).toBeDefined();
      expect((await fetch(new URL(script ?? '', `${url}/`))).status).toBe(200);
      expect((await fetch(`${url}/cesium/Assets/approximateTerrainHeights.json`)).status).toBe(200);
    });
  });
});

/** Runs `relievo serve` on a free port for as long as `use` takes, and stops it as a service would be. */
async function withServer(sources: readonly string[], use: (url: string) => Promise<void>): Promise<void> {
  // Not by npx, which does not always hand a signal on.
  const command = join(folder, 'node_modules/relievo/dist/tiler/cli/main.js');
  const server = spawn(process.execPath, [command, 'serve', ...sources, '--port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => server.once('exit', (code) => resolve(code)));
  let errors = '';
  server.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  try {
    const url = await Promise.race([
      addressFrom(server.stdout),
      ended.then((code) => `ended with code ${code}: ${errors}`),
    ]);
    expect(url).toMatch(/^http:/);
    await use(url);
  } finally {
    server.kill('SIGTERM');
  }
  expect(await ended, errors).toBe(0);
}

/** The first address that the server says; it goes on being read, so that the server never waits for us. */
function addressFrom(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const url = line.match(/http:\/\/[^\s/]+:\d+/)?.[0];
      if (url !== undefined) resolve(url);
    });
  });
}

function sizeOf(path: string): number {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
