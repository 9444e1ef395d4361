/** Any number of sheets: real heights of Maui cut into small files, grouped, pooled, and remembered between starts. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FoundSheets } from '../../tiler/sources/many-sheets.ts';
import { openSource, openSources } from '../../tiler/sources/open-source.ts';
import type { RasterSource, SampleWindow } from '../../tiler/sources/raster-source.ts';
import { readSealed, writeSealed } from '../../tiler/sources/sealed-file.ts';
import { readHeaderTable, writeHeaderTable } from '../../tiler/sources/sheet-headers.ts';
import { SourcePool } from '../../tiler/sources/source-pool.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

const MAUI = join(REPOSITORY, 'data/maui/N20W157.hgt.zip');
const STEP = 1 / 3600;
const SIDE = 36;
const ACROSS = 50;
const DOWN = 40;
/** Where the cut begins in the file: half way down its land. */
const LEFT = 1750;
const TOP = 500;
const LONG_AGO = new Date('2020-01-01');

const openDescriptors = () => readdirSync('/proc/self/fd').length;

/** Older than what could have been written in the tick in which it is looked at. */
function settle(folder: string): void {
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
  utimesSync(folder, LONG_AGO, LONG_AGO);
}

/** Sheets of `side` samples cut from the file, `columns` x `rows` of them, one file each. */
async function cutSheets(source: RasterSource, folder: string, columns: number, rows: number): Promise<string[]> {
  const paths: string[] = [];
  for (let k = 0; k < columns * rows; k++) {
    const [column, row] = [LEFT + SIDE * (k % columns), TOP + SIDE * Math.floor(k / columns)];
    const heights = await source.read(0, { column, row, columns: SIDE, rows: SIDE });
    const path = join(folder, `sheet${String(k).padStart(4, '0')}.tif`);
    writeFileSync(path, sheetBytes(heights, -157 + column * STEP, 21 - row * STEP));
    paths.push(path);
  }
  settle(folder);
  return paths;
}

/** Samples on points, `x` and `y` of the first. */
function sheetBytes(heights: Float32Array, x: number, y: number): Buffer {
  const samples = Int16Array.from(heights, (height) => (Number.isNaN(height) ? -32768 : height));
  return tinyTiff({
    columns: SIDE,
    rows: SIDE,
    bits: 16,
    format: 2,
    blocks: [bytesOf(samples)],
    tags: { 42113: '-32768' },
    keys: { 1024: 2, 1025: 2, 2048: 4326 },
    tie: { x, y, step: STEP },
  });
}

let folder = '';
let paths: string[] = [];
let maui: RasterSource;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-sheets-'));
  maui = await openSource([MAUI], { hash: false });
  paths = await cutSheets(maui, folder, ACROSS, DOWN);
}, 60_000);
afterAll(async () => {
  await maui.close();
  rmSync(folder, { recursive: true });
});

const closeAll = (sources: readonly RasterSource[]) => Promise.all(sources.map((source) => source.close()));

/** The one source that the files make. */
async function openOne(names: readonly string[], options: Parameters<typeof openSources>[1] = {}) {
  const [source, ...others] = await openSources(names, options);
  expect(others).toEqual([]);
  if (source === undefined) throw new Error('a source expected');
  return source;
}

async function versionOf(names: readonly string[], options: Parameters<typeof openSources>[1] = {}) {
  const source = await openOne(names, options);
  await source.close();
  return source.info.version;
}

