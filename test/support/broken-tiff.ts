/**
 * TIFF files byte by byte, sound or with any fault that a test asks for: classic and BigTIFF, either byte order, any
 * number of directories, tags whose type, count or place is a lie. Nothing is checked, because most of it is wrong.
 */

/** A tag. `count` and `at` replace what the values would need: the number of values, the place where they lie. */
export interface RawTag {
  readonly type: 'byte' | 'ascii' | 'short' | 'long' | 'double' | 'long8' | number;
  readonly values: readonly number[] | string;
  readonly count?: number | undefined;
  readonly at?: number | undefined;
}

export type RawTags = Readonly<Record<number, RawTag | undefined>>;

export interface RawTiff {
  readonly big?: boolean | undefined;
  readonly bigEndian?: boolean | undefined;
  /** What lies behind the header, before the first directory. */
  readonly data: Uint8Array;
  /** One record a directory; a list of pairs lets a tag come twice or out of order. */
  readonly directories: readonly (RawTags | readonly (readonly [tag: number, value: RawTag])[])[];
  /** Directory (by its index) or byte that the last one points to as the next; default the end. */
  readonly next?: { readonly directory: number } | { readonly byte: number } | undefined;
  /** Number of entries that each directory says it has, instead of its own. */
  readonly entries?: number | undefined;
  /** Byte of the first directory, instead of its own. */
  readonly first?: number | undefined;
}

const TYPES: Readonly<Record<string, readonly [code: number, bytes: number]>> = {
  byte: [1, 1],
  ascii: [2, 1],
  short: [3, 2],
  long: [4, 4],
  double: [12, 8],
  long8: [16, 8],
};

export const short = (...values: number[]): RawTag => ({ type: 'short', values });
export const long = (...values: number[]): RawTag => ({ type: 'long', values });
export const double = (...values: number[]): RawTag => ({ type: 'double', values });
export const ascii = (text: string): RawTag => ({ type: 'ascii', values: `${text}\0` });

/** Where blocks of the data begin, in a file that `rawTiff` makes. */
export const firstByteOf = ({ big }: Pick<RawTiff, 'big'>) => (big ? 16 : 8);

export function rawTiff(tiff: RawTiff): Buffer {
  const { big = false, data, next } = tiff;
  const little = !(tiff.bigEndian ?? false);
  const start = firstByteOf(tiff);
  const [countBytes, entryBytes, pointerBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const pieces: Buffer[] = [];
  let at = start + data.length + (data.length % 2);
  const places: number[] = [];
  const listed = tiff.directories.map((directory) =>
    Array.isArray(directory)
      ? [...directory]
      : Object.entries(directory as RawTags)
          .filter((pair): pair is [string, RawTag] => pair[1] !== undefined)
          .map(([tag, value]) => [Number(tag), value] as const)
          .sort(([a], [b]) => a - b),
  );
  // Two rounds: places first, because a directory may point to any other.
  for (const entries of listed) {
    places.push(at);
    at += countBytes + entries.length * entryBytes + pointerBytes;
    for (const [, tag] of entries)
      if (bytesOf(tag, little).length > pointerBytes) at += even(bytesOf(tag, little).length);
  }
  for (const [k, entries] of listed.entries()) {
    const table = Buffer.alloc(countBytes + entries.length * entryBytes + pointerBytes);
    writePointer(table, 0, tiff.entries ?? entries.length, countBytes, little);
    let tail = (places[k] ?? 0) + table.length;
    const values: Buffer[] = [];
    for (const [i, [number, tag]] of entries.entries()) {
      const entry = countBytes + i * entryBytes;
      const [code] = typeof tag.type === 'number' ? [tag.type] : (TYPES[tag.type] ?? [0]);
      const bytes = bytesOf(tag, little);
      writePointer(table, entry, number, 2, little);
      writePointer(table, entry + 2, code, 2, little);
      writePointer(table, entry + 4, tag.count ?? tag.values.length, big ? 8 : 4, little);
      const inline = entry + (big ? 12 : 8);
      if (bytes.length <= pointerBytes && tag.at === undefined) table.set(bytes, inline);
      else writePointer(table, inline, tag.at ?? tail, pointerBytes, little);
      if (bytes.length > pointerBytes) {
        const padded = Buffer.alloc(even(bytes.length));
        padded.set(bytes);
        values.push(padded);
        tail += padded.length;
      }
    }
    const last = next === undefined ? 0 : 'byte' in next ? next.byte : (places[next.directory] ?? 0);
    writePointer(table, table.length - pointerBytes, places[k + 1] ?? last, pointerBytes, little);
    pieces.push(table, ...values);
  }
  const header = Buffer.alloc(start);
  header.write(little ? 'II' : 'MM', 'latin1');
  writePointer(header, 2, big ? 43 : 42, 2, little);
  if (big) writePointer(header, 4, 8, 2, little);
  writePointer(header, big ? 8 : 4, tiff.first ?? places[0] ?? 0, pointerBytes, little);
  return Buffer.concat([header, data, Buffer.alloc(data.length % 2), ...pieces]);
}

function bytesOf({ type, values }: RawTag, little: boolean): Buffer {
  if (typeof values === 'string') return Buffer.from(values, 'latin1');
  const [, size] = typeof type === 'number' ? [0, 4] : (TYPES[type] ?? [0, 4]);
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) {
    if (type !== 'double') writePointer(bytes, i * size, value, size, little);
    else if (little) bytes.writeDoubleLE(value, i * size);
    else bytes.writeDoubleBE(value, i * size);
  }
  return bytes;
}

function writePointer(out: Buffer, at: number, value: number, bytes: number, little: boolean): void {
  const whole = BigInt.asUintN(8 * bytes, BigInt(value));
  for (let i = 0; i < bytes; i++) out[little ? at + i : at + bytes - 1 - i] = Number((whole >> BigInt(8 * i)) & 255n);
}

function even(length: number): number {
  return length + (length % 2);
}

/** Tags of a sound raster of 64 x 64 int16 in one uncompressed strip at `at`, in degrees, at 10 E, 50 N. */
export function soundTags(at: number): Record<number, RawTag | undefined> {
  return {
    256: short(64),
    257: short(64),
    258: short(16),
    259: short(1),
    262: short(1),
    273: long(at),
    277: short(1),
    278: short(64),
    279: long(8192),
    339: short(2),
    33550: double(0.01, 0.01, 0),
    33922: double(0, 0, 0, 10, 50, 0),
    34735: short(1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326),
  };
}

/** Heights 0 to 4095, as the strip of `soundTags` holds them. */
export function soundSamples(bigEndian = false): Buffer {
  const bytes = Buffer.alloc(8192);
  for (let i = 0; i < 4096; i++) {
    if (bigEndian) bytes.writeInt16BE(i, 2 * i);
    else bytes.writeInt16LE(i, 2 * i);
  }
  return bytes;
}
