/**
 * proj4 strings as words: parsing, writing, and what can be told from them without computing anything. Only what a
 * raster needs: its axes are east and north whatever the string says.
 */
import { RelievoError } from '../error.ts';

/** Values by word, without the plus; undefined for a word that stands alone. In the order of the string. */
export type Tokens = Map<string, string | undefined>;

/** Metres in a unit, by PROJ's names. */
const LENGTHS: Readonly<Record<string, number>> = {
  m: 1,
  km: 1000,
  dm: 0.1,
  cm: 0.01,
  mm: 0.001,
  ft: 0.3048,
  'us-ft': 1200 / 3937,
  yd: 0.9144,
  mi: 1609.344,
  kmi: 1852,
};

/** Equatorial radii, metres, by PROJ's names. */
const RADII: Readonly<Record<string, number>> = {
  WGS84: 6378137,
  GRS80: 6378137,
  airy: 6377563.396,
  mod_airy: 6377340.189,
  aust_SA: 6378160,
  bessel: 6377397.155,
  bess_nam: 6377483.865,
  clrk66: 6378206.4,
  clrk80: 6378249.145,
  clrk80ign: 6378249.2,
  intl: 6378388,
  krass: 6378245,
  GRS67: 6378160,
};

export function parseTokens(text: string): Tokens {
  const tokens: Tokens = new Map();
  for (const word of text.trim().split(/\s+/)) {
    const [key = '', value] = word.replace(/^\+/, '').split('=', 2);
    if (key !== '') tokens.set(key, value);
  }
  return tokens;
}

export function formatTokens(tokens: Tokens): string {
  return [...tokens].map(([key, value]) => (value === undefined ? `+${key}` : `+${key}=${value}`)).join(' ');
}

/** Whether coordinates are angles. */
export function isGeographic(tokens: Tokens): boolean {
  return ['longlat', 'latlong', 'lonlat', 'latlon'].includes(tokens.get('proj') ?? '');
}

/** Longitudes from Greenwich, and no datum shift: other ellipsoids without one count as WGS84 to the last digit. */
export function isUnshifted(tokens: Tokens): boolean {
  const meridian = tokens.get('pm');
  const shift = tokens.get('towgs84');
  const named = tokens.get('datum');
  return (
    (meridian === undefined || Number(meridian) === 0 || meridian === 'greenwich') &&
    (shift === undefined || shift.split(',').every((part) => Number(part) === 0)) &&
    (named === undefined || ['WGS84', 'NAD83'].includes(named.toUpperCase()) || shift !== undefined) &&
    !tokens.has('lon_wrap')
  );
}

/** Neither WGS84 nor GRS80 nor a sphere: a datum of before satellites, some hundred metres away. */
export function isOldEllipsoid(tokens: Tokens): boolean {
  if (['WGS84', 'GRS80'].includes(tokens.get('ellps') ?? '')) return false;
  if (tokens.has('R') || (!tokens.has('a') && !tokens.has('ellps'))) return false;
  const a = Number(tokens.get('a'));
  return !(a === 6378137 || a === Number(tokens.get('b')));
}

/** Equatorial radius of the ellipsoid in metres, of those that datum grids start from; undefined where it is not said. */
export function radiusOf(tokens: Tokens): number | undefined {
  const a = Number(tokens.get('a'));
  return a > 0 ? a : RADII[tokens.get('ellps') ?? ''];
}

/**
 * Takes the directions of the axes out of the string: `en`, or `ws` and `sw` where they run west and south. An order that
 * begins with north is turned: rasters have x to the east. Refuses with `crs` any other.
 */
export function takeAxes(tokens: Tokens, geographic: boolean): string {
  const axes = tokens.get('axis')?.slice(0, 2) ?? 'en';
  tokens.delete('axis');
  if (geographic || axes === 'en' || axes === 'ne') return 'en';
  if (axes === 'ws' || axes === 'sw') return axes;
  throw new RelievoError('crs', `+axis=${axes} is not one that rasters have; expected enu, neu, wsu or swu.`);
}

/** Takes the unit of length out of the string: metres in one; undefined when it names none. Refuses with `crs`. */
export function takeUnit(tokens: Tokens): number | undefined {
  const factor = tokens.get('to_meter');
  const unit = tokens.get('units');
  tokens.delete('to_meter');
  tokens.delete('units');
  if (factor !== undefined) {
    const metres = Number(factor);
    if (Number.isFinite(metres) && metres > 0) return metres;
    throw new RelievoError('crs', `+to_meter is the metres in one unit, above 0; got "${factor}".`);
  }
  if (unit === undefined) return undefined;
  const metres = LENGTHS[unit];
  if (metres === undefined)
    throw new RelievoError('crs', `+units=${unit} is not known; give the metres in one unit as +to_meter=...`);
  return metres;
}

/** Refuses with `crs` what proj4 would compute wrongly without a word. */
export function refuseWhatIsMissing(tokens: Tokens, name: string): void {
  if (tokens.get('proj') === 'geocent') {
    throw new RelievoError(
      'crs',
      `${name} is geocentric (X, Y, Z from the centre of the Earth), which a raster of heights cannot use.`,
    );
  }
  const grids = tokens.get('nadgrids');
  // proj4 answers NaN, on the console only, for a grid that it does not have, even one marked optional.
  if (grids !== undefined && !grids.split(',').some((grid) => grid.replace('@', '') === 'null')) {
    throw new RelievoError(
      'crs',
      `${name} needs the datum grid ${grids}: give its file with --crs-grids (PROJ's grids: cdn.proj.org), or reproject the file first with gdalwarp -t_srs EPSG:4326.`,
    );
  }
}
