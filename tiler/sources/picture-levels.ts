/**
 * Coarser levels of a picture: those that the file brings, and below the coarsest of them halves, each pixel the mean of
 * the four above it weighted by their opacity. Made block by block when they are read, and kept while there is room.
 */
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import { type CellGrid, readCellsInto } from './cell-grid.ts';
import { type PictureSource, packColour } from './picture-source.ts';
import type { RasterInfo, RasterLevel } from './raster-source.ts';
import { checkWindow } from './sample-window.ts';

/** A cell of a level that is made. */
const CELL = 256;
/** Pixels of the coarsest level that a file brings; of more, halving would read too much for one tile. */
const MAX_HALVED = 2 ** 28;

type Colours = CellGrid<Uint32Array>;

/** `grids` in the order of `info.levels`; blocks are kept under keys that begin with `path` and a line break. Refuses a large file without overviews with `input-unsupported`. */
export function pictureOfCells(
  info: RasterInfo,
  grids: readonly Colours[],
  cache: BlockCache<Uint32Array>,
  path: string,
  close: () => Promise<void>,
): PictureSource {
  const levels: RasterLevel[] = [...info.levels];
  const all: Colours[] = [...grids];
  for (;;) {
    const [last, grid] = [levels.at(-1), all.at(-1)];
    if (last === undefined || grid === undefined) throw new RangeError('a picture has at least one level');
    if (Math.max(last.columns, last.rows) <= CELL) break;
    if (last.columns * last.rows > MAX_HALVED) throw tooLarge(info.name, last);
    const period = info.periodColumns && info.periodColumns / last.scaleX;
    if (period !== undefined && period % 2 !== 0) break;
    const key = `${path}\nhalf ${levels.length}`;
    levels.push({
      columns: Math.ceil(last.columns / 2),
      rows: Math.ceil(last.rows / 2),
      scaleX: last.scaleX * 2,
      scaleY: last.scaleY * 2,
    });
    all.push(halfOf(grid, cache, key));
  }
  const [full, ...coarser] = levels;
  if (full === undefined) throw new RangeError('a picture has at least one level');
  return {
    info: { ...info, levels: [full, ...coarser] },
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      const [grid, shape] = [all[level], levels[level]];
      if (grid === undefined || shape === undefined) throw new RangeError(`levels are 0 to ${all.length - 1}`);
      const period = info.periodColumns && info.periodColumns / shape.scaleX;
      return readCellsInto(new Uint32Array(window.columns * window.rows), grid, window, period, signal);
    },
    close,
  };
}

function halfOf(fine: Colours, cache: BlockCache<Uint32Array>, key: string): Colours {
  return {
    columns: Math.ceil(fine.columns / 2),
    rows: Math.ceil(fine.rows / 2),
    cellColumns: CELL,
    cellRows: CELL,
    cell: (x, y) =>
      cache.get(`${key}\n${x}\n${y}`, async () => {
        const window = { column: 2 * CELL * x, row: 2 * CELL * y, columns: 2 * CELL, rows: 2 * CELL };
        const words = new Uint32Array(window.columns * window.rows);
        await readCellsInto(words, fine, window, undefined, undefined);
        return halve(words, fine.columns - window.column, fine.rows - window.row);
      }),
  };
}

/** `columns`, `rows`: how much of the 512 x 512 pixels lies inside the picture; what lies beyond is left out of means. */
function halve(words: Uint32Array, columns: number, rows: number): Uint32Array {
  const out = new Uint32Array(CELL * CELL);
  for (let j = 0, to = 0; j < CELL; j++) {
    for (let i = 0; i < CELL; i++, to++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let opacity = 0;
      let count = 0;
      for (let k = 0; k < 4; k++) {
        const column = 2 * i + (k & 1);
        const row = 2 * j + (k >> 1);
        if (column >= columns || row >= rows) continue;
        const word = words[row * 2 * CELL + column];
        const weight = word >>> 24;
        count++;
        opacity += weight;
        red += weight * (word & 255);
        green += weight * ((word >>> 8) & 255);
        blue += weight * ((word >>> 16) & 255);
      }
      if (opacity === 0) continue;
      out[to] = packColour(
        Math.round(red / opacity),
        Math.round(green / opacity),
        Math.round(blue / opacity),
        Math.round(opacity / count),
      );
    }
  }
  return out;
}

function tooLarge(name: string, { columns, rows }: RasterLevel): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${name} has ${columns} x ${rows} pixels and no coarser overviews, which tiles far from the eye are made from: add some with gdaladdo -r average, or rewrite it with gdal_translate -of COG.`,
    { where: name },
  );
}
