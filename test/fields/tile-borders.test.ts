/** Sides of tiles against their neighbours', the ground along them, and every sample under the cells that they cross. */
import { describe, expect, it } from 'vitest';
import type { RasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField, type TerrainField } from '../../tiler/fields/terrain-field.ts';
import { readBorders } from '../../tiler/fields/tile-borders.ts';
import { MAX_REACH } from '../../tiler/fields/tile-samples.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { Origin } from '../../tiler/geo/post-grid.ts';
import {
  geographic,
  type LonLatBox,
  type TileId,
  type TilingScheme,
  webMercator,
} from '../../tiler/geo/tiling-scheme.ts';
import { type BorderLine, SIDE } from '../../tiler/mesh/border.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import type { MemoryRaster } from '../support/memory-source.ts';
import { openPreparedField, type PreparedField } from '../support/prepared-field.ts';

const METRES = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;
const STEP = 1 / 1200;
/** No sample lies so far from anything: finer levels are not asked. */
const ANY = 1e9;

/** Rough hills with voids: what is filled and what blends into the floor lies on borders too. */
function ground(columns: number, rows: number, voids = 0.02): Float32Array {
  const random = seededRandom(columns * rows);
  return Float32Array.from({ length: columns * rows }, (_, k) => {
    const [c, r] = [k % columns, Math.floor(k / columns)];
    return random() < voids ? Number.NaN : 200 * Math.sin(c / 11) * Math.cos(r / 8) + 40 * random();
  });
}

/** 600 x 400 samples round a place. */
async function around(lon: number, lat: number, { crs = 'EPSG:4326', step = STEP, voids = 0.02 } = {}) {
  const [columns, rows] = [600, 400];
  const [x, y] = (await resolveCrs(crs)).forward([lon, lat]);
  const affine = { a: step, b: 0, c: x - (columns / 2) * step, d: 0, e: -step, f: y + (rows / 2) * step };
  return { columns, rows, affine, crs, vertical: METRES, values: ground(columns, rows, voids) } satisfies MemoryRaster;
}

function world(): MemoryRaster {
  const values = ground(720, 360);
  const affine = { a: 0.5, b: 0, c: -179.75, d: 0, e: -0.5, f: 89.75 };
  return { columns: 720, rows: 360, affine, vertical: METRES, values, periodColumns: 720 };
}

/** A layer of its own for each tile, as threads have: none keeps a side for the neighbour. */
function layerOf(fields: readonly RasterField[]): TerrainField {
  return openTerrainField(
    fields.map((field) => ({ field })),
    { floor: 'ellipsoid' },
  );
}

/** The tile whose south-east corner is the tile corner nearest to a place. */
function tileAtCorner(scheme: TilingScheme, z: number, lon: number, lat: number): TileId {
  const x = Math.round(((lon + 180) / 360) * scheme.columns(z)) - 1;
  const near = scheme.rowAt(z, lat);
  const { south, north } = scheme.box({ z, x: 0, y: near });
  const y = Math.max(0, lat - south < north - lat ? near : near - 1);
  return { z, x: (x + scheme.columns(z)) % scheme.columns(z), y };
}

/** A point of a side, all that is said of it. */
function pointOf(line: BorderLine, end: 'first' | 'last') {
  const k = end === 'first' ? 0 : line.positions.length - 1;
  const { positions, heights, undulation, above, below } = line;
  expect(positions[k]).toBe(end === 'first' ? 0 : SIDE);
  return { height: heights[k], undulation: undulation[k], above: above?.[k] ?? 0, below: below?.[k] ?? 0 };
}

function expectSound({ positions, heights, undulation, above, below }: BorderLine): void {
  for (let k = 1; k < positions.length; k++) expect(positions[k]).toBeGreaterThan(positions[k - 1]);
  const there = new Set(positions);
  for (let k = 0; k <= 64; k++) expect(there.has((k * SIDE) / 64)).toBe(true);
  for (const values of [heights, undulation, above ?? heights, below ?? heights]) {
    expect(values.length).toBe(positions.length);
    expect(values.every(Number.isFinite)).toBe(true);
  }
  for (const reach of [above, below]) if (reach) expect(Math.min(...reach)).toBeGreaterThanOrEqual(0);
}

