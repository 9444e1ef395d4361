/**
 * GeoTIFF as a RasterSource: band 1 is the heights, further bands are ignored; internal overviews are levels, an internal
 * mask and GDAL's nodata, scale, offset and unit count. Coordinates are those of the file, at the centres of samples.
 * The only door to the package geotiff, from which come the names of keys and the LERC decoder: directories and blocks
 * are read by our own bounded readers, which on sound files are also faster.
 */
import { getDecoder, globals } from 'geotiff';
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { applyAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import { crsFromGeoKeys } from '../geo/crs.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { openByteFile } from './byte-file.ts';
import type { CellGrid } from './cell-grid.ts';
import { readCells } from './cell-grid.ts';
import { readAffine, readGeoKeys } from './geo-keys.ts';
import type { RasterInfo, RasterLevel, RasterSource } from './raster-source.ts';
import { checkWindow } from './sample-window.ts';
import type { SampleRule } from './tiff-blocks.ts';
import { tiffCells } from './tiff-cells.ts';
import type { TiffImage } from './tiff-header.ts';
import { Compression, readTiffHeader, Tag } from './tiff-header.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical, verticalFromKeys } from './vertical.ts';

export interface GeoTiffOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** Where decoded blocks are kept; default: a cache of its own, 128 MiB. */
  readonly cache?: BlockCache<Float32Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

/** Metres from the datum beyond which nothing on Earth can be a height. */
const MAX_HEIGHT = 1e5;

/** Opens a local GeoTIFF. Refuses broken files (`input-invalid`), ones of other kinds (`input-unsupported`), and `crs`. */
export async function openGeoTiff(path: string, options: GeoTiffOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    return await describe(file, options);
  } catch (error) {
    await file.close();
    throw inFile(error, path);
  }
}

async function describe(file: ByteFile, options: GeoTiffOptions): Promise<RasterSource> {
  const images = await readTiffHeader(file);
  const [full] = images;
  if (full === undefined) throw new RelievoError('input-invalid', 'It holds no image.');
  const { directory } = full;
  const keys = readGeoKeys(directory, globals.geoKeyNames);
  const affine = readAffine(directory, keys.GTRasterTypeGeoKey === 2, file.path);
  const crs = await crsFromGeoKeys(keys);
  checkPlace(crs, affine, full);
  const band = readBand(directory);
  const vertical = overrideVertical(verticalFromKeys(keys, band.unit), options.vertical ?? {});
  const periodColumns = crs.geographic ? periodOf(affine, crs, full.columns) : undefined;
  const rule: SampleRule = { ...band.rule, limit: MAX_HEIGHT / vertical.unitMetres };
  const cache = options.cache ?? new Cache<Float32Array>(DEFAULT_CACHE_BYTES);
  const pyramid = pyramidOf(images, full, periodColumns);
  const grids = pyramid.map(({ image, mask }, level) =>
    tiffCells(file, image, rule, mask, cache, `${file.path}\n${level}`, decodeLerc),
  );
  const levels = pyramid.map(({ level }) => level);
  const info: RasterInfo = {
    name: file.name,
    format: 'GeoTIFF',
    crs: crs.definition,
    crsName: crs.name,
    affine,
    levels,
    sheets: [{ file: file.name, column: 0, row: 0, columns: full.columns, rows: full.rows }],
    periodColumns,
    sampleType: full.sampleType ?? 'uint8',
    nodata: band.rule.nodata,
    vertical,
    version: options.version ?? '',
  };
  return sourceOf(info, grids, file, cache);
}

function sourceOf(
  info: RasterInfo,
  grids: readonly CellGrid[],
  file: ByteFile,
  cache: BlockCache<Float32Array>,
): RasterSource {
  return {
    info,
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      const grid = grids[level];
      const scale = info.levels[level]?.scaleX;
      if (grid === undefined || scale === undefined)
        throw new RangeError(`levels are 0 to ${grids.length - 1}; got ${level}`);
      const period = info.periodColumns === undefined ? undefined : info.periodColumns / scale;
      return readCells(grid, window, period, signal);
    },
    async close() {
      cache.drop(`${file.path}\n`);
      await file.close();
    },
  };
}

interface PyramidLevel {
  readonly image: TiffImage;
  readonly mask: TiffImage | undefined;
  readonly level: RasterLevel;
}

/** The full image and its overviews, finest first, each with the mask of its own size. */
function pyramidOf(images: readonly TiffImage[], full: TiffImage, period: number | undefined): PyramidLevel[] {
  const found: PyramidLevel[] = [];
  for (const image of images) {
    const isOverview =
      image.reduced && !image.mask && image.bands === full.bands && image.sampleType === full.sampleType;
    if (image !== full && !isOverview) continue;
    if (found.some(({ image: other }) => other.columns === image.columns && other.rows === image.rows)) continue;
    const scaleX = full.columns / image.columns;
    const scaleY = full.rows / image.rows;
    if (image !== full && !isPlausible(full, image, scaleX, scaleY)) continue;
    // Reads round the world need the period to be whole at every level.
    if (period !== undefined && !Number.isInteger(period / scaleX)) continue;
    const mask = images.find((other) => other.mask && other.columns === image.columns && other.rows === image.rows);
    found.push({ image, mask, level: { columns: image.columns, rows: image.rows, scaleX, scaleY } });
  }
  return found.sort((a, b) => b.image.columns * b.image.rows - a.image.columns * a.image.rows);
}

