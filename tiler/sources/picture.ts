/**
 * Pictures that the user names, to lay over terrain: a GeoTIFF, or a PNG, JPEG or WebP with a world file beside it and its
 * coordinate system in a `.prj` or by `--texture-crs`. Found by their content.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import { hashFile, inFile, openByteFile } from './byte-file.ts';
import { describeRaster, singleLevel } from './cell-source.ts';
import { openFileMemo } from './file-memo.ts';
import { openTiffPicture, type PictureOptions } from './geotiff-picture.ts';
import { CODECS, type Codec, codecOf, decodePicture, readPictureSize, wordsOf } from './picture-codec.ts';
import { pictureOfCells } from './picture-levels.ts';
import type { PictureSource } from './picture-source.ts';
import { findAffine, findFrame } from './placement.ts';
import type { ReadOptions } from './raster-source.ts';
import { findMask, findOverviews } from './sidecars.ts';
import { isRemoteName, shownName } from './source-name.ts';
import { looksLikeTiff } from './tiff-tags.ts';
import { untilAborted } from './until-aborted.ts';
import { verticalUnknown } from './vertical.ts';

export interface OpenPictureOptions extends ReadOptions {
  /** `EPSG:code`, a proj4 string, WKT, or the path of a `.prj`; goes before what the file says. */
  readonly sourceCrs?: string | undefined;
  /** Where pixels are kept, of all pictures together. */
  readonly cache: BlockCache<Uint32Array>;
  /** Absolute; hashes of files are remembered there. */
  readonly cacheFolder?: string | undefined;
}

/** A file that is decoded as a whole and kept: 4 bytes a pixel. */
const MAX_WHOLE_PIXELS = 2 ** 26;

/** Opens a file or what is at an address. Refuses with a sentence each: missing, broken, of no known kind, without a place. */
export async function openPicture(name: string, options: OpenPictureOptions): Promise<PictureSource> {
  const { sourceCrs, cache, signal } = options;
  const start = await startOf(name, signal);
  const codec = codecOf(start);
  if (codec === undefined && !looksLikeTiff(start)) throw unknownKind(name);
  const version = await hashFiles(name, options);
  const how = { sourceCrs, cache, version };
  const source = codec === undefined ? await openTiffPicture(name, how) : await openWhole(name, codec, how);
  const { crs, affine } = source.info;
  const place = createHash('sha256').update(JSON.stringify([version, crs, Object.entries(affine).sort()]));
  return {
    info: { ...source.info, version: place.digest('hex').slice(0, 32), remote: isRemoteName(name) },
    read: (level, window, reading) => untilAborted(source.read(level, window, reading), reading?.signal),
    close: source.close,
  };
}

async function startOf(name: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const file = await openByteFile(name, { signal });
  try {
    return await file.read(0, Math.min(16, file.size), { signal });
  } finally {
    await file.close();
  }
}

/** Content of the file, and of the overviews and the mask beside it. */
async function hashFiles(name: string, { cacheFolder, signal }: OpenPictureOptions): Promise<string> {
  const memo = cacheFolder === undefined ? undefined : openFileMemo(cacheFolder);
  const files = [name, await findOverviews(name), await findMask(name)].filter((file) => file !== undefined);
  const hashes = await Promise.all(
    files.map((file) => memo?.hashOf(file, () => hashFile(file, signal)) ?? hashFile(file, signal)),
  );
  return hashes.join(' ');
}

async function openWhole(path: string, codec: Codec, options: PictureOptions): Promise<PictureSource> {
  const file = await openByteFile(path);
  try {
    const bytes = await file.read(0, file.size);
    const size = await readPictureSize(bytes).catch((cause: unknown) => {
      throw damaged(path, codec, cause);
    });
    if (size.columns * size.rows > MAX_WHOLE_PIXELS) {
      throw new RelievoError(
        'input-unsupported',
        `${path} has ${size.columns} x ${size.rows} pixels; a ${codec} can have at most ${MAX_WHOLE_PIXELS}: make it a GeoTIFF with gdal_translate -of COG.`,
        { where: path },
      );
    }
    const affine = await findAffine(path, size, options);
    const frame = await findFrame(path, options);
    if (affine === undefined || frame === undefined) throw withoutPlace(path, codec, affine === undefined);
    const words = await decodePicture(bytes, MAX_WHOLE_PIXELS).then(wordsOf, (cause: unknown) => {
      throw damaged(path, codec, cause);
    });
    const info = describeRaster({
      name: file.name,
      format: codec,
      crs: frame.crs,
      affine,
      levels: singleLevel(size.columns, size.rows),
      sampleType: 'uint8',
      vertical: verticalUnknown(),
      version: options.version ?? '',
    });
    const grid = { ...size, cellColumns: size.columns, cellRows: size.rows, cell: async () => words };
    return pictureOfCells(info, [grid], options.cache, path, async () => options.cache.drop(`${path}\n`));
  } catch (error) {
    throw inFile(error, path);
  } finally {
    await file.close();
  }
}

function unknownKind(name: string): RelievoError {
  const where = shownName(name);
  return new RelievoError(
    'input-unsupported',
    `${where} is no picture that can be laid over terrain: expected a GeoTIFF, or a ${CODECS.join(', ')} with a world file; convert it with gdal_translate -of COG.`,
    { where },
  );
}

function withoutPlace(path: string, codec: Codec, affineMissing: boolean): RelievoError {
  const where = shownName(path);
  const what = affineMissing
    ? 'does not say where its pixels lie: put a world file beside it (.pgw, .jgw, .wld), or make it a GeoTIFF with gdal_translate -a_srs and -a_ullr'
    : 'does not say in which coordinate system it lies: name it with --texture-crs (EPSG:4326 for longitude and latitude), or put a .prj file beside it';
  return new RelievoError('crs', `${where} is a ${codec}, which ${what}.`, { where });
}

function damaged(path: string, codec: Codec, cause: unknown): RelievoError {
  const where = shownName(path);
  const what = cause instanceof Error ? cause.message : String(cause);
  return new RelievoError('input-invalid', `${where} is no sound ${codec} picture: ${what}; get it again.`, {
    where,
    cause,
  });
}
