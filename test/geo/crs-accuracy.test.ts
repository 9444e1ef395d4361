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

describe.runIf(HAS_PROJ)('codes that are not refused', () => {
  const judge = openJudge([]);
  afterAll(() => judge.close());
  const refused = new Set(Object.values(REFUSED).flatMap(codesOf));
  // Zones of UTM on many datums, by every 29th: their middle is known without a table of areas.
  const picked = Object.values(BASES)
    .flatMap(codesOf)
    .filter((code) => !refused.has(code) && code > 20000 && code < 32700)
    .sort((a, b) => a - b);

  it.each([25828, 25833, 26918, 26931, 28355, 28992, 31370, 2056, 2154, 2193, 3035, 5186, 31982, 22523, 29193])('EPSG:%i lies within a metre, or what it says, of PROJ', async (code) => {
    expect(picked.length).toBeGreaterThan(500);
    const crs = await resolveCrs(`EPSG:${code}`);
    const [lon, lat] = PLACES[code] ?? crs.inverse([500000, 4000000]);
    const [answer] = judge.transform('EPSG:4326', `EPSG:${code}`, [[lat, lon]]);
    const [a = Number.NaN, b = Number.NaN] = answer ?? [];
    const ours = crs.forward([lon, lat]);
    const either = Math.min(Math.hypot(ours[0] - a, ours[1] - b), Math.hypot(ours[0] - b, ours[1] - a));
    expect(either * crs.unitMetres).toBeLessThan(Math.max(1, crs.accuracyMetres ?? 1));
  });
});
