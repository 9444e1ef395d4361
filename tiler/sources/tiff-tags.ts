/**
 * The directories of a TIFF file as tags and values (TIFF 6.0 section 2; BigTIFF). Strict and bounded: every count and
 * offset is held against the length of the file before anything is allocated, chains of directories end or are refused.
 */
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff } from './byte-file.ts';

export interface TiffDirectory {
  /** Numbers of a tag; undefined when absent. */
  numbers(tag: number): Float64Array | undefined;
  /** Text of an ASCII tag, without the NUL at its end. */
  text(tag: number): string | undefined;
}

export interface TiffDirectories {
  readonly littleEndian: boolean;
  readonly directories: readonly TiffDirectory[];
}

const MAX_DIRECTORIES = 64;
/** Numbers of one tag: strip offsets of a raster of 2^24 rows and no more. */
const MAX_NUMBERS = 2 ** 24;
const MAX_TEXT = 2 ** 20;
/** Bytes that the values of all tags may have beside twice those of the file: parts may be shared, not multiplied. */
const SHARED_BYTES = 2 ** 20;

/** Bytes of a value by field type (TIFF 6.0 page 15; 16..18 are BigTIFF's). */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

/** Whether the first bytes are those of a TIFF or BigTIFF file. */
export function looksLikeTiff(start: Uint8Array): boolean {
  const [a, b, c, d] = start;
  const little = a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0;
  const big = a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
  return little || big;
}

/** Reads all directories of the chain, at most `most`, `wanted` tags only. Refuses broken ones with code `input-invalid`. */
export async function readDirectories(
  file: ByteFile,
  wanted: ReadonlySet<number>,
  most = MAX_DIRECTORIES,
): Promise<TiffDirectories> {
  const start = await file.read(0, Math.min(16, file.size));
  if (!looksLikeTiff(start)) throw broken(file, 'does not begin as a TIFF file does (II or MM, then 42 or 43)');
  const littleEndian = start[0] === 0x49;
  const view = new DataView(start.buffer);
  const big = view.getUint16(2, littleEndian) === 43;
  if (start.length < (big ? 16 : 8)) throw cutOff(file.path, big ? 16 : 8, file.size);
  if (big && view.getUint16(4, littleEndian) !== 8) throw broken(file, 'is a BigTIFF whose offsets are not of 8 bytes');

  const directories: TiffDirectory[] = [];
  const visited = new Set<number>();
  const budget = { bytes: 2 * file.size + SHARED_BYTES };
  let offset = big ? Number(view.getBigUint64(8, littleEndian)) : view.getUint32(4, littleEndian);
  if (offset === 0) throw broken(file, 'holds no image');
  while (offset !== 0) {
    if (visited.has(offset)) throw broken(file, `has directories that run in a circle (back to byte ${offset})`);
    if (directories.length === most) {
      throw new RelievoError(
        'input-unsupported',
        `${file.path} holds more than ${most} images; expected one raster with its overviews.`,
        { where: file.path },
      );
    }
    visited.add(offset);
    const { directory, next } = await readDirectory(file, offset, littleEndian, big, wanted, budget);
    directories.push(directory);
    offset = next;
  }
  return { littleEndian, directories };
}

async function readDirectory(
  file: ByteFile,
  offset: number,
  littleEndian: boolean,
  big: boolean,
  wanted: ReadonlySet<number>,
  budget: { bytes: number },
): Promise<{ directory: TiffDirectory; next: number }> {
  const [countBytes, entryBytes, pointerBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const head = viewOf(await file.read(offset, countBytes));
  const entries = big ? Number(head.getBigUint64(0, littleEndian)) : head.getUint16(0, littleEndian);
  const table = viewOf(await file.read(offset + countBytes, entries * entryBytes + pointerBytes));
  const numbers = new Map<number, Float64Array>();
  const texts = new Map<number, string>();
  for (let i = 0; i < entries; i++) {
    const at = i * entryBytes;
    const tag = table.getUint16(at, littleEndian);
    const type = table.getUint16(at + 2, littleEndian);
    const size = TYPE_BYTES[type];
    // Of a tag that comes twice the first counts, as everywhere else.
    if (!wanted.has(tag) || size === undefined || numbers.has(tag) || texts.has(tag)) continue;
    const count = big ? Number(table.getBigUint64(at + 4, littleEndian)) : table.getUint32(at + 4, littleEndian);
    if (count > (type === 2 ? MAX_TEXT : MAX_NUMBERS)) throw broken(file, `has ${count} values in tag ${tag}`);
    const bytes = count * size;
    budget.bytes -= bytes;
    if (budget.bytes < 0) throw broken(file, 'has tags that together claim more bytes than the file has');
    const inline = at + (big ? 12 : 8);
    let values = table;
    let from = inline;
    if (bytes > pointerBytes) {
      const pointer = big ? Number(table.getBigUint64(inline, littleEndian)) : table.getUint32(inline, littleEndian);
      values = viewOf(await file.read(pointer, bytes));
      from = 0;
    }
    if (type === 2) texts.set(tag, textOf(values, from, count));
    else numbers.set(tag, numbersOf(values, from, count, type, size, littleEndian));
  }
  const end = entries * entryBytes;
  const next = big ? Number(table.getBigUint64(end, littleEndian)) : table.getUint32(end, littleEndian);
  return { directory: { numbers: (tag) => numbers.get(tag), text: (tag) => texts.get(tag) }, next };
}

function viewOf(bytes: Buffer<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function textOf(view: DataView, from: number, count: number): string {
  const text = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + from, count));
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function numbersOf(view: DataView, from: number, count: number, type: number, size: number, le: boolean): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = numberAt(view, from + i * size, type, le);
  return values;
}

function numberAt(view: DataView, at: number, type: number, le: boolean): number {
  switch (type) {
    case 3:
      return view.getUint16(at, le);
    case 4:
    case 13:
      return view.getUint32(at, le);
    case 5:
      return view.getUint32(at, le) / view.getUint32(at + 4, le);
    case 6:
      return view.getInt8(at);
    case 8:
      return view.getInt16(at, le);
    case 9:
      return view.getInt32(at, le);
    case 10:
      return view.getInt32(at, le) / view.getInt32(at + 4, le);
    case 11:
      return view.getFloat32(at, le);
    case 12:
      return view.getFloat64(at, le);
    case 16:
    case 18:
      return Number(view.getBigUint64(at, le));
    case 17:
      return Number(view.getBigInt64(at, le));
    default:
      return view.getUint8(at);
  }
}

function broken(file: ByteFile, what: string): RelievoError {
  return new RelievoError('input-invalid', `${file.path} ${what}: it is not a sound TIFF file; get it again.`, {
    where: file.path,
  });
}
