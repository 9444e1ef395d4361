/** Arithmetic of sample windows: what of a window lies inside a raster, and how one that goes round the world is cut. */
import type { SampleWindow } from './raster-source.ts';

/** A run of a window's columns that lies in one piece inside the raster. */
export interface ColumnRun {
  /** First column in the raster. */
  readonly column: number;
  /** First column in the window. */
  readonly at: number;
  readonly columns: number;
}

/** More samples than one read may ask for: 2 GiB of them. */
const MAX_SAMPLES = 2 ** 29;

/** Throws RangeError for a window that is no rectangle of whole samples; every source checks at its door. */
export function checkWindow({ column, row, columns, rows }: SampleWindow): void {
  if (
    !Number.isSafeInteger(column) ||
    !Number.isSafeInteger(row) ||
    !Number.isSafeInteger(columns) ||
    !Number.isSafeInteger(rows) ||
    columns < 0 ||
    rows < 0 ||
    columns * rows > MAX_SAMPLES
  ) {
    throw new RangeError(
      `a window has whole numbers and at most ${MAX_SAMPLES} samples; got column ${column}, row ${row}, ${columns} x ${rows}`,
    );
  }
}

/**
 * The parts of a window's columns that a raster of `columns` columns holds, west to east. With `period` the raster
 * repeats after that many columns, and those beyond the period (a repeated first meridian) are not used.
 */
export function columnRuns(window: SampleWindow, columns: number, period: number | undefined): ColumnRun[] {
  if (period === undefined) {
    const first = Math.max(0, window.column);
    const end = Math.min(columns, window.column + window.columns);
    return first < end ? [{ column: first, at: first - window.column, columns: end - first }] : [];
  }
  const runs: ColumnRun[] = [];
  let column = modulo(window.column, period);
  for (let at = 0; at < window.columns; ) {
    const run = Math.min(period - column, window.columns - at);
    runs.push({ column, at, columns: run });
    at += run;
    column = 0;
  }
  return runs;
}

/** The remainder in 0..period - 1, for negative values too. */
export function modulo(value: number, period: number): number {
  return value - Math.floor(value / period) * period;
}

/** The common part of two windows; undefined when they do not touch. */
export function intersect(a: SampleWindow, b: SampleWindow): SampleWindow | undefined {
  const column = Math.max(a.column, b.column);
  const row = Math.max(a.row, b.row);
  const columns = Math.min(a.column + a.columns, b.column + b.columns) - column;
  const rows = Math.min(a.row + a.rows, b.row + b.rows) - row;
  return columns > 0 && rows > 0 ? { column, row, columns, rows } : undefined;
}
