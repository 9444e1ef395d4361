/** A 3D Tiles tileset that lies ready in a folder or an archive, made by `relievo build` or by another tool; only read. */
import { basename, join } from 'node:path';
import type { TilesetLabel } from '../catalog/tileset-json.ts';
import { RelievoError } from '../error.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { openTilesetFiles, tilesetPlace } from '../store/open-tileset-files.ts';
import { TILESET_DOCUMENT, type TilesetFiles } from '../store/tileset-files.ts';
import { isOurTileset } from '../store/tileset-writer.ts';
import { isLayerName, layerNameOf } from './built-layer.ts';

export interface BuiltTileset {
  /** What stands in addresses: `[a-z0-9][a-z0-9._-]*`. */
  readonly name: string;
  readonly title: string;
  readonly files: TilesetFiles;
  /** tileset.json, of which no more is checked than that it is one. */
  readonly document: TilesetDocument;
  /** What Relievo wrote of the terrain in it; undefined where somebody else did, or it is no terrain. */
  readonly label: TilesetLabel | undefined;
  close(): Promise<void>;
}

export interface TilesetDocument {
  readonly asset: { readonly version: string; readonly tilesetVersion?: unknown; readonly extras?: unknown };
  readonly geometricError?: unknown;
  readonly root: Readonly<Record<string, unknown>>;
}

export interface BuiltTilesetOptions extends ReadOptions {
  /** What stands in addresses; the folder's or archive's name by default. */
  readonly name?: string | undefined;
}

/**
 * Throws `input-missing` when there is nothing or no tileset.json in it, `input-invalid` for a broken one, `usage` for a
 * name that cannot stand in an address.
 */
export async function openBuiltTileset(place: string, options: BuiltTilesetOptions = {}): Promise<BuiltTileset> {
  const id = options.name ?? tilesetNameOf(place);
  if (!isLayerName(id)) {
    const message = `expected a layer name of a-z, 0-9, ".", "_" and "-" that begins with a letter or digit, got "${id}"`;
    throw new RelievoError('usage', message);
  }
  const files = await openTilesetFiles(place, options);
  try {
    const where = files.kind === 'folder' ? join(files.place, TILESET_DOCUMENT) : files.place;
    const document = readDocument((await (await files.find(TILESET_DOCUMENT, options))?.read(options)) ?? [], where);
    const label = isOurTileset(document)
      ? (document.asset.extras as { readonly relievo?: TilesetLabel }).relievo
      : undefined;
    const title = label?.title ?? basename(files.place);
    return { name: id, title, files, document, label, close: () => files.close() };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** A layer name made from the folder's or archive's name. */
export function tilesetNameOf(place: string): string {
  return layerNameOf(tilesetPlace(place).replace(/(\.3tz|\.3dtiles\.zip)$/i, ''));
}

function readDocument(bytes: Uint8Array | readonly number[], where: string): TilesetDocument {
  try {
    const found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes)));
    if (typeof found?.asset?.version === 'string' && typeof found.root === 'object' && found.root !== null)
      return found;
  } catch (cause) {
    throw new RelievoError('input-invalid', 'expected tileset.json to be JSON, but it cannot be parsed', {
      where,
      cause,
    });
  }
  throw new RelievoError(
    'input-invalid',
    'expected tileset.json to be a 3D Tiles tileset, with asset.version and a root tile',
    { where },
  );
}
