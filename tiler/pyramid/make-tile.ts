/** The one road from heights to a tile's bytes: the command line, the threads and the server all take it. */

import type { ExtensionName } from '../encode/extension-name.ts';
import { encodeQuantizedMesh } from '../encode/quantized-mesh.ts';
import type { HeightField } from '../fields/height-field.ts';
import { tellsBounds } from '../fields/source-cells.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { readBorders } from '../fields/tile-borders.ts';
import { lookUnder, MAX_REACH, type MemberCells, reachingFar, readTileSamples } from '../fields/tile-samples.ts';
import { type HeightGrid, postsOfTile, withoutHalo } from '../geo/post-grid.ts';
import { geographic, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import { curvatureSlack } from '../mesh/curvature.ts';
import { boundDrawnError } from '../mesh/drawn-error.ts';
import { type MeshedTile, meshTile } from '../mesh/mesh-tile.ts';
import { computeNormals } from '../mesh/normals.ts';
import { UV_MAX } from '../mesh/terrain-mesh.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

export interface TileRecipe {
  readonly field: HeightField;
  /** Whose samples the drawn surface is held against; undefined where it is not to show them. */
  readonly terrain: TerrainField | undefined;
  /** Whose heights the tile's height range is to hold as well: clients hide children by their parent's range. */
  readonly children?: HeightField | undefined;
  readonly scheme: TilingScheme;
  /** What a tile carries; normals cost a halo of one post. */
  readonly extensions: readonly ExtensionName[];
  /** Greatest error as a share of the client's bound. */
  readonly maxErrorFactor: number;
}

export interface MadeTile {
  /** quantized-mesh, uncompressed. */
  readonly bytes: Uint8Array;
  readonly vertices: number;
  readonly triangles: number;
  /** Greatest distance in metres between the tile's posts and the surface drawn from its quantised heights. */
  readonly maxError: number;
  /**
   * The same for all full-resolution samples in the tile, as an upper bound; NaN where nothing says what overviews leave out.
   */
  readonly maxSampleError: number;
}

/**
 * Part of every layer's version, and so of addresses, ETags and caches: raise it when the same source and options give
 * other bytes, whatever the cause (fill, warp, shares of the bound, meshing, order, encoding). A test pins tiles' hashes.
 */
export const TILE_VERSION = 5;

/**
 * Part of the bound kept back for what meshing does not see: heights are rounded to 1/32767 of the tile's range, u and v
 * to 1/32767 of its side (1/1024 of a post spacing, times the slope), and the Earth is bent as a paraboloid. A share, not
 * a measure of the tile: neighbours must cut their common border to one and the same bound.
 */
const RESERVE = 0.02;

/**
 * The client's bound is 1.2 km at level 6: a mountain may stay away and the tile still keeps its word. With this share
 * the drawn surface explains 94 % instead of 52 % of Maui's relief at level 6, and 61 % instead of nothing at level 5,
 * for 45 kB more in all levels to 9.
 */
const SHARE_COARSE = 0.25;
/** Where no vertex helps, there is mostly a cliff between two cells, and it takes the samples on both sides of it. */
const STUCK_LEVELS = 3;
/** Beyond it the ground is steeper than vertices can follow, and the certified error says so. */
const MAX_ROUNDS = 4;
/**
 * What of the bound is used where nothing says what overviews leave out, so that 99 % of the source's samples keep it all the
 * same (measured on SRTM of Maui, the Pyrenees and the North Cascades).
 */
const SHARE_UNCERTAIN = 0.7;
const COARSE_BOUND = geographic.maxGeometricError(8);

export async function makeTile(
  { field, terrain, children, scheme, extensions, maxErrorFactor }: TileRecipe,
  id: TileId,
  { signal }: ReadOptions = {},
): Promise<MadeTile> {
  const withNormals = extensions.includes('octvertexnormals');
  const halo = withNormals ? 1 : 0;
  const limit = scheme.maxGeometricError(id.z) * maxErrorFactor * (1 - RESERVE);
  const [read, borders] = await Promise.all([
    field.read(postsOfTile(scheme, id, halo), { signal }),
    terrain && readBorders(terrain, scheme, id, limit, { signal }),
  ]);
  const grid = halo > 0 ? withoutHalo(read, halo) : read;
  const samples = terrain && (await readTileSamples(terrain, id, grid.posts, limit, { signal }));
  // By the level alone: neighbours cut their border alike.
  const certain = terrain?.members.every((member) => tellsBounds(member, member.levelFor(id.z))) ?? true;
  const isCoarse = scheme.maxGeometricError(id.z) >= COARSE_BOUND;
  const share = isCoarse ? SHARE_COARSE : certain ? 1 : SHARE_UNCERTAIN;
  const maxReach = MAX_REACH * limit;
  let cells: readonly MemberCells[] = samples?.cells ?? [];
  const far = cells.map((set) => reachingFar(set, maxReach));
  cells = await lookUnder(cells, far, { maxReach }, { signal });
  let mesh = meshTile(grid, limit * share, { borders, cells, maxSampleError: limit });
  for (let round = 0; round < MAX_ROUNDS && mesh.maxSampleError > limit; round++) {
    const stuck = stuckByContent(mesh, cells);
    if (stuck.every((list) => list.length === 0)) break;
    signal?.throwIfAborted();
    const before = cells.length;
    cells = await lookUnder(cells, stuck, { maxReach, levels: STUCK_LEVELS }, { signal });
    if (cells.length === before) break;
    mesh = meshTile(grid, limit * share, { borders, cells, maxSampleError: limit });
  }
  const complete = samples?.complete === true && cells.every(({ leftOut }) => !leftOut);
  // What overviews leave out may reach beyond the posts.
  const unknown = (terrain && !complete) || children ? limit : 0;
  const below = await children?.read(grid.posts, { signal });
  const { minHeight, maxHeight } = heightRange(below ? [grid, below] : [grid], mesh, cells, unknown);
  const bytes = encodeQuantizedMesh({
    mesh,
    box: scheme.box(id),
    normals: withNormals ? computeNormals(mesh, read) : undefined,
    minHeight,
    maxHeight,
  });
  const rounding = (maxHeight - minHeight) / UV_MAX / 2;
  const drawn = () => boundDrawnError(mesh, grid.posts, cells, { flat: mesh.maxSampleError, limit });
  return {
    bytes,
    vertices: mesh.u.length,
    triangles: mesh.triangles.length / 3,
    maxError: mesh.maxError + rounding,
    maxSampleError: complete ? drawn() + rounding + curvatureSlack(scheme, id) : NaN,
  };
}

/** Cells that no vertex helps, and that have something finer under them. */
function stuckByContent({ stuck }: MeshedTile, cells: readonly MemberCells[]): number[][] {
  const out: number[][] = cells.map(() => []);
  for (const { set, cell } of stuck) if (cells[set].level > 0) out[set].push(cell);
  return out;
}

/** What bounds the tile's posts, its vertices and all samples under it, and so many metres more. */
function heightRange(grids: readonly HeightGrid[], mesh: MeshedTile, cells: readonly MemberCells[], more: number) {
  let minHeight = Infinity;
  let maxHeight = -Infinity;
  const take = (low: number, high: number) => {
    if (low < minHeight) minHeight = low;
    if (high > maxHeight) maxHeight = high;
  };
  for (const { heights } of grids) for (const height of heights) take(height, height);
  for (const height of mesh.heights) take(height, height);
  for (const { heights: middles, slopeX, slopeY, above, below, reachX, reachY, hidden } of cells) {
    for (let k = 0; k < middles.length; k++) {
      if (hidden[k] === 1) continue;
      if (slopeX && slopeY && above && below) {
        const spread = Math.abs(slopeX[k]) * reachX + Math.abs(slopeY[k]) * reachY;
        take(middles[k] - spread - below[k], middles[k] + spread + above[k]);
      } else take(middles[k], middles[k]);
    }
  }
  return { minHeight: minHeight - more, maxHeight: maxHeight + more };
}
