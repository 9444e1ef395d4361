/**
 * Files named by the user as one RasterSource: each file's format is found by its content first and its name second,
 * several are joined as sheets of one grid, and missing overviews are added.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import { BlockCache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { hashFile, openByteFile } from './byte-file.ts';
import type { PreparableSource } from './decimate.ts';
import { withOverviews } from './decimate.ts';
import { openGeoTiff } from './geotiff.ts';
import { MAX_HGT_BYTES, openHgt } from './hgt.ts';
import type { RasterSource } from './raster-source.ts';
import { joinSheets } from './sheets.ts';
import { looksLikeTiff } from './tiff-tags.ts';
import type { VerticalOverride } from './vertical.ts';

export interface OpenOptions {
  /** `ellipsoid`, `egm96`, or the name of another datum or of a geoid file, instead of what the files say. */
  readonly verticalDatum?: string | undefined;
  /** `metre`, `foot`, `us-foot`, or the metres in one unit as a number, instead of what the files say. */
  readonly verticalUnit?: string | undefined;
  /** Decoded samples kept in memory, all files together; default 128 MiB, and more for .hgt, which decode as a whole. */
  readonly cacheBytes?: number | undefined;
  /** False leaves the files unhashed and `info.version` empty; default true. */
  readonly hash?: boolean | undefined;
  /** Samples beyond which sources without overviews are refused; default 2^28. */
  readonly maxSamples?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Format = 'GeoTIFF' | 'SRTM';

/** Whole .hgt sheets are kept up to this, because each costs a tenth of a second to unpack again. */
const MAX_HGT_CACHE_BYTES = 2 ** 30;

/** Opens the files as one source. Refuses with a sentence each: missing, a folder, empty, broken, of no known kind. */
export async function openSource(paths: readonly string[], options: OpenOptions = {}): Promise<PreparableSource> {
  if (paths.length === 0)
    throw new RelievoError('usage', 'Name at least one elevation file, such as a GeoTIFF or N20W157.hgt.zip.');
  const { signal } = options;
  const vertical: VerticalOverride = { datum: options.verticalDatum, unit: options.verticalUnit };
  const blocks = new BlockCache<Float32Array>(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  const sheetBytes = Math.min(paths.length * (MAX_HGT_BYTES + 1024), MAX_HGT_CACHE_BYTES);
  const sheets = new BlockCache<Int16Array>(Math.max(options.cacheBytes ?? sheetBytes, MAX_HGT_BYTES + 1024));
  const opened: RasterSource[] = [];
  try {
    for (const path of paths) {
      signal?.throwIfAborted();
      const format = await findFormat(path);
      const version = options.hash === false ? '' : await hashFile(path, signal);
      opened.push(
        format === 'GeoTIFF'
          ? await openGeoTiff(path, { vertical, cache: blocks, version })
          : placed(await openHgt(path, { vertical, cache: sheets, version })),
      );
    }
    return withOverviews(await joinSheets(opened), { maxSamples: options.maxSamples });
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    throw error;
  }
}

/** An .hgt says by its name alone where it lies, so its version takes that in. */
function placed(source: RasterSource): RasterSource {
  const { version, affine } = source.info;
  if (version === '') return source;
  const hash = createHash('sha256').update(`${version} ${affine.c} ${affine.f}`).digest('hex').slice(0, 32);
  return { ...source, info: { ...source.info, version: hash } };
}

async function findFormat(path: string): Promise<Format> {
  const file = await openByteFile(path);
  try {
    const start = await file.read(0, Math.min(64, file.size));
    if (looksLikeTiff(start)) return 'GeoTIFF';
    if (/\.hgt(\.zip|\.gz)?$/i.test(path)) return 'SRTM';
    if (start[0] === 0x50 && start[1] === 0x4b) return 'SRTM';
    throw unknownFormat(file, start);
  } finally {
    await file.close();
  }
}

function unknownFormat(file: ByteFile, start: Uint8Array): RelievoError {
  const looks = kindOf(start);
  if (/\.tiff?$/i.test(file.path)) {
    return new RelievoError(
      'input-invalid',
      `${file.path} is named as a TIFF but does not begin as one${looks && `; it looks like ${looks}`}. Get the file again, or give it its right name.`,
      { where: file.path },
    );
  }
  return new RelievoError(
    'input-unsupported',
    `${file.path} is no raster that Relievo reads${looks && `; it looks like ${looks}`}. Expected a GeoTIFF or SRTM (.hgt, .hgt.zip); other formats can be converted with gdal_translate -of COG.`,
    { where: file.path },
  );
}

/** What the first bytes tell to someone who gave the wrong file; empty when they tell nothing. */
function kindOf(start: Uint8Array): string {
  const text = Buffer.from(start).toString('latin1');
  if (/^\s*(<!doctype html|<html)/i.test(text)) return 'a web page, perhaps the error page of a download';
  if (text.startsWith('\x89PNG')) return 'a PNG picture';
  if (text.startsWith('\xff\xd8\xff')) return 'a JPEG picture';
  if (text.startsWith('\x1f\x8b')) return 'a gzipped file; unpack it first';
  if (text.startsWith('\x89HDF') || text.startsWith('CDF')) return 'NetCDF or HDF5';
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text)) return 'text';
  return '';
}
