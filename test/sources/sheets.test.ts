import { describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { openHgt } from '../../tiler/sources/hgt.ts';
import type { RasterSource, SampleWindow } from '../../tiler/sources/raster-source.ts';
import { groupSheets } from '../../tiler/sources/sheet-grid.ts';
import { listOf } from '../../tiler/sources/sheet-list.ts';
import { joinSheets } from '../../tiler/sources/sheets.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
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

describe('groupSheets', () => {
  const at = (column: number, more: Partial<MemoryRaster> = {}) => sheet(10 * column, 0, 2, 2, more).info;

  it('compares each sheet with the first of a group, so that none drifts with those between', () => {
    // Hundredths of a sample off: up to one is the same grid.
    expect(groupSheets(listOf([at(0), at(5.008), at(9.016), at(14.012), at(20)]))).toEqual([
      [0, 1, 4],
      [2, 3],
    ]);
    expect(groupSheets(listOf([at(5.008), at(9.016), at(0)]))).toEqual([[0, 1, 2]]);
  });

  it('keeps what differs in system, datum, unit or spacing apart, in the order of the first of each', () => {
    const feet = { datum: 'egm96', known: 'option', unitMetres: 0.3048, unit: 'foot', because: 'test' } as const;
    const navd88 = { ...feet, datum: 'navd88', unitMetres: 1, unit: 'metre' };
    const finer = { affine: { a: 5, b: 0, c: 0, d: 0, e: -5, f: 0 } };
    const infos = [{ crs: 'EPSG:4269' }, {}, { vertical: feet }, finer, { vertical: navd88 }];
    expect(groupSheets(listOf([...infos, ...infos].map((more) => at(3, more))))).toEqual([
      [0, 5],
      [1, 6],
      [2, 7],
      [3, 8],
      [4, 9],
    ]);
  });
});

describe('sheets in any layout', () => {
  /** Painted sheet by sheet from the last to the first, in every turn of the world. */
  function paint(sheets: readonly MemoryRaster[], window: SampleWindow, west: number, north: number, period?: number) {
    const out = new Float32Array(window.columns * window.rows).fill(V);
    for (const { affine, columns, rows, values } of sheets.toReversed()) {
      for (let i = 0; i < out.length; i++) {
        const column = west + window.column + (i % window.columns) - affine.c / 10;
        const row = north + window.row + Math.floor(i / window.columns) + affine.f / 10;
        const moved = period === undefined ? column : column - Math.floor(column / period) * period;
        if (moved < 0 || moved >= columns || row < 0 || row >= rows) continue;
        const value = (values as number[])[row * columns + moved] ?? V;
        if (!Number.isNaN(value)) out[i] = value;
      }
    }
    return out;
  }

  it.each([
    ['on a map', 'EPSG:3857', 40],
    ['round the world', 'EPSG:4326', 12],
  ])('are what a painter would make of them, %s', async (_, crs, rounds) => {
    const next = seededRandom(rounds);
    const whole = (below: number) => Math.floor(next() * below);
    let tried = 0;
    for (let round = 0; round < rounds; round++) {
      const sheets: MemoryRaster[] = Array.from({ length: 2 + whole(60) }, (__, k) => {
        const [columns, rows] = [1 + whole(9), 1 + whole(9)];
        const values = Array.from({ length: columns * rows }, (___, i) => (next() < 0.2 ? V : 1000 * k + i));
        const affine = { a: 10, b: 0, c: 10 * whole(36) - 180, d: 0, e: -10, f: 90 - 10 * whole(18) };
        return { columns, rows, affine, values, crs, version: `${k}` };
      });
      const joined = await joinSheets(sheets.map(memorySource));
      const { affine, levels, periodColumns } = joined.info;
      if (crs === 'EPSG:4326' && periodColumns === undefined) continue;
      tried++;
      for (let k = 0; k < 12; k++) {
        const window = { column: whole(100) - 50, row: whole(30) - 6, columns: 1 + whole(40), rows: 1 + whole(20) };
        const painted = paint(sheets, window, Math.round(affine.c / 10), -Math.round(affine.f / 10), periodColumns);
        expect(await joined.read(0, window)).toEqual(painted);
      }
      expect(joined.info.sheets).toHaveLength(sheets.length);
      expect(levels[0]?.columns).toBeGreaterThan(0);
    }
    expect(tried).toBeGreaterThan(rounds / 3);
  });

  it('count the order of many that overlap, and not that of many that do not', async () => {
    const version = async (...sheets: RasterSource[]) => (await joinSheets(sheets)).info.version;
    const row = Array.from({ length: 36 }, (_, k) => sheet(-180 + 20 * (k % 18), k < 18 ? 40 : 0, 2, 2));
    const turned = [...row.slice(20), ...row.slice(0, 20).reverse()];
    expect(await version(...row)).toBe(await version(...turned));
    const over = sheet(-170, 40, 2, 2, { version: 'over' });
    expect(await version(over, ...row)).toBe(await version(over, ...turned));
    expect(await version(over, ...row)).not.toBe(await version(...row, over));
    // The same bytes in the same place twice are no other heights.
    expect(await version(...row, over, over)).toBe(await version(...row, over));
  });

  it('costs two distant sheets nothing but their own samples', async () => {
    const far = 2 ** 30;
    const affine = (column: number) => ({ a: 1, b: 0, c: column, d: 0, e: -1, f: -column });
    const [here, there] = [0, far].map((column) =>
      memorySource({ columns: 2, rows: 2, affine: affine(column), crs: 'EPSG:3857', values: [1, 2, 3, 4] }),
    );
    if (!here || !there) throw new Error('two sheets expected');
    const joined = await joinSheets([here, there]);
    expect(joined.info.levels[0]).toMatchObject({ columns: far + 2, rows: far + 2 });
    expect([...(await joined.read(0, { column: far, row: far, columns: 2, rows: 2 }))]).toEqual([1, 2, 3, 4]);
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
