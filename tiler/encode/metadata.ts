/**
 * Extension 4 of quantized-mesh-1.0, `metadata`: JSON at the end of a tile that says which of its descendants exist, for
 * clients that take availability from tiles and not from layer.json.
 */
import { EXTENSION_IDS } from './extension-name.ts';

/** Tiles startX..endX by startY..endY, inclusive, x and y of the whole level, y counted from the **south**. */
export interface TileSpan {
  readonly startX: number;
  readonly startY: number;
  readonly endX: number;
  readonly endY: number;
}

export interface TileMetadata {
  /** The first entry is for the level below the tile's, the next for the one below that, and so on. */
  readonly available: readonly (readonly TileSpan[])[];
  /** The error in metres that clients are to assume of the tile; 3DTilesRenderer reads it. */
  readonly geometricerror: number;
}

/** The uncompressed tile with the extension after all others, its length little-endian like theirs. */
export function appendMetadata(tile: Uint8Array, metadata: TileMetadata): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(metadata));
  const bytes = new Uint8Array(tile.length + 9 + json.length);
  const view = new DataView(bytes.buffer);
  bytes.set(tile);
  view.setUint8(tile.length, EXTENSION_IDS.metadata);
  view.setUint32(tile.length + 1, 4 + json.length, true);
  view.setUint32(tile.length + 5, json.length, true);
  bytes.set(json, tile.length + 9);
  return bytes;
}
