/**
 * What EPSG codes and the keys of a GeoTIFF stand for, as words of a proj4 string: the only door to the EPSG table of the
 * package geotiff-geokeys-to-proj4, and what that table leaves unsaid. Nothing here computes a position.
 */
import type { GeoKeys } from 'geotiff-geokeys-to-proj4';
import { RelievoError } from '../error.ts';
import { baseOf } from './crs-verdict.ts';
import { helmertOf } from './datum-shifts.ts';
import type { Tokens } from './proj-string.ts';
import { parseTokens } from './proj-string.ts';

/** Keys of a GeoTIFF by their names in the standard (GeoTIFF 1.1, annex B). */
export type GeoKeyValues = Readonly<Record<string, number | string | readonly number[]>>;

/** Codes that need no table: those of most files. Their shift to WGS84 is nil or under a metre or two. */
const KNOWN: Readonly<Record<number, { name: string; proj: string }>> = {
  4326: { name: 'WGS 84', proj: '+proj=longlat +ellps=WGS84' },
  4979: { name: 'WGS 84', proj: '+proj=longlat +ellps=WGS84' },
  4269: { name: 'NAD83', proj: '+proj=longlat +ellps=GRS80' },
  4258: { name: 'ETRS89', proj: '+proj=longlat +ellps=GRS80' },
  3857: { name: 'WGS 84 / Pseudo-Mercator', proj: '+proj=merc +a=6378137 +b=6378137 +nadgrids=@null' },
};

/** Codes of Hotine's projection, variant A: counted from the equator, which the table does not tell. */
const FROM_EQUATOR: readonly number[] = [
  3078, 3079, 3167, 3168, 3375, 3376, 3468, 3591, 5247, 6394, 6497, 6808, 6809, 6810, 6811, 6840, 6841, 6842, 6843,
  8803, 24571, 26731, 26931, 29874,
];

const USER_DEFINED = 32767;
/** ProjCoordTransGeoKey (GeoTIFF 1.0, 6.3.3.3), and the EPSG code that GDAL writes for Hotine's projection, variant B. */
const OBLIQUE_MERCATOR = 3;
const POLAR_STEREOGRAPHIC = 15;
const TRANSVERSE_MERCATOR_SOUTH = 27;
const HOTINE_B = 9815;

/** The proj4 string of an EPSG code, with its unit and its shift to WGS84. Refuses with `crs` an unknown code. */
export async function tokensOfCode(code: number): Promise<Tokens> {
  const known = KNOWN[code];
  if (known) return parseTokens(known.proj);
  const utm = utmOf(code);
  if (utm) return parseTokens(`+proj=utm +zone=${utm.zone}${utm.south ? ' +south' : ''} +ellps=WGS84`);
  const { tokens, unit } = await convertKeys({ ProjectedCSTypeGeoKey: code });
  if (!tokens.has('to_meter') && unit !== 1) tokens.set('to_meter', String(unit));
  if (FROM_EQUATOR.includes(code)) tokens.set('no_uoff', undefined);
  addHelmert(tokens, code);
  return tokens;
}

/** The name of a code where it is known without a table; else undefined. */
export function nameOfCode(code: number): string | undefined {
  return KNOWN[code]?.name ?? utmName(code);
}

/** The table's proj4 string, and the metres (degrees) in a unit of coordinates; 1 where the string itself has +to_meter. */
export async function convertKeys(keys: GeoKeyValues): Promise<{ tokens: Tokens; unit: number }> {
  const { toProj4 } = await import('geotiff-geokeys-to-proj4');
  const horizontal: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(keys)) if (!key.startsWith('Vertical')) horizontal[key] = value;
  // With both, the table starts from the geographic one and loses the projection.
  if (codeIn(keys, 'ProjectedCSTypeGeoKey') !== undefined) delete horizontal.GeographicTypeGeoKey;
  const result = toProj4(horizontal as unknown as GeoKeys);
  for (const [flag, value] of Object.entries(result.errors)) {
    if (flag === 'bothGCSAndPCSAreSet') continue;
    const what =
      flag === 'CRSNotSupported' ? `EPSG:${value}` : `${flag.replace(/NotSupported$|NotDefined$/, '')} ${value}`;
    throw new RelievoError(
      'crs',
      `The coordinate reference system ${what} is not known here: check the code, or reproject the file, for example with gdalwarp -t_srs EPSG:4326.`,
    );
  }
  const { x, y } = result.coordinatesConversionParameters;
  if (x !== y)
    throw new RelievoError(
      'crs',
      `Its coordinates have one unit to the east and another to the north (${x} and ${y} m); reproject it, for example with gdalwarp -t_srs EPSG:4326.`,
    );
  if (result.coordinatesUnits !== 'metre' && result.coordinatesUnits !== 'degree') {
    throw new RelievoError('crs', `Its coordinates are in ${result.coordinatesUnits}; expected a length or an angle.`);
  }
  const tokens = parseTokens(result.proj4);
  return { tokens, unit: Math.abs(x - 1) < 1e-9 ? 1 : x };
}

