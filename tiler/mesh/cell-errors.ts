/**
 * How far the samples that cells stand for can lie from a triangle. Over the part of a cell inside the triangle both the
 * triangle and the cell's plane are flat, so their distance is greatest at a corner of that part: an exact bound.
 */
import { type CellBuckets, type SourceCells, sortIntoBuckets } from './source-cells.ts';

/** A triangle in post spacings, its heights bent as the posts' are. Its corners in either turn. */
export interface Facet {
  ax: number;
  ay: number;
  bx: number;
  by: number;
  cx: number;
  cy: number;
  /** Height at a, and rise for each post spacing. */
  za: number;
  slopeX: number;
  slopeY: number;
}

/** Lowers heights as `bendHeights` does: by factor times the square of post spacings from the north-west post. */
export interface Bend {
  readonly x: number;
  readonly y: number;
}

export interface Worst {
  /** Greatest error (metres) of cells that are not stuck, and which cell it is: -1 when there is none above the limit. */
  set: number;
  cell: number;
  error: number;
  /** Greatest error of all. */
  bound: number;
}

const EDGE_SLACK = 1e-9;

export class CellErrors {
  readonly sets: readonly SourceCells[];
  /** By set and cell: 1 where no vertex can come any nearer. */
  readonly stuck: readonly Uint8Array[];
  readonly #buckets: readonly CellBuckets[];
  readonly #bend: Bend;
  /** Corners of the part of a cell inside a triangle, and room to cut it. */
  #polygon = new Float64Array(32);
  #cut = new Float64Array(32);

  constructor(sets: readonly SourceCells[], across: number, down: number, bend: Bend) {
    this.sets = sets;
    this.stuck = sets.map(({ x }) => new Uint8Array(x.length));
    this.#buckets = sets.map((set) => sortIntoBuckets(set, across, down));
    this.#bend = bend;
  }

  /** The worst cell of a triangle: `limit` in metres is what may be left. */
  findWorst(facet: Facet, limit: number, worst: Worst): void {
    worst.set = -1;
    worst.cell = -1;
    worst.error = limit;
    worst.bound = 0;
    for (let s = 0; s < this.sets.length; s++) this.#findIn(s, facet, limit, worst);
  }

  #findIn(s: number, facet: Facet, limit: number, worst: Worst): void {
    const set = this.sets[s];
    const stuck = this.stuck[s];
    const { across, down, starts, order } = this.#buckets[s];
    const { x, y, heights, slopeX, slopeY, above, below, reachX, reachY } = set;
    const { ax, ay, bx, by, cx, cy, za } = facet;
    const turn = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay) > 0 ? 1 : -1;
    // A point lies n · (p - corner) >= 0 inside each side.
    const n0x = -turn * (by - ay);
    const n0y = turn * (bx - ax);
    const n1x = -turn * (cy - by);
    const n1y = turn * (cx - bx);
    const n2x = -turn * (ay - cy);
    const n2y = turn * (ax - cx);
    const s0 = Math.abs(n0x) * reachX + Math.abs(n0y) * reachY;
    const s1 = Math.abs(n1x) * reachX + Math.abs(n1y) * reachY;
    const s2 = Math.abs(n2x) * reachX + Math.abs(n2y) * reachY;
    const left = Math.max(0, Math.floor(Math.min(ax, bx, cx) - reachX));
    const right = Math.min(across - 1, Math.floor(Math.max(ax, bx, cx) + reachX));
    const top = Math.max(0, Math.floor(Math.min(ay, by, cy) - reachY));
    const bottom = Math.min(down - 1, Math.floor(Math.max(ay, by, cy) + reachY));
    const bend = this.#bend;
    for (let row = top; row <= bottom; row++) {
      const end = starts[row * across + right + 1];
      for (let k = starts[row * across + left]; k < end; k++) {
        const cell = order[k];
        const px = x[cell];
        const py = y[cell];
        const e0 = (px - ax) * n0x + (py - ay) * n0y;
        if (e0 < -s0 - EDGE_SLACK) continue;
        const e1 = (px - bx) * n1x + (py - by) * n1y;
        if (e1 < -s1 - EDGE_SLACK) continue;
        const e2 = (px - cx) * n2x + (py - cy) * n2y;
        if (e2 < -s2 - EDGE_SLACK) continue;
        const gap =
          za +
          facet.slopeX * (px - ax) +
          facet.slopeY * (py - ay) -
          (heights[cell] - bend.x * px * px - bend.y * py * py);
        let error: number;
        if (slopeX === undefined || slopeY === undefined || above === undefined || below === undefined) {
          error = Math.abs(gap);
        } else {
          const gapX = facet.slopeX - slopeX[cell] + 2 * bend.x * px;
          const gapY = facet.slopeY - slopeY[cell] + 2 * bend.y * py;
          const spread = Math.abs(gapX) * reachX + Math.abs(gapY) * reachY;
          error = Math.max(gap + spread + below[cell], spread - gap + above[cell]);
          if (error > limit && (e0 < s0 || e1 < s1 || e2 < s2)) {
            const corners = this.#clip(px, py, reachX, reachY, facet, n0x, n0y, n1x, n1y, n2x, n2y);
            error = 0;
            for (let c = 0; c < corners; c++) {
              const at = gap + gapX * (this.#polygon[2 * c] - px) + gapY * (this.#polygon[2 * c + 1] - py);
              error = Math.max(error, at + below[cell], above[cell] - at);
            }
          }
        }
        if (error > worst.bound) worst.bound = error;
        if (error > worst.error && stuck[cell] === 0) {
          worst.error = error;
          worst.set = s;
          worst.cell = cell;
        }
      }
    }
  }

  /** Corners of what of a cell lies in the triangle, into `#polygon` (I. Sutherland and G. Hodgman, 1974). */
  #clip(
    px: number,
    py: number,
    reachX: number,
    reachY: number,
    { ax, ay, bx, by, cx, cy }: Facet,
    n0x: number,
    n0y: number,
    n1x: number,
    n1y: number,
    n2x: number,
    n2y: number,
  ): number {
    const polygon = this.#polygon;
    polygon[0] = px - reachX;
    polygon[1] = py - reachY;
    polygon[2] = px + reachX;
    polygon[3] = py - reachY;
    polygon[4] = px + reachX;
    polygon[5] = py + reachY;
    polygon[6] = px - reachX;
    polygon[7] = py + reachY;
    let count = this.#cutBySide(4, n0x, n0y, ax, ay);
    count = this.#cutBySide(count, n1x, n1y, bx, by);
    return this.#cutBySide(count, n2x, n2y, cx, cy);
  }

  #cutBySide(count: number, nx: number, ny: number, ox: number, oy: number): number {
    const from = this.#polygon;
    const to = this.#cut;
    let kept = 0;
    for (let k = 0; k < count; k++) {
      const x = from[2 * k];
      const y = from[2 * k + 1];
      const next = k + 1 === count ? 0 : k + 1;
      const nextX = from[2 * next];
      const nextY = from[2 * next + 1];
      const here = (x - ox) * nx + (y - oy) * ny;
      const there = (nextX - ox) * nx + (nextY - oy) * ny;
      if (here >= 0) {
        to[2 * kept] = x;
        to[2 * kept++ + 1] = y;
      }
      if (here >= 0 !== there >= 0) {
        const share = here / (here - there);
        to[2 * kept] = x + (nextX - x) * share;
        to[2 * kept++ + 1] = y + (nextY - y) * share;
      }
    }
    this.#polygon = to;
    this.#cut = from;
    return kept;
  }
}
