/**
 * The files of a 3D Tiles set where they are: a folder, an http(s) address, or the memory of a test. Paths are relative to
 * the folder of the root tileset.json, with forward slashes; of an address they are whole addresses.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { openTilesetFiles } from '../store/open-tileset-files.ts';
import { TILESET_DOCUMENT } from '../store/tileset-files.ts';
import { fetchOnce } from './web-tiles.ts';

export interface JudgedFiles {
  /** As the user named it. */
  readonly place: string;
  readonly kind: 'folder' | 'url' | 'archive';
  /** Path of the root tileset.json. */
  readonly root: string;
  /** Undefined when there is no such file; fails when it cannot be told. Bytes that were packed are unpacked. */
  read(path: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Paths of all files; undefined where nobody can list them. */
  list(): Promise<readonly string[] | undefined>;
  close(): Promise<void>;
}

/** Whether a place, as the user names it, is taken for 3D Tiles: its tileset.json, a folder that holds one, a .3tz. */
export async function isTileset3d(place: string): Promise<boolean> {
  if (/^https?:\/\//i.test(place))
    return /\.(json|3tz)$/i.test(new URL(place).pathname) && !/\/layer\.json$/i.test(new URL(place).pathname);
  if (/\.3tz$/i.test(place) || /(^|[/\\])tileset\.json$/i.test(place)) return true;
  const holds = (name: string) =>
    stat(join(place, name))
      .then((found) => found.isFile())
      .catch(() => false);
  return (await holds('tileset.json')) && !(await holds('layer.json'));
}

export async function openJudgedFiles(place: string, signal?: AbortSignal): Promise<JudgedFiles> {
  if (/\.3tz$/i.test(place)) return openArchive(place, signal);
  if (/^https?:\/\//i.test(place)) return openWeb(place);
  const found = await stat(place).catch(() => undefined);
  if (found === undefined) {
    throw new RelievoError('input-missing', 'The tileset is not there; expected a folder with tileset.json.', {
      where: place,
    });
  }
  return found.isDirectory()
    ? openFolder(place, place, 'tileset.json')
    : openFolder(place, join(place, '..'), place.replace(/^.*[/\\]/, ''));
}

async function openArchive(place: string, signal?: AbortSignal): Promise<JudgedFiles> {
  const files = await openTilesetFiles(place, { signal });
  return {
    place,
    kind: 'archive',
    root: TILESET_DOCUMENT,
    read: async (path, stop) => (await files.find(path, { signal: stop }))?.read({ signal: stop }),
    list: async () => undefined,
    close: () => files.close(),
  };
}

function openFolder(place: string, folder: string, root: string): JudgedFiles {
  return {
    place,
    kind: 'folder',
    root,
    async read(path) {
      if (/^\.\.([/\\]|$)/.test(path)) return undefined;
      try {
        return unpacked(await readFile(join(folder, path)));
      } catch (error) {
        if (/^(ENOENT|ENOTDIR|EISDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        throw error;
      }
    },
    async list() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
    },
    close: async () => {},
  };
}

function openWeb(place: string): JudgedFiles {
  return {
    place,
    kind: 'url',
    root: place,
    async read(path, signal) {
      const { status, body } = await fetchOnce(new URL(path), {}, signal);
      if (status === 200) return body;
      if (status === 404 || status === 204) return undefined;
      if (path === place) throw new RelievoError('input-missing', `The server answered ${status}.`, { where: place });
      throw new RelievoError('input-invalid', `the server answered ${status}`);
    },
    list: async () => undefined,
    close: async () => {},
  };
}

export function filesInMemory(files: ReadonlyMap<string, Uint8Array>, root = 'tileset.json'): JudgedFiles {
  return {
    place: 'memory',
    kind: 'folder',
    root,
    read: async (path) => {
      const bytes = files.get(path);
      return bytes && unpacked(bytes);
    },
    list: async () => [...files.keys()],
    close: async () => {},
  };
}

/** Where a URI leads that stands in the file at `from`. What leaves the folder leads nowhere. */
export function resolvePath(from: string, uri: string): string {
  if (/^https?:/i.test(from)) return new URL(uri, from).href;
  const parts = [...from.split('/').slice(0, -1), ...decoded(uri.replace(/[?#].*$/, '')).split('/')];
  const path: string[] = [];
  for (const part of parts) {
    if (part === '..' && path.length > 0 && path.at(-1) !== '..') path.pop();
    else if (part !== '.' && part !== '') path.push(part);
  }
  return path.join('/');
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

/** Files may lie packed on a disk, for a server that says so. */
function unpacked(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}
