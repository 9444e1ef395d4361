/**
 * A raster that is decoded or computed in cells (tiles, strips, blocks of an overview), read as windows. Indices are
 * those of the raster's samples, row-major, north row first as in the file.
 */

import type { SampleWindow } from './raster-source.ts';
import { columnRuns } from './sample-window.ts';

/** Samples, or words that stand for something else of a cell. */
type Cells = Float32Array | Uint32Array;

export interface CellGrid<T extends Cells = Float32Array> {
  readonly columns: number;
  readonly rows: number;
  /** Of every cell; those at the east and south border may reach beyond the raster. */
  readonly cellColumns: number;
  readonly cellRows: number;
  /**
   * Samples of cell (x, y), rows of `cellColumns`, NaN for void; undefined when all are void. Shared: not to be
   * written to.
   */
  cell(x: number, y: number): Promise<T | undefined>;
}

/** Cells of a row up to which the next row is asked for before this one is there, so that trips to a server overlap. */
const MAX_AHEAD = 16;

/** The window's samples, NaN outside the raster. One row of cells is held at a time, or two short ones. */
export async function readCells(
  grid: CellGrid,
  window: SampleWindow,
  period: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  return readCellsInto(new Float32Array(window.columns * window.rows).fill(Number.NaN), grid, window, period, signal);
}

/** The same for whatever `out` holds, which is left as it is where there is nothing. */
export async function readCellsInto<T extends Cells>(
  out: T,
  grid: CellGrid<T>,
  window: SampleWindow,
  period: number | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const runs = columnRuns(window, grid.columns, period);
  const firstRow = Math.max(0, window.row);
  const endRow = Math.min(grid.rows, window.row + window.rows);
  if (runs.length === 0 || firstRow >= endRow) return out;
  const spans = runs.map((run) => {
    const firstX = Math.floor(run.column / grid.cellColumns);
    return { run, firstX, lastX: Math.floor((run.column + run.columns - 1) / grid.cellColumns) };
  });
  const askRow = (y: number) => {
    const asked = spans.flatMap(({ firstX, lastX }) =>
      Array.from({ length: lastX - firstX + 1 }, (_, i) => grid.cell(firstX + i, y)),
    );
    const row = Promise.all(asked);
    // One that is asked for ahead may fail before anybody waits for it.
    row.catch(() => {});
    return row;
  };
  const isShort = spans.reduce((sum, { firstX, lastX }) => sum + lastX - firstX + 1, 0) <= MAX_AHEAD;
  let ahead: ReturnType<typeof askRow> | undefined;
  for (let y = Math.floor(firstRow / grid.cellRows); y * grid.cellRows < endRow; y++) {
    const from = Math.max(firstRow, y * grid.cellRows);
    const to = Math.min(endRow, (y + 1) * grid.cellRows);
    const row = ahead ?? askRow(y);
    ahead = isShort && to < endRow ? askRow(y + 1) : undefined;
    const cells = await row;
    signal?.throwIfAborted();
    let next = 0;
    for (const { run, firstX, lastX } of spans) {
      for (let x = firstX; x <= lastX; x++) {
        const cell = cells[next++];
        if (cell === undefined) continue;
        const left = Math.max(run.column, x * grid.cellColumns);
        const right = Math.min(run.column + run.columns, (x + 1) * grid.cellColumns);
        for (let r = from; r < to; r++) {
          const start = (r - y * grid.cellRows) * grid.cellColumns + left - x * grid.cellColumns;
          const target = (r - window.row) * window.columns + run.at + left - run.column;
          out.set(cell.subarray(start, start + right - left), target);
        }
      }
    }
  }
  return out;
}
