import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openSources } from '../../tiler/sources/open-source.ts';
import { openPrepared, type PreparedSource } from '../../tiler/sources/prepared-source.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { memorySource } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

const affine = { a: 0.01, b: 0, c: 10, d: 0, e: -0.01, f: 50 };
const CODE_STEP = 2 ** (1 / 6);

/** Hills with scattered voids and a void quarter, of heights that are multiples of nothing. */
function hills(columns: number, rows: number): RasterSource {
  const isVoid = (c: number, r: number) => (c * 7919 + r * 104729) % 31 === 0 || (c > columns / 2 && r > rows / 2);
  const values = (c: number, r: number) =>
    isVoid(c, r) ? Number.NaN : Math.fround(500 * Math.sin(c / 40) * Math.cos(r / 33) + c / 3);
  return memorySource({ columns, rows, affine, values });
}

/** The source with level 0 alone, whatever overviews its file has. */
function fullResolution(source: RasterSource): RasterSource {
  return { ...source, info: { ...source.info, levels: source.info.levels.slice(0, 1) } };
}

/** To the last bit; vitest's own comparison takes minutes for millions. */
function expectSame(a: Float32Array, b: Float32Array): void {
  expect(a.length).toBe(b.length);
  const different = a.findIndex((value, i) => !Object.is(value, b[i]));
  expect([different, a[different]]).toEqual([-1, undefined]);
}

/** Of every level: the same numbers as in memory, and bounds that hold for each full-resolution sample and little more. */
async function checkLevels(prepared: PreparedSource, source: RasterSource): Promise<void> {
  const inMemory = withOverviews(fullResolution(source));
  expect(prepared.info.levels).toEqual(inMemory.info.levels);
  for (const [level, { columns, rows, scaleX }] of prepared.info.levels.entries()) {
    const window = { column: 0, row: 0, columns, rows };
    const means = await prepared.read(level, window);
    expectSame(means, await inMemory.read(level, window));
    const full = await source.read(0, { column: 0, row: 0, columns: columns * scaleX, rows: rows * scaleX });
    const bounds = await prepared.readBounds?.(level, window);
    if (bounds === undefined) throw new Error('no bounds');
    const above = new Float64Array(means.length);
    const below = new Float64Array(means.length);
    for (let i = 0; i < full.length; i++) {
      const [c, r] = [i % (columns * scaleX), Math.floor(i / (columns * scaleX))];
      const cell = Math.floor(r / scaleX) * columns + Math.floor(c / scaleX);
      if (Number.isNaN(full[i])) continue;
      const fromMiddle = (k: number) => ((k % scaleX) + 0.5) / scaleX - 0.5;
      const plane = means[cell] + fromMiddle(c) * bounds.east[cell] + fromMiddle(r) * bounds.south[cell];
      above[cell] = Math.max(above[cell], full[i] - plane);
      below[cell] = Math.max(below[cell], plane - full[i]);
    }
    let [broken, total, least] = [0, 0, 0];
    for (let cell = 0; cell < means.length; cell++) {
      if (Number.isNaN(means[cell])) continue;
      for (const [reach, bound] of [
        [above[cell], bounds.above[cell]],
        [below[cell], bounds.below[cell]],
      ]) {
        // Numbers in files are floats.
        if (bound < reach - Math.abs(means[cell]) * 1e-6 - 1e-6) broken++;
        total += bound;
        least += Math.max(reach, 1 / 256);
      }
    }
    expect([level, broken]).toEqual([level, 0]);
    // From level to level a little is lost.
    expect(total / least).toBeLessThan(level < 2 ? CODE_STEP : 3);
  }
}

async function prepared(source: RasterSource, folder = temporaryFolder()): Promise<PreparedSource> {
  const out = openPrepared(source, { folder });
  await out.prepare();
  return out;
}

describeRasterSource('prepared', async () => prepared(hills(701, 1530)));

