import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { describeWithData, testData } from '../support/test-data.ts';
import type { TinyTiff } from '../support/tiff-writer.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';
import { describeRasterSource } from './conformance.ts';

let folder = '';
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relievo-tiff-'));
});
const opened: RasterSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function openTiny(tiff: TinyTiff): Promise<RasterSource> {
  const path = join(folder, `${made++}.tif`);
  await writeFile(path, tinyTiff(tiff));
  const source = await openGeoTiff(path);
  opened.push(source);
  return source;
}

const sameBytes = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

async function readAll(source: RasterSource, level = 0): Promise<Float32Array> {
  const { columns, rows } = source.info.levels[level] ?? { columns: 0, rows: 0 };
  return source.read(level, { column: 0, row: 0, columns, rows });
}

/** 4 x 3 samples, 1 to 12. */
const TWELVE = Int16Array.from({ length: 12 }, (_, i) => i + 1);
const SMALL: TinyTiff = { columns: 4, rows: 3, bits: 16, format: 2, blocks: [bytesOf(TWELVE)] };
const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });

const sine = Float32Array.from({ length: 90 * 70 }, (_, i) => Math.fround(900 * Math.sin(i / 97)));
const global = Int16Array.from({ length: 36 * 18 }, (_, i) => (i * 37) % 1000);

describeRasterSource('GeoTIFF in strips', () =>
  openTiny({ columns: 90, rows: 70, bits: 32, format: 3, blocks: [bytesOf(sine)], tie: { x: 10, y: 50, step: 0.01 } }),
);
describeRasterSource('GeoTIFF round the world', () =>
  openTiny({
    columns: 36,
    rows: 18,
    bits: 16,
    format: 2,
    blocks: [bytesOf(global)],
    tie: { x: -180, y: 90, step: 10 },
  }),
);
describeWithData('with the shared files', ['derived/maui_srtm1_int16_cog_bigtiff.tif'], (maui) => {
  describeRasterSource('GeoTIFF with overviews', () => openGeoTiff(maui));
});

describe('openGeoTiff: where samples lie', () => {
  it('counts from the centre of a sample: half a pixel in for area, also when the key is absent', async () => {
    for (const keys of [
      { 1024: 2, 1025: 1, 2048: 4326 },
      { 1024: 2, 2048: 4326 },
    ] as const) {
      const { info } = await openTiny({ ...SMALL, keys });
      expect(applyAffine(info.affine, 0, 0)).toEqual([10.5, 49.5]);
      expect(applyAffine(info.affine, 3, 2)).toEqual([13.5, 47.5]);
    }
  });

  it('takes the tie point itself for point', async () => {
    const { info } = await openTiny({ ...SMALL, keys: { 1024: 2, 1025: 2, 2048: 4326 } });
    expect(applyAffine(info.affine, 0, 0)).toEqual([10, 50]);
  });

  it('takes a tie point elsewhere, and a whole transformation', async () => {
    const tied = await openTiny({ ...SMALL, tags: { 33922: [2, 1, 0, 10, 50, 0] } });
    expect(applyAffine(tied.info.affine, 1.5, 0.5)).toEqual([10, 50]);
    const matrix = [0.5, 0.25, 0, 10, 0.25, -0.5, 0, 50, 0, 0, 0, 0, 0, 0, 0, 1];
    const turned = await openTiny({ ...SMALL, tags: { 34264: matrix } });
    expect(applyAffine(turned.info.affine, -0.5, -0.5)).toEqual([10, 50]);
    expect(applyAffine(turned.info.affine, 0.5, -0.5)).toEqual([10.5, 50.25]);
  });

  it('goes round the world where its columns meet again, with or without a repeated meridian', async () => {
    const grid = Float32Array.from({ length: 37 * 19 }, (_, i) => i % 37);
    const registered = await openTiny({
      columns: 37,
      rows: 19,
      bits: 32,
      format: 3,
      blocks: [bytesOf(grid)],
      tie: { x: -180, y: 90, step: 10 },
      keys: { 1024: 2, 1025: 2, 2048: 4326 },
    });
    expect(registered.info.periodColumns).toBe(36);
    expect([...(await registered.read(0, { column: 34, row: 0, columns: 4, rows: 1 }))]).toEqual([34, 35, 0, 1]);
    const short = await openTiny({
      columns: 35,
      rows: 18,
      bits: 32,
      format: 3,
      blocks: [bytesOf(grid)],
      tie: { x: -180, y: 90, step: 10 },
    });
    expect(short.info.periodColumns).toBeUndefined();
  });

  it('refuses files without a place, or with one that cannot be', async () => {
    await expect(openTiny({ ...SMALL, keys: {} })).rejects.toEqual(
      refusal('crs', /does not say in which coordinate reference system/),
    );
    await expect(openTiny({ ...SMALL, tags: { 33550: [] } })).rejects.toEqual(
      refusal('crs', /does not say where its samples lie/),
    );
    await expect(openTiny({ ...SMALL, tags: { 33550: [0, 1, 0] } })).rejects.toEqual(
      refusal('crs', /no size on the ground/),
    );
    await expect(openTiny({ ...SMALL, tie: { x: 611217, y: 110644, step: 92 } })).rejects.toEqual(
      refusal('crs', /outside the world/),
    );
    await expect(openTiny({ ...SMALL, tie: { x: 10, y: 93.6, step: 1 } })).rejects.toEqual(
      refusal('crs', /latitude 93.1, outside the world/),
    );
    await expect(openTiny({ ...SMALL, tie: { x: 545, y: 10, step: 1 } })).rejects.toEqual(
      refusal('crs', /outside the world/),
    );
    await expect(openTiny({ ...SMALL, keys: { 1024: 1, 3072: 29999 } })).rejects.toEqual(refusal('crs', /EPSG:29999/));
  });
});

