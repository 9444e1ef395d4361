/**
 * Geoid grids in GeoTIFF: PROJ's (Geodetic TIFF grids: band `geoid_undulation`, metadata TYPE and target_crs_epsg_code)
 * and plain ones of one band. Longitude and latitude are taken as they are: the datums that such grids come in lie
 * within metres of WGS 84, over which a geoid rises by less than a millimetre.
 */
import { RelievoError } from '../error.ts';
import { BlockCache } from '../sources/block-cache.ts';
import type { ByteFile } from '../sources/byte-file.ts';
import { readCells } from '../sources/cell-grid.ts';
import { readAffine, readGeoKeys } from '../sources/geo-keys.ts';
import { bandOfImage, tiffCells } from '../sources/tiff-cells.ts';
import { readTiffHeader, Tag, type TiffImage } from '../sources/tiff-header.ts';
import type { GeoidRaster } from './geoid-raster.ts';

/** The keys that count here, by their numbers (OGC GeoTIFF 1.1, annex D). */
const KEYS = { 1024: 'model', 1025: 'rasterType', 4096: 'vertical' } as const;
const MODEL_GEOGRAPHIC = 2;
const MAX_UNDULATION = 1000;
const CACHE_BYTES = 2 ** 26;
/** PROJ's TYPE of grids that lead from the ellipsoid to a height system. */
const RIGHT_TYPE = 'VERTICAL_OFFSET_GEOGRAPHIC_TO_VERTICAL';

/** Refuses with `datum` a raster that is no geoid, and with `input-invalid` or `input-unsupported` what cannot be read. */
export async function openGeoidTiff(file: ByteFile): Promise<GeoidRaster> {
  const refuse = (what: string) =>
    new RelievoError('datum', `${file.path} cannot serve as a geoid grid: ${what}.`, { where: file.path });
  const images = await readTiffHeader(file);
  const [full] = images;
  if (full === undefined) throw refuse('it holds no image');
  const keys = readGeoKeys(full.directory, KEYS);
  const affine = readAffine(full.directory, keys.rasterType === 2, file.path);
  if (keys.model !== undefined && keys.model !== MODEL_GEOGRAPHIC) {
    throw refuse('its coordinates are not longitude and latitude; bring it there with gdalwarp -t_srs EPSG:4326');
  }
  if (affine.b !== 0 || affine.d !== 0 || affine.a <= 0 || affine.e >= 0) {
    throw refuse('it is not laid out with north up and east to the right; rewrite it with gdalwarp');
  }
  const { columns, rows } = full;
  const south = affine.f + affine.e * (rows - 1);
  if (Math.abs(affine.f) > 90.5 || Math.abs(south) > 90.5 || affine.a * columns > 361) {
    throw refuse(`it runs from latitude ${south} to ${affine.f}, which is not on Earth: are its coordinates degrees?`);
  }
  const metadata = readItems(full);
  const type = metadata.get('TYPE');
  if (type !== undefined && type !== RIGHT_TYPE) {
    throw refuse(`it is a grid of another kind (${type}); expected ${RIGHT_TYPE}`);
  }
  const band = bandOf(full, metadata, refuse);
  const item = (role: string) => Number(metadata.get(`${role} ${band}`) ?? NaN);
  const unit = unitOf(metadata.get(`unittype ${band}`), refuse);
  const text = full.directory.text(Tag.gdalNodata)?.trim();
  const rule = {
    nodata: text === undefined || text === '' ? undefined : Number(text),
    scale: (Number.isNaN(item('scale')) ? 1 : item('scale')) * unit,
    offset: (Number.isNaN(item('offset')) ? 0 : item('offset')) * unit,
    limit: MAX_UNDULATION,
    band: full.bandsPerBlock > 1 ? band : 0,
  };
  const mask = images.find((image) => image.mask && image.columns === columns && image.rows === rows);
  const cells = tiffCells(file, bandOfImage(full, band), rule, mask, new BlockCache(CACHE_BYTES), file.path, noLerc);
  const vertical = Number(metadata.get('target_crs_epsg_code') ?? keys.vertical ?? NaN);
  return {
    west: affine.c,
    north: affine.f,
    spacingLon: affine.a,
    spacingLat: -affine.e,
    columns,
    rows,
    verticalCrs: Number.isInteger(vertical) ? vertical : undefined,
    read: (window) => readCells(cells, window, undefined, undefined),
  };
}

/** GDAL's metadata: global items by name, those of a band by role or name and the band's number. */
function readItems({ directory }: TiffImage): Map<string, string> {
  const items = new Map<string, string>();
  const text = directory.text(Tag.gdalMetadata) ?? '';
  for (const [, attributes = '', value = ''] of text.matchAll(/<Item\s+([^>]{0,300})>([^<]{0,500})<\/Item>/g)) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? '';
    const band = /\bsample="(\d+)"/.exec(attributes)?.[1];
    const role = /\brole="([a-z]+)"/.exec(attributes)?.[1];
    items.set(band === undefined ? name : `${role ?? name.toLowerCase()} ${band}`, value.trim());
  }
  return items;
}

/** Index of the band that holds undulations. */
function bandOf(
  { bands }: TiffImage,
  metadata: ReadonlyMap<string, string>,
  refuse: (what: string) => RelievoError,
): number {
  const described = Array.from({ length: bands }, (_, band) => metadata.get(`description ${band}`));
  const named = described.indexOf('geoid_undulation');
  if (named >= 0) return named;
  const others = described.filter((text) => text !== undefined);
  if (bands === 1 && others.every((text) => !/offset|velocity|accuracy/i.test(text))) return 0;
  throw refuse(
    `none of its ${bands} bands is named geoid_undulation${others.length > 0 ? ` (${others.join(', ')})` : ''}; extract that band with gdal_translate -b`,
  );
}

function unitOf(name: string | undefined, refuse: (what: string) => RelievoError): number {
  if (name === undefined || /^(m|met(er|re)s?)?$/i.test(name)) return 1;
  if (/^(cm|centimet(er|re)s?)$/i.test(name)) return 0.01;
  throw refuse(`its values are in ${name}; expected metres`);
}

async function noLerc(): Promise<ArrayBuffer> {
  throw new Error('geoid grids in LERC are not read; rewrite it with gdal_translate -co COMPRESS=DEFLATE');
}
