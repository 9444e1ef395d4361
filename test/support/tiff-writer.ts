/** Small GeoTIFFs for tests, as bytes: classic little-endian TIFF, uncompressed unless given packed blocks. */

export type TagValue = readonly number[] | string;

export interface TinyTiff {
  readonly columns: number;
  readonly rows: number;
  /** One strip or tile after another; `undefined` leaves a block out (sparse file). */
  readonly blocks: readonly (Uint8Array | undefined)[];
  /** Bits a sample and format: 1 unsigned, 2 signed, 3 floating point. */
  readonly bits: number;
  readonly format: 1 | 2 | 3;
  /** Further tags, or others in place of the usual ones; SHORT up to 65535, LONG above, DOUBLE for fractions. */
  readonly tags?: Readonly<Record<number, TagValue>>;
  /** Keys by number; default: geographic, EPSG:4326, area. Empty for a file without. */
  readonly keys?: Readonly<Record<number, number>>;
  /** Default: samples of 1 degree from 10 E, 50 N. */
  readonly tie?: { readonly x: number; readonly y: number; readonly step: number };
}

const GEOGRAPHIC = { 1024: 2, 1025: 1, 2048: 4326 };

export function tinyTiff(tiff: TinyTiff): Buffer {
  const keys = Object.entries(tiff.keys ?? GEOGRAPHIC).sort(([a], [b]) => Number(a) - Number(b));
  const { x, y, step } = tiff.tie ?? { x: 10, y: 50, step: 1 };
  const header = 8;
  let at = header;
  const offsets = tiff.blocks.map((block) => {
    const offset = block ? at : 0;
    at += block?.length ?? 0;
    return offset;
  });
  const tags: Record<number, TagValue> = {
    256: [tiff.columns],
    257: [tiff.rows],
    258: [tiff.bits],
    259: [1],
    262: [1],
    273: offsets,
    277: [1],
    278: [Math.ceil(tiff.rows / tiff.blocks.length)],
    279: tiff.blocks.map((block) => block?.length ?? 0),
    339: [tiff.format],
    33550: [step, step, 0],
    33922: [0, 0, 0, x, y, 0],
    ...(keys.length > 0 && {
      34735: [1, 1, 0, keys.length, ...keys.flatMap(([key, value]) => [Number(key), 0, 1, value])],
    }),
    ...tiff.tags,
  };
  const entries = Object.entries(tags)
    .map(([tag, value]) => ({ tag: Number(tag), ...encode(Number(tag), value) }))
    .sort((p, q) => p.tag - q.tag);
  const directory = at + (at % 2);
  let tail = directory + 2 + 12 * entries.length + 4;
  const out = Buffer.alloc(
    tail + entries.reduce((sum, { bytes }) => sum + (bytes.length > 4 ? bytes.length + 1 : 0), 0),
  );
  out.write('II*\0', 0, 'latin1');
  out.writeUInt32LE(directory, 4);
  for (const [i, block] of tiff.blocks.entries()) if (block) out.set(block, offsets[i]);
  out.writeUInt16LE(entries.length, directory);
  for (const [i, { tag, type, count, bytes }] of entries.entries()) {
    const entry = directory + 2 + 12 * i;
    out.writeUInt16LE(tag, entry);
    out.writeUInt16LE(type, entry + 2);
    out.writeUInt32LE(count, entry + 4);
    if (bytes.length <= 4) out.set(bytes, entry + 8);
    else {
      out.writeUInt32LE(tail, entry + 8);
      out.set(bytes, tail);
      tail += bytes.length;
    }
  }
  return out.subarray(0, tail);
}

/** The bytes of a typed array. */
export function bytesOf(samples: ArrayBufferView): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

function encode(tag: number, value: TagValue): { type: number; count: number; bytes: Buffer } {
  if (typeof value === 'string') {
    const bytes = Buffer.from(`${value}\0`, 'latin1');
    return { type: 2, count: bytes.length, bytes };
  }
  const [type, size] = tag >= 33000 && tag < 34735 ? [12, 8] : value.some((v) => v > 65535) ? [4, 4] : [3, 2];
  const bytes = Buffer.alloc(size * value.length);
  for (const [i, number] of value.entries()) {
    if (type === 12) bytes.writeDoubleLE(number, i * size);
    else if (type === 4) bytes.writeUInt32LE(number, i * size);
    else bytes.writeUInt16LE(number, i * size);
  }
  return { type, count: value.length, bytes };
}
