/**
 * The triangles of a tile as clients decode them (quantized-mesh-1.0): what is drawn, after all rounding. For tiles that
 * this code wrote a moment ago; bytes of others are judged by `relievo verify`.
 */
import { UV_MAX } from '../mesh/terrain-mesh.ts';

export interface DecodedMesh {
  /** 0 at the west border .. 32767 at the east. */
  readonly u: Uint16Array;
  /** 0 at the south border .. 32767 at the north. */
  readonly v: Uint16Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float64Array;
  /** Vertex indices, three a triangle. */
  readonly triangles: Uint16Array;
}

const MIN_HEIGHT_AT = 24;
const MAX_HEIGHT_AT = 28;
const VERTICES_AT = 88;

/** `bytes` uncompressed. */
export function decodeMesh(bytes: Uint8Array): DecodedMesh {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const minHeight = view.getFloat32(MIN_HEIGHT_AT, true);
  const maxHeight = view.getFloat32(MAX_HEIGHT_AT, true);
  const count = view.getUint32(VERTICES_AT, true);
  let at = VERTICES_AT + 4;
  const [u, v, codes] = [readDeltas(), readDeltas(), readDeltas()];
  const triangles = new Uint16Array(3 * view.getUint32(at, true));
  at += 4;
  for (let k = 0, next = 0; k < triangles.length; k++, at += 2) {
    const back = view.getUint16(at, true);
    triangles[k] = next - back;
    if (back === 0) next++;
  }
  const heights = Float64Array.from(codes, (code) => minHeight + ((maxHeight - minHeight) * code) / UV_MAX);
  return { u, v, heights, triangles };

  function readDeltas(): Uint16Array {
    const out = new Uint16Array(count);
    let last = 0;
    for (let k = 0; k < count; k++, at += 2) {
      const code = view.getUint16(at, true);
      last += (code >> 1) ^ -(code & 1);
      out[k] = last;
    }
    return out;
  }
}
