/** The rasteriser of the drawn surface, and the finder of triangles, beside a plain ray against every triangle. */
import { describe, expect, it } from 'vitest';
import { vertexPositions } from '../../tiler/verify/check-tile.ts';
import { type DecodedTile, decodeTile } from '../../tiler/verify/decode.ts';
import { forEachRun, heightInRun } from '../../tiler/verify/drawn-surface.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import { openSightLines } from '../../tiler/verify/sight-lines.ts';
import { GEOGRAPHIC, type JudgedTile } from '../../tiler/verify/tiling.ts';
import { TriangleFinder } from '../../tiler/verify/triangle-finder.ts';
import { cross, dot, subtract, toEcef, upAt, type Vector } from '../../tiler/verify/wgs84.ts';
import { boxOf } from './judged.ts';
import { sheetOf } from './reference.ts';
import { planTile, writeTile } from './tiny-tile.ts';

/** Heights at which the line along the ellipsoid's normal meets triangles (Moller and Trumbore 1997). */
function castRay(tile: DecodedTile, corners: readonly Vector[], lon: number, lat: number): number[] {
  const origin = toEcef(lon, lat, 0);
  const direction = upAt(lon, lat);
  const heights: number[] = [];
  for (let t = 0; t < tile.triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((i) => corners[tile.triangles[t + i]]);
    const ab = subtract(b, a);
    const ac = subtract(c, a);
    const across = cross(direction, ac);
    const determinant = dot(ab, across);
    if (determinant === 0) continue;
    const from = subtract(origin, a);
    const first = dot(from, across) / determinant;
    const turned = cross(from, ab);
    const second = dot(direction, turned) / determinant;
    const height = dot(ac, turned) / determinant;
    if (first >= 0 && second >= 0 && first + second <= 1 && Math.abs(height) < 3e6) heights.push(height);
  }
  return heights;
}

function decoded(id: JudgedTile, height: (lon: number, lat: number) => number, cells: number): DecodedTile {
  const { tile } = decodeTile(writeTile(planTile(id, height, { cells, normals: false })));
  if (tile === undefined) throw new Error('not decoded');
  return tile;
}

/** Samples well inside the tile, at no round number. */
function gridIn(id: JudgedTile, count: number): Omit<Sheet, 'heights' | 'name'> {
  const { west, south, side } = boxOf(id);
  const step = (side * 0.7) / count;
  return {
    west: west + side * 0.1537,
    north: south + side * 0.8391,
    stepX: step,
    stepY: step * 0.97,
    columns: count,
    rows: count,
  };
}

const CASES: readonly (readonly [JudgedTile, number])[] = [
  [{ z: 0, x: 0, y: 0 }, 32],
  [{ z: 0, x: 1, y: 0 }, 5],
  [{ z: 1, x: 2, y: 1 }, 6],
  [{ z: 2, x: 0, y: 0 }, 7],
  [{ z: 4, x: 4, y: 6 }, 3],
  [{ z: 8, x: 35, y: 98 }, 2],
  [{ z: 11, x: 280, y: 786 }, 9],
  [{ z: 14, x: 2150, y: 6289 }, 13],
  [{ z: 18, x: 300000, y: 30000 }, 4],
];

