import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import { gdalCorner, gdalSamples, HAS_GDAL } from '../support/gdal.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { describeWithData } from '../support/test-data.ts';
import { readWhole, refusal } from '../support/whole-source.ts';
import { describeRasterSource } from './conformance.ts';

const place = openPlacedFiles('ascii');
const put = (text: string | Uint8Array, name = 'dem.asc', beside: Readonly<Record<string, string>> = {}) =>
  place({ [name]: text, ...beside });

const degrees = { sourceCrs: 'EPSG:4326' };

const read = (path: string, options: Parameters<typeof readWhole>[1] = degrees) => readWhole(path, options);

const HEAD = 'ncols 4\nnrows 3\nxllcorner 10\nyllcorner 47\ncellsize 1\n';
const TWELVE = '1 2 3 4\n5 6 7 8\n9 10 11 12\n';
const wave = Array.from({ length: 90 * 70 }, (_, i) => (900 * Math.sin(i / 97)).toFixed(3)).join(' ');

describeRasterSource('Esri ASCII grid', () =>
  openSource([put(`ncols 90 nrows 70 xllcorner 10 yllcorner 40 cellsize 0.01 nodata_value 0.000 ${wave}`)], degrees),
);

describe('an Esri ASCII grid', () => {
  it('has its corner or its centre given, and rows from the north', async () => {
    const corner = await read(put(HEAD + TWELVE));
    expect(applyAffine(corner.info.affine, 0, 0)).toEqual([10.5, 49.5]);
    expect(corner.heights).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const centre = await read(put(HEAD.replaceAll('corner', 'center') + TWELVE));
    expect(applyAffine(centre.info.affine, 0, 2)).toEqual([10, 47]);
  });

  it('may have cells of two sizes, keys in any case and order, and lines cut anywhere', async () => {
    const text = `YLLCENTER 47\r\nXLLCorner\t10\r\ndx 1\r\nDY 0.5\r\nNRows 3\r\nNCOLS 4\r\n1\r\n2 3 4 5 6 7\r\n\r\n8 9 10 11\t12`;
    const { info, heights } = await read(put(text));
    expect(info.affine).toEqual({ a: 1, b: 0, c: 10.5, d: 0, e: -0.5, f: 48 });
    expect(heights).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('takes -9999 as void unless it names another value, which it holds to float32', async () => {
    expect((await read(put(`${HEAD}${TWELVE.replace('5', '-9999')}`))).heights[4]).toBeNaN();
    const named = `${HEAD}NODATA_value -3.4028234663852886e+38\n${TWELVE.replace('6', '-9999').replace('5', '-3.40282346e+38')}`;
    const { info, heights } = await read(put(named));
    expect(heights.slice(4, 6)).toEqual([Number.NaN, -9999]);
    expect(info.nodata).toBe(-3.4028234663852886e38);
  });

  it('reads every way of writing a number, and names of what is none', async () => {
    const words = '1e2 -2.5E-1 +3 .5 6. 1,5 12345.67890123456789012 nan -1.#IND 1.#QNAN inf 0012';
    const { heights } = await read(put(HEAD + words));
    const expected = [100, -0.25, 3, 0.5, 6, 1.5, Math.fround(12345.6789), NaN, NaN, NaN, NaN, 12];
    expect(heights).toEqual(expected);
  });

  it('takes heights beyond anything on Earth as void, in its own unit', async () => {
    expect((await read(put(HEAD + TWELVE.replace('5', '200000')))).heights[4]).toBeNaN();
    const centimetres = await read(put(HEAD + TWELVE.replace('5', '200000')), { ...degrees, verticalUnit: '0.01' });
    expect(centimetres.heights[4]).toBe(200000);
  });

  it('is read the same when pieces of the file cut its words', async () => {
    const many = Array.from({ length: 600 * 500 }, (_, i) => 1000 + (i % 7777) / 8);
    const { heights } = await read(
      put(`ncols 600\nnrows 500\nxllcorner 0\nyllcorner 0\ncellsize 0.01\n${many.join(' ')}`),
    );
    expect(heights).toEqual(many);
  });

  it('may be gzipped', async () => {
    const { info, heights } = await read(put(gzipSync(HEAD + TWELVE), 'dem.asc.gz'));
    expect(info.format).toBe('Esri ASCII grid');
    expect(heights[11]).toBe(12);
  });

  it('is known by content, whatever its name', async () => {
    expect((await read(put(HEAD + TWELVE, 'heights.txt'))).info.format).toBe('Esri ASCII grid');
    expect((await read(put(`\uFEFF${HEAD}${TWELVE}`, 'marked.txt'))).heights[0]).toBe(1);
  });

  it('lies where a .prj beside it says, in any case, unless the user says otherwise', async () => {
    const utm =
      'PROJCS["WGS_1984_UTM_Zone_32N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",9.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]';
    const grid = HEAD.replace('10', '500000').replace('47', '5200000').replace('size 1', 'size 100') + TWELVE;
    const path = put(grid, 'dem.asc', { 'dem.PRJ': utm });
    expect((await read(path, {})).info.crsName).toMatch(/UTM.*32N/i);
    expect((await read(path, { sourceCrs: 'EPSG:32633' })).info.crs).toBe('EPSG:32633');
  });

  it('is refused without a coordinate system, with both remedies', async () => {
    await expect(read(put(HEAD + TWELVE), {})).rejects.toEqual(refusal('crs', /--source-crs.*\.prj/));
  });

  it('has a version that takes in where it lies', async () => {
    const path = put(HEAD + TWELVE);
    const versions = await Promise.all([degrees, degrees, { sourceCrs: 'EPSG:4258' }].map((o) => read(path, o)));
    const [a, b, c] = versions.map(({ info }) => info.version);
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });
});

describeWithData(
  'real ASCII grids',
  ['ascii/longspeak_srtmgl3_nodata0.asc', 'ascii/bijou_gully_float_local.asc'],
  (longs, bijou) => {
    it.each([
      ['longspeak', longs, 'EPSG:4326'],
      ['bijou', bijou, 'EPSG:32613'],
    ])('%s is what the sources say', async (name, path, sourceCrs) => {
      const { info, heights } = await read(path, { sourceCrs });
      const range = [Math.min(...heights), Math.max(...heights)];
      const expected = name === 'bijou' ? [1673.068, 1729.865] : [1943, 3286];
      expect(range.map((height) => Number(height.toFixed(3)))).toEqual(expected);
      expect(info.levels[0]).toMatchObject(name === 'bijou' ? { columns: 105, rows: 77 } : { columns: 240, rows: 144 });
    });

    it.runIf(HAS_GDAL).each([
      ['longspeak', longs, 'EPSG:4326'],
      ['bijou', bijou, 'EPSG:32613'],
    ])('%s is the same in GDAL, samples and place', async (_, path, sourceCrs) => {
      const { info, heights } = await read(path, { sourceCrs });
      expect(heights).toEqual([...gdalSamples(path)].map(Math.fround));
      const { affine } = info;
      const [x, y] = gdalCorner(path);
      expect(affine.c - affine.a / 2).toBeCloseTo(x, 9);
      expect(affine.f - affine.e / 2).toBeCloseTo(y, 9);
    });
  },
);
