/** Cells in a tile against every sample and every cell of the raster, placed one by one. */
import { describe, expect, it } from 'vitest';
import { type FieldCells, openPlacer, readCells, readUnder, tellsBounds } from '../../tiler/fields/source-cells.ts';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId, type TilingScheme, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';
import { openPreparedField, type PreparedField } from '../support/prepared-field.ts';

const FEET = { datum: 'ellipsoid', known: 'file', unitMetres: 0.3048, unit: 'foot', because: 'test' } as const;
const METRES = { ...FEET, unitMetres: 1, unit: 'metre' } as const;
/** Post spacings along a side of a tile. */
const SIDE = 64;

/** Hills with a tenth of their samples void, and a void as large as many cells. */
function hills(columns: number, rows: number): Float32Array {
  const random = seededRandom(columns + rows);
  return Float32Array.from({ length: columns * rows }, (_, k) => {
    const [c, r] = [k % columns, Math.floor(k / columns)];
    const hole = Math.hypot(c - columns / 3, r - rows / 2) < 20;
    return hole || random() < 0.1 ? Number.NaN : 300 * Math.sin(c / 9) * Math.cos(r / 7) + c + 3 * random();
  });
}

/** A world of samples; column 0 lies at longitude `west`. */
function world(west: number, columns: number): MemoryRaster {
  const affine = { a: 0.25, b: 0, c: west, d: 0, e: -0.25, f: 89.875 };
  const values = hills(1440, 720);
  return {
    ...{ columns, rows: 720, affine, vertical: METRES, periodColumns: 1440 },
    values: (c, r) => values[r * 1440 + (c % 1440)],
  };
}

/** Samples `step` units apart round a place. */
async function around(crs: string, lon: number, lat: number, size: readonly [number, number], step: number) {
  const [columns, rows] = size;
  const [x, y] = (await resolveCrs(crs)).forward([lon, lat]);
  const affine = { a: step, b: 0, c: x - (columns / 2) * step, d: 0, e: -step, f: y + (rows / 2) * step };
  return { columns, rows, affine, crs, vertical: METRES, values: hills(columns, rows) } satisfies MemoryRaster;
}

interface Case {
  readonly name: string;
  readonly raster: MemoryRaster;
  readonly scheme?: TilingScheme;
  /** Place in the tiles, and their levels. */
  readonly lon: number;
  readonly lat: number;
  readonly levels: readonly number[];
}

const STEP = 1 / 1200;
const size = [600, 320] as const;
const degrees = await around('EPSG:4326', 10, 47, size, STEP);
const turned = { a: 0.8 * STEP, b: 0.3 * STEP, c: 9.7, d: 0.3 * STEP, e: -0.8 * STEP, f: 47.2 };

const CASES: readonly Case[] = [
  { name: 'degrees', raster: degrees, lon: 10.02, lat: 46.98, levels: [7, 9, 11] },
  { name: 'degrees, EPSG:3857 tiles', raster: degrees, scheme: webMercator, lon: 10.02, lat: 46.98, levels: [9, 11] },
  { name: 'degrees in feet, south first', raster: northwards(), lon: 10.02, lat: 46.98, levels: [9, 11] },
  { name: 'degrees, turned', raster: { ...degrees, affine: turned }, lon: 9.95, lat: 47.1, levels: [9, 11] },
  { name: 'metres', raster: await around('EPSG:32632', 10, 47, size, 90), lon: 10.02, lat: 46.98, levels: [8, 10] },
  { name: 'metres on a pole', raster: await around('EPSG:3995', 0, 90, size, 6000), lon: 40, lat: 87, levels: [2, 4] },
  {
    name: 'across 180',
    raster: await around('EPSG:4326', 180, -17, size, STEP),
    lon: -179.9,
    lat: -17,
    levels: [8, 10],
  },
  { name: 'up to 180', raster: await around('EPSG:4326', 180, -17, size, STEP), lon: 179.9, lat: -17, levels: [8] },
  { name: 'the world from -180', raster: world(-179.875, 1440), lon: -179, lat: 10, levels: [0, 1, 4] },
  { name: 'the world to 180', raster: world(-179.875, 1440), lon: 179, lat: 10, levels: [0, 4] },
  { name: 'the world from 0', raster: world(0, 1441), lon: 1, lat: -50, levels: [1, 5] },
  { name: 'the world from 0, west of 0', raster: world(0, 1441), lon: -1, lat: -50, levels: [0, 5] },
  { name: 'a world of posts, at 180', raster: world(-180, 1441), lon: -179, lat: 10, levels: [2, 5] },
  { name: 'the world in one tile', raster: world(-180, 1441), scheme: webMercator, lon: 0, lat: 10, levels: [0] },
];

