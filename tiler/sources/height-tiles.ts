/**
 * What a tree of picture tiles is, wherever it is kept: z/x/y, web Mercator, rows counted from the north. A folder, an
 * MBTiles or a PMTiles archive is one.
 */
import { RelievoError } from '../error.ts';
import type { HeightEncoding } from './height-encoding.ts';
import { encodingByName } from './height-encoding.ts';

/** Tiles of one zoom level: first and last column and row, inclusive, rows from the north. */
export interface ZoomRange {
  readonly z: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface HeightTiles {
  readonly path: string;
  readonly name: string;
  /** `XYZ tiles`, `MBTiles`, `PMTiles`. */
  readonly format: string;
  /** Levels that hold tiles, coarsest first; never empty. Tiles inside a range may be missing. */
  readonly zooms: readonly ZoomRange[];
  /** As the metadata name it. */
  readonly encoding: HeightEncoding | undefined;
  readonly attribution: string | undefined;
  /** The bytes of a tile; undefined when there is none. */
  read(z: number, x: number, y: number): Promise<Buffer<ArrayBuffer> | undefined>;
  /** May be called more than once. */
  close(): Promise<void>;
}

/** Beyond it a sample of a tile is smaller than a grain of sand. */
export const MAX_TREE_ZOOM = 24;
/** Bytes of one tile. */
export const MAX_TILE_BYTES = 2 ** 25;

/** What metadata (TileJSON, or the table or JSON of an archive) say of the tiles. */
export interface TreeMetadata {
  readonly encoding: HeightEncoding | undefined;
  readonly attribution: string | undefined;
  /** Rows of files are counted from the south. */
  readonly tms: boolean;
}

export function readTreeMetadata(values: Readonly<Record<string, unknown>>): TreeMetadata {
  const { attribution, scheme } = values;
  return {
    encoding: encodingByName(values.encoding ?? values.elevation_encoding),
    attribution: typeof attribution === 'string' && attribution.trim() !== '' ? attribution.slice(0, 2000) : undefined,
    tms: typeof scheme === 'string' && scheme.toLowerCase() === 'tms',
  };
}

/** Refuses with `input-unsupported` tiles of a kind that holds no heights or is not decoded here. */
export function refuseFormat(where: string, format: string): never {
  const remedies: Readonly<Record<string, string>> = {
    webp: 'WebP pictures, which are not decoded here: convert them to PNG first',
    jpg: 'JPEG pictures, which lose the last bits of heights: get the tiles as PNG',
    pbf: 'vector tiles, which hold no raster of heights',
    avif: 'AVIF pictures, which are not decoded here: convert them to PNG first',
  };
  throw new RelievoError('input-unsupported', `${where} holds ${remedies[format] ?? `tiles of format "${format}"`}.`, {
    where,
  });
}

/** `png`, or what else the first bytes look like. */
export function formatOfTile(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 12);
  if (start.startsWith('\x89PNG')) return 'png';
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'webp';
  if (start.startsWith('\xff\xd8')) return 'jpg';
  if (start.slice(4).startsWith('ftypavif')) return 'avif';
  return start.startsWith('\x1f\x8b') ? 'pbf' : 'unknown';
}
