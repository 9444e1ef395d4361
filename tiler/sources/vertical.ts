/**
 * What heights refer to and in which unit: from the keys of a GeoTIFF (OGC GeoTIFF 1.1, 7.5.8), from WKT, from GDAL's
 * unit of the band, from the user, or taken as mean sea level where nobody says (DESIGN rule 7).
 */
import { RelievoError } from '../error.ts';
import type { GeoKeyValues } from '../geo/crs.ts';
import type { VerticalReference } from './raster-source.ts';
import {
  DEPTH_CODES,
  datumName,
  datumOfCitation,
  datumOfCode,
  datumOfCrs,
  datumOfText,
  isEllipsoidal,
  isOtherEllipsoid,
  MEAN_SEA_LEVEL,
  MEAN_SEA_LEVEL_DATUM,
} from './vertical-datums.ts';

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
  9095: { unitMetres: 0.3048007491, unit: 'British foot (1936)' },
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

const CODES_IN_FEET: Readonly<Record<number, Unit>> = {
  5702: US_FOOT,
  6360: US_FOOT,
  8052: US_FOOT,
  8050: FOOT,
  8228: FOOT,
};

/** What a file says of its heights, as far as it says it. */
interface Statement {
  /** EPSG code of the vertical CRS. */
  readonly code?: number | undefined;
  /** EPSG code of the datum alone. */
  readonly datumCode?: number | undefined;
  /** A name in words. */
  readonly citation?: string | undefined;
  /** EPSG code of a CRS with three axes, of which the third is the height. */
  readonly threeDimensional?: number | undefined;
}

/** The vertical reference of a GeoTIFF. `bandUnit` is GDAL's unit of the band, where it has one. */
export function verticalFromKeys(keys: GeoKeyValues, bandUnit: string | undefined): VerticalReference {
  const code = numberIn(keys.VerticalGeoKey ?? keys.VerticalCSTypeGeoKey);
  const horizontal = numberIn(keys.GeographicTypeGeoKey);
  const citation = keys.VerticalCitationGeoKey;
  return {
    ...datumOf({
      code,
      datumCode: numberIn(keys.VerticalDatumGeoKey),
      citation: typeof citation === 'string' ? citation : undefined,
      threeDimensional: horizontal !== undefined && isEllipsoidal(horizontal) ? horizontal : undefined,
    }),
    ...unitFromKeys(keys, code, bandUnit),
  };
}

/**
 * The vertical part of a compound CRS in WKT (`VERT_CS`, `VERTCRS`), as a `.prj` may hold; undefined when it has none.
 * `bandUnit` is GDAL's unit of the band, where the text names none.
 */
export function verticalFromWkt(wkt: string, bandUnit?: string): VerticalReference | undefined {
  const part = /\b(?:VERT_CS|VERTCS|VERTCRS)\s*\[.*/is.exec(wkt)?.[0];
  if (part === undefined) return undefined;
  const text = part.slice(0, endOfBracket(part));
  const codes = [...text.matchAll(/(?:AUTHORITY|ID)\s*\[\s*"EPSG"\s*,\s*"?(\d{1,6})"?\s*\]/gi)];
  // The code that closes the text is that of the whole; others are of its parts.
  const last = codes.at(-1);
  const closes = last !== undefined && /^[\s\]]*$/.test(text.slice(last.index + last[0].length));
  const code = closes ? Number(last[1]) : undefined;
  const unitName = /\b(?:UNIT|LENGTHUNIT)\s*\[\s*"([^"]+)"\s*,\s*([\d.eE+-]+)/i.exec(text);
  const metres = Number(unitName?.[2]);
  const named =
    unitName && (unitByName((unitName[1] ?? '').replaceAll('_', ' ')) ?? { unitMetres: metres, unit: `${metres} m` });
  const unit = named && named.unitMetres > 0 ? named : (bandUnit && unitByName(bandUnit)) || METRE;
  const citation = /^[A-Z_]+\s*\[\s*"([^"]*)"/i.exec(text)?.[1];
  return { ...datumOf({ code, citation }), ...unit };
}

/** What a file without any word of its own is taken for. `bandUnit` as GDAL names it, where there is one. */
export function verticalUnknown(bandUnit?: string): VerticalReference {
  return { ...datumOf({}), ...((bandUnit && unitByName(bandUnit)) || METRE) };
}

