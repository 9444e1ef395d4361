/**
 * Datum grids as GeoTIFF, in the layout of PROJ (its specification "Geodetic TIFF grids"): each image is a grid with
 * bands of offsets to the north and to the east; nested grids follow as further images. Another room for the package
 * geotiff, which decodes the samples once our own reader has held the file's directories against its length.
 */
import { fromArrayBuffer, globals } from 'geotiff';
import { RelievoError } from '../error.ts';
import type { DatumGrid, DatumSubgrid } from '../geo/datum-grid.ts';
import type { ByteFile } from './byte-file.ts';
import { readAffine, readGeoKeys } from './geo-keys.ts';
import { Tag } from './tiff-header.ts';
import type { TiffDirectory } from './tiff-tags.ts';
import { readDirectories } from './tiff-tags.ts';

/** Of one grid; the largest that PROJ offers has 2.5 million nodes. */
const MAX_NODES = 2 ** 25;
const MAX_GRIDS = 4096;
const TYPES: readonly string[] = ['HORIZONTAL_OFFSET', 'GEOGRAPHIC_3D_OFFSET'];
/** Degrees in a unit of the samples. */
const UNITS: Readonly<Record<string, number>> = { 'arc-second': 1 / 3600, degree: 1, radian: 180 / Math.PI };

/** Reads the whole file. Refuses with `input-invalid` a broken one, with `input-unsupported` a TIFF that is no such grid. */
export async function readGeoTiffGrid(file: ByteFile, version: string): Promise<DatumGrid> {
  const { directories } = await readDirectories(file, new Set(Object.values(Tag)), MAX_GRIDS);
  const [first] = directories;
  if (first === undefined) throw notGrid(file, 'it holds no image');
  const common = itemsOf(first);
  const type = common.get('TYPE');
  if (type !== undefined && !TYPES.includes(type)) {
    throw notGrid(file, `its type is ${type}; expected ${TYPES.join(' or ')}`);
  }
  const keys = readGeoKeys(first, globals.geoKeyNames);
  const bytes = await file.read(0, file.size);
  const tiff = await fromArrayBuffer(bytes.buffer);
  const subgrids: DatumSubgrid[] = [];
  for (const [i, directory] of directories.entries()) {
    const shape = shapeOf(file, directory);
    const own = itemsOf(directory);
    const item = (name: string) => own.get(name) ?? common.get(name);
    const image = await tiff.getImage(i);
    const north = bandOf(item, directory, 'latitude_offset');
    const east = bandOf(item, directory, 'longitude_offset');
    if (north === undefined || east === undefined)
      throw notGrid(file, 'it has no bands latitude_offset and longitude_offset');
    const rasters = await image.readRasters({ samples: [north, east] });
    const towardsEast = (item(`${east} positive_value`) ?? 'east') === 'east' ? 1 : -1;
    const affine = readAffine(directory, keys.GTRasterTypeGeoKey === 2, file.path);
    if (affine.b !== 0 || affine.d !== 0 || !(affine.a > 0) || !(affine.e < 0))
      throw notGrid(file, 'it is not north-up');
    subgrids.push({
      west: affine.c,
      north: affine.f,
      spacingLon: affine.a,
      spacingLat: -affine.e,
      ...shape,
      shiftLat: scale(rasters[0], unitOf(file, item(`${north} UNITTYPE`))),
      shiftLon: scale(rasters[1], towardsEast * unitOf(file, item(`${east} UNITTYPE`))),
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

function shapeOf(file: ByteFile, directory: TiffDirectory): { columns: number; rows: number } {
  const columns = directory.numbers(Tag.columns)?.[0] ?? 0;
  const rows = directory.numbers(Tag.rows)?.[0] ?? 0;
  if (columns >= 2 && rows >= 2 && columns * rows <= MAX_NODES) return { columns, rows };
  throw notGrid(file, `a grid has ${columns} x ${rows} nodes; expected at least 2 x 2 and at most ${MAX_NODES} in all`);
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

function scale(values: unknown, factor: number): Float32Array {
  return Float32Array.from(values as Float32Array, (value) => value * factor);
}

function notGrid(file: ByteFile, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${file.path} is no datum grid that Relievo reads: ${what}. Expected NTv2 (.gsb) or a GeoTIFF with horizontal offsets in the layout of PROJ (cdn.proj.org).`,
    { where: file.path },
  );
}
