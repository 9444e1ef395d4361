/**
 * An image of a TIFF file whose strips are too large to be unpacked whole: its rows in order, each strip unpacked in a
 * stream (DEFLATE, RFC 1950; ZSTD, RFC 8878), in memory that hangs on the width of a row and not on the strip.
 */
import { pipeline, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';
import type { ReadOptions } from './raster-source.ts';
import { decodeRows, type SampleRule } from './tiff-blocks.ts';
import { leftOut } from './tiff-cells.ts';
import { Compression, rowBytesOf, type TiffImage } from './tiff-header.ts';

/** Bytes read from the file at a time, and about as many unpacked. */
const PACKED_BYTES = 2 ** 20;
const UNPACKED_BYTES = 2 ** 18;
/** Of the rows that are handed out together, about. */
const BAND_BYTES = 2 ** 22;

/** Whole rows, north first, until the last. Refuses with `input-invalid` strips that end early, hold more, or are broken. */
export async function* tiffRows(
  file: ByteFile,
  image: TiffImage,
  rule: SampleRule,
  { signal }: ReadOptions = {},
): AsyncGenerator<Float32Array> {
  for (let block = 0, row = 0; row < image.rows; block++) {
    const rows = Math.min(image.blockRows, image.rows - row);
    yield* stripRows(file, image, block, rows, rule, signal);
    row += rows;
  }
}

async function* stripRows(
  file: ByteFile,
  image: TiffImage,
  block: number,
  rows: number,
  rule: SampleRule,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array> {
  const { columns } = image;
  const rowBytes = rowBytesOf(image);
  const bandRows = Math.max(1, Math.floor(BAND_BYTES / rowBytes));
  const [offset = 0, length = 0] = [image.offsets[block], image.byteCounts[block]];
  if (offset === 0 || length === 0) {
    for (let row = 0; row < rows; row += bandRows) {
      yield new Float32Array(Math.min(bandRows, rows - row) * columns).fill(leftOut(rule));
    }
    return;
  }
  // The last strip of a file may be stored as long as the others.
  const most = rowBytes * image.blockRows;
  let done = 0;
  let unpacked = 0;
  let band = new Uint8Array(Math.min(bandRows, rows) * rowBytes);
  let filled = 0;
  try {
    for await (const bytes of unpack(file, image.compression, offset, length, signal)) {
      signal?.throwIfAborted();
      unpacked += bytes.length;
      if (unpacked > most) throw new Error(`it unpacks to more than the ${most} bytes that its samples need`);
      for (let at = 0; at < bytes.length && done < rows; ) {
        const taken = Math.min(bytes.length - at, band.length - filled);
        band.set(bytes.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
        if (filled < band.length) continue;
        const count = band.length / rowBytes;
        yield decodeRows(image, band, count, rule);
        done += count;
        filled = 0;
        band = new Uint8Array(Math.min(bandRows, rows - done) * rowBytes);
      }
    }
    if (done < rows) throw new Error(`it ends after ${unpacked} of ${rows * rowBytes} bytes`);
  } catch (cause) {
    if (signal?.aborted || cause instanceof RelievoError || (cause as NodeJS.ErrnoException).syscall) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new RelievoError(
      'input-invalid',
      `${file.path} is damaged: the strip at row ${block * image.blockRows} cannot be read beyond row ${block * image.blockRows + done} (${what}); get the file again.`,
      { where: file.path, cause },
    );
  }
}

/** What a strip unpacks to, piece by piece. */
function unpack(
  file: ByteFile,
  compression: number,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> {
  const packed = Readable.from(packedBytes(file, offset, length, signal), { objectMode: false });
  const options = { chunkSize: UNPACKED_BYTES };
  if (compression !== Compression.zstd) return pipeline(packed, zlib.createInflate(options), noted);
  if (typeof zlib.createZstdDecompress !== 'function') throw new Error('ZSTD needs Node 22.15 or later');
  return pipeline(packed, zlib.createZstdDecompress(options), noted);
}

/** Whoever takes the pieces is told of what goes wrong. */
function noted(): void {}

async function* packedBytes(file: ByteFile, offset: number, length: number, signal: AbortSignal | undefined) {
  for (let at = 0; at < length; at += PACKED_BYTES) {
    yield await file.read(offset + at, Math.min(PACKED_BYTES, length - at), { signal });
  }
}
