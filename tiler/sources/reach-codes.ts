/**
 * How far samples reach from a mean, in one byte: 0 is nothing at all, every further code the 6th root of 2 more than
 * the one before. Rounded up, so that what is decoded is never too little and at most 12.3 % too much.
 */

const CODES_PER_OCTAVE = 6;
const CODES = 256;

export interface ReachCodes {
  /** Of each code, in the file's unit. */
  readonly reaches: Float32Array;
  /** The least code whose reach is at least `reach`, which is not negative. */
  codeOf(reach: number): number;
}

/** The smallest reach is half a quantum, which is what rounding a mean can cost. */
export function reachCodes(quantum: number): ReachCodes {
  const reaches = new Float32Array(CODES);
  for (let code = 1; code < CODES; code++) reaches[code] = (quantum / 2) * 2 ** ((code - 1) / CODES_PER_OCTAVE);
  // By sign, exponent and 7 bits of the mantissa of a number, which is finer than the codes, where to begin to look.
  const first = new Uint8Array(2 ** 15);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let head = 0, code = 0; head < first.length; head++) {
    bits[0] = head << 16;
    while (code < CODES - 1 && reaches[code] < float[0]) code++;
    first[head] = code;
  }
  return {
    reaches,
    codeOf(reach) {
      float[0] = reach;
      let code = first[bits[0] >>> 16];
      while (code < CODES - 1 && reaches[code] < reach) code++;
      return code;
    },
  };
}
