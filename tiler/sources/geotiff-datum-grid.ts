/**
 * Datum grids as GeoTIFF, in the layout of PROJ (its specification "Geodetic TIFF grids"): each image is a grid with
 * bands of offsets to the north and to the east; nested grids follow as further images. Another room for the package
 * geotiff, for its names of keys alone: samples come through the same bounded readers as heights.
 */
import { globals } from 'geotiff';
import { RelievoError } from '../error.ts';
import type { DatumGrid, DatumSubgrid } from '../geo/datum-grid.ts';
import { BlockCache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { readCells } from './cell-grid.ts';
import { readAffine, readGeoKeys } from './geo-keys.ts';
import { bandOfImage, tiffCells } from './tiff-cells.ts';
import type { TiffImage } from './tiff-header.ts';
import { readTiffHeader, Tag } from './tiff-header.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/** Of all grids of a file; the largest that PROJ offers has 2.5 million nodes. */
const MAX_NODES = 2 ** 24;
const CACHE_BYTES = 2 ** 25;
const MAX_GRIDS = 4096;
const TYPES: readonly string[] = ['HORIZONTAL_OFFSET', 'GEOGRAPHIC_3D_OFFSET'];
/** Degrees in a unit of the samples. */
const UNITS: Readonly<Record<string, number>> = { 'arc-second': 1 / 3600, degree: 1, radian: 180 / Math.PI };

/** Reads the whole file. Refuses with `input-invalid` a broken one, with `input-unsupported` a TIFF that is no such grid. */
export async function readGeoTiffGrid(file: ByteFile, version: string): Promise<DatumGrid> {
  const images = await readTiffHeader(file, { pages: MAX_GRIDS });
  const first = images[0]?.directory;
  if (first === undefined) throw notGrid(file, 'it holds no image');
  const common = itemsOf(first);
  const type = common.get('TYPE');
  if (type !== undefined && !TYPES.includes(type)) {
    throw notGrid(file, `its type is ${type}; expected ${TYPES.join(' or ')}`);
  }
  const keys = readGeoKeys(first, globals.geoKeyNames);
  refuseTooLarge(file, images);
  const subgrids: DatumSubgrid[] = [];
  for (const image of images) {
    const { directory, columns, rows } = image;
    const own = itemsOf(directory);
    const item = (name: string) => own.get(name) ?? common.get(name);
    const north = bandOf(item, directory, 'latitude_offset');
    const east = bandOf(item, directory, 'longitude_offset');
    if (north === undefined || east === undefined)
      throw notGrid(file, 'it has no bands latitude_offset and longitude_offset');
    const towardsEast = (item(`${east} positive_value`) ?? 'east') === 'east' ? 1 : -1;
    const affine = readAffine(directory, keys.GTRasterTypeGeoKey === 2, file.path);
    if (affine.b !== 0 || affine.d !== 0 || !(affine.a > 0) || !(affine.e < 0))
      throw notGrid(file, 'it is not north-up');
    subgrids.push({
      west: affine.c,
      north: affine.f,
      spacingLon: affine.a,
      spacingLat: -affine.e,
      columns,
      rows,
      shiftLat: await readBand(file, image, north, unitOf(file, item(`${north} UNITTYPE`))),
      shiftLon: await readBand(file, image, east, towardsEast * unitOf(file, item(`${east} UNITTYPE`))),
    });
  }
  const target = Number(common.get('target_crs_epsg_code'));
  const source = Number(common.get('source_crs_epsg_code') ?? keys.GeographicTypeGeoKey);
  return {
    name: file.name,
    version,
    sourceCode: source > 0 && source !== 32767 ? source : undefined,
    targetCode: target > 0 ? target : undefined,
    // NADCON5 asks for biquadratic: over the contiguous United States that differs from bilinear by up to 0.22 m.
    interpolationMetres: common.get('interpolation_method') === 'biquadratic' ? 0.25 : 0,
    subgrids,
  };
}

function refuseTooLarge(file: ByteFile, images: readonly TiffImage[]): void {
  let nodes = 0;
  for (const { columns, rows } of images) {
    nodes += columns * rows;
    if (columns >= 2 && rows >= 2 && nodes <= MAX_NODES) continue;
    const what = `a grid has ${columns} x ${rows} nodes`;
    throw notGrid(file, `${what}; expected at least 2 x 2, and at most ${MAX_NODES} in all grids together`);
  }
}

/** GDAL's metadata; those of a band with the band's number before the name. */
function itemsOf(directory: TiffDirectory): Map<string, string> {
  const items = new Map<string, string>();
  const metadata = directory.text(Tag.gdalMetadata) ?? '';
  for (const [, attributes = '', value = ''] of metadata.matchAll(/<Item\s+([^>]{0,300})>([^<]{0,1000})<\/Item>/g)) {
    const name = /\bname="([^"]+)"/.exec(attributes)?.[1] ?? '';
    const band = /\bsample="(\d+)"/.exec(attributes)?.[1];
    items.set(band === undefined ? name : `${band} ${name}`, value.trim());
  }
  return items;
}

function bandOf(
  item: (name: string) => string | undefined,
  directory: TiffDirectory,
  description: string,
): number | undefined {
  const bands = directory.numbers(Tag.bands)?.[0] ?? 1;
  for (let band = 0; band < bands; band++) if (item(`${band} DESCRIPTION`) === description) return band;
  // Files without descriptions have latitude first.
  const place = description === 'latitude_offset' ? 0 : 1;
  return item('0 DESCRIPTION') === undefined && place < bands ? place : undefined;
}

function unitOf(file: ByteFile, name = 'arc-second'): number {
  const unit = UNITS[name];
  if (unit === undefined) throw notGrid(file, `its offsets are in ${name}; expected ${Object.keys(UNITS).join(', ')}`);
  return unit;
}

/** All values of a band, times `scale`. A block that is left out would be a silent shift of 0, and is refused. */
async function readBand(file: ByteFile, whole: TiffImage, band: number, scale: number): Promise<Float32Array> {
  const image = bandOfImage(whole, band);
  const blocks = image.blocksAcross * image.blocksDown;
  if (image.offsets.subarray(0, blocks).some((offset) => offset === 0)) throw notGrid(file, 'parts of it are left out');
  const own = image.bandsPerBlock > 1 ? band : 0;
  const rule = { nodata: undefined, scale, offset: 0, limit: Number.POSITIVE_INFINITY, band: own };
  const cells = tiffCells(file, image, rule, undefined, new BlockCache(CACHE_BYTES), file.path, noLerc);
  return readCells(cells, { column: 0, row: 0, columns: image.columns, rows: image.rows }, undefined, undefined);
}

async function noLerc(): Promise<ArrayBuffer> {
  throw new Error('datum grids in LERC are not read; rewrite it with gdal_translate -co COMPRESS=DEFLATE');
}

function notGrid(file: ByteFile, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${file.path} is no datum grid that Relievo reads: ${what}. Expected NTv2 (.gsb) or a GeoTIFF with horizontal offsets in the layout of PROJ (cdn.proj.org).`,
    { where: file.path },
  );
}
