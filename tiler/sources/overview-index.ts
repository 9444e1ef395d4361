/**
 * Where the blocks of a file of overviews lie. The file, little-endian: a head of 64 bytes, the blocks, the index at the
 * end. The head is written last, so a file that is cut off anywhere has none:
 *   0 magic, 8 format, 12 CRC-32 of bytes 16 to 63, 16 offset of the index (double), 24 its length, 28 its CRC-32.
 * The index: the length of a JSON text, the text (what the overviews are of), and 40 bytes for each block, by level, row
 * and column: level, column, row, offset (double), and length and CRC-32 of its heights and then of its bounds.
 */
import { crc32 } from 'node:zlib';

/** Raised when the file's bytes or the numbers in it come about otherwise; older files are then not looked at. */
export const OVERVIEW_FORMAT = 2;
export const HEAD_BYTES = 64;
const MAGIC = 'RELIEVO\x01';
const RECORD_BYTES = 40;

/** Bytes of the file, and their CRC-32. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

export interface BlockRecord {
  readonly level: number;
  readonly x: number;
  readonly y: number;
  readonly heights: Piece;
  /** Follow the heights; of no length where nothing is left out (full resolution). */
  readonly bounds: Piece;
}

export function writeHead(index: Piece): Buffer<ArrayBuffer> {
  const head = Buffer.from(new ArrayBuffer(HEAD_BYTES));
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(OVERVIEW_FORMAT, 8);
  head.writeDoubleLE(index.offset, 16);
  head.writeUInt32LE(index.length, 24);
  head.writeUInt32LE(index.crc, 28);
  head.writeUInt32LE(crc32(head.subarray(16)), 12);
  return head;
}

/** Where the index lies; undefined when this is no head of this format. */
export function readHead(head: Buffer): Piece | undefined {
  if (head.length < HEAD_BYTES || head.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (head.readUInt32LE(8) !== OVERVIEW_FORMAT || head.readUInt32LE(12) !== crc32(head.subarray(16))) return undefined;
  return { offset: head.readDoubleLE(16), length: head.readUInt32LE(24), crc: head.readUInt32LE(28) };
}

export function writeIndex(subject: string, records: readonly BlockRecord[]): Buffer<ArrayBuffer> {
  const text = Buffer.from(subject);
  const index = Buffer.from(new ArrayBuffer(4 + text.length + records.length * RECORD_BYTES));
  index.writeUInt32LE(text.length, 0);
  text.copy(index, 4);
  const sorted = records.toSorted((a, b) => a.level - b.level || a.y - b.y || a.x - b.x);
  for (const [i, { level, x, y, heights, bounds }] of sorted.entries()) {
    const at = 4 + text.length + i * RECORD_BYTES;
    for (const [k, value] of [level, x, y].entries()) index.writeUInt32LE(value, at + 4 * k);
    index.writeDoubleLE(heights.offset, at + 12);
    for (const [k, value] of [heights.length, heights.crc, bounds.length, bounds.crc].entries()) {
      index.writeUInt32LE(value, at + 20 + 4 * k);
    }
  }
  return index;
}

export interface OverviewIndex {
  readonly blocks: number;
  record(i: number): BlockRecord;
  /** Undefined where nothing is stored: all of the block is void. */
  find(level: number, x: number, y: number): BlockRecord | undefined;
}

/** Undefined when the index is of something else than `subject`, or broken. */
export function readIndex(index: Buffer, subject: string): OverviewIndex | undefined {
  const textLength = index.length < 4 ? -1 : index.readUInt32LE(0);
  const first = 4 + textLength;
  if (textLength < 0 || index.length < first || index.toString('utf8', 4, first) !== subject) return undefined;
  const blocks = (index.length - first) / RECORD_BYTES;
  if (!Number.isInteger(blocks)) return undefined;
  return { blocks, record, find };

  function record(i: number): BlockRecord {
    const at = first + i * RECORD_BYTES;
    const number = (k: number) => index.readUInt32LE(at + k);
    const offset = index.readDoubleLE(at + 12);
    const heights = { offset, length: number(20), crc: number(24) };
    const bounds = { offset: offset + heights.length, length: number(28), crc: number(32) };
    return { level: number(0), x: number(4), y: number(8), heights, bounds };
  }

  function find(level: number, x: number, y: number): BlockRecord | undefined {
    let low = 0;
    let high = blocks;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = first + middle * RECORD_BYTES;
      const order = index.readUInt32LE(at) - level || index.readUInt32LE(at + 8) - y || index.readUInt32LE(at + 4) - x;
      if (order === 0) return record(middle);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }
}
