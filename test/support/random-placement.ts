/**
 * Where a random terrain lies on Earth: rasters along meridians, turned, in UTM, polar stereographic, round the whole world,
 * and one over another. Each is laid so that the corner of four tiles lies at a chosen column and row of it.
 */
import type { Affine } from '../../tiler/geo/affine.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { metresPerDegreeNorth } from '../../tiler/geo/ellipsoid.ts';

export const PLACEMENTS = ['parallel', 'turned', 'UTM', 'polar', 'world', 'mosaic'] as const;
export type Placement = (typeof PLACEMENTS)[number];

/** Of a raster; `periodColumns` where it runs round the world. */
export interface Placed {
  readonly crs: string;
  readonly affine: Affine;
  readonly periodColumns?: number | undefined;
}

/** What meets where: degrees, and the column and row of the raster (fractional) that lie there. */
export interface Anchor {
  readonly lon: number;
  readonly lat: number;
  readonly column: number;
  readonly row: number;
}

const LON_LAT = 'EPSG:4326';

/** One in eight lies otherwise than along meridians: most of those cost as much as four, because their samples are projected. */
export function choosePlacement(random: () => number): Placement {
  const at = random();
  if (at < 0.02) return 'turned';
  if (at < 0.05) return 'UTM';
  if (at < 0.09) return 'polar';
  if (at < 0.11) return 'world';
  return at < 0.13 ? 'mosaic' : 'parallel';
}

export function chooseLatitude(placement: Placement, most: number, random: () => number): number {
  const side = 2 * random() - 1;
  return placement === 'polar'
    ? Math.sign(side) * (POLAR + (most - POLAR) * random())
    : Math.min(MODERATE, most) * side;
}

/** Degrees: polar rasters lie beyond, others short of it. */
const POLAR = 70;
const MODERATE = 75;

/** `step`: degrees of latitude between samples. */
export async function placeRaster(
  placement: Placement,
  { lon, lat, column, row }: Anchor,
  step: number,
  random: () => number,
): Promise<Placed> {
  if (placement === 'turned') {
    const turn = 2 * Math.PI * random();
    return { crs: LON_LAT, affine: turnedRound(lon, lat, column, row, step, turn) };
  }
  if (placement !== 'UTM' && placement !== 'polar') {
    return { crs: LON_LAT, affine: turnedRound(lon, lat, column, row, step, 0) };
  }
  const crs = placement === 'polar' ? `EPSG:${lat < 0 ? 3031 : 3995}` : utmAt(lon, lat);
  const [x, y] = (await resolveCrs(crs)).forward([lon, lat]);
  return { crs, affine: turnedRound(x, y, column, row, step * metresPerDegreeNorth(lat), 0) };
}

/** Of cells, their middles half a step from 180 degrees and from the poles. */
export function placeRoundWorld(columns: number): Placed {
  const step = 360 / columns;
  const affine = { a: step, b: 0, c: -180 + step / 2, d: 0, e: -step, f: 90 - step / 2 };
  return { crs: LON_LAT, affine, periodColumns: columns };
}

/** The given column and row come to lie at x, y; rows southwards, turned by radians from south to east. */
function turnedRound(x: number, y: number, column: number, row: number, step: number, turn: number): Affine {
  const [along, aside] = turn === 0 ? [step, 0] : [step * Math.cos(turn), step * Math.sin(turn)];
  return {
    ...{ a: along, b: aside, c: x - along * column - aside * row },
    ...{ d: aside, e: -along, f: y - aside * column + along * row },
  };
}

function utmAt(lon: number, lat: number): string {
  const zone = Math.min(60, Math.max(1, Math.floor((lon + 180) / 6) + 1));
  return `EPSG:${(lat < 0 ? 32_700 : 32_600) + zone}`;
}
