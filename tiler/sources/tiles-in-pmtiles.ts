/** Picture tiles in a PMTiles archive (PMTiles 3). The only door to pmtiles, which finds tiles; bytes and sizes are ours. */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import { type Compression, type Header, PMTiles, SharedPromiseCache, type Source } from 'pmtiles';
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff, openByteFile } from './byte-file.ts';
import type { HeightTiles, ZoomRange } from './height-tiles.ts';
import { MAX_TILE_BYTES, MAX_TREE_ZOOM, readTreeMetadata, refuseFormat } from './height-tiles.ts';

/** Of an unpacked directory or of the metadata: some hundred thousand tiles. */
const MAX_UNPACKED = 2 ** 21;
/** Directories that are kept. */
const MAX_DIRECTORIES = 64;
/** Greatest latitude of web Mercator, degrees. */
const MAX_LATITUDE = 85.051129;
/** Tile types by number. */
const FORMATS = ['unknown', 'pbf', 'png', 'jpg', 'webp', 'avif', 'mlt'] as const;
/** Compressions by number. */
const [UNKNOWN, NONE, GZIP, BROTLI] = [0, 1, 2, 3];

type Unpack = (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer<ArrayBuffer>>;
const gunzipBytes = promisify(gunzip) as Unpack;
const unbrotliBytes = promisify(brotliDecompress) as Unpack;

export function looksLikePmtiles(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 7)).toString('latin1') === 'PMTiles';
}

/** Opens an archive. Refuses with `input-invalid` a damaged one, with `input-unsupported` other tiles than PNG. */
export async function openPmtiles(name: string): Promise<HeightTiles> {
  const file = await openByteFile(name);
  const { path } = file;
  const archive = new PMTiles(sourceOf(file), new SharedPromiseCache(MAX_DIRECTORIES, true, unpack), unpack);
  try {
    const header = await within(path, () => archive.getHeader());
    const format = FORMATS[header.tileType] ?? 'unknown';
    // A writer may leave the type out; then the first tile shows it.
    if (format !== 'png' && format !== 'unknown') refuseFormat(path, format);
    const zooms = zoomsOf(header, path);
    const values = await within(path, () => archive.getMetadata());
    const { encoding, attribution } = readTreeMetadata(
      typeof values === 'object' && values !== null ? { ...values } : {},
    );
    return {
      path,
      name: file.name,
      format: 'PMTiles',
      zooms,
      encoding,
      attribution,
      async read(z, x, y) {
        const tile = await within(path, () => archive.getZxy(z, x, y));
        return tile === undefined ? undefined : Buffer.from(tile.data);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Ranges by the bounds in the header: the archive has no others. */
function zoomsOf({ minZoom, maxZoom, minLon, minLat, maxLon, maxLat }: Header, path: string): ZoomRange[] {
  const sound =
    minZoom <= maxZoom &&
    maxZoom <= MAX_TREE_ZOOM &&
    minLon < maxLon &&
    minLat < maxLat &&
    minLon >= -180 &&
    maxLon <= 180 &&
    minLat >= -90 &&
    maxLat <= 90;
  if (!sound) {
    throw invalid(
      path,
      `it says that its tiles lie in ${minLon} to ${maxLon} east, ${minLat} to ${maxLat} north, levels ${minZoom} to ${maxZoom}; expected bounds on Earth and levels up to ${MAX_TREE_ZOOM}`,
    );
  }
  const zooms: ZoomRange[] = [];
  for (let z = minZoom; z <= maxZoom; z++) {
    const side = 2 ** z;
    // The header rounds bounds to 1e-7 degrees; an edge on a tile's border must not take the next tile in.
    const slack = (side * 2e-7) / 360;
    const clamp = (tile: number) => Math.min(side - 1, Math.max(0, tile));
    const [west, east] = [minLon, maxLon].map((lon) => ((lon + 180) / 360) * side) as [number, number];
    const [north, south] = [maxLat, minLat].map((lat) => rowOf(lat) * side) as [number, number];
    const [x0, y0] = [clamp(Math.floor(west + slack)), clamp(Math.floor(north + slack))];
    const [x1, y1] = [clamp(Math.ceil(east - slack) - 1), clamp(Math.ceil(south - slack) - 1)];
    zooms.push({ z, x0, y0, x1: Math.max(x0, x1), y1: Math.max(y0, y1) });
  }
  return zooms;
}

/** 0 at the north edge of web Mercator, 1 at the south. */
function rowOf(latitude: number): number {
  const clamped = Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, latitude));
  const sine = Math.sin((clamped * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

function sourceOf(file: ByteFile): Source {
  return {
    getKey: () => file.path,
    async getBytes(offset, length) {
      if (!(length <= MAX_TILE_BYTES)) throw invalid(file.path, `it has a piece of ${length} bytes`);
      // The first read takes the header and what follows it, in a file that may be shorter.
      const there = offset === 0 ? Math.min(length, file.size) : length;
      if (offset + there > file.size) throw cutOff(file.path, offset + there, file.size);
      const { buffer } = await file.read(offset, there);
      return { data: buffer };
    },
  };
}

async function unpack(data: ArrayBuffer, compression: Compression): Promise<ArrayBuffer> {
  const code: number = compression;
  if (code === NONE || code === UNKNOWN) return data;
  const unpacker = code === GZIP ? gunzipBytes : code === BROTLI ? unbrotliBytes : undefined;
  if (unpacker === undefined) throw new Error(`its compression is number ${code}; expected none, gzip or brotli`);
  const bytes = await unpacker(new Uint8Array(data), { maxOutputLength: MAX_UNPACKED });
  return new Uint8Array(bytes).buffer;
}

async function within<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof RelievoError) throw cause;
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(path: string, what: string, cause?: unknown): RelievoError {
  return new RelievoError('input-invalid', `${path} cannot be used: ${what}; get it again.`, { where: path, cause });
}