function datumOf({ code, datumCode, citation, threeDimensional }: Statement): Omit<VerticalReference, keyof Unit> {
  if (code === undefined && threeDimensional !== undefined) {
    return {
      datum: 'ellipsoid',
      known: 'file',
      because: `The file's coordinate system, EPSG:${threeDimensional}, has ellipsoidal heights.`,
    };
  }
  if (code !== undefined) {
    refuseUnusable(code);
    if (isEllipsoidal(code)) {
      return {
        datum: 'ellipsoid',
        known: 'file',
        because: `The file says that its heights are above the ellipsoid (EPSG:${code}).`,
      };
    }
    const known = datumOfCrs(code);
    if (known || !MEAN_SEA_LEVEL.includes(code)) {
      const datum = known?.id ?? `epsg:${code}`;
      const name = known ? `${known.name}, EPSG:${code}` : `EPSG:${code}`;
      return { datum, known: 'file', because: `The file says that its heights are above ${name}.` };
    }
  }
  const byDatum =
    (datumCode === undefined ? undefined : datumOfCode(datumCode)) ?? (citation && datumOfCitation(citation));
  if (byDatum) {
    return { datum: byDatum.id, known: 'file', because: `The file says that its heights are above ${byDatum.name}.` };
  }
  const seaLevel = code !== undefined || datumCode === MEAN_SEA_LEVEL_DATUM;
  return {
    datum: 'egm96',
    known: 'assumed',
    because: seaLevel
      ? `The file says mean sea level${code ? ` (EPSG:${code})` : ''} and not by which geoid; EGM96 is taken.`
      : 'The file does not say what its heights refer to; mean sea level (EGM96) is taken.',
  };
}

function refuseUnusable(code: number): void {
  if (DEPTH_CODES.has(code)) {
    throw new RelievoError(
      'input-unsupported',
      `It holds depths, counted downwards (vertical CRS EPSG:${code}); expected heights, counted upwards: turn the sign round first, for example with gdal_calc.py --calc="-A".`,
    );
  }
  if (isOtherEllipsoid(code)) {
    throw new RelievoError(
      'datum',
      `Its heights are above another ellipsoid than that of WGS 84 (code ${code}), which can be hundreds of metres away; transform it first, for example with gdalwarp -t_srs EPSG:4979.`,
    );
  }
}

/** Index after the bracket that closes the first one. */
function endOfBracket(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return i + 1;
  }
  return text.length;
}

function unitFromKeys(keys: GeoKeyValues, code: number | undefined, bandUnit: string | undefined): Unit {
  const unitCode = numberIn(keys.VerticalUnitsGeoKey);
  // One that is not known counts as an error only when the user does not name the unit either.
  if (unitCode !== undefined) return UNIT_CODES[unitCode] ?? { unitMetres: Number.NaN, unit: `EPSG:${unitCode}` };
  if (code !== undefined && CODES_IN_FEET[code]) return CODES_IN_FEET[code];
  return (bandUnit && unitByName(bandUnit)) || METRE;
}

/**
 * The reference after what the user says of it. Refuses with code `usage` a unit that is none. A datum that the table
 * of datums knows becomes its id; any other text stays as it is, the path of a geoid grid.
 */
export function overrideVertical(found: VerticalReference, override: VerticalOverride): VerticalReference {
  const unit = override.unit === undefined ? found : parseUnit(override.unit);
  if (Number.isNaN(unit.unitMetres)) {
    throw new RelievoError(
      'input-unsupported',
      `Its heights are in the unit ${unit.unit}, which is not known here; give the metres in one unit with --vertical-unit.`,
    );
  }
  if (override.datum === undefined) return { ...found, unitMetres: unit.unitMetres, unit: unit.unit };
  const text = override.datum.trim();
  const code = /^epsg:(\d{1,6})$/i.exec(text)?.[1];
  if (code !== undefined) refuseUnusable(Number(code));
  const ellipsoid = /^(ellipsoid|wgs ?84)$/i.test(text) || (code !== undefined && isEllipsoidal(Number(code)));
  const other = datumOfText(text)?.id ?? (code === undefined ? text : `epsg:${code}`);
  const datum = ellipsoid ? 'ellipsoid' : other;
  return {
    datum,
    known: 'option',
    unitMetres: unit.unitMetres,
    unit: unit.unit,
    because: `The user says that heights are above ${ellipsoid ? 'the WGS 84 ellipsoid' : datumName(datum)}.`,
    fileSays: found.known === 'assumed' || found.datum === datum ? undefined : found.datum,
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
