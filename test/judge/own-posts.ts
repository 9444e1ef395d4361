/**
 * The drawn surface against what a tile was made from: its 65 x 65 posts. From a source's native level on, posts lie no
 * further apart than samples and their heights are the bilinear interpolation of the source, which can be computed here
 * from the source alone. Coarser levels read averaged samples; their posts are not known outside the tiler.
 */
import { decodeTile, indicesInRange } from './decode.ts';
import { forEachRun, heightInRun } from './drawn-surface.ts';
import { boxOf, type JudgedTile, tilePath } from './fault.ts';
import type { Sheet } from './reference.ts';
import type { TileSet } from './tile-folder.ts';

export interface PostMeasure {
  /** Posts measured: those between four samples that are not void and stand in one sheet. */
  readonly n: number;
  /** Metres; the greatest absolute difference along the ellipsoid's normal, and where it is. */
  readonly max: number;
  readonly tile: string | undefined;
}

const CELLS = 64;

/** Undefined for levels coarser than the source. */
export function measureOwnPosts(
  set: TileSet,
  tiles: readonly JudgedTile[],
  sheets: readonly Sheet[],
  z: number,
): PostMeasure | undefined {
  const spacing = 180 / 2 ** z / CELLS;
  if (sheets.some((sheet) => spacing > Math.min(sheet.stepX, sheet.stepY) * (1 + 1e-9))) return undefined;
  let n = 0;
  let max = 0;
  let tile: string | undefined;
  for (const id of tiles) {
    const bytes = set.read(id);
    const decoded = bytes === undefined ? undefined : decodeTile(bytes).tile;
    if (decoded === undefined || !indicesInRange(decoded)) continue;
    for (const sheet of sheets) {
      const posts = postsOf(id, sheet, spacing);
      if (posts === undefined) continue;
      forEachRun(decoded, id, posts, 0, (run, columns) => {
        for (let column = run.from; column < run.to; column++) {
          const height = posts.heights[run.row * posts.columns + column];
          if (Number.isNaN(height)) continue;
          n++;
          const difference = Math.abs(heightInRun(run, columns, column) - height);
          if (difference > max) {
            max = difference;
            tile = tilePath(id);
          }
        }
      });
    }
  }
  return { n, max, tile };
}

/** The tile's posts as a sheet; NaN outside the source's sheet and beside voids. Undefined when none lies in it. */
function postsOf(id: JudgedTile, sheet: Sheet, spacing: number): Sheet | undefined {
  const box = boxOf(id);
  const north = box.south + box.side;
  const posts = CELLS + 1;
  const east = (((box.west - sheet.west + 180) % 360) + 360) % 360;
  const left = (east - 180) / sheet.stepX;
  const top = (sheet.north - north) / sheet.stepY;
  const heights = new Float32Array(posts * posts).fill(Number.NaN);
  let any = false;
  for (let j = 0; j < posts; j++) {
    const y = top + (j * spacing) / sheet.stepY;
    const row = Math.min(Math.floor(y), sheet.rows - 2);
    if (!(y >= 0 && y <= sheet.rows - 1)) continue;
    for (let i = 0; i < posts; i++) {
      const x = left + (i * spacing) / sheet.stepX;
      const column = Math.min(Math.floor(x), sheet.columns - 2);
      if (!(x >= 0 && x <= sheet.columns - 1)) continue;
      const at = row * sheet.columns + column;
      const fx = x - column;
      const upper = sheet.heights[at] * (1 - fx) + sheet.heights[at + 1] * fx;
      const below = at + sheet.columns;
      const lower = sheet.heights[below] * (1 - fx) + sheet.heights[below + 1] * fx;
      heights[j * posts + i] = upper * (1 - (y - row)) + lower * (y - row);
      any = true;
    }
  }
  if (!any) return undefined;
  return {
    name: sheet.name,
    west: box.west,
    north,
    stepX: spacing,
    stepY: spacing,
    columns: posts,
    rows: posts,
    heights,
  };
}
