/**
 * The levels that are made for a source, and the blocks they are made in. On the source's own indices: sample i of a
 * level of scale s covers level-0 samples i * s to (i + 1) * s, exclusive; block (x, y) begins at sample (256 x, 256 y).
 */
import type { RasterInfo, RasterLevel } from './raster-source.ts';

/** Samples along the side of a block. */
export const BLOCK = 256;
/** Samples along the longer side of the coarsest level, at most. */
const COARSEST = 256;

/** Levels of half the size after the coarsest, while one is longer than 256 and a period stays whole. */
export function addedLevels(own: readonly RasterLevel[], period: number | undefined): RasterLevel[] {
  const added: RasterLevel[] = [];
  let last = own.at(-1);
  while (last !== undefined && Math.max(last.columns, last.rows) > COARSEST) {
    const { columns, rows, scaleX, scaleY } = last;
    if (period !== undefined && !Number.isInteger(period / (2 * scaleX))) break;
    last = { columns: Math.ceil(columns / 2), rows: Math.ceil(rows / 2), scaleX: 2 * scaleX, scaleY: 2 * scaleY };
    added.push(last);
  }
  return added;
}

/** Blocks side by side that cover a level. */
export function blocksAcross({ columns }: Pick<RasterLevel, 'columns'>): number {
  return Math.ceil(columns / BLOCK);
}

/** Row times `blocksAcross` plus column of every block that a sheet reaches into, ascending. */
export function blocksWithSheets(
  level: RasterLevel,
  { sheets, periodColumns }: Pick<RasterInfo, 'sheets' | 'periodColumns'>,
): Float64Array {
  const ids = new Set<number>();
  const across = blocksAcross(level);
  const sideX = BLOCK * level.scaleX;
  const sideY = BLOCK * level.scaleY;
  const down = Math.ceil(level.rows / BLOCK);
  for (const { column, row, columns, rows } of sheets) {
    const lastY = Math.min(down - 1, Math.floor((row + rows - 1) / sideY));
    for (const turn of periodColumns === undefined ? [0] : [0, -periodColumns]) {
      const lastX = Math.min(across - 1, Math.floor((column + columns - 1 + turn) / sideX));
      for (let y = Math.floor(row / sideY); y <= lastY; y++) {
        for (let x = Math.max(0, Math.floor((column + turn) / sideX)); x <= lastX; x++) ids.add(y * across + x);
      }
    }
  }
  return Float64Array.from(ids).sort();
}
