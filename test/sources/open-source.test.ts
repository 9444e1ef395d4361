import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSource } from '../../tiler/sources/open-source.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';
import { describeRasterSource } from './conformance.ts';

const WEST = join(REPOSITORY, 'data/maui/N20W157.hgt.zip');
const EAST = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relievo-open-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const TINY = tinyTiff({ columns: 2, rows: 2, bits: 16, format: 2, blocks: [bytesOf(Int16Array.of(1, 2, 3, 4))] });

async function infoOf(paths: string[], options: Parameters<typeof openSource>[1] = {}) {
  const source = await openSource(paths, options);
  await source.close();
  return source.info;
}

const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });

describeRasterSource('two sheets as the user gives them', () => openSource([WEST, EAST], { hash: false }));

describe('openSource', () => {
  it('finds the format by content before the name', async () => {
    expect((await infoOf([await put('heights.dat', TINY)])).format).toBe('GeoTIFF');
    expect((await infoOf([await put('N10E010.hgt', TINY)])).format).toBe('GeoTIFF');
    expect((await infoOf([EAST])).format).toBe('SRTM');
  });

  it('has a version of the content: equal wherever the file lies, in any order, whatever is said of the heights', async () => {
    const copies = ['N20W157.hgt.zip', 'N20W156.hgt.zip'].map((name) => join(folder, name));
    await copyFile(WEST, copies[0] ?? '');
    await copyFile(EAST, copies[1] ?? '');
    const { version } = await infoOf([WEST, EAST]);
    expect(version).toMatch(/^[0-9a-f]{32}$/);
    expect((await infoOf(copies)).version).toBe(version);
    expect((await infoOf([EAST, WEST])).version).toBe(version);
    expect((await infoOf([WEST, EAST], { verticalDatum: 'ellipsoid' })).version).toBe(version);
    expect((await infoOf([WEST])).version).not.toBe(version);
    expect((await infoOf([WEST, EAST], { hash: false })).version).toBe('');
  });

  it('tells .hgt of the same bytes and another name apart, because the name says where they lie', async () => {
    const bytes = new Uint8Array(1201 * 1201 * 2);
    const [here, there] = [await put('N10E011.hgt', bytes), await put('N10E012.hgt', bytes)];
    expect((await infoOf([here])).version).not.toBe((await infoOf([there])).version);
  });

  it('puts what the user says of heights above what the file says', async () => {
    const path = await put('plain.tif', TINY);
    expect((await infoOf([path])).vertical).toMatchObject({ datum: 'egm96', known: 'assumed', unit: 'metre' });
    expect((await infoOf([path], { verticalDatum: 'ellipsoid' })).vertical).toMatchObject({
      datum: 'ellipsoid',
      known: 'option',
    });
    expect((await infoOf([path], { verticalDatum: 'local.gtx', verticalUnit: 'us-foot' })).vertical).toMatchObject({
      datum: 'local.gtx',
      known: 'option',
      unitMetres: 1200 / 3937,
      unit: 'US survey foot',
    });
    expect((await infoOf([path], { verticalUnit: '0.01' })).vertical).toMatchObject({
      known: 'assumed',
      unitMetres: 0.01,
    });
    for (const verticalUnit of ['cubit', '0', '-1', ''])
      await expect(infoOf([path], { verticalUnit })).rejects.toEqual(refusal('usage', /vertical unit is metre, foot/));
  });

  it('refuses each kind of wrong file with a sentence of its own', async () => {
    await expect(openSource([])).rejects.toEqual(refusal('usage', /at least one elevation file/));
    await expect(openSource([join(folder, 'absent.tif')])).rejects.toEqual(refusal('input-missing', /no such file/));
    await mkdir(join(folder, 'folder.tif'));
    await expect(openSource([join(folder, 'folder.tif')])).rejects.toEqual(refusal('input-invalid', /is a folder/));
    await expect(openSource([await put('empty.tif', '')])).rejects.toEqual(
      refusal('input-invalid', /is empty \(0 bytes\)/),
    );
    await expect(openSource([await put('text.tif', 'heights of the Alps\n')])).rejects.toEqual(
      refusal('input-invalid', /named as a TIFF.*looks like text/),
    );
    await expect(openSource([await put('page.tif', '<!DOCTYPE html><title>404')])).rejects.toEqual(
      refusal('input-invalid', /a web page/),
    );
    await expect(openSource([await put('a.png', '\x89PNG')])).rejects.toEqual(
      refusal('input-unsupported', /Expected a GeoTIFF or SRTM/),
    );
    await expect(openSource([await put('short.tif', 'II*')])).rejects.toEqual(
      refusal('input-invalid', /named as a TIFF/),
    );
    await expect(openSource([await put('N10E010.hgt.zip', 'not a zip')])).rejects.toMatchObject({
      code: 'input-invalid',
    });
  });

  it.skipIf(process.getuid?.() === 0)('refuses a file that may not be read', async () => {
    const path = await put('secret.tif', TINY);
    await chmod(path, 0);
    await expect(openSource([path])).rejects.toEqual(refusal('input-missing', /may not be read/));
  });

  it('closes what it opened when a later file is refused', async () => {
    const good = await put('good.tif', TINY);
    for (let i = 0; i < 5; i++)
      await expect(openSource([good, join(folder, 'absent.tif')])).rejects.toMatchObject({ code: 'input-missing' });
    await expect(openSource([good], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('reads the same with a cache too small to hold a block', async () => {
    const options = { hash: false, cacheBytes: 10 };
    const [small, large] = [await openSource([WEST, EAST], options), await openSource([WEST, EAST], { hash: false })];
    const window = { column: 3550, row: 1200, columns: 100, rows: 100 };
    expect(await small.read(0, window)).toEqual(await large.read(0, window));
    await Promise.all([small.close(), large.close()]);
  });
});

describeWithData(
  'global files',
  ['derived/etopo5_global_lon0-360_int16.tif', 'derived/etopo5_aleutians_lon170-190.tif'],
  (world, aleutians) => {
    it('repeats round the world at every level', async () => {
      const source = await openSource([world], { hash: false });
      expect(source.info.periodColumns).toBe(4320);
      expect(source.info.levels.map(({ columns }) => columns)).toEqual([4320, 2160, 1080, 540, 270, 135]);
      const across = await source.read(2, { column: -3, row: 200, columns: 6, rows: 1 });
      const end = await source.read(2, { column: 1077, row: 200, columns: 3, rows: 1 });
      const start = await source.read(2, { column: 0, row: 200, columns: 3, rows: 1 });
      expect([...across]).toEqual([...end, ...start]);
      await source.close();
    });

    it('keeps longitudes beyond 180 as the file has them', async () => {
      const { affine, periodColumns } = await infoOf([aleutians]);
      expect(affine.c).toBeCloseTo(170 + 1 / 12, 6);
      expect(periodColumns).toBeUndefined();
    });
  },
);
