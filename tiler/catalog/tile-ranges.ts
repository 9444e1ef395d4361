/** Merges tiles and rectangles of tiles of one level into few rectangles, for `available` of layer.json: each tile once. */
import type { AvailableRange } from './layer-json.ts';

/** Column and row of a tile; the ranges count rows the way these do. */
export interface TileCell {
  readonly x: number;
  readonly y: number;
}

/** Columns x0..x1 by rows y0..y1, inclusive. */
export interface TileRectangle {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Rectangles that cover exactly the cells, inclusive at both ends, sorted by column and row. */
export function tileRanges(cells: readonly TileCell[]): AvailableRange[] {
  const merged = mergeRanges(cells.map(({ x, y }) => ({ x0: x, y0: y, x1: x, y1: y })));
  return merged.map(({ x0, y0, x1, y1 }) => ({ startX: x0, startY: y0, endX: x1, endY: y1 }));
}

/**
 * Disjoint rectangles that cover exactly what the given ones cover, which may overlap, sorted by column and row. The rows
 * are cut where any rectangle begins or ends; within such a band what touches is joined, and then bands that are alike.
 */
export function mergeRanges(rectangles: readonly TileRectangle[]): TileRectangle[] {
  const starts = new Map<number, TileRectangle[]>();
  const cuts = new Set<number>();
  for (const rectangle of rectangles) {
    cuts.add(rectangle.y0).add(rectangle.y1 + 1);
    const same = starts.get(rectangle.y0);
    if (same) same.push(rectangle);
    else starts.set(rectangle.y0, [rectangle]);
  }
  const rows = [...cuts].sort((a, b) => a - b);
  const done: TileRectangle[] = [];
  let open = new Map<string, TileRectangle>();
  let active: TileRectangle[] = [];
  for (let k = 0; k + 1 < rows.length; k++) {
    const [y0, y1] = [rows[k] ?? 0, (rows[k + 1] ?? 0) - 1];
    active = active.filter((rectangle) => rectangle.y1 >= y0).concat(starts.get(y0) ?? []);
    const still = new Map<string, TileRectangle>();
    for (const [x0, x1] of joinRuns(active)) {
      const key = `${x0} ${x1}`;
      const above = open.get(key);
      still.set(key, { x0, x1, y0: above?.y0 ?? y0, y1 });
      open.delete(key);
    }
    done.push(...open.values());
    open = still;
  }
  return [...done, ...open.values()].sort((a, b) => a.x0 - b.x0 || a.y0 - b.y0);
}

/** Columns of the rectangles as unbroken runs, inclusive, from the west. */
function joinRuns(rectangles: readonly TileRectangle[]): [x0: number, x1: number][] {
  const runs: [number, number][] = [];
  for (const { x0, x1 } of rectangles.toSorted((a, b) => a.x0 - b.x0)) {
    const last = runs.at(-1);
    if (last && x0 <= last[1] + 1) last[1] = Math.max(last[1], x1);
    else runs.push([x0, x1]);
  }
  return runs;
}
