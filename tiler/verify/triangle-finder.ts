/**
 * The triangle of a tile under a place. Two ways of being under: in the plane of u and v, where the tile's own heights are
 * interpolated, and in space, where the ellipsoid's normal at the place meets a triangle that is flat (ECEF metres).
 */
import { type DecodedTile, QUANTUM, vertexHeights } from './decode.ts';
import { greatestBulge } from './drawn-surface.ts';
import { openSightLines, type SightLines } from './sight-lines.ts';
import type { TileBox } from './tiling.ts';
import { toEcef } from './wgs84.ts';

/** Share of a triangle by which a place may lie outside it: rounding. */
const SLACK = 1e-9;
const MOST_SQUARES = 128;

export class TriangleFinder {
  private readonly tile: DecodedTile;
  private readonly box: TileBox;
  private readonly heights: Float64Array;
  /** ECEF metres, x, y, z of each vertex. */
  private readonly positions: Float64Array;
  /** Squares along a side of the tile; by square, row-major, where its triangles begin in `order`, one more at the end. */
  private readonly side: number;
  private readonly starts: Int32Array;
  private readonly order: Int32Array;
  /** Codes by which the farthest drawn side leaves the straight line between its ends. */
  private readonly bulge: number;
  private last = -1;

  constructor(tile: DecodedTile, box: TileBox) {
    this.tile = tile;
    this.box = box;
    this.heights = vertexHeights(tile);
    const { u, v, triangles } = tile;
    const lons = Float64Array.from(u, (code) => box.west + (code / QUANTUM) * box.width);
    const lats = Float64Array.from(v, (code) => box.south + (code / QUANTUM) * box.height);
    this.positions = new Float64Array(3 * tile.vertexCount);
    for (let i = 0; i < tile.vertexCount; i++) this.positions.set(toEcef(lons[i], lats[i], this.heights[i]), 3 * i);
    this.side = Math.min(MOST_SQUARES, Math.max(4, Math.ceil(Math.sqrt(triangles.length / 6))));
    const spans = new Uint8Array((4 * triangles.length) / 3);
    this.starts = new Int32Array(this.side ** 2 + 1);
    let greatest = 0;
    for (let t = 0, s = 0; t < triangles.length; t += 3, s += 4) {
      const corners = [triangles[t], triangles[t + 1], triangles[t + 2]];
      const [a, b, c] = corners;
      const bulge = (greatestBulge(lons, lats, corners) / box.height) * QUANTUM;
      greatest = Math.max(greatest, bulge);
      spans[s] = this.squareOf(Math.min(u[a], u[b], u[c]));
      spans[s + 1] = this.squareOf(Math.max(u[a], u[b], u[c]));
      spans[s + 2] = this.squareOf(Math.min(v[a], v[b], v[c]) - bulge);
      spans[s + 3] = this.squareOf(Math.max(v[a], v[b], v[c]) + bulge);
      this.eachSquare(spans, s, (square) => this.starts[square + 1]++);
    }
    this.bulge = greatest;
    for (let square = 0; square < this.side ** 2; square++) this.starts[square + 1] += this.starts[square];
    this.order = new Int32Array(this.starts[this.side ** 2]);
    const next = this.starts.slice();
    for (let t = 0, s = 0; t < triangles.length; t += 3, s += 4) {
      this.eachSquare(spans, s, (square) => {
        this.order[next[square]++] = t;
      });
    }
  }

  /** Height interpolated in u and v, metres; NaN where no triangle is. */
  flatHeight(lon: number, lat: number): number {
    const { u, v, triangles } = this.tile;
    const x = this.codeOf(lon);
    const y = ((lat - this.box.south) / this.box.height) * QUANTUM;
    if (!(x >= 0 && x <= QUANTUM && y >= 0 && y <= QUANTUM)) return Number.NaN;
    const square = this.squareOf(y) * this.side + this.squareOf(x);
    for (let i = this.starts[square]; i < this.starts[square + 1]; i++) {
      const t = this.order[i];
      const a = triangles[t];
      const b = triangles[t + 1];
      const c = triangles[t + 2];
      const area = (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]);
      const ofB = ((x - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (y - v[a])) / area;
      const ofC = ((u[b] - u[a]) * (y - v[a]) - (x - u[a]) * (v[b] - v[a])) / area;
      if (!(ofB >= -SLACK && ofC >= -SLACK && ofB + ofC <= 1 + SLACK)) continue;
      return this.heights[a] * (1 - ofB - ofC) + this.heights[b] * ofB + this.heights[c] * ofC;
    }
    return Number.NaN;
  }

