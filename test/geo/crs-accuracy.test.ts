/** The table that scripts/check-crs.ts wrote, held against PROJ again at codes picked by a fixed rule. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { ACCURACIES, ALIASES, BASES, GRIDS, REFUSED } from '../../tiler/geo/crs-accuracy.ts';
import { baseNamed, baseOf } from '../../tiler/geo/crs-verdict.ts';
import { HAS_PROJ, openJudge } from '../support/proj.ts';
import { REPOSITORY } from '../support/test-data.ts';

const codesOf = (ranges: string): number[] =>
  ranges.split(' ').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });

describe('the table of accuracies', () => {
  it('is small, and of one piece', () => {
    expect(statSync(resolve(REPOSITORY, 'tiler/geo/crs-accuracy.ts')).size).toBeLessThan(60_000);
    for (const key of Object.keys(BASES)) expect(key).toMatch(/^\d+ \S/);
    for (const key of Object.keys(ACCURACIES)) expect(Number(key)).toBeGreaterThan(1);
    for (const key of Object.keys(REFUSED)) expect(key).toMatch(/^(grid \S+ \d+|regional \d+|shift|wrong( \d+)?)$/);
    for (const entries of Object.values(GRIDS)) {
      for (const entry of entries.split(' ')) expect(entry).toMatch(/^[^:=]+(=[^:=]+)*:[\d.]+$/);
    }
    const refused = new Set(Object.values(REFUSED).flatMap(codesOf));
    for (const code of Object.values(ACCURACIES).flatMap(codesOf)) expect(refused.has(code)).toBe(false);
  });

  it('names datums as EPSG and Esri do', () => {
    expect(baseOf(21781)).toMatchObject({ code: 4149, name: 'CH1903' });
    expect(baseOf(27572)).toMatchObject({ code: 4275, name: 'NTF' });
    expect(baseOf(2154)).toMatchObject({ family: 'ETRS89' });
    expect(baseOf(32632)).toBeUndefined();
    expect(baseNamed('NAD27')?.code).toBe(4267);
    expect(baseNamed('GCS_North_American_1927')?.code).toBe(4267);
    expect(baseNamed('GCS_CH1903')?.code).toBe(4149);
    expect(baseNamed('WGS 84')).toBeUndefined();
    for (const code of Object.values(ALIASES)) expect(baseOf(Number(code))).toBeDefined();
  });

  it('refuses every code that it lists, unless a grid is given, in one sentence or two', async () => {
    for (const [why, ranges] of Object.entries(REFUSED)) {
      const [code = 0] = codesOf(ranges);
      await expect(resolveCrs(`EPSG:${code}`), why).rejects.toMatchObject({
        code: 'crs',
        message: expect.stringMatching(new RegExp(`^EPSG:${code} .*gdalwarp`)),
      });
    }
  });
});

/** Codes with a shift of their own and without one; a place in each. */
const PLACES: readonly (readonly [code: number, lon: number, lat: number])[] = [
  [2036, -66, 46.5],
  [2056, 8, 46.9],
  [2154, 3, 46],
  [2163, -100, 45],
  [2759, -86, 33],
  [3035, 10, 50],
  [3067, 26, 62],
  [3348, -95, 60],
  [4275, 3, 46],
  [5186, 127.4, 34.9],
  [6677, 139.7, 35.7],
  [23700, 19, 47],
  [25833, 14, 52],
  [26931, -134, 57],
  [27572, 2.5, 47],
  [28355, 147, -36],
  [28992, 5.2, 52],
  [29903, -7, 53],
  [31370, 4.4, 50.8],
  [31982, -51, -25],
];

describe.runIf(HAS_PROJ)('codes that are not refused', () => {
  const judge = openJudge([]);
  afterAll(() => judge.close());

  it.each(PLACES)('EPSG:%i lies as near to PROJ as it says', async (code, lon, lat) => {
    const crs = await resolveCrs(`EPSG:${code}`);
    const [answer] = judge.transform('EPSG:4326', `EPSG:${code}`, [[lat, lon]]);
    const [a = Number.NaN, b = Number.NaN] = answer ?? [];
    const [x, y] = crs.forward([lon, lat]);
    // cs2cs writes northings first where the definition does, and angles in degrees.
    const apart = Math.min(Math.hypot(x - a, y - b), Math.hypot(x - b, y - a));
    const metres = apart * (crs.geographic ? 111320 : crs.unitMetres);
    expect(metres).toBeLessThan(Math.max(1, crs.accuracyMetres ?? Number.NaN));
  });
});
