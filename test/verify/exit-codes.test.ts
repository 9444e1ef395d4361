/** What `relievo verify` ends with: a verdict (0, 1), wrong words (2), or that nothing could be judged (3). */
import { spawn } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tilePath } from '../../tiler/verify/tiling.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { planTile, writeTile } from './tiny-tile.ts';

const MAIN = join(REPOSITORY, 'tiler/cli/main.ts');
const SHEET = join(REPOSITORY, 'data/maui/N20W157.hgt.zip');

function verify(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, 'verify', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** Both roots and their children, flat. */
function soundFolder(): string {
  const folder = temporaryFolder();
  for (const [z, count] of [2, 8].entries()) {
    for (let k = 0; k < count; k++) {
      const id = { z, x: k >> z, y: k & z };
      const path = join(folder, tilePath(id));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        writeTile(
          planTile(id, () => 0, { cells: 16 }),
          'gzip',
        ),
      );
    }
  }
  const layer = {
    tilejson: '2.1.0',
    name: 'flat',
    description: '',
    version: '1.0.0',
    format: 'quantized-mesh-1.0',
    attribution: '',
    scheme: 'tms',
    projection: 'EPSG:4326',
    tiles: ['{z}/{x}/{y}.terrain'],
    bounds: [-180, -90, 180, 90],
    minzoom: 0,
    maxzoom: 1,
    extensions: ['octvertexnormals'],
    available: [0, 1].map((z) => [{ startX: 0, startY: 0, endX: 2 ** (z + 1) - 1, endY: 2 ** z - 1 }]),
  };
  writeFileSync(join(folder, 'layer.json'), JSON.stringify(layer));
  return folder;
}

describe('relievo verify ends', () => {
  it('with 0 without a fault, and with 1 for a fault of a tile', async () => {
    const folder = soundFolder();
    const sound = await verify(folder);
    expect(sound.stderr).not.toMatch(/fault of Relievo/);
    expect(sound.stdout).toMatch(/No faults/);
    expect(sound.code).toBe(0);
    truncateSync(join(folder, '1/0/0.terrain'), 40);
    const broken = await verify(folder);
    expect(broken.stdout).toMatch(/gzip-broken|truncated/);
    expect(broken.code).toBe(1);
  });

  it('with 2 for wrong words, with or without a tileset', async () => {
    expect((await verify(soundFolder(), '--sample', '0')).code).toBe(2);
    expect((await verify('nowhere', '--no-such-flag')).code).toBe(2);
    expect((await verify()).code).toBe(2);
    expect((await verify('--help')).code).toBe(0);
  });

  it('with 3 where there is no tileset: no folder, an empty one, an address without an answer or with 404', async () => {
    const missing = await verify(join(temporaryFolder(), 'nowhere'));
    expect(missing.stderr).toMatch(/is not there; expected a folder/);
    expect(missing.code).toBe(3);
    const empty = await verify(temporaryFolder());
    expect(empty.stdout).toMatch(/no tiles/);
    expect(empty.code).toBe(3);
    const server = createServer((_, answer) => answer.writeHead(404).end('nothing here'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/terrain`;
    expect((await verify(url)).code).toBe(3);
    await new Promise((resolve) => server.close(resolve));
    const silent = await verify(url);
    expect(silent.stderr).toMatch(/No answer could be read/);
    expect(silent.code).toBe(3);
  });

  it('with 1 where a document that can be read, or tiles without one, show a fault', async () => {
    const alone = temporaryFolder();
    writeFileSync(join(alone, 'layer.json'), 'no JSON');
    expect((await verify(alone)).code).toBe(1);
    const headless = temporaryFolder();
    mkdirSync(join(headless, '0/0'), { recursive: true });
    writeFileSync(join(headless, '0/0/0.terrain'), 'no tile');
    expect((await verify(headless)).code).toBe(1);
  });

  it('with 3 where the source cannot be read, or the report not be written', async () => {
    const folder = soundFolder();
    const place = temporaryFolder();
    const nothing = await verify(folder, '--source', join(place, 'nowhere.tif'));
    expect(nothing.stderr).toMatch(/nowhere\.tif/);
    expect(nothing.code).toBe(3);
    const noRaster = join(place, 'words.tif');
    writeFileSync(noRaster, 'these are words');
    const words = await verify(folder, '--source', noRaster);
    expect(words.stderr).toMatch(/words\.tif/);
    expect(words.code).toBe(3);
    const nowhere = await verify(folder, '--source', SHEET, '--report', join(place, 'none', 'report.html'));
    expect(nowhere.stderr).toMatch(/report cannot be written/);
    expect(nowhere.code).toBe(3);
  });
});
