/** LZW (TIFF 6.0 section 13) and PackBits (section 9): bytes to bytes, never beyond the size that the caller expects. */

const CLEAR = 256;
const END = 257;

/** Bytes that writers leave behind the last code. */
const MAX_REST = 16;

/**
 * At most `maxBytes`; fewer where the data end. Throws an Error for codes that cannot be, and for data that go on when
 * all is unpacked.
 */
export function unpackLzw(data: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (data[0] === 0 && ((data[1] ?? 0) & 1) === 1) throw new Error('LZW of the kind before TIFF 6 (bits in reverse)');
  const out = new Uint8Array(maxBytes);
  // A code stands for the bytes written at `at`, of `length`: an earlier piece of the output plus the byte after it.
  const at = new Uint32Array(4096);
  const length = new Uint32Array(4096);
  let written = 0;
  let next = 258;
  let width = 9;
  let previous = -1;
  let previousAt = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < data.length && written < maxBytes; ) {
    while (held < width && i < data.length) {
      bits = ((bits << 8) | (data[i++] ?? 0)) & 0xffffff;
      held += 8;
    }
    while (held >= width && written < maxBytes) {
      held -= width;
      const code = (bits >> held) & ((1 << width) - 1);
      if (code === END) return out.subarray(0, written);
      if (code === CLEAR) {
        next = 258;
        width = 9;
        previous = -1;
        continue;
      }
      const start = written;
      if (code < 256) {
        out[written++] = code;
      } else {
        // The entry that this very code completes is the previous piece and the first byte written after it.
        if (previous < 0 || code > next) throw new Error(`LZW code ${code} before it is defined`);
        const from = code === next ? previousAt : (at[code] ?? 0);
        const count = Math.min(code === next ? start - previousAt + 1 : (length[code] ?? 0), maxBytes - written);
        for (let k = 0; k < count; k++) out[written++] = out[from + k] ?? 0;
      }
      if (previous >= 0 && next < 4096) {
        at[next] = previousAt;
        length[next] = start - previousAt + 1;
        next++;
        // "Early change": the width grows one code before it must.
        if (next === 511 || next === 1023 || next === 2047) width++;
      }
      previous = code;
      previousAt = start;
    }
    if (written === maxBytes) refuseRest(data, i, maxBytes);
  }
  return out.subarray(0, written);
}

function refuseRest(data: Uint8Array, at: number, maxBytes: number): void {
  if (data.length - at <= MAX_REST) return;
  throw new Error(`it unpacks to more than the ${maxBytes} bytes that its samples need`);
}

/** At most `maxBytes`; fewer where the data end. Throws an Error for data that go on when all is unpacked. */
export function unpackPackBits(data: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(maxBytes);
  let written = 0;
  for (let i = 0; i < data.length && written < maxBytes; ) {
    const head = data[i++] ?? 0;
    if (head < 128) {
      const count = Math.min(head + 1, data.length - i, maxBytes - written);
      out.set(data.subarray(i, i + count), written);
      written += count;
      i += head + 1;
    } else if (head > 128) {
      const count = Math.min(257 - head, maxBytes - written);
      out.fill(data[i++] ?? 0, written, written + count);
      written += count;
    }
    if (written === maxBytes) refuseRest(data, i, maxBytes);
  }
  return out.subarray(0, written);
}