  /** Height at which the normal through the place meets the surface, metres; NaN where it passes by. */
  heightInSpace(lon: number, lat: number): number {
    return this.heightAlong(openSightLines({ lons: [lon], lats: [lat] }), 0);
  }

  /** The same along one of many lines. A line on the border of two tiles meets both: the caller says whose it is. */
  heightAlong({ lons, lats, feet, normals }: SightLines, k: number): number {
    const x = this.codeOf(lons[k]);
    const y = ((lats[k] - this.box.south) / this.box.height) * QUANTUM;
    if (!(x >= 0 && x <= QUANTUM && y >= -this.bulge && y <= QUANTUM + this.bulge)) return Number.NaN;
    // Neighbours in a row of samples mostly lie under one triangle.
    if (this.last >= 0) {
      const height = this.meet(this.last, feet, normals, 3 * k, 0);
      if (!Number.isNaN(height)) return height;
    }
    const square = this.squareOf(y) * this.side + this.squareOf(x);
    for (let i = this.starts[square]; i < this.starts[square + 1]; i++) {
      const height = this.meet(this.order[i], feet, normals, 3 * k, SLACK);
      if (Number.isNaN(height)) continue;
      this.last = this.order[i];
      return height;
    }
    return Number.NaN;
  }

  /** Height of a triangle over a foot; NaN when one of its sides leaves the line on the other hand. */
  private meet(t: number, feet: Float64Array, normals: Float64Array, at: number, slack: number): number {
    const { triangles } = this.tile;
    const p = this.positions;
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    const [fx, fy, fz] = [feet[at], feet[at + 1], feet[at + 2]];
    const [nx, ny, nz] = [normals[at], normals[at + 1], normals[at + 2]];
    const [ax, ay, az] = [p[a] - fx, p[a + 1] - fy, p[a + 2] - fz];
    const [bx, by, bz] = [p[b] - fx, p[b + 1] - fy, p[b + 2] - fz];
    const [cx, cy, cz] = [p[c] - fx, p[c + 1] - fy, p[c + 2] - fz];
    const ofC = nx * (ay * bz - az * by) + ny * (az * bx - ax * bz) + nz * (ax * by - ay * bx);
    const ofA = nx * (by * cz - bz * cy) + ny * (bz * cx - bx * cz) + nz * (bx * cy - by * cx);
    const ofB = nx * (cy * az - cz * ay) + ny * (cz * ax - cx * az) + nz * (cx * ay - cy * ax);
    const all = ofA + ofB + ofC;
    const least = -slack * all;
    if (!(all > 0 && ofA >= least && ofB >= least && ofC >= least)) return Number.NaN;
    const rise = ofA * (nx * ax + ny * ay + nz * az) + ofB * (nx * bx + ny * by + nz * bz);
    return (rise + ofC * (nx * cx + ny * cy + nz * cz)) / all;
  }

  /** East of the tile's western border, 0..32767 inside, whatever turn the longitude is counted in. */
  private codeOf(lon: number): number {
    const east = lon - this.box.west;
    const turned = east >= 0 && east < 360 ? east : ((east % 360) + 360) % 360;
    return (turned / this.box.width) * QUANTUM;
  }

  private eachSquare(spans: Uint8Array, s: number, visit: (square: number) => void): void {
    for (let row = spans[s + 2]; row <= spans[s + 3]; row++) {
      for (let column = spans[s]; column <= spans[s + 1]; column++) visit(row * this.side + column);
    }
  }

  private squareOf(code: number): number {
    return Math.min(this.side - 1, Math.max(0, Math.floor((code / (QUANTUM + 1)) * this.side)));
  }
}
