/**
 * The sides of a tile: heights where the ground along them bends, and how far full-resolution samples next to them reach
 * from those heights. Worked out from the side's own places and nothing else, so that both neighbours get the same bits.
 */
import { egm96 } from '../geo/geoid.ts';
import type { Places } from '../geo/places.ts';
import { Origin, TILE_CELLS } from '../geo/post-grid.ts';
import type { LonLatBox, TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import { type BorderLine, SIDE, type TileBorders } from '../mesh/border.ts';
import type { CellBounds, PreparedSource } from '../sources/prepared-source.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { FAR, findCells } from './cells.ts';
import type { RasterField } from './raster-field.ts';
import type { TerrainField } from './terrain-field.ts';
import { MAX_REACH } from './tile-samples.ts';

/** One side; runs eastwards or southwards. */
interface Side {
  readonly scheme: TilingScheme;
  readonly z: number;
  readonly box: LonLatBox;
  /** Index of the first post of the level, for `DENSE` posts a tile. */
  readonly x0: number;
  readonly y0: number;
  readonly alongRow: boolean;
}

/** Posts of a side where bends of the ground cannot be found: so close that what lies between them is small. */
const DENSE = 1024;

/** Sides kept for the neighbours, of one field: two tiles have each of them. */
const MAX_KEPT = 1024;
const kept = new WeakMap<TerrainField, Map<string, Promise<BorderLine>>>();

/** `maxSampleError`: metres that a sample may lie from the drawn surface. */
export async function readBorders(
  field: TerrainField,
  scheme: TilingScheme,
  { z, x, y }: TileId,
  maxSampleError: number,
  { signal }: ReadOptions = {},
): Promise<TileBorders> {
  signal?.throwIfAborted();
  const { west, south, east, north } = scheme.box({ z, x, y });
  const [x0, y0] = [x * DENSE, y * DENSE];
  const known = kept.get(field) ?? new Map<string, Promise<BorderLine>>();
  kept.set(field, known);
  const read = (box: LonLatBox, column: number, row: number) => {
    const alongRow = box.south === box.north;
    const key = [z, column, row, alongRow, maxSampleError].join();
    // Not under one tile's signal: the neighbour may wait for it.
    const line = known.get(key) ?? readBorder(field, { scheme, z, box, x0: column, y0: row, alongRow }, maxSampleError);
    known.delete(key);
    known.set(key, line);
    line.catch(() => known.delete(key));
    return line;
  };
  const sides = await Promise.all([
    read({ west, east, south: north, north }, x0, y0),
    read({ west, east, south, north: south }, x0, y0 + DENSE),
    read({ west, east: west, south, north }, x0, y0),
    read({ west: east, east, south, north }, x0 + DENSE, y0),
  ]);
  for (const oldest of known.keys()) {
    if (known.size <= MAX_KEPT) break;
    known.delete(oldest);
  }
  return { north: sides[0], south: sides[1], west: sides[2], east: sides[3] };
}

async function readBorder(field: TerrainField, side: Side, maxSampleError: number): Promise<BorderLine> {
  const members = field.members.filter((_, index) => field.touches(index, side.box, side.z) !== 'none');
  // By the layer alone: sides that meet at a corner read it alike.
  const straight = field.members.every(isStraight);
  const snap = straight ? snapToSamples(field.members[0], side) : undefined;
  const measures = members.some((member) => member.levelFor(side.z) > 0);
  const found = new Map<number, Point>();
  let spots = straight ? bendsOf(members, side, side.z) : denseSpots();
  for (let z = side.z; spots.size > 0; z++) {
    const positions = Array.from(spots.keys());
    const places = placesOf(side, Array.from(spots.values()), straight || z > side.z, snap);
    const ground = await field.groundAt(places, z);
    const points = positions.map((position, k) => ({
      spot: spots.get(position) ?? position,
      height: Math.fround(ground.heights[k]),
      origin: ground.origin[k],
      above: 0,
      below: 0,
    }));
    await measureReach(members, z, places, points);
    for (const [k, position] of positions.entries()) found.set(position, points[k]);
    if (members.every((member) => member.levelFor(z) === 0)) break;
    const far = positions.filter((_, k) => Math.max(points[k].above, points[k].below) > MAX_REACH * maxSampleError);
    const known = new Map(far.map((position) => [position, found.get(position)?.spot ?? position]));
    spots = far.length > 0 && straight ? bendsNear(known, bendsOf(members, side, z + 1)) : known;
  }
  const all = Int32Array.from(found.keys()).sort();
  const take = (key: 'spot' | 'height' | 'above' | 'below') =>
    Float64Array.from(all, (position) => found.get(position)?.[key] ?? 0);
  return {
    positions: all,
    heights: Float32Array.from(take('height')),
    undulation: undulationOf(placesOf(side, Array.from(take('spot')), straight, snap)),
    ...(measures && { above: Float32Array.from(take('above')), below: Float32Array.from(take('below')) }),
  };
}

interface Point {
  /** Where the ground was read for it, in positions. */
  readonly spot: number;
  readonly height: number;
  readonly origin: number;
  /** How far samples next to it may lie above and below, metres. */
  above: number;
  below: number;
}

function undulationOf({ lons, lats }: Places): Float32Array {
  return egm96().fill(lons, lats);
}

/** Whether its columns are meridians and its rows parallels. */
function isStraight({ grid, source }: RasterField): boolean {
  const { b, d } = source.info.affine;
  return grid.asStored && b === 0 && d === 0;
}

/**
 * Where the ground is read for points of a side: by their positions, ascending. A bend lies between two positions; both get
 * its height, so that the line through them has it at the bend itself.
 */
type Spots = ReadonlyMap<number, number>;

function denseSpots(): Spots {
  return new Map(Array.from({ length: DENSE + 1 }, (_, k) => [(k * SIDE) / DENSE, (k * SIDE) / DENSE]));
}

/** Posts, and where the side crosses rows or columns of samples; of overviews the sides of cells as well. */
function bendsOf(members: readonly RasterField[], { box, alongRow }: Side, z: number): Spots {
  const spots = new Map<number, number>();
  for (let k = 0; k <= TILE_CELLS; k++) spots.set((k * SIDE) / TILE_CELLS, (k * SIDE) / TILE_CELLS);
  const length = alongRow ? box.east - box.west : box.north - box.south;
  for (const { grid, source, levelFor } of members) {
    const { info } = source;
    const level = levelFor(z);
    const { scaleX, scaleY, columns, rows } = info.levels[level];
    const scale = alongRow ? scaleX : scaleY;
    const [column, row] = grid.placeExactly(box.west, box.north);
    const unitsPerSample = (alongRow ? info.affine.a : -info.affine.e) * (SIDE / length);
    const close = Math.abs(unitsPerSample) < WIDE;
    const parts = level === 0 ? 1 : 2;
    const endless = info.periodColumns !== undefined && alongRow;
    // A long side can meet a raster again that goes nearly round the world.
    const turn = alongRow && !endless ? 360 / info.affine.a : 0;
    for (const first of turn === 0 ? [alongRow ? column : row] : [column - turn, column, column + turn]) {
      const ends = [first, first + SIDE / unitsPerSample].map((sample) => ((sample + 0.5) / scale - 0.5) * parts);
      const least = Math.max(Math.ceil(Math.min(...ends)), endless ? -Infinity : -parts);
      const last = Math.min(Math.floor(Math.max(...ends)), endless ? Infinity : (alongRow ? columns : rows) * parts);
      for (let k = least; k <= last; k++) {
        const bend = ((k / parts + 0.5) * scale - 0.5 - first) * unitsPerSample;
        for (const position of new Set([Math.floor(bend), Math.ceil(bend)])) {
          if (position <= 0 || position >= SIDE) continue;
          const other = spots.get(position);
          // A post is a place like any other to samples that lie close.
          const nearest = other === position && close ? Infinity : Math.abs((other ?? Infinity) - position);
          if (Math.abs(bend - position) < nearest) spots.set(position, bend);
        }
      }
    }
  }
  return new Map(Array.from(spots).sort(([a], [b]) => a - b));
}

/** Those spots, and of finer ones the next to them. A corner counts by itself alone: it is on two sides. */
function bendsNear(far: Spots, finer: Spots): Spots {
  const near = new Map(far);
  const positions = Array.from(finer.keys());
  for (const position of far.keys()) {
    const at = positions.findIndex((one) => one >= position);
    for (const one of positions.slice(Math.max(0, at - NEXT), at + NEXT + 1)) {
      if (one % SIDE > 0) near.set(one, finer.get(one) ?? one);
    }
  }
  return new Map(Array.from(near).sort(([a], [b]) => a - b));
}

/** Positions to each side: two bends. */
const NEXT = 4;

/** Gives a longitude or a latitude in place of another. */
interface Snap {
  lon(lon: number): number;
  lat(lat: number): number;
}

/** Positions between samples from which on a border is where it is. */
const WIDE = 256;

/**
 * Samples less than a position away from a border have no room for vertices between: of a source so much finer than the tile
 * the border takes the heights of the row or column that is so near. By the places alone, so that all four sides that meet at a
 * corner move it alike.
 */
function snapToSamples(member: RasterField, { scheme, z }: Side): Snap | undefined {
  if (!isStraight(member)) return undefined;
  const { grid, source } = member;
  const { a, e } = source.info.affine;
  const width = (scheme.extent.east - scheme.extent.west) / scheme.columns(z) / SIDE;
  const moved = (from: number, sample: number, step: number, reach: number) => {
    const by = (Math.round(sample) - sample) * step;
    return Math.abs(by) < reach ? from + by : from;
  };
  return {
    lon: (lon) => (Math.abs(a) < WIDE * width ? moved(lon, grid.placeExactly(lon, 0)[0], a, width) : lon),
    lat(lat) {
      const height = width * scheme.aspect(lat);
      return Math.abs(e) < WIDE * height && Math.abs(lat) < 90
        ? moved(lat, grid.placeExactly(0, lat)[1], e, height)
        : lat;
    },
  };
}

/** `free`: not as posts of the level. */
function placesOf(
  { scheme, z, box, x0, y0, alongRow }: Side,
  positions: readonly number[],
  free: boolean,
  snap?: Snap,
): Places {
  const [across, down] = alongRow ? [positions.length, 1] : [1, positions.length];
  const turned = (lon: number) => (lon >= 180 ? lon - 360 : lon);
  const lonAt = (position: number) => {
    if (position > 0 && position < SIDE) return turned(box.west + ((box.east - box.west) * position) / SIDE);
    const lon = turned(position === SIDE ? box.east : box.west);
    return snap ? turned(snap.lon(lon)) : lon;
  };
  const latAt = (position: number) => {
    if (position > 0 && position < SIDE) return box.north + ((box.south - box.north) * position) / SIDE;
    const lat = position === SIDE ? box.south : box.north;
    return snap ? snap.lat(lat) : lat;
  };
  const lons = Float64Array.from(alongRow ? positions : [0], lonAt);
  const lats = Float64Array.from(alongRow ? [0] : positions, latAt);
  const posts = { scheme, z, x0, y0, columns: across, rows: down, perTile: DENSE };
  return { across, down, parallel: true, lons, lats, ...(!free && { posts }) };
}

/** How far samples next to points of a side reach above and below it, by the highest source that is there. */
async function measureReach(
  members: readonly RasterField[],
  z: number,
  places: Places,
  points: readonly Point[],
): Promise<void> {
  const known = new Uint8Array(points.length);
  for (const member of members) {
    const level = member.levelFor(z);
    const { source, grid, datum } = member;
    const { readBounds } = source as PreparedSource;
    const { window, across, parallel, left, top, fx, fy } = findCells(source.info, level, grid.placeAll(places), 1);
    // At full resolution the points have all that there is.
    if (level === 0 || window === undefined || readBounds === undefined) continue;
    const [samples, bounds] = await Promise.all([source.read(level, window), readBounds(level, window)]);
    const { unitMetres } = source.info.vertical;
    for (const [k, point] of points.entries()) {
      const [i, j] = parallel ? [k % across, Math.floor(k / across)] : [k, k];
      if (known[k] || left[i] === FAR || top[j] === FAR) continue;
      const p = (top[j] - window.row) * window.columns + left[i] - window.column;
      const reach = reachAt(samples, bounds, p, window.columns, fx[i], fy[j]);
      const geoid =
        datum.sourceGeoid?.at(places.lons[k % places.across], places.lats[Math.floor(k / places.across)]) ?? 0;
      if (reach === undefined || Number.isNaN(geoid)) continue;
      known[k] = 1;
      if (point.origin === Origin.flattened || point.origin === Origin.feathered) continue;
      point.above = Math.max(0, reach.high * unitMetres + geoid - point.height);
      point.below = Math.max(0, point.height - reach.low * unitMetres - geoid);
    }
  }
}

/** A point stands for the side up to half way to the next one: so far beyond a cell's end it still counts, in cells. */
const NEAR = 0.15;

/** Highest and lowest that samples of the cells can be, carried to the point, that reach there; `p` is the north-western cell. */
function reachAt(
  samples: Float32Array,
  bounds: CellBounds,
  p: number,
  stride: number,
  fx: number,
  fy: number,
): { high: number; low: number } | undefined {
  let high = -Infinity;
  let low = Infinity;
  for (let j = 0; j <= 1; j++) {
    for (let i = 0; i <= 1; i++) {
      const [dx, dy] = [fx - i, fy - j];
      const at = p + j * stride + i;
      if (Number.isNaN(samples[at]) || Math.abs(dx) > 0.5 + NEAR || Math.abs(dy) > 0.5 + NEAR) continue;
      const plane = samples[at] + dx * bounds.east[at] + dy * bounds.south[at];
      high = Math.max(high, plane + bounds.above[at]);
      low = Math.min(low, plane - bounds.below[at]);
    }
  }
  return high >= low ? { high, low } : undefined;
}
