/**
 * One tile or strip of a TIFF file: bytes to heights. Decompression never yields more than the block's own size;
 * samples come out in the file's unit after scale and offset, NaN for void.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { LercHeader } from './lerc-mask.ts';
import { readLercHeader } from './lerc-mask.ts';
import type { SampleType, TiffImage } from './tiff-header.ts';
import { Compression, rowBytesOf } from './tiff-header.ts';
import { unpackLzw, unpackPackBits } from './tiff-unpack.ts';

/** Which raw values are void, and what the others mean: height = raw * scale + offset. */
export interface SampleRule {
  /** As the file gives it; undefined when none. */
  readonly nodata: number | undefined;
  readonly scale: number;
  readonly offset: number;
  /** Heights farther than this from 0, in the file's unit, are void. */
  readonly limit: number;
  /** Which of the bands that lie interleaved in a block; default the first. */
  readonly band?: number | undefined;
}

/** Bytes of one LERC blob to the bytes of its samples, little-endian. */
export type LercDecoder = (blob: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;

type Bytes = Uint8Array<ArrayBuffer>;
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

const inflate = promisify<Bytes, zlib.ZlibOptions, Buffer<ArrayBuffer>>(zlib.inflate);

/** The first band's samples of `rows` rows of a block. Throws an Error with what is wrong with the bytes. */
export async function decodeBlock(
  image: TiffImage,
  data: Bytes,
  rows: number,
  rule: SampleRule,
  lerc: LercDecoder,
): Promise<Float32Array> {
  if (image.compression === Compression.lerc) return decodeLerc(image, data, rows, rule, lerc);
  const bytes = await decompress(image.compression, data, rowBytesOf(image) * image.blockRows);
  return decodeRows(image, bytes, rows, rule);
}

/** All bands' samples of `rows` rows of a block of 8 bits or more, as they are stored. Not of LERC. */
export async function decodeSamples(image: TiffImage, data: Bytes, rows: number): Promise<Samples> {
  const bytes = await decompress(image.compression, data, rowBytesOf(image) * image.blockRows);
  return samplesOf(image, enoughBytes(image, bytes, rows), rows);
}

/** The first band's samples of `rows` rows that are unpacked already. The bytes may be changed. Throws an Error for too few. */
export function decodeRows(image: TiffImage, unpacked: Bytes, rows: number, rule: SampleRule): Float32Array {
  const bytes = enoughBytes(image, unpacked, rows);
  if (image.bits === 1) return unpackBits(bytes, image.blockColumns, rows);
  return heightsOf(samplesOf(image, bytes, rows), image.bandsPerBlock, rows * image.blockColumns, rule);
}

function enoughBytes(image: TiffImage, unpacked: Bytes, rows: number): Bytes {
  const needed = rows * rowBytesOf(image);
  const bytes = ownBytes(unpacked);
  if (bytes.length < needed) throw new Error(`it ends after ${bytes.length} of ${needed} bytes`);
  return bytes;
}

/** Samples in the machine's own order of bytes, the predictor undone in place. */
function samplesOf(image: TiffImage, bytes: Bytes, rows: number): Samples {
  // The floating-point predictor stores bytes by significance, so its result has no order of the file's.
  if (!image.littleEndian && image.predictor !== 3) swapBytes(bytes, image.bits);
  if (image.predictor !== 1) undoPredictor(image, bytes, rows);
  return viewAs(image.sampleType, bytes.buffer, rows * image.blockColumns * image.bandsPerBlock);
}

async function decompress(compression: number, data: Bytes, maxBytes: number): Promise<Bytes> {
  switch (compression) {
    case Compression.deflate:
    case Compression.oldDeflate:
      return bounded(inflateWithin(data, maxBytes), maxBytes);
    case Compression.zstd:
      return bounded(zstd(data, maxBytes), maxBytes);
    case Compression.lzw:
      return unpackLzw(data, maxBytes);
    case Compression.packBits:
      return unpackPackBits(data, maxBytes);
    default:
      return data;
  }
}

/** Small blocks at once: a trip to zlib's threads costs more than they do. */
async function inflateWithin(data: Bytes, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const options = { maxOutputLength: maxBytes, chunkSize: chunkFor(maxBytes) };
  return maxBytes <= 2 ** 15 ? zlib.inflateSync(data, options) : inflate(data, options);
}

async function zstd(data: Bytes, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  if (typeof zlib.zstdDecompress !== 'function') throw new Error('ZSTD needs Node 22.15 or later');
  return promisify<Bytes, zlib.ZstdOptions, Buffer<ArrayBuffer>>(zlib.zstdDecompress)(data, {
    maxOutputLength: maxBytes,
    chunkSize: chunkFor(maxBytes),
  });
}

/** The whole block in one piece where it is small: zlib's own 16 KiB would be put together from many. */
function chunkFor(maxBytes: number): number {
  return Math.min(Math.max(maxBytes, 1024), 2 ** 21);
}

async function bounded(output: Promise<Bytes>, maxBytes: number): Promise<Bytes> {
  try {
    return await output;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Error(`it unpacks to more than the ${maxBytes} bytes that its samples need`);
    }
    throw cause;
  }
}

