/** Makes all tiles of a layer in advance: plan, shards, threads, and a folder that appears when it is whole. */
import { basename, resolve } from 'node:path';
import type { LayerJson } from '../catalog/layer-json.ts';
import type { QualityJson } from '../catalog/quality-json.ts';
import type { TilesetJson } from '../catalog/tileset-json.ts';
import { openDirectoryWriter } from '../store/directory-writer.ts';
import { openTilesetWriter } from '../store/tileset-writer.ts';
import { type Job, keepsOverviews, type OpenRunner, pinSpec, type ShardJob } from './job.ts';
import { addReports, type LevelReport } from './level-report.ts';
import type { MeasureKind } from './measure-tiles.ts';
import type { LabelOptions } from './options.ts';
import { countTiles, rangesUnder, type TilePlan } from './plan.ts';
import { beginQuality, GLB_FORM, writeQuality } from './quality.ts';
import { cutSubtrees, describeTiles3d, labelTileset, type Tiles3dSpec } from './subtree-job.ts';
import { openTerrainMaker, type TerrainMaker, type TerrainSpec } from './terrain-maker.ts';

export interface BuildOptions {
  readonly out: string;
  /** Shards made at the same time. */
  readonly threads: number;
  readonly openRunner: OpenRunner;
  readonly labels?: LabelOptions | undefined;
  /** What 3D Tiles to make of the terrain; quantized-mesh without it. */
  readonly tiles3d?: Omit<Tiles3dSpec, 'document'> | undefined;
  /** Which samples of the sources the tiles are held against for quality.json; by default chosen ones. */
  readonly measure?: MeasureKind | 'none' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onPlan?: ((plan: BuildPlan) => void) | undefined;
  /** Blocks of overviews made so far, and of all; never called where nothing has to be made. */
  readonly onPrepare?: ((done: number, total: number) => void) | undefined;
  /** Told when another process is found to prepare the same, which is then waited for. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** Of many files: those looked at so far, and all. */
  readonly onScan?: ((done: number, total: number) => void) | undefined;
  readonly onTiles?: ((done: number, total: number) => void) | undefined;
}

export interface BuildPlan {
  readonly document: LayerJson;
  readonly nativeLevel: number;
  readonly tilesByLevel: readonly number[];
}

export interface BuildReport {
  readonly document: LayerJson;
  readonly quality: QualityJson;
  readonly levels: readonly Omit<LevelReport, 'errors'>[];
}

/** Jobs for each thread: enough that the last ones to finish leave nobody idle for long. */
const JOBS_PER_THREAD = 16;

export async function buildTileset(
  spec: TerrainSpec,
  {
    out,
    threads,
    openRunner,
    labels,
    tiles3d,
    measure: asked = 'sample',
    signal,
    onPlan,
    onPrepare,
    onWait,
    onScan,
    onTiles,
  }: BuildOptions,
): Promise<BuildReport> {
  const writer = await (tiles3d ? openTilesetWriter(out) : openDirectoryWriter(out));
  const measure = asked === 'none' ? undefined : asked;
  try {
    const maker = await openTerrainMaker(spec, { signal, onScan });
    const { plan, document, head, total } = await planAndPrepare(maker).finally(() => maker.close());
    let done = 0;
    const cut = tiles3d ? cutSubtrees : cutShards;
    const { levels, tileset } = await runJobs(
      cut(plan, threads * JOBS_PER_THREAD, { folder: writer.folder, measure }),
      {
        spec: { ...pinSpec(maker), ...(tiles3d && { tiles3d: { ...tiles3d, document } }) },
        threads,
        openRunner,
        signal,
        onTiles: (count) => {
          done += count;
          onTiles?.(done, total);
        },
      },
    );
    const quality = writeQuality(head, document, levels, tiles3d && GLB_FORM);
    await writer.finish(tiles3d ? labelTileset(tileset, tiles3d) : document, quality, { signal });
    return { document, quality, levels: levels.map(({ errors: _, ...level }) => level) };
  } catch (error) {
    await writer.abort();
    throw error;
  }

  async function planAndPrepare(maker: TerrainMaker) {
    const plan = maker.plan();
    const terrain = maker.document(basename(resolve(out)).replace(/\.(3tz|3dtiles\.zip)$/i, ''), labels);
    const document = tiles3d ? await describeTiles3d(terrain, tiles3d, { signal }) : terrain;
    const tilesByLevel = plan.map(countTiles);
    onPlan?.({ document, nativeLevel: maker.nativeLevel, tilesByLevel });
    // Once, before there are threads: each of them would do it for itself.
    if (keepsOverviews(spec)) await maker.prepare({ signal, onProgress: onPrepare, onWait });
    return {
      plan,
      document,
      head: beginQuality(maker.field, measure),
      total: tilesByLevel.reduce((sum, count) => sum + count, 0),
    };
  }
}

/**
 * The coarse levels as one job, first because it reads everything, and then one for each planned tile of the level that
 * gives about `wanted` of them, with all that is planned under it.
 */
export function cutShards(plan: TilePlan, wanted: number, more: Pick<ShardJob, 'folder' | 'measure'>): ShardJob[] {
  let level = plan.findIndex((ranges) => countTiles(ranges) >= wanted);
  if (level < 0) level = plan.length;
  const shards: ShardJob[] = [{ kind: 'shard', ...more, ranges: plan.slice(0, level).flat() }];
  for (const range of plan[level] ?? []) {
    for (let y = range.y0; y <= range.y1; y++) {
      for (let x = range.x0; x <= range.x1; x++) {
        const ranges = plan.slice(level).flatMap((deeper) => rangesUnder(deeper, { z: level, x, y }));
        shards.push({ kind: 'shard', ...more, ranges });
      }
    }
  }
  return shards.filter((shard) => shard.ranges.length > 0);
}

interface RunOptions extends Pick<BuildOptions, 'threads' | 'openRunner' | 'signal'> {
  readonly spec: TerrainSpec;
  readonly onTiles: (count: number) => void;
}

async function runJobs(
  jobs: readonly Job[],
  { spec, threads, openRunner, signal, onTiles }: RunOptions,
): Promise<{ readonly levels: readonly LevelReport[]; readonly tileset: TilesetJson | undefined }> {
  const runner = await openRunner(spec, Math.min(threads, jobs.length));
  const levels = new Map<number, LevelReport>();
  let tileset: TilesetJson | undefined;
  const queue = jobs[Symbol.iterator]();
  const failure = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  const lane = async () => {
    for (const job of queue) {
      const report = await runner.run(job, { signal: stop, onTiles });
      tileset ??= report.tileset;
      for (const level of report.levels) levels.set(level.z, addReports(levels.get(level.z), level));
    }
  };
  try {
    const lanes = Array.from({ length: runner.width }, () =>
      lane().catch((error) => {
        failure.abort(error);
        throw error;
      }),
    );
    const ends = await Promise.allSettled(lanes);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failure.signal.reason ?? failed.reason;
  } finally {
    await runner.close();
  }
  return { levels: [...levels.values()].sort((a, b) => a.z - b.z), tileset };
}
