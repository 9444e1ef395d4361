/**
 * The samples of all sources that a tile's surface is held against: those that the field shows as they are, not what higher
 * sources hide, nor what is feathered or made level.
 */
import { Origin, type PostGrid } from '../geo/post-grid.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions, SampleWindow } from '../sources/raster-source.ts';
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
  /** Those one level finer under cells of this level, which must not be 0, and finer where only part of one shows. */
  under(cells: readonly CellIndex[], options: ReadOptions): Promise<readonly MemberCells[]>;
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

/** `posts` are those of the tile, without halo; `maxSampleError`: metres that a sample may lie from the drawn surface. */
export async function readTileSamples(
  field: TerrainField,
  id: TileId,
  posts: PostGrid,
  maxSampleError: number,
  options: ReadOptions = {},
): Promise<TileSamples> {
  const box = posts.scheme.box(id);
  const touching = field.members.flatMap((member, index) => (field.touches(index, box, id.z) === 'none' ? [] : member));
  const same = SAME + SAME_SHARE * posts.scheme.maxGeometricError(id.z);
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
    cells.push(...(await setsOf(found, member, placer, whole, options)));
  }
  return { cells, complete };

  async function setsOf(
    found: FieldCells,
    member: RasterField,
    placer: TilePlacer,
    whole: boolean,
    more: ReadOptions,
  ): Promise<MemberCells[]> {
    const { kept, parted } = whole ? { kept: undefined, parted: [] } : await findShown(found, member, more);
    const tooMany = 4 * parted.length > MAX_FINER;
    const seen = kept ? { ...pick(found, kept), leftOut: found.leftOut || tooMany } : found;
    const sets = seen.x.length > 0 || seen.leftOut ? [memberCells(seen, member, placer, whole)] : [];
    if (parted.length === 0 || tooMany) return sets;
    const indices = parted.map((k) => ({ column: found.columns[k], row: found.rows[k] }));
    const finer = await readUnder(member, placer, found.level, indices, more);
    return [...sets, ...(await setsOf(finer, member, placer, whole, more))];
  }

  function memberCells(found: FieldCells, member: RasterField, placer: TilePlacer, whole: boolean): MemberCells {
    return {
      ...found,
      member: field.members.indexOf(member),
      async under(chosen, more) {
        return setsOf(await readUnder(member, placer, found.level, chosen, more), member, placer, whole, more);
      },
    };
  }

  /**
   * Samples that the field shows as they are; of cells those whose middle it shows, and in `parted` those that show in part and
   * matter. At the rim of what shows, a cell whose samples lie near what is shown is kept as it is: it asks for too much, not for
   * too little. A cell counts as hidden when all round it are.
   */
  async function findShown(found: FieldCells, member: RasterField, more: ReadOptions) {
    const states = new CellStates(found);
    const places = member.grid.placesOf(found.level, states.window(), states.indices);
    const ground = await field.groundAt(places, levelReading(member, id.z, found.level), more);
    const off = found.heights.map((height, k) => Math.abs(ground.heights[k] - height));
    const kept: number[] = [];
    const parted: number[] = [];
    for (let k = 0; k < off.length; k++) {
      const plain = found.level === 0 || ground.origin[k] === member.dataOrigin;
      states.set(k, plain && off[k] <= same ? SHOWN : ground.origin[k] === Origin.filled ? RIM : HIDDEN);
    }
    for (let k = 0; k < off.length; k++) {
      const state = states.get(k);
      if (found.level === 0) {
        if (state === SHOWN) kept.push(k);
        continue;
      }
      if (states.allRound(k, state) && state !== RIM) {
        if (state === SHOWN) kept.push(k);
        continue;
      }
      const reach = Math.max(found.above?.[k] ?? 0, found.below?.[k] ?? 0);
      if (off[k] + reach <= NEAR_RIM * maxSampleError) kept.push(k);
      else parted.push(k);
    }
    return { kept, parted };
  }
}

/** Share of the bound within which a cell at the rim of what shows is held against the surface as a whole. */
const NEAR_RIM = 0.25;

const MISSING = 0;
const SHOWN = 1;
const HIDDEN = 2;
/** Beside what is void. */
const RIM = 3;

/** What of cells shows, with those round them. */
class CellStates {
  readonly indices: Int32Array;
  readonly #west: number;
  readonly #north: number;
  readonly #across: number;
  readonly #down: number;
  /** By index in the window; finer cells lie scattered over it. */
  readonly #states = new Map<number, number>();

  constructor({ columns, rows }: FieldCells) {
    const least = (from: Int32Array) => from.reduce((a, b) => Math.min(a, b), from.length > 0 ? Infinity : 0);
    const most = (from: Int32Array) => from.reduce((a, b) => Math.max(a, b), from.length > 0 ? -Infinity : 0);
    this.#west = least(columns);
    this.#north = least(rows);
    this.#across = most(columns) - this.#west + 1;
    this.#down = most(rows) - this.#north + 1;
    this.indices = columns.map((column, k) => (rows[k] - this.#north) * this.#across + column - this.#west);
  }

  /** That `indices` count in. */
  window(): SampleWindow {
    return { column: this.#west, row: this.#north, columns: this.#across, rows: this.#down };
  }

  get(k: number): number {
    return this.#states.get(this.indices[k]) ?? MISSING;
  }

  set(k: number, state: number): void {
    this.#states.set(this.indices[k], state);
  }

  /** Whether the cells round one that are no void are in the same state. */
  allRound(k: number, state: number): boolean {
    const column = this.indices[k] % this.#across;
    const row = Math.floor(this.indices[k] / this.#across);
    for (let j = Math.max(0, row - 1); j <= Math.min(this.#down - 1, row + 1); j++) {
      for (let i = Math.max(0, column - 1); i <= Math.min(this.#across - 1, column + 1); i++) {
        const other = this.#states.get(j * this.#across + i) ?? MISSING;
        if (other !== MISSING && other !== state) return false;
      }
    }
    return true;
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
  const all = finer.flat();
  const deeper = await lookUnder(
    all,
    all.map((set) => (levels > 1 && set.level > 0 ? Array.from(set.x.keys()) : reachingFar(set, maxReach))),
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
