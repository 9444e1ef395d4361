/**
 * An image of a TIFF file as cells: a cell is a tile, or as many whole strips as make a piece worth keeping; of uncompressed
 * strips rows are taken as they are needed, and of wide ones a part of each row. Decoded cells go to the cache.
 */
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import type { CellGrid } from './cell-grid.ts';
import { readCells } from './cell-grid.ts';
import type { SampleWindow } from './raster-source.ts';
import type { LercDecoder, SampleRule } from './tiff-blocks.ts';
import { decodeBlock, decodeRows } from './tiff-blocks.ts';
import type { TiffImage } from './tiff-header.ts';
import { Compression, rowBytesOf } from './tiff-header.ts';

/** Samples of a cell of strips: small enough for a window's sake, large enough to be worth a promise. */
const CELL_SAMPLES = 2 ** 17;
/** Columns of a cell of uncompressed strips that are wider: enough for a read to be worth its call. */
const PART_COLUMNS = 2048;

/** Bytes between two strips that are rather read than asked around. */
const MAX_GAP = 4096;

/** Any value that is not 0 is a 1 in a mask. */
const MASK_RULE: SampleRule = { nodata: undefined, scale: 1, offset: 0, limit: Number.POSITIVE_INFINITY };

export function tiffCells(
  file: ByteFile,
  image: TiffImage,
  rule: SampleRule,
  mask: TiffImage | undefined,
  cache: BlockCache<Float32Array>,
  key: string,
  lerc: LercDecoder,
): CellGrid {
  const { cellColumns, cellRows } = cellOf(image);
  const isPart = cellColumns < image.blockColumns;
  const maskCells = mask && tiffCells(file, mask, MASK_RULE, undefined, cache, `${key}\nmask`, lerc);
  return {
    columns: image.columns,
    rows: image.rows,
    cellColumns,
    cellRows,
    cell: (x, y) =>
      cache.get(`${key}\n${x}\n${y}`, async () => {
        const samples = image.tiled
          ? await readTile(file, image, y * image.blocksAcross + x, rule, lerc)
          : isPart
            ? await readPart(
                file,
                image,
                { column: x * cellColumns, row: y * cellRows, columns: cellColumns, rows: cellRows },
                rule,
              )
            : await readStrips(file, image, y * cellRows, cellRows, rule, lerc);
        if (maskCells) {
          const rows = samples.length / cellColumns;
          const window = { column: x * cellColumns, row: y * cellRows, columns: cellColumns, rows };
          await maskSamples(samples, maskCells, window);
        }
        return samples;
      }),
  };
}

/** Of bands that lie apart, the image with the blocks of one; interleaved ones share their blocks. */
export function bandOfImage(image: TiffImage, band: number): TiffImage {
  if (band === 0 || image.bandsPerBlock > 1) return image;
  const blocks = image.blocksAcross * image.blocksDown;
  const [from, to] = [band * blocks, (band + 1) * blocks];
  return { ...image, offsets: image.offsets.subarray(from, to), byteCounts: image.byteCounts.subarray(from, to) };
}

/** Samples of a cell. */
function cellOf(image: TiffImage): { cellColumns: number; cellRows: number } {
  const { columns, rows, tiled, blockColumns, blockRows, compression, bits } = image;
  if (tiled) return { cellColumns: blockColumns, cellRows: blockRows };
  const plain = compression === Compression.none;
  const cellColumns = plain && bits >= 8 && columns > 2 * PART_COLUMNS ? PART_COLUMNS : columns;
  const wanted = Math.min(rows, Math.max(1, Math.floor(CELL_SAMPLES / cellColumns)));
  return { cellColumns, cellRows: plain ? wanted : Math.ceil(wanted / blockRows) * blockRows };
}

/** What of full resolution is worth being read together: a tile, or whole strips. */
export function pieceOf(image: TiffImage): { readonly columns: number; readonly rows: number } {
  const { cellColumns, cellRows } = cellOf(image);
  return { columns: cellColumns, rows: cellRows };
}

/** A part of the rows of uncompressed strips; what lies beyond the last column is whatever. */
async function readPart(
  file: ByteFile,
  image: TiffImage,
  { column, row, columns, rows }: SampleWindow,
  rule: SampleRule,
): Promise<Float32Array> {
  const count = Math.min(rows, image.rows - row);
  const sampleBytes = (image.bandsPerBlock * image.bits) / 8;
  const [width, length] = [columns * sampleBytes, Math.min(columns, image.columns - column) * sampleBytes];
  const bytes = new Uint8Array(count * width);
  const left: number[] = [];
  const reading = Array.from({ length: count }, async (_, k) => {
    const block = Math.floor((row + k) / image.blockRows);
    const { offset, length: whole } = extentOf(image, { block, skip: (row + k) % image.blockRows, rows: 1 });
    if (whole === 0) left.push(k);
    else bytes.set(await file.read(offset + column * sampleBytes, length), k * width);
  });
  await Promise.all(reading);
  const samples = decodeRows({ ...image, blockColumns: columns }, bytes, count, rule);
  for (const k of left) samples.fill(leftOut(rule), k * columns, (k + 1) * columns);
  return samples;
}

