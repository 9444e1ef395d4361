/**
 * Bilinear interpolation of one level of a raster at any positions, voids filled: positions in level-0 sample indices,
 * 0 at the centre of the first sample.
 */
import { Origin } from '../geo/post-grid.ts';
import type { RasterInfo, RasterSource, ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import { BLENDED, type FilledWindow, FILLED, fillHalo, fillVoids, MEASURED, OUTSIDE } from './fill.ts';

/** Positions in level-0 sample indices; NaN where the source's CRS has none. */
export interface Positions {
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
  if (!cells.window) return allOutside(positions.columns.length);
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
  return interpolateFilled(fillVoids(evidence, wide.columns, radius), wide, cells, unit);
}

/** The widest void filled, in samples of a level: the same on the ground at every level, at least 1. */
export function radiusAtLevel(info: RasterInfo, level: number, fillRadius: number): number {
  const { scaleX, scaleY } = info.levels[level];
  return fillRadius === 0 ? 0 : Math.max(1, Math.round(fillRadius / Math.min(scaleX, scaleY)));
}

/** Where each position lies among the samples of a level. */
interface Cells {
  /** Sample to the north-west; `left` is FAR for positions that no datum can reach. */
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
function findCells(info: RasterInfo, level: number, { columns, rows }: Positions, reach: number): Cells {
  const size = info.levels[level];
  const period = info.periodColumns === undefined ? 0 : Math.round(info.periodColumns / size.scaleX);
  const count = columns.length;
  const left = new Int32Array(count);
  const top = new Int32Array(count);
  const fx = new Float64Array(count);
  const fy = new Float64Array(count);
  let west = FAR;
  let east = -FAR;
  let north = FAR;
  let south = -FAR;
  let seam = -FAR;
  for (let i = 0; i < count; i++) {
    const x = (columns[i] + 0.5) / size.scaleX - 0.5;
    const y = (rows[i] + 0.5) / size.scaleY - 0.5;
    const inside = y > -reach && y < size.rows + reach && (period ? x === x : x > -reach && x < size.columns + reach);
    if (!inside) {
      left[i] = FAR;
      continue;
    }
    let column = Math.floor(x);
    const row = Math.floor(y);
    fx[i] = x - column;
    fy[i] = y - row;
    if (period) {
      // Posts run eastwards from the first one: what lies west of it has gone round the world.
      if (seam === -FAR) seam = column - 2;
      if (column < seam) column += period;
    }
    left[i] = column;
    top[i] = row;
    if (column < west) west = column;
    if (column > east) east = column;
    if (row < north) north = row;
    if (row > south) south = row;
  }
  const window =
    west === FAR ? undefined : { column: west, row: north, columns: east - west + 2, rows: south - north + 2 };
  return { left, top, fx, fy, window };
}

function allOutside(count: number): Resampled {
  return {
    values: new Float32Array(count),
    outsideWeight: new Float32Array(count).fill(1),
    origin: new Uint8Array(count).fill(Origin.outside),
  };
}

function interpolateData(data: Float32Array, window: SampleWindow, cells: Cells, unit: number): Resampled {
  const { left, top, fx, fy } = cells;
  const count = left.length;
  const values = new Float32Array(count);
  const outsideWeight = new Float32Array(count);
  const origin = new Uint8Array(count).fill(Origin.measured);
  const { column, row, columns } = window;
  for (let i = 0; i < count; i++) {
    if (left[i] === FAR) {
      outsideWeight[i] = 1;
      origin[i] = Origin.outside;
      continue;
    }
    const p = (top[i] - row) * columns + left[i] - column;
    values[i] = bilinear(data, p, columns, fx[i], fy[i]) * unit;
  }
  return { values, outsideWeight, origin };
}

/** One formula for windows with and without voids: a post on a border must not tell which of the two its tile was. */
function bilinear(data: Float32Array, p: number, columns: number, fx: number, fy: number): number {
  const north = data[p] * (1 - fx) + data[p + 1] * fx;
  const south = data[p + columns] * (1 - fx) + data[p + columns + 1] * fx;
  return north * (1 - fy) + south * fy;
}

function interpolateFilled(filled: FilledWindow, window: SampleWindow, cells: Cells, unit: number): Resampled {
  const { left, top, fx, fy } = cells;
  const count = left.length;
  const values = new Float32Array(count);
  const outsideWeight = new Float32Array(count);
  const origin = new Uint8Array(count);
  const { column, row, columns } = window;
  for (let i = 0; i < count; i++) {
    if (left[i] === FAR) {
      outsideWeight[i] = 1;
      origin[i] = Origin.outside;
      continue;
    }
    const p = (top[i] - row) * columns + left[i] - column;
    values[i] = bilinear(filled.values, p, columns, fx[i], fy[i]) * unit;
    outsideWeight[i] = bilinear(filled.outsideWeight, p, columns, fx[i], fy[i]);
    origin[i] = originOf(filled.state, p, columns, fx[i] > 0, fy[i] > 0);
  }
  return { values, outsideWeight, origin };
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
