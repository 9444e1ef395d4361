/**
 * The formats that a raster file can be of, found by its content first and its name second, and the sentence for a file that is
 * of none of them.
 */
import { RelievoError } from '../error.ts';
import type { DatumGrid } from '../geo/datum-grid.ts';
import { looksLikeAsciiGrid, openAsciiGrid } from './ascii-grid.ts';
import type { BlockCache } from './block-cache.ts';
import { type ByteFile, openByteFile } from './byte-file.ts';
import { findEsriHeader, openEhdr } from './ehdr.ts';
import { openElevationPicture } from './elevation-picture.ts';
import { openGeoTiff } from './geotiff.ts';
import type { HeightTiles } from './height-tiles.ts';
import { openHgt } from './hgt.ts';
import { looksLikeNumpy, openNumpy, openNumpyZip } from './numpy.ts';
import type { Understanding } from './open-file.ts';
import type { PlaceOptions } from './placement.ts';
import { looksLikePng } from './png.ts';
import type { RasterSource } from './raster-source.ts';
import { openRaw } from './raw.ts';
import { isRemoteName, shownName } from './source-name.ts';
import { looksLikeTiff } from './tiff-tags.ts';
import { openTileTree } from './tile-tree.ts';
import { looksLikeTileTree, openTileFolder } from './tiles-in-folder.ts';
import { looksLikeSqlite, openMbtiles } from './tiles-in-mbtiles.ts';
import { looksLikePmtiles, openPmtiles } from './tiles-in-pmtiles.ts';
import type { VerticalOverride } from './vertical.ts';
import { looksLikeVrt, openVrt, type VrtOptions } from './vrt.ts';

/** What every reader is given. */
export interface Opening extends PlaceOptions {
  readonly how: Understanding;
  readonly vertical: VerticalOverride;
  /** Of the content; empty when it is not asked for. */
  readonly version: string;
  /** Part of the file that the user names after a `#`. */
  readonly key: string | undefined;
  readonly grids: readonly DatumGrid[];
  /** Caches that all files share: of pieces, of whole .hgt sheets, of whole other files. */
  readonly cache: BlockCache<Float32Array>;
  readonly sheets: BlockCache<Int16Array>;
  readonly wholes: BlockCache<Float32Array>;
  /** What a file that is laid together from others opens these by. */
  readonly members: Members;
}

export type Members = Pick<VrtOptions, 'allow' | 'pool' | 'lookAt' | 'openMember' | 'hashMember'>;

export interface Format {
  /** Whether a file that begins so, and is named so, is of this format. */
  readonly fits: (start: Buffer, path: string) => boolean | Promise<boolean>;
  readonly open: (path: string, opening: Opening) => Promise<RasterSource>;
  /** Whether it can be read at an address as it can in a file: through a ByteFile alone. */
  readonly remote?: boolean | undefined;
}

/** The first that fits opens the file: what content tells comes before what only a name tells. */
const FORMATS: readonly Format[] = [
  { fits: looksLikeTiff, open: openGeoTiff, remote: true },
  { fits: looksLikeNumpy, open: openNumpy, remote: true },
  { fits: looksLikeNumpyZip, open: openNumpyZip },
  {
    fits: looksLikePng,
    open: (path, { wholes, how, ...rest }) => {
      const { range, heightEncoding } = how;
      return openElevationPicture(path, { ...rest, range, heightEncoding, cache: wholes });
    },
  },
  { fits: looksLikeSqlite, open: async (path, opening) => openTree(await openMbtiles(path), opening) },
  {
    fits: looksLikePmtiles,
    remote: true,
    open: async (path, opening) => openTree(await openPmtiles(path), opening),
  },
  { fits: looksLikeVrt, remote: true, open: (path, { members, ...rest }) => openVrt(path, { ...rest, ...members }) },
  { fits: looksLikeAsciiGrid, open: (path, { wholes, ...rest }) => openAsciiGrid(path, { ...rest, cache: wholes }) },
  {
    fits: (start, path) => isGzip(start) && /\.(asc|agr|grd)\.gz$/i.test(path),
    open: (path, { wholes, ...rest }) => openAsciiGrid(path, { ...rest, cache: wholes }),
  },
  {
    fits: (start, path) => isZip(start) || /\.hgt(\.zip|\.gz)?$/i.test(path),
    open: (path, { sheets, ...rest }) => openHgt(path, { ...rest, cache: sheets }),
  },
  {
    fits: async (_, path) => (await findEsriHeader(path)) !== undefined,
    open: async (path, opening) => openEhdr(path, (await findEsriHeader(path)) ?? '', opening),
  },
];

/** Closes the tiles when they are refused. */
async function openTree(tiles: HeightTiles, { how, ...rest }: Opening): Promise<RasterSource> {
  try {
    return await openTileTree(tiles, { ...rest, heightEncoding: how.heightEncoding });
  } catch (error) {
    await tiles.close();
    throw error;
  }
}

/** What opens a file: by its content and its name, or as the user says. Refuses what is of no known kind. */
export async function findReader(path: string, { rawLayout }: Understanding): Promise<Format['open']> {
  if (await looksLikeTileTree(path)) return async (tree, opening) => openTree(await openTileFolder(tree), opening);
  const file = await openByteFile(path);
  try {
    if (rawLayout !== undefined) return (raw, opening) => openRaw(raw, rawLayout, opening);
    const start = await file.read(0, Math.min(256, file.size));
    for (const format of FORMATS) {
      if (!(await format.fits(start, path))) continue;
      if (isRemoteName(path) && !format.remote) throw copyFirst(path);
      return format.open;
    }
    throw unknownFormat(file, start.subarray(0, 64));
  } finally {
    await file.close();
  }
}

function copyFirst(path: string): RelievoError {
  const where = shownName(path);
  return new RelievoError(
    'input-unsupported',
    `${where} is of a format that cannot be read at an address; copy it here first, or make it a GeoTIFF with gdal_translate -of COG.`,
    { where },
  );
}

function isZip(start: Buffer): boolean {
  return start[0] === 0x50 && start[1] === 0x4b;
}

function isGzip(start: Buffer): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** By its name, or by that of the first file in the zip (APPNOTE 4.3.7). */
function looksLikeNumpyZip(start: Buffer, path: string): boolean {
  if (!isZip(start)) return false;
  const length = start.length >= 30 ? start.readUInt16LE(26) : 0;
  return /\.npz$/i.test(path) || /\.npy$/i.test(start.subarray(30, 30 + length).toString('latin1'));
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
    `${file.path} is no raster that Relievo reads${looks && `; it looks like ${looks}`}. Expected a GeoTIFF or SRTM (.hgt, .hgt.zip), an Esri grid (.asc, .bil, .flt), NumPy (.npy, .npz), an elevation picture (.png), Terrain-RGB or Terrarium tiles (a folder, .mbtiles, .pmtiles), or bare samples with --raw-layout; other formats can be converted with gdal_translate -of COG.`,
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
