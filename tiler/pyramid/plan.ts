/**
 * Which tiles a layer has. A tile is refined when data touch it that are worth a deeper level; a refined tile has all four
 * children, so every ancestor of every tile exists, and both roots always do. Each source plans for itself, down to its own
 * native level: sparse data cost their own tiles, and coarse data none of the deep levels.
 */
import { mergeRanges } from '../catalog/tile-ranges.ts';
import { RelievoError } from '../error.ts';
import type { Touch } from '../fields/height-field.ts';
import type { LonLatBox, TileId, TilingScheme } from '../geo/tiling-scheme.ts';

/** Tiles x0..x1 by y0..y1 of one level, inclusive, y from the north. */
export interface TileRange {
  readonly z: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** By level from 0: disjoint ranges. */
export type TilePlan = readonly (readonly TileRange[])[];

/** Data that are worth tiles. */
export interface PlannedData {
  /** The deepest level that they are worth. */
  readonly lastLevel: number;
  /** Whether they can change a height in a box in a way that tiles below level z would show. Never wrongly `none`. */
  touches(box: LonLatBox, z: number): Touch;
}

/** Tiles that may be looked at one by one; those wholly inside the data are not. */
const MAX_VISITS = 8_000_000;

/** Fails with `input-unsupported` when the data's outline is too long to be followed at the last level. */
export function planTiles(data: readonly PlannedData[], scheme: TilingScheme): TilePlan {
  const roots: TileId[] = [];
  for (let y = 0; y < scheme.rootRows; y++) for (let x = 0; x < scheme.rootColumns; x++) roots.push({ z: 0, x, y });
  const levels: TileRange[][] = [roots.map(rangeOf)];
  for (const one of data) addTiles(one, scheme, roots, levels);
  return levels.map((ranges, z) => mergeRanges(ranges).map((range) => ({ z, ...range })));
}

function addTiles({ touches, lastLevel }: PlannedData, scheme: TilingScheme, roots: TileId[], levels: TileRange[][]) {
  let visits = 0;
  let open = roots;
  for (let z = 0; z < lastLevel && open.length > 0; z++) {
    const next: TileId[] = [];
    for (const tile of open) {
      if (++visits > MAX_VISITS) throw tooMany(z);
      const touch = touches(scheme.box(tile), z);
      if (touch === 'none') continue;
      if (touch === 'all') {
        for (let deeper = z + 1; deeper <= lastLevel; deeper++) rangesOf(levels, deeper).push(under(tile, deeper));
        continue;
      }
      const [first, , , last] = childrenOf(tile);
      rangesOf(levels, z + 1).push({ z: z + 1, x0: first.x, y0: first.y, x1: last.x, y1: last.y });
      next.push(...childrenOf(tile));
    }
    open = next;
  }
}

function rangesOf(levels: TileRange[][], z: number): TileRange[] {
  levels[z] ??= [];
  return levels[z];
}

function rangeOf({ z, x, y }: TileId): TileRange {
  return { z, x0: x, y0: y, x1: x, y1: y };
}

function under({ z, x, y }: TileId, deeper: number): TileRange {
  const scale = 2 ** (deeper - z);
  return { z: deeper, x0: x * scale, y0: y * scale, x1: (x + 1) * scale - 1, y1: (y + 1) * scale - 1 };
}

function tooMany(z: number): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `The outline of the data crosses more than ${MAX_VISITS} tiles down to level ${z}: stop earlier with --max-zoom ${z}, or cut the source`,
  );
}

export function childrenOf({ z, x, y }: TileId): [TileId, TileId, TileId, TileId] {
  return [
    { z: z + 1, x: 2 * x, y: 2 * y },
    { z: z + 1, x: 2 * x + 1, y: 2 * y },
    { z: z + 1, x: 2 * x, y: 2 * y + 1 },
    { z: z + 1, x: 2 * x + 1, y: 2 * y + 1 },
  ];
}

export function isPlanned(plan: TilePlan, { z, x, y }: TileId): boolean {
  return (plan[z] ?? []).some((r) => x >= r.x0 && x <= r.x1 && y >= r.y0 && y <= r.y1);
}

export function countTiles(ranges: readonly TileRange[]): number {
  return ranges.reduce((sum, r) => sum + (r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1), 0);
}

/** The part of each range that lies under a tile, at the range's own level. */
export function rangesUnder(ranges: readonly TileRange[], { z, x, y }: TileId): TileRange[] {
  const out: TileRange[] = [];
  for (const r of ranges) {
    const scale = 2 ** (r.z - z);
    const cut = {
      z: r.z,
      x0: Math.max(r.x0, x * scale),
      x1: Math.min(r.x1, (x + 1) * scale - 1),
      y0: Math.max(r.y0, y * scale),
      y1: Math.min(r.y1, (y + 1) * scale - 1),
    };
    if (cut.x0 <= cut.x1 && cut.y0 <= cut.y1) out.push(cut);
  }
  return out;
}
