/** Oct encoding of unit vectors in two bytes, as quantized-mesh's `octvertexnormals` has it (Cigolle et al., JCGT 2014). */

/** Writes two bytes for the unit vector (x, y, z) at `out[offset]`. */
export function encodeOct(x: number, y: number, z: number, out: Uint8Array, offset: number): void {
  const sum = Math.abs(x) + Math.abs(y) + Math.abs(z);
  let px = x / sum;
  let py = y / sum;
  if (z < 0) {
    const folded = (1 - Math.abs(py)) * (px < 0 ? -1 : 1);
    py = (1 - Math.abs(px)) * (py < 0 ? -1 : 1);
    px = folded;
  }
  out[offset] = toByte(px);
  out[offset + 1] = toByte(py);
}

function toByte(value: number): number {
  return Math.round((Math.min(1, Math.max(-1, value)) * 0.5 + 0.5) * 255);
}
