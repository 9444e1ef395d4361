/**
 * Writes a 3D Tiles tileset to a folder or to a 3D Tiles archive so that nothing is visible before it is whole: its files are
 * collected in a staging folder, inside the target folder or beside the archive. An older tileset of ours stays until then.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RelievoError } from '../error.ts';
import { makeFolders } from '../make-folders.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { isArchive3tzName, openArchive3tz } from './archive-3tz-reader.ts';
import { openArchive3tzWriter } from './archive-3tz-writer.ts';
import { textOf, unwritable, writeMakingFolders } from './directory-writer.ts';
import { STAGING, type Staging, type TilesetParts, takeStaging } from './staging.ts';
import { TILESET_DOCUMENT } from './tileset-files.ts';

export interface TilesetWriter {
  /** Where files go meanwhile: threads write there by `writeTilesetFile`. */
  readonly folder: string;
  /** Puts files and documents in place of what was there. */
  finish(tileset: object, quality?: object, options?: ReadOptions): Promise<void>;
  /** Removes what was collected; an older tileset stays as it was. */
  abort(): Promise<void>;
}

export const TILESET_3D_PARTS: TilesetParts = {
  document: TILESET_DOCUMENT,
  isPart: (name) => /^(west|east|tiles|quality\.json)$/.test(name),
};

/**
 * To an archive where `out` ends in .3tz or .3dtiles.zip, else to a folder. Fails when something is there that is no
 * tileset of ours, when it cannot be written, or when another build is at work there.
 */
export async function openTilesetWriter(out: string): Promise<TilesetWriter> {
  const isArchive = isArchive3tzName(out);
  const existed = existsSync(out);
  await (isArchive ? refuseForeignFile(out) : refuseForeignFolder(out));
  const staging = await takePlace(out, isArchive).catch((error) => {
    throw error instanceof RelievoError ? error : unwritable(out, error);
  });
  return {
    folder: staging.collected,
    async finish(tileset, quality, options = {}) {
      const texts = [textOf(tileset), quality && textOf(quality)] as const;
      try {
        await (isArchive ? packStaging(staging, out, texts, options) : staging.exchange(...texts));
      } catch (error) {
        options.signal?.throwIfAborted();
        throw error instanceof RelievoError ? error : unwritable(out, error);
      }
    },
    async abort() {
      await staging.remove();
      if (!existed && !isArchive) await rm(out, { recursive: true, force: true });
    },
  };
}

/** Synchronous: threads have nothing else to do. `path` is relative to tileset.json, with forward slashes. */
export function writeTilesetFile(folder: string, path: string, bytes: Uint8Array): void {
  try {
    writeMakingFolders(join(folder, path), bytes);
  } catch (error) {
    throw unwritable(path, error);
  }
}

async function takePlace(out: string, isArchive: boolean): Promise<Staging> {
  await makeFolders(isArchive ? dirname(out) : out);
  return takeStaging(out, TILESET_3D_PARTS, isArchive ? stagingBeside(out) : undefined);
}

function stagingBeside(archive: string): string {
  return join(dirname(archive), `${STAGING}-${basename(archive)}`);
}

/** The documents first, then the files by path: the same files give the same archive. */
async function packStaging(
  staging: Staging,
  out: string,
  [tileset, quality]: readonly [string, string | undefined],
  { signal }: ReadOptions,
): Promise<void> {
  const packed = join(staging.collected, '..', 'packed');
  const writer = await openArchive3tzWriter(packed);
  try {
    await writer.add(TILESET_DOCUMENT, Buffer.from(tileset));
    if (quality !== undefined) await writer.add('quality.json', Buffer.from(quality));
    for (const path of filesBelow(staging.collected)) {
      signal?.throwIfAborted();
      await writer.add(path, await readFile(join(staging.collected, path)));
    }
    await writer.finish();
  } finally {
    await writer.close();
  }
  await rename(packed, out);
  await staging.remove();
}

/** Paths with forward slashes, in an order that no file system decides; a folder's names are held at a time. */
function* filesBelow(folder: string, prefix = ''): Generator<string> {
  const entries = readdirSync(join(folder, prefix), { withFileTypes: true });
  const names = entries.map((entry) => `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  for (const name of names.sort(byLength)) {
    if (name.endsWith('/')) yield* filesBelow(folder, name);
    else yield name;
  }
}

/** Numbers of fewer digits come first. */
function byLength(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

async function refuseForeignFile(out: string): Promise<void> {
  const found = statSync(out, { throwIfNoEntry: false });
  if (found === undefined) return;
  const ours = found.isFile() && (await holdsOurs(out).catch(() => false));
  if (ours) return;
  throw new RelievoError(
    'output-refused',
    found.isFile()
      ? 'There is a file that is no 3D Tiles archive of Relievo: name another one with --out, or remove it'
      : 'There is a folder of that name, and --out names an archive: name another file',
    { where: out },
  );
}

async function holdsOurs(archive: string): Promise<boolean> {
  const files = await openArchive3tz(archive);
  try {
    const bytes = await (await files.find(TILESET_DOCUMENT))?.read();
    return bytes !== undefined && isOurTileset(JSON.parse(Buffer.from(bytes).toString()));
  } finally {
    await files.close();
  }
}

function refuseForeignFolder(out: string): void {
  let entries: string[];
  try {
    entries = existsSync(out) ? readdirSync(out) : [];
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOTDIR'
      ? new RelievoError('output-refused', 'The output is a file; --out needs a folder, or an archive x.3tz', {
          where: out,
        })
      : unwritable(out, error);
  }
  const others = entries.filter((name) => name !== STAGING);
  if (others.length === 0) return;
  const isOurs = (name: string) => name === TILESET_DOCUMENT || TILESET_3D_PARTS.isPart(name);
  if (others.every(isOurs) && isOurFolder(out)) return;
  throw new RelievoError(
    'output-refused',
    `The folder holds something that is no 3D Tiles tileset of Relievo (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', ...' : ''}): name an empty or a new folder with --out`,
    { where: out },
  );
}

function isOurFolder(out: string): boolean {
  try {
    return isOurTileset(JSON.parse(readFileSync(join(out, TILESET_DOCUMENT), 'utf8')));
  } catch {
    // No document, or one that is no JSON: then it is not ours, and the caller refuses it.
    return false;
  }
}

/** Whether a tileset.json was written by Relievo. */
export function isOurTileset(document: unknown): boolean {
  const { asset } = document as { asset?: { extras?: { generator?: unknown } } };
  return /^relievo\b/i.test(String(asset?.extras?.generator ?? ''));
}
