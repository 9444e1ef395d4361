/**
 * Triangles are flat in space while the Earth is round: a triangle's inside sags below the surface that its corners
 * lie on. Lowering every post by a paraboloid (x^2 + y^2) / 2R makes that sag part of the height, so that the plain
 * difference between a post and the plane through three vertices is the distance that is seen.
 */
import { metresPerDegreeEast, metresPerDegreeNorth, WGS84_A } from '../geo/ellipsoid.ts';
import { type PostGrid, postLatitudes, postSpacing } from '../geo/post-grid.ts';
import type { TilingScheme } from '../geo/tiling-scheme.ts';

/** Metres that a chord of `length` metres sags below the sphere at its middle, times 4 k (1 - k) at fraction k. */
export function chordSag(length: number): number {
  return (length * length) / (8 * WGS84_A);
}

/**
 * Cells a side of the lattice of vertices that every tile of a level starts from: the least power of two that keeps the
 * sag of a cell's diagonal, at the equator where it is greatest, under half the level's bound. 32 at level 0, 1 from 9.
 */
export function latticeCells(scheme: TilingScheme, z: number, perTile: number): number {
  const side = (scheme.extent.north - scheme.extent.south) / scheme.rows(z);
  const metres = side * metresPerDegreeEast(0);
  let cells = 1;
  while (cells < perTile && chordSag((metres / cells) * Math.SQRT2) >= scheme.maxGeometricError(z) / 2) cells *= 2;
  return cells;
}

/** Ground metres between posts along one row of a grid; 0 on a pole row. */
export function eastStep(posts: PostGrid, row: number): number {
  return postSpacing(posts) * metresPerDegreeEast(postLatitudes({ ...posts, y0: posts.y0 + row, rows: 1 })[0]);
}

/** Ground metres between posts along a column: one number for a level, because a border is meshed from itself alone. */
export function northStep(posts: PostGrid): number {
  return postSpacing(posts) * metresPerDegreeNorth(90);
}

/** Heights lowered by the paraboloid whose axis is the grid's north-west post; `eastMetres` between columns. */
export function bendHeights(heights: Float32Array, posts: PostGrid, eastMetres: number, out: Float64Array): void {
  const north = northStep(posts);
  const eastFactor = (eastMetres * eastMetres) / (2 * WGS84_A);
  const northFactor = (north * north) / (2 * WGS84_A);
  for (let j = 0, at = 0; j < posts.rows; j++) {
    for (let i = 0; i < posts.columns; i++, at++) {
      out[at] = heights[at] - eastFactor * i * i - northFactor * j * j;
    }
  }
}