function northwards(): MemoryRaster {
  const { affine, rows } = degrees;
  return { ...degrees, vertical: FEET, affine: { ...affine, e: -affine.e, f: affine.f + (rows - 1) * affine.e } };
}

function tileAt(scheme: TilingScheme, z: number, lon: number, lat: number): TileId {
  return { z, x: Math.floor(((lon + 180) / 360) * scheme.columns(z)), y: scheme.rowAt(z, lat) };
}

/** Every sample of a raster with its place in a tile, worked out by itself. */
class Truth {
  readonly #field: PreparedField;
  readonly #scheme: TilingScheme;
  readonly #id: TileId;
  readonly columns: number;
  readonly rows: number;
  /** Row-major; post spacings, and metres above the ellipsoid. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly heights: Float64Array;
  /** How far a place may be off, in post spacings: 0.12 samples where it is projected, and next to nothing elsewhere. */
  readonly off: Float64Array;

  constructor(field: PreparedField, scheme: TilingScheme, id: TileId, samples: Float32Array) {
    this.#field = field;
    this.#scheme = scheme;
    this.#id = id;
    const { levels, periodColumns, vertical } = field.source.info;
    const [full] = levels;
    this.columns = periodColumns ?? full.columns;
    this.rows = full.rows;
    const count = this.columns * this.rows;
    [this.x, this.y, this.heights] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
    for (let row = 0, k = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++, k++) {
        [this.x[k], this.y[k]] = this.#place(column, row);
        this.heights[k] = samples[row * full.columns + column] * vertical.unitMetres;
      }
    }
    this.off = new Float64Array(count).fill(1e-5);
    if (field.grid.asStored) return;
    for (let k = 0; k < count; k++) {
      const next = k % this.columns > 0 ? k - 1 : k + 1;
      const across = Math.abs(this.x[k] - this.x[next]);
      const turn = SIDE * scheme.columns(id.z);
      this.off[k] = 0.12 * Math.hypot(Math.min(across, turn - across), this.y[k] - this.y[next]);
    }
  }

  #place(column: number, row: number): [x: number, y: number] {
    const { crs, source } = this.#field;
    const { west, south, east, north } = this.#scheme.box(this.#id);
    const [lon, lat] = crs.inverse(applyAffine(source.info.affine, column, row));
    const near = lon - 360 * Math.round((lon - (west + east) / 2) / 360);
    return [((near - west) / (east - west)) * SIDE, ((north - lat) / (north - south)) * SIDE];
  }

  /** Middle of a cell. */
  middle(level: number, column: number, row: number): [x: number, y: number] {
    const { scaleX, scaleY } = this.#field.source.info.levels[level];
    return this.#place((column + 0.5) * scaleX - 0.5, (row + 0.5) * scaleY - 0.5);
  }

  /** Distance to the nearest side of the tile, in post spacings; negative outside. */
  margin(k: number): number {
    return Math.min(this.x[k], this.y[k], SIDE - this.x[k], SIDE - this.y[k]);
  }

  /** The sample that lies under the middle of a cell, or next to it. */
  under(scale: number, column: number, row: number): number {
    const half = Math.floor(scale / 2);
    const at = Math.min(this.rows - 1, row * scale + half) * this.columns;
    return at + Math.min(this.columns - 1, modulo(column * scale + half, this.columns));
  }
}

async function truthOf(field: PreparedField, scheme: TilingScheme, id: TileId): Promise<Truth> {
  const { columns, rows } = field.source.info.levels[0];
  return new Truth(field, scheme, id, await field.source.read(0, { column: 0, row: 0, columns, rows }));
}

/** Degrees north or south of the equator, so many post spacings south of a tile's north side. */
function latitudeAt(y: number, scheme: TilingScheme, id: TileId): number {
  const { south, north } = scheme.box(id);
  return Math.abs(north - (y / SIDE) * (north - south));
}

const modulo = (value: number, period: number) => ((value % period) + period) % period;

