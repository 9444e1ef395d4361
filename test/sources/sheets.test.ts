import { describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { openHgt } from '../../tiler/sources/hgt.ts';
import { joinSheets } from '../../tiler/sources/sheets.ts';
import type { MemoryRaster } from '../support/memory-source.ts';
import { memorySource } from '../support/memory-source.ts';
import { describeWithData } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

const V = Number.NaN;

/** A sheet of 10-degree samples whose first lies at (lon, lat). */
function sheet(lon: number, lat: number, columns: number, rows: number, more: Partial<MemoryRaster> = {}) {
  const affine = { a: 10, b: 0, c: lon, d: 0, e: -10, f: lat };
  const name = more.name ?? `${lon},${lat}`;
  return memorySource({
    columns,
    rows,
    affine,
    values: (c, r) => lon + 10 * c + (lat - 10 * r) / 1000,
    version: name,
    ...more,
    name,
  });
}

const whole = async (source: Awaited<ReturnType<typeof joinSheets>>) => {
  const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
  return source.read(0, { column: 0, row: 0, columns, rows });
};

describeRasterSource('sheets', () => joinSheets([sheet(0, 40, 5, 6), sheet(40, 50, 4, 7), sheet(20, 0, 3, 3)]));
describeRasterSource('sheets round the world', () => joinSheets([sheet(-180, 40, 20, 6), sheet(10, 40, 18, 6)]));

describe('joinSheets', () => {
  it('is the union of its sheets, void between them', async () => {
    const joined = await joinSheets([sheet(0, 40, 2, 2), sheet(20, 30, 2, 2)]);
    expect(joined.info.levels).toEqual([{ columns: 4, rows: 3, scaleX: 1, scaleY: 1 }]);
    expect(joined.info.sheets.map(({ column, row, file }) => [column, row, file])).toEqual([
      [0, 0, '0,40'],
      [2, 1, '20,30'],
    ]);
    expect(joined.info.name).toBe('2 sheets: 0,40, 20,30');
    const f = Math.fround;
    expect([...(await whole(joined))]).toEqual([
      f(0.04),
      f(10.04),
      V,
      V,
      f(0.03),
      f(10.03),
      f(20.03),
      f(30.03),
      V,
      V,
      f(20.02),
      f(30.02),
    ]);
  });

  it('lets the first win where sheets overlap, unless it is void there', async () => {
    const upper = sheet(0, 0, 3, 1, { values: [1, V, 3] });
    const lower = sheet(10, 0, 3, 1, { values: [7, 8, 9] });
    expect([...(await whole(await joinSheets([upper, lower])))]).toEqual([1, 7, 3, 9]);
    expect([...(await whole(await joinSheets([lower, upper])))]).toEqual([1, 7, 8, 9]);
  });

  it('cuts the circle of longitudes at its largest gap', async () => {
    const east = sheet(160, 0, 3, 1, { values: [1, 2, 3] });
    const west = sheet(-180, 0, 3, 1, { values: [3, 4, 5] });
    for (const sheets of [
      [east, west],
      [west, east],
    ]) {
      const joined = await joinSheets(sheets);
      expect(joined.info.affine.c).toBe(160);
      expect(joined.info.periodColumns).toBeUndefined();
      expect([...(await whole(joined))]).toEqual([1, 2, 3, 4, 5]);
    }
  });

  it('goes round the world where its sheets do, with overlaps on both sides of the cut', async () => {
    const west = sheet(-190, 0, 20, 1, { values: (c) => 1000 + c });
    const east = sheet(0, 0, 19, 1, { values: (c) => 2000 + c });
    const joined = await joinSheets([west, east]);
    expect(joined.info.periodColumns).toBe(36);
    expect(joined.info.affine.c).toBe(-190);
    const samples = await joined.read(0, { column: 17, row: 0, columns: 22, rows: 1 });
    expect([...samples]).toEqual([
      1017,
      1018,
      1019,
      ...Array.from({ length: 16 }, (_, i) => 2001 + i),
      1000,
      1001,
      1002,
    ]);
    const voidFirst = await joinSheets([sheet(-190, 0, 20, 1, { values: (c) => (c < 2 ? V : 1000 + c) }), east]);
    expect([...(await voidFirst.read(0, { column: 35, row: 0, columns: 3, rows: 1 }))]).toEqual([2016, 2017, 2018]);
  });

  it('has one version for any order that changes no sample, and only then', async () => {
    const a = sheet(0, 0, 3, 1, { values: [1, 2, 3] });
    const b = sheet(20, 0, 3, 1, { values: [3, 4, 5], version: 'b' });
    const c = sheet(20, 0, 3, 1, { values: [4, 4, 5], version: 'c' });
    const version = async (...sheets: (typeof a)[]) => (await joinSheets(sheets)).info.version;
    expect(await version(a, b)).toBe(await version(b, a));
    expect(await version(a, c)).not.toBe(await version(c, a));
    expect(await version(a, b)).not.toBe(await version(a, c));
    expect(await version(a, b)).toMatch(/^[0-9a-f]{32}$/);
    expect(await version(a, sheet(30, 0, 3, 1, { version: '' }))).toBe('');
  });

  it('refuses sheets that are not of one grid: which file, what differs, what to do', async () => {
    const first = sheet(0, 0, 3, 3);
    const feet = { datum: 'egm96', known: 'option', unitMetres: 0.3048, unit: 'foot', because: 'test' } as const;
    const cases: [Partial<MemoryRaster>, RegExp][] = [
      [
        { crs: 'EPSG:4269' },
        /odd does not continue 0,0: its coordinate system is EPSG:4269, not EPSG:4326\..*one by one/,
      ],
      [{ affine: { a: 10.001, b: 0, c: 30, d: 0, e: -10, f: 0 } }, /spacing is 10.001 by 10, not 10 by 10/],
      [{ affine: { a: 10, b: 0, c: 33, d: 0, e: -10, f: 0 } }, /0.30 of a sample beside/],
      [{ affine: { a: 10, b: 0, c: 30, d: 0, e: -10, f: 0.2 } }, /0.02 of a sample beside/],
      [{ vertical: { ...feet, unit: 'metre', unitMetres: 1, datum: 'navd88' } }, /heights refer to navd88, not egm96/],
      [{ vertical: feet }, /heights are in foot, not metre/],
    ];
    for (const [more, message] of cases) {
      const odd = sheet(30, 0, 3, 3, { ...more, name: 'odd' });
      const refusal = { code: 'input-unsupported', where: 'odd', message: expect.stringMatching(message) };
      await expect(joinSheets([first, odd])).rejects.toMatchObject(refusal);
    }
    const near = sheet(30, 0, 3, 3, { affine: { a: 10.000005, b: 0, c: 30.05, d: 0, e: -10, f: 0 } });
    await expect(joinSheets([first, near])).resolves.toBeDefined();
  });

  it('reads only the sheets that the window touches, and closes all', async () => {
    const asked: string[] = [];
    const watched = (lon: number) => {
      const source = sheet(lon, 0, 3, 3);
      const note = (what: string) => asked.push(`${what} ${lon}`);
      return {
        ...source,
        read: (...args: Parameters<typeof source.read>) => {
          note('read');
          return source.read(...args);
        },
        close: async () => void note('close'),
      };
    };
    const joined = await joinSheets(
      [watched(0), watched(30), watched(60)].map((s) => ({ ...s, info: { ...s.info, version: '' } })),
    );
    await joined.read(0, { column: 3, row: 0, columns: 3, rows: 3 });
    await joined.read(0, { column: 5, row: -2, columns: 2, rows: 3 });
    expect(asked).toEqual(['read 30', 'read 30', 'read 60']);
    await joined.close();
    expect(asked.slice(3).sort()).toEqual(['close 0', 'close 30', 'close 60']);
  });
});

describeWithData(
  'sheets of real data',
  [
    'hgt/N51E179.hgt.zip',
    'hgt/N51W180.hgt.zip',
    'geotiff/korea5186_34707051.tif',
    'geotiff/korea5186_34707052.tif',
    'geotiff/korea5186_34707053.tif',
    'geotiff/oregon_4269_w124.tif',
    'geotiff/oregon_4269_w123.tif',
  ],
  (aleutiansEast, aleutiansWest, ...others) => {
    it('joins the Aleutians across the date line', async () => {
      const [east, west] = await Promise.all([openHgt(aleutiansEast), openHgt(aleutiansWest)]);
      for (const order of [
        [east, west],
        [west, east],
      ]) {
        const joined = await joinSheets(order);
        expect(joined.info.levels[0]).toMatchObject({ columns: 7201, rows: 3601 });
        expect(joined.info.affine).toMatchObject({ c: 179, f: 52 });
        expect(applyAffine(joined.info.affine, 7200, 3600)[0]).toBeCloseTo(181, 9);
        // 10 columns on either side of 180 degrees.
        const across = await joined.read(0, { column: 3590, row: 1000, columns: 21, rows: 1 });
        const left = await east.read(0, { column: 3590, row: 1000, columns: 11, rows: 1 });
        const right = await west.read(0, { column: 0, row: 1000, columns: 11, rows: 1 });
        expect([...across]).toEqual([...left, ...right.subarray(1)]);
        const island = await joined.read(0, { column: 3600, row: 0, columns: 3601, rows: 3601 });
        expect(island.filter((height) => !Number.isNaN(height)).reduce((a, b) => Math.max(a, b))).toBe(564);
      }
      await Promise.all([east.close(), west.close()]);
    });

    it('joins the Korean sheets and refuses the Oregon pair, which is a fifth of a sample off', async () => {
      const [k1, k2, k3, o1, o2] = await Promise.all(others.map((path) => openGeoTiff(path)));
      if (!k1 || !k2 || !k3 || !o1 || !o2) throw new Error('five files expected');
      const joined = await joinSheets([k1, k2, k3]);
      expect(joined.info.levels[0]).toMatchObject({ columns: 1400, rows: 582 });
      expect(joined.info.sheets.map(({ column, row }) => [column, row])).toEqual([
        [0, 4],
        [458, 2],
        [918, 0],
      ]);
      const middle = await joined.read(0, { column: 470, row: 100, columns: 8, rows: 8 });
      expect([...middle]).toEqual([...(await k1.read(0, { column: 470, row: 96, columns: 8, rows: 8 }))]);
      await expect(joinSheets([o1, o2])).rejects.toMatchObject({
        code: 'input-unsupported',
        message: expect.stringMatching(/0.20 of a sample beside/),
      });
      await Promise.all([joined.close(), o1.close(), o2.close()]);
    });
  },
);
