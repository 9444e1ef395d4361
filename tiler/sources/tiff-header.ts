/**
 * What a TIFF file says of its images, held against the length of the file and against what can be decoded here, before
 * a single sample is read (TIFF 6.0; GDAL's conventions for overviews, masks, sparse files and nodata).
 */
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff } from './byte-file.ts';
import type { TiffDirectory } from './tiff-tags.ts';
import { readDirectories } from './tiff-tags.ts';

export type SampleType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** One image of the file: its full resolution, an overview or a mask. */
export interface TiffImage {
  readonly columns: number;
  readonly rows: number;
  readonly tiled: boolean;
  /** Samples of a tile; of a strip: all columns, and its rows. */
  readonly blockColumns: number;
  readonly blockRows: number;
  readonly blocksAcross: number;
  readonly blocksDown: number;
  readonly bands: number;
  /** Bands that lie interleaved in one block: 1 where each has blocks of its own. */
  readonly bandsPerBlock: number;
  readonly bits: number;
  /** Undefined for the 1-bit samples of a mask. */
  readonly sampleType: SampleType | undefined;
  readonly compression: number;
  readonly predictor: number;
  /** LERC's second compression: 0 none, 1 deflate, 2 zstd. */
  readonly lercAddition: number;
  readonly littleEndian: boolean;
  readonly reduced: boolean;
  readonly mask: boolean;
  /** Whether its strips are too large to be unpacked whole: they can be read from their beginning on, a few rows at a time. */
  readonly forwardOnly: boolean;
  /** Byte offset and length of each block; both 0 for a block that is left out (sparse file). */
  readonly offsets: Float64Array;
  readonly byteCounts: Float64Array;
  readonly directory: TiffDirectory;
}

export const Tag = {
  subfileType: 254,
  columns: 256,
  rows: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  bands: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planar: 284,
  predictor: 317,
  tileColumns: 322,
  tileRows: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  sampleFormat: 339,
  pixelScale: 33550,
  tiePoints: 33922,
  transformation: 34264,
  geoKeys: 34735,
  geoDoubles: 34736,
  geoText: 34737,
  gdalMetadata: 42112,
  gdalNodata: 42113,
  lercParameters: 50674,
} as const;

export const Compression = {
  none: 1,
  lzw: 5,
  deflate: 8,
  oldDeflate: 32946,
  packBits: 32773,
  lerc: 34887,
  zstd: 50000,
} as const;

/** What only pictures have. */
export const ColourTag = {
  colourMap: 320,
  extraSamples: 338,
  jpegTables: 347,
  copyright: 33432,
} as const;

/** Codings of pictures, which lose a little. */
export const ColourCompression = { jpeg: 7, webp: 50001 } as const;

const DECODABLE: ReadonlySet<number> = new Set(Object.values(Compression));
/** Those that can be unpacked in a stream. */
const STREAMED: ReadonlySet<number> = new Set([Compression.deflate, Compression.oldDeflate, Compression.zstd]);
const OTHERS: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'CCITT fax',
  4: 'CCITT fax',
  6: 'JPEG',
  7: 'JPEG',
  34712: 'JPEG 2000',
  34925: 'LZMA',
  50001: 'WebP',
  50002: 'JPEG XL',
};
const MAX_SIDE = 2 ** 31;
/** No block begins before the end of the header. */
const HEADER_BYTES = 8;
/** Of a block that is decoded as a whole, and of a row of any other. */
const MAX_BLOCK_BYTES = 2 ** 29;
const MAX_BLOCK_SAMPLES = 2 ** 26;
const MAX_ROW_SAMPLES = 2 ** 24;
/** Of a strip that is unpacked a few rows at a time: of a row, and of the image. */
const MAX_STREAMED_COLUMNS = 2 ** 17;
const MAX_STREAMED_ROW_BYTES = 2 ** 24;
const MAX_STREAMED_SAMPLES = 2 ** 36;

export interface TiffHeaderOptions {
  /** Takes full images whose strips can only be read forwards, which are refused otherwise. */
  readonly forward?: boolean | undefined;
  /** Samples of a block that is unpacked whole; default 2^26. */
  readonly maxBlockSamples?: number | undefined;
  /** Takes every directory, up to so many, for an image of its own: a document of pages. */
  readonly pages?: number | undefined;
  /** Takes pictures, which are refused otherwise, with the codings that only they have. */
  readonly colours?: boolean | undefined;
}

/** The images of the file, in the order of their directories. Refuses what is broken or cannot be decoded. */
export async function readTiffHeader(file: ByteFile, options: TiffHeaderOptions = {}): Promise<TiffImage[]> {
  const { pages, colours = false } = options;
  const wanted = new Set<number>([...Object.values(Tag), ...(colours ? Object.values(ColourTag) : [])]);
  const { littleEndian, directories } = await readDirectories(file, wanted, pages);
  const images: TiffImage[] = [];
  for (const [i, directory] of directories.entries()) {
    const subfile = numberOf(directory, Tag.subfileType) ?? 0;
    // Later directories count only as overviews and masks; other pages of a document are nothing to us.
    if (pages === undefined && i > 0 && (subfile & 5) === 0) continue;
    images.push(readImage(file, directory, littleEndian, subfile, options));
  }
  return images;
}

