/** Merges single tiles of one level into few rectangles, for `available` of layer.json: every tile once, none besides. */
import type { AvailableRange } from './layer-json.ts';

/** Column and row of a tile; the ranges count rows the way these do. */
export interface TileCell {
  readonly x: number;
  readonly y: number;
}

/** Rectangles that cover exactly the cells, inclusive at both ends, sorted by column and row. */
export function tileRanges(cells: readonly TileCell[]): AvailableRange[] {
  const columns = new Map<number, number[]>();
  for (const { x, y } of cells) {
    const rows = columns.get(x);
    if (rows) rows.push(y);
    else columns.set(x, [y]);
  }
  const done: AvailableRange[] = [];
  let open: AvailableRange[] = [];
  for (const [x, rows] of [...columns].sort(([a], [b]) => a - b)) {
    const still: AvailableRange[] = [];
    for (const [startY, endY] of runsOf(rows)) {
      const left = open.find((range) => range.endX === x - 1 && range.startY === startY && range.endY === endY);
      still.push({ startX: left?.startX ?? x, startY, endX: x, endY });
      if (left) open = open.filter((range) => range !== left);
    }
    done.push(...open);
    open = still;
  }
  return [...done, ...open].sort((a, b) => a.startX - b.startX || a.startY - b.startY);
}

/** Unbroken runs of whole numbers, inclusive. */
function runsOf(numbers: number[]): [start: number, end: number][] {
  const runs: [number, number][] = [];
  for (const n of numbers.sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && n <= last[1] + 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs;
}
