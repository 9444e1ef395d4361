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
  /** Share of the client's bound that the mesh may use. */
  readonly maxErrorFactor: number;
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
 * Part of the bound kept back for what meshing does not see: u and v are rounded to 1/32767 of the tile (1/1024 of a
 * post spacing, times the slope), and the Earth is bent as a paraboloid.
 */
const RESERVE = 0.02;

/**
 * The client's bound is 1.2 km at level 6: a mountain may stay away and the tile still keeps its word. Up to this level
 * only a quarter of the bound is used. Measured on Maui: the drawn surface explains 94 % instead of 52 % of the relief at
 * level 6 and 61 % instead of nothing at level 5, for 45 kB more in all levels to 9.
 */
const LAST_COARSE_LEVEL = 8;
const COARSE_SHARE = 0.25;

export async function makeTile(
  { field, scheme, extensions, maxErrorFactor }: TileRecipe,
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
  const share = id.z <= LAST_COARSE_LEVEL ? COARSE_SHARE : 1;
  const bound = scheme.maxGeometricError(id.z) * maxErrorFactor * share;
  const quantisation = (maxHeight - minHeight) / UV_MAX / 2;
  // Below a quarter of the bound, finer triangles would only follow the steps of the heights' own 15 bits.
  const mesh = meshTile(grid, Math.max(bound * (1 - RESERVE) - quantisation, bound / 4));
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
    maxError: mesh.maxError + quantisation,
  };
}