/** Four tiles round a corner: the sides that two of them share are equal to the last bit, and the corner that all share. */
async function checkCorner(fields: readonly RasterField[], scheme: TilingScheme, nw: TileId, maxError: number) {
  const { z, x, y } = nw;
  const right = (x + 1) % scheme.columns(z);
  const read = (id: TileId) => readBorders(layerOf(fields), scheme, id, maxError);
  const [a, b, c, d] = await Promise.all([
    read(nw),
    read({ z, x: right, y }),
    read({ z, x, y: y + 1 }),
    read({ z, x: right, y: y + 1 }),
  ]);
  expect(a.east).toEqual(b.west);
  expect(c.east).toEqual(d.west);
  expect(a.south).toEqual(c.north);
  expect(b.south).toEqual(d.north);
  const corner = pointOf(a.east, 'last');
  expect(pointOf(a.south, 'last')).toEqual(corner);
  expect(pointOf(b.south, 'first')).toEqual(corner);
  expect(pointOf(c.east, 'first')).toEqual(corner);
  for (const line of [a.north, a.west, a.east, a.south, b.south, c.east]) expectSound(line);
  return a;
}

const finer = await around(10.1, 47.05, { step: STEP / 3 });
const CORNERS: readonly (readonly [name: string, rasters: readonly MemoryRaster[], lon: number, lat: number])[] = [
  ['degrees', [await around(10, 47)], 10, 47],
  ['degrees that end near by', [await around(10.24, 47.15)], 10, 47],
  ['samples on the corner itself', [await around(11.25, 45)], 11.25, 45],
  ['metres', [await around(10, 47, { crs: 'EPSG:32632', step: 90 })], 10, 47],
  ['a finer sheet over a coarse one', [finer, await around(10, 47)], 10, 47],
  ['metres over degrees', [await around(10.1, 47, { crs: 'EPSG:32632', step: 30 }), await around(10, 47)], 10, 47],
  ['across 180', [await around(180, -17)], 180, -17],
  ['the world, at 180', [world()], 180, 0],
  ['the world, in its middle', [world()], 0, 40],
  ['the world, beside the pole', [world()], 90, 84],
];

describe('readBorders', () => {
  for (const scheme of [geographic, webMercator]) {
    for (const [name, rasters, lon, lat] of CORNERS) {
      it(`gives both neighbours the same bits: ${name}, ${scheme.id}`, async () => {
        const fields: PreparedField[] = [];
        for (const raster of rasters) fields.push(await openPreparedField(raster, scheme));
        const isWorld = rasters[0].periodColumns !== undefined;
        for (const z of isWorld ? [1, 2, 5] : [8, 9, 10, 12]) {
          const bound = scheme.maxGeometricError(z);
          for (const maxError of [ANY, bound, bound / 20]) {
            await checkCorner(fields, scheme, tileAtCorner(scheme, z, lon, lat), maxError);
          }
        }
      });
    }
  }

  it('is the same whether a neighbour was read before or not', async () => {
    const field = await openPreparedField(await around(10, 47), geographic);
    const { z, x, y } = tileAtCorner(geographic, 9, 10, 47);
    const layer = layerOf([field]);
    const first = await readBorders(layer, geographic, { z, x, y }, 20);
    const next = await readBorders(layer, geographic, { z, x: x + 1, y }, 20);
    const fresh = layerOf([await openPreparedField(await around(10, 47), geographic)]);
    expect(next).toEqual(await readBorders(fresh, geographic, { z, x: x + 1, y }, 20));
    expect(first).toEqual(await readBorders(fresh, geographic, { z, x, y }, 20));
  });

  it('does not wait under a signal that has been given', async () => {
    const layer = layerOf([await openPreparedField(await around(10, 47), geographic)]);
    const signal = AbortSignal.abort(new Error('enough'));
    const id = tileAtCorner(geographic, 9, 10, 47);
    await expect(readBorders(layer, geographic, id, ANY, { signal })).rejects.toThrow('enough');
    // What one tile gave up does not spoil it for the next.
    expectSound((await readBorders(layer, geographic, id, ANY)).north);
  });
});

