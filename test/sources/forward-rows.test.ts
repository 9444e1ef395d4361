/** Strips too large to be unpacked whole, on small files with a small limit: read in a stream, kept by preparing. */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { clipSource } from '../../tiler/sources/clip-source.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { withNodata } from '../../tiler/sources/nodata-source.ts';
import { openPrepared } from '../../tiler/sources/prepared-source.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { joinSheets } from '../../tiler/sources/sheets.ts';
import { gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { bytesOf, type TinyTiff, tinyTiff } from '../support/tiff-writer.ts';

/** Unpacked whole are strips of so many samples. */
const LIMIT = 20_000;
const VOID = -9999;
const COLUMNS = 700;
const ROWS = 611;

/** Hills with voids scattered and in a corner of several blocks. */
const RELIEF = Int16Array.from({ length: COLUMNS * ROWS }, (_, i) => {
  const [c, r] = [i % COLUMNS, Math.floor(i / COLUMNS)];
  if ((c > 400 && r < 280) || (c * 7919 + r * 104729) % 97 === 0) return VOID;
  return Math.round(800 * Math.sin(c / 40) * Math.cos(r / 33) + c);
});
const PLAIN: TinyTiff = {
  columns: COLUMNS,
  rows: ROWS,
  bits: 16,
  format: 2,
  blocks: [bytesOf(RELIEF)],
  tie: { x: 10, y: 50, step: 0.01 },
  tags: { 42113: String(VOID) },
};

function write(tiff: TinyTiff): string {
  const path = join(temporaryFolder(), 'relief.tif');
  writeFileSync(path, tinyTiff(tiff));
  return path;
}

/** The relief in one strip of DEFLATE. */
function oneStrip(packed: Uint8Array = deflateSync(bytesOf(RELIEF)), more: Partial<TinyTiff> = {}): string {
  return write({ ...PLAIN, blocks: [packed], tags: { ...PLAIN.tags, 259: [8] }, ...more });
}

const opened: RasterSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

async function open(path: string, maxBlockSamples = LIMIT): Promise<RasterSource> {
  const source = await openGeoTiff(path, { version: 'a version', maxBlockSamples });
  opened.push(source);
  return source;
}

function whole({ info }: RasterSource, level = 0) {
  const { columns = 0, rows = 0 } = info.levels[level] ?? {};
  return { column: 0, row: 0, columns, rows };
}

function expectSame(a: Float32Array, b: Float32Array): void {
  expect(a.length).toBe(b.length);
  expect(a.findIndex((value, i) => !Object.is(value, b[i]))).toBe(-1);
}

/** Every level of the prepared source, as of the same samples that can be read anywhere. */
async function checkPrepared(forward: RasterSource, same: RasterSource, folder = temporaryFolder()): Promise<void> {
  expect(forward.rows).toBeDefined();
  expect(same.rows).toBeUndefined();
  const prepared = openPrepared(forward, { folder });
  await prepared.prepare();
  const memory = withOverviews({ ...same, info: { ...same.info, levels: same.info.levels.slice(0, 1) } });
  expect(prepared.info.levels).toEqual(memory.info.levels);
  for (const level of prepared.info.levels.keys()) {
    const all = whole(memory, level);
    expectSame(await prepared.read(level, all), await memory.read(level, all));
    const beyond = { column: -7, row: -5, columns: all.columns + 20, rows: 40 };
    expectSame(await prepared.read(level, beyond), await memory.read(level, beyond));
  }
  await prepared.close();
}

describe('a strip too large to be unpacked whole', () => {
  it('is prepared in one pass to what the same samples give elsewhere, full resolution with it', async () => {
    await checkPrepared(await open(oneStrip()), await open(write(PLAIN)));
  });

  it('is not read before it is prepared, and tells so', async () => {
    const source = await open(oneStrip());
    const folder = temporaryFolder();
    const prepared = openPrepared(source, { folder });
    const total = 3 * 3 + 2 * 2 + 1;
    expect([prepared.storedLevels, prepared.blocksToPrepare]).toEqual([0, total]);
    const window = { column: 3, row: 4, columns: 5, rows: 6 };
    await expect(prepared.read(0, window)).rejects.toMatchObject({ code: 'busy' });
    const seen: [number, number][] = [];
    await prepared.prepare({ onProgress: (done, all) => seen.push([done, all]) });
    expect(seen.at(-1)).toEqual([total, total]);
    expect([prepared.storedLevels, prepared.blocksToPrepare]).toEqual([3, 0]);
    const bounds = await prepared.readBounds?.(0, window);
    const heights = await prepared.read(0, window);
    expect(bounds?.above).toEqual(new Float32Array(heights.length));
    await prepared.prepare({ onProgress: () => expect.unreachable() });
    await prepared.close();
  });

  it('without a folder is refused, by name of what helps', async () => {
    const source = await open(oneStrip());
    const said = { code: 'input-unsupported', message: expect.stringMatching(/prepar.*TILED=YES/) };
    expect(() => openPrepared(source)).toThrow(expect.objectContaining(said));
    await expect(source.read(0, whole(source))).rejects.toMatchObject(said);
    // For who only wants to know what it is.
    const described = openPrepared(source, { maxSamples: Number.POSITIVE_INFINITY });
    expect([described.storedLevels, described.info.levels.length]).toEqual([0, 3]);
    const other = await open(write({ ...PLAIN, tie: { x: 17, y: 50, step: 0.01 } }));
    await expect(joinSheets([other, source])).rejects.toMatchObject({ code: 'input-unsupported' });
  });

  it('whose rows are too long, or too many, to be held in part is refused', async () => {
    const rows = [2, 2 ** 30];
    const columns = [2 ** 17 + 1, 100];
    for (const [i, side] of rows.entries()) {
      await expect(open(oneStrip(undefined, { columns: columns[i], rows: side }))).rejects.toMatchObject({
        code: 'input-unsupported',
        message: expect.stringMatching(/million samples.*TILED=YES/),
      });
    }
  });

  it('smaller than a block, and in strips that are partly left out', async () => {
    const part = RELIEF.slice(0, 90 * 200);
    const tags = { ...PLAIN.tags, 259: [8] };
    const small = { ...PLAIN, columns: 90, rows: 200 };
    const blocks = [undefined, deflateSync(bytesOf(part.slice(0, 9000)))];
    const same = { ...small, blocks: [undefined, bytesOf(part.slice(0, 9000))] };
    const forward = await open(write({ ...small, blocks, tags }), 100);
    await checkPrepared(forward, await open(write(same)));
  });

  it('under a clip, with a value of the user for void, and round the world', async () => {
    const clip = [
      [
        [10.3, 49.8],
        [13, 49.1],
        [11, 44.5],
        [10.3, 49.8],
      ],
    ] as [number, number][][];
    const [forward, same] = [oneStrip(), write(PLAIN)];
    await checkPrepared(await clipSource(await open(forward), [clip]), await clipSource(await open(same), [clip]));
    await checkPrepared(withNodata(await open(forward), 100), withNodata(await open(same), 100));
    const tie = { x: -180, y: 80, step: 360 / (COLUMNS - 4) };
    const rows = 300;
    const samples = bytesOf(RELIEF.slice(0, COLUMNS * rows));
    const turned = [oneStrip(deflateSync(samples), { tie, rows }), write({ ...PLAIN, tie, rows, blocks: [samples] })];
    const [round, flat] = await Promise.all(turned.map((path) => open(path)));
    expect(round?.info.periodColumns).toBe(COLUMNS - 4);
    if (round && flat) await checkPrepared(round, flat);
  });

  it('that ends early, is broken or goes on ends in a sentence and leaves nothing', async () => {
    const packed = deflateSync(bytesOf(RELIEF));
    const broken = Uint8Array.from(packed);
    for (let i = packed.length >> 1; i < (packed.length >> 1) + 40; i++) broken[i] = 0xff;
    const short = deflateSync(bytesOf(RELIEF.slice(0, COLUMNS * 300)));
    const long = deflateSync(Buffer.concat([bytesOf(RELIEF), Buffer.alloc(2 * COLUMNS)]));
    const cases: [Uint8Array, RegExp][] = [
      [packed.subarray(0, packed.length >> 1), /unexpected end of file/],
      [broken, /beyond row \d+ \(.+\)/],
      [short, /ends after 420000 of 855400 bytes/],
      [long, /unpacks to more than the 855400 bytes/],
      [deflateSync(Buffer.alloc(2 ** 27)), /unpacks to more than the 855400 bytes/],
      [new Uint8Array(100).fill(1), /incorrect header check/],
    ];
    for (const [bytes, said] of cases) {
      const folder = temporaryFolder();
      const prepared = openPrepared(await open(oneStrip(bytes)), { folder });
      await expect(prepared.prepare()).rejects.toMatchObject({
        code: 'input-invalid',
        message: expect.stringMatching(said),
      });
      expect(readdirSync(join(folder, 'overviews'))).toEqual([]);
      await prepared.close();
    }
  });

  it('stops when it is told to', async () => {
    const folder = temporaryFolder();
    const control = new AbortController();
    const prepared = openPrepared(await open(oneStrip()), { folder });
    const stopped = prepared.prepare({
      signal: control.signal,
      onProgress: (done) => done === 2 && control.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(readdirSync(join(folder, 'overviews'))).toEqual([]);
    await prepared.close();
  });

  it('whose preparing is killed is prepared anew, with nothing left over', async () => {
    const [path, folder] = [oneStrip(), temporaryFolder()];
    const script = `
      const { openGeoTiff } = await import(${JSON.stringify(join(REPOSITORY, 'tiler/sources/geotiff.ts'))});
      const { openPrepared } = await import(${JSON.stringify(join(REPOSITORY, 'tiler/sources/prepared-source.ts'))});
      const options = { version: 'a version', maxBlockSamples: ${LIMIT} };
      const source = openPrepared(await openGeoTiff(${JSON.stringify(path)}, options), { folder: ${JSON.stringify(folder)} });
      await source.prepare({ onProgress: (done) => done === 11 && process.kill(process.pid, 'SIGKILL') });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
    expect(signal).toBe('SIGKILL');
    expect(readdirSync(join(folder, 'overviews')).map((name) => name.endsWith('.part'))).toEqual([true]);
    await checkPrepared(await open(path), await open(write(PLAIN)), folder);
    expect(readdirSync(join(folder, 'overviews')).map((name) => name.endsWith('.overviews'))).toEqual([true]);
  });
});

describe.runIf(HAS_GDAL)('large strips as GDAL writes them', () => {
  const DEFLATED = ['-co', 'COMPRESS=DEFLATE', '-co', 'BLOCKYSIZE=611'];
  const big = ['-co', 'ENDIANNESS=BIG'];
  const cases: [name: string, args: string[]][] = [
    ['predictor 2', [...DEFLATED, '-co', 'PREDICTOR=2']],
    ['predictor 2, big endian', [...DEFLATED, '-co', 'PREDICTOR=2', ...big]],
    ['big endian', [...DEFLATED, ...big]],
    ['predictor 2, int32', [...DEFLATED, '-co', 'PREDICTOR=2', '-ot', 'Int32']],
    ['predictor 3', [...DEFLATED, '-co', 'PREDICTOR=3', '-ot', 'Float32']],
    ['predictor 3, float64, big endian', [...DEFLATED, '-co', 'PREDICTOR=3', '-ot', 'Float64', ...big]],
    ['two bands, interleaved', [...DEFLATED, '-co', 'PREDICTOR=2', '-b', '1', '-b', '1', '-co', 'INTERLEAVE=PIXEL']],
    ['two bands, apart', [...DEFLATED, '-b', '1', '-b', '1', '-co', 'INTERLEAVE=BAND']],
    ['several strips', ['-co', 'COMPRESS=DEFLATE', '-co', 'BLOCKYSIZE=100', '-co', 'PREDICTOR=2']],
    ['ZSTD', ['-co', 'COMPRESS=ZSTD', '-co', 'BLOCKYSIZE=611', '-co', 'PREDICTOR=2']],
  ];
  it.each(cases)('%s', async (_, args) => {
    const path = join(temporaryFolder(), 'gdal.tif');
    gdalTranslate(write(PLAIN), path, args);
    const source = await open(path);
    expect(source.rows).toBeDefined();
    const prepared = openPrepared(source, { folder: temporaryFolder() });
    await prepared.prepare();
    const truth = Float32Array.from(gdalSamples(path), (value) => (value === VOID ? Number.NaN : value));
    expectSame(await prepared.read(0, whole(prepared)), truth);
    await prepared.close();
  });

  it.each(['LZW', 'PACKBITS', 'LERC'])('%s is refused', async (compression) => {
    const path = join(temporaryFolder(), 'gdal.tif');
    gdalTranslate(write(PLAIN), path, ['-co', `COMPRESS=${compression}`, '-co', 'BLOCKYSIZE=611']);
    await expect(open(path)).rejects.toMatchObject({
      code: 'input-unsupported',
      message: expect.stringMatching(/million samples.*TILED=YES/),
    });
  });
});
