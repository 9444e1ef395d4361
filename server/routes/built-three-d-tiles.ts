/**
 * `GET /tilesets`, and `GET /layers/:id/3dtiles/...` of a 3D Tiles tileset that was built in advance, by Relievo or another
 * tool: its files under their own paths, from a folder or by ranges from an archive.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Express, Request } from 'express';
import { gzipBytes } from '../../tiler/encode/gzip.ts';
import { RelievoError } from '../../tiler/error.ts';
import type { BuiltTileset } from '../../tiler/pyramid/built-tileset.ts';
import type { ReadOptions } from '../../tiler/sources/raster-source.ts';
import { MAX_FILE_BYTES, TILESET_DOCUMENT, type TilesetFile } from '../../tiler/store/tileset-files.ts';
import { type BaseAddressOptions, baseAddress } from '../http/base-address.ts';
import { sendCached, tagOf } from '../http/cached.ts';
import { keepFor, sendDocument } from '../http/document.ts';
import { pathOf, sendError } from '../http/errors.ts';
import { negotiateCoding } from '../http/negotiate.ts';
import type { TileCache } from '../tile-cache.ts';

/** By the name that stands in addresses. */
export type Tilesets = ReadonlyMap<string, BuiltTileset>;

/** One tileset as the catalog shows it. */
export interface TilesetSummary {
  readonly id: string;
  readonly title: string;
  readonly kind: '3dtiles';
  /** Of 3D Tiles. */
  readonly version: string;
  /** Whom it was made for, and where it lies (west, south, east, north in degrees): of Relievo's own terrain. */
  readonly profile?: string | undefined;
  readonly bounds?: readonly [number, number, number, number] | undefined;
  readonly addresses: { readonly tileset: string };
}

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  glb: 'model/gltf-binary',
  gltf: 'model/gltf+json',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  ktx2: 'image/ktx2',
};
/** What packing again makes no smaller. */
const PACKED = /^image\//;
/** A file's own extension, or nothing. */
const EXTENSION = /\.([a-z0-9]+)$/i;

const unzip = promisify(gunzip) as (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

/**
 * To be named before what refuses percent signs: other tools' files have names of all kinds. `maxAgeSeconds`: how long
 * clients may keep a file without asking; `documentMaxAgeSeconds`: tileset.json.
 */
export function routeBuiltThreeDTiles(
  app: Express,
  tilesets: Tilesets,
  cache: TileCache,
  maxAgeSeconds: number,
  documentMaxAgeSeconds: number,
  options: BaseAddressOptions,
): void {
  app.get('/tilesets', async (req, res) => {
    const base = baseAddress(req, options);
    const summaries = [...tilesets].map(([id, tileset]) => summarizeTileset(id, tileset, base));
    await sendDocument(req, res, summaries, keepFor(0));
  });
  app.get('/layers/:id/3dtiles/*path', async (req, res, next) => {
    const tileset = tilesets.get(req.params.id);
    if (tileset === undefined) {
      next();
      return;
    }
    const path = filePath(req, req.params.path);
    const type = TYPES[EXTENSION.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream';
    const file = await tileset.files.find(path);
    if (file === undefined) throw new RelievoError('not-found', 'the tileset has no such file', { where: pathOf(req) });

    res.setHeader('Vary', 'Accept-Encoding');
    const coding = PACKED.test(type) ? 'identity' : negotiateCoding(req.headers['accept-encoding']);
    if (coding === undefined) {
      const message = 'a file of a tileset can be had as gzip or as it is, and the client takes neither';
      sendError(res, 'not-acceptable', message, pathOf(req));
      return;
    }
    const etag = tagOf([tileset.files.place, path, file.stamp], coding);
    await sendCached(req, res, cache, {
      key: `${tileset.name} ${etag} ${path}`,
      etag,
      cacheControl: keepFor(path === TILESET_DOCUMENT ? documentMaxAgeSeconds : maxAgeSeconds),
      type,
      coding,
      make: (signal) => readAs(file, coding, { signal }),
      missing: 'the tileset has no such file',
    });
  });
}

function summarizeTileset(id: string, { title, document, label }: BuiltTileset, base: string): TilesetSummary {
  return {
    id,
    title,
    kind: '3dtiles',
    version: document.asset.version,
    profile: label?.profile,
    bounds: label?.bounds,
    addresses: { tileset: `${base}/layers/${id}/3dtiles/${TILESET_DOCUMENT}` },
  };
}

/** Relative, of plain segments: nothing in it leads out of the tileset, whatever holds it, or to what folders hide (`.git`). */
function filePath(req: Request, segments: readonly string[]): string {
  const isPlain = (name: string) => name !== '' && !name.startsWith('.') && !/[/\\\p{Cc}]/u.test(name);
  if (segments.every(isPlain)) return segments.join('/');
  const message =
    'expected the path of a file below the tileset, without backslashes, control characters, and names that begin with "."';
  throw new RelievoError('address-invalid', message, { where: pathOf(req) });
}

/** Some tools keep their files gzipped without saying so in the name. */
async function readAs(file: TilesetFile, coding: 'gzip' | 'identity', options: ReadOptions): Promise<Uint8Array> {
  if (coding === 'gzip' && file.readGzip) return file.readGzip(options);
  const bytes = await file.read(options);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (coding === 'gzip') return isGzip ? bytes : gzipBytes(bytes);
  return isGzip ? unzip(bytes, { maxOutputLength: MAX_FILE_BYTES }) : bytes;
}
