/**
 * A folder of quantized-mesh tiles, ours or another tool's: `layer.json` and files laid out as its `tiles` template says
 * (TMS by default, rows from the south; `slippyMap` counts them from the north). Tile ids here count from the north.
 */
import { constants, statSync } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { RelievoError } from '../error.ts';
import {
  flipRow,
  geographic,
  isTile,
  schemeOfProjection,
  type TileId,
  type TilingScheme,
} from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { parseTileTemplate, type TilePath } from './tile-path.ts';

/** More than any tile or document of a sound tileset. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const DEFAULT_TEMPLATE = '{z}/{x}/{y}.terrain';
/** Never waits for a pipe, never follows a link put there after the check. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** What a file system tells about a file without opening it. */
export interface FileStamp {
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface DirectoryReader {
  /** Absolute, symbolic links resolved. */
  readonly folder: string;
  /** The bytes of a document beside the tiles, by its plain file name; undefined when there is none. */
  readDocument(name: string, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** The tile as it is stored, gzip or plain; undefined when there is no such file. */
  read(id: TileId, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** Size and time of the tile's file, without opening it; undefined when there is no such file. Does not wait. */
  stamp(id: TileId): FileStamp | undefined;
  /** Every tile that has a file, in the order of the folders' names. */
  entries(options?: ReadOptions): AsyncIterable<TileId>;
}

/**
 * Opens a folder of tiles. Throws `input-missing` when there is no such folder or no `layer.json` in it, `input-invalid`
 * when that is not a JSON object or its template leads out of the folder.
 */
export async function openDirectory(folder: string): Promise<DirectoryReader> {
  const root = await resolveFolder(folder);
  const readDocument = async (name: string, options: ReadOptions = {}): Promise<Uint8Array | undefined> => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
      throw new RelievoError('address-invalid', `expected the plain name of a document, got "${name}"`, {
        where: root,
      });
    }
    return readInside(root, join(root, name), options);
  };
  const layer = await readLayout(root, await readDocument('layer.json'));

  const pathOf = (id: TileId): string | undefined => {
    if (!isTile(layer.scheme, id)) return undefined;
    const y = layer.fromNorth ? id.y : flipRow(layer.scheme, id.z, id.y);
    return join(root, ...layer.path.segments(id.z, id.x, y));
  };

  return {
    folder: root,
    readDocument,
    async read(id, options = {}) {
      const path = pathOf(id);
      return path === undefined ? undefined : readInside(root, path, options);
    },
    stamp(id) {
      const path = pathOf(id);
      const found = path === undefined ? undefined : statQuietly(path);
      return found?.isFile() ? { bytes: found.size, modifiedMs: found.mtimeMs } : undefined;
    },
    async *entries({ signal } = {}) {
      for await (const { z, x, y } of walkFolder(root, root, layer.path, 0, {}, signal)) {
        if (!isTile(layer.scheme, { z, x, y })) continue;
        yield { z, x, y: layer.fromNorth ? y : flipRow(layer.scheme, z, y) };
      }
    },
  };
}

export async function resolveFolder(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    if ((await stat(root)).isDirectory()) return root;
  } catch (cause) {
    throw new RelievoError('input-missing', `there is no folder ${folder}; name one that \`relievo build\` made`, {
      where: folder,
      cause,
    });
  }
  throw new RelievoError('input-missing', `expected a folder of tiles, but ${folder} is a file`, { where: folder });
}

interface Layout {
  readonly path: TilePath;
  /** Geographic where the document names none that is known. */
  readonly scheme: TilingScheme;
  /** `slippyMap`: the files' rows are counted from the north. */
  readonly fromNorth: boolean;
}

async function readLayout(root: string, bytes: Uint8Array | undefined): Promise<Layout> {
  const where = join(root, 'layer.json');
  if (!bytes) {
    const message = `expected a layer.json in ${root}, but there is none: name a folder that holds a whole tileset`;
    throw new RelievoError('input-missing', message, { where });
  }
  const document = parseObject(bytes, where);
  const listed = Array.isArray(document.tiles) ? document.tiles[0] : document.tiles;
  // An address on some server says nothing about this folder: then the usual layout is meant.
  const relative = typeof listed === 'string' && !/^([a-z][a-z0-9+.-]*:|\/)/i.test(listed);
  const version = typeof document.version === 'string' ? document.version : undefined;
  return {
    path: parseTileTemplate(relative ? listed : DEFAULT_TEMPLATE, version, where),
    scheme: schemeOfProjection(document.projection) ?? geographic,
    fromNorth: document.scheme === 'slippyMap',
  };
}

/** The JSON object in the bytes. Throws `input-invalid` when it is anything else. */
export function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new RelievoError('input-invalid', 'expected layer.json to be JSON, but it cannot be parsed', {
      where,
      cause,
    });
  }
  throw new RelievoError('input-invalid', 'expected layer.json to hold a JSON object', { where });
}

/** A regular file's bytes; undefined when there is none, or when a symbolic link leads out of the folder. */
export async function readInside(root: string, path: string, { signal }: ReadOptions): Promise<Uint8Array | undefined> {
  signal?.throwIfAborted();
  const real = await quietly(realpath(path), path);
  if (real === undefined || !isInside(root, real)) return undefined;
  const file = await quietly(open(real, OPEN_FLAGS), path);
  if (!file) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) return undefined;
    if (found.size > MAX_FILE_BYTES) {
      const message = `expected at most ${MAX_FILE_BYTES} bytes, but the file has ${found.size}`;
      throw new RelievoError('input-invalid', message, { where: path });
    }
    return await file.readFile(signal ? { signal } : {});
  } finally {
    await file.close();
  }
}

/** Both resolved: whether the path is the folder or lies below it. */
export function isInside(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO']);

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ABSENT.has(String(error.code));
}

/** Undefined for what is not there; `input-missing` for what is there and cannot be had. */
export async function quietly<T>(attempt: Promise<T>, path: string): Promise<T | undefined> {
  try {
    return await attempt;
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RelievoError('input-missing', `the file is there but cannot be read (${reason})`, { where: path, cause });
  }
}

function statQuietly(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Files below `folder` that the template's segments from `depth` on match, rows as the files count them. */
async function* walkFolder(
  root: string,
  folder: string,
  path: TilePath,
  depth: number,
  known: Readonly<Partial<TileId>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<TileId> {
  signal?.throwIfAborted();
  const real = await quietly(realpath(folder), folder);
  if (real === undefined || !isInside(root, real)) return;
  const names = await quietly(readdir(real), folder);
  for (const name of (names ?? []).sort(byNumberThenText)) {
    const found = path.match(depth, name, known);
    if (!found) continue;
    if (depth + 1 < path.depth) {
      yield* walkFolder(root, join(folder, name), path, depth + 1, found, signal);
    } else if (found.z !== undefined && found.x !== undefined && found.y !== undefined) {
      yield { z: found.z, x: found.x, y: found.y };
    }
  }
}

function byNumberThenText(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}
