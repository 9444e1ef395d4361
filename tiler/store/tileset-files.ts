/** The files of a 3D Tiles tileset by their paths, whether they lie in a folder or in an archive. */
import type { ReadOptions } from '../sources/raster-source.ts';

/** More than any file of a sound tileset that can be sent as a whole. */
export const MAX_FILE_BYTES = 256 * 1024 * 1024;

export const TILESET_DOCUMENT = 'tileset.json';

export interface TilesetFiles {
  readonly kind: 'folder' | 'archive';
  /** Path or address of the folder or archive. */
  readonly place: string;
  /** Files that there are, where that is known without counting. */
  readonly files?: number | undefined;
  /** The file at a path relative to `tileset.json`, with forward slashes; undefined when there is none. */
  find(path: string, options?: ReadOptions): Promise<TilesetFile | undefined>;
  close(): Promise<void>;
}

export interface TilesetFile {
  /** Another one whenever the content is another. */
  readonly stamp: string;
  readonly bytes: number;
  /** As it would lie in a folder. */
  read(options?: ReadOptions): Promise<Uint8Array>;
  /** The same as one gzip member (RFC 1952), where it is kept so that nothing has to be packed for it. */
  readGzip?(options?: ReadOptions): Promise<Uint8Array>;
}
