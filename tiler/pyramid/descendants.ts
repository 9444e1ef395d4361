/**
 * What a tile says of its descendants, where a layer carries the `metadata` extension: tiles of every METADATA_LEVELS-th
 * level name those of the levels below them, down to and with the next level that does (`metadataAvailability`).
 */
import type { TileMetadata, TileSpan } from '../encode/metadata.ts';
import { flipRow, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import { rangesUnder, type TilePlan, type TileRange } from './plan.ts';

/**
 * A tile names at most 4^5 tiles of its last level, and so some hundred ranges where a coast runs through it; with the
 * 10 levels that are usual elsewhere it could be a million. Clients pass through every level anyway.
 */
export const METADATA_LEVELS = 5;

/** Whether tiles of a level carry metadata; below the deepest one there is nothing to name. */
export function namesDescendants(plan: TilePlan, z: number): boolean {
  return z % METADATA_LEVELS === 0 && z < plan.length - 1;
}

export function describeDescendants(plan: TilePlan, scheme: TilingScheme, id: TileId): TileMetadata {
  const below = plan.slice(id.z + 1, id.z + 1 + METADATA_LEVELS);
  return {
    available: below.map((ranges) => rangesUnder(ranges, id).map((range) => spanOf(scheme, range))),
    geometricerror: scheme.maxGeometricError(id.z),
  };
}

/** A range as documents name it. */
export function spanOf(scheme: TilingScheme, { z, x0, y0, x1, y1 }: TileRange): TileSpan {
  return { startX: x0, startY: flipRow(scheme, z, y1), endX: x1, endY: flipRow(scheme, z, y0) };
}