describe('openGeoTiff: what samples mean', () => {
  it.each([
    ['int8', 8, 2, Int8Array.from([-128, 0, 127, 5])],
    ['uint8', 8, 1, Uint8Array.from([0, 7, 255, 5])],
    ['uint16', 16, 1, Uint16Array.from([0, 40000, 65535, 5])],
    ['int32', 32, 2, Int32Array.from([-70000, 0, 70000, 5])],
    ['uint32', 32, 1, Uint32Array.from([0, 1, 70000, 5])],
    ['float32', 32, 3, Float32Array.from([-1.5, 0, 8848.86, 5])],
    ['float64', 64, 3, Float64Array.from([-1.5, 0, 8848.86, 5])],
  ] as const)('reads %s, and nodata as that type holds it', async (type, bits, format, values) => {
    const blocks = [bytesOf(values)];
    const source = await openTiny({ columns: 2, rows: 2, bits, format, blocks, tags: { 42113: '5' } });
    expect(source.info).toMatchObject({ sampleType: type, nodata: 5 });
    expect([...(await readAll(source))]).toEqual([...values.subarray(0, 3)].map(Math.fround).concat(Number.NaN));
  });

  it('compares nodata after conversion to the sample type, and leaves alone one that the type cannot hold', async () => {
    const floats = Float32Array.from([0.1, -3.4028234663852886e38, Number.POSITIVE_INFINITY, 2e5]);
    const rounded = await openTiny({
      columns: 2,
      rows: 2,
      bits: 32,
      format: 3,
      blocks: [bytesOf(floats)],
      tags: { 42113: '0.1' },
    });
    expect((await readAll(rounded)).every(Number.isNaN)).toBe(true);
    for (const text of ['-3.4028234663852886e+38', '1.5', '65537', 'nan']) {
      const source = await openTiny({ ...SMALL, tags: { 42113: text } });
      expect([...(await readAll(source))]).toEqual([...TWELVE]);
    }
  });

  it('applies scale and offset, and takes the unit of the band', async () => {
    const xml =
      '<GDALMetadata><Item name="SCALE" sample="0" role="scale">0.5</Item><Item name="OFFSET" sample="0" role="offset">100</Item><Item name="UNITTYPE" sample="0" role="unittype">ft</Item><Item name="SCALE" sample="1" role="scale">9</Item></GDALMetadata>';
    const source = await openTiny({ ...SMALL, tags: { 42112: xml, 42113: '12' } });
    expect([...(await readAll(source))]).toEqual(
      [...TWELVE.subarray(0, 11)].map((v) => v / 2 + 100).concat(Number.NaN),
    );
    expect(source.info.vertical).toMatchObject({ unitMetres: 0.3048, unit: 'foot', datum: 'egm96', known: 'assumed' });
  });

  it('keeps the limit of heights in metres, whatever the unit', async () => {
    const centimetres = Int32Array.from([884886, 20000000]);
    const source = await openTiny({
      columns: 2,
      rows: 1,
      bits: 32,
      format: 2,
      blocks: [bytesOf(centimetres)],
      keys: { 1024: 2, 2048: 4326, 4099: 1033 },
    });
    expect([...(await readAll(source))]).toEqual([884886, Number.NaN]);
  });

  it('learns the vertical datum from the keys', async () => {
    const vertical = async (keys: Record<number, number>) =>
      (await openTiny({ ...SMALL, keys: { 1024: 2, 2048: 4326, ...keys } })).info.vertical;
    expect(await vertical({ 4096: 5773 })).toMatchObject({ datum: 'egm96', known: 'file', unit: 'metre' });
    expect(await vertical({ 4096: 3855 })).toMatchObject({ datum: 'egm2008', known: 'file' });
    expect(await vertical({ 4096: 5703 })).toMatchObject({ datum: 'navd88', known: 'file' });
    expect(await vertical({ 4096: 5103, 4099: 9003 })).toMatchObject({ datum: 'navd88', unitMetres: 1200 / 3937 });
    expect(await vertical({ 4096: 6360 })).toMatchObject({ datum: 'navd88', unitMetres: 1200 / 3937 });
    expect(await vertical({ 4096: 4979 })).toMatchObject({ datum: 'ellipsoid', known: 'file' });
    expect(await vertical({ 4096: 5030 })).toMatchObject({ datum: 'ellipsoid', known: 'file' });
    expect(await vertical({ 2048: 4979 })).toMatchObject({ datum: 'ellipsoid', known: 'file' });
    expect(await vertical({ 4096: 5714 })).toMatchObject({ datum: 'egm96', known: 'assumed' });
    expect(await vertical({ 4096: 9999 })).toMatchObject({ datum: 'epsg:9999', known: 'file' });
    expect(await vertical({ 4099: 9002 })).toMatchObject({ datum: 'egm96', known: 'assumed', unitMetres: 0.3048 });
    expect(await vertical({})).toMatchObject({
      datum: 'egm96',
      known: 'assumed',
      because: expect.stringMatching(/does not say/),
    });
  });

  it('reads blocks that a sparse file leaves out as nodata, or as 0 where it names none', async () => {
    const sparse = { ...SMALL, blocks: [bytesOf(TWELVE.slice(0, 4)), undefined, bytesOf(TWELVE.slice(8))] };
    expect([...(await readAll(await openTiny(sparse)))]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 11, 12]);
    const named = await readAll(await openTiny({ ...sparse, tags: { 42113: '-1' } }));
    expect([...named.subarray(4, 8)].every(Number.isNaN)).toBe(true);
  });

  it('takes the first of several bands, whether interleaved or apart', async () => {
    const woven = Int16Array.from({ length: 24 }, (_, i) => (i % 2 ? -1 : i / 2 + 1));
    const together = await openTiny({
      ...SMALL,
      blocks: [bytesOf(woven)],
      tags: { 258: [16, 16], 277: [2], 339: [2, 2] },
    });
    expect([...(await readAll(together))]).toEqual([...TWELVE]);
    const apart = await openTiny({
      ...SMALL,
      blocks: [bytesOf(TWELVE), bytesOf(TWELVE.map(() => -1))],
      tags: { 258: [16, 16], 277: [2], 278: [3], 284: [2], 339: [2, 2] },
    });
    expect([...(await readAll(apart))]).toEqual([...TWELVE]);
  });

  it('refuses pictures, other codings and other types with a remedy', async () => {
    const rgb = {
      columns: 2,
      rows: 1,
      bits: 8,
      format: 1,
      blocks: [new Uint8Array(6)],
      tags: { 258: [8, 8, 8], 262: [2], 277: [3], 339: [1, 1, 1] },
    } as const;
    await expect(openTiny(rgb)).rejects.toEqual(refusal('input-unsupported', /picture in colour/));
    await expect(openTiny({ ...SMALL, tags: { 259: [7] } })).rejects.toEqual(
      refusal('input-unsupported', /compression is JPEG.*COMPRESS=DEFLATE/),
    );
    await expect(openTiny({ ...SMALL, tags: { 339: [5] } })).rejects.toEqual(
      refusal('input-unsupported', /sample format 5/),
    );
    await expect(openTiny({ ...SMALL, tags: { 258: [12] } })).rejects.toEqual(refusal('input-unsupported', /12 bits/));
  });
});

