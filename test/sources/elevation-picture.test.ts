import { join } from 'node:path';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { openSource } from '../../tiler/sources/open-source.ts';
import { decodePng } from '../../tiler/sources/png.ts';
import { gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { pngOf } from '../support/png-writer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { readWhole, refusal } from '../support/whole-source.ts';
import { describeRasterSource } from './conformance.ts';

const place = openPlacedFiles('picture');
const put = (bytes: Uint8Array, beside: Readonly<Record<string, string>> = {}) =>
  place({ 'dem.png': bytes, ...beside });

const PLACE = { sourceCrs: 'EPSG:4326', bounds: '10,40,14,43' };
const RANGED = { ...PLACE, range: '0,255' };

const TWELVE = [0, 1, 2, 3, 4, 5, 6, 7, 100, 128, 254, 255];
const grey = (values: readonly number[] = TWELVE) =>
  encode({ width: 4, height: 3, channels: 1, depth: 8, data: Uint8Array.from(values) });
const wave = Uint16Array.from({ length: 90 * 70 }, (_, i) => 32768 + 9000 * Math.sin(i / 97));

describeRasterSource('elevation picture', () =>
  openSource([put(encode({ width: 90, height: 70, channels: 1, depth: 16, data: wave }))], {
    sourceCrs: 'EPSG:4326',
    bounds: '10,40,10.9,40.7',
    range: '0,4000',
  }),
);

describe('an elevation picture', () => {
  it('of 8 bits has 256 heights from black to white', async () => {
    const { info, heights } = await readWhole(put(grey()), { ...PLACE, range: '-100,410' });
    expect(heights).toEqual(TWELVE.map((value) => -100 + 2 * value));
    expect(info).toMatchObject({ format: 'PNG', affine: { c: 10.5, f: 42.5 } });
  });

  it('of 16 bits has 65536, and a range may fall', async () => {
    const data = Uint16Array.from(TWELVE, (value) => value * 257);
    const path = put(encode({ width: 4, height: 3, channels: 1, depth: 16, data }));
    expect((await readWhole(path, { ...PLACE, range: '0,65535' })).heights).toEqual([...data]);
    expect((await readWhole(path, { ...PLACE, range: '65535,0' })).heights).toEqual(
      [...data].map((value) => 65535 - value),
    );
  });

  it('may have three equal channels, and opacity, where nothing is void', async () => {
    const three = Uint8Array.from(TWELVE.flatMap((value) => [value, value, value]));
    expect((await readWhole(put(encode({ width: 4, height: 3, channels: 3, data: three })), RANGED)).heights).toEqual(
      TWELVE,
    );
    const four = Uint8Array.from(TWELVE.flatMap((value, i) => [value, i === 5 ? 9 : value, value, i === 5 ? 0 : 255]));
    const seen = (await readWhole(put(encode({ width: 4, height: 3, channels: 4, data: four })), RANGED)).heights;
    expect(seen).toEqual(TWELVE.map((value, i) => (i === 5 ? Number.NaN : value)));
    const two = Uint8Array.from(TWELVE.flatMap((value, i) => [value, i === 5 ? 0 : 1]));
    expect((await readWhole(put(encode({ width: 4, height: 3, channels: 2, data: two })), RANGED)).heights).toEqual(
      seen,
    );
  });

  it('may have a palette of greys, and one grey that stands for nothing', async () => {
    const palette = Buffer.from([10, 10, 10, 20, 20, 20, 30, 30, 30]);
    const pixels = Buffer.from([0, 0, 1, 2, 1, 0, 0, 1, 2, 1, 0, 0, 1, 2, 1]);
    const path = put(pngOf({ width: 4, height: 3, colourType: 3, rows: pixels, chunks: { PLTE: palette } }));
    const row = [10, 20, 30, 20];
    expect((await readWhole(path, RANGED)).heights).toEqual([...row, ...row, ...row]);
    const keyed = put(
      pngOf({ width: 4, height: 3, colourType: 0, rows: pixels, chunks: { tRNS: Buffer.from([0, 2]) } }),
    );
    const values = [0, 1, Number.NaN, 1];
    expect((await readWhole(keyed, RANGED)).heights).toEqual([...values, ...values, ...values]);
  });

  it('in colour is refused, with where the colour is and what helps', async () => {
    const data = Uint8Array.from(TWELVE.flatMap((value, i) => [value, value, i === 6 ? 99 : value]));
    const path = put(encode({ width: 4, height: 3, channels: 3, data }));
    await expect(readWhole(path, RANGED)).rejects.toEqual(
      refusal('input-unsupported', /in colour \(at column 2, row 1\).*--height-encoding/),
    );
  });

  it('is refused without range or place', async () => {
    await expect(readWhole(put(grey()), PLACE)).rejects.toEqual(refusal('input-unsupported', /--range MIN,MAX/));
    await expect(readWhole(put(grey()), { range: '0,1' })).rejects.toEqual(refusal('crs', /--bounds/));
    for (const range of ['1,1', '5', 'a,b', '1,2,3', ',']) {
      await expect(readWhole(put(grey()), { ...PLACE, range })).rejects.toEqual(refusal('usage', /A range is MIN,MAX/));
    }
  });

  it('may lie where a world file and a .prj say', async () => {
    const prj =
      'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]';
    const path = put(grey(), { 'dem.pgw': '1\n0\n0\n-1\n7\n50\n', 'dem.prj': prj });
    expect((await readWhole(path, { range: '0,1' })).info.affine).toEqual({ a: 1, b: 0, c: 7, d: 0, e: -1, f: 50 });
  });

  it('has a version that takes in its range', async () => {
    const path = put(grey());
    const [a, b] = [await readWhole(path, RANGED), await readWhole(path, { ...PLACE, range: '0,256' })];
    expect(a.info.version).not.toBe(b.info.version);
  });

  it('may hold heights in its colours, where the user says so', async () => {
    const codes = [100000, 100001, 188488, 0];
    const data = Uint8Array.from(codes.flatMap((code) => [code >> 16, (code >> 8) & 255, code & 255]));
    const path = put(encode({ width: 2, height: 2, channels: 3, data }));
    const { heights } = await readWhole(path, { ...PLACE, heightEncoding: 'terrain-rgb' });
    expect(heights).toEqual([0, 0.1, 8848.8, Number.NaN].map(Math.fround));
    const other = await readWhole(path, { ...PLACE, heightEncoding: 'terrarium' });
    expect(other.heights[2]).toBe(188488 / 256 - 32768);
  });
});

describe('decodePng', () => {
  const decode = (bytes: Uint8Array) => decodePng(Buffer.from(bytes), 'x.png');

  it('undoes interlace', async () => {
    for (const [depth, array] of [
      [8, Uint8Array],
      [16, Uint16Array],
    ] as const) {
      const data = new array(13 * 11).map((_, i) => (i * 37) % 256);
      const bytes = encode({ width: 13, height: 11, channels: 1, depth, data }, { interlace: 'Adam7' });
      expect(bytes[28]).toBe(1);
      expect([...(await decode(bytes)).values]).toEqual([...data]);
    }
  });

  it('refuses few bits, and what is damaged', async () => {
    await expect(
      decode(pngOf({ width: 4, height: 1, depth: 4, colourType: 0, rows: Buffer.alloc(3) })),
    ).rejects.toEqual(refusal('input-unsupported', /4 bits a channel/));
    const sound = Buffer.from(grey());
    const flipped = Buffer.from(sound);
    const at = flipped.indexOf('IDAT') + 8;
    flipped[at] = (flipped[at] ?? 0) ^ 255;
    await expect(decode(flipped)).rejects.toEqual(refusal('input-invalid', /checksum of its IDAT/));
    for (let length = 0; length < sound.length; length++) {
      await expect(decode(sound.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
        code: 'input-invalid',
      });
    }
  });
});

describeWithData(
  'real pictures',
  ['geotiff/baltoro_4326_int16.tif', 'depth/moon_midas_depth.png', 'terrain-rgb/fuji_mapbox_rgb_512.png'],
  (baltoro, moon, fuji) => {
    it.runIf(HAS_GDAL)('GDAL writes and reads the same, with its world file', async () => {
      const path = join(temporaryFolder(), 'baltoro.png');
      gdalTranslate(baltoro, path, ['-of', 'PNG', '-ot', 'UInt16', '-co', 'WORLDFILE=YES']);
      const { info, heights } = await readWhole(path, { sourceCrs: 'EPSG:4326', range: '0,65535' });
      expect(heights).toEqual([...gdalSamples(path)]);
      const { affine } = (await readWhole(baltoro, {})).info;
      expect(info.affine).toEqual(
        Object.fromEntries(Object.entries(affine).map(([key, value]) => [key, expect.closeTo(value, 8)])),
      );
    });

    it.runIf(HAS_GDAL)('a depth map of 16 bits is read as GDAL reads it', async () => {
      const { heights } = await readWhole(moon, { ...PLACE, range: '0,65535' });
      expect(heights).toEqual([...gdalSamples(moon)]);
    });

    it('Fuji is as high as its makers state', async () => {
      const { heights } = await readWhole(fuji, { ...PLACE, heightEncoding: 'terrain-rgb' });
      const sorted = heights.toSorted((a, b) => a - b);
      expect([sorted[0], sorted.at(-1)]).toEqual([13.7, 3751].map(Math.fround));
    });
  },
);
