/**
 * Coordinate reference systems: longitude and latitude (degrees, WGS84) to a raster's own coordinates and back. The
 * only door to proj4 and to the EPSG table of geotiff-geokeys-to-proj4. Raster coordinates are always x to the east
 * and y to the north, whatever order of axes the definition names (GeoTIFF 1.1, 7.1; GDAL's traditional order).
 */
import type { GeoKeys } from 'geotiff-geokeys-to-proj4';
import proj4 from 'proj4';
import { RelievoError } from '../error.ts';
import { helmertOf } from './datum-shifts.ts';
import type { Tokens } from './proj-string.ts';
import {
  formatTokens,
  isGeographic,
  isOldEllipsoid,
  isUnshifted,
  parseTokens,
  refuseWhatIsMissing,
  takeUnit,
} from './proj-string.ts';

export interface Crs {
  /** What `resolveCrs` makes this same CRS from: `EPSG:2056`, a proj4 string, or WKT. */
  readonly definition: string;
  /** In words: `WGS 84 (EPSG:4326)`. */
  readonly name: string;
  /** Coordinates are angles, not lengths. */
  readonly geographic: boolean;
  /** Metres in one unit of x and y; degrees when `geographic`. */
  readonly unitMetres: number;
  /** Longitude and latitude in degrees to x and y in the CRS's unit; two NaN where the projection has no answer. */
  forward(lonLat: readonly [lon: number, lat: number]): [x: number, y: number];
  /** x and y to longitude and latitude in degrees; two NaN where the projection has no answer. */
  inverse(xy: readonly [x: number, y: number]): [lon: number, lat: number];
}

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

const USER_DEFINED = 32767;
/** ProjCoordTransGeoKey (GeoTIFF 1.0, 6.3.3.3). */
const POLAR_STEREOGRAPHIC = 15;

/** A CRS from `EPSG:nnnn`, a proj4 string or WKT. Refuses with code `crs` what is unknown or cannot be computed here. */
export async function resolveCrs(definition: string): Promise<Crs> {
  const text = definition.trim();
  const epsg = /^EPSG:(\d{1,6})$/i.exec(text);
  if (epsg) return crsFromCode(Number(epsg[1]));
  if (text.startsWith('+')) return crsFromTokens(parseTokens(text), text, 'as given');
  // The code at the very end is that of the whole CRS; it says more than the text around it, the datum shift above all.
  const named = /(?:AUTHORITY|ID)\s*\[\s*"EPSG"\s*,\s*"?(\d+)"?\s*\]\s*\]\s*$/i.exec(text);
  if (named) return crsFromCode(Number(named[1]));
  if (/^[A-Z_0-9]+\s*\[/i.test(text)) return crsFromWkt(text);
  throw new RelievoError(
    'crs',
    `A coordinate reference system is given as EPSG:4326, as a proj4 string (+proj=...) or as WKT; "${text.slice(0, 60)}" is none of these.`,
  );
}

/** A CRS from the keys of a GeoTIFF. Refuses with code `crs` when they name none, or one that is unknown. */
export async function crsFromGeoKeys(keys: GeoKeyValues): Promise<Crs> {
  const model = keys.GTModelTypeGeoKey;
  if (model === 3)
    throw new RelievoError(
      'crs',
      'Its coordinates are geocentric (X, Y, Z from the centre of the Earth), which a raster of heights cannot use.',
    );
  const projected = codeIn(keys, 'ProjectedCSTypeGeoKey');
  const geographic = codeIn(keys, 'GeographicTypeGeoKey');
  const projects =
    projected !== undefined || keys.ProjectionGeoKey !== undefined || keys.ProjCoordTransGeoKey !== undefined;
  if (!projects && geographic === undefined && model !== 2 && keys.GeogSemiMajorAxisGeoKey === undefined) {
    throw new RelievoError('crs', 'It does not say in which coordinate reference system its coordinates are.');
  }
  const code = projected ?? (projects ? undefined : geographic);
  const citation = citationIn(keys, projects);
  if (code !== undefined) {
    const plain = await crsFromCode(code, citation);
    const unit = await unitOfKeys(keys, plain);
    return unit === plain.unitMetres ? plain : rescaled(plain, unit, await tokensOfCode(code));
  }
  const { tokens, unit } = await convertKeys(keys);
  if (keys.ProjCoordTransGeoKey === POLAR_STEREOGRAPHIC) setTrueScale(tokens, keys);
  if (model === 1 && isGeographic(tokens)) {
    throw new RelievoError('crs', 'It says that its coordinates are projected, but not by which projection.');
  }
  if (!tokens.has('towgs84') && geographic !== undefined) addHelmert(tokens, geographic);
  return crsFromTokens(tokens, undefined, citation ?? `the file's own (${tokens.get('proj')})`, unit);
}

