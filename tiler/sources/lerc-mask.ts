/**
 * Which samples a LERC2 block leaves out, read from the block itself: the decoder gives such samples as 0, and a void
 * must not become a height. Layout: Esri LERC specification, "Lerc2", versions 2 to 6, little-endian.
 */

export interface LercHeader {
  readonly columns: number;
  readonly rows: number;
  /** Values of each sample: interleaved bands. */
  readonly depth: number;
  /** Bytes and kind of a value. */
  readonly sampleType: string;
  /** One byte a sample, 0 where it is left out; undefined when all samples are there. */
  readonly valid: Uint8Array | undefined;
}

const SAMPLE_TYPES = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'float32', 'float64'];

/** Throws an Error for bytes that are no LERC2 block, or one of more than `maxSamples`. */
export function readLercHeader(bytes: Uint8Array, maxSamples: number): LercHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 66 || new TextDecoder().decode(bytes.subarray(0, 6)) !== 'Lerc2 ')
    throw new Error('it is no LERC2 block');
  const version = view.getInt32(6, true);
  if (version < 2 || version > 6) throw new Error(`LERC2 version ${version}`);
  let at = version >= 3 ? 14 : 10;
  const rows = view.getInt32(at, true);
  const columns = view.getInt32(at + 4, true);
  const depth = version >= 4 ? view.getInt32(at + 8, true) : 1;
  at += version >= 4 ? 12 : 8;
  const present = view.getInt32(at, true);
  const sampleType = SAMPLE_TYPES[view.getInt32(at + 12, true)];
  // Valid count, micro block, blob size and type, then three doubles; version 6 adds 24 bytes.
  at += 16 + 24 + (version >= 6 ? 24 : 0);
  const samples = columns * rows;
  if (!(columns > 0 && rows > 0 && samples <= maxSamples && present >= 0 && present <= samples) || !sampleType)
    throw new Error(`a LERC2 block of ${columns} x ${rows}`);
  const shape = { columns, rows, depth, sampleType };
  if (present === samples) return { ...shape, valid: undefined };
  if (present === 0) return { ...shape, valid: new Uint8Array(0) };
  return { ...shape, valid: unpackMask(view, at, samples) };
}

/** Bits, most significant first, run-length coded: a count, then that many bytes, or the negative count of one byte. */
function unpackMask(view: DataView, start: number, samples: number): Uint8Array {
  const end = start + 4 + view.getInt32(start, true);
  if (end > view.byteLength) throw new Error('its mask is cut off');
  const packed = new Uint8Array(Math.ceil(samples / 8));
  let written = 0;
  for (let at = start + 4; at + 2 <= end && written < packed.length; ) {
    const count = view.getInt16(at, true);
    at += 2;
    if (count === -32768) break;
    if (count > 0) {
      for (let i = 0; i < count && at < end && written < packed.length; i++) packed[written++] = view.getUint8(at++);
    } else {
      const value = view.getUint8(at++);
      for (let i = 0; i < -count && written < packed.length; i++) packed[written++] = value;
    }
  }
  if (written < packed.length) throw new Error('its mask is cut off');
  const valid = new Uint8Array(samples);
  for (let i = 0; i < samples; i++) valid[i] = ((packed[i >> 3] ?? 0) >> (7 - (i & 7))) & 1;
  return valid;
}
