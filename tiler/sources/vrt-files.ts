/**
 * The files that VRTs are laid together from, for all VRTs of a terrain: how many are open at a time, and in which state each
 * was when it was first looked at, so that heights of before and after a change are not mixed.
 */
import { hashFile } from './byte-file.ts';
import { changedFile, type FileStamp, isSameContent, stampOf } from './file-stamp.ts';
import { isRemoteName } from './source-name.ts';
import { SourcePool } from './source-pool.ts';
import { hashTileFolder, looksLikeTileTree } from './tiles-in-folder.ts';

export class VrtFiles {
  readonly #maxOpenFiles: number | undefined;
  readonly #pools = new Map<number, SourcePool>();
  /** By path or address: the stamp of a local file, the hash of anything else. */
  readonly #seen = new Map<string, FileStamp | string>();

  /** `maxOpenFiles`: of VRTs in the same depth of others, all together; default 128. */
  constructor(maxOpenFiles?: number) {
    this.#maxOpenFiles = maxOpenFiles;
  }

  /** For the files of a VRT that itself lies in `depth` others. A pool for each depth: none waits for itself. */
  poolAt(depth: number): SourcePool {
    const pool = this.#pools.get(depth) ?? new SourcePool(this.#maxOpenFiles);
    this.#pools.set(depth, pool);
    return pool;
  }

  /** Remembers a local file as it is now, unless it is known already; what else there may be is left for `keep`. */
  lookAt(path: string): void {
    if (isRemoteName(path) || this.#seen.has(path)) return;
    const stamp = stampOf(path);
    if (stamp !== undefined) this.#seen.set(path, stamp);
  }

  /** Remembers a file, an address or a folder as it is now, unless it is known already. */
  async keep(path: string, signal?: AbortSignal): Promise<void> {
    if (this.#seen.has(path)) return;
    const now = await stateOf(path, signal);
    if (now !== undefined && !this.#seen.has(path)) this.#seen.set(path, now);
  }

  /** Refuses with `input-invalid` what is no longer as it was; remembers what was not known. */
  async check(path: string): Promise<void> {
    const before = this.#seen.get(path);
    if (before === undefined) return this.keep(path);
    const now = await stateOf(path);
    if (now === undefined || now === before) return;
    if (isRemoteName(path) || !isSameContent(before, now)) throw changedFile(path);
  }
}

/** Undefined for what is not there. At an address: what the server says of the content. */
async function stateOf(path: string, signal?: AbortSignal): Promise<FileStamp | string | undefined> {
  if (isRemoteName(path)) return hashFile(path, signal);
  return stampOf(path) ?? ((await looksLikeTileTree(path)) ? hashTileFolder(path, signal) : undefined);
}