/** Where a cell stands among those found, by column on the circle of columns and row; -1 where it does not. */
function indexed(cells: FieldCells, columns: number, rows: number): Int32Array {
  const at = new Int32Array(columns * rows).fill(-1);
  for (let k = 0; k < cells.x.length; k++) at[cells.rows[k] * columns + modulo(cells.columns[k], columns)] = k;
  return at;
}

/** Samples at full resolution: those in the tile, where they are, as high as they are. Gives how many. */
function checkSamples(found: FieldCells, truth: Truth): number {
  const at = indexed(found, truth.columns, truth.rows);
  let inside = 0;
  for (let s = 0; s < at.length; s++) {
    const [k, off, margin, height] = [at[s], truth.off[s], truth.margin(s), truth.heights[s]];
    const what = `sample ${s % truth.columns} ${Math.floor(s / truth.columns)}, ${height} m at ${truth.x[s]} ${truth.y[s]}`;
    if (Number.isNaN(height) || margin < -off) {
      if (k >= 0) expect.fail(`${what} is in the tile`);
      continue;
    }
    if (margin > off) inside++;
    if (k < 0) {
      if (margin > off) expect.fail(`${what} is not in the tile`);
      continue;
    }
    const [x, y] = [found.x[k], found.y[k]];
    if (Math.abs(x - truth.x[s]) > off || Math.abs(y - truth.y[s]) > off || Math.min(x, y, SIDE - x, SIDE - y) < 0)
      expect.fail(`${what} lies at ${x} ${y}`);
    if (Math.abs(found.heights[k] - height) > 1e-3) expect.fail(`${what} is ${found.heights[k]} m high`);
  }
  return inside;
}

/** Cells: every sample in the tile lies under one of them, near enough to its middle, within what it says. Gives how many. */
function checkCells(found: FieldCells, truth: Truth, scale: number): number {
  const [columns, rows] = [Math.ceil(truth.columns / scale), Math.ceil(truth.rows / scale)];
  const at = indexed(found, columns, rows);
  const { slopeX, slopeY, above, below, reachX, reachY } = found;
  if (!slopeX || !slopeY || !above || !below) return expect.fail('no bounds');
  let inside = 0;
  for (let s = 0; s < truth.x.length; s++) {
    // Places are off by so much of a sample of this level.
    const off = scale * truth.off[s];
    if (Number.isNaN(truth.heights[s]) || truth.margin(s) < off) continue;
    const [column, row] = [s % truth.columns, Math.floor(s / truth.columns)];
    const k = at[Math.floor(row / scale) * columns + Math.floor(column / scale)];
    if (k < 0) {
      if (!found.leftOut) expect.fail(`sample ${column} ${row} lies under no cell, at ${truth.x[s]} ${truth.y[s]}`);
      continue;
    }
    inside++;
    const [dx, dy] = [truth.x[s] - found.x[k], truth.y[s] - found.y[k]];
    if (Math.abs(dx) > reachX + off || Math.abs(dy) > reachY + off)
      expect.fail(`sample ${column} ${row} lies ${dx} ${dy} from its cell's middle; said ${reachX} ${reachY}`);
    const over: number = truth.heights[s] - found.heights[k] - slopeX[k] * dx - slopeY[k] * dy;
    const room = 1e-3 + off * (Math.abs(slopeX[k]) + Math.abs(slopeY[k]));
    if (over > above[k] + room || -over > below[k] + room)
      expect.fail(`sample ${column} ${row} lies ${over} m from its cell's plane; said ${above[k]} ${below[k]}`);
  }
  return inside;
}

/** No cells that are void, or of which nothing can be in the tile; each of them where it is. */
function checkNoMore(found: FieldCells, truth: Truth, scale: number): void {
  const { reachX, reachY } = found;
  expect(found.hidden).toEqual(new Uint8Array(found.x.length));
  for (let k = 0; k < found.x.length; k++) {
    const [x, y] = truth.middle(found.level, found.columns[k], found.rows[k]);
    const off = scale * truth.off[truth.under(scale, found.columns[k], found.rows[k])];
    const isFar = x < -reachX - off || x > SIDE + reachX + off || y < -reachY - off || y > SIDE + reachY + off;
    const moved = Math.abs(found.x[k] - x) > off || Math.abs(found.y[k] - y) > off;
    if (isFar || moved || Number.isNaN(found.heights[k]))
      expect.fail(`cell ${found.columns[k]} ${found.rows[k]} at ${x} ${y} is at ${found.x[k]} ${found.y[k]}`);
  }
}

