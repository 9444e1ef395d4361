/**
 * The files of a 3D Tiles set where they are: a folder, an http(s) address, or the memory of a test. Paths are relative to
 * the folder of the root tileset.json, with forward slashes; of an address they are whole addresses.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { isSameHost } from '../sources/http-hop.ts';
import { isArchive3tzName } from '../store/archive-3tz-reader.ts';
import { readInside, resolveFolder } from '../store/directory-reader.ts';
import { openTilesetFiles } from '../store/open-tileset-files.ts';
import { MAX_FILE_BYTES, TILESET_DOCUMENT } from '../store/tileset-files.ts';
import { answeredBy, fetchOnce } from './web-tiles.ts';

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

/** Whether a place, as the user names it, is taken for 3D Tiles: its tileset.json, a folder that holds one, an archive. */
export async function isTileset3d(place: string): Promise<boolean> {
  if (isArchive3tzName(place)) return true;
  if (/^https?:\/\//i.test(place))
    return /\.json$/i.test(new URL(place).pathname) && !/\/layer\.json$/i.test(new URL(place).pathname);
  if (/(^|[/\\])tileset\.json$/i.test(place)) return true;
  const holds = (name: string) =>
    stat(join(place, name))
      .then((found) => found.isFile())
      .catch(() => false);
  return (await holds('tileset.json')) && !(await holds('layer.json'));
}

export async function openJudgedFiles(place: string, signal?: AbortSignal): Promise<JudgedFiles> {
  if (isArchive3tzName(place)) return openArchive(place, signal);
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
    read: async (path, stop) =>
      unpacked(path, await (await files.find(path, { signal: stop }))?.read({ signal: stop })),
    list: async () => undefined,
    close: () => files.close(),
  };
}

/** Links that lead out of the folder lead nowhere. */
async function openFolder(place: string, named: string, root: string): Promise<JudgedFiles> {
  const folder = await resolveFolder(named);
  return {
    place,
    kind: 'folder',
    root,
    read: async (path, signal) => unpacked(path, await readInside(folder, join(folder, path), { signal })),
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
      const url = addressWithin(place, path);
      if (url === undefined) {
        const message = `it lies elsewhere than on ${new URL(place).host}, and only that is asked`;
        throw new RelievoError('input-unsupported', message, { where: place });
      }
      const answer = await fetchOnce(url, {}, signal);
      if (answer.status === 200) return answer.body;
      if (answer.status === 404 || answer.status === 204) return undefined;
      const code = path === place ? 'input-missing' : 'input-invalid';
      throw new RelievoError(code, answeredBy(answer), { where: place });
    },
    list: async () => undefined,
    close: async () => {},
  };
}

/** The address at `path`; undefined when it is none, or on another host than `place`. */
export function addressWithin(place: string, path: string): URL | undefined {
  const url = URL.parse(path);
  return url !== null && isSameHost(new URL(place), url) ? url : undefined;
}

export function filesInMemory(files: ReadonlyMap<string, Uint8Array>, root = 'tileset.json'): JudgedFiles {
  return {
    place: 'memory',
    kind: 'folder',
    root,
    read: async (path) => unpacked(path, files.get(path)),
    list: async () => [...files.keys()],
    close: async () => {},
  };
}

/** Where a URI leads that stands in the file at `from`. What leaves the folder leads nowhere. */
export function resolvePath(from: string, uri: string): string {
  if (/^https?:/i.test(from)) return URL.parse(uri, from)?.href ?? uri;
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
async function unpacked(path: string, bytes: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  if (bytes?.[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await gunzipBytes(bytes, { maxOutputLength: MAX_FILE_BYTES });
  } catch (cause) {
    const message = `it begins like gzip and cannot be unpacked, or has more than ${MAX_FILE_BYTES / 2 ** 20} MiB unpacked`;
    throw new RelievoError('input-invalid', message, { where: path, cause });
  }
}

const gunzipBytes = promisify(gunzip) as (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;
