/** What jobs learn of the tiles that they make, level by level, and how reports of many jobs become one. */

import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { addSketches, type ErrorSketch, newSketch } from './error-sketch.ts';
import type { MadeTile } from './make-tile.ts';
import { type MeasureKind, type MeasureTile, openMeasure } from './measure-tiles.ts';
import type { TerrainMaker } from './terrain-maker.ts';

export interface LevelReport {
  readonly z: number;
  readonly tiles: number;
  /** As they are stored: after gzip, or of the GLB. */
  readonly bytes: number;
  readonly triangles: number;
  /** Greatest over the tiles, metres, against the tiles' own posts. */
  readonly maxError: number;
  /** The same against all full-resolution samples, as an upper bound; null where a tile's is not known. */
  readonly maxSampleError: number | null;
  /** Errors against samples of the sources, where tiles were measured. */
  readonly errors?: ErrorSketch | undefined;
}

export interface LevelReports {
  /** `stored` is how many bytes the tile takes where it is kept. */
  add(id: TileId, made: MadeTile, stored: number, options?: ReadOptions): Promise<void>;
  all(): LevelReport[];
}

/** `measure`: which samples of the sources the tiles are held against; none without it. */
export function openLevelReports(maker: TerrainMaker, measure: MeasureKind | undefined): LevelReports {
  const levels = new Map<number, LevelReport>();
  const measureTile = measure && measureOf(maker, measure);
  return {
    async add(id, { bytes, triangles, maxError, maxSampleError: known }, stored, options = {}) {
      const maxSampleError = Number.isNaN(known) ? null : known;
      const before = levels.get(id.z);
      const errors = before?.errors ?? (measure && newSketch());
      if (errors) await measureTile?.(id, bytes, errors, options);
      const one = { z: id.z, tiles: 1, bytes: stored, triangles, maxError, maxSampleError };
      levels.set(id.z, { ...addReports(before, one), errors });
    },
    all: () => [...levels.values()],
  };
}

/** Of each layer that is open: windows of samples once read serve all its shards. */
const measures = new WeakMap<TerrainMaker, Map<MeasureKind, MeasureTile>>();

function measureOf(maker: TerrainMaker, kind: MeasureKind): MeasureTile {
  const known = measures.get(maker) ?? new Map<MeasureKind, MeasureTile>();
  const measure = known.get(kind) ?? openMeasure(maker, kind);
  measures.set(maker, known.set(kind, measure));
  return measure;
}

export function addReports(a: LevelReport | undefined, b: LevelReport): LevelReport {
  if (!a) return b;
  return {
    z: b.z,
    tiles: a.tiles + b.tiles,
    bytes: a.bytes + b.bytes,
    triangles: a.triangles + b.triangles,
    maxError: Math.max(a.maxError, b.maxError),
    maxSampleError:
      a.maxSampleError === null || b.maxSampleError === null ? null : Math.max(a.maxSampleError, b.maxSampleError),
    errors: addSketches(a.errors, b.errors),
  };
}

const TILES_PER_CALL = 64;

/** Counts tiles and tells of them a few at a time. */
export function openTileCount(onTiles: ((count: number) => void) | undefined) {
  let unsaid = 0;
  const say = () => {
    onTiles?.(unsaid);
    unsaid = 0;
  };
  return {
    add() {
      if (++unsaid === TILES_PER_CALL) say();
    },
    end: say,
  };
}
