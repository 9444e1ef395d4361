/**
 * Which tiles a layer has. A tile is refined when data touch it and it lies above the last level; a refined tile has all
 * four children, so every ancestor of every tile exists, and both roots always do.
 */
import { tileRanges } from '../catalog/tile-ranges.ts';
import { RelievoError } from '../error.ts';
import type { HeightField } from '../fields/height-field.ts';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';

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

/** The least level whose posts lie no further apart than the source's samples. */
export function nativeLevel(scheme: TilingScheme, spacingDegrees: number, perTile: number): number {
  const rootSpacing = (scheme.extent.north - scheme.extent.south) / scheme.rows(0) / perTile;
  return Math.max(0, Math.ceil(Math.log2(rootSpacing / spacingDegrees) - 1e-6));
}

/** Tiles of one level that a plan may hold: it lists them, at about 100 bytes each. */
const MAX_TILES_OF_LEVEL = 4_000_000;

/** Fails with `input-unsupported` when a level would have more tiles than a plan can list. */
export function planTiles(field: Pick<HeightField, 'touches'>, scheme: TilingScheme, maxLevel: number): TilePlan {
  const roots: TileId[] = [];
  for (let y = 0; y < scheme.rootRows; y++) for (let x = 0; x < scheme.rootColumns; x++) roots.push({ z: 0, x, y });
  const levels: TileRange[][] = [toRanges(0, roots)];
  let refined = roots;
  for (let z = 1; z <= maxLevel; z++) {
    const children: TileId[] = [];
    for (const tile of refined) {
      if (children.length > MAX_TILES_OF_LEVEL) break;
      if (field.touches(scheme.box(tile))) children.push(...childrenOf(tile));
    }
    if (children.length > MAX_TILES_OF_LEVEL) {
      throw new RelievoError(
        'input-unsupported',
        `Level ${z} of this source has more than ${MAX_TILES_OF_LEVEL} tiles: stop earlier with --max-zoom ${z - 1}, or cut the source`,
      );
    }
    if (children.length === 0) break;
    levels.push(toRanges(z, children));
    refined = children;
  }
  return levels;
}

export function childrenOf({ z, x, y }: TileId): TileId[] {
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

function toRanges(z: number, tiles: readonly TileId[]): TileRange[] {
  return tileRanges(tiles).map((r) => ({ z, x0: r.startX, y0: r.startY, x1: r.endX, y1: r.endY }));
}
