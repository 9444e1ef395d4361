/** The seam between tiles and those who hand them out: a named set of tiles, made on demand or read from where they were built. */
import type { LayerJson } from '../catalog/layer-json.ts';
import type { QualityJson } from '../catalog/quality-json.ts';
import type { ExtensionName } from '../encode/extension-name.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

/** One of the forms in which a tile can be had. */
export interface Variant {
  /** Those of the layer's extensions that the client asked for; sorted by id, no repeats. */
  readonly extensions: readonly ExtensionName[];
  readonly coding: 'gzip' | 'identity';
}

export interface Layer {
  /** What stands in addresses: `[a-z0-9][a-z0-9._-]*`. */
  readonly name: string;
  readonly title: string;
  /** How the tiles come about: read from a folder, or made on demand from sources. */
  readonly kind: 'built' | 'on-demand';
  readonly document: LayerJson;
  /** What is known of the tiles' errors; undefined where they are made on demand, or nobody wrote it down. */
  readonly quality?: QualityJson | undefined;
  /** The tile's bytes; undefined when the layer has no such tile. */
  make(id: TileId, variant: Variant, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** Strong, quoted, known without reading or making the tile; differs between variants. */
  etag(id: TileId, variant: Variant): string;
  close(): Promise<void>;
}