describe('openGeoTiff: blocks', () => {
  it('refuses a block that unpacks to more, or to less, than its samples, when it is read', async () => {
    const more = deflateSync(Buffer.alloc(50_000_000));
    const bomb = await openTiny({ ...SMALL, blocks: [more], tags: { 259: [8] } });
    await expect(readAll(bomb)).rejects.toEqual(refusal('input-invalid', /column 0, row 0 .*more than the 24 bytes/));
    const less = await openTiny({ ...SMALL, blocks: [deflateSync(bytesOf(TWELVE.slice(0, 5)))], tags: { 259: [8] } });
    await expect(readAll(less)).rejects.toEqual(refusal('input-invalid', /ends after 10 of 24 bytes/));
    const garbage = await openTiny({
      ...SMALL,
      blocks: [Buffer.from('no zlib at all, not a bit')],
      tags: { 259: [8] },
    });
    await expect(readAll(garbage)).rejects.toEqual(refusal('input-invalid', /is damaged/));
  });

  it('asks the file once for what many read at once', async () => {
    const source = await openTiny({ ...SMALL, blocks: [deflateSync(bytesOf(TWELVE))], tags: { 259: [8] } });
    const reads = await Promise.all(Array.from({ length: 20 }, () => readAll(source)));
    for (const read of reads) expect([...read]).toEqual([...TWELVE]);
    await source.close();
    await expect(readAll(source)).rejects.toThrow();
  });
});