describe('two thousand sheets', () => {
  it('are the raster that they were cut from, with at most 128 files open', async () => {
    const before = openDescriptors();
    const heard: [number, number][] = [];
    const source = await openOne(paths, { hash: false, onScan: (done, total) => heard.push([done, total]) });
    expect(heard).toEqual([500, 1000, 1500, 2000].map((done) => [done, 2000]));
    expect(openDescriptors()).toBe(before);
    expect(source.info.levels).toEqual([{ columns: ACROSS * SIDE, rows: DOWN * SIDE, scaleX: 1, scaleY: 1 }]);
    expect(source.info.sheets).toHaveLength(2000);
    const next = seededRandom(1);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, openDescriptors() - before);
    }, 1);
    const reads = Array.from({ length: 30 }, async (_, k): Promise<SampleWindow> => {
      const side = k === 0 ? 1300 : 1 + Math.floor(next() * 200);
      const window = {
        column: Math.floor(next() * (ACROSS * SIDE - side)),
        row: Math.floor(next() * (DOWN * SIDE - side)),
        columns: side,
        rows: side,
      };
      const expected = await maui.read(0, { ...window, column: window.column + LEFT, row: window.row + TOP });
      const got = await source.read(0, window);
      most = Math.max(most, openDescriptors() - before);
      expect(Buffer.from(got.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
      return window;
    });
    await Promise.all(reads);
    clearInterval(watch);
    expect(most).toBeGreaterThan(64);
    expect(most).toBeLessThanOrEqual(128);
    await source.close();
    expect(openDescriptors()).toBe(before);
  }, 60_000);

  it('share one bound with other lists of files, few or many', async () => {
    const before = openDescriptors();
    const pool = new SourcePool(40);
    const lists = [paths.slice(0, 5), paths.slice(5, 25), paths.slice(25, 1000), paths.slice(1000)];
    const sources = await Promise.all(lists.map((names) => openOne(names, { pool, hash: false })));
    // The first are held open, and the second would leave too little for others.
    expect(openDescriptors() - before).toBe(5);
    const whole = { column: 0, row: 0, columns: ACROSS * SIDE, rows: 10 * SIDE };
    const reading = Promise.all(sources.map((source) => source.read(0, whole)));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, openDescriptors() - before);
    }, 1);
    await reading;
    clearInterval(watch);
    expect(most).toBeLessThanOrEqual(40);
    await closeAll(sources);
    expect(openDescriptors()).toBe(before);
  }, 60_000);

  it('have one version in any order and in any place where none overlap, and another when one differs', async () => {
    const some = paths.slice(0, 60);
    const version = await versionOf(some);
    expect(version).toMatch(/^[0-9a-f]{32}$/);
    expect(await versionOf(some.toReversed())).toBe(version);
    const copies = temporaryFolder(
      Object.fromEntries(some.map((path, k) => [`copy${(k * 7) % 60}.tif`, readFileSync(path)])),
    );
    const copied = readdirSync(copies).map((name) => join(copies, name));
    expect(await versionOf(copied)).toBe(version);
    expect(await versionOf(some.slice(1))).not.toBe(version);
    const bytes = readFileSync(copied[0] ?? '');
    bytes.writeInt16LE(4321, 8);
    writeFileSync(copied[0] ?? '', bytes);
    expect(await versionOf(copied)).not.toBe(version);
    // The order of overlapping ones counts, that of the others does not.
    const [first = '', ...others] = some;
    expect(await versionOf([...copied, first])).not.toBe(await versionOf([first, ...copied]));
    expect(await versionOf([first, ...others, ...copied])).toBe(
      await versionOf([first, ...others.toReversed(), ...copied]),
    );
  }, 60_000);

  it('refuse to be read when one was replaced or is gone since it was looked at, and other places go on', async () => {
    const own = temporaryFolder();
    const copies = await cutSheets(maui, own, 10, 10);
    const source = await openOne(copies, { hash: false });
    const at = (k: number) => ({ column: SIDE * (k % 10), row: SIDE * Math.floor(k / 10), columns: SIDE, rows: SIDE });
    const [a = '', b = '', c = '', d = ''] = copies.slice(50);
    const other = readFileSync(copies[0] ?? '');
    // Of the same size, and the time put back: the inode tells.
    writeFileSync(join(own, 'new'), other);
    renameSync(join(own, 'new'), a);
    utimesSync(a, LONG_AGO, LONG_AGO);
    writeFileSync(b, other);
    writeFileSync(c, 'no raster');
    rmSync(d);
    const changed = /has changed since it was first looked at.*start again/;
    for (const [k, path] of [a, b, c].entries()) {
      await expect(source.read(0, at(50 + k))).rejects.toMatchObject({
        code: 'input-invalid',
        where: path,
        message: expect.stringMatching(changed),
      });
    }
    await expect(source.read(0, at(53))).rejects.toMatchObject({ code: 'input-missing', where: d });
    const untouched = await source.read(0, at(54));
    expect([...untouched]).toEqual([
      ...(await maui.read(0, { ...at(54), column: LEFT + at(54).column, row: TOP + at(54).row })),
    ]);
    await source.close();
  }, 60_000);

  it('are refused with the first that cannot be read, and can be given up', async () => {
    const before = openDescriptors();
    const own = temporaryFolder({ 'broken.tif': 'II*\0', 'empty.tif': '' });
    const names = [...paths.slice(0, 40), join(own, 'broken.tif'), join(own, 'empty.tif'), ...paths.slice(40, 80)];
    await expect(openSources(names)).rejects.toMatchObject({ where: join(own, 'broken.tif') });
    const giveUp = new AbortController();
    const reason = new Error('enough');
    const opening = openSources(paths, { onScan: () => giveUp.abort(reason), signal: giveUp.signal });
    await expect(opening).rejects.toBe(reason);
    await expect.poll(openDescriptors).toBe(before);
  }, 60_000);
});

