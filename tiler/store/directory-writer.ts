/**
 * Writes a tileset to a folder so that nothing is visible before it is whole. Tiles are collected in a folder inside the
 * target (so a mounted folder works and no rights on its parent are needed) and moved into place at the end, the
 * document last: a client that finds `layer.json` finds every tile. An older tileset of ours stays until then.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RelievoError } from '../error.ts';
import { flipRow, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import { makeFolders } from '../make-folders.ts';
import { QUANTIZED_MESH_PARTS, STAGING, takeStaging } from './staging.ts';

export interface DirectoryWriter {
  /** Where tiles go meanwhile: threads write there by `writeTileFile`. */
  readonly folder: string;
  /** Puts tiles and documents in place of what was there. */
  finish(document: object, quality?: object): Promise<void>;
  /** Removes what was collected; an older tileset stays as it was. */
  abort(): Promise<void>;
}

/**
 * Fails when the folder holds anything but a tileset of ours (nothing of it is touched), when it cannot be written, or
 * when another build is at work there.
 */
export async function openDirectoryWriter(out: string): Promise<DirectoryWriter> {
  const existed = existsSync(out);
  refuseForeign(out);
  const staging = await (async () => {
    await makeFolders(out);
    return takeStaging(out);
  })().catch((error) => {
    throw error instanceof RelievoError ? error : unwritable(out, error);
  });
  return { folder: staging.collected, finish, abort };

  async function finish(document: object, quality?: object): Promise<void> {
    try {
      await staging.exchange(textOf(document), quality && textOf(quality));
    } catch (error) {
      throw unwritable(out, error);
    }
  }

  async function abort(): Promise<void> {
    await staging.remove();
    if (!existed) await rm(out, { recursive: true, force: true });
  }
}

export function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Writes one gzipped tile; a row of the file's address counts from the south. Synchronous: threads have nothing else to do. */
export function writeTileFile(folder: string, scheme: TilingScheme, { z, x, y }: TileId, bytes: Uint8Array): void {
  const path = join(folder, String(z), String(x), `${flipRow(scheme, z, y)}.terrain`);
  try {
    writeMakingFolders(path, bytes);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Most tiles find their folder made: it costs less to be told of those that do not than to ask each time. */
export function writeMakingFolders(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

function refuseForeign(out: string): void {
  let entries: string[];
  try {
    entries = existsSync(out) ? readdirSync(out) : [];
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOTDIR'
      ? new RelievoError('output-refused', 'The output is a file; --out needs a folder', { where: out })
      : unwritable(out, error);
  }
  const others = entries.filter((name) => name !== STAGING);
  if (others.length === 0) return;
  if (isOurs(out) && others.every((name) => QUANTIZED_MESH_PARTS.isPart(name) || name === 'layer.json')) return;
  throw new RelievoError(
    'output-refused',
    `The folder holds something that is no tileset of Relievo (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', ...' : ''}): name an empty or a new folder with --out`,
    { where: out },
  );
}

function isOurs(out: string): boolean {
  try {
    return JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8')).relievo !== undefined;
  } catch {
    // No document, or one that is no JSON: then it is not ours, and the caller refuses it.
    return false;
  }
}

export function unwritable(path: string, error: unknown): RelievoError {
  const { code } = error as NodeJS.ErrnoException;
  const reason =
    code === 'ENOSPC'
      ? 'the disk is full: free some space or name another folder'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'permission is missing: choose a folder that you may write to'
        : code === 'ENOTDIR' || code === 'EEXIST'
          ? 'a part of the path is a file: choose another folder'
          : code === 'ENOENT'
            ? 'no folder can be made there: choose another one'
            : (error as Error).message;
  return new RelievoError('output-unwritable', `Cannot write: ${reason}`, { where: path, cause: error });
}
