/** Bands of a piece of a TIFF picture, as they are stored: of tiles or whole strips, interleaved or apart. */
import type { ByteFile } from './byte-file.ts';
import { decodePicture, joinJpeg } from './picture-codec.ts';
import type { BandSamples } from './picture-colours.ts';
import { decodeSamples, type Samples } from './tiff-blocks.ts';
import { bandOfImage, damagedBlock, type Piece, readPieces } from './tiff-cells.ts';
import { ColourCompression, ColourTag, Tag, type TiffImage } from './tiff-header.ts';

export interface TiffCell {
  /** Of tiles: the column of tiles. Strips are one. */
  readonly x: number;
  /** First row; of tiles and of compressed strips a multiple of their rows. */
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Samples of the bands `wanted`, by their number; rows below the image hold anything. Undefined where the file leaves the
 * cell out and names a `nodata`; without one what is left out is 0. Refuses damaged blocks with `input-invalid`.
 */
export async function readTiffPixels(
  file: ByteFile,
  image: TiffImage,
  cell: TiffCell,
  wanted: readonly number[],
  nodata: number | undefined,
): Promise<(BandSamples | undefined)[] | undefined> {
  const { bandsPerBlock } = image;
  const pieces = piecesOf(image, cell);
  const bands: (BandSamples | undefined)[] = [];
  if (bandsPerBlock > 1 || image.bands === 1) {
    const samples = await readSamples(file, image, cell, pieces, nodata);
    if (samples === undefined) return undefined;
    for (const band of wanted) bands[band] = { samples, stride: bandsPerBlock, at: band };
    return bands;
  }
  for (const band of wanted) {
    const samples = await readSamples(file, bandOfImage(image, band), cell, pieces, nodata);
    if (samples === undefined) return undefined;
    bands[band] = { samples, stride: 1, at: 0 };
  }
  return bands;
}

function piecesOf(image: TiffImage, { x, row, rows }: TiffCell): Piece[] {
  const { tiled, blockRows, blocksAcross } = image;
  const first = Math.floor(row / blockRows);
  if (tiled) return [{ block: first * blocksAcross + x, skip: 0, rows: blockRows }];
  const end = Math.min(image.rows, row + rows);
  const pieces: Piece[] = [];
  for (let block = first; block * blockRows < end; block++) {
    const from = Math.max(row, block * blockRows);
    const to = Math.min(end, (block + 1) * blockRows);
    pieces.push({ block, skip: from - block * blockRows, rows: to - from });
  }
  return pieces;
}

/** Undefined where all is left out and `nodata` is named. */
async function readSamples(
  file: ByteFile,
  image: TiffImage,
  { columns, rows }: TiffCell,
  pieces: readonly Piece[],
  nodata: number | undefined,
): Promise<Samples | undefined> {
  const data = await readPieces(file, image, pieces);
  if (nodata !== undefined && data.every((bytes) => bytes === undefined)) return undefined;
  const count = columns * rows * image.bandsPerBlock;
  const out = image.sampleType === 'uint16' ? new Uint16Array(count) : new Uint8Array(count);
  if (nodata !== undefined) out.fill(nodata);
  let at = 0;
  const decoding = pieces.map(async (piece, i) => {
    const target = at;
    at += piece.rows * columns * image.bandsPerBlock;
    const bytes = data[i];
    if (bytes === undefined) return;
    try {
      out.set(await decode(image, bytes, piece.rows), target);
    } catch (cause) {
      throw damagedBlock(file, image, piece.block, cause);
    }
  });
  await Promise.all(decoding);
  return out;
}

/** `rows` rows of a block, all its bands. Throws an Error with what is wrong with the bytes. */
async function decode(image: TiffImage, data: Bytes, rows: number): Promise<Samples> {
  const { compression, blockColumns, blockRows, bandsPerBlock, directory } = image;
  const isJpeg = compression === ColourCompression.jpeg;
  if (!isJpeg && compression !== ColourCompression.webp) return decodeSamples(image, data, rows);
  const tables = directory.numbers(ColourTag.jpegTables);
  const isYCbCr = directory.numbers(Tag.photometric)?.[0] === 6;
  const bytes = isJpeg ? joinJpeg(tables && Uint8Array.from(tables), data, isYCbCr) : data;
  const pixels = await decodePicture(bytes, blockColumns * blockRows);
  if (pixels.columns !== blockColumns || pixels.rows < rows) {
    throw new Error(`it holds ${pixels.columns} x ${pixels.rows} pixels; expected ${blockColumns} x ${rows}`);
  }
  return withChannels(pixels.data, pixels.channels, bandsPerBlock, blockColumns * rows);
}

/** Decoders give grey as three channels, or leave out opacity where all is opaque. */
function withChannels(data: Uint8Array, channels: number, bands: number, count: number): Samples {
  if (channels === bands) return data.subarray(0, count * bands);
  const isKnown = (bands === 1 && channels === 3) || (bands === 4 && channels === 3);
  if (!isKnown) throw new Error(`it holds ${channels} channels; expected ${bands}`);
  const out = new Uint8Array(count * bands).fill(255);
  for (let i = 0; i < count; i++) {
    for (let band = 0; band < Math.min(bands, 3); band++) out[i * bands + band] = data[i * channels + band];
  }
  return out;
}
