/** The one road from heights to a tile's bytes: the command line, the threads and the server all take it. */

import type { ExtensionName } from '../encode/extension-name.ts';
import { encodeQuantizedMesh } from '../encode/quantized-mesh.ts';
import type { HeightField } from '../fields/height-field.ts';
import { postsOfTile, withoutHalo } from '../geo/post-grid.ts';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import { meshTile } from '../mesh/mesh-tile.ts';
import { computeNormals } from '../mesh/normals.ts';
import { UV_MAX } from '../mesh/terrain-mesh.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

export interface TileRecipe {
  readonly field: HeightField;
  readonly scheme: TilingScheme;
  /** What a tile carries; normals cost a halo of one post. */
  readonly extensions: readonly ExtensionName[];
  /** Greatest error as a share of the client's bound. */
  readonly maxErrorFactor: number;
  /** Whether the field reads a level from something coarser than the source's own samples. */
  readonly readsOverview: (z: number) => boolean;
}

export interface MadeTile {
  /** quantized-mesh, uncompressed. */
  readonly bytes: Uint8Array;
  readonly vertices: number;
  readonly triangles: number;
  /** Greatest distance in metres between the tile's posts and the surface drawn from its quantised heights. */
  readonly maxError: number;
}

/**
 * Part of every layer's version, and so of addresses, ETags and caches: raise it when the same source and options give
 * other bytes, whatever the cause (fill, warp, shares of the bound, meshing, order, encoding). A test pins tiles' hashes.
 */
export const TILE_VERSION = 3;

/**
 * Part of the bound kept back for what meshing does not see: heights are rounded to 1/32767 of the tile's range, u and v
 * to 1/32767 of its side (1/1024 of a post spacing, times the slope), and the Earth is bent as a paraboloid. A share, not
 * a measure of the tile: neighbours must cut their common border to one and the same bound.
 */
const RESERVE = 0.02;

/**
 * What of the bound the mesh may use against the tile's own posts, so that 99 % of the source's samples, which lie between
 * those posts, keep the bound too. Measured on SRTM of Maui, the Pyrenees and the North Cascades with all of it: p99 of
 * 0.7 to 1.0 bounds on levels read at full resolution, 1.0 to 1.14 on levels read from overviews. With these shares it
 * is under 1 on every level of all three.
 */
const SHARE_FULL_RESOLUTION = 0.94;
const SHARE_OVERVIEW = 0.7;
/**
 * The client's bound is 1.2 km at level 6: a mountain may stay away and the tile still keeps its word. With this share
 * the drawn surface explains 94 % instead of 52 % of Maui's relief at level 6, and 61 % instead of nothing at level 5,
 * for 45 kB more in all levels to 9.
 */
const SHARE_COARSE = 0.25;
const LAST_COARSE_LEVEL = 8;

export async function makeTile(
  { field, scheme, extensions, maxErrorFactor, readsOverview }: TileRecipe,
  id: TileId,
  { signal }: ReadOptions = {},
): Promise<MadeTile> {
  const withNormals = extensions.includes('octvertexnormals');
  const halo = withNormals ? 1 : 0;
  const read = await field.read(postsOfTile(scheme, id, halo), { signal });
  const grid = halo > 0 ? withoutHalo(read, halo) : read;
  let minHeight = Infinity;
  let maxHeight = -Infinity;
  for (let i = 0; i < grid.heights.length; i++) {
    minHeight = Math.min(minHeight, grid.heights[i]);
    maxHeight = Math.max(maxHeight, grid.heights[i]);
  }
  const fineShare = readsOverview(id.z) ? SHARE_OVERVIEW : SHARE_FULL_RESOLUTION;
  const share = id.z <= LAST_COARSE_LEVEL ? SHARE_COARSE : fineShare;
  const bound = scheme.maxGeometricError(id.z) * maxErrorFactor * share;
  const mesh = meshTile(grid, bound * (1 - RESERVE));
  const bytes = encodeQuantizedMesh({
    mesh,
    box: scheme.box(id),
    normals: withNormals ? computeNormals(mesh, read) : undefined,
    minHeight,
    maxHeight,
  });
  return {
    bytes,
    vertices: mesh.u.length,
    triangles: mesh.triangles.length / 3,
    maxError: mesh.maxError + (maxHeight - minHeight) / UV_MAX / 2,
  };
}