/** The proj4 string of a projection of the file's own, with what the table leaves out. Refuses with `crs`. */
export async function tokensOfOwnKeys(keys: GeoKeyValues): Promise<{ tokens: Tokens; unit: number }> {
  const method = keys.ProjCoordTransGeoKey;
  const converted = await convertKeys(method === HOTINE_B ? { ...keys, ProjCoordTransGeoKey: OBLIQUE_MERCATOR } : keys);
  const { tokens } = converted;
  if (method === POLAR_STEREOGRAPHIC) setTrueScale(tokens, keys);
  if (tokens.get('proj') === 'omerc') setAzimuth(tokens, keys);
  if (method === OBLIQUE_MERCATOR) tokens.set('no_uoff', undefined);
  if (method === TRANSVERSE_MERCATOR_SOUTH) tokens.set('axis', 'ws');
  const parallel = tokens.get('lat_1');
  // On a cylinder the one standard parallel is that of true scale.
  if (['eqc', 'merc'].includes(tokens.get('proj') ?? '') && parallel !== undefined) {
    tokens.set('lat_ts', parallel);
    tokens.delete('lat_1');
  }
  return converted;
}

/** WKT that GDAL writes where the keys have no word for a projection; undefined where there is none. */
export function wktInKeys(keys: GeoKeyValues): string | undefined {
  const text = keys.PCSCitationGeoKey;
  return typeof text === 'string' ? /^ESRI PE String = (\S[\s\S]*)$/.exec(text)?.[1] : undefined;
}

/** The +towgs84 that the keys name (a key of GDAL's own); undefined where they name none. */
export function shiftInKeys(keys: GeoKeyValues): string | undefined {
  const shift = keys.GeogTOWGS84GeoKey;
  return typeof shift === 'object' && (shift.length === 3 || shift.length === 7) ? shift.join(',') : undefined;
}

/** Of a polar stereographic projection the key "latitude of natural origin" is that of true scale; its origin is the pole. */
function setTrueScale(tokens: Tokens, keys: GeoKeyValues): void {
  const meridian = keys.ProjStraightVertPoleLongGeoKey;
  if (!tokens.has('lon_0') && typeof meridian === 'number') tokens.set('lon_0', String(meridian));
  const latitude = Number(tokens.get('lat_0'));
  if (!(Math.abs(latitude) < 90) || latitude === 0) return;
  tokens.set('lat_ts', String(latitude));
  tokens.set('lat_0', latitude < 0 ? '-90' : '90');
}

/** The table leaves out the line along which an oblique projection is true, and the turn of its axes. */
function setAzimuth(tokens: Tokens, keys: GeoKeyValues): void {
  const azimuth = keys.ProjAzimuthAngleGeoKey;
  const angle = keys.ProjRectifiedGridAngleGeoKey ?? azimuth;
  const meridian = tokens.get('lonc') ?? tokens.get('lon_0');
  if (typeof azimuth !== 'number' || typeof angle !== 'number' || meridian === undefined) {
    throw new RelievoError(
      'crs',
      'Its projection is an oblique Mercator whose azimuth or centre it does not name; name the system with --source-crs.',
    );
  }
  tokens.delete('lon_0');
  tokens.set('lonc', meridian);
  tokens.set('alpha', String(azimuth));
  tokens.set('gamma', String(angle));
}

/** Adds the shift to WGS84 of `code`, else that of its datum, where there is one. */
export function addHelmert(tokens: Tokens, code: number): void {
  const base = tokens.has('towgs84') ? undefined : baseOf(code);
  const shift = helmertOf(code) ?? (base && helmertOf(base.code));
  if (shift !== undefined) tokens.set('towgs84', shift);
}

/** The EPSG code that a key names; undefined where it names none or one of the user's own. */
export function codeIn(keys: GeoKeyValues, name: string): number | undefined {
  const value = keys[name];
  return typeof value === 'number' && value > 0 && value !== USER_DEFINED ? value : undefined;
}

/** The file's own name for its CRS, where it is one that helps a reader. */
export function citationIn(keys: GeoKeyValues, projected: boolean): string | undefined {
  const texts = projected
    ? [keys.PCSCitationGeoKey, keys.GTCitationGeoKey]
    : [keys.GeogCitationGeoKey, keys.GTCitationGeoKey];
  for (const text of texts) {
    if (typeof text !== 'string') continue;
    const first = text.split('|')[0] ?? '';
    const name = first
      .slice(first.indexOf('=') + 1)
      .replaceAll('_', ' ')
      .trim();
    if (name !== '' && !/unknown|unnamed|user.defined/i.test(name)) return name.slice(0, 80);
  }
  return undefined;
}

function utmOf(code: number): { zone: number; south: boolean } | undefined {
  const zone = code % 100;
  const block = code - zone;
  return (block === 32600 || block === 32700) && zone >= 1 && zone <= 60 ? { zone, south: block === 32700 } : undefined;
}

function utmName(code: number): string | undefined {
  const utm = utmOf(code);
  return utm && `WGS 84 / UTM zone ${utm.zone}${utm.south ? 'S' : 'N'}`;
}
