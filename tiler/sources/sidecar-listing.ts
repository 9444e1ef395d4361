/** Which files of a folder may be sidecars of rasters there: listed once for as long as the folder does not change. */
import { readdir } from 'node:fs/promises';
import { type FileStamp, isSettled, stampOf } from './file-stamp.ts';

/** Names as they are in the folder and in its order, by what is left of them in lower case without the ending. */
export type SidecarListing = ReadonlyMap<string, readonly string[]>;

/** World files, systems of coordinates, overviews, headers. */
const SIDECAR = /\.([^.]*w|prj|ovr|hdr|wld)$/i;
/** Folders whose listing is kept. */
const KEPT = 64;

interface Kept {
  readonly stamp: FileStamp;
  readonly lookedMs: number;
  readonly listing: Promise<SidecarListing>;
}

const listings = new Map<string, Kept>();

/** Empty for a folder that cannot be listed. */
export function listSidecars(folder: string): Promise<SidecarListing> {
  const stamp = stampOf(folder, 'folder');
  const kept = listings.get(folder);
  if (kept !== undefined && kept.stamp === stamp && isSettled(stamp, kept.lookedMs)) return kept.listing;
  const lookedMs = Date.now();
  const listing = readdir(folder).then(sidecarsAmong, () => new Map());
  listings.delete(folder);
  if (stamp === undefined) return listing;
  const [oldest] = listings.keys();
  if (listings.size >= KEPT && oldest !== undefined) listings.delete(oldest);
  listings.set(folder, { stamp, lookedMs, listing });
  return listing;
}

function sidecarsAmong(names: readonly string[]): SidecarListing {
  const found = new Map<string, string[]>();
  for (const name of names) {
    if (!SIDECAR.test(name)) continue;
    const stem = name.slice(0, name.lastIndexOf('.')).toLowerCase();
    const alike = found.get(stem);
    if (alike === undefined) found.set(stem, [name]);
    else alike.push(name);
  }
  return found;
}