function readImage(
  file: ByteFile,
  directory: TiffDirectory,
  littleEndian: boolean,
  subfile: number,
  { forward = false, maxBlockSamples = MAX_BLOCK_SAMPLES, colours = false }: TiffHeaderOptions,
): TiffImage {
  const invalid = (what: string) =>
    new RelievoError('input-invalid', `${file.path} is not a sound TIFF file: ${what}; get it again.`, {
      where: file.path,
    });
  const columns = numberOf(directory, Tag.columns) ?? 0;
  const rows = numberOf(directory, Tag.rows) ?? 0;
  if (!isSide(columns) || !isSide(rows))
    throw invalid(`an image of ${columns} x ${rows} samples; expected 1 to ${MAX_SIDE} a side`);

  const mask = (subfile & 4) !== 0;
  const bands = numberOf(directory, Tag.bands) ?? 1;
  if (!(Number.isInteger(bands) && bands >= 1 && bands <= 65535)) throw invalid(`${bands} bands`);
  const bits = uniform(directory, Tag.bits, 1);
  const format = uniform(directory, Tag.sampleFormat, 1);
  const sampleType = sampleTypeOf(format, bits);
  const planar = numberOf(directory, Tag.planar) ?? 1;
  if (planar !== 1 && planar !== 2) throw invalid(`planar configuration ${planar}; expected 1 or 2`);
  const bandsPerBlock = planar === 1 ? bands : 1;
  if (bits === undefined || format === undefined) {
    throw unsupported(file, 'its bands are of different types', 'extract the heights with gdal_translate -b 1');
  }
  if (sampleType === undefined && !(mask && bits === 1 && bands === 1)) {
    if (bits < 1 || bits > 64) throw invalid(`${bits} bits a sample; expected 8, 16, 32 or 64`);
    throw unsupported(
      file,
      `its samples have ${bits} bits in sample format ${format}`,
      'convert it with gdal_translate -ot Float32',
    );
  }
  const { compression, predictor } = readCoding(file, directory, format, colours && !mask);
  if (!mask && !colours) refusePictures(file, directory, bands, bits);
  if ((numberOf(directory, Tag.fillOrder) ?? 1) !== 1)
    throw unsupported(file, 'its bits are stored in reverse', 'rewrite it with gdal_translate');

  const tileOffsets = directory.numbers(Tag.tileOffsets);
  const tiled = tileOffsets !== undefined || directory.numbers(Tag.tileColumns) !== undefined;
  const stripRows = numberOf(directory, Tag.rowsPerStrip) ?? rows;
  const blockColumns = tiled ? (numberOf(directory, Tag.tileColumns) ?? 0) : columns;
  const blockRows = tiled ? (numberOf(directory, Tag.tileRows) ?? 0) : Math.min(stripRows, rows);
  if (!isSide(blockColumns) || !isSide(blockRows))
    throw invalid(`${tiled ? 'tiles' : 'strips'} of ${blockColumns} x ${blockRows} samples`);
  const blockBytes = Math.ceil((blockColumns * bandsPerBlock * bits) / 8) * blockRows;
  const whole = tiled || compression !== Compression.none;
  const blockSamples = blockColumns * blockRows;
  const tooLarge = whole ? blockBytes > MAX_BLOCK_BYTES || blockSamples > maxBlockSamples : columns > MAX_ROW_SAMPLES;
  const canStream =
    !tiled &&
    (subfile & 5) === 0 &&
    STREAMED.has(compression) &&
    columns <= MAX_STREAMED_COLUMNS &&
    blockBytes / blockRows <= MAX_STREAMED_ROW_BYTES &&
    columns * rows <= MAX_STREAMED_SAMPLES;
  const forwardOnly = tooLarge && whole && forward && canStream;
  if (tooLarge && !forwardOnly) {
    throw unsupported(
      file,
      whole
        ? `each of its blocks holds ${Math.round(blockSamples / 1e6)} million samples`
        : `each of its rows is one piece of ${Math.round(columns / 1e6)} million samples`,
      'rewrite it with gdal_translate -co TILED=YES',
    );
  }

  const offsets = tileOffsets ?? directory.numbers(Tag.stripOffsets);
  const byteCounts = directory.numbers(tiled ? Tag.tileByteCounts : Tag.stripByteCounts);
  if (offsets === undefined || byteCounts === undefined) throw invalid('it does not say where its samples lie');
  const blocksAcross = tiled ? Math.ceil(columns / blockColumns) : 1;
  const blocksDown = Math.ceil(rows / blockRows);
  const blocks = blocksAcross * blocksDown * (planar === 2 ? bands : 1);
  if (offsets.length < blocks || byteCounts.length < blocks) {
    throw invalid(
      `${columns} x ${rows} samples are ${blocks} blocks, but it lists ${Math.min(offsets.length, byteCounts.length)}`,
    );
  }
  const image: TiffImage = {
    columns,
    rows,
    tiled,
    blockColumns,
    blockRows,
    blocksAcross,
    blocksDown,
    bands,
    bandsPerBlock,
    bits,
    sampleType,
    compression,
    predictor,
    lercAddition: directory.numbers(Tag.lercParameters)?.[1] ?? 0,
    littleEndian,
    reduced: (subfile & 1) !== 0,
    mask,
    forwardOnly,
    offsets,
    byteCounts,
    directory,
  };
  checkBlocks(file, image, colours ? blocks : blocksAcross * blocksDown, invalid);
  return image;
}

