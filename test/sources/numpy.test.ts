import { describe, expect, it } from 'vitest';
import { openSource } from '../../tiler/sources/open-source.ts';
import type { NumpyArray } from '../support/numpy-writer.ts';
import { elementsOf, npyOf } from '../support/numpy-writer.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { describeWithData } from '../support/test-data.ts';
import { readWhole, refusal } from '../support/whole-source.ts';
import { zipOfMany } from '../support/zip-writer.ts';
import { describeRasterSource } from './conformance.ts';

const place = openPlacedFiles('numpy');
const put = (bytes: Uint8Array, ending = 'npy') => place({ [`dem.${ending}`]: bytes });

const PLACE = { sourceCrs: 'EPSG:4326', bounds: '10,40,14,43' };

const read = (path: string, options: Parameters<typeof readWhole>[1] = PLACE) => readWhole(path, options);

/** 3 rows of 4, which every type can hold. */
const TWELVE = [0, 1, 2, 3, 100, 101, 102, 103, 64, 65, 66, 127];
const COLUMNS_FIRST = [0, 100, 64, 1, 101, 65, 2, 102, 66, 3, 103, 127];
const arrayOf = (descr: string, values: readonly number[], more: Partial<NumpyArray> = {}) =>
  npyOf({ descr, shape: [3, 4], bytes: elementsOf(descr, values), ...more });

const wave = Array.from({ length: 90 * 70 }, (_, i) => Math.fround(900 * Math.sin(i / 97)));
const wide = { sourceCrs: 'EPSG:4326', bounds: '10,40,10.9,40.7' };
for (const fortran of [false, true]) {
  describeRasterSource(`NumPy array${fortran ? ' in Fortran order' : ''}`, () =>
    openSource([put(npyOf({ descr: '<f4', shape: [70, 90], fortran, bytes: elementsOf('<f4', wave) }))], wide),
  );
}
describeRasterSource('NumPy array in a zip', () =>
  openSource(
    [put(zipOfMany({ 'dem.npy': npyOf({ descr: '>f8', shape: [70, 90], bytes: elementsOf('>f8', wave) }) }), 'npz')],
    wide,
  ),
);

