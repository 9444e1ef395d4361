/**
 * A plane through each cell of an overview, and how far the full-resolution samples under the cell reach above and below
 * it: worked out from the four cells (or samples) under it, so that no level has to look back at full resolution.
 */
import type { Corner, Extent } from './halve.ts';
import type { SlopeCodes } from './slope-codes.ts';

/** Row-major, in the file's unit; where `means` is NaN the rest says nothing. */
export interface CellPlanes {
  readonly means: Float32Array;
  /** What the plane rises from a cell's west side to its east side, and from north to south: decoded codes. */
  readonly east: Float32Array;
  readonly south: Float32Array;
  /** How far the full-resolution samples under a cell reach above and below its plane, at most. */
  readonly above: Float32Array;
  readonly below: Float32Array;
}

/** `means` of `out` are there already. Codes of the slopes make the planes what a reader will have. */
export function fitToSamples(
  samples: Float32Array,
  from: Corner,
  out: CellPlanes,
  to: Corner,
  { columns, rows }: Extent,
  { slopes, codeOf }: SlopeCodes,
): void {
  const { stride } = from;
  for (let row = 0; row < rows; row++) {
    let i = from.at + 2 * row * stride;
    const first = to.at + row * to.stride;
    for (let o = first; o < first + columns; o++, i += 2) {
      const mean = out.means[o];
      if (Number.isNaN(mean)) continue;
      const a = samples[i] - mean;
      const b = samples[i + 1] - mean;
      const c = samples[i + stride] - mean;
      const d = samples[i + stride + 1] - mean;
      const whole = !Number.isNaN(a + b + c + d);
      const east = slopes[codeOf(whole ? b + d - a - c : slopeOf(a, b, c, d))];
      const south = slopes[codeOf(whole ? c + d - a - b : slopeOf(a, c, b, d))];
      const rise = (east + south) / 4;
      const fall = (east - south) / 4;
      let above = 0;
      let below = 0;
      if (a + rise > above) above = a + rise;
      if (-a - rise > below) below = -a - rise;
      if (b - fall > above) above = b - fall;
      if (fall - b > below) below = fall - b;
      if (c + fall > above) above = c + fall;
      if (-c - fall > below) below = -c - fall;
      if (d - rise > above) above = d - rise;
      if (rise - d > below) below = rise - d;
      out.east[o] = east;
      out.south[o] = south;
      out.above[o] = above;
      out.below[o] = below;
    }
  }
}

/** The same from the next finer level, in whose cells outermost samples lie `reach` cells from the middle (0..0.5). */
export function fitToCells(
  finer: CellPlanes,
  from: Corner,
  out: CellPlanes,
  to: Corner,
  { columns, rows }: Extent,
  { slopes, codeOf }: SlopeCodes,
  reach: number,
): void {
  const { stride } = from;
  for (let row = 0; row < rows; row++) {
    let i = from.at + 2 * row * stride;
    const first = to.at + row * to.stride;
    for (let o = first; o < first + columns; o++, i += 2) {
      const mean = out.means[o];
      if (Number.isNaN(mean)) continue;
      const a = finer.means[i] - mean;
      const b = finer.means[i + 1] - mean;
      const c = finer.means[i + stride] - mean;
      const d = finer.means[i + stride + 1] - mean;
      const east = slopes[codeOf(slopeOf(a, b, c, d))];
      const south = slopes[codeOf(slopeOf(a, c, b, d))];
      let above = 0;
      let below = 0;
      for (let k = 0; k < 4; k++) {
        const at = i + (k & 1) + (k >> 1) * stride;
        const own = k === 0 ? a : k === 1 ? b : k === 2 ? c : d;
        if (Number.isNaN(own)) continue;
        const plane = ((k & 1) === 0 ? -east : east) / 4 + (k < 2 ? -south : south) / 4;
        const bend = reach * (Math.abs(finer.east[at] - east / 2) + Math.abs(finer.south[at] - south / 2));
        above = Math.max(above, own - plane + bend + finer.above[at]);
        below = Math.max(below, plane - own + bend + finer.below[at]);
      }
      out.east[o] = east;
      out.south[o] = south;
      out.above[o] = above;
      out.below[o] = below;
    }
  }
}

/** From the side of a and c to the side of b and d, two steps wide; of those pairs that are not void. */
function slopeOf(a: number, b: number, c: number, d: number): number {
  const upper = b - a;
  const lower = d - c;
  if (Number.isNaN(upper)) return Number.isNaN(lower) ? 0 : 2 * lower;
  return Number.isNaN(lower) ? 2 * upper : upper + lower;
}
