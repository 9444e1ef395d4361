/**
 * The surface of one tile as clients draw it: triangles flat in space (ECEF metres), seen along the ellipsoid's normal. The
 * drawn side between two vertices on a parallel bulges towards the pole; so the line decides which triangle it meets, not u
 * and v.
 */
import type { DecodedMesh } from '../encode/decode-mesh.ts';
import { RADIANS_PER_DEGREE, toEcef } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { UV_MAX } from '../mesh/terrain-mesh.ts';

/** Places with the line that they are seen along, and what the surface is held against there. */
export interface Spots {
  /** Degrees. */
  readonly lons: Float64Array;
  readonly lats: Float64Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float64Array;
  /** On the ellipsoid, ECEF metres, and the normal there: x, y, z of each place. */
  readonly feet: Float64Array;
  readonly normals: Float64Array;
}

export function openSpots(places: Pick<Spots, 'lons' | 'lats' | 'heights'>): Spots {
  const { lons, lats } = places;
  const feet = new Float64Array(3 * lons.length);
  const normals = new Float64Array(3 * lons.length);
  for (let k = 0; k < lons.length; k++) {
    const [lonRad, latRad] = [lons[k] * RADIANS_PER_DEGREE, lats[k] * RADIANS_PER_DEGREE];
    toEcef(lons[k], lats[k], 0, feet, 3 * k);
    normals[3 * k] = Math.cos(latRad) * Math.cos(lonRad);
    normals[3 * k + 1] = Math.cos(latRad) * Math.sin(lonRad);
    normals[3 * k + 2] = Math.sin(latRad);
  }
  return { ...places, feet, normals };
}

/** Share of a triangle by which a line may pass it: rounding. */
const SLACK = 1e-9;
const MAX_SQUARES = 128;

export class DrawnSurface {
  readonly #box: LonLatBox;
  readonly #triangles: Uint16Array;
  /** ECEF metres, x, y, z of each vertex. */
  readonly #positions: Float64Array;
  /** Squares along a side of the tile; by square, row-major, where its triangles begin in `order`, one more at the end. */
  readonly #squares: number;
  readonly #starts: Int32Array;
  readonly #order: Int32Array;
  /** Codes of v by which a drawn side may leave the straight line between its ends. */
  readonly #bulge: number;
  #last = -1;

  constructor({ u, v, heights, triangles }: DecodedMesh, box: LonLatBox) {
    const width = box.east - box.west;
    const height = box.north - box.south;
    this.#box = box;
    this.#triangles = triangles;
    this.#positions = new Float64Array(3 * u.length);
    for (let k = 0; k < u.length; k++) {
      const [lon, lat] = [box.west + (width * u[k]) / UV_MAX, box.south + (height * v[k]) / UV_MAX];
      toEcef(lon, lat, heights[k], this.#positions, 3 * k);
    }
    this.#squares = Math.min(MAX_SQUARES, Math.max(2, Math.ceil(Math.sqrt(triangles.length / 6))));
    this.#bulge = (greatestBulge(u, triangles, width) / height) * UV_MAX;
    const spans = new Uint8Array((4 * triangles.length) / 3);
    this.#starts = new Int32Array(this.#squares ** 2 + 1);
    for (let t = 0, s = 0; t < triangles.length; t += 3, s += 4) {
      const [a, b, c] = [triangles[t], triangles[t + 1], triangles[t + 2]];
      spans[s] = this.#squareOf(Math.min(u[a], u[b], u[c]));
      spans[s + 1] = this.#squareOf(Math.max(u[a], u[b], u[c]));
      spans[s + 2] = this.#squareOf(Math.min(v[a], v[b], v[c]) - this.#bulge);
      spans[s + 3] = this.#squareOf(Math.max(v[a], v[b], v[c]) + this.#bulge);
      this.#eachSquare(spans, s, (square) => this.#starts[square + 1]++);
    }
    for (let square = 0; square < this.#squares ** 2; square++) this.#starts[square + 1] += this.#starts[square];
    this.#order = new Int32Array(this.#starts[this.#squares ** 2]);
    const next = this.#starts.slice();
    for (let t = 0, s = 0; t < triangles.length; t += 3, s += 4) {
      this.#eachSquare(spans, s, (square) => {
        this.#order[next[square]++] = t;
      });
    }
  }

  /**
   * Height in metres above the ellipsoid at which a place's line meets the surface; NaN where it passes by. On a border
   * between west and east the eastern tile has the place.
   */
  heightAt({ lons, lats, feet, normals }: Spots, k: number): number {
    const { west, east, south, north } = this.#box;
    const lon = lons[k] - 360 * Math.round((lons[k] - (west + east) / 2) / 360);
    if (!(lon >= west && lon < east)) return Number.NaN;
    const y = ((lats[k] - south) / (north - south)) * UV_MAX;
    if (!(y >= -this.#bulge && y <= UV_MAX + this.#bulge)) return Number.NaN;
    // Neighbours in a row of samples mostly lie under one triangle.
    if (this.#last >= 0) {
      const height = this.#meet(this.#last, feet, normals, 3 * k, 0);
      if (!Number.isNaN(height)) return height;
    }
    const square = this.#squareOf(y) * this.#squares + this.#squareOf(((lon - west) / (east - west)) * UV_MAX);
    for (let i = this.#starts[square]; i < this.#starts[square + 1]; i++) {
      const height = this.#meet(this.#order[i], feet, normals, 3 * k, SLACK);
      if (Number.isNaN(height)) continue;
      this.#last = this.#order[i];
      return height;
    }
    return Number.NaN;
  }

  /** Height of a triangle over a foot; NaN when the line passes outside one of its sides. */
  #meet(t: number, feet: Float64Array, normals: Float64Array, at: number, slack: number): number {
    const p = this.#positions;
    const [a, b, c] = [3 * this.#triangles[t], 3 * this.#triangles[t + 1], 3 * this.#triangles[t + 2]];
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

  #eachSquare(spans: Uint8Array, s: number, visit: (square: number) => void): void {
    for (let row = spans[s + 2]; row <= spans[s + 3]; row++) {
      for (let column = spans[s]; column <= spans[s + 1]; column++) visit(row * this.#squares + column);
    }
  }

  #squareOf(code: number): number {
    return Math.min(this.#squares - 1, Math.max(0, Math.floor((code / (UV_MAX + 1)) * this.#squares)));
  }
}

/** Degrees by which a side leaves the parallel of its ends, at most: width^2 / 8 * sin * cos, with room. */
function greatestBulge(u: Uint16Array, triangles: Uint16Array, width: number): number {
  let widest = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [u[triangles[t]], u[triangles[t + 1]], u[triangles[t + 2]]];
    widest = Math.max(widest, Math.abs(a - b), Math.abs(b - c), Math.abs(c - a));
  }
  const sideRad = (widest / UV_MAX) * width * RADIANS_PER_DEGREE;
  return ((sideRad * sideRad) / 16 / RADIANS_PER_DEGREE) * 1.3;
}