describe('what one thread has found out about sheets', () => {
  /** As it is sent to another. */
  async function findOut(names: readonly string[], options: Parameters<typeof openSources>[1] = {}) {
    const heard: FoundSheets[] = [];
    const source = await openOne(names, { ...options, onFound: (found) => heard.push(found) });
    return { source, found: structuredClone(heard[0]) };
  }

  it('is all that another needs to read the same, without a look at any file', async () => {
    const { source, found } = await findOut(paths);
    const scans: number[] = [];
    const other = await openOne(paths, { found, onScan: (done) => scans.push(done) });
    expect(scans).toEqual([]);
    expect(other.info).toEqual(source.info);
    const window = { column: 100, row: 200, columns: 300, rows: 150 };
    expect(await other.read(0, window)).toEqual(await source.read(0, window));
    const unhashed = await openOne(paths, { found, hash: false });
    expect(unhashed.info).toEqual({ ...source.info, version: '' });
    await closeAll([source, other, unhashed]);
  }, 60_000);

  it('holds only for files as they were then', async () => {
    const own = temporaryFolder();
    const names = await cutSheets(maui, own, 40, 1);
    const { source, found } = await findOut(names);
    writeFileSync(names[7] ?? '', readFileSync(names[8] ?? ''));
    const other = await openOne(names, { found });
    const at = (k: number) => ({ column: SIDE * k, row: 0, columns: SIDE, rows: SIDE });
    await expect(other.read(0, at(7))).rejects.toMatchObject({ code: 'input-invalid', where: names[7] });
    expect(await other.read(0, at(8))).toHaveLength(SIDE * SIDE);
    await closeAll([source, other]);
  }, 60_000);

  it('is not handed on where versions are unknown, or of VRTs, whose files each thread has to look at itself', async () => {
    const some = paths.slice(0, 40);
    const unhashed = await findOut(some, { hash: false });
    expect(unhashed.found).toBeUndefined();
    const vrt = `<VRTDataset rasterXSize="${SIDE}" rasterYSize="${SIDE}">
      <SRS>EPSG:4326</SRS><GeoTransform>-157, ${STEP}, 0, 20, 0, -${STEP}</GeoTransform>
      <VRTRasterBand dataType="Int16" band="1"><SimpleSource><SourceFilename>${some[0]}</SourceFilename>
      <SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="${SIDE}" ySize="${SIDE}"/>
      <DstRect xOff="0" yOff="0" xSize="${SIDE}" ySize="${SIDE}"/></SimpleSource></VRTRasterBand></VRTDataset>`;
    const withVrt = [...some, join(temporaryFolder({ 'one.vrt': vrt }), 'one.vrt')];
    const heard: FoundSheets[] = [];
    await closeAll(await openSources(withVrt, { allow: [folder], onFound: (found) => heard.push(found) }));
    expect(heard).toEqual([]);
  }, 60_000);
});