async function decodeLerc(
  image: TiffImage,
  data: Bytes,
  rows: number,
  rule: SampleRule,
  lerc: LercDecoder,
): Promise<Float32Array> {
  // A blob may be a little longer than its samples: it carries a header and a mask.
  const maxBytes = rowBytesOf(image) * image.blockRows * 2 + 4096;
  const coding = [Compression.none, Compression.deflate, Compression.zstd][image.lercAddition];
  if (coding === undefined) throw new Error(`LERC with a second compression of number ${image.lercAddition}`);
  const blob = new Uint8Array(await decompress(coding, data, maxBytes));
  const header = readLercHeader(blob, image.blockRows * image.blockColumns);
  if (header.columns !== image.blockColumns || header.rows < rows || header.rows > image.blockRows) {
    throw new Error(`it holds ${header.columns} x ${header.rows} samples; expected ${image.blockColumns} x ${rows}`);
  }
  if (header.depth !== image.bandsPerBlock || header.sampleType !== (image.sampleType ?? 'uint8')) {
    throw new Error(
      `its LERC data have ${header.depth} values of type ${header.sampleType} a sample; expected ${image.bandsPerBlock} of type ${image.sampleType}`,
    );
  }
  const count = rows * image.blockColumns;
  if (header.valid?.length === 0) return new Float32Array(count).fill(Number.NaN);
  const bytes = ownBytes(new Uint8Array(await lerc(blob)));
  if ((bytes.length * 8) / image.bits < count * image.bandsPerBlock) throw new Error('its LERC data are too short');
  const heights = heightsOf(
    viewAs(image.sampleType, bytes.buffer, count * image.bandsPerBlock),
    image.bandsPerBlock,
    count,
    rule,
  );
  return applyMask(heights, header);
}

function applyMask(heights: Float32Array, { valid }: LercHeader): Float32Array {
  if (valid) for (let i = 0; i < heights.length; i++) if (valid[i] === 0) heights[i] = Number.NaN;
  return heights;
}

/** One of `stride` interleaved bands as heights. */
export function heightsOf(samples: Samples, stride: number, count: number, rule: SampleRule): Float32Array {
  const { scale, offset, limit } = rule;
  const nodata = storable(rule.nodata, samples);
  const heights = new Float32Array(count);
  for (let i = 0, s = rule.band ?? 0; i < count; i++, s += stride) {
    const raw = samples[s] ?? Number.NaN;
    const height = raw * scale + offset;
    // Written so that NaN fails it.
    heights[i] = raw !== nodata && height >= -limit && height <= limit ? height : Number.NaN;
  }
  return heights;
}

/** Nodata as the sample type holds it; NaN, which equals nothing, where it cannot hold it. */
function storable(nodata: number | undefined, samples: Samples): number {
  if (nodata === undefined) return Number.NaN;
  const box = samples.slice(0, 1);
  box[0] = nodata;
  const stored = box[0] ?? Number.NaN;
  return samples instanceof Float32Array || stored === nodata ? stored : Number.NaN;
}

function unpackBits(bytes: Bytes, columns: number, rows: number): Float32Array {
  const rowBytes = Math.ceil(columns / 8);
  const out = new Float32Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++)
      out[r * columns + c] = ((bytes[r * rowBytes + (c >> 3)] ?? 0) >> (7 - (c & 7))) & 1;
  }
  return out;
}

function undoPredictor(image: TiffImage, bytes: Bytes, rows: number): void {
  const width = image.blockColumns * image.bandsPerBlock;
  const stride = image.bandsPerBlock;
  if (image.predictor === 2) {
    const values = integersOf(image.bits, bytes.buffer, rows * width);
    for (let r = 0; r < rows; r++) sumAlong(values, r * width, width, stride);
    return;
  }
  const size = image.bits / 8;
  const row = new Uint8Array(width * size);
  for (let r = 0; r < rows; r++) {
    const at = r * width * size;
    row.set(bytes.subarray(at, at + row.length));
    for (let i = stride; i < row.length; i++) row[i] = (row[i] ?? 0) + (row[i - stride] ?? 0);
    for (let i = 0; i < width; i++) {
      for (let b = 0; b < size; b++) bytes[at + i * size + b] = row[(size - 1 - b) * width + i] ?? 0;
    }
  }
}

type Integers = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

function integersOf(bits: number, buffer: ArrayBuffer, count: number): Integers {
  if (bits === 8) return new Uint8Array(buffer, 0, count);
  if (bits === 16) return new Uint16Array(buffer, 0, count);
  if (bits === 32) return new Uint32Array(buffer, 0, count);
  return new BigUint64Array(buffer, 0, count);
}

function sumAlong(values: Integers, from: number, width: number, stride: number): void {
  if (values instanceof BigUint64Array) {
    for (let i = from + stride; i < from + width; i++) values[i] = (values[i] ?? 0n) + (values[i - stride] ?? 0n);
  } else {
    for (let i = from + stride; i < from + width; i++) values[i] = (values[i] ?? 0) + (values[i - stride] ?? 0);
  }
}

/** Turns the order of the bytes of each sample round, in place. */
export function swapBytes(bytes: Bytes, bits: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % (bits / 8)));
  if (bits === 16) buffer.swap16();
  else if (bits === 32) buffer.swap32();
  else if (bits === 64) buffer.swap64();
}

/** The same bytes alone in a buffer of their own, so that every sample type can view them. */
function ownBytes(bytes: Bytes): Bytes {
  const alone = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  // Not slice(): that of a Buffer is a view.
  return alone ? bytes : new Uint8Array(bytes);
}

/** `count` samples of a type over a buffer, in the machine's own order of bytes. */
export function viewAs(type: SampleType | undefined, buffer: ArrayBuffer, count: number): Samples {
  switch (type) {
    case 'int8':
      return new Int8Array(buffer, 0, count);
    case 'uint16':
      return new Uint16Array(buffer, 0, count);
    case 'int16':
      return new Int16Array(buffer, 0, count);
    case 'uint32':
      return new Uint32Array(buffer, 0, count);
    case 'int32':
      return new Int32Array(buffer, 0, count);
    case 'float32':
      return new Float32Array(buffer, 0, count);
    case 'float64':
      return new Float64Array(buffer, 0, count);
    default:
      return new Uint8Array(buffer, 0, count);
  }
}
