/** Files named by the user as rasters, one for each grid of samples that they lie on. */
import { RelievoError } from '../error.ts';
import type { PreparableSource } from './decimate.ts';
import { withOverviews } from './decimate.ts';
import type { OpenerOptions, Understanding } from './open-file.ts';
import { openFiles } from './open-file.ts';
import type { RasterSource } from './raster-source.ts';
import { joinSheets } from './sheets.ts';

export interface OpenOptions extends OpenerOptions, Understanding {
  /** Samples beyond which sources without overviews are refused; default 2^28. */
  readonly maxSamples?: number | undefined;
}

/**
 * Opens the files as one source for each grid of samples that they lie on, in the order of the first file of each; where
 * sources overlap the earlier one goes before. Refuses with a sentence each: missing, a folder, empty, broken, of no known
 * kind.
 */
export async function openSources(
  paths: readonly string[],
  options: Omit<OpenOptions, 'maxSamples'> = {},
): Promise<readonly RasterSource[]> {
  if (paths.length === 0)
    throw new RelievoError('usage', 'Name at least one elevation file, such as a GeoTIFF or N20W157.hgt.zip.');
  const { crsGrids, cacheBytes, hash, signal, ...how } = options;
  const files = await openFiles(paths.length, { crsGrids, cacheBytes, hash, signal });
  const opened: RasterSource[] = [];
  try {
    for (const name of paths) opened.push(await files.open(name, how));
    return [await joinSheets(opened)];
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    throw error;
  }
}

/** The same for files of one grid, with coarser levels computed in memory; refuses with `input-unsupported` others. */
export async function openSource(paths: readonly string[], options: OpenOptions = {}): Promise<PreparableSource> {
  const { maxSamples, ...rest } = options;
  const [source] = await openSources(paths, rest);
  if (source === undefined) throw new RangeError('files give at least one source');
  return withOverviews(source, { maxSamples });
}