describe('what is remembered of sheets between starts', () => {
  const keptIn = (cache: string, ending: string) =>
    readdirSync(join(cache, 'files'))
      .filter((name) => name.endsWith(ending))
      .map((name) => join(cache, 'files', name));

  /** Puts another version in the place of every file's, as only who reads the table can see. */
  async function mark(kept: string): Promise<void> {
    const table = await readHeaderTable(kept);
    if (table === undefined) throw new Error('a table expected');
    table.columns.versions.fill(255);
    await writeHeaderTable(kept, table);
  }

  /** A folder of sheets of its own, and what they are without any cache. */
  async function someSheets(count = 40) {
    const own = temporaryFolder();
    const names = await cutSheets(maui, own, count, 1);
    return { own, names, cacheFolder: temporaryFolder(), plain: await versionOf(names) };
  }

  it('is taken instead of opening files that are as they were, and only of those', async () => {
    const { names, cacheFolder, plain } = await someSheets();
    const fresh = await openOne(names, { cacheFolder });
    expect(fresh.info.version).toBe(plain);
    const again = await openOne(names, { cacheFolder });
    expect(again.info).toEqual(fresh.info);
    const whole = { column: 0, row: 0, columns: 40 * SIDE, rows: SIDE };
    expect(await again.read(0, whole)).toEqual(await fresh.read(0, whole));
    await closeAll([fresh, again]);
    const [kept = ''] = keptIn(cacheFolder, '.headers');
    await mark(kept);
    const marked = await versionOf(names, { cacheFolder });
    expect(marked).not.toBe(plain);
    expect(await versionOf(names, { cacheFolder, hash: false })).toBe('');
    // Touched: known by its hash, which is right again; the others are still taken from the table.
    utimesSync(names[3] ?? '', new Date('2021-01-01'), new Date('2021-01-01'));
    const touched = await versionOf(names, { cacheFolder });
    expect([plain, marked]).not.toContain(touched);
    // Another way to understand them has a table of its own.
    expect(await versionOf(names, { cacheFolder, verticalDatum: 'ellipsoid' })).toBe(plain);
    expect(keptIn(cacheFolder, '.headers')).toHaveLength(2);
    expect(keptIn(cacheFolder, '.hashes')).toHaveLength(1);
  }, 60_000);

  it('is thrown away where it is damaged, and written anew', async () => {
    const { names, cacheFolder, plain } = await someSheets();
    await versionOf(names, { cacheFolder });
    const kept = [...keptIn(cacheFolder, '.headers'), ...keptIn(cacheFolder, '.hashes')];
    expect(kept).toHaveLength(2);
    for (const damage of [
      (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
      (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === Math.floor(bytes.length / 2) ? byte ^ 1 : byte))),
      () => Buffer.alloc(0),
      () => Buffer.from('something else\n{}'),
    ]) {
      const whole = kept.map((path) => readFileSync(path));
      for (const [k, path] of kept.entries()) writeFileSync(path, damage(whole[k] ?? Buffer.alloc(0)));
      expect(await versionOf(names, { cacheFolder })).toBe(plain);
      for (const [k, path] of kept.entries()) expect(readFileSync(path)).toHaveLength(whole[k]?.length ?? 0);
    }
    expect(readdirSync(join(cacheFolder, 'files'))).toHaveLength(2);
  }, 60_000);

  it('is whole when several look at the same files at once', async () => {
    const { names, cacheFolder, plain } = await someSheets();
    const versions = await Promise.all([1, 2, 3, 4].map(() => versionOf(names, { cacheFolder })));
    expect(versions).toEqual([plain, plain, plain, plain]);
    const kept = [...keptIn(cacheFolder, '.headers'), ...keptIn(cacheFolder, '.hashes')];
    expect(readdirSync(join(cacheFolder, 'files'))).toHaveLength(kept.length);
    expect((await readHeaderTable(kept[0] ?? ''))?.names).toHaveLength(names.length);
  }, 60_000);

  it('notices a sidecar that comes, changes or goes', async () => {
    const { own, names, cacheFolder } = await someSheets();
    const versions: string[] = [await versionOf(names, { cacheFolder })];
    const ovr = join(own, 'sheet0003.tif.ovr');
    for (const value of [1, 2]) {
      const bytes = tinyTiff({
        columns: 18,
        rows: 18,
        bits: 16,
        format: 2,
        blocks: [bytesOf(new Int16Array(324).fill(value))],
      });
      writeFileSync(ovr, bytes);
      settle(own);
      const version = await versionOf(names, { cacheFolder });
      expect(version).toBe(await versionOf(names));
      versions.push(version);
    }
    expect(new Set(versions).size).toBe(3);
    rmSync(ovr);
    settle(own);
    expect(await versionOf(names, { cacheFolder })).toBe(versions[0]);
  }, 60_000);

  it('leaves out what has only just been written', async () => {
    const { names, cacheFolder } = await someSheets();
    const now = new Date();
    for (const name of names) utimesSync(name, now, now);
    await versionOf(names, { cacheFolder });
    expect(readdirSync(cacheFolder)).toEqual([]);
  }, 60_000);

  it('holds the hash of each of a few files, too', async () => {
    const own = temporaryFolder();
    const names = await cutSheets(maui, own, 2, 1);
    const cacheFolder = temporaryFolder();
    const version = await versionOf(names, { cacheFolder });
    expect(version).toBe(await versionOf(names));
    const kept = keptIn(cacheFolder, '.hash');
    expect(kept).toHaveLength(2);
    const entry = (await readSealed(kept[0] ?? '', 'hash 1')) as string[];
    await writeSealed(kept[0] ?? '', 'hash 1', [entry[0], entry[1], '0'.repeat(32)]);
    expect(await versionOf(names, { cacheFolder })).not.toBe(version);
    writeFileSync(kept[0] ?? '', 'damaged');
    expect(await versionOf(names, { cacheFolder })).toBe(version);
    expect(await readSealed(kept[0] ?? '', 'hash 1')).toEqual(entry);
    // Written again with other bytes: the old hash is no longer taken, whatever the clock of the file says.
    const bytes = readFileSync(names[0] ?? '');
    bytes.writeInt16LE(77, 8);
    writeFileSync(names[0] ?? '', bytes);
    utimesSync(names[0] ?? '', LONG_AGO, LONG_AGO);
    expect(await versionOf(names, { cacheFolder })).toBe(await versionOf(names));
  }, 60_000);
});

