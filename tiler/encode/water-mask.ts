/** The watermask extension of quantized-mesh-1.0 (id 2): one byte for a whole tile, or 256 x 256 from the north-west. */
import { EXTENSION_IDS } from './extension-name.ts';

/** An uncompressed tile with a water mask behind all that it holds. */
export function addWaterMask(tile: Uint8Array, mask: Uint8Array): Uint8Array {
  if (mask.length !== 1 && mask.length !== 65536) throw new RangeError(`a mask of ${mask.length} bytes is none`);
  const out = new Uint8Array(tile.length + 5 + mask.length);
  out.set(tile);
  out[tile.length] = EXTENSION_IDS.watermask;
  new DataView(out.buffer).setUint32(tile.length + 1, mask.length, true);
  out.set(mask, tile.length + 5);
  return out;
}