/** Sides by name with the place of a position along them. */
function sidesOf({ west, south, east, north }: LonLatBox) {
  const lon = (share: number) => west + share * (east - west);
  const lat = (share: number) => north + share * (south - north);
  return [
    ['north', (share: number) => [lon(share), north]],
    ['south', (share: number) => [lon(share), south]],
    ['west', (share: number) => [west, lat(share)]],
    ['east', (share: number) => [east, lat(share)]],
  ] as const;
}

/** Height of a side as it is drawn through all of its points. */
function heightAlong({ positions, heights }: BorderLine, position: number): number {
  const after = positions.findIndex((one) => one >= position);
  if (positions[after] === position) return heights[after];
  const [from, to] = [positions[after - 1], positions[after]];
  const share = (position - from) / (to - from);
  return heights[after - 1] * (1 - share) + heights[after] * share;
}

async function groundAlong(layer: TerrainField, z: number, places: readonly (readonly number[])[]) {
  const lons = Float64Array.from(places, ([lon]) => lon);
  const lats = Float64Array.from(places, ([, lat]) => lat);
  return layer.groundAt({ across: places.length, down: 1, parallel: false, lons, lats }, z);
}

describe('points of a side', () => {
  for (const scheme of [geographic, webMercator]) {
    // At full resolution, between samples that lie 7 to 55 positions apart.
    for (const z of [10, 11, 13]) {
      it(`tell the ground all along it, ${scheme.id}, level ${z}`, async () => {
        const field = await openPreparedField(await around(10, 47, { voids: 0 }), scheme);
        const level = z + (scheme === webMercator ? 1 : 0);
        expect(field.levelFor(level)).toBe(0);
        const layer = layerOf([field]);
        const id = tileAtCorner(scheme, level, 10, 47);
        const borders = await readBorders(layer, scheme, id, scheme.maxGeometricError(level));
        const random = seededRandom(z);
        for (const [side, placeAt] of sidesOf(scheme.box(id))) {
          const line = borders[side];
          expect(line.above ?? line.below).toBeUndefined();
          const spots = Array.from({ length: 2000 }, () => random() * SIDE);
          const { heights, origin } = await groundAlong(
            layer,
            level,
            spots.map((spot) => placeAt(spot / SIDE)),
          );
          let compared = 0;
          // A bend may be moved by a position, and so may a side that runs so close to samples: 260 m from one to the next.
          const { west, east } = scheme.box(id);
          const room = (260 / STEP) * ((east - west) / SIDE) + 0.01;
          for (const [k, spot] of spots.entries()) {
            if (origin[k] !== Origin.measured) continue;
            compared++;
            const off = Math.abs(heightAlong(line, spot) - heights[k]);
            if (off > room) expect.fail(`${side} ${spot}: ${off} m off, expected up to ${room}`);
          }
          expect(compared).toBeGreaterThan(1000);
        }
      });
    }
  }

  it('lie to both sides of each row and column of samples that a side crosses', async () => {
    const raster = await around(10, 47, { voids: 0 });
    const field = await openPreparedField(raster, geographic);
    const id = tileAtCorner(geographic, 11, 10, 47);
    const borders = await readBorders(layerOf([field]), geographic, id, 1);
    const { west, north, east } = geographic.box(id);
    const { c, f } = raster.affine;
    const perSample = (STEP / (east - west)) * SIDE;
    for (const [side, first] of [
      ['north', (c - west) / STEP],
      ['east', (north - f) / STEP],
    ] as const) {
      const there = new Set(borders[side].positions);
      let bends = 0;
      for (let k = Math.ceil(-first); (k + first) * perSample < SIDE; k++) {
        const bend = (k + first) * perSample;
        if (bend < 0) continue;
        bends++;
        expect([there.has(Math.floor(bend)), there.has(Math.ceil(bend))]).toEqual([true, true]);
      }
      expect(bends).toBeGreaterThan(100);
      expect(there.size).toBeLessThanOrEqual(2 * bends + 65);
    }
  });

  it('are posts of a level 16 times as fine where a source is projected', async () => {
    const field = await openPreparedField(await around(10, 47, { crs: 'EPSG:32632', step: 90 }), geographic);
    const layer = layerOf([field]);
    const id = tileAtCorner(geographic, 11, 10, 47);
    const borders = await readBorders(layer, geographic, id, 1);
    for (const [side, placeAt] of sidesOf(geographic.box(id))) {
      const { positions, heights } = borders[side];
      expect(Array.from(positions)).toEqual(Array.from({ length: 1025 }, (_, k) => 4 * k));
      const places = Array.from(positions, (position) => placeAt(position / SIDE));
      const ground = await groundAlong(layer, 11, places);
      // The warp is interpolated between posts: a hundredth of a sample.
      for (const [k, height] of heights.entries()) expect(Math.abs(height - ground.heights[k])).toBeLessThan(2.6);
    }
  });
});

