/** Work on a layer as plain JSON, the same in process, on a thread or on another machine. */
import type { TilesetJson } from '../catalog/tileset-json.ts';
import { gzipBytesSync } from '../encode/gzip.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { writeTileFile } from '../store/directory-writer.ts';
import { type LevelReport, openLevelReports, openTileCount } from './level-report.ts';
import type { MeasureKind } from './measure-tiles.ts';
import type { TileRange } from './plan.ts';
import { executeSubtrees, type SubtreesJob } from './subtree-job.ts';
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

export type Job = TileJob | ShardJob | SubtreesJob | PrepareJob;

export interface JobReport {
  readonly levels: readonly LevelReport[];
  /** What a SubtreesJob that was asked for it says of the whole. */
  readonly tileset?: TilesetJson | undefined;
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
    case 'subtrees':
      return executeSubtrees(maker, job, { signal, onTiles });
  }
}

async function executeShard(
  maker: TerrainMaker,
  { ranges, folder, measure }: ShardJob,
  { signal, onTiles }: JobOptions,
): Promise<JobReport> {
  const reports = openLevelReports(maker, measure);
  const count = openTileCount(onTiles);
  for (const { z, x0, x1, y0, y1 } of ranges) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        signal?.throwIfAborted();
        const made = await maker.makeTile({ z, x, y }, { signal });
        const packed = gzipBytesSync(made.bytes);
        writeTileFile(folder, maker.scheme, { z, x, y }, packed);
        await reports.add({ z, x, y }, made, packed.length, { signal });
        count.add();
      }
    }
  }
  count.end();
  return { levels: reports.all() };
}