/** Each of the first `blocks` blocks lies inside the file; uncompressed ones are as long as their samples. */
function checkBlocks(file: ByteFile, image: TiffImage, blocks: number, invalid: (what: string) => RelievoError): void {
  const { offsets, byteCounts } = image;
  const rowBytes = rowBytesOf(image);
  let end = 0;
  let last = 0;
  let length = 0;
  for (let i = 0; i < blocks; i++) {
    const offset = offsets[i] ?? 0;
    const bytes = byteCounts[i] ?? 0;
    if (offset === 0 && bytes === 0) continue;
    if (!(Number.isSafeInteger(offset) && offset >= HEADER_BYTES && Number.isSafeInteger(bytes)))
      throw invalid(`block ${i} lies at byte ${offset}`);
    if (image.compression === Compression.none) {
      const row = (Math.floor(i / image.blocksAcross) % image.blocksDown) * image.blockRows;
      const expected = rowBytes * (image.tiled ? image.blockRows : Math.min(image.blockRows, image.rows - row));
      if (bytes < expected) throw invalid(`block ${i} has ${bytes} bytes where its samples need ${expected}`);
      // Equal blocks may be stored once; a part in common means that an offset is wrong.
      if (offset !== last && offset < last + length && last < offset + expected)
        throw invalid(`block ${i} and the one before it overlap (bytes ${last} and ${offset})`);
      last = offset;
      length = expected;
      end = Math.max(end, offset + expected);
    } else end = Math.max(end, offset + bytes);
  }
  if (end > file.size) throw cutOff(file.path, end, file.size);
}

/** Bytes of a row of a decoded block, all its bands. */
export function rowBytesOf({ blockColumns, bandsPerBlock, bits }: TiffImage): number {
  return Math.ceil((blockColumns * bandsPerBlock * bits) / 8);
}

function readCoding(file: ByteFile, directory: TiffDirectory, format: number, colours: boolean) {
  const compression = numberOf(directory, Tag.compression) ?? 1;
  const ofColours = compression === ColourCompression.jpeg || compression === ColourCompression.webp;
  if (!DECODABLE.has(compression) && !(colours && ofColours)) {
    throw unsupported(
      file,
      `its compression is ${OTHERS[compression] ?? `number ${compression}`}`,
      'rewrite it with gdal_translate -co COMPRESS=DEFLATE',
    );
  }
  // A predictor beside a compression that has none is left over from another program and means nothing.
  const predicts =
    compression === Compression.lzw ||
    compression === Compression.deflate ||
    compression === Compression.oldDeflate ||
    compression === Compression.zstd;
  const predictor = predicts ? (numberOf(directory, Tag.predictor) ?? 1) : 1;
  if (predictor !== 1 && predictor !== 2 && !(predictor === 3 && format === 3)) {
    throw unsupported(file, `its predictor is ${predictor}`, 'rewrite it with gdal_translate -co PREDICTOR=1');
  }
  return { compression, predictor };
}

function refusePictures(file: ByteFile, directory: TiffDirectory, bands: number, bits: number): void {
  const photometric = numberOf(directory, Tag.photometric) ?? 1;
  if ((photometric === 2 && bands >= 3 && bits === 8) || photometric === 3 || photometric === 6) {
    throw unsupported(
      file,
      'it is a picture in colour, not a raster of heights',
      'give the elevation file; imagery is for the globe to lay on top',
    );
  }
}

function sampleTypeOf(format: number | undefined, bits: number | undefined): SampleType | undefined {
  if (format === 3) return bits === 32 ? 'float32' : bits === 64 ? 'float64' : undefined;
  const signed = format === 2;
  if (!signed && format !== 1 && format !== 4) return undefined;
  if (bits === 8) return signed ? 'int8' : 'uint8';
  if (bits === 16) return signed ? 'int16' : 'uint16';
  if (bits === 32) return signed ? 'int32' : 'uint32';
  return undefined;
}

/** The one value that all bands share; undefined when they differ. */
function uniform(directory: TiffDirectory, tag: number, fallback: number): number | undefined {
  const values = directory.numbers(tag);
  const first = values?.[0] ?? fallback;
  return values?.every((value) => value === first) === false ? undefined : first;
}

function numberOf(directory: TiffDirectory, tag: number): number | undefined {
  return directory.numbers(tag)?.[0];
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= MAX_SIDE;
}

function unsupported(file: ByteFile, what: string, remedy: string): RelievoError {
  return new RelievoError('input-unsupported', `${file.path} cannot be used: ${what}; ${remedy}.`, {
    where: file.path,
  });
}