/** Levels whose cells are at most about as large as a post spacing: coarser ones are read for coarser tiles. */
function levelsFor(field: PreparedField, z: number): number[] {
  const most = Math.min(field.levelFor(z) + 1, field.source.info.levels.length - 1);
  return Array.from({ length: most + 1 }, (_, level) => level);
}

describe('readCells', () => {
  for (const { name, raster, scheme = geographic, lon, lat, levels } of CASES) {
    it(`has every sample in a tile, and bounds that hold for it: ${name}`, async () => {
      const field = await openPreparedField(raster, scheme);
      for (const z of levels) {
        const id = tileAt(scheme, z, lon, lat);
        const placer = openPlacer(field, postsOfTile(scheme, id));
        const truth = await truthOf(field, scheme, id);
        for (const level of levelsFor(field, z)) {
          const { scaleX } = field.source.info.levels[level];
          const found = await readCells(field, placer, level, {});
          if (found === undefined) return expect.fail(`tile ${z}: no cells of level ${level}`);
          expect(found.level).toBe(level);
          if (level === 0) {
            expect(found.slopeX ?? found.slopeY ?? found.above ?? found.below).toBeUndefined();
            expect([found.reachX, found.reachY, found.leftOut]).toEqual([0, 0, false]);
            expect(checkSamples(found, truth)).toBeGreaterThan(100);
          } else {
            expect(checkCells(found, truth, scaleX)).toBeGreaterThan(100);
            // Only beside a pole.
            if (found.leftOut)
              expect(truth.y.some((y, k) => truth.margin(k) >= 0 && latitudeAt(y, scheme, id) > 88)).toBe(true);
          }
          checkNoMore(found, truth, scaleX);
        }
      }
    });
  }

  it('adds the geoid where each cell lies', async () => {
    const raster = { ...degrees, vertical: undefined };
    const field = await openPreparedField(raster, geographic);
    const id = tileAt(geographic, 9, 10.02, 46.98);
    const { west, north, east } = geographic.box(id);
    const placer = openPlacer(field, postsOfTile(geographic, id));
    for (const level of [0, 2]) {
      const found = await readCells(field, placer, level, {});
      if (found === undefined) return expect.fail('no cells');
      const { columns, rows } = field.source.info.levels[level];
      const samples = await field.source.read(level, { column: 0, row: 0, columns, rows });
      const step = (east - west) / SIDE;
      for (let k = 0; k < found.x.length; k++) {
        const geoid = field.datum.sourceGeoid?.at(west + found.x[k] * step, north - found.y[k] * step) ?? Number.NaN;
        const sample = samples[found.rows[k] * columns + found.columns[k]];
        expect(Math.abs(found.heights[k] - sample - geoid)).toBeLessThan(0.02);
      }
    }
  });

  it('has none where the raster has none, and says where a source tells nothing', async () => {
    const field = await openPreparedField(degrees, geographic);
    const far = openPlacer(field, postsOfTile(geographic, tileAt(geographic, 9, 40, 20)));
    expect(far.windowOf(0)).toBeUndefined();
    expect(await readCells(field, far, 0, {})).toBeUndefined();
    const plain = { ...field, source: withOverviews(memorySource(degrees)) };
    expect([tellsBounds(field, 2), tellsBounds(plain, 2), tellsBounds(plain, 0)]).toEqual([true, false, true]);
    const near = openPlacer(plain, postsOfTile(geographic, tileAt(geographic, 9, 10, 47)));
    await expect(readCells(plain, near, 1, {})).rejects.toThrow('has no bounds');
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(readCells(field, near, 0, { signal: stop })).rejects.toThrow('enough');
  });

  it('leaves out cells beside a pole that are larger than what a plane can stand for', async () => {
    const field = await openPreparedField(await around('EPSG:3995', 0, 90, size, 2000), geographic);
    const id = tileAt(geographic, 5, 1, 89.9);
    const placer = openPlacer(field, postsOfTile(geographic, id));
    const cells = await readCells(field, placer, 2, {});
    expect(cells?.leftOut).toBe(true);
    expect(Math.max(cells?.reachX ?? 9, cells?.reachY ?? 9)).toBeLessThanOrEqual(2);
    // Samples have no size.
    expect((await readCells(field, placer, 0, {}))?.leftOut).toBe(false);
  });
});

