/**
 * What heights refer to and in which unit: from the keys of a GeoTIFF, from GDAL's unit of the band, from the user, or
 * taken as mean sea level where nobody says (DESIGN rule 7).
 */
import { RelievoError } from '../error.ts';
import type { GeoKeyValues } from '../geo/crs.ts';
import type { VerticalReference } from './raster-source.ts';

/** What the user says of the heights; what is undefined is left to the file. */
export interface VerticalOverride {
  /** `ellipsoid`, `egm96`, or the name of another datum or of a geoid file. */
  readonly datum?: string | undefined;
  /** `metre`, `foot`, `us-foot`, or the metres in one unit as a number. */
  readonly unit?: string | undefined;
}

interface Unit {
  readonly unitMetres: number;
  readonly unit: string;
}

const METRE: Unit = { unitMetres: 1, unit: 'metre' };
const FOOT: Unit = { unitMetres: 0.3048, unit: 'foot' };
const US_FOOT: Unit = { unitMetres: 1200 / 3937, unit: 'US survey foot' };

/** Key 4099, EPSG units of measure. */
const UNIT_CODES: Readonly<Record<number, Unit>> = {
  9001: METRE,
  9002: FOOT,
  9003: US_FOOT,
  1025: { unitMetres: 0.001, unit: 'millimetre' },
  1033: { unitMetres: 0.01, unit: 'centimetre' },
};

const UNIT_NAMES: readonly [RegExp, Unit][] = [
  [/^(m|met(er|re)s?)$/i, METRE],
  [/^(us[- ]?(survey[- ]?)?(ft|foot|feet)|ftus|(ft|foot|feet)[ _]?us)$/i, US_FOOT],
  [/^(ft|foot|feet|international feet)$/i, FOOT],
  [/^(cm|centimet(er|re)s?)$/i, { unitMetres: 0.01, unit: 'centimetre' }],
  [/^(dm|decimet(er|re)s?)$/i, { unitMetres: 0.1, unit: 'decimetre' }],
];

/** Key 4096, EPSG vertical and three-dimensional CRSs (and GeoTIFF 1.0's ellipsoid and datum codes). */
const DATUM_CODES: Readonly<Record<number, string>> = {
  5773: 'egm96',
  5171: 'egm96',
  3855: 'egm2008',
  5798: 'egm84',
  5703: 'navd88',
  5103: 'navd88',
  6360: 'navd88',
  8228: 'navd88',
  5702: 'ngvd29',
  5701: 'odn',
  5709: 'nap',
  5710: 'ostend',
  5711: 'ahd',
  5720: 'ngf-ign69',
  5728: 'ln02',
  5729: 'lhn95',
  5730: 'evrf2000',
  5621: 'evrf2007',
  5783: 'dhhn92',
  7837: 'dhhn2016',
  5613: 'rh2000',
  5941: 'nn2000',
  3900: 'n2000',
  7839: 'nzvd2016',
  6647: 'cgvd2013',
  5713: 'cgvd28',
  4979: 'ellipsoid',
  5030: 'ellipsoid',
  5019: 'ellipsoid',
  4937: 'ellipsoid',
  4957: 'ellipsoid',
  6319: 'ellipsoid',
};
const CODES_IN_FEET: Readonly<Record<number, Unit>> = { 6360: US_FOOT, 5702: US_FOOT, 8228: FOOT };
const MEAN_SEA_LEVEL = 5714;
const THREE_DIMENSIONAL: readonly number[] = [4979, 4937, 4957, 6319];

/** The vertical reference of a GeoTIFF. `bandUnit` is GDAL's unit of the band, where it has one. */
export function verticalFromKeys(keys: GeoKeyValues, bandUnit: string | undefined): VerticalReference {
  const code = numberIn(keys.VerticalGeoKey ?? keys.VerticalCSTypeGeoKey);
  const unit = unitFromKeys(keys, code, bandUnit);
  const horizontal = numberIn(keys.GeographicTypeGeoKey);
  if (code === undefined && horizontal !== undefined && THREE_DIMENSIONAL.includes(horizontal)) {
    return {
      datum: 'ellipsoid',
      known: 'file',
      ...unit,
      because: `The file's coordinate system, EPSG:${horizontal}, has ellipsoidal heights.`,
    };
  }
  if (code === MEAN_SEA_LEVEL) {
    return {
      datum: 'egm96',
      known: 'assumed',
      ...unit,
      because: 'The file says mean sea level (EPSG:5714) and not by which geoid; EGM96 is taken.',
    };
  }
  if (code !== undefined) {
    const datum = DATUM_CODES[code] ?? `epsg:${code}`;
    return { datum, known: 'file', ...unit, because: `The file says that its heights are in EPSG:${code}.` };
  }
  return {
    datum: 'egm96',
    known: 'assumed',
    ...unit,
    because: 'The file does not say what its heights refer to; mean sea level (EGM96) is taken.',
  };
}

function unitFromKeys(keys: GeoKeyValues, code: number | undefined, bandUnit: string | undefined): Unit {
  const unitCode = numberIn(keys.VerticalUnitsGeoKey);
  if (unitCode !== undefined) {
    const unit = UNIT_CODES[unitCode];
    if (unit) return unit;
    throw new RelievoError(
      'input-unsupported',
      `Its heights are in the unit EPSG:${unitCode}, which is not known here; give the metres in one unit with --vertical-unit.`,
    );
  }
  if (code !== undefined && CODES_IN_FEET[code]) return CODES_IN_FEET[code];
  return (bandUnit && unitByName(bandUnit)) || METRE;
}

/** The reference after what the user says of it. Refuses with code `usage` a unit that is none. */
export function overrideVertical(found: VerticalReference, override: VerticalOverride): VerticalReference {
  const unit = override.unit === undefined ? found : parseUnit(override.unit);
  if (override.datum === undefined) return { ...found, unitMetres: unit.unitMetres, unit: unit.unit };
  const heights = override.datum === 'ellipsoid' ? 'are above the ellipsoid' : `refer to ${override.datum}`;
  return {
    datum: override.datum,
    known: 'option',
    unitMetres: unit.unitMetres,
    unit: unit.unit,
    because: `The user says that heights ${heights}.`,
  };
}

function parseUnit(text: string): Unit {
  const metres = Number(text);
  if (text.trim() !== '' && Number.isFinite(metres) && metres > 0) return { unitMetres: metres, unit: `${metres} m` };
  const unit = unitByName(text.trim());
  if (unit) return unit;
  throw new RelievoError(
    'usage',
    `A vertical unit is metre, foot, us-foot, or the metres in one unit (0.3048); got "${text}".`,
    { where: '--vertical-unit' },
  );
}

function unitByName(name: string): Unit | undefined {
  return UNIT_NAMES.find(([pattern]) => pattern.test(name.trim()))?.[1];
}

function numberIn(value: GeoKeyValues[string] | undefined): number | undefined {
  return typeof value === 'number' && value > 0 && value !== 32767 ? value : undefined;
}
