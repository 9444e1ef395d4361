/**
 * Which points of a tile's border become vertices. The choice rests on the border itself and nothing else, so both
 * neighbours make the same one without seeing each other: first the level's lattice, then, worst first, any point that
 * lies more than the bound from the chord over it (Douglas and Peucker, 1973; of equal errors the first one, counted
 * from the west or north).
 */
import { WGS84_A } from '../geo/ellipsoid.ts';

/** Positions along a side of a tile: vertices lie at whole ones. */
export const SIDE = 4096;

/** One side of a tile, at as many points as tell its shape; both neighbours must give the same ones. */
export interface BorderLine {
  /** 0 .. `SIDE` from the west or the north, ascending; both ends, and all points of the level's lattice. */
  readonly positions: Int32Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float32Array;
  /** Geoid above ellipsoid, metres: tells which points are the sea. */
  readonly undulation: Float32Array;
  /** By how much source samples close to a point may lie above and below its height, metres; undefined: by nothing. */
  readonly above?: Float32Array | undefined;
  readonly below?: Float32Array | undefined;
}

export interface TileBorders {
  readonly north: BorderLine;
  readonly south: BorderLine;
  readonly west: BorderLine;
  readonly east: BorderLine;
}

/** A side as it is measured. */
export interface BorderProfile {
  readonly line: BorderLine;
  /** Heights lowered by the side's curvature, metres. */
  readonly bent: Float64Array;
  /** Make a chord count for more that rises above a point. */
  readonly weights: Float32Array;
  /** Distance in metres of a point from the chord, and of the samples close to it, at most. */
  readonly maxError: number;
  readonly maxSampleError: number;
}

/** Heights along a side of `metres` metres, lowered by the paraboloid whose axis is its first point. */
export function bendLine({ positions, heights }: BorderLine, metres: number): Float64Array {
  const factor = (metres / SIDE) ** 2 / (2 * WGS84_A);
  return Float64Array.from(heights, (height, k) => height - factor * positions[k] * positions[k]);
}

/** Marks chosen points with 1. */
export function chooseBorderPoints(profile: BorderProfile, latticeCells: number): Uint8Array {
  const { line, bent, weights, maxError, maxSampleError } = profile;
  const { positions, above, below } = line;
  const chosen = new Uint8Array(positions.length);
  const step = SIDE / latticeCells;
  let before = 0;
  for (let k = 0; k < positions.length; k++) {
    if (positions[k] % step !== 0) continue;
    chosen[k] = 1;
    if (k > 0) split(before, k);
    before = k;
  }
  return chosen;

  function split(first: number, last: number): void {
    const slope = (bent[last] - bent[first]) / (positions[last] - positions[first]);
    let worst = 1;
    let at = -1;
    for (let k = first + 1; k < last; k++) {
      const rise = bent[first] + slope * (positions[k] - positions[first]) - bent[k];
      let error = (rise > 0 ? rise * weights[k] : -rise) / maxError;
      if (above !== undefined && below !== undefined) {
        error = Math.max(error, (rise + below[k]) / maxSampleError, (above[k] - rise) / maxSampleError);
      }
      if (error > worst) {
        worst = error;
        at = k;
      }
    }
    if (at < 0) return;
    chosen[at] = 1;
    split(first, at);
    split(at, last);
  }
}

/** Greatest distance in metres between a point of the border and the chord of chosen points over it. */
export function measureBorder({ line: { positions }, bent }: BorderProfile, chosen: Uint8Array): number {
  let worst = 0;
  let first = 0;
  for (let last = 1; last < bent.length; last++) {
    if (!chosen[last]) continue;
    const slope = (bent[last] - bent[first]) / (positions[last] - positions[first]);
    for (let k = first + 1; k < last; k++) {
      worst = Math.max(worst, Math.abs(bent[first] + slope * (positions[k] - positions[first]) - bent[k]));
    }
    first = last;
  }
  return worst;
}
