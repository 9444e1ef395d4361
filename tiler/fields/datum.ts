/**
 * From a source's own vertical datum to metres above the WGS84 ellipsoid: h = H + N, with the geoid height N added at
 * the posts, after resampling. A datum that is unknown, or whose geoid is not at hand, is taken as EGM96 and says so.
 */
import { RelievoError } from '../error.ts';
import { egm96, type Geoid } from '../geo/geoid.ts';
import type { HeightGrid, PostGrid } from '../geo/post-grid.ts';
import { postLatitudes, postLongitudes } from '../geo/post-grid.ts';
import type { VerticalReference } from '../sources/raster-source.ts';
import { readGeoidFile } from './geoid-file.ts';
import type { DatumStatement } from './height-field.ts';
import type { Resampled } from './resample.ts';

/** What lies where there are no data: mean sea level, or the ellipsoid itself. */
export type Outside = 'sea-level' | 'ellipsoid';

export interface Datum {
  readonly statement: DatumStatement;
  /** Model under the source's heights; undefined when they are ellipsoidal already. */
  readonly sourceGeoid: Geoid | undefined;
  /** Model behind `undulation` and behind sea level outside the data; defined on the whole globe. */
  readonly seaLevel: Geoid;
  readonly outside: Outside;
}

/** How far another vertical datum may lie from EGM96, in words: stated wherever EGM96 stands in for it. */
const STAND_IN_ERRORS: Readonly<Record<string, string>> = {
  egm2008: 'usually within 0.5 m, in mountains up to some metres',
  navd88: 'up to about 1.5 m in the contiguous United States',
};

export interface DatumOptions {
  readonly outside?: Outside | undefined;
  /** Refuse what would otherwise be assumed. */
  readonly strict?: boolean | undefined;
}

export async function chooseDatum(
  vertical: VerticalReference,
  where: string,
  { outside, strict }: DatumOptions = {},
): Promise<Datum> {
  const { datum, known } = vertical;
  const because = vertical.because.replace(/\.$/, '');
  if (datum === 'ellipsoid') {
    const statement = { source: datum, known, because, geoid: 'none' };
    return { statement, sourceGeoid: undefined, seaLevel: egm96(), outside: outside ?? 'ellipsoid' };
  }
  const defaults = { seaLevel: egm96(), outside: outside ?? 'sea-level' } as const;
  if (datum === 'egm96' && known !== 'assumed') {
    return { ...defaults, statement: { source: datum, known, because, geoid: 'egm96' }, sourceGeoid: egm96() };
  }
  if (known === 'option') {
    const sourceGeoid = await readGeoidFile(datum);
    return { ...defaults, statement: { source: sourceGeoid.id, known, because, geoid: sourceGeoid.id }, sourceGeoid };
  }
  const sentence =
    datum === 'egm96'
      ? because
      : `${because}, but its geoid is not at hand: EGM96 stands in for it (${STAND_IN_ERRORS[datum] ?? 'up to a few metres'})`;
  if (strict) {
    throw new RelievoError(
      'datum',
      `${sentence}. --strict refuses to assume: name the datum with --vertical-datum ellipsoid, egm96 or a geoid grid (GeoTIFF)`,
      { where },
    );
  }
  return {
    ...defaults,
    statement: { source: datum, known: 'assumed', because: sentence, geoid: 'egm96' },
    sourceGeoid: egm96(),
  };
}

/** Adds geoid heights, and lays *outside* where the source has nothing. */
export function applyDatum(posts: PostGrid, { values, outsideWeight, origin }: Resampled, datum: Datum): HeightGrid {
  const lons = postLongitudes(posts);
  const lats = postLatitudes(posts);
  const undulation = datum.seaLevel.fill(lons, lats);
  const below = datum.sourceGeoid === datum.seaLevel ? undulation : datum.sourceGeoid?.fill(lons, lats);
  const heights = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const weight = outsideWeight[i];
    // A regional geoid ends near the data; beyond it the global one carries the slope into outside.
    const geoid = below === undefined ? 0 : Number.isNaN(below[i]) ? undulation[i] : below[i];
    const outsideHeight = datum.outside === 'sea-level' ? undulation[i] : 0;
    heights[i] = values[i] + geoid * (1 - weight) + outsideHeight * weight;
  }
  return { posts, heights, undulation, origin };
}