describe('a NumPy array', () => {
  const codes = ['i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', 'f2', 'f4', 'f8'];
  it.each(codes.flatMap((code) => [`<${code}`, `>${code}`]))(
    'of %s is read, in both orders of sides',
    async (descr) => {
      expect((await read(put(arrayOf(descr, TWELVE)))).heights).toEqual(TWELVE);
      const fortran = put(arrayOf(descr, COLUMNS_FIRST, { fortran: true }));
      expect((await read(fortran)).heights).toEqual(TWELVE);
    },
  );

  it('keeps signs, fractions and voids', async () => {
    const signed = [-1, -128, -100, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    expect((await read(put(arrayOf('|i1', signed)))).heights).toEqual(signed);
    const halves = [-1.5, 0.5, 512.5, Number.NaN, 1, 2, 3, 4, 5, 6, 7, 2 ** -14];
    expect((await read(put(arrayOf('<f2', halves)))).heights).toEqual(halves);
    const doubles = [Number.POSITIVE_INFINITY, 1e9, -0.125, 8848.86, 1, 2, 3, 4, 5, 6, 7, 8];
    const { heights } = await read(put(arrayOf('<f8', doubles)));
    expect(heights).toEqual([Number.NaN, Number.NaN, -0.125, Math.fround(8848.86), 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('has its outer edges at the bounds, first row north', async () => {
    const { info } = await read(put(arrayOf('<i2', TWELVE)));
    expect(info.affine).toEqual({ a: 1, b: 0, c: 10.5, d: 0, e: -1, f: 42.5 });
    expect(info).toMatchObject({ format: 'NumPy', crs: 'EPSG:4326', sampleType: 'int16' });
  });

  it('may have sides of 1 in front, and the longer header', async () => {
    expect((await read(put(arrayOf('<i2', TWELVE, { shape: [1, 1, 3, 4] })))).heights).toEqual(TWELVE);
    expect((await read(put(arrayOf('<i2', TWELVE, { version: 2 })))).heights).toEqual(TWELVE);
  });

  it('is refused without a place, naming both options', async () => {
    const path = put(arrayOf('<i2', TWELVE));
    await expect(read(path, {})).rejects.toEqual(refusal('crs', /--bounds.*--source-crs/));
    await expect(read(path, { bounds: PLACE.bounds })).rejects.toEqual(refusal('crs', /--source-crs/));
    await expect(read(path, { ...PLACE, bounds: '14,40,10,43' })).rejects.toEqual(refusal('usage', /west below east/));
    await expect(read(path, { ...PLACE, bounds: '10,40,14' })).rejects.toEqual(refusal('usage', /WEST,SOUTH,EAST/));
    await expect(read(path, { ...PLACE, bounds: '10,40,14,430' })).rejects.toEqual(refusal('crs', /outside the world/));
  });

  it('is refused when it is no plane of numbers', async () => {
    const of = (descr: string, shape: number[], bytes = 96) => put(npyOf({ descr, shape, bytes: Buffer.alloc(bytes) }));
    await expect(read(of('<i2', [12]))).rejects.toEqual(refusal('input-unsupported', /two dimensions/));
    await expect(read(of('<i2', [2, 3, 4]))).rejects.toEqual(refusal('input-unsupported', /\(2, 3, 4\)/));
    await expect(read(of('<c8', [3, 4]))).rejects.toEqual(refusal('input-unsupported', /"<c8"/));
    await expect(read(of('|b1', [3, 4]))).rejects.toEqual(refusal('input-unsupported', /"\|b1"/));
  });

  it('has a version that takes in its place', async () => {
    const path = put(arrayOf('<i2', TWELVE));
    const [a, b] = [await read(path), await read(path, { ...PLACE, bounds: '10,40,14,44' })];
    expect(a.info.version).not.toBe(b.info.version);
    expect((await read(put(arrayOf('<i2', TWELVE)))).info.version).toBe(a.info.version);
  });
});

describe('an .npz', () => {
  const plane = arrayOf('<i2', TWELVE);
  const other = arrayOf('<i2', TWELVE.toReversed());
  const line = npyOf({ descr: '<f8', shape: [4], bytes: Buffer.alloc(32) });

  it('gives its only plane, or the one that is named', async () => {
    expect((await read(put(zipOfMany({ 'x.npy': line, 'dem.npy': plane }), 'npz'))).heights).toEqual(TWELVE);
    const two = put(zipOfMany({ 'a.npy': plane, 'b.npy': other }), 'npz');
    expect((await read(`${two}#b`)).heights).toEqual(TWELVE.toReversed());
    expect((await read(`${two}#a`)).heights).toEqual(TWELVE);
    expect((await read(`${two}#a`)).info.version).not.toBe((await read(`${two}#b`)).info.version);
  });

  it('says which arrays it has when it is not clear which is meant', async () => {
    const two = put(zipOfMany({ 'a.npy': plane, 'b.npy': other }), 'npz');
    await expect(read(two)).rejects.toEqual(refusal('input-invalid', /has 2 arrays.*holds a, b.*#a/));
    await expect(read(`${two}#c`)).rejects.toEqual(refusal('input-invalid', /no array "c"; it holds a, b/));
    const none = put(zipOfMany({ 'x.npy': line }), 'npz');
    await expect(read(none)).rejects.toEqual(refusal('input-invalid', /no array of two dimensions/));
  });
});

describeWithData('the fault of Jacksboro', ['npz/jacksboro_fault_dem.npz'], (path) => {
  it('has the heights that its makers state', async () => {
    const { info, heights } = await read(path, {
      sourceCrs: 'EPSG:4326',
      bounds: '-84.41375,36.44625,-84.07791667,36.73291667',
    });
    expect(info).toMatchObject({ sampleType: 'int16', levels: [{ columns: 403, rows: 344 }, {}] });
    const sorted = heights.toSorted((a, b) => a - b);
    expect([sorted[0], sorted.at(-1)]).toEqual([236, 1076]);
  });
});
