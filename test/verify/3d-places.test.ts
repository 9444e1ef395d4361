/** 3D Tiles where they lie: a folder and an address by the command, a surface in boxes, and what a server leaves out. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { buildSurface } from '../../tiler/pyramid/build-surface.ts';
import { readSurfaceFile } from '../../tiler/sources/surface-file.ts';
import { openJudgedFiles } from '../../tiler/verify/3d-files.ts';
import { verifyTiles3d } from '../../tiler/verify/3d-verify.ts';
import { makePatch, makePicture, patchAsGlb } from '../support/surface-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { buildSound3d, changeGlb } from './3d-copy.ts';
import { TILE } from './breakage-3d.ts';
import { wordsOf } from './judged.ts';

function verify(...words: string[]): Promise<{ code: number | null; stdout: string }> {
  const main = join(REPOSITORY, 'tiler/cli/main.ts');
  const child = spawn(process.execPath, [main, 'verify', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout })));
}

it('judges a folder and an address by the command, with exit codes, measures against the source, and names what a server leaves out', async () => {
  const { standard: files } = await buildSound3d();
  const folder = temporaryFolder();
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  const source = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, 'data/maui', `${name}.hgt.zip`));
  const sound = await verify(
    folder,
    '--json',
    '--report',
    join(folder, 'report.html'),
    '--sample',
    '4',
    '--source',
    ...source,
  );
  expect(sound.code).toBe(0);
  const report = JSON.parse(sound.stdout);
  expect(report).toMatchObject({
    sound: true,
    tileset: { kind: 'folder', format: '3dtiles', maxLevel: 6 },
    findings: [],
  });
  const { error } = report.levels[6];
  expect(error.samples).toBeGreaterThan(100_000);
  expect(error.ratio).toBeGreaterThan(0.2);
  expect(error.ratio).toBeLessThan(1);
  expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('3D Tiles');

  const server = createServer((request, answer) => {
    const path = join(folder, request.url ?? '');
    try {
      answer.end(readFileSync(path));
    } catch {
      answer.writeHead(200).end('<!doctype html>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const served = await verify(`http://127.0.0.1:${port}/tileset.json`, '--json');
  await new Promise((resolve) => server.close(resolve));
  expect(served.code).toBe(1);
  const kinds = JSON.parse(served.stdout).findings.map(({ kind }: { kind: string }) => kind);
  expect(kinds.sort()).toEqual(['http-caching', 'http-cors', 'http-missing-status', 'http-type']);

  rmSync(join(folder, TILE));
  expect(await verify(join(folder, 'tileset.json'))).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/content-missing: 1\./),
  });
});

it('finds nothing in a surface in boxes, and a mesh that leaves its box', async () => {
  const folder = temporaryFolder();
  const scene = join(folder, 'hills.glb');
  writeFileSync(scene, patchAsGlb(makePatch(160), await makePicture(256, 256)));
  const { surface } = await readSurfaceFile(scene, 'y');
  const out = join(folder, 'out');
  await buildSurface(
    { ...surface, frame: { lon: 6.86, lat: 45.83, height: 1035, heading: 30 } },
    { out, attribution: 'Hill & Co', tileTriangles: 5000 },
  );
  const files = await openJudgedFiles(out);
  const report = await verifyTiles3d(files);
  expect(wordsOf(report)).toEqual([]);
  expect(report.levels.length).toBeGreaterThan(2);
  expect(report.levels.every(({ triangles }) => triangles > 100)).toBe(true);

  const [path] = (await files.list())?.filter((name) => name.endsWith('.glb')) ?? [];
  const moved = new Map([[path, new Uint8Array(readFileSync(join(out, path)))]]);
  await changeGlb(moved, path, ({ json }) => (json.nodes[0].translation[0] += 300));
  writeFileSync(join(out, path), moved.get(path) ?? '');
  expect(wordsOf(await verifyTiles3d(files))).toEqual([expect.stringContaining(`placed-elsewhere (1) ${path}`)]);
});
