/**
 * The heights of a scene on a grid of square pixels, seen from above: the largest rectangle of the local frame within the
 * box. Heights are up in the frame, so a plane that is displaced by them lies on the exported mesh.
 */
import { RelievoError } from '../error.ts';
import { toEcef } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { LocalFrame } from './local-frame.ts';
import type { ScenePart } from './scene.ts';

export interface Heightmap {
  readonly columns: number;
  readonly rows: number;
  /** Metres up at the middles of pixels, row-major, north row first; without gaps. */
  readonly heights: Float32Array;
  /** Pixels in which there was no surface; they have the least height. */
  readonly empty: number;
  /** Metres, of the local frame: the outer edges of the outer pixels. */
  readonly west: number;
  readonly south: number;
  readonly width: number;
  readonly height: number;
  readonly least: number;
  readonly greatest: number;
}

/** `pixels`: of the longer side. The highest surface counts. */
export function drawHeightmap(
  parts: readonly ScenePart[],
  box: LonLatBox,
  frame: LocalFrame,
  pixels: number,
): Heightmap {
  const { west, south, width, height } = innerRectangle(box, frame);
  const size = Math.max(width, height) / pixels;
  const columns = Math.max(1, Math.round(width / size));
  const rows = Math.max(1, Math.round(height / size));
  const [stepX, stepY] = [width / columns, height / rows];
  const heights = new Float64Array(columns * rows).fill(Number.NaN);
  for (const { positions: p, triangles } of parts) {
    for (let i = 0; i < triangles.length; i += 3) {
      const [a, b, c] = [3 * triangles[i], 3 * triangles[i + 1], 3 * triangles[i + 2]];
      drawTriangle(p, a, b, c);
    }
  }
  closeCracks(heights, columns, rows);
  let least = Infinity;
  let greatest = -Infinity;
  let empty = 0;
  for (const value of heights) {
    if (Number.isNaN(value)) empty++;
    else {
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
  }
  if (empty === heights.length) {
    throw new RelievoError('input-invalid', 'There is no surface within the heightmap; give other --bounds.');
  }
  const filled = Float32Array.from(heights, (value) => (Number.isNaN(value) ? least : value));
  return { columns, rows, heights: filled, empty, west, south, width, height, least, greatest };

  function drawTriangle(p: Float64Array, a: number, b: number, c: number): void {
    // In pixels, whose middles have whole numbers.
    const column = (k: number) => (p[k] - west) / stepX - 0.5;
    const row = (k: number) => rows - (p[k + 1] - south) / stepY - 0.5;
    const [ax, ay, bx, by, cx, cy] = [column(a), row(a), column(b), row(b), column(c), row(c)];
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    if (Math.abs(area) < 1e-12) return;
    const firstRow = Math.max(0, Math.ceil(Math.min(ay, by, cy) - EDGE));
    const lastRow = Math.min(rows - 1, Math.floor(Math.max(ay, by, cy) + EDGE));
    const firstColumn = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - EDGE));
    const lastColumn = Math.min(columns - 1, Math.floor(Math.max(ax, bx, cx) + EDGE));
    for (let y = firstRow; y <= lastRow; y++) {
      for (let x = firstColumn; x <= lastColumn; x++) {
        const ofB = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area;
        const ofC = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area;
        if (ofB < -EDGE || ofC < -EDGE || ofB + ofC > 1 + EDGE) continue;
        const up = p[a + 2] + ofB * (p[b + 2] - p[a + 2]) + ofC * (p[c + 2] - p[a + 2]);
        const at = y * columns + x;
        if (!(heights[at] >= up)) heights[at] = up;
      }
    }
  }
}

/** Shares of a triangle within which a pixel on its edge counts as inside. */
const EDGE = 1e-9;

/** A pixel between two tiles that meet at different heights may lie in neither: it becomes the mean of its neighbours. */
function closeCracks(heights: Float64Array, columns: number, rows: number): void {
  const before = heights.slice();
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if (!Number.isNaN(before[y * columns + x])) continue;
      let [sum, count] = [0, 0];
      for (let k = 0; k < 9; k++) {
        const [nx, ny] = [x + (k % 3) - 1, y + Math.floor(k / 3) - 1];
        const value = nx >= 0 && ny >= 0 && nx < columns && ny < rows ? before[ny * columns + nx] : Number.NaN;
        if (Number.isNaN(value)) continue;
        sum += value;
        count++;
      }
      if (count >= CRACK_NEIGHBOURS) heights[y * columns + x] = sum / count;
    }
  }
}

const CRACK_NEIGHBOURS = 5;

/** The sides of a box lean and bend in the frame: what lies within all four at height 0. */
function innerRectangle({ west, south, east, north }: LonLatBox, frame: LocalFrame) {
  const places = new Float64Array(12 * SIDE_PLACES);
  for (let i = 0; i < SIDE_PLACES; i++) {
    const share = i / (SIDE_PLACES - 1);
    toEcef(west, south + share * (north - south), 0, places, 12 * i);
    toEcef(east, south + share * (north - south), 0, places, 12 * i + 3);
    toEcef(west + share * (east - west), south, 0, places, 12 * i + 6);
    toEcef(west + share * (east - west), north, 0, places, 12 * i + 9);
  }
  const local = frame.toLocal(places);
  let [left, right, bottom, top] = [-Infinity, Infinity, -Infinity, Infinity];
  for (let i = 0; i < local.length; i += 12) {
    left = Math.max(left, local[i]);
    right = Math.min(right, local[i + 3]);
    bottom = Math.max(bottom, local[i + 7]);
    top = Math.min(top, local[i + 10]);
  }
  return { west: left, south: bottom, width: right - left, height: top - bottom };
}

const SIDE_PLACES = 65;
