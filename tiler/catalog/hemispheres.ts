/**
 * The geographic tiling as two square quadtrees, as implicit tiling of 3D Tiles 1.1 needs it: level 0 tile x = 0 is the
 * western one's root, x = 1 the eastern one's. Level, x and y count from that root, y from the **south**.
 */
import { mortonIndex, SUBTREE_CHILDREN, SUBTREE_LEVELS, SUBTREE_TILES, subtreeBit } from '../encode/subtree.ts';
import { RADIANS_PER_DEGREE } from '../geo/ellipsoid.ts';
import { flipRow, geographic, type TileId } from '../geo/tiling-scheme.ts';
import type { AvailableRange, LayerJson } from './layer-json.ts';

export const HEMISPHERES = ['west', 'east'] as const;
export type Hemisphere = (typeof HEMISPHERES)[number];

/** A tile of one of the two quadtrees. */
export interface HemisphereTile {
  readonly hemisphere: Hemisphere;
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** Metres above the ellipsoid. */
export interface HeightRange {
  readonly minHeight: number;
  readonly maxHeight: number;
}

/** West, south, east, north in radians, least and greatest height in metres. */
export type Region = readonly [number, number, number, number, number, number];

export const WHOLE_GLOBE = { west: -180, south: -90, east: 180, north: 90 };

/** The tile of the geographic scheme. */
export function globeTile({ hemisphere, level, x, y }: HemisphereTile): TileId {
  return { z: level, x: hemisphere === 'east' ? x + 2 ** level : x, y: flipRow(geographic, level, y) };
}

/** Its box comes from level, x and y in one step: neighbours get the same bits. */
export function regionOf(tile: HemisphereTile, heights: HeightRange): Region {
  return regionOfBox(geographic.box(globeTile(tile)), heights);
}

export function regionOfBox(box: typeof WHOLE_GLOBE, { minHeight, maxHeight }: HeightRange): Region {
  const [west, south, east, north] = [box.west, box.south, box.east, box.north].map((deg) => deg * RADIANS_PER_DEGREE);
  return [west, south, east, north, minHeight, maxHeight];
}

/** Which tiles of a subtree there are, and which subtrees follow; in the order of encode/subtree.ts. */
export interface SubtreeAvailability {
  readonly tiles: readonly boolean[];
  readonly children: readonly boolean[];
}

export interface Availability {
  /** Levels from the hemisphere's root that have any tile; 0 where not even the root exists. */
  levels(hemisphere: Hemisphere): number;
  /** Whether the tile and all of its ancestors exist. */
  has(tile: HemisphereTile): boolean;
  /** Of the subtree that begins at a tile; undefined where there is no such tile. */
  subtree(root: HemisphereTile): SubtreeAvailability | undefined;
}

/** From layer.json's ranges. A tile without its parent counts as missing: nobody would find it. */
export function openAvailability({ available }: Pick<LayerJson, 'available'>): Availability {
  const counts = new Map(HEMISPHERES.map((hemisphere) => [hemisphere, countLevels(hemisphere)]));
  return { levels: (hemisphere) => counts.get(hemisphere) ?? 0, has, subtree };

  function countLevels(hemisphere: Hemisphere): number {
    const holds = (ranges: readonly AvailableRange[], level: number) =>
      ranges.some(({ startX, endX }) => (hemisphere === 'east' ? endX >= 2 ** level : startX < 2 ** level));
    const end = available.findIndex((ranges, level) => !holds(ranges, level));
    return end < 0 ? available.length : end;
  }

  function has({ hemisphere, level, x, y }: HemisphereTile): boolean {
    if (x < 0 || y < 0 || x >= 2 ** level || y >= 2 ** level) return false;
    for (let up = 0; up <= level; up++) {
      const [column, row] = [Math.floor(x / 2 ** up), Math.floor(y / 2 ** up)];
      if (rangesWithin({ hemisphere, level: level - up, x: column, y: row }, 0).length === 0) return false;
    }
    return true;
  }

  function subtree(root: HemisphereTile): SubtreeAvailability | undefined {
    if (!has(root)) return undefined;
    const tiles: boolean[] = new Array(SUBTREE_TILES).fill(false);
    const children: boolean[] = new Array(SUBTREE_CHILDREN).fill(false);
    tiles[0] = true;
    for (let level = 1; level <= SUBTREE_LEVELS; level++) {
      for (const { startX, startY, endX, endY } of rangesWithin(root, level)) {
        for (let x = startX; x <= endX; x++) {
          for (let y = startY; y <= endY; y++) {
            if (!tiles[subtreeBit(level - 1, x >> 1, y >> 1)]) continue;
            if (level < SUBTREE_LEVELS) tiles[subtreeBit(level, x, y)] = true;
            else children[mortonIndex(level, x, y)] = true;
          }
        }
      }
    }
    return { tiles, children };
  }

  /** The parts of the ranges `below` levels under a tile that lie under it, counted from its south-west corner. */
  function rangesWithin({ hemisphere, level, x, y }: HemisphereTile, below: number): AvailableRange[] {
    const side = 2 ** below;
    const west = (hemisphere === 'east' ? x + 2 ** level : x) * side;
    const south = y * side;
    const out: AvailableRange[] = [];
    for (const range of available[level + below] ?? []) {
      const cut = {
        startX: Math.max(0, range.startX - west),
        startY: Math.max(0, range.startY - south),
        endX: Math.min(side - 1, range.endX - west),
        endY: Math.min(side - 1, range.endY - south),
      };
      if (cut.startX <= cut.endX && cut.startY <= cut.endY) out.push(cut);
    }
    return out;
  }
}