const samplesOfGdal = (path: string, nodata: number | undefined): Float32Array =>
  Float32Array.from(gdalSamples(path), (v) => (v === nodata || Math.abs(v) > 1e5 ? Number.NaN : v));

describeWithData('GeoTIFFs as found, against GDAL', ['geotiff', 'derived'], (geotiff, derived) => {
  const files = [geotiff, derived].flatMap((place) =>
    readdirSync(place)
      .filter((name) => name.endsWith('.tif'))
      .map((name) => join(place, name)),
  );
  it.runIf(HAS_GDAL).each(files.map((path) => [path.slice(path.lastIndexOf('/') + 1), path]))(
    '%s',
    async (name, path) => {
      const source = await openGeoTiff(path);
      const expected = samplesOfGdal(path, source.info.nodata);
      const ours = await readAll(source);
      await source.close();
      // Its last column is the first meridian once more, and differs from it in eight places.
      const { columns = 0 } = source.info.levels[0] ?? {};
      if (name === 'etopo1_1deg_global_gridreg.tif') {
        for (let i = 0; i < expected.length; i += columns) expected[i + columns - 1] = expected[i] ?? 0;
      }
      expect(sameBytes(ours, expected)).toBe(true);
    },
  );

  it('knows each coordinate system', async () => {
    const crsOf = async (name: string) => {
      const source = await openGeoTiff(join(geotiff, name));
      await source.close();
      return source.info;
    };
    expect(await crsOf('swiss_lv95_float32_cog.tif')).toMatchObject({
      crs: 'EPSG:2056',
      crsName: 'CH1903+ / LV95 (EPSG:2056)',
    });
    expect(await crsOf('gabon_utm32_int16.tif')).toMatchObject({ crs: 'EPSG:32632' });
    expect(await crsOf('nz_2193_float32_lzw_nan.tif')).toMatchObject({
      crs: expect.stringMatching(/^\+proj=tmerc .*\+lon_0=173/),
    });
    expect((await crsOf('vestfold_3031_float32.tif')).crs).toMatch(/\+proj=stere .*\+lat_ts=-71/);
    expect((await crsOf('etopo1_1deg_global_gridreg.tif')).periodColumns).toBe(360);
    expect((await crsOf('geoid_egm96_15min.tif')).vertical).toMatchObject({ datum: 'ellipsoid', known: 'file' });
    const { affine } = await crsOf('losangeles_4326_glo30_geoid.tif');
    // Point: the corner that GDAL prints, -118.05013889, 34.05013889, is half a pixel outside.
    expect(affine.c).toBeCloseTo(-118.05, 9);
    expect(affine.f).toBeCloseTo(34.05, 9);
  });
});

