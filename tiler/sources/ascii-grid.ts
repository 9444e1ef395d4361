/**
 * Esri ASCII grid: a header of keys and values, then the heights row by row from the north, as words that lines may cut
 * anywhere. Plain or gzipped; read as a whole at the first read, in pieces of a megabyte. Coordinates at cell centres.
 */
import { createReadStream } from 'node:fs';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { parseWords } from './ascii-words.ts';
import { BlockCache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff, openByteFile } from './byte-file.ts';
import { describeRaster, MAX_HEIGHT, MAX_WHOLE_SAMPLES, singleLevel, sourceOfCells } from './cell-source.ts';
import { affineOfHeader, numberOf, readEsriHeader, shapeOfHeader } from './esri-header.ts';
import type { PlaceOptions } from './placement.ts';
import { requireFrame } from './placement.ts';
import type { RasterSource } from './raster-source.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical } from './vertical.ts';

export interface WholeFileOptions extends PlaceOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** Where whole decoded files are kept; default: a cache of its own. */
  readonly cache?: BlockCache<Float32Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

/** Bytes of whole decoded files that are kept. */
export const WHOLE_CACHE_BYTES = 4 * MAX_WHOLE_SAMPLES + 1024;

const KIND = 'an Esri ASCII grid';
const HEADER_BYTES = 4096;
/** By Esri's description of the format, where the header has none. */
const DEFAULT_NODATA = -9999;
/** What a byte of deflate can unpack to, at most. */
const MAX_DEFLATE_RATIO = 1032;

/** Whether a file begins as an ASCII grid does. */
export function looksLikeAsciiGrid(start: Uint8Array): boolean {
  const text = Buffer.from(start)
    .toString('latin1')
    .replace(/^\u00EF\u00BB\u00BF/, '');
  return /^\s*(ncols|nrows|[xy]ll(corner|center)|cellsize|nodata(_value)?)[ \t]+[-+.\dn]/i.test(text);
}

/** Opens a grid. Refuses broken ones (`input-invalid`), too large ones (`input-unsupported`) and ones without a `crs`. */
export async function openAsciiGrid(path: string, options: WholeFileOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const start = await file.read(0, Math.min(HEADER_BYTES, file.size));
    const gzipped = start[0] === 0x1f && start[1] === 0x8b;
    const text = (gzipped ? unpackStart(file, start) : start).toString('latin1');
    const { header, end } = readEsriHeader(text);
    const { columns, rows } = shapeOfHeader(header, path);
    const samples = columns * rows;
    if (samples > MAX_WHOLE_SAMPLES) {
      throw new RelievoError(
        'input-unsupported',
        `${path} has ${columns} x ${rows} samples; as text at most ${MAX_WHOLE_SAMPLES} can be read: convert it with gdal_translate -of COG.`,
        { where: path },
      );
    }
    // A sample is a digit and a space at least.
    const bytes = gzipped ? file.size * MAX_DEFLATE_RATIO : file.size;
    if (end + 2 * samples - 1 > bytes) throw cutOff(path, end + 2 * samples - 1, bytes);
    const affine = affineOfHeader(header, rows, path);
    if (affine === undefined) {
      throw invalid(path, 'its header has no xllcorner or xllcenter, and no cellsize');
    }
    const { crs, vertical: found } = await requireFrame(path, KIND, options);
    const vertical = overrideVertical(found, options.vertical ?? {});
    const nodata = nodataOf(header.get('nodata_value') ?? header.get('nodata'), path);
    const info = describeRaster({
      name: file.name,
      format: 'Esri ASCII grid',
      crs,
      affine,
      levels: singleLevel(columns, rows),
      sampleType: 'float32',
      nodata,
      vertical,
      version: options.version ?? '',
    });
    const cache = options.cache ?? new BlockCache<Float32Array>(WHOLE_CACHE_BYTES);
    const rule = { nodata: Math.fround(nodata), limit: MAX_HEIGHT / vertical.unitMetres };
    const load = () => cache.get(`${path}\n`, () => readHeights(path, gzipped, end, columns, rows, rule));
    const grid = { columns, rows, cellColumns: columns, cellRows: rows, cell: load };
    return sourceOfCells(info, [grid], async () => cache.drop(`${path}\n`));
  } finally {
    await file.close();
  }
}

/** The beginning of a gzipped text, as far as the first bytes of the file reach. */
function unpackStart(file: ByteFile, start: Buffer<ArrayBuffer>): Buffer {
  try {
    const maxOutputLength = 2 * HEADER_BYTES * MAX_DEFLATE_RATIO;
    const text = gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
    return text.subarray(0, HEADER_BYTES);
  } catch (cause) {
    throw new RelievoError('input-invalid', `${file.path} cannot be used: its gzip data are damaged; get it again.`, {
      where: file.path,
      cause,
    });
  }
}

function nodataOf(text: string | undefined, path: string): number {
  if (text === undefined) return DEFAULT_NODATA;
  if (/^[+-]?(nan|1\.#\w*)$/i.test(text)) return Number.NaN;
  return numberOf(new Map([['nodata_value', text]]), 'nodata_value', path, DEFAULT_NODATA);
}

interface AsciiRule {
  /** As float32 holds it. */
  readonly nodata: number;
  readonly limit: number;
}

async function readHeights(
  path: string,
  gzipped: boolean,
  headerBytes: number,
  columns: number,
  rows: number,
  { nodata, limit }: AsciiRule,
): Promise<Float32Array> {
  const heights = new Float32Array(columns * rows);
  const stream = createReadStream(path, { highWaterMark: 2 ** 20 });
  const unpacked = gzipped ? stream.pipe(createGunzip({ chunkSize: 2 ** 18 })) : stream;
  if (gzipped) stream.on('error', (error) => unpacked.destroy(error));
  let skip = headerBytes;
  let at = 0;
  let rest = Buffer.alloc(0);
  const take = (word: number): void => {
    if (at === heights.length) throw invalid(path, `it has more numbers than its ${columns} x ${rows} samples`);
    const height = Math.fround(word);
    heights[at++] = height !== nodata && height >= -limit && height <= limit ? height : Number.NaN;
  };
  const refuse = (word: string): never => {
    const place = `row ${Math.floor(at / columns) + 1}, column ${(at % columns) + 1}`;
    throw invalid(path, `"${word.slice(0, 40)}" in ${place} is no number`);
  };
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      const skipped = Math.min(skip, piece.length);
      skip -= skipped;
      const bytes = rest.length === 0 ? piece.subarray(skipped) : Buffer.concat([rest, piece.subarray(skipped)]);
      const done = parseWords(bytes, false, take, refuse);
      rest = Buffer.from(bytes.subarray(done));
      if (rest.length > HEADER_BYTES) refuse(rest.toString('latin1'));
    }
    parseWords(rest, true, take, refuse);
  } catch (cause) {
    if (cause instanceof RelievoError) throw cause;
    throw new RelievoError('input-invalid', `${path} cannot be read to its end (${String(cause)}); get it again.`, {
      where: path,
      cause,
    });
  } finally {
    stream.destroy();
  }
  if (at === heights.length) return heights;
  throw invalid(path, `it is cut off: ${at} of its ${columns} x ${rows} samples are there; get it again`);
}

function invalid(path: string, what: string): RelievoError {
  return new RelievoError('input-invalid', `${path} cannot be used: ${what}.`, { where: path });
}
