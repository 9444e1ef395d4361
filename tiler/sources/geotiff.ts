/**
 * GeoTIFF as a RasterSource: band 1 is the heights, further bands are ignored; overviews, internal or in an `.ovr` beside the
 * file, are levels; an internal mask and GDAL's nodata, scale, offset and unit count. Where the file itself does not say
 * where it lies, a world file and a `.prj` beside it do, or the user. Coordinates are those of the file, at the centres of samples.
 * The only door to the package geotiff, from which come the names of keys and the LERC decoder: directories and blocks
 * are read by our own bounded readers, which on sound files are also faster.
 */
import { getDecoder, globals } from 'geotiff';
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import type { GeoKeyValues } from '../geo/crs.ts';
import { crsFromGeoKeys } from '../geo/crs.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { inFile, openByteFile } from './byte-file.ts';
import { describeRaster, MAX_HEIGHT, sourceOfCells } from './cell-source.ts';
import { readAffine, readGeoKeys } from './geo-keys.ts';
import type { Frame, PlaceOptions } from './placement.ts';
import { findAffine, findFrame, periodOf } from './placement.ts';
import type { RasterLevel, RasterSource } from './raster-source.ts';
import { findOverviews } from './sidecars.ts';
import type { SampleRule } from './tiff-blocks.ts';
import { pieceOf, tiffCells } from './tiff-cells.ts';
import type { TiffHeaderOptions, TiffImage } from './tiff-header.ts';
import { Compression, readTiffHeader, Tag } from './tiff-header.ts';
import { tiffRows } from './tiff-rows.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical, verticalFromKeys } from './vertical.ts';

export interface GeoTiffOptions extends PlaceOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** Where decoded blocks are kept; default: a cache of its own, 128 MiB. */
  readonly cache?: BlockCache<Float32Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
  /** Samples as they are stored, without scale and offset; void as ever. */
  readonly stored?: boolean | undefined;
  /** Samples of a strip that is unpacked whole; larger ones can only be read from the first row on. Default 2^26. */
  readonly maxBlockSamples?: number | undefined;
}

/** Opens a local GeoTIFF. Refuses broken files (`input-invalid`), ones of other kinds (`input-unsupported`), and `crs`. */
export async function openGeoTiff(path: string, options: GeoTiffOptions = {}): Promise<RasterSource> {
  const files = [await openByteFile(path)];
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const beside = await findOverviews(path);
    if (beside !== undefined) files.push(await openByteFile(beside));
    return await describe(files, options, close);
  } catch (error) {
    await close();
    throw inFile(error, path);
  }
}

/** `files`: the raster, then its external overviews. */
async function describe(
  files: readonly ByteFile[],
  options: GeoTiffOptions,
  close: () => Promise<void>,
): Promise<RasterSource> {
  const [images = [], overviews = []] = await Promise.all(
    files.map((file, i) => imagesOf(file, i, { forward: i === 0, maxBlockSamples: options.maxBlockSamples })),
  );
  const [full] = images;
  if (full === undefined) throw new RelievoError('input-invalid', 'It holds no image.');
  const { file, image } = full;
  const { directory } = image;
  const keys = readGeoKeys(directory, globals.geoKeyNames);
  const affine = await readPlace(file.path, image, keys, options);
  const band = readBand(directory);
  const { crs, vertical: told } = await readFrame(file.path, keys, band.unit, options);
  const vertical = overrideVertical(told, options.vertical ?? {});
  const plain = { ...band.rule, scale: 1, offset: 0, limit: Number.POSITIVE_INFINITY };
  const rule: SampleRule = options.stored ? plain : { ...band.rule, limit: MAX_HEIGHT / vertical.unitMetres };
  const cache = options.cache ?? new Cache<Float32Array>(DEFAULT_CACHE_BYTES);
  const found = pyramidOf([...images, ...overviews], full, periodOf(affine, crs, image.columns));
  const pyramid = image.forwardOnly ? found.slice(0, 1) : found;
  const grids = pyramid.map(({ placed, mask }, level) =>
    tiffCells(placed.file, placed.image, rule, mask, cache, `${file.path}\n${level}`, decodeLerc),
  );
  const info = describeRaster({
    name: file.name,
    format: 'GeoTIFF',
    crs,
    affine,
    levels: pyramid.map(({ level }) => level),
    sampleType: image.sampleType ?? 'uint8',
    nodata: band.rule.nodata,
    vertical,
    version: options.version ?? '',
  });
  const source = sourceOfCells(info, grids, async () => {
    cache.drop(`${file.path}\n`);
    await close();
  });
  if (!image.forwardOnly) return { ...source, piece: pieceOf(image) };
  if (pyramid[0]?.mask) throw forwardOnly(file, image);
  return {
    ...source,
    rows: (read) => tiffRows(file, image, rule, read),
    read: () => Promise.reject(forwardOnly(file, image)),
  };
}