describe('a prepared source', () => {
  it('has levels that cannot be read before they are made, and a version of its own', async () => {
    const folder = temporaryFolder();
    const source = openPrepared(hills(701, 530), { folder });
    const other = openPrepared(hills(701, 530), { folder });
    expect(source.info.version).not.toBe(hills(701, 530).info.version);
    expect([source.storedLevels, source.blocksToPrepare]).toEqual([1, 5]);
    const window = { column: 0, row: 0, columns: 9, rows: 9 };
    await expect(source.read(1, window)).rejects.toMatchObject({ code: 'busy' });
    const seen: [number, number][] = [];
    await source.prepare({ onProgress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([5, 5]);
    expect([source.storedLevels, source.blocksToPrepare]).toEqual([3, 0]);
    // One that was opened before finds them too.
    expect(await other.read(1, window)).toEqual(await source.read(1, window));
    await source.prepare({ onProgress: () => expect.unreachable() });
    await Promise.all([source.close(), other.close()]);
  });

  it('has what is made in memory, with bounds: hills with voids, more than a stripe wide', async () => {
    const source = hills(17_001, 700);
    await checkLevels(await prepared(source), source);
  });

  it('reads strips in their whole width', async () => {
    const base = hills(17_001, 700);
    const reads: number[] = [];
    const source: RasterSource = {
      ...base,
      piece: { columns: 17_001, rows: 1 },
      read: (level, window, options) => {
        reads.push(window.columns);
        return base.read(level, window, options);
      },
    };
    const wide = await prepared(source);
    expect(Math.min(...reads)).toBeGreaterThanOrEqual(17_001);
    await checkLevels(wide, base);
  });

  it('goes round the world', async () => {
    const source = memorySource({
      columns: 1441,
      rows: 721,
      affine: { a: 0.25, b: 0, c: -180, d: 0, e: -0.25, f: 90 },
      values: (c, r) => 100 * Math.sin((c % 1440) / 50) + r,
      periodColumns: 1440,
    });
    const file = await prepared(source);
    const memory = withOverviews(source);
    for (let level = 0; level < file.info.levels.length; level++) {
      const window = { column: -20, row: -3, columns: 2000 >> level, rows: 40 };
      expectSame(await file.read(level, window), await memory.read(level, window));
    }
  });

  it('holds nothing between sheets that lie far apart', async () => {
    const base = hills(60_000, 600);
    const sheets = [0, 59_000].map((column) => ({ file: 'a', column, row: 0, columns: 600, rows: 600 }));
    const source: RasterSource = { ...base, info: { ...base.info, sheets } };
    const sparse = await prepared(source);
    expect(sparse.storedLevels).toBe(9);
    const memory = withOverviews(source);
    for (let level = 1; level < 9; level++) {
      const { columns, rows } = sparse.info.levels[level];
      const window = { column: 0, row: 0, columns, rows };
      expectSame(await sparse.read(level, window), await memory.read(level, window));
    }
    expect(statSync(sparse.file ?? '').size).toBeLessThan(2_000_000);
  });

  it('keeps very large and very small heights, whatever their unit', async () => {
    const vertical = { ...hills(2, 2).info.vertical, unitMetres: 0.0003048, unit: 'thousandth of a foot' };
    const values = (c: number, r: number) => (c % 3 === 0 ? 3.2e8 - r : c % 3 === 1 ? -3.2e8 + r : r / 1e4);
    const source = memorySource({ columns: 520, rows: 300, affine, vertical, values });
    await checkLevels(await prepared(source), source);
  });
});

describe('the file of a prepared source', () => {
  it('is made anew when any byte of it has changed, or when it is cut off', async () => {
    const source = hills(900, 700);
    const folder = temporaryFolder();
    const first = await prepared(source, folder);
    const path = first.file ?? '';
    const sound = readFileSync(path);
    await first.close();
    for (let k = 0; k < 40; k++) {
      const at = k < 16 ? k * 4 : Math.floor((sound.length * k) / 40);
      const broken = Buffer.from(sound);
      broken[at] ^= 0x40;
      // Bytes 12 to 16 are a checksum, and 32 to 64 are kept free under it.
      writeFileSync(path, k % 8 === 7 ? sound.subarray(0, at) : broken);
      const again = openPrepared(source, { folder });
      let made = 0;
      await again.prepare({ onProgress: () => made++ });
      expect([at, made]).toEqual([at, 5]);
      expect(readFileSync(path).equals(sound)).toBe(true);
      await again.close();
    }
  });

  it('that is damaged while it is in use is refused, removed, and made anew', async () => {
    const source = hills(900, 700);
    const folder = temporaryFolder();
    const first = await prepared(source, folder);
    const bytes = readFileSync(first.file ?? '');
    bytes[5000] ^= 1;
    writeFileSync(first.file ?? '', bytes);
    const second = openPrepared(source, { folder });
    const all = { column: 0, row: 0, columns: 450, rows: 350 };
    await expect(second.read(1, all)).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringMatching(/damaged.*anew/),
    });
    expect(existsSync(first.file ?? '')).toBe(false);
    await second.prepare();
    await checkLevels(second, source);
  });

  it('that was made anew is kept by a reader who meets the damage of the old one', async () => {
    const source = hills(900, 700);
    const folder = temporaryFolder();
    const [first, late, finder] = [0, 1, 2].map(() => openPrepared(source, { folder }));
    await first.prepare();
    const path = first.file ?? '';
    const sound = readFileSync(path);
    const all = { column: 0, row: 0, columns: 225, rows: 175 };
    // Opens the file and reads nothing of its blocks.
    await late.read(2, { column: -9, row: -9, columns: 1, rows: 1 });
    const bytes = Buffer.from(sound);
    bytes.fill(7, 64, bytes.length >> 1);
    writeFileSync(path, bytes);
    await expect(finder.read(1, all)).rejects.toMatchObject({ code: 'busy' });
    expect(existsSync(path)).toBe(false);
    await finder.prepare();
    await expect(late.read(1, all)).rejects.toMatchObject({ code: 'busy' });
    expect(readFileSync(path).equals(sound)).toBe(true);
    await checkLevels(late, source);
    await Promise.all([first, late, finder].map((one) => one.close()));
  });

  it('of another source, unit or version is not read', async () => {
    const folder = temporaryFolder();
    const base = hills(600, 400);
    const files = [
      base,
      { ...base, info: { ...base.info, version: 'another' } },
      { ...base, info: { ...base.info, vertical: { ...base.info.vertical, unitMetres: 0.3048 } } },
    ].map((source) => openPrepared(source, { folder }));
    for (const source of files) await source.prepare();
    const names = files.map(({ file }) => file ?? '');
    expect(new Set(names).size).toBe(3);
    // Even under the right name.
    writeFileSync(names[0], readFileSync(names[1]));
    const again = openPrepared(base, { folder });
    let made = 0;
    await again.prepare({ onProgress: () => made++ });
    expect(made).toBeGreaterThan(0);
  });

  it('is not there when preparing is stopped, and nothing else is', async () => {
    const folder = temporaryFolder();
    const control = new AbortController();
    const source = openPrepared(hills(3000, 3000), { folder });
    const stopped = source.prepare({
      signal: control.signal,
      onProgress: (done) => done === 3 && control.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(readdirSync(join(folder, 'overviews'))).toEqual([]);
  });

  it('cannot be kept where no folder can be: says what to change', async () => {
    const folder = join(temporaryFolder({ file: 'in the way' }), 'file');
    await expect(prepared(hills(600, 400), folder)).rejects.toMatchObject({
      code: 'output-unwritable',
      message: expect.stringMatching(/--cache.*--no-prepare/),
      where: folder,
    });
  });

  it('is waited for where another makes it, and taken over from one that died', async () => {
    const folder = temporaryFolder();
    const source = () => openPrepared(hills(900, 700), { folder });
    const [one, two] = [source(), source()];
    let [made, waited] = [0, ''];
    const first = one.prepare({ onProgress: () => made++ });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([first, two.prepare({ onProgress: () => made++, onWait: (who) => (waited = who) })]);
    expect(waited).toBe(`process ${process.pid}`);
    expect(made).toBe(5);

    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('exit', resolve));
    const host = hostname().replace(/[^A-Za-z0-9-]/g, '-');
    const old = new Date(Date.now() - 48 * 3600 * 1000);
    const leftovers = [`x.overviews.${host}.${dead.pid}.a-0.part`, 'x.overviews.elsewhere.77.a-0.part'];
    for (const name of leftovers) writeFileSync(join(folder, 'overviews', name), 'half');
    utimesSync(join(folder, 'overviews', leftovers[1]), old, old);
    const third = openPrepared(hills(600, 400), { folder });
    await third.prepare();
    expect(readdirSync(join(folder, 'overviews')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

const MAUI = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, `data/maui/${name}.hgt.zip`));

it('Maui and its voids, sheet beside sheet', async () => {
  const [source] = await openSources(MAUI);
  await checkLevels(await prepared(source), source);
  await source.close();
});

describeWithData(
  'real rasters, prepared',
  ['geotiff/nz_2193_float32_lzw_nan.tif', 'hgt/N42E001.hgt.zip', 'derived/etopo5_global_lon0-360_int16.tif'],
  (...paths) => {
    it.each(paths)('%s', async (path) => {
      const [source] = await openSources([path]);
      const { periodColumns } = source.info;
      // Cells past the end of the circle are those of its beginning, and not what is checked here.
      const flat = periodColumns ? { ...source, info: { ...source.info, periodColumns: undefined } } : source;
      await checkLevels(await prepared(flat), flat);
      await source.close();
    });
  },
);
