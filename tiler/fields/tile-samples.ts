/**
 * The samples of all sources that a tile's surface is held against: those that the field shows as they are, not what higher
 * sources hide, nor what is feathered or made level.
 */
import type { PostGrid } from '../geo/post-grid.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import type { RasterField } from './raster-field.ts';
import {
  type CellIndex,
  type FieldCells,
  openPlacer,
  readCells,
  readUnder,
  type TilePlacer,
  tellsBounds,
} from './source-cells.ts';
import type { TerrainField } from './terrain-field.ts';

/** Cells of one source in the tile. */
export interface MemberCells extends FieldCells {
  /** Which source. */
  readonly member: number;
  /** Those one level finer under cells of this level, which must not be 0. */
  under(cells: readonly CellIndex[], options: ReadOptions): Promise<MemberCells>;
}

export interface TileSamples {
  /** Of every source in the tile that tells what its overviews leave out. */
  readonly cells: readonly MemberCells[];
  /** Whether all sources in the tile tell it; cells that are left out are another matter. */
  readonly complete: boolean;
}

/** Metres, and share of the bound, by which interpolation at a sample may differ from the sample. */
const SAME = 0.02;
const SAME_SHARE = 0.002;

/** `posts` are those of the tile, without halo. */
export async function readTileSamples(
  field: TerrainField,
  id: TileId,
  posts: PostGrid,
  options: ReadOptions = {},
): Promise<TileSamples> {
  const box = posts.scheme.box(id);
  const touching = field.members.flatMap((member, index) => (field.touches(index, box, id.z) === 'none' ? [] : member));
  const cells: MemberCells[] = [];
  let complete = true;
  for (const member of touching) {
    const level = member.levelFor(id.z);
    if (!tellsBounds(member, level)) {
      complete = false;
      continue;
    }
    const placer = openPlacer(member, posts);
    const whole = member === touching[0] && !field.flattens(box);
    const found = await readCells(member, placer, level, options);
    if (found === undefined) continue;
    const seen = whole ? found : await shown(found, member);
    if (seen.x.length > 0 || seen.leftOut) cells.push(memberCells(seen, member, placer, whole));
  }
  return { cells, complete };

  function memberCells(found: FieldCells, member: RasterField, placer: TilePlacer, whole: boolean): MemberCells {
    return {
      ...found,
      member: field.members.indexOf(member),
      async under(chosen, more) {
        const finer = await readUnder(member, placer, found.level, chosen, more);
        return memberCells(whole ? finer : await shown(finer, member), member, placer, whole);
      },
    };
  }

  /** Without those that the field does not show as they are. */
  async function shown(found: FieldCells, member: RasterField): Promise<FieldCells> {
    const across = member.source.info.levels[found.level].columns;
    const west = found.columns.reduce((least, column) => Math.min(least, column), Infinity);
    const north = found.rows.reduce((least, row) => Math.min(least, row), Infinity);
    const window = { column: west, row: north, columns: across, rows: 1 };
    const indices = found.columns.map((column, k) => (found.rows[k] - north) * across + column - west);
    const places = member.grid.placesOf(found.level, window, indices);
    const ground = await field.groundAt(places, levelReading(member, id.z, found.level), options);
    const same = SAME + SAME_SHARE * posts.scheme.maxGeometricError(id.z);
    const kept: number[] = [];
    for (let k = 0; k < found.x.length; k++) {
      // A sample counts where it agrees, a cell where what lies under it is shown as it is.
      const plain = found.level === 0 || ground.origin[k] === member.dataOrigin;
      if (plain && Math.abs(ground.heights[k] - found.heights[k]) <= same) kept.push(k);
    }
    // Wholly hidden is no loss.
    const inPart = found.level > 0 && kept.length > 0 && kept.length < found.x.length;
    return { ...pick(found, kept), leftOut: found.leftOut || inPart };
  }
}

/** A level of tiles for which a source is read at one of its levels, or as near as it comes. */
function levelReading({ levelFor }: RasterField, z: number, level: number): number {
  let finer = z;
  while (levelFor(finer) > level) finer++;
  return finer;
}

function pick(found: FieldCells, kept: readonly number[]): FieldCells {
  const floats = (from: Float32Array | undefined) => from && Float32Array.from(kept, (k) => from[k]);
  return {
    ...found,
    columns: Int32Array.from(kept, (k) => found.columns[k]),
    rows: Int32Array.from(kept, (k) => found.rows[k]),
    x: Float64Array.from(kept, (k) => found.x[k]),
    y: Float64Array.from(kept, (k) => found.y[k]),
    heights: Float64Array.from(kept, (k) => found.heights[k]),
    slopeX: floats(found.slopeX),
    slopeY: floats(found.slopeY),
    above: floats(found.above),
    below: floats(found.below),
    hidden: new Uint8Array(kept.length),
  };
}

/**
 * Adds what lies one level finer under some of the cells, which no longer count then, and finer still while samples under
 * them reach farther than `maxReach` metres from their plane, or `levels` say so. `chosen`: by set, cells that are not at
 * level 0.
 */
export async function lookUnder(
  sets: readonly MemberCells[],
  chosen: readonly (readonly number[])[],
  { maxReach, levels = 1 }: { readonly maxReach: number; readonly levels?: number },
  options: ReadOptions,
): Promise<readonly MemberCells[]> {
  const under = new Map<string, { from: MemberCells; indices: CellIndex[] }>();
  for (const [s, set] of sets.entries()) {
    if (chosen[s].length === 0) continue;
    const key = `${set.member} ${set.level}`;
    const indices: CellIndex[] = under.get(key)?.indices ?? [];
    for (const cell of chosen[s]) {
      set.hidden[cell] = 1;
      indices.push({ column: set.columns[cell], row: set.rows[cell] });
    }
    under.set(key, { from: set, indices });
  }
  const wanted = Array.from(under.values()).reduce((sum, { indices }) => sum + 4 * indices.length, 0);
  if (wanted === 0 || wanted > MAX_FINER) {
    // What is known of the cells stays true, only less is.
    for (const [s, set] of sets.entries()) for (const cell of chosen[s]) set.hidden[cell] = 0;
    return sets;
  }
  const finer = await Promise.all(Array.from(under.values(), ({ from, indices }) => from.under(indices, options)));
  const deeper = await lookUnder(
    finer,
    finer.map((set) => (levels > 1 && set.level > 0 ? Array.from(set.x.keys()) : reachingFar(set, maxReach))),
    { maxReach, levels: levels - 1 },
    options,
  );
  return [...sets, ...deeper];
}

/** Cells under which samples reach farther than `maxReach` metres from the plane. */
export function reachingFar({ above, below }: FieldCells, maxReach: number): number[] {
  const found: number[] = [];
  if (above === undefined || below === undefined) return found;
  for (let k = 0; k < above.length; k++) if (above[k] > maxReach || below[k] > maxReach) found.push(k);
  return found;
}

/** Samples that reach farther than this share of the bound from what stands for them are looked at one level finer. */
export const MAX_REACH = 0.4;

/** Finer cells that are asked for at a time: a source of noise would have all of its samples looked at. */
const MAX_FINER = 2 ** 16;