describe('reach of points', () => {
  for (const scheme of [geographic, webMercator]) {
    it(`holds for every sample under the cells that a side crosses, ${scheme.id}`, async () => {
      const raster = await around(10, 47);
      const field = await openPreparedField(raster, scheme);
      const level = 2;
      const z = [5, 6, 7, 8, 9, 10].findLast((one) => field.levelFor(one) >= level) ?? 0;
      expect(field.levelFor(z)).toBe(level);
      const id = tileAtCorner(scheme, z, 10, 47);
      const borders = await readBorders(layerOf([field]), scheme, id, ANY);
      const { columns, rows, scaleX } = field.source.info.levels[level];
      const whole = { column: 0, row: 0, columns, rows };
      const bounds = await field.source.readBounds?.(level, whole);
      if (bounds === undefined) return expect.fail('no bounds');
      let held = 0;
      for (const [side, placeAt] of sidesOf(scheme.box(id))) {
        const { positions, heights, above, below } = borders[side];
        for (const [k, position] of positions.entries()) {
          const [lon, lat] = placeAt(position / SIDE);
          const [x, y] = field.grid.placeExactly(lon, lat);
          const [column, row] = [Math.floor((x + 0.5) / scaleX), Math.floor((y + 0.5) / scaleX)];
          if (column < 0 || column >= columns || row < 0 || row >= rows) continue;
          const cell = row * columns + column;
          const spanned = { column: column * scaleX, row: row * scaleX, columns: scaleX, rows: scaleX };
          const samples = await field.source.read(0, spanned);
          for (const [s, sample] of samples.entries()) {
            if (Number.isNaN(sample)) continue;
            // Carried to the point along the cell's plane.
            const [dx, dy] = [x - spanned.column - (s % scaleX), y - spanned.row - Math.floor(s / scaleX)];
            const there: number = sample + (dx * bounds.east[cell] + dy * bounds.south[cell]) / scaleX;
            held++;
            // A bend and a side may lie up to a position aside.
            const room = 0.5 + (Math.abs(bounds.east[cell]) + Math.abs(bounds.south[cell])) / 15;
            const [up, down] = [above?.[k] ?? 0, below?.[k] ?? 0];
            if (there > heights[k] + up + room || there < heights[k] - down - room)
              expect.fail(`${side} ${position}: a sample reaches ${there}; said ${heights[k]} +${up} -${down}`);
          }
        }
      }
      expect(held).toBeGreaterThan(1000);
    });
  }

  it('is looked into on finer levels until little is left', async () => {
    const field = await openPreparedField(await around(10, 47), geographic);
    const id = tileAtCorner(geographic, 7, 10, 47);
    expect(field.levelFor(7)).toBeGreaterThan(1);
    const points: number[] = [];
    for (const maxError of [ANY, 200, 40, 1]) {
      const borders = await readBorders(layerOf([field]), geographic, id, maxError);
      const lines = [borders.north, borders.south, borders.west, borders.east];
      points.push(lines.reduce((sum, { positions }) => sum + positions.length, 0));
      for (const { above = [], below = [] } of lines) {
        for (const reach of [...above, ...below]) expect(reach).toBeLessThanOrEqual(MAX_REACH * maxError);
      }
    }
    expect(points).toEqual([...points].sort((a, b) => a - b));
    expect(points[3]).toBeGreaterThan(1.5 * points[0]);
  });
});
