/** How many bytes a layer will have: a few tiles of each level are made, spread over what is planned. */
import { gzipBytesSync } from '../encode/gzip.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { PreparableSource } from '../sources/decimate.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { countTiles, type TileRange } from './plan.ts';
import type { TerrainMaker } from './terrain-maker.ts';

export interface LevelEstimate {
  readonly z: number;
  readonly tiles: number;
  /** Tiles that were made for this; all of them when the number is that of `tiles`. */
  readonly tilesMade: number;
  /** After gzip, of all tiles of the level. */
  readonly bytes: number;
}

export interface EstimateOptions extends ReadOptions {
  /** Tiles made of each level, at most; default 48. Four times as many of the deepest, twice of the one before. */
  readonly tilesPerLevel?: number | undefined;
  /** Samples that overviews may be computed from for this, default `MAX_COMPUTED`; levels that need more take their size from the next. */
  readonly maxComputed?: number | undefined;
}

/** By level from 0. Tiles are made by the road of all tiles, so what is made is exact. */
export async function estimateLevels(
  maker: TerrainMaker,
  { tilesPerLevel = 48, maxComputed = MAX_COMPUTED, signal }: EstimateOptions = {},
): Promise<LevelEstimate[]> {
  const plan = maker.plan();
  const computes = overviewSamples(maker) <= maxComputed;
  const found: LevelEstimate[] = [];
  let bytesPerTile = 0;
  for (let z = plan.length - 1; z >= 0; z--) {
    const tiles = countTiles(plan[z]);
    const within = computes || !maker.needsPreparing(z);
    const wanted = within ? Math.min(tiles, tilesPerLevel * shareOf(plan.length - 1 - z)) : 0;
    let bytes = 0;
    for (const id of spread(plan[z], wanted)) {
      const made = await maker.makeTile(id, { signal });
      bytes += gzipBytesSync(made.bytes).length;
    }
    if (wanted > 0) bytesPerTile = bytes / wanted;
    found.unshift({ z, tiles, tilesMade: wanted, bytes: Math.round(bytesPerTile * tiles) });
  }
  return found;
}

/** Samples that are read in a few seconds. */
export const MAX_COMPUTED = 2 ** 25;

/** Samples that all overviews of a layer are computed from; Infinity where some cannot be read. */
export function overviewSamples({ members }: TerrainMaker): number {
  return members.reduce((sum, { source }) => sum + samplesToCompute(source), 0);
}

/** What overviews are computed from; Infinity where that cannot be read. */
function samplesToCompute({ info, storedLevels }: PreparableSource): number {
  if (storedLevels === 0) return Infinity;
  const { scaleX, scaleY } = info.levels[storedLevels - 1];
  if (storedLevels === info.levels.length) return 0;
  return info.sheets.reduce((sum, { columns, rows }) => sum + (columns * rows) / (scaleX * scaleY), 0);
}

/** Most of a layer's bytes lie in its deepest levels. */
function shareOf(levelsAboveDeepest: number): number {
  return levelsAboveDeepest === 0 ? 4 : levelsAboveDeepest === 1 ? 2 : 1;
}

/** Irrational, so that the steps never fall in with the width of a row of tiles. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** `wanted` different tiles, one in each of as many equal parts of the ranges' order. */
function spread(ranges: readonly TileRange[], wanted: number): TileId[] {
  const part = countTiles(ranges) / wanted;
  return Array.from({ length: wanted }, (_, k) => tileAt(ranges, Math.floor((k + ((k * GOLDEN) % 1)) * part)));
}

function tileAt(ranges: readonly TileRange[], index: number): TileId {
  let left = index;
  for (const { z, x0, y0, x1, y1 } of ranges) {
    const across = x1 - x0 + 1;
    const count = across * (y1 - y0 + 1);
    if (left < count) return { z, x: x0 + (left % across), y: y0 + Math.floor(left / across) };
    left -= count;
  }
  throw new RangeError(`there is no tile ${index} in this level`);
}