/** A sparse file leaves out blocks of nodata, or of 0 where it names no nodata; and so does GDAL read it. */
export function leftOut({ nodata, offset }: SampleRule): number {
  return nodata === undefined ? offset : Number.NaN;
}

/** `rows` rows from `firstRow`, fewer at the south border. */
async function readStrips(
  file: ByteFile,
  image: TiffImage,
  firstRow: number,
  rows: number,
  rule: SampleRule,
  lerc: LercDecoder,
): Promise<Float32Array> {
  const end = Math.min(image.rows, firstRow + rows);
  const out = new Float32Array((end - firstRow) * image.columns);
  const plain = image.compression === Compression.none;
  const pieces: Piece[] = [];
  for (let row = firstRow; row < end; ) {
    const block = Math.floor(row / image.blockRows);
    const start = block * image.blockRows;
    const to = Math.min(end, start + image.blockRows);
    pieces.push(plain ? { block, skip: row - start, rows: to - row } : { block, skip: 0, rows: to - start });
    row = to;
  }
  const data = await readPieces(file, image, pieces);
  let at = 0;
  const decoding = pieces.map(async (piece, i) => {
    const target = at;
    at += piece.rows * image.columns;
    out.set(await decodePiece(file, image, piece, data[i], rule, lerc), target);
  });
  await Promise.all(decoding);
  return out;
}

/** `rows` rows of a block; `skip` rows of an uncompressed one are passed over without being read. */
export interface Piece {
  readonly block: number;
  readonly skip: number;
  readonly rows: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes of pieces; those that lie one after another in the file are read at once. Undefined for one left out. */
export async function readPieces(
  file: ByteFile,
  image: TiffImage,
  pieces: readonly Piece[],
): Promise<(Bytes | undefined)[]> {
  const data: (Bytes | undefined)[] = [];
  for (let i = 0; i < pieces.length; ) {
    const first = extentOf(image, pieces[i]);
    if (first.length === 0) {
      data[i++] = undefined;
      continue;
    }
    const run = [first];
    let end = first.offset + first.length;
    while (i + run.length < pieces.length) {
      const next = extentOf(image, pieces[i + run.length]);
      if (next.length === 0 || next.offset < end || next.offset - end > MAX_GAP) break;
      run.push(next);
      end = next.offset + next.length;
    }
    const bytes = await file.read(first.offset, end - first.offset);
    for (const { offset, length } of run) {
      const from = offset - first.offset;
      data[i++] = bytes.subarray(from, from + length);
    }
  }
  return data;
}

function extentOf(image: TiffImage, piece: Piece | undefined): { offset: number; length: number } {
  if (piece === undefined) return { offset: 0, length: 0 };
  const offset = image.offsets[piece.block] ?? 0;
  const length = image.byteCounts[piece.block] ?? 0;
  if (offset === 0 || length === 0) return { offset: 0, length: 0 };
  if (image.compression !== Compression.none) return { offset, length };
  const rowBytes = rowBytesOf(image);
  return { offset: offset + piece.skip * rowBytes, length: piece.rows * rowBytes };
}

async function decodePiece(
  file: ByteFile,
  image: TiffImage,
  { block, rows }: Piece,
  data: Bytes | undefined,
  rule: SampleRule,
  lerc: LercDecoder,
): Promise<Float32Array> {
  if (data === undefined) {
    return new Float32Array(rows * image.blockColumns).fill(leftOut(rule));
  }
  try {
    return await decodeBlock(image, data, rows, rule, lerc);
  } catch (cause) {
    throw damagedBlock(file, image, block, cause);
  }
}

export function damagedBlock(file: ByteFile, image: TiffImage, block: number, cause: unknown): RelievoError {
  const what = cause instanceof Error ? cause.message : String(cause);
  const across = block % image.blocksAcross;
  const down = Math.floor(block / image.blocksAcross);
  return new RelievoError(
    'input-invalid',
    `${file.path} is damaged: the block at column ${across * image.blockColumns}, row ${down * image.blockRows} cannot be read (${what}); get the file again.`,
    { where: file.path, cause },
  );
}

async function readTile(file: ByteFile, image: TiffImage, block: number, rule: SampleRule, lerc: LercDecoder) {
  const piece = { block, skip: 0, rows: image.blockRows };
  const [data] = await readPieces(file, image, [piece]);
  return decodePiece(file, image, piece, data, rule, lerc);
}

/** Makes void what the mask leaves out of a window. */
async function maskSamples(samples: Float32Array, mask: CellGrid, window: SampleWindow): Promise<void> {
  const valid = await readCells(mask, window, undefined, undefined);
  for (let i = 0; i < samples.length; i++) if (valid[i] === 0) samples[i] = Number.NaN;
}