const PYRENEES = testData('derived/pyrenees');
describeWithData('one place in many encodings', ['derived/pyrenees/int16_none_striped_nodata.tif'], (plain) => {
  const names = PYRENEES ? readdirSync(PYRENEES) : [];
  it('has thirteen of them', () => expect(names).toHaveLength(13));
  it.each(names)('%s reads like the plain one', async (name) => {
    const [source, reference] = await Promise.all([openGeoTiff(join(plain, '..', name)), openGeoTiff(plain)]);
    const [ours, expected] = await Promise.all([readAll(source), readAll(reference)]);
    await Promise.all([source.close(), reference.close()]);
    expect(expected.filter(Number.isNaN)).toHaveLength(3046);
    expect(sameBytes(ours, expected)).toBe(true);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f'] as const) {
      expect(source.info.affine[key]).toBeCloseTo(reference.info.affine[key], 12);
    }
  });

  it('has overviews where the file has them', async () => {
    const source = await openGeoTiff(join(plain, '..', 'float32_lercdeflate_cog_ovr.tif'));
    expect(source.info.levels.map(({ columns, scaleX }) => [columns, scaleX])).toEqual([
      [640, 1],
      [320, 2],
      [160, 4],
    ]);
    const [fine, coarse] = [await readAll(source), await readAll(source, 2)];
    await source.close();
    const mean = (values: Float32Array) => {
      const held = values.filter((v) => !Number.isNaN(v));
      return held.reduce((sum, v) => sum + v, 0) / held.length;
    };
    expect(mean(coarse)).toBeCloseTo(mean(fine), -1);
  });
});

describeWithData('encodings that GDAL writes', ['derived/pyrenees/float32_nan_nodata.tif'], (plain) => {
  it.runIf(HAS_GDAL).each([
    ['LERC with a mask for NaN', ['COMPRESS=LERC']],
    ['LERC of doubles in deflate', ['COMPRESS=LERC_DEFLATE'], ['-ot', 'Float64']],
    ['predictor 2 of floats', ['COMPRESS=DEFLATE', 'PREDICTOR=2']],
    ['predictor 2 of doubles', ['COMPRESS=DEFLATE', 'PREDICTOR=2'], ['-ot', 'Float64']],
    ['predictor 3 of doubles in LZW', ['COMPRESS=LZW', 'PREDICTOR=3'], ['-ot', 'Float64']],
    ['big-endian BigTIFF', ['BIGTIFF=YES', 'ENDIANNESS=BIG', 'TILED=YES', 'SPARSE_OK=TRUE']],
    ['two bands interleaved', ['INTERLEAVE=PIXEL', 'COMPRESS=DEFLATE', 'PREDICTOR=3'], ['-b', '1', '-b', '1']],
    ['two bands apart', ['INTERLEAVE=BAND', 'COMPRESS=ZSTD', 'TILED=YES'], ['-b', '1', '-b', '1']],
    ['one strip', ['BLOCKYSIZE=640', 'COMPRESS=LZW']],
  ] satisfies [string, string[], string[]?][])('%s', async (_, creation, more = []) => {
    const path = join(folder, `${made++}.tif`);
    gdalTranslate(plain, path, [...more, ...creation.flatMap((option) => ['-co', option])]);
    const [source, reference] = [await openGeoTiff(path), await openGeoTiff(plain)];
    opened.push(source, reference);
    expect(sameBytes(await readAll(source), await readAll(reference))).toBe(true);
  });
});