function forwardOnly({ path }: ByteFile, { blockColumns, blockRows }: TiffImage): RelievoError {
  const millions = Math.round((blockColumns * blockRows) / 1e6);
  return new RelievoError(
    'input-unsupported',
    `${path} holds strips of ${millions} million samples, which can only be unpacked from their beginning: that is what preparing does, which a file by itself needs; or rewrite it with gdal_translate -co TILED=YES.`,
    { where: path },
  );
}

/** The file's own affine, else the user's or that of a world file. */
export async function readPlace(
  path: string,
  image: TiffImage,
  keys: GeoKeyValues,
  options: PlaceOptions,
): Promise<Affine> {
  const has = (tag: number) => (image.directory.numbers(tag)?.length ?? 0) > 0;
  const silent = !has(Tag.transformation) && !(has(Tag.pixelScale) && has(Tag.tiePoints));
  const beside = silent ? await findAffine(path, image, options) : undefined;
  return beside ?? readAffine(image.directory, keys.GTRasterTypeGeoKey === 2, path);
}

/** The CRS that the user names, else the file's own, else that of a `.prj`; heights by the first that speaks of them. */
export async function readFrame(
  path: string,
  keys: GeoKeyValues,
  bandUnit: string | undefined,
  options: PlaceOptions,
): Promise<Frame> {
  const own = verticalFromKeys(keys, bandUnit);
  const silent = CRS_KEYS.every((key) => keys[key] === undefined);
  if (!silent && options.sourceCrs === undefined) {
    return { crs: await crsFromGeoKeys(keys, { grids: options.grids }), vertical: own };
  }
  const beside = await findFrame(path, options);
  if (beside !== undefined) {
    const speaks = own.known === 'assumed' && beside.vertical.known !== 'assumed';
    return { crs: beside.crs, vertical: speaks ? beside.vertical : own };
  }
  throw new RelievoError(
    'crs',
    'It does not say in which coordinate reference system its coordinates are: name it with --source-crs, or put a .prj file beside it.',
  );
}

/** A file that has none of these does not say in which CRS it is. */
const CRS_KEYS = [
  'ProjectedCSTypeGeoKey',
  'GeographicTypeGeoKey',
  'ProjectionGeoKey',
  'ProjCoordTransGeoKey',
  'GeogSemiMajorAxisGeoKey',
] as const;

/** An image, and the file that holds it. */
export interface PlacedImage {
  readonly file: ByteFile;
  readonly image: TiffImage;
}

/** All images of a file of overviews are reduced ones, whether they say so or not. */
export async function imagesOf(file: ByteFile, index: number, how: TiffHeaderOptions): Promise<PlacedImage[]> {
  const images = await readTiffHeader(file, how);
  return images.map((image) => ({ file, image: index === 0 ? image : { ...image, reduced: true } }));
}

export interface PyramidLevel {
  readonly placed: PlacedImage;
  readonly mask: TiffImage | undefined;
  readonly level: RasterLevel;
}

/** The full image and its overviews, finest first, each with the mask of its own size in its own file. */
export function pyramidOf(
  images: readonly PlacedImage[],
  first: PlacedImage,
  period: number | undefined,
): PyramidLevel[] {
  const full = first.image;
  const found: PyramidLevel[] = [];
  for (const placed of images) {
    const { file, image } = placed;
    const isOverview =
      image.reduced && !image.mask && image.bands === full.bands && image.sampleType === full.sampleType;
    if (image !== full && !isOverview) continue;
    if (found.some(({ level }) => level.columns === image.columns && level.rows === image.rows)) continue;
    const scaleX = full.columns / image.columns;
    const scaleY = full.rows / image.rows;
    if (image !== full && !isPlausible(full, image, scaleX, scaleY)) continue;
    // Reads round the world need the period to be whole at every level.
    if (period !== undefined && !Number.isInteger(period / scaleX)) continue;
    const mask = images.find(
      (other) =>
        other.file === file &&
        other.image.mask &&
        other.image.columns === image.columns &&
        other.image.rows === image.rows,
    );
    const level = { columns: image.columns, rows: image.rows, scaleX, scaleY };
    found.push({ placed, mask: mask?.image, level });
  }
  return found.sort((a, b) => b.level.columns * b.level.rows - a.level.columns * a.level.rows);
}

