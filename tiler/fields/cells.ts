/**
 * Positions in a raster as cells of four samples, for bilinear interpolation of one of its levels: positions in level-0
 * sample indices, 0 at the centre of the first sample.
 */
import type { RasterInfo, SampleWindow } from '../sources/raster-source.ts';

/**
 * `across` x `down` positions, row-major, in level-0 sample indices; NaN where the source's CRS has none. On a grid
 * that is parallel to the samples, `columns` holds one number for each of `across` and `rows` one for each of `down`;
 * otherwise both hold one for each position.
 */
export interface Positions {
  readonly across: number;
  readonly down: number;
  readonly parallel: boolean;
  readonly columns: Float64Array;
  readonly rows: Float64Array;
}

/** Where positions lie among the samples of a level, laid out as `Positions`. */
export interface Cells {
  readonly across: number;
  readonly down: number;
  readonly parallel: boolean;
  /** Sample to the north-west; FAR where no datum can reach. */
  readonly left: Int32Array;
  readonly top: Int32Array;
  /** 0 (at that sample) .. 1 (at the next), exclusive. */
  readonly fx: Float64Array;
  readonly fy: Float64Array;
  /** All samples that interpolation touches; undefined when no position is near data. */
  readonly window: SampleWindow | undefined;
  /** No position is FAR. */
  readonly complete: boolean;
}

/** No sample: the position lies further from the raster than its data reach. */
export const FAR = 0x7fffffff;

/**
 * Sample and fraction are taken from the position alone, before any window comes in: two tiles that share a post
 * compute the same fraction to the last bit. A sample of a coarser level covers `scale` level-0 samples and its centre
 * is the middle of those.
 */
export function findCells(info: RasterInfo, level: number, positions: Positions, reach: number): Cells {
  const { columns, rows, scaleX, scaleY } = info.levels[level];
  const period = info.periodColumns === undefined ? 0 : Math.round(info.periodColumns / scaleX);
  const { left, fx } = splitAxis(positions.columns, scaleX, period ? Infinity : columns, reach);
  const { left: top, fx: fy } = splitAxis(positions.rows, scaleY, rows, reach);
  if (period) unroll(left, period);
  const [west, east] = extremes(left);
  const [north, south] = extremes(top);
  const window =
    west === FAR || north === FAR
      ? undefined
      : { column: west, row: north, columns: east - west + 2, rows: south - north + 2 };
  const { across, down, parallel } = positions;
  return { across, down, parallel, left, fx, top, fy, window, complete: !left.includes(FAR) && !top.includes(FAR) };
}

/** Whole and fractional part of positions along one axis; `size` samples, Infinity when they go round the world. */
function splitAxis(positions: Float64Array, scale: number, size: number, reach: number) {
  const left = new Int32Array(positions.length);
  const fx = new Float64Array(positions.length);
  for (let k = 0; k < positions.length; k++) {
    const x = (positions[k] + 0.5) / scale - 0.5;
    const near = size === Infinity ? !Number.isNaN(x) : x > -reach && x < size + reach;
    left[k] = near ? Math.floor(x) : FAR;
    if (near) fx[k] = x - left[k];
  }
  return { left, fx };
}

/**
 * Of each the turn that keeps it with the first: places that lie together stay together across the seam. Posts run eastwards
 * from the first, over half the world and a little more.
 */
function unroll(left: Int32Array, period: number): void {
  const first = left.find((column) => column !== FAR);
  if (first === undefined) return;
  for (let k = 0; k < left.length; k++) {
    if (left[k] === FAR) continue;
    if (left[k] < first - period / 4) left[k] += period;
    else if (left[k] >= first + (3 * period) / 4) left[k] -= period;
  }
}

/** Least and greatest; FAR when there is none. */
function extremes(indices: Int32Array): [least: number, greatest: number] {
  let least = FAR;
  let greatest = -FAR;
  for (const index of indices) {
    if (index === FAR) continue;
    if (index < least) least = index;
    if (index > greatest) greatest = index;
  }
  return [least, greatest];
}

/** Calls for each position near data: its index, its north-west sample's index in the window, and the fractions. */
export function forEachNear(
  { across, down, parallel, left, top, fx, fy }: Cells,
  { column, row, columns }: SampleWindow,
  visit: (at: number, p: number, fx: number, fy: number) => void,
): void {
  for (let j = 0, at = 0; j < down; j++) {
    for (let i = 0; i < across; i++, at++) {
      const x = parallel ? i : at;
      const y = parallel ? j : at;
      if (left[x] !== FAR && top[y] !== FAR) visit(at, (top[y] - row) * columns + left[x] - column, fx[x], fy[y]);
    }
  }
}

/**
 * One formula for windows with and without voids: a post on a border must not tell which of the two its tile was. `p` is
 * the index of the north-west sample, `columns` the width of a row.
 */
export function bilinear(data: Float32Array, p: number, columns: number, fx: number, fy: number): number {
  const north = data[p] * (1 - fx) + data[p + 1] * fx;
  const south = data[p + columns] * (1 - fx) + data[p + columns + 1] * fx;
  return north * (1 - fy) + south * fy;
}
