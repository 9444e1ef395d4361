/**
 * Bilinear interpolation of one level of a raster at any positions, voids filled: positions in level-0 sample indices,
 * 0 at the centre of the first sample.
 */
import { Origin } from '../geo/post-grid.ts';
import type { RasterInfo, RasterSource, ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import { BLENDED, FILLED, type FilledWindow, fillHalo, fillVoids, MEASURED, OUTSIDE } from './fill.ts';

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

/** One entry for each position. */
export interface Resampled {
  /** Metres above the source's own vertical datum, times (1 - outsideWeight). */
  readonly values: Float32Array;
  /** How much of *outside* belongs in: 0 none .. 1 all. */
  readonly outsideWeight: Float32Array;
  /** `Origin`. */
  readonly origin: Uint8Array;
}

export interface ResampleOptions extends ReadOptions {
  /** Widest void that is filled, in level-0 samples. */
  readonly fillRadius: number;
}

const STATE_ORIGIN = new Uint8Array(4);
STATE_ORIGIN[MEASURED] = Origin.measured;
STATE_ORIGIN[FILLED] = Origin.filled;
STATE_ORIGIN[BLENDED] = Origin.blended;
STATE_ORIGIN[OUTSIDE] = Origin.outside;

export async function resample(
  source: RasterSource,
  level: number,
  positions: Positions,
  { fillRadius, signal }: ResampleOptions,
): Promise<Resampled> {
  const radius = radiusAtLevel(source.info, level, fillRadius);
  const halo = fillHalo(radius);
  const cells = findCells(source.info, level, positions, halo);
  if (!cells.window) return allOutside(positions.across * positions.down);
  const { window } = cells;
  const samples = await source.read(level, window, { signal });
  const unit = source.info.vertical.unitMetres;
  if (!samples.includes(NaN)) return interpolateData(samples, window, cells, unit);
  const wide = {
    column: window.column - halo,
    row: window.row - halo,
    columns: window.columns + 2 * halo,
    rows: window.rows + 2 * halo,
  };
  const evidence = await source.read(level, wide, { signal });
  return interpolateFilled(fillVoids(evidence, wide.columns, radius, halo), wide, cells, unit);
}

/**
 * The widest void filled, in samples of a level: the same on the ground at every level, and at least 2, which keeps the
 * sample beside the data free of outside: a coarse level's last sample stands for data up to its own edge.
 */
export function radiusAtLevel(info: RasterInfo, level: number, fillRadius: number): number {
  const { scaleX, scaleY } = info.levels[level];
  return fillRadius === 0 ? 0 : Math.max(2, Math.round(fillRadius / Math.min(scaleX, scaleY)));
}

/** Where positions lie among the samples of a level, laid out as `Positions`. */
interface Cells {
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
}

const FAR = 0x7fffffff;

/**
 * Sample and fraction are taken from the position alone, before any window comes in: two tiles that share a post
 * compute the same fraction to the last bit. A sample of a coarser level covers `scale` level-0 samples and its centre
 * is the middle of those.
 */
function findCells(info: RasterInfo, level: number, positions: Positions, reach: number): Cells {
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
  return { across, down, parallel, left, fx, top, fy, window };
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

/** Posts run eastwards from the first one: what lies west of it has gone round the world. */
function unroll(left: Int32Array, period: number): void {
  const first = left.find((column) => column !== FAR);
  if (first === undefined) return;
  for (let k = 0; k < left.length; k++) if (left[k] < first - 2) left[k] += period;
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

function allOutside(count: number): Resampled {
  return {
    values: new Float32Array(count),
    outsideWeight: new Float32Array(count).fill(1),
    origin: new Uint8Array(count).fill(Origin.outside),
  };
}

function interpolateData(data: Float32Array, window: SampleWindow, cells: Cells, unit: number): Resampled {
  const out = allOutside(cells.across * cells.down);
  const { values, outsideWeight, origin } = out;
  forEachNear(cells, window, (at, p, fx, fy) => {
    values[at] = bilinear(data, p, window.columns, fx, fy) * unit;
    outsideWeight[at] = 0;
    origin[at] = Origin.measured;
  });
  return out;
}

function interpolateFilled(filled: FilledWindow, window: SampleWindow, cells: Cells, unit: number): Resampled {
  const out = allOutside(cells.across * cells.down);
  forEachNear(cells, window, (at, p, fx, fy) => {
    out.values[at] = bilinear(filled.values, p, window.columns, fx, fy) * unit;
    out.outsideWeight[at] = bilinear(filled.outsideWeight, p, window.columns, fx, fy);
    out.origin[at] = originOf(filled.state, p, window.columns, fx > 0, fy > 0);
  });
  return out;
}

/** Calls for each position near data: its index, its north-west sample's index in the window, and the fractions. */
function forEachNear(
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

/** One formula for windows with and without voids: a post on a border must not tell which of the two its tile was. */
function bilinear(data: Float32Array, p: number, columns: number, fx: number, fy: number): number {
  const north = data[p] * (1 - fx) + data[p + 1] * fx;
  const south = data[p + columns] * (1 - fx) + data[p + columns + 1] * fx;
  return north * (1 - fy) + south * fy;
}

/** The least certain of the samples that count (those east and south only when the post lies beyond the first). */
function originOf(state: Uint8Array, p: number, columns: number, east: boolean, south: boolean): number {
  let most = state[p];
  let least = state[p];
  const take = (at: number) => {
    most = Math.max(most, state[at]);
    least = Math.min(least, state[at]);
  };
  if (east) take(p + 1);
  if (south) take(p + columns);
  if (east && south) take(p + columns + 1);
  return STATE_ORIGIN[most === OUTSIDE && least !== OUTSIDE ? BLENDED : most];
}
