/**
 * Triangles are flat in space while the Earth is round: a triangle's inside sags below the surface that its corners
 * lie on. Lowering every post by a paraboloid (x^2 + y^2) / 2R makes that sag part of the height, so that the plain
 * difference between a post and the plane through three vertices is the distance that is seen.
 */
import { metresPerDegreeEast, metresPerDegreeNorth, WGS84_A } from '../geo/ellipsoid.ts';
import { type PostGrid, postLatitudes, postSpacing, rowSpacing, TILE_CELLS } from '../geo/post-grid.ts';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';

/** Metres that a chord of `length` metres sags below the sphere at its middle, times 4 k (1 - k) at fraction k. */
export function chordSag(length: number): number {
  return (length * length) / (8 * WGS84_A);
}

/**
 * Cells a side of the lattice of vertices that every tile of a level starts from: the least power of two that keeps the
 * sag of a cell's diagonal, at the equator where it is greatest, under half the level's bound. 32 at level 0; 1 from level
 * 9 in the geographic scheme, and from 10 in web-mercator.
 */
export function latticeCells(scheme: TilingScheme, z: number, perTile: number): number {
  const side = (scheme.extent.east - scheme.extent.west) / scheme.columns(z);
  const metres = side * metresPerDegreeEast(0);
  let cells = 1;
  while (cells < perTile && chordSag((metres / cells) * Math.SQRT2) >= scheme.maxGeometricError(z) / 2) cells *= 2;
  return cells;
}

/** Ground metres between posts along one row of a grid; 0 on a pole row. */
export function eastStep(posts: PostGrid, row: number): number {
  return postSpacing(posts) * metresPerDegreeEast(postLatitudes({ ...posts, y0: posts.y0 + row, rows: 1 })[0]);
}

/**
 * Ground metres between posts along a column, at most: one number for a row of tiles, because a border between east and
 * west is meshed from itself alone.
 */
export function northStep(posts: PostGrid): number {
  return rowSpacing(posts) * metresPerDegreeNorth(90);
}

/** By how much the paraboloid whose axis is a grid's north-west post is lower one post away, metres: times squares of posts. */
export function bendFactors(posts: PostGrid, eastMetres: number): { readonly x: number; readonly y: number } {
  const north = northStep(posts);
  return { x: (eastMetres * eastMetres) / (2 * WGS84_A), y: (north * north) / (2 * WGS84_A) };
}

/** Heights lowered by that paraboloid; `eastMetres` between columns. */
export function bendHeights(heights: Float32Array, posts: PostGrid, eastMetres: number, out: Float64Array): void {
  const factor = bendFactors(posts, eastMetres);
  for (let j = 0, at = 0; j < posts.rows; j++) {
    for (let i = 0; i < posts.columns; i++, at++) out[at] = heights[at] - factor.x * i * i - factor.y * j * j;
  }
}

/** Share of the sag by which radii of curvature differ from the one that counts. */
const RADII = 0.005;

/**
 * Metres to be added to an error bound that meshing gives. Heights are lowered by one paraboloid for a whole tile, whose curvature
 * is the greatest that the tile has; where the Earth is bent less, the drawn surface sags less over a cell of the lattice that
 * the tile starts from, and lies higher above samples than was counted.
 */
export function curvatureSlack(scheme: TilingScheme, id: TileId): number {
  const cells = latticeCells(scheme, id.z, TILE_CELLS);
  const { west, south, east, north } = scheme.box(id);
  const far = Math.max(Math.abs(south), Math.abs(north));
  const near = south < 0 && north > 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
  const [width, height] = [(east - west) / cells, (north - south) / cells];
  const acrossNear = chordSag(width * metresPerDegreeEast(near));
  const acrossFar = chordSag(width * metresPerDegreeEast(far));
  const downMost = chordSag(height * metresPerDegreeNorth(90));
  const downLeast = chordSag(height * metresPerDegreeNorth(0));
  return acrossNear - acrossFar + downMost - downLeast + RADII * (acrossNear + downMost);
}
