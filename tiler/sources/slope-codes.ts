/**
 * How much a cell's plane rises from one side of the cell to the other, in one signed byte: 0 is level, every further code
 * the 4th root of 2 more than the one before, so that a code is at most 9 % away from what it stands for.
 */

const CODES_PER_OCTAVE = 4;
const CODES = 127;

export interface SlopeCodes {
  /** By the code as an unsigned byte, in the file's unit. */
  readonly slopes: Float32Array;
  /** The code nearest to a slope, as an unsigned byte. */
  codeOf(slope: number): number;
}

/** The least slope that is told from none is one quantum. */
export function slopeCodes(quantum: number): SlopeCodes {
  const slopes = new Float32Array(256);
  for (let code = 1; code <= CODES; code++) {
    slopes[code] = quantum * 2 ** ((code - 1) / CODES_PER_OCTAVE);
    slopes[256 - code] = -slopes[code];
  }
  // By sign, exponent and 7 bits of the mantissa of a number, which is finer than the codes.
  const nearest = new Uint8Array(2 ** 16);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let head = 0; head < 2 ** 15; head++) {
    bits[0] = (head << 16) | (2 ** 15);
    const octaves = Math.log2(float[0] / quantum);
    const code = Math.min(CODES, Math.max(0, Math.round(octaves * CODES_PER_OCTAVE) + 1));
    nearest[head] = Number.isFinite(octaves) ? code : 0;
    nearest[head + 2 ** 15] = (256 - nearest[head]) & 255;
  }
  return {
    slopes,
    codeOf(slope) {
      float[0] = slope;
      return nearest[bits[0] >>> 16];
    },
  };
}
