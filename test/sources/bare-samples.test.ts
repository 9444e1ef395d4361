import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import { gdalCorner, gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { elementsOf } from '../support/numpy-writer.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { readWhole, refusal } from '../support/whole-source.ts';
import { describeRasterSource } from './conformance.ts';

/** Writes files into a folder of their own; the path of the first. */
const put = openPlacedFiles('bare');

const TWELVE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const degrees = { sourceCrs: 'EPSG:4326' };
const place = { ...degrees, bounds: '10,40,14,43' };
const wave = Array.from({ length: 90 * 70 }, (_, i) => Math.round(900 * Math.sin(i / 97)));

describeRasterSource('RAW', () =>
  openSource([put({ 'dem.raw': elementsOf('>i2', wave) })], {
    ...degrees,
    bounds: '10,40,10.9,40.7',
    rawLayout: '90x70:int16:big',
  }),
);

describe('bare samples', () => {
  it.each([
    ['4x3:int16', '<i2', 0],
    ['4x3:int16:big', '>i2', 0],
    ['4x3:Float32:Little', '<f4', 0],
    ['4x3:uint8:little:7', '<u1', 7],
    ['4x3:float64:128', '<f8', 128],
  ])('are read in the layout %s', async (rawLayout, descr, skip) => {
    const path = put({ 'dem.raw': Buffer.concat([Buffer.alloc(skip), elementsOf(descr, TWELVE)]) });
    const { info, heights } = await readWhole(path, { ...place, rawLayout });
    expect(heights).toEqual(TWELVE);
    expect(applyAffine(info.affine, 0, 0)).toEqual([10.5, 42.5]);
  });

  it('are refused in a layout that is none, or that makes another length', async () => {
    const path = put({ 'dem.raw': elementsOf('<i2', TWELVE) });
    for (const rawLayout of ['4x3', '4,3:int16', '4x3:int12', '0x3:int16', '4x3:int16:middle', '']) {
      await expect(readWhole(path, { ...place, rawLayout })).rejects.toEqual(refusal('usage', /COLUMNSxROWS:TYPE/));
    }
    await expect(readWhole(path, { ...place, rawLayout: '4x4:int16' })).rejects.toEqual(
      refusal('usage', /24 bytes.*32/),
    );
    await expect(readWhole(path, { ...degrees, rawLayout: '4x3:int16' })).rejects.toEqual(refusal('crs', /--bounds/));
  });
});

describe("Esri's binary grids", () => {
  const grid = 'NCOLS 4\nNROWS 3\n';
  const centre = 'ULXMAP 10\nULYMAP 50\nXDIM 1\nYDIM 0.5\n';

  it('BIL gives the centre of the upper-left cell; 16 bits without a kind are signed', async () => {
    const bytes = elementsOf('>i2', [-1, -9999, ...TWELVE.slice(2)]);
    const header = `${grid}BYTEORDER M\nLAYOUT BIL\nNBITS 16\n${centre}NODATA -9999\n`;
    const { info, heights } = await readWhole(put({ 'dem.bil': bytes, 'dem.hdr': header }), degrees);
    expect(heights).toEqual([-1, Number.NaN, ...TWELVE.slice(2)]);
    expect(info.affine).toEqual({ a: 1, b: 0, c: 10, d: 0, e: -0.5, f: 50 });
    expect(info.sampleType).toBe('int16');
  });

  it('a float grid gives the corner of the lower-left one, and keys as the ASCII grid does', async () => {
    const header =
      'ncols 4\r\nnrows 3\r\nxllcorner 10\r\nyllcorner 47\r\ncellsize 1\r\nNODATA_value 5\r\nbyteorder LSBFIRST';
    const { info, heights } = await readWhole(
      put({ 'dem.flt': elementsOf('<f4', TWELVE), 'dem.hdr': header }),
      degrees,
    );
    expect(heights[4]).toBeNaN();
    expect(applyAffine(info.affine, 0, 0)).toEqual([10.5, 49.5]);
    expect(info.sampleType).toBe('float32');
  });

  it('reads the first of interleaved and of separate bands, after what is to be skipped', async () => {
    const rows = [0, 1, 2].map((r) => elementsOf('<i2', TWELVE.slice(4 * r, 4 * r + 4)));
    const other = elementsOf('<i2', [99, 99, 99, 99]);
    const bil = Buffer.concat([Buffer.alloc(6), ...rows.flatMap((row) => [row, other])]);
    const header = `${grid}NBANDS 2\nNBITS 16\n${centre}SKIPBYTES 6\n`;
    expect((await readWhole(put({ 'a.bil': bil, 'a.hdr': `${header}LAYOUT BIL` }), degrees)).heights).toEqual(TWELVE);
    const bsq = Buffer.concat([Buffer.alloc(6), ...rows, other, other, other]);
    expect((await readWhole(put({ 'a.bsq': bsq, 'a.hdr': `${header}LAYOUT BSQ` }), degrees)).heights).toEqual(TWELVE);
    await expect(readWhole(put({ 'a.bip': bil, 'a.hdr': `${header}LAYOUT BIP` }), degrees)).rejects.toEqual(
      refusal('input-unsupported', /2 bands by BIP/),
    );
  });
});

describeWithData('binary grids that GDAL writes', ['geotiff/gabon_utm32_int16.tif'], (gabon) => {
  it.runIf(HAS_GDAL).each(['Int16', 'Float32', 'Int32', 'UInt16', 'Byte'])('%s is the same', async (type) => {
    const path = join(temporaryFolder(), `${type}.bil`);
    gdalTranslate(gabon, path, ['-of', 'EHdr', '-ot', type, '-srcwin', '100', '200', '61', '47']);
    const { info, heights } = await readWhole(path, {});
    const nodata = info.nodata ?? Number.NaN;
    const expected = [...gdalSamples(path)].map((value) => (value === nodata ? Number.NaN : value));
    expect(heights).toEqual(expected);
    expect(info.crsName).toMatch(/UTM zone 32N|UTM_Zone_32N/i);
    const [x, y] = gdalCorner(path);
    expect(applyAffine(info.affine, -0.5, -0.5)).toEqual([expect.closeTo(x, 6), expect.closeTo(y, 6)]);
  });
});
