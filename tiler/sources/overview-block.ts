/**
 * One block of 256 x 256 cells as bytes. Heights are whole numbers of a quantum (or, at full resolution, any floats),
 * each told as its difference from what its neighbours suggest, in planes of bytes, deflated (RFC 1951); NaN is void.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { BLOCK } from './overview-levels.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const deflate = promisify<Bytes, zlib.ZlibOptions, Buffer<ArrayBuffer>>(zlib.deflateRaw);
const inflate = promisify<Bytes, zlib.ZlibOptions, Buffer<ArrayBuffer>>(zlib.inflateRaw);

const CELLS = BLOCK * BLOCK;
const HEAD = 4;
/** Differences are noise: runs are all that can be found in them, and looking for more doubles the time for nothing. */
const DEFLATE = { level: 1, strategy: zlib.constants.Z_RLE, chunkSize: 2 ** 17 } as const;

/** Flags in the first byte of the heights. */
const WITH_VOIDS = 1;
const WIDE = 2;
const FLOATS = 4;

/** Heights that are multiples of the quantum; others are kept as they are, bit by bit. */
export async function packHeights(heights: Float32Array, quantum: number): Promise<Bytes> {
  const whole = wholeNumbers(heights, quantum);
  const values = whole?.values ?? sortableBits(heights);
  const voids = heights.some(Number.isNaN);
  if (voids) bridgeVoids(values, heights);
  const differences = takeDifferences(values);
  let all = 0;
  for (const difference of differences) all |= difference;
  const wide = all >>> 16 !== 0;
  const planes = (wide ? 4 : 2) + (voids ? 1 : 0);
  const bytes = new Uint8Array(HEAD + planes * CELLS);
  bytes[0] = (voids ? WITH_VOIDS : 0) | (wide ? WIDE : 0) | (whole ? 0 : FLOATS);
  bytes[1] = whole?.shift ?? 0;
  for (let plane = 0; plane < (wide ? 4 : 2); plane++) {
    const at = HEAD + plane * CELLS;
    for (let i = 0; i < CELLS; i++) bytes[at + i] = differences[i] >>> (8 * plane);
  }
  if (voids) {
    const at = HEAD + (wide ? 4 : 2) * CELLS;
    for (let i = 0; i < CELLS; i++) bytes[at + i] = Number.isNaN(heights[i]) ? 1 : 0;
  }
  return deflate(bytes, DEFLATE);
}

/** Throws an Error for bytes that are no block. */
export async function unpackHeights(packed: Bytes, quantum: number): Promise<Float32Array> {
  const bytes = await inflate(packed, { maxOutputLength: HEAD + 5 * CELLS, chunkSize: 2 ** 18 });
  const [flags, shift] = bytes;
  const planes = (flags & WIDE ? 4 : 2) + (flags & WITH_VOIDS ? 1 : 0);
  if (bytes.length !== HEAD + planes * CELLS) throw new Error(`a block of ${bytes.length} bytes`);
  const values = new Int32Array(CELLS);
  for (let i = 0, at = HEAD; i < CELLS; i++, at++) values[i] = bytes[at] | (bytes[at + CELLS] << 8);
  if (flags & WIDE) {
    for (let i = 0, at = HEAD + 2 * CELLS; i < CELLS; i++, at++) {
      values[i] |= (bytes[at] << 16) | (bytes[at + CELLS] << 24);
    }
  }
  sumDifferences(values);
  const heights = flags & FLOATS ? floatsOfBits(values) : new Float32Array(CELLS);
  if (!(flags & FLOATS)) {
    const unit = quantum * 2 ** shift;
    for (let i = 0; i < CELLS; i++) heights[i] = values[i] * unit;
  }
  if (flags & WITH_VOIDS) {
    const at = bytes.length - CELLS;
    for (let i = 0; i < CELLS; i++) if (bytes[at + i] !== 0) heights[i] = Number.NaN;
  }
  return heights;
}

/** What `CellPlanes` holds beside the means, in codes. */
export interface BlockBounds {
  readonly east: Uint8Array;
  readonly south: Uint8Array;
  readonly above: Uint8Array;
  readonly below: Uint8Array;
}

