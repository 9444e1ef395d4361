/**
 * From a source's own vertical datum to metres above the WGS84 ellipsoid: h = H + N, with the geoid height N added at
 * the posts, after resampling. A datum that is unknown, or whose geoid is not at hand, is taken as EGM96 and says so.
 */
import { RelievoError } from '../error.ts';
import { egm96, type Geoid } from '../geo/geoid.ts';
import { Origin } from '../geo/post-grid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { VerticalReference } from '../sources/raster-source.ts';
import { datumName, datumOfText, gridOf, standInError } from '../sources/vertical-datums.ts';
import { type FileGeoid, readGeoidFile } from './geoid-file.ts';
import type { DatumStatement } from './height-field.ts';

export interface Datum {
  readonly statement: DatumStatement;
  /** Model under the source's heights; undefined when they are ellipsoidal already. */
  readonly sourceGeoid: Geoid | undefined;
  /** Model behind `undulation` and behind sea level outside the data; defined on the whole globe. */
  readonly seaLevel: Geoid;
  /** Hash of the geoid's file; empty when there is none, or it was not asked for. */
  readonly geoidVersion: string;
  /** Sentences about what may be wrong with the choice. */
  readonly warnings: readonly string[];
}

export interface DatumOptions {
  /** Refuse what would otherwise be assumed. */
  readonly strict?: boolean | undefined;
  /** Where geoid heights will be asked for; default everywhere. */
  readonly around?: LonLatBox | undefined;
  /** False leaves the geoid's file unhashed; default true. */
  readonly hash?: boolean | undefined;
}

/** Refuses with `datum` what has to be assumed when `strict`, and a grid that is no geoid. */
export async function chooseDatum(
  vertical: VerticalReference,
  where: string,
  { strict, around, hash }: DatumOptions = {},
): Promise<Datum> {
  const { datum, known } = vertical;
  const because = vertical.because.replace(/\.$/, '');
  const seaLevel = egm96();
  const plain = { seaLevel, geoidVersion: '', warnings: [] };
  if (datum === 'ellipsoid') {
    const statement = { source: datum, name: datumName(datum), known, because, geoid: 'none', expectedErrorMetres: 0 };
    return { ...plain, statement, sourceGeoid: undefined };
  }
  if (datum === 'egm96' && known !== 'assumed') {
    const statement = { source: datum, name: datumName(datum), known, because, geoid: 'egm96', expectedErrorMetres: 0 };
    return { ...plain, statement, sourceGeoid: seaLevel };
  }
  if (known === 'option' && datumOfText(datum) === undefined && !/^epsg:\d+$/i.test(datum)) {
    const geoid = await readGeoidFile(datum, { around, hash });
    return { ...plain, ...fromGrid(vertical, geoid), sourceGeoid: geoid, geoidVersion: geoid.version };
  }
  const statement = standIn(vertical, because);
  if (strict) {
    const grid = gridOf(datum);
    const remedy =
      datum === 'egm96'
        ? 'name the datum with --vertical-datum ellipsoid, egm96 or another, or give a geoid grid'
        : `give its geoid grid with --vertical-datum FILE${grid ? ` (${grid} of PROJ's collection)` : ''}`;
    throw new RelievoError('datum', `${statement.because}. --strict refuses to assume: ${remedy}`, { where });
  }
  return { ...plain, statement, sourceGeoid: seaLevel };
}

/** EGM96 in the place of a datum that is unknown, or whose grid is not at hand. */
function standIn(vertical: VerticalReference, because: string): DatumStatement {
  const { datum } = vertical;
  const unknown = datum === 'egm96';
  const error = unknown ? SOME_SEA_LEVEL : standInError(datum);
  return {
    source: datum,
    name: datumName(datum),
    known: 'assumed',
    because: unknown
      ? because
      : `${because}, but its geoid is not at hand: EGM96 stands in for it (off by: ${error.words})`,
    geoid: 'egm96',
    expectedErrorMetres: error.metres,
  };
}

/** By how much heights above sea level of whatever kind differ, nearly everywhere. */
const SOME_SEA_LEVEL = { metres: 2, words: '' } as const;

/** A grid that the user gives: the datum is the grid's, or the one that the file names for itself. */
function fromGrid({ fileSays }: VerticalReference, geoid: FileGeoid): Pick<Datum, 'statement' | 'warnings'> {
  const source = geoid.datum ?? fileSays ?? 'geoid-grid';
  const name = source === 'geoid-grid' ? `the zero of ${geoid.id}` : datumName(source);
  const warnings =
    fileSays !== undefined && geoid.datum !== undefined && geoid.datum !== fileSays
      ? [
          `The file says that its heights are above ${datumName(fileSays)}; the geoid grid given, ${geoid.id}, is that of ${name}.`,
        ]
      : [];
  const because = `The user gives the geoid grid ${geoid.id}${geoid.datum ? `, which is that of ${name}` : ''}`;
  return {
    statement: { source, name, known: 'option', because, geoid: geoid.id, expectedErrorMetres: 0 },
    warnings,
  };
}

/**
 * Metres of the source's geoid at a place. Under measured heights the model must have a value, or one within `slack`
 * degrees, which is what a coarse sample covers; heights that were filled in beside the data may lie beyond its end, as
 * far as `reach` degrees, and take the value there. Fails with `datum` where there is none: 0 would be tens of metres off.
 */
export function geoidBeyondGrid(
  geoid: Geoid,
  lon: number,
  lat: number,
  { origin, slack, reach }: { readonly origin: number; readonly slack: number; readonly reach: number },
): number {
  const value = geoid.nearest(lon, lat, origin === Origin.measured ? slack : reach);
  if (!Number.isNaN(value)) return value;
  throw noGeoidHere(geoid, lon, lat);
}

export function noGeoidHere(geoid: Geoid, lon: number, lat: number): RelievoError {
  return new RelievoError(
    'datum',
    `The geoid grid ${geoid.id} has no value at longitude ${lon.toFixed(4)}, latitude ${lat.toFixed(4)}, where there are heights: use a grid that covers all the data`,
    { where: geoid.id },
  );
}

/** How far beyond the end of a geoid grid its last values may be used, in degrees of latitude. */
export interface GeoidReach {
  /** Under measured heights: half of what a sample covers, where it is a mean of many; 0 at full resolution. */
  readonly slack: number;
  /** Under heights that were filled in or blend into outside. */
  readonly reach: number;
}