describe('readUnder', () => {
  for (const { name, raster, scheme = geographic, lon, lat, levels } of CASES) {
    it(`has what lies under some cells, and nothing else: ${name}`, async () => {
      const field = await openPreparedField(raster, scheme);
      const random = seededRandom(3);
      const tiles = levels.filter((z) => levelsFor(field, z).length > 1).map((z) => tileAt(scheme, z, lon, lat));
      expect(tiles.length).toBeGreaterThan(0);
      for (const id of tiles) {
        const placer = openPlacer(field, postsOfTile(scheme, id));
        for (const level of levelsFor(field, id.z).slice(1)) {
          const cells = await readCells(field, placer, level, {});
          const all = await readCells(field, placer, level - 1, {});
          if (cells === undefined || all === undefined) return expect.fail('no cells');
          const chosen = Array.from(cells.x.keys(), (k) => ({ column: cells.columns[k], row: cells.rows[k] }));
          const some = chosen.filter(() => random() < 0.2);
          const found = await readUnder(field, placer, level, some, {});
          expect(found.level).toBe(level - 1);
          const shrinkAt = (y: number) => Math.cos((latitudeAt(y, scheme, id) * Math.PI) / 180);
          const compared = checkUnder(found, all, new Set(some.map(keyOf)), field.grid.asStored ? undefined : shrinkAt);
          expect(compared).toBeGreaterThan(20);
        }
      }
    });
  }

  it('has nothing under nothing', async () => {
    const field = await openPreparedField(degrees, geographic);
    const placer = openPlacer(field, postsOfTile(geographic, tileAt(geographic, 9, 10.02, 46.98)));
    expect((await readUnder(field, placer, 1, [], {})).x.length).toBe(0);
  });
});

const keyOf = ({ column, row }: { column: number; row: number }) => `${column} ${row}`;
const childOf = ({ columns, rows }: FieldCells, k: number) => keyOf({ column: columns[k], row: rows[k] });
const parentOf = ({ columns, rows }: FieldCells, k: number) => keyOf({ column: columns[k] >> 1, row: rows[k] >> 1 });

/**
 * Cells under the wanted ones against all of their level. `shrinkAt` is there where places are interpolated, by another
 * lattice for other cells: how close meridians are. Gives how many.
 */
function checkUnder(
  found: FieldCells,
  all: FieldCells,
  wanted: ReadonlySet<string>,
  shrinkAt?: (y: number) => number,
): number {
  const at = new Map(Array.from(found.x.keys(), (k) => [childOf(found, k), k]));
  expect(at.size).toBe(found.x.length);
  for (const k of found.x.keys()) if (!wanted.has(parentOf(found, k))) expect.fail(`${childOf(found, k)} is no part`);
  let compared = 0;
  for (let k = 0; k < all.x.length; k++) {
    if (!wanted.has(parentOf(all, k))) continue;
    const i = at.get(childOf(all, k));
    const inTile = Math.min(all.x[k], all.y[k], SIDE - all.x[k], SIDE - all.y[k]) > 0.5;
    if (i === undefined) {
      if (inTile) expect.fail(`${childOf(all, k)} is missing`);
      continue;
    }
    compared++;
    const across = (found.x[i] - all.x[k]) * (shrinkAt?.(all.y[k]) ?? 1);
    const moved = Math.hypot(across, found.y[i] - all.y[k]);
    const steep = Math.abs(all.slopeX?.[k] ?? 0) + Math.abs(all.slopeY?.[k] ?? 0);
    const turned = (['slopeX', 'slopeY'] as const).map((key) =>
      Math.abs((found[key]?.[i] ?? 0) - (all[key]?.[k] ?? 0)),
    );
    const same = (['heights', 'above', 'below'] as const).every((key) => found[key]?.[i] === all[key]?.[k]);
    const [far, much] = shrinkAt ? [0.2, 0.15] : [1e-6, 1e-5];
    if (!same || moved > far || Math.max(...turned) > 1e-3 + much * steep)
      expect.fail(`${childOf(all, k)}: ${moved} post spacings away, slopes off by ${turned}`);
  }
  return compared;
}