/** Smaller by one factor both ways, to the sample that rounding costs. */
function isPlausible(full: TiffImage, image: TiffImage, scaleX: number, scaleY: number): boolean {
  if (image.columns > full.columns || image.rows > full.rows || scaleX * scaleY < 1.5) return false;
  const scale = full.columns >= full.rows ? scaleX : scaleY;
  return Math.abs(full.columns / scale - image.columns) <= 1.5 && Math.abs(full.rows / scale - image.rows) <= 1.5;
}

/** Positions must lie in the CRS's own world; a wrong CRS shows here first. */
function checkPlace(crs: Crs, affine: Affine, { columns, rows }: TiffImage): void {
  if (!crs.geographic) {
    const centre = applyAffine(affine, (columns - 1) / 2, (rows - 1) / 2);
    if (Number.isFinite(crs.inverse(centre)[0])) return;
    throw new RelievoError(
      'crs',
      `Its middle (${centre.join(', ')}) is nowhere on Earth in ${crs.name}: the coordinate system or the coordinates are wrong; assign the right one with gdal_translate -a_srs.`,
    );
  }
  const unit = crs.unitMetres;
  const slack =
    Math.max(Math.abs(affine.d) + Math.abs(affine.e), Math.abs(affine.a) + Math.abs(affine.b)) * unit * 1.001;
  for (const [column, row] of [
    [0, 0],
    [columns - 1, 0],
    [0, rows - 1],
    [columns - 1, rows - 1],
  ] as const) {
    const [x, y] = applyAffine(affine, column, row);
    const [lon, lat] = [x * unit, y * unit];
    if (Math.abs(lat) <= 90 + slack && lon >= -360 - slack && lon <= 540 + slack) continue;
    throw new RelievoError(
      'crs',
      `A corner lies at longitude ${lon}, latitude ${lat}, outside the world: the file says that its coordinates are degrees (${crs.name}), and they are not; assign the right system with gdal_translate -a_srs.`,
    );
  }
}

/** Columns once round the world, where the raster goes round it and its columns meet again. */
function periodOf(affine: Affine, crs: Crs, columns: number): number | undefined {
  const step = affine.a * crs.unitMetres;
  if (affine.b !== 0 || affine.d !== 0 || !(step > 0)) return undefined;
  const period = Math.round(360 / step);
  const closes = Math.abs(period * step - 360) < step / 100;
  return closes && columns >= period ? period : undefined;
}

interface Band {
  readonly rule: Omit<SampleRule, 'limit'>;
  readonly unit: string | undefined;
}

/** GDAL's nodata, scale, offset and unit of band 1 (tags 42113 and 42112). */
function readBand(directory: TiffImage['directory']): Band {
  const items = new Map<string, string>();
  const metadata = directory.text(Tag.gdalMetadata) ?? '';
  for (const [, attributes = '', value = ''] of metadata.matchAll(/<Item\s+([^>]{0,300})>([^<]{0,200})<\/Item>/g)) {
    if (!/\bsample="0"/.test(attributes)) continue;
    const role = /\brole="([a-z]+)"/.exec(attributes)?.[1];
    if (role !== undefined) items.set(role, value.trim());
  }
  const text = directory.text(Tag.gdalNodata)?.trim();
  const nodata =
    text === undefined || text === '' ? undefined : /^-?nan$/i.test(text) ? Number.NaN : Number.parseFloat(text);
  const scale = Number(items.get('scale') ?? 1);
  const offset = Number(items.get('offset') ?? 0);
  if (!Number.isFinite(scale) || scale === 0 || !Number.isFinite(offset)) {
    throw new RelievoError(
      'input-invalid',
      `Its heights have scale ${items.get('scale')} and offset ${items.get('offset')}; expected numbers, and a scale other than 0.`,
    );
  }
  return { rule: { nodata, scale, offset }, unit: items.get('unittype') };
}

async function decodeLerc(blob: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  // The second compression is undone before, within a bound; so none is named here.
  const decoder = await getDecoder(Compression.lerc, {
    LercParameters: [4, 0],
    predictor: 1,
    planarConfiguration: 1,
    tileWidth: 0,
    tileHeight: 0,
    bitsPerSample: 0,
  } as Parameters<typeof getDecoder>[1]);
  const decoded = await decoder.decode(blob.slice().buffer);
  return new Uint8Array(decoded).slice().buffer;
}

/** The same error with the file's name in front, for sentences that say "it". */
function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof RelievoError) || error.where !== undefined) return error;
  return new RelievoError(error.code, `${path} cannot be used. ${error.message}`, { where: path, cause: error.cause });
}