async function crsFromCode(code: number, citation?: string): Promise<Crs> {
  const tokens = await tokensOfCode(code);
  const title = citation ?? KNOWN[code]?.name ?? utmName(code);
  const name = title === undefined ? `EPSG:${code}` : `${title} (EPSG:${code})`;
  return crsFromTokens(tokens, `EPSG:${code}`, name);
}

async function tokensOfCode(code: number): Promise<Tokens> {
  const known = KNOWN[code];
  if (known) return parseTokens(known.proj);
  const utm = utmOf(code);
  if (utm) return parseTokens(`+proj=utm +zone=${utm.zone}${utm.south ? ' +south' : ''} +ellps=WGS84`);
  const { tokens, unit } = await convertKeys({ ProjectedCSTypeGeoKey: code });
  if (!tokens.has('to_meter') && unit !== 1) tokens.set('to_meter', String(unit));
  addHelmert(tokens, code);
  return tokens;
}

function crsFromWkt(wkt: string): Crs {
  try {
    const { oProj } = proj4(wkt) as { oProj?: { projName?: string; to_meter?: number; title?: string; name?: string } };
    const geographic = oProj?.projName === 'longlat';
    const title = /^[A-Z_0-9]+\s*\[\s*"([^"]+)"/i.exec(wkt)?.[1] ?? 'WKT';
    // proj4 applies the unit of a WKT itself, so ours stays out of the calculation.
    return makeCrs(wkt, title, geographic, geographic ? 1 : (oProj?.to_meter ?? 1), 1, wkt);
  } catch (cause) {
    throw new RelievoError(
      'crs',
      `This WKT cannot be used: ${messageOf(cause)} Give the EPSG code instead, such as EPSG:32632.`,
      { cause },
    );
  }
}

/** `definition` undefined: the proj4 string that results. */
function crsFromTokens(tokens: Tokens, definition: string | undefined, name: string, unitOfKeys = 1): Crs {
  refuseWhatIsMissing(tokens, name);
  const geographic = isGeographic(tokens);
  const unit = takeUnit(tokens) ?? unitOfKeys;
  tokens.delete('axis');
  tokens.delete('geoidgrids');
  tokens.delete('vunits');
  tokens.delete('vto_meter');
  // proj4 knows this datum's ellipsoid only and would leave out a shift of 100 m (EPSG:1173, continental US, 10 m).
  if (tokens.get('datum')?.toUpperCase() === 'NAD27' && !tokens.has('towgs84')) tokens.set('towgs84', '-8,160,176');
  // The table leaves the pole to the sign of the standard parallel (EPSG method 9829); proj4 wants to be told.
  const trueScale = Number(tokens.get('lat_ts'));
  if (tokens.get('proj') === 'stere' && !tokens.has('lat_0') && trueScale !== 0) {
    tokens.set('lat_0', trueScale < 0 ? '-90' : '90');
  }
  const shiftless = !tokens.has('towgs84') && !tokens.has('datum') && !tokens.has('nadgrids') && isOldEllipsoid(tokens);
  const title = shiftless ? `${name}, datum taken as WGS 84 without a shift` : name;
  const proj = formatTokens(tokens);
  const text = definition ?? (unit === 1 ? proj : `${proj} +to_meter=${unit}`);
  return makeCrs(text, title, geographic, unit, unit, geographic && isUnshifted(tokens) ? undefined : proj);
}

