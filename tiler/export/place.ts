/**
 * Where a tileset to export lies: a folder, a 3D Tiles archive, or a server. What it names is read from the same folder,
 * archive or origin and from nowhere else.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { isArchive3tzName } from '../store/archive-3tz-reader.ts';
import { readInside, resolveFolder } from '../store/directory-reader.ts';
import { openTilesetFiles } from '../store/open-tileset-files.ts';
import { MAX_FILE_BYTES } from '../store/tileset-files.ts';
import { openWebPlace } from './web-place.ts';

export interface ReadFile {
  /** What is wanted, for servers (RFC 9110 Accept). */
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Place {
  /** As messages show it. */
  readonly shown: string;
  /** As files name it: without the folders above, which are nobody's business. */
  readonly name: string;
  /** Address of the document that was named, or of the folder of one that is to be found: then it ends with a slash. */
  readonly start: URL;
  /** The file at an address below the place; undefined when there is none. */
  read(url: URL, options?: ReadFile): Promise<Uint8Array | undefined>;
  /** Whether an address lies in this place. */
  has(url: URL): boolean;
  close(): Promise<void>;
}

/** `name`: a path or an http(s) address, of a document, a folder or an archive. */
export async function openPlace(name: string): Promise<Place> {
  const place = await openNamed(name);
  return { ...place, read: async (url, options) => unpack(place, url, await place.read(url, options)) };
}

/** Some tools keep every file of a tileset gzipped, under the name that it has without. */
async function unpack(place: Place, url: URL, bytes: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  if (bytes?.[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return bytes;
  try {
    return await gunzipBytes(bytes, { maxOutputLength: MAX_FILE_BYTES });
  } catch (cause) {
    const message = `${nameOf(url)} begins like gzip and cannot be unpacked; get the file again.`;
    throw new RelievoError('input-invalid', message, { where: place.shown, cause });
  }
}

const gunzipBytes = promisify(gunzip) as (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

async function openNamed(name: string): Promise<Place> {
  if (/^https?:\/\//i.test(name)) return openWebPlace(name);
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(name)) {
    throw new RelievoError('input-unsupported', 'Only folders, .3tz archives and http(s) addresses are read here.', {
      where: name,
    });
  }
  if (isArchive3tzName(name)) return openArchivePlace(resolve(name));
  const found = await stat(name).catch(() => undefined);
  if (!found) {
    const message = 'The tileset is not there; expected a folder, a tileset.json or layer.json, a .3tz, or an address.';
    throw new RelievoError('input-missing', message, { where: name });
  }
  const path = resolve(name);
  return openFolderPlace(found.isDirectory() ? path : dirname(path), found.isDirectory() ? '' : basename(path));
}

/** Addresses inside a folder or an archive are counted from its top. */
const TOP = new URL('tileset:///');

async function openFolderPlace(folder: string, document: string): Promise<Place> {
  const root = await resolveFolder(folder);
  return {
    shown: join(folder, document),
    name: join(basename(folder), document),
    start: new URL(encodeURIComponent(document), TOP),
    has: isBelowTop,
    read: async (url, { signal } = {}) => readInside(root, join(root, ...pathOf(url)), { signal }),
    async close() {},
  };
}

async function openArchivePlace(path: string): Promise<Place> {
  const files = await openTilesetFiles(path);
  return {
    shown: path,
    name: basename(path),
    start: new URL('tileset.json', TOP),
    has: isBelowTop,
    async read(url, { signal } = {}) {
      const file = await files.find(pathOf(url).join('/'), { signal });
      return file?.read({ signal });
    },
    close: () => files.close(),
  };
}

function isBelowTop(url: URL): boolean {
  return url.protocol === TOP.protocol && url.host === '';
}

function pathOf(url: URL): string[] {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return parts;
  }
}

/**
 * The address of `uri` as written in the document at `base`. The query of the document goes on with it, as clients do it,
 * because it may hold a key. Refuses with `input-unsupported` what leads elsewhere.
 */
export function referTo(place: Place, base: URL, uri: string): URL {
  const url = URL.parse(uri, base.href);
  // A path that climbs above the top is not the path that is meant.
  const climbs = place.start.protocol === TOP.protocol && leavesTop(uri, base);
  if (url === null || !place.has(url) || climbs) {
    throw new RelievoError(
      'input-unsupported',
      `The tileset refers to "${uri.slice(0, 200)}", which lies outside of its folder or server, and that is not followed: export the tileset that lies there by itself.`,
      { where: place.shown },
    );
  }
  if (url.search === '') url.search = base.search;
  url.hash = '';
  return url;
}

function leavesTop(uri: string, base: URL): boolean {
  let depth = uri.startsWith('/') ? 0 : base.pathname.split('/').length - 2;
  for (const part of uri.replace(/[?#].*$/s, '').split(/[/\\]/)) {
    if (part === '..') depth--;
    else if (part !== '.' && part !== '') depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** What a document must be to be read, with a sentence for one that is missing or no JSON object. */
export async function readJson(place: Place, url: URL, options?: ReadFile): Promise<Record<string, unknown>> {
  const bytes = await place.read(url, { accept: 'application/json,*/*;q=0.5', ...options });
  if (bytes === undefined) {
    const message = `${nameOf(url)} is not there; check that the tileset is whole.`;
    throw new RelievoError('input-missing', message, { where: place.shown });
  }
  return parseJson(place, url, bytes);
}

export function parseJson(place: Place, url: URL, bytes: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new RelievoError('input-invalid', `${nameOf(url)} is no JSON object; name a tileset.json or layer.json.`, {
    where: place.shown,
  });
}

/** The path of an address without what may be secret. */
export function nameOf(url: URL): string {
  return url.protocol === TOP.protocol ? pathOf(url).join('/') : `${url.origin}${url.pathname}`;
}
