/**
 * Posts of a tiling scheme, and heights at them. A post's place comes from its integer index in the whole level, so that
 * neighbouring tiles get bit-identical posts.
 */
import type { LonLatBox, TileId, TilingScheme } from './tiling-scheme.ts';

/** Cells along the side of a tile; posts are one more, because neighbours share their border posts. */
export const TILE_CELLS = 64;

/**
 * A rectangle of posts of one level. Post (i, j) of the whole level lies at west + i * spacing, and in latitude at the
 * share j % perTile / perTile between the edges of tile row j / perTile: integers, so that a post has one position
 * whichever tile asks for it. i counts modulo the world; rows beyond a pole stand for the pole.
 */
export interface PostGrid {
  readonly scheme: TilingScheme;
  readonly z: number;
  /** Global index of the north-west post; may be negative or beyond the world (halo). */
  readonly x0: number;
  readonly y0: number;
  readonly columns: number;
  readonly rows: number;
  /** Cells per tile side. */
  readonly perTile: number;
}

/** How the height of a post came about. */
export const Origin = {
  /** No data near: sea level or the ellipsoid, by `--outside`. */
  outside: 0,
  /** Interpolated between samples of a source. */
  measured: 1,
  /** At least one sample it rests on was void and was filled from samples near it. */
  filled: 2,
  /** Between data and what lies below them: the difference of both, fading out. */
  blended: 3,
  /** No data near: the bundled relief of the world. */
  base: 4,
  /** Inside an area that the user has made level. */
  flattened: 5,
  /** In the band round such an area, between its height and the ground. */
  feathered: 6,
} as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

export const ORIGIN_NAMES = ['outside', 'measured', 'filled', 'blended', 'base', 'flattened', 'feathered'] as const;

/** Row-major, north row first. */
export interface HeightGrid {
  readonly posts: PostGrid;
  /** Metres above the WGS84 ellipsoid; never NaN once it leaves the fields. */
  readonly heights: Float32Array;
  /** Geoid above ellipsoid in metres: heights - undulation is the height above sea level. */
  readonly undulation: Float32Array;
  readonly origin: Uint8Array;
}

/** Posts of a tile with `halo` rows and columns of its neighbours' posts round it. */
export function postsOfTile(scheme: TilingScheme, { z, x, y }: TileId, halo = 0, perTile = TILE_CELLS): PostGrid {
  const side = perTile + 1 + 2 * halo;
  return { scheme, z, x0: x * perTile - halo, y0: y * perTile - halo, columns: side, rows: side, perTile };
}

type PostsOfLevel = Pick<PostGrid, 'scheme' | 'z' | 'perTile'>;

/** Degrees of longitude between posts. From north to south it is as much only in the geographic scheme. */
export function postSpacing({ scheme, z, perTile }: PostsOfLevel): number {
  return (scheme.extent.east - scheme.extent.west) / scheme.columns(z) / perTile;
}

/** Degrees of latitude between the rows of posts of one row of tiles: that in which the grid's middle lies. */
export function rowSpacing({ scheme, z, perTile, y0, rows }: PostGrid): number {
  const y = Math.floor((y0 + (rows - 1) / 2) / perTile);
  return (scheme.rowEdge(z, y) - scheme.rowEdge(z, y + 1)) / perTile;
}

/** Longitudes of the columns, each within -180 (inclusive) to 180 (exclusive): 180 is -180. */
export function postLongitudes(posts: PostGrid): Float64Array {
  const spacing = postSpacing(posts);
  const world = posts.scheme.columns(posts.z) * posts.perTile;
  const lons = new Float64Array(posts.columns);
  for (let i = 0; i < posts.columns; i++) {
    lons[i] = posts.scheme.extent.west + ((((posts.x0 + i) % world) + world) % world) * spacing;
  }
  return lons;
}

/** Latitudes of the rows from the north; rows beyond a pole get the pole's. */
export function postLatitudes(posts: PostGrid): Float64Array {
  const lats = new Float64Array(posts.rows);
  for (let j = 0; j < posts.rows; j++) lats[j] = latitudeOfRow(posts, posts.y0 + j);
  return lats;
}

/** Latitude of row j of the level's posts: equal steps between the edges of a row of tiles. */
function latitudeOfRow({ scheme, z, perTile }: PostsOfLevel, j: number): number {
  const y = Math.floor(j / perTile);
  const north = scheme.rowEdge(z, y);
  const lat = north + (scheme.rowEdge(z, y + 1) - north) * (j / perTile - y);
  return Math.min(90, Math.max(-90, lat));
}

/** The cell between four posts that holds a place; may lie outside the scheme. */
export function cellAround(level: PostsOfLevel, lon: number, lat: number): LonLatBox {
  const { scheme, z, perTile } = level;
  const spacing = postSpacing(level);
  const west = Math.floor((lon + 180) / spacing) * spacing - 180;
  const y = scheme.rowAt(z, lat);
  const edge = scheme.rowEdge(z, y);
  const step = (edge - scheme.rowEdge(z, y + 1)) / perTile;
  const north = edge - Math.floor((edge - lat) / step) * step;
  return { west, south: north - step, east: west + spacing, north };
}

/** The part of a grid that lies `halo` posts inside it. */
export function withoutHalo(grid: HeightGrid, halo: number): HeightGrid {
  const { posts } = grid;
  const columns = posts.columns - 2 * halo;
  const rows = posts.rows - 2 * halo;
  const heights = new Float32Array(columns * rows);
  const undulation = new Float32Array(columns * rows);
  const origin = new Uint8Array(columns * rows);
  for (let j = 0; j < rows; j++) {
    const from = (j + halo) * posts.columns + halo;
    heights.set(grid.heights.subarray(from, from + columns), j * columns);
    undulation.set(grid.undulation.subarray(from, from + columns), j * columns);
    origin.set(grid.origin.subarray(from, from + columns), j * columns);
  }
  return { posts: { ...posts, x0: posts.x0 + halo, y0: posts.y0 + halo, columns, rows }, heights, undulation, origin };
}
