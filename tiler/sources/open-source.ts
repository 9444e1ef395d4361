/** Files named by the user as rasters, one for each grid of samples that they lie on. */
import { RelievoError } from '../error.ts';
import type { PreparableSource } from './decimate.ts';
import { withOverviews } from './decimate.ts';
import { openFileMemo } from './file-memo.ts';
import { type FoundSheets, type GroupSheets, openMany } from './many-sheets.ts';
import type { OpenerOptions, Understanding } from './open-file.ts';
import { openFiles } from './open-file.ts';
import type { RasterSource } from './raster-source.ts';
import { groupSheets } from './sheet-grid.ts';
import { listOf } from './sheet-list.ts';
import { joinSheets } from './sheets.ts';
import { SourcePool } from './source-pool.ts';
import { VrtFiles } from './vrt-files.ts';

export interface SourcesOptions extends Omit<OpenerOptions, 'memo'>, Understanding {
  /** Absolute; what is found out about files (hashes, headers) is kept there for the next start. */
  readonly cacheFolder?: string | undefined;
  /** What bounds the files open at once, where several calls share a bound; default 128 for this call. */
  readonly pool?: SourcePool | undefined;
  /** Of many files: those looked at so far, and all. */
  readonly onScan?: ((done: number, total: number) => void) | undefined;
  /** Of many files, what another thread has found out about them, as `onFound` heard it there. */
  readonly found?: FoundSheets | undefined;
  readonly onFound?: ((found: FoundSheets) => void) | undefined;
}

export interface OpenOptions extends SourcesOptions {
  /** Samples beyond which sources without overviews are refused; default 2^28. */
  readonly maxSamples?: number | undefined;
}

/** Files up to this many are held open; of more, those that are read. */
const FEW = 32;

/**
 * Opens the files as one source for each grid of samples that they lie on, in the order of the first file of each; where
 * sources overlap the earlier one goes before. Refuses with a sentence each: missing, a folder, empty, broken, of no known
 * kind.
 */
export async function openSources(
  paths: readonly string[],
  options: SourcesOptions = {},
): Promise<readonly RasterSource[]> {
  return openGrouped(paths, options, groupSheets);
}

/** The same for files of one grid, with coarser levels computed in memory; refuses with `input-unsupported` others. */
export async function openSource(paths: readonly string[], options: OpenOptions = {}): Promise<PreparableSource> {
  const { maxSamples, ...rest } = options;
  const [source] = await openGrouped(paths, rest, ({ length }) => [Array.from({ length }, (_, i) => i)]);
  if (source === undefined) throw new RangeError('files give at least one source');
  return withOverviews(source, { maxSamples });
}

async function openGrouped(
  paths: readonly string[],
  options: SourcesOptions,
  group: GroupSheets,
): Promise<readonly RasterSource[]> {
  if (paths.length === 0)
    throw new RelievoError('usage', 'Name at least one elevation file, such as a GeoTIFF or N20W157.hgt.zip.');
  const { maxOpenFiles, pool = new SourcePool(maxOpenFiles), vrtFiles = new VrtFiles(maxOpenFiles) } = options;
  const { crsGrids, cacheBytes, hash, cacheFolder, onScan, found, onFound, allow, signal, ...rest } = options;
  const { pool: _, maxOpenFiles: __, vrtFiles: ___, ...how } = rest;
  const opening = { crsGrids, cacheBytes, hash, allow, vrtFiles, signal, cacheFolder, how };
  if (paths.length > FEW || !pool.hold(paths.length)) {
    return openMany(paths, { ...opening, group, pool, onScan, found, onFound });
  }
  const opened = await openHeld(paths, opening, pool);
  try {
    const groups = group(listOf(opened.map(({ info }) => info)));
    return await Promise.all(groups.map((members) => joinSheets(members.flatMap((i) => opened[i] ?? []))));
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    throw error;
  }
}

interface HeldOptions extends Omit<OpenerOptions, 'memo'> {
  readonly cacheFolder: string | undefined;
  readonly how: Understanding;
}

/** All open until they are closed; each has a place in the pool already. */
async function openHeld(
  paths: readonly string[],
  { cacheFolder, how, ...options }: HeldOptions,
  pool: SourcePool,
): Promise<readonly RasterSource[]> {
  const memo = cacheFolder === undefined ? undefined : openFileMemo(cacheFolder);
  const opened: RasterSource[] = [];
  try {
    const files = await openFiles(paths.length, { ...options, memo });
    for (const name of paths) opened.push(await files.open(name, how));
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    pool.release(paths.length);
    throw error;
  }
  return opened.map((source) => {
    let closing: Promise<void> | undefined;
    return {
      ...source,
      close() {
        closing ??= source.close().finally(() => pool.release(1));
        return closing;
      },
    };
  });
}
