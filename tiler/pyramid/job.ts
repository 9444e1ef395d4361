/** Work on a layer as plain JSON, the same in process, on a thread or on another machine. */
import { gzipBytesSync } from '../encode/gzip.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { writeTileFile } from '../store/directory-writer.ts';
import { addSketches, type ErrorSketch, newSketch } from './error-sketch.ts';
import { type MeasureKind, type MeasureTile, openMeasure } from './measure-tiles.ts';
import type { TileRange } from './plan.ts';
import type { TerrainMaker, TerrainSpec } from './terrain-maker.ts';

/** One tile, handed back. */
export interface TileJob {
  readonly kind: 'tile';
  readonly id: TileId;
}

/** Many tiles, written to a folder. */
export interface ShardJob {
  readonly kind: 'shard';
  readonly ranges: readonly TileRange[];
  readonly folder: string;
  /** Which samples of the sources the tiles are held against; none without it. */
  readonly measure?: MeasureKind | undefined;
}

/** What coarse tiles are read from, made before the first of them. */
export interface PrepareJob {
  readonly kind: 'prepare';
}

export type Job = TileJob | ShardJob | PrepareJob;

export interface LevelReport {
  readonly z: number;
  readonly tiles: number;
  /** After gzip. */
  readonly bytes: number;
  readonly triangles: number;
  /** Greatest over the tiles, metres, against the tiles' own posts. */
  readonly maxError: number;
  /** The same against all full-resolution samples, as an upper bound; null where a tile's is not known. */
  readonly maxSampleError: number | null;
  /** Errors against samples of the sources, where tiles were measured. */
  readonly errors?: ErrorSketch | undefined;
}

export interface JobReport {
  readonly levels: readonly LevelReport[];
  /** The gzipped tile of a TileJob. */
  readonly tile?: Uint8Array | undefined;
}

export interface JobOptions extends ReadOptions {
  /** Of a PrepareJob: blocks made so far, and of all. */
  readonly onPrepare?: ((done: number, total: number) => void) | undefined;
  /** Of a PrepareJob: told when another process is found to make the same, which is then waited for. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** Called with the number of tiles made since the last call. */
  readonly onTiles?: ((count: number) => void) | undefined;
}

/** Runs jobs of one layer; as many at a time as it is wide. */
export interface JobRunner {
  /** Jobs that make progress at the same time. */
  readonly width: number;
  run(job: Job, options?: JobOptions): Promise<JobReport>;
  close(): Promise<void>;
}

/** Whoever is told the spec only later gets everything else ready meanwhile. */
export type OpenRunner = (spec: TerrainSpec | Promise<TerrainSpec>, width: number) => Promise<JobRunner>;

const TILES_PER_CALL = 64;

/** Whether overviews are kept in files, which one makes for all, and not in the memory of each that reads them. */
export function keepsOverviews({ options, cacheFolder }: TerrainSpec): boolean {
  return options.prepare && cacheFolder !== undefined;
}

/**
 * The spec for threads: of sources of which something was prepared they must find the same version; and where tiles name
 * their descendants, not each of them has to plan.
 */
export function pinSpec({ spec, field, plan }: Pick<TerrainMaker, 'spec' | 'field' | 'plan'>): TerrainSpec {
  const pinned = keepsOverviews(spec) ? { ...spec, version: field.info.version } : spec;
  return spec.options.extensions.includes('metadata') ? { ...pinned, plan: plan() } : pinned;
}

export async function executeJob(
  maker: TerrainMaker,
  job: Job,
  { signal, onPrepare, onWait, onTiles }: JobOptions = {},
): Promise<JobReport> {
  signal?.throwIfAborted();
  switch (job.kind) {
    case 'prepare':
      await maker.prepare({ signal, onProgress: onPrepare, onWait });
      return { levels: [] };
    case 'tile': {
      const { bytes } = await maker.makeTile(job.id, { signal });
      return { levels: [], tile: gzipBytesSync(bytes) };
    }
    case 'shard':
      return executeShard(maker, job, { signal, onTiles });
  }
}

async function executeShard(
  maker: TerrainMaker,
  { ranges, folder, measure }: ShardJob,
  { signal, onTiles }: JobOptions,
): Promise<JobReport> {
  const levels = new Map<number, LevelReport>();
  const measureTile = measure && measureOf(maker, measure);
  let unsaid = 0;
  for (const { z, x0, x1, y0, y1 } of ranges) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        signal?.throwIfAborted();
        const made = await maker.makeTile({ z, x, y }, { signal });
        const packed = gzipBytesSync(made.bytes);
        writeTileFile(folder, maker.scheme, { z, x, y }, packed);
        const { triangles, maxError, maxSampleError: known } = made;
        const maxSampleError = Number.isNaN(known) ? null : known;
        const before = levels.get(z);
        const errors = before?.errors ?? (measure && newSketch());
        if (errors) await measureTile?.({ z, x, y }, made.bytes, errors, { signal });
        const one = { z, tiles: 1, bytes: packed.length, triangles, maxError, maxSampleError };
        levels.set(z, { ...addReports(before, one), errors });
        if (++unsaid === TILES_PER_CALL) {
          onTiles?.(unsaid);
          unsaid = 0;
        }
      }
    }
  }
  onTiles?.(unsaid);
  return { levels: [...levels.values()] };
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