describeWithData(
  'files of several grids',
  [
    'geotiff/swiss_lv95_float32_cog.tif',
    'geotiff/gabon_utm32_int16.tif',
    'geotiff/korea5186_34707051.tif',
    'geotiff/korea5186_34707052.tif',
    'geotiff/oregon_4269_w124.tif',
    'geotiff/oregon_4269_w123.tif',
  ],
  (swiss, gabon, korea1, korea2, oregon1, oregon2) => {
    it('are a source for each, in the order of the first file of each', async () => {
      const east = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');
      const names = [korea2, swiss, MAUI, oregon1, korea1, gabon, oregon2, east];
      const sources = await openSources(names, { hash: false });
      expect(sources.map(({ info }) => info.sheets.map(({ file }) => file.slice(0, 7)))).toEqual([
        ['korea51', 'korea51'],
        ['swiss_l'],
        ['N20W157', 'N20W156'],
        ['oregon_'],
        ['gabon_u'],
        ['oregon_'],
      ]);
      // A file that is alone on its grid keeps the levels of its own.
      expect(sources[1]?.info.levels.length).toBe((await levelsOf(swiss)).length);
      await closeAll(sources);
      await expect(openSource(names, { hash: false })).rejects.toMatchObject({
        code: 'input-unsupported',
        message: expect.stringMatching(/swiss.* does not continue korea.*coordinate system is/),
      });
    });

    it('are told apart by what is said of their heights and by their own datum', async () => {
      const own = temporaryFolder({
        'GLO30.tif': readFileSync(paths[0] ?? ''),
        'plain.tif': readFileSync(paths[1] ?? ''),
      });
      const names = [join(own, 'GLO30.tif'), join(own, 'plain.tif')];
      const apart = await openSources(names, { hash: false });
      expect(apart.map(({ info }) => info.vertical.datum)).toEqual(['egm2008', 'egm96']);
      const alike = await openSources(names, { hash: false, verticalDatum: 'egm96' });
      expect(alike).toHaveLength(1);
      await closeAll([...apart, ...alike]);
    });
  },
);

async function levelsOf(path: string) {
  const source = await openOne([path], { hash: false });
  await source.close();
  return source.info.levels;
}
