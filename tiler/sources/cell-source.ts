/** A RasterSource from what is known of a raster and its levels as cells: what most formats share. */
import type { Affine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import type { CellGrid } from './cell-grid.ts';
import { readCells } from './cell-grid.ts';
import { checkPlace, periodOf } from './placement.ts';
import type { RasterInfo, RasterLevel, RasterSource, VerticalReference } from './raster-source.ts';
import { checkWindow } from './sample-window.ts';

/** Metres from the datum beyond which nothing on Earth can be a height. */
export const MAX_HEIGHT = 1e5;

/** Samples of a raster that is read as a whole; what has more is refused. */
export const MAX_WHOLE_SAMPLES = 2 ** 28;

/** What a reader knows of a raster of one sheet. */
export interface RasterFacts {
  readonly name: string;
  readonly format: string;
  readonly crs: Crs;
  /** (column, row) of a level-0 sample's centre to CRS coordinates. */
  readonly affine: Affine;
  /** Finest first; one level is enough. */
  readonly levels: readonly RasterLevel[];
  readonly sampleType: string;
  readonly nodata?: number | undefined;
  readonly vertical: VerticalReference;
  readonly version: string;
  readonly attribution?: string | undefined;
}

/** Refuses with `crs` a raster that lies outside the world of its CRS. */
export function describeRaster(facts: RasterFacts): RasterInfo {
  const { crs, affine, levels, name, ...rest } = facts;
  const [full] = levels;
  if (full === undefined) throw new RangeError('a raster has at least one level');
  const { columns, rows } = full;
  checkPlace(crs, affine, full);
  return {
    ...rest,
    name,
    crs: crs.definition,
    crsName: crs.name,
    affine,
    levels,
    sheets: [{ file: name, column: 0, row: 0, columns, rows }],
    periodColumns: periodOf(affine, crs, columns),
  };
}

/** The only level of a raster without overviews. */
export function singleLevel(columns: number, rows: number): RasterLevel[] {
  return [{ columns, rows, scaleX: 1, scaleY: 1 }];
}

/** A source that reads each level from its cells, `grids` in the order of `info.levels`. */
export function sourceOfCells(info: RasterInfo, grids: readonly CellGrid[], close: () => Promise<void>): RasterSource {
  return {
    info,
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      const grid = grids[level];
      const scale = info.levels[level]?.scaleX;
      if (grid === undefined || scale === undefined) {
        throw new RangeError(`levels are 0 to ${grids.length - 1}; got ${level}`);
      }
      const period = info.periodColumns === undefined ? undefined : info.periodColumns / scale;
      return readCells(grid, window, period, signal);
    },
    close,
  };
}
