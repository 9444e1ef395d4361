/** What a user's list of sources stands for: files, globs, folders and mosaic files as members in order of priority. */
import { resolve } from 'node:path';
import { RelievoError } from '../error.ts';
import { expandName } from './expand-names.ts';
import type { FoundSheets } from './many-sheets.ts';
import { isMosaicName, readMosaicFile } from './mosaic-file.ts';
import type { Understanding } from './open-file.ts';
import { isRemoteName } from './source-name.ts';
import { isTileIndexName, readTileIndex } from './tile-index.ts';

/** Degrees, WGS84; GeoJSON's nesting: polygons, each with an outer ring and holes. */
export type LonLatPolygons = readonly (readonly (readonly (readonly [lon: number, lat: number])[])[])[];

/** Files of equal standing, understood alike. Where they overlap the first given wins. */
export interface MosaicMember {
  /** For people. */
  readonly name: string;
  /** What the user calls it; default what its files are called. */
  readonly title?: string | undefined;
  /** The mosaic file or the tile index that names it. */
  readonly namedIn?: string | undefined;
  /** Absolute paths and addresses of rasters; empty for the base. */
  readonly paths: readonly string[];
  /** What another thread of this process has found out about them: shared memory, and no JSON. */
  readonly found?: FoundSheets | undefined;
  readonly how: Understanding;
  /** The coarse relief of the world that comes with Relievo stands here, instead of files. */
  readonly base?: true | undefined;
  /** Data outside of these are void. */
  readonly clip?: LonLatPolygons | undefined;
  /** Over how far the join to what lies below is spread, in metres; by default chosen from the spacings. */
  readonly featherMetres?: number | undefined;
}

export interface MosaicOptions {
  /** What holds for members that say nothing else. */
  readonly how?: Understanding | undefined;
  /** Folders and beginnings of addresses that VRTs and tile indexes may refer to, beside their own folder. */
  readonly allow?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

const NAMES_SHOWN = 4;

/**
 * The members, the one that goes before all others first. Files, globs and folders that stand together are one member; a
 * tile index is one, and a mosaic file has its own. Refuses with a sentence: nothing found, broken, leading elsewhere.
 */
export async function readMosaic(
  names: readonly string[],
  { how = {}, allow = [], signal }: MosaicOptions = {},
): Promise<readonly MosaicMember[]> {
  if (names.length === 0) {
    throw new RelievoError('usage', 'Name at least one elevation file, such as a GeoTIFF or N20W157.hgt.zip.');
  }
  const members: MosaicMember[] = [];
  let together: { names: string[]; paths: string[] } | undefined;
  for (const name of names) {
    signal?.throwIfAborted();
    const path = resolve(name);
    if (!isRemoteName(name) && isMosaicName(name)) {
      together = undefined;
      members.push(...(await membersOf(path, { how, allow, signal })));
    } else if (!isRemoteName(name) && isTileIndexName(name)) {
      together = undefined;
      members.push({ name, paths: await readTileIndex(path, allow, signal), how, namedIn: path });
    } else {
      const paths = await expandName(name, process.cwd(), signal);
      if (together === undefined) {
        together = { names: [], paths: [] };
        members.push({ ...together, name: '', how });
      }
      together.names.push(name);
      // One by one: a hundred thousand are too many for the arguments of one call.
      for (const one of paths) together.paths.push(one);
      members.splice(-1, 1, { name: nameOf(together.names), paths: together.paths, how });
    }
  }
  return members;
}

async function membersOf(path: string, { how, allow = [], signal }: MosaicOptions): Promise<MosaicMember[]> {
  const { folder, entries } = await readMosaicFile(path);
  const members: MosaicMember[] = [];
  for (const { names, base, how: own, ...rest } of entries) {
    if (base) {
      members.push({ ...rest, namedIn: path, paths: [], how: {}, base: true });
      continue;
    }
    const paths: string[] = [];
    for (const name of names) {
      const isIndex = !isRemoteName(name) && isTileIndexName(name);
      const found = isIndex
        ? await readTileIndex(resolve(folder, name), allow, signal)
        : await expandName(name, folder, signal);
      for (const one of found) paths.push(one);
    }
    members.push({ ...rest, namedIn: path, paths, how: { ...how, ...own } });
  }
  return members;
}

function nameOf(names: readonly string[]): string {
  if (names.length <= NAMES_SHOWN) return names.join(', ');
  return `${names.slice(0, NAMES_SHOWN).join(', ')} and ${names.length - NAMES_SHOWN} more`;
}
