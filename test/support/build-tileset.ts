/** Builds a tileset for a test, by the same road as the command. */
import { join } from 'node:path';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { type TileOptions, tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import type { TerrainSpec } from '../../tiler/pyramid/terrain-maker.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { openThreads } from '../../tiler/run/threads.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What `buildForTest` builds: sources prepared in the tests' own cache folder. */
export function preparedSpecOf(sources: readonly string[], options: Partial<TileOptions> = {}): TerrainSpec {
  return { ...specOf(sources, options), cacheFolder: process.env.RELIEVO_CACHE };
}

/** Nothing is prepared in a folder. */
export function specOf(sources: readonly string[], options: Partial<TileOptions> = {}): TerrainSpec {
  return { sources, options: tileOptionsSchema.parse(options) };
}

export interface BuildForTest {
  readonly options?: Partial<TileOptions>;
  /** 0 builds in this process, without threads. */
  readonly threads?: number;
}

/** The tileset's folder, gone when the test has finished, and the build's own report. */
export async function buildForTest(sources: readonly string[], { options, threads = 0 }: BuildForTest = {}) {
  const out = join(temporaryFolder(), 'tileset');
  const report = await buildTileset(preparedSpecOf(sources, options), {
    out,
    threads: Math.max(1, threads),
    openRunner: threads === 0 ? openInProcessRunner : openThreads,
  });
  return { out, report };
}