/** `projection` undefined: coordinates are longitude and latitude in `factor` degrees. */
function makeCrs(
  definition: string,
  name: string,
  geographic: boolean,
  unitMetres: number,
  factor: number,
  projection: string | undefined,
): Crs {
  if (projection === undefined) {
    return {
      definition,
      name,
      geographic,
      unitMetres,
      forward: ([lon, lat]) => finitePair(lon / factor, lat / factor),
      inverse: ([x, y]) => finitePair(x * factor, y * factor),
    };
  }
  const converter = converterOf(projection, name);
  return {
    definition,
    name,
    geographic,
    unitMetres,
    forward([lon, lat]) {
      if (!Number.isFinite(lon) || !(Math.abs(lat) <= 90)) return [Number.NaN, Number.NaN];
      try {
        const out = converter.forward([lon, lat]);
        return finitePair(out[0] / factor, out[1] / factor);
      } catch {
        return [Number.NaN, Number.NaN];
      }
    },
    inverse([x, y]) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) return [Number.NaN, Number.NaN];
      try {
        const out = converter.inverse([x * factor, y * factor]);
        return finitePair(out[0], out[1]);
      } catch {
        return [Number.NaN, Number.NaN];
      }
    },
  };
}

interface Converter {
  forward(point: [number, number]): [number, number];
  inverse(point: [number, number]): [number, number];
}

function converterOf(projection: string, name: string): Converter {
  try {
    const converter = proj4(projection);
    return { forward: (point) => converter.forward(point), inverse: (point) => converter.inverse(point) };
  } catch (cause) {
    throw new RelievoError(
      'crs',
      `The projection of ${name} is not one that Relievo can compute (${messageOf(cause)}): reproject the file first, for example with gdalwarp -t_srs EPSG:4326.`,
      { cause },
    );
  }
}

function rescaled(crs: Crs, unit: number, tokens: Tokens): Crs {
  takeUnit(tokens);
  tokens.set('to_meter', String(unit));
  return crsFromTokens(tokens, undefined, crs.name);
}

/** The unit that the file names, where it names one; else that of the CRS. */
async function unitOfKeys(keys: GeoKeyValues, crs: Crs): Promise<number> {
  const asked = crs.geographic ? keys.GeogAngularUnitsGeoKey : keys.ProjLinearUnitsGeoKey;
  if (asked === undefined || asked === (crs.geographic ? 9102 : 9001)) return crs.unitMetres;
  const { unit } = await convertKeys(keys);
  return Math.abs(unit / crs.unitMetres - 1) < 1e-9 ? crs.unitMetres : unit;
}

/** The table's proj4 string, and the metres (degrees) in a unit of coordinates; 1 where the string itself has +to_meter. */
async function convertKeys(keys: GeoKeyValues): Promise<{ tokens: Tokens; unit: number }> {
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

/** Of a polar stereographic projection the key "latitude of natural origin" is that of true scale; its origin is the pole. */
function setTrueScale(tokens: Tokens, keys: GeoKeyValues): void {
  const meridian = keys.ProjStraightVertPoleLongGeoKey;
  if (!tokens.has('lon_0') && typeof meridian === 'number') tokens.set('lon_0', String(meridian));
  const latitude = Number(tokens.get('lat_0'));
  if (!(Math.abs(latitude) < 90) || latitude === 0) return;
  tokens.set('lat_ts', String(latitude));
  tokens.set('lat_0', latitude < 0 ? '-90' : '90');
}

function addHelmert(tokens: Tokens, code: number): void {
  const shift = helmertOf(code);
  if (shift !== undefined) tokens.set('towgs84', shift);
}

function codeIn(keys: GeoKeyValues, name: string): number | undefined {
  const value = keys[name];
  return typeof value === 'number' && value > 0 && value !== USER_DEFINED ? value : undefined;
}

/** The file's own name for its CRS, where it is one that helps a reader. */
function citationIn(keys: GeoKeyValues, projected: boolean): string | undefined {
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

function finitePair(first: number, second: number): [number, number] {
  return Number.isFinite(first) && Number.isFinite(second) ? [first, second] : [Number.NaN, Number.NaN];
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
