/**
 * The triangle of a tile under a place. Two ways of being under: in the plane of u and v, where the tile's own heights are
 * interpolated, and in space, where the ellipsoid's normal at the place meets a triangle that is flat (ECEF metres).
 */
import { type DecodedTile, QUANTUM, vertexHeights } from './decode.ts';
import { greatestBulge } from './drawn-surface.ts';
import type { TileBox } from './tiling.ts';
import { cross, dot, subtract, toEcef, upAt, type Vector } from './wgs84.ts';

/** Share of a triangle by which a place may lie outside it: rounding. */
const SLACK = 1e-9;

export class TriangleFinder {
  private readonly tile: DecodedTile;
  private readonly box: TileBox;
  private readonly heights: Float64Array;
  private readonly side: number;
  private readonly buckets: readonly number[][];
  private readonly positions: Float64Array;
  /** Codes by which the farthest drawn side leaves the straight line between its ends. */
  private readonly bulge: number;
  private last = -1;

  constructor(tile: DecodedTile, box: TileBox) {
    this.tile = tile;
    this.box = box;
    this.heights = vertexHeights(tile);
    const { u, v, triangles } = tile;
    this.side = Math.min(128, Math.max(4, Math.ceil(Math.sqrt(triangles.length / 6))));
    this.buckets = Array.from({ length: this.side ** 2 }, () => []);
    const lons = Float64Array.from(u, (code) => box.west + (code / QUANTUM) * box.width);
    const lats = Float64Array.from(v, (code) => box.south + (code / QUANTUM) * box.height);
    this.positions = new Float64Array(3 * tile.vertexCount);
    for (let i = 0; i < tile.vertexCount; i++) this.positions.set(toEcef(lons[i], lats[i], this.heights[i]), 3 * i);
    let greatest = 0;
    for (let t = 0; t < triangles.length; t += 3) {
      const corners = [triangles[t], triangles[t + 1], triangles[t + 2]];
      const [a, b, c] = corners;
      const bulge = (greatestBulge(lons, lats, corners) / box.height) * QUANTUM;
      greatest = Math.max(greatest, bulge);
      const west = this.bucketOf(Math.min(u[a], u[b], u[c]));
      const east = this.bucketOf(Math.max(u[a], u[b], u[c]));
      const north = this.bucketOf(Math.max(v[a], v[b], v[c]) + bulge);
      for (let row = this.bucketOf(Math.min(v[a], v[b], v[c]) - bulge); row <= north; row++) {
        for (let column = west; column <= east; column++) this.buckets[row * this.side + column].push(t);
      }
    }
    this.bulge = greatest;
  }

  /** Height interpolated in u and v, metres; NaN where no triangle is. */
  flatHeight(lon: number, lat: number): number {
    const { u, v, triangles } = this.tile;
    const x = ((((((lon - this.box.west) % 360) + 360) % 360) / this.box.width) * QUANTUM) as number;
    const y = ((lat - this.box.south) / this.box.height) * QUANTUM;
    if (!(x >= 0 && x <= QUANTUM && y >= 0 && y <= QUANTUM)) return Number.NaN;
    for (const t of this.buckets[this.bucketOf(y) * this.side + this.bucketOf(x)]) {
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
    const { box } = this;
    const x = (((((lon - box.west) % 360) + 360) % 360) / box.width) * QUANTUM;
    const y = ((lat - box.south) / box.height) * QUANTUM;
    if (!(x >= 0 && x <= QUANTUM && y >= -this.bulge && y <= QUANTUM + this.bulge)) return Number.NaN;
    const foot = toEcef(lon, lat, 0);
    const up = upAt(lon, lat);
    // Neighbours in a row of samples mostly lie under one triangle.
    if (this.last >= 0) {
      const height = this.meet(this.last, foot, up, 0);
      if (!Number.isNaN(height)) return height;
    }
    for (const t of this.buckets[this.bucketOf(y) * this.side + this.bucketOf(x)]) {
      const height = this.meet(t, foot, up, -SLACK);
      if (Number.isNaN(height)) continue;
      this.last = t;
      return height;
    }
    return Number.NaN;
  }

  /** Height of a triangle over a foot; NaN when one of its sides leaves the line on the other hand. */
  private meet(t: number, foot: Vector, up: Vector, least: number): number {
    const { triangles } = this.tile;
    const a = subtract(this.positionOf(triangles[t]), foot);
    const b = subtract(this.positionOf(triangles[t + 1]), foot);
    const c = subtract(this.positionOf(triangles[t + 2]), foot);
    const ofC = dot(up, cross(a, b));
    const ofA = dot(up, cross(b, c));
    const ofB = dot(up, cross(c, a));
    const all = ofA + ofB + ofC;
    const limit = least * all;
    if (!(all > 0) || !(ofA >= limit && ofB >= limit && ofC >= limit)) return Number.NaN;
    return (ofA * dot(up, a) + ofB * dot(up, b) + ofC * dot(up, c)) / all;
  }

  private positionOf(i: number): Vector {
    const { positions } = this;
    return [positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]];
  }

  private bucketOf(code: number): number {
    return Math.min(this.side - 1, Math.max(0, Math.floor((code / (QUANTUM + 1)) * this.side)));
  }
}