/** Smaller by one factor both ways, to the sample that rounding costs. */
function isPlausible(full: TiffImage, image: TiffImage, scaleX: number, scaleY: number): boolean {
  if (image.columns > full.columns || image.rows > full.rows || scaleX * scaleY < 1.5) return false;
  const scale = full.columns >= full.rows ? scaleX : scaleY;
  return Math.abs(full.columns / scale - image.columns) <= 1.5 && Math.abs(full.rows / scale - image.rows) <= 1.5;
}

interface Band {
  readonly rule: Omit<SampleRule, 'limit'>;
  readonly unit: string | undefined;
}

/** GDAL's nodata, scale, offset and unit of band 1 (tags 42113 and 42112). */
function readBand(directory: TiffImage['directory']): Band {
  const items = rolesOfFirstBand(directory.text(Tag.gdalMetadata) ?? '');
  const nodata = parseNodata(directory.text(Tag.gdalNodata)?.trim() ?? '');
  const [scale, offset] = [numberIn(items, 'scale', 1), numberIn(items, 'offset', 0)];
  if (scale === 0) throw new RelievoError('input-invalid', 'Its heights have scale 0; expected another number.');
  return { rule: { nodata, scale, offset }, unit: items.get('unittype')?.slice(0, 80) };
}

/** Band 1's items of GDAL's XML that have a role: scale, offset, unittype. Refuses what cannot be read to its end. */
function rolesOfFirstBand(xml: string): Map<string, string> {
  const items = new Map<string, string>();
  // By hand, because a pattern that is tried again at each of a megabyte's "<Item" takes hours.
  for (let at = xml.indexOf('<Item'); at >= 0; at = xml.indexOf('<Item', at)) {
    const start = xml.indexOf('>', at);
    const attributes = xml.slice(at + 5, start);
    const empty = attributes.endsWith('/');
    const end = empty ? start : xml.indexOf('</Item>', start);
    if (start < 0 || end < 0 || attributes.includes('<')) {
      throw new RelievoError(
        'input-invalid',
        'Its metadata (tag 42112), which may hold the scale of its heights, break off or are no XML; rewrite it with gdal_translate.',
      );
    }
    const role = /\brole=["']([a-z]+)["']/.exec(attributes)?.[1];
    if (role !== undefined && /\bsample=["']0["']/.test(attributes)) {
      items.set(role, empty ? '' : xml.slice(start + 1, end).trim());
    }
    at = end;
  }
  return items;
}

function numberIn(items: ReadonlyMap<string, string>, role: string, fallback: number): number {
  const text = items.get(role);
  const number = text === undefined ? fallback : text === '' ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw new RelievoError(
    'input-invalid',
    `Its heights have the ${role} "${text?.slice(0, 40)}"; expected a number: set it right with gdal_translate -a_${role}.`,
  );
}

/** The value of missing samples; NaN also as C writes it on Windows. Undefined for no text. */
export function parseNodata(text: string): number | undefined {
  if (text === '') return undefined;
  if (/^[+-]?(nan|1\.#(qnan|snan|ind)0*)/i.test(text)) return Number.NaN;
  const infinite = /^([+-]?)(inf|1\.#inf)/i.exec(text);
  const number = infinite
    ? Number(`${infinite[1]}Infinity`)
    : text.length > 400
      ? Number.NaN
      : Number(text.replace(',', '.'));
  if (!Number.isNaN(number)) return number;
  throw new RelievoError(
    'input-invalid',
    `The value of its missing samples (nodata, tag 42113) is "${text.slice(0, 40)}"; expected a number: set it right with gdal_translate -a_nodata.`,
  );
}

export async function decodeLerc(blob: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
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
