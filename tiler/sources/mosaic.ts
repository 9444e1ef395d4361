/** What a user's list of sources stands for: files, globs, folders and mosaic files as members in order of priority. */
import type { Understanding } from './open-file.ts';

/** Degrees, WGS84; GeoJSON's nesting: polygons, each with an outer ring and holes. */
export type LonLatPolygons = readonly (readonly (readonly (readonly [lon: number, lat: number])[])[])[];

/** Files of equal standing, understood alike. Where they overlap the first given wins. */
export interface MosaicMember {
  /** For people. */
  readonly name: string;
  /** Absolute paths and addresses of rasters. */
  readonly paths: readonly string[];
  readonly how: Understanding;
  /** Data outside of these are void. */
  readonly clip?: LonLatPolygons | undefined;
  /** Over how far the join to what lies below is spread, in metres; by default chosen from the spacings. */
  readonly featherMetres?: number | undefined;
}

export interface MosaicOptions {
  /** What holds for members that say nothing else. */
  readonly how?: Understanding | undefined;
  /** Folders and beginnings of addresses that mosaic files may refer to, beside their own folder. */
  readonly allow?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The members, the one that goes before all others first. */
export async function readMosaic(
  names: readonly string[],
  { how = {} }: MosaicOptions = {},
): Promise<readonly MosaicMember[]> {
  return [{ name: names.join(', '), paths: names, how }];
}
