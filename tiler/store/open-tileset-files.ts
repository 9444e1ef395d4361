/** Opens a built 3D Tiles tileset, ours or another tool's: a folder with a `tileset.json`, or a 3D Tiles archive. */
import { existsSync, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RelievoError } from '../error.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { isRemoteName } from '../sources/source-name.ts';
import { isArchive3tzName, openArchive3tz } from './archive-3tz-reader.ts';
import { isInside, quietly, readInside, resolveFolder } from './directory-reader.ts';
import { TILESET_DOCUMENT, type TilesetFiles } from './tileset-files.ts';

/** Whether a path or address names a tileset: by the archive's extension, or by the document, that of a folder or itself. */
export function isTileset3d(name: string): boolean {
  return isArchive3tzName(name) || (!isRemoteName(name) && existsSync(join(tilesetPlace(name), TILESET_DOCUMENT)));
}

/** The folder of a `tileset.json` that is named itself; every other place as it is. */
export function tilesetPlace(name: string): string {
  return basename(name) === TILESET_DOCUMENT && !isDirectory(name) ? dirname(name) : name;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Throws `input-missing` when nothing is there or it has no `tileset.json`, `input-invalid` for a broken archive. */
export async function openTilesetFiles(place: string, options: ReadOptions = {}): Promise<TilesetFiles> {
  const files = isArchive3tzName(place)
    ? await openArchive3tz(place, options)
    : await openTilesetFolder(tilesetPlace(place));
  try {
    if (await files.find(TILESET_DOCUMENT, options)) return files;
  } catch (error) {
    await files.close();
    throw error;
  }
  await files.close();
  throw new RelievoError('input-missing', `expected a tileset.json in ${place}, but there is none`, { where: place });
}

/** Links that lead out of the folder lead nowhere. */
async function openTilesetFolder(folder: string): Promise<TilesetFiles> {
  const root = await resolveFolder(folder);
  return {
    kind: 'folder',
    place: root,
    async find(path) {
      const real = await quietly(realpath(join(root, path)), path);
      if (real === undefined || !isInside(root, real)) return undefined;
      const found = await quietly(stat(real), path);
      if (!found?.isFile()) return undefined;
      return {
        stamp: `${found.size}@${found.mtimeMs}`,
        bytes: found.size,
        async read(options = {}) {
          const bytes = await readInside(root, real, options);
          if (bytes) return bytes;
          throw new RelievoError('not-found', 'the file is there no more', { where: path });
        },
      };
    },
    async close() {},
  };
}