describe('forEachRun', () => {
  it.each(CASES)('meets each line of tile %o with %i cells once, at the height of a cast ray', (id, cells) => {
    const random = seededRandom(id.z + cells);
    const tile = decoded(id, () => 4000 * random(), cells);
    const corners = vertexPositions(tile, GEOGRAPHIC.box(id));
    const sheet = sheetOf(gridIn(id, 41), () => 0);
    const met = new Map<number, number>();
    let twice = 0;
    forEachRun(tile, GEOGRAPHIC.box(id), sheet, 0, (run, columns) => {
      for (let column = run.from; column < run.to; column++) {
        const sample = run.row * sheet.columns + column;
        if (met.has(sample)) twice++;
        met.set(sample, heightInRun(run, columns, column));
      }
    });
    expect(twice).toBe(0);
    expect(met.size).toBe(sheet.columns * sheet.rows);
    let worst = 0;
    for (const [sample, height] of met) {
      const lon = sheet.west + (sample % sheet.columns) * sheet.stepX;
      const lat = sheet.north - Math.floor(sample / sheet.columns) * sheet.stepY;
      const rays = castRay(tile, corners, lon, lat);
      worst = Math.max(worst, Math.min(...rays.map((ray) => Math.abs(ray - height))));
    }
    expect(worst).toBeLessThan(1e-3);
  });

  it('hands each sample of a sheet over many tiles to exactly one of them, also on their borders and the equator', () => {
    for (const z of [2, 3, 6]) {
      const side = 180 / 2 ** z;
      const step = side / 8;
      // Samples fall on every border, and two rows of tiles meet at the equator.
      const sheet = sheetOf(
        { west: -180 + side, north: side, stepX: step, stepY: step, columns: 17, rows: 17 },
        () => 0,
      );
      const met = new Uint8Array(sheet.heights.length);
      for (let x = 0; x < 5 && x < 2 ** (z + 1); x++) {
        for (let y = 2 ** (z - 1) - 2; y < 2 ** (z - 1) + 2; y++) {
          if (y < 0 || y >= 2 ** z) continue;
          const id = { z, x, y };
          const tile = decoded(id, (lon, lat) => 100 + lon + lat, 3);
          forEachRun(tile, GEOGRAPHIC.box(id), sheet, 0, (run) => {
            for (let column = run.from; column < run.to; column++) met[run.row * sheet.columns + column]++;
          });
        }
      }
      expect([...new Set(met)]).toEqual([1]);
    }
  });

  it('follows a sheet across the date line', () => {
    const sheet = sheetOf({ west: 179, north: 1.5, stepX: 0.1, stepY: 0.1, columns: 21, rows: 2 }, () => 0);
    const counts = [
      { z: 6, x: 127, y: 31 },
      { z: 6, x: 0, y: 31 },
    ].map((id) => {
      const tile = decoded(id, () => 10, 2);
      let count = 0;
      for (const turn of [-360, 0])
        forEachRun(tile, GEOGRAPHIC.box(id), sheet, turn, (run) => (count += run.to - run.from));
      return count;
    });
    expect(counts).toEqual([20, 22]);
  });
});

describe('TriangleFinder', () => {
  it.each(CASES)('meets each line of tile %o with %i cells at the height of a cast ray', (id, cells) => {
    const random = seededRandom(id.z + cells);
    const tile = decoded(id, () => 4000 * random(), cells);
    const box = GEOGRAPHIC.box(id);
    const corners = vertexPositions(tile, box);
    const { west, south, side } = boxOf(id);
    const lons = Float64Array.from({ length: 400 }, () => west + side * (0.02 + 0.96 * random()));
    const lats = Float64Array.from({ length: 400 }, () => south + side * (0.2 + 0.6 * random()));
    // One that remembers where it was, and one that is asked a turn to the east.
    const lines = openSightLines({ lons, lats });
    const finder = new TriangleFinder(tile, box);
    const heights = Array.from(lons.keys(), (k) => finder.heightAlong(lines, k));
    let worst = 0;
    for (const [k, height] of heights.entries()) {
      const rays = castRay(tile, corners, lons[k], lats[k]);
      worst = Math.max(worst, Math.min(...rays.map((ray) => Math.abs(ray - height))));
      const turned = new TriangleFinder(tile, box).heightInSpace(lons[k] + 360, lats[k]);
      worst = Math.max(worst, Math.abs(turned - height));
    }
    expect(worst).toBeLessThan(1e-3);
  });

  it('meets nothing beside the tile, and on a border what both neighbours draw', () => {
    const [west, east] = [8, 9].map((x) => {
      const id = { z: 4, x, y: 6 };
      return new TriangleFinder(
        decoded(id, (lon, lat) => 100 * lon + lat, 3),
        GEOGRAPHIC.box(id),
      );
    });
    const { west: border, south, side } = boxOf({ z: 4, x: 9, y: 6 });
    for (const share of [0.1, 0.5, 0.77]) {
      const lat = south + share * side;
      expect(west.heightInSpace(border, lat)).toBeCloseTo(east.heightInSpace(border, lat), 0);
      expect(west.heightInSpace(border + 1e-6, lat)).toBeNaN();
      expect(east.heightInSpace(border - 1e-6, lat)).toBeNaN();
      expect(east.heightInSpace(border + 1, south - side / 10)).toBeNaN();
      expect(east.heightInSpace(border + 1, south + 1.1 * side)).toBeNaN();
    }
  });

  it('meets a line beyond a parallel where the drawn side bulges over it', () => {
    const id = { z: 2, x: 3, y: 0 };
    const finder = new TriangleFinder(
      decoded(id, () => 0, 1),
      GEOGRAPHIC.box(id),
    );
    const { west, south, side } = boxOf(id);
    // The chord between two places at 45 degrees runs to the north of the parallel in between.
    expect(finder.heightInSpace(west + side / 2, south + 0.05)).toBeNaN();
    expect(finder.heightInSpace(west + 0.01, south + 0.05)).not.toBeNaN();
    const below = { z: 2, x: 3, y: 1 };
    const beyond = new TriangleFinder(
      decoded(below, () => 0, 1),
      GEOGRAPHIC.box(below),
    );
    expect(beyond.heightInSpace(west + side / 2, south + 0.05)).not.toBeNaN();
  });
});