export async function packBounds({ east, south, above, below }: BlockBounds): Promise<Bytes> {
  const bytes = new Uint8Array(4 * CELLS);
  bytes.set(above);
  for (let i = 0; i < CELLS; i++) bytes[CELLS + i] = below[i] - above[i];
  bytes.set(east, 2 * CELLS);
  bytes.set(south, 3 * CELLS);
  return deflate(bytes, DEFLATE);
}

/** One word for each cell: above, below, east and south, the lowest byte first. Throws an Error for bytes that are no block. */
export async function unpackBounds(packed: Bytes): Promise<Uint32Array> {
  const bytes = await inflate(packed, { maxOutputLength: 4 * CELLS, chunkSize: 2 ** 18 });
  if (bytes.length !== 4 * CELLS) throw new Error(`bounds of ${bytes.length} bytes`);
  const words = new Uint32Array(CELLS);
  for (let i = 0; i < CELLS; i++) {
    const above = bytes[i];
    const below = (bytes[CELLS + i] + above) & 255;
    words[i] = above | (below << 8) | (bytes[2 * CELLS + i] << 16) | (bytes[3 * CELLS + i] << 24);
  }
  return words;
}

/** Heights in quanta, less the zero bits that all of them end in; undefined when one is no multiple, or too large. */
function wholeNumbers(heights: Float32Array, quantum: number): { values: Int32Array; shift: number } | undefined {
  const values = new Int32Array(CELLS);
  const perUnit = 1 / quantum;
  let all = 0;
  for (let i = 0; i < CELLS; i++) {
    const quanta = heights[i] * perUnit;
    const value = quanta | 0;
    if (value !== quanta && !Number.isNaN(quanta)) return undefined;
    values[i] = value;
    all |= value;
  }
  const shift = all === 0 ? 0 : 31 - Math.clz32(all & -all);
  if (shift > 0) for (let i = 0; i < CELLS; i++) values[i] >>= shift;
  return { values, shift };
}

/** The bits of floats as integers in the order of the floats. */
function sortableBits(heights: Float32Array): Int32Array {
  const values = new Int32Array(heights.buffer, heights.byteOffset, CELLS).slice();
  for (let i = 0; i < CELLS; i++) if (values[i] < 0) values[i] ^= 0x7fffffff;
  return values;
}

function floatsOfBits(values: Int32Array): Float32Array {
  for (let i = 0; i < CELLS; i++) if (values[i] < 0) values[i] ^= 0x7fffffff;
  return new Float32Array(values.buffer, values.byteOffset, CELLS);
}

/** Gives void cells the value before them, which costs least to tell. */
function bridgeVoids(values: Int32Array, heights: Float32Array): void {
  for (let i = 0; i < CELLS; i++) {
    if (Number.isNaN(heights[i])) values[i] = i % BLOCK > 0 ? values[i - 1] : i > 0 ? values[i - BLOCK] : 0;
  }
}

/** From what the neighbours west, north and north-west suggest (the median of theirs and their plane), sign last. */
function takeDifferences(values: Int32Array): Int32Array {
  const out = new Int32Array(CELLS);
  for (let i = 0; i < CELLS; i++) {
    const difference = (values[i] - suggestion(values, i)) | 0;
    out[i] = (difference << 1) ^ (difference >> 31);
  }
  return out;
}

function sumDifferences(values: Int32Array): void {
  for (let i = 0; i < CELLS; i++) {
    const folded = values[i];
    values[i] = suggestion(values, i) + ((folded >>> 1) ^ -(folded & 1));
  }
}

function suggestion(values: Int32Array, i: number): number {
  if (i === 0) return 0;
  if (i < BLOCK) return values[i - 1];
  const north = values[i - BLOCK];
  if (i % BLOCK === 0) return north;
  const west = values[i - 1];
  const corner = values[i - BLOCK - 1];
  if (corner >= Math.max(west, north)) return Math.min(west, north);
  if (corner <= Math.min(west, north)) return Math.max(west, north);
  return (west + north - corner) | 0;
}
