/**
 * The surface as a client draws it: triangles flat in space (ECEF metres). A sample is seen along the ellipsoid's normal
 * at its longitude and latitude; which triangle that line meets, and at what height, is computed exactly, for the line
 * and not for u and v: between two vertices on a parallel the drawn side bulges towards the pole.
 *
 * Derivation. The line through (lon d, lat f) has direction n = (cos f cos d, cos f sin d, sin f) and moment
 * m = s (-sin d, cos d, 0), where s = -e2 N(f) sin f cos f and N is the radius across the meridian. It passes a side from
 * A to B on the left when n.(A x B) + (B - A).m > 0, which along a row of samples (f fixed) reads a cos d + b sin d + c > 0
 * with a = cos f (AxB)x + s (B-A)y, b = cos f (AxB)y - s (B-A)x, c = sin f (AxB)z. With t = tan(d/2) its ends are
 * the roots of (c - a) t^2 + 2 b t + (c + a) = 0: each side cuts the row in closed form, equally for both its triangles.
 */
import { type DecodedTile, QUANTUM, vertexHeights } from './decode.ts';
import type { Sheet } from './sheet.ts';
import type { TileBox } from './tiling.ts';
import { cross, DEGREE, dot, ECCENTRICITY2, length, primeVertical, subtract, toEcef, type Vector } from './wgs84.ts';

/** A run of samples of one row under one triangle, and the triangle's plane as it meets that row. */
export interface Run {
  row: number;
  /** First column and the one after the last. */
  from: number;
  to: number;
  /** Height at a column: (offset - prime * (q + flat)) / (q + rise), q = slopeX * cos d + slopeY * sin d. */
  slopeX: number;
  slopeY: number;
  rise: number;
  flat: number;
  prime: number;
  offset: number;
}

/** Cosine and sine of each column's longitude east of the tile's middle. */
export interface ColumnTable {
  readonly first: number;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** Rows closer to a pole than this many degrees are left out: there all longitudes are one place. */
const POLE_MARGIN = 1e-4;
/** Roots this near to a whole column (in columns) are taken as on it, so that tiles side by side agree. */
const SNAP = 1e-6;

/**
 * Hands out every sample of the sheet whose line meets the tile's surface, as runs; the same `Run` object each time.
 * On a common meridian border the eastern tile has the sample. `turn` is added to the sheet's longitudes (degrees).
 */
export function forEachRun(
  tile: DecodedTile,
  box: TileBox,
  sheet: Sheet,
  turn: number,
  visit: (run: Run, columns: ColumnTable) => void,
): void {
  const sheetWest = sheet.west + turn;
  const first = Math.max(0, Math.ceil((box.west - sheetWest) / sheet.stepX - SNAP));
  const end = Math.min(sheet.columns, Math.ceil((box.west + box.width - sheetWest) / sheet.stepX - SNAP));
  const south = sheet.north - (sheet.rows - 1) * sheet.stepY;
  if (first >= end || box.south > sheet.north + box.height / 8 || box.south + box.height < south - box.height / 8)
    return;

  const middle = box.west + box.width / 2;
  const columns = columnTable(sheetWest - middle, sheet.stepX, first, end);
  const heights = vertexHeights(tile);
  const lons = Float64Array.from(tile.u, (u) => (u / QUANTUM - 0.5) * box.width);
  const lats = Float64Array.from(tile.v, (v) => box.south + (v / QUANTUM) * box.height);
  const place = (i: number): Vector => toEcef(lons[i], lats[i], heights[i]);
  const columnOf = (lon: number): number => (lon + middle - sheetWest) / sheet.stepX;
  const run: Run = { row: 0, from: 0, to: 0, slopeX: 0, slopeY: 0, rise: 0, flat: 0, prime: 0, offset: 0 };
  const cuts = new Float64Array(8);
  const lines = [new SideOfRow(), new SideOfRow(), new SideOfRow()];

  for (let t = 0; t < tile.triangles.length; t += 3) {
    const corners = [tile.triangles[t], tile.triangles[t + 1], tile.triangles[t + 2]];
    const [a, b, c] = corners;
    const least = Math.max(first, Math.ceil(columnOf(Math.min(lons[a], lons[b], lons[c])) - SNAP));
    const most = Math.min(end - 1, Math.floor(columnOf(Math.max(lons[a], lons[b], lons[c])) + SNAP));
    if (least > most) continue;
    const bulge = greatestBulge(lons, lats, corners);
    const top = Math.max(lats[a], lats[b], lats[c]) + bulge;
    const bottom = Math.min(lats[a], lats[b], lats[c]) - bulge;
    const firstRow = Math.max(0, Math.ceil((sheet.north - top) / sheet.stepY));
    const lastRow = Math.min(sheet.rows - 1, Math.floor((sheet.north - bottom) / sheet.stepY));
    if (firstRow > lastRow) continue;

    const pa = place(a);
    const pb = place(b);
    const pc = place(c);
    const face = cross(subtract(pb, pa), subtract(pc, pa));
    const size = length(face);
    const normal: Vector = [face[0] / size, face[1] / size, face[2] / size];
    run.offset = dot(normal, pa);
    lines[0].set(a, b, pa, pb, tile);
    lines[1].set(b, c, pb, pc, tile);
    lines[2].set(c, a, pc, pa, tile);

    for (let row = firstRow; row <= lastRow; row++) {
      const lat = sheet.north - row * sheet.stepY;
      if (Math.abs(lat) > 90 - POLE_MARGIN) continue;
      const sin = Math.sin(lat * DEGREE);
      const cos = Math.cos(lat * DEGREE);
      const prime = primeVertical(sin);
      let count = 0;
      cuts[count++] = least - 0.5;
      for (const line of lines) count = line.cut(sin, cos, prime, columnOf, cuts, count, least, most);
      sortFirst(cuts, count);
      cuts[count] = most + 0.5;

      run.row = row;
      run.slopeX = normal[0] * cos;
      run.slopeY = normal[1] * cos;
      run.rise = normal[2] * sin;
      run.flat = run.rise * (1 - ECCENTRICITY2);
      run.prime = prime;
      for (let i = 0; i < count; i++) {
        run.from = Math.max(least, Math.ceil(cuts[i]));
        run.to = Math.min(most + 1, Math.ceil(cuts[i + 1]));
        if (run.from >= run.to) continue;
        const lon = (sheetWest - middle + ((cuts[i] + cuts[i + 1]) / 2) * sheet.stepX) * DEGREE;
        const cosLon = Math.cos(lon);
        const sinLon = Math.sin(lon);
        if (lines[0].holds(cosLon, sinLon) && lines[1].holds(cosLon, sinLon) && lines[2].holds(cosLon, sinLon)) {
          visit(run, columns);
        }
      }
    }
  }
}

/** Metres above the ellipsoid where the line of the run's sample at `column` meets the triangle's plane. */
export function heightInRun(run: Run, columns: ColumnTable, column: number): number {
  const q = run.slopeX * columns.cos[column - columns.first] + run.slopeY * columns.sin[column - columns.first];
  return (run.offset - run.prime * (q + run.flat)) / (q + run.rise);
}

function columnTable(west: number, step: number, first: number, end: number): ColumnTable {
  const cos = new Float64Array(end - first);
  const sin = new Float64Array(end - first);
  for (let i = 0; i < cos.length; i++) {
    const lon = (west + (first + i) * step) * DEGREE;
    cos[i] = Math.cos(lon);
    sin[i] = Math.sin(lon);
  }
  return { first, cos, sin };
}

/** Degrees by which a side may leave the parallels of its ends: about width^2 / 8 * sin * cos, with room. */
export function greatestBulge(lons: Float64Array, lats: Float64Array, corners: readonly number[]): number {
  let bulge = 0;
  for (let i = 0; i < 3; i++) {
    const a = corners[i];
    const b = corners[(i + 1) % 3];
    const width = Math.abs(lons[a] - lons[b]) * DEGREE;
    const steep = Math.max(Math.abs(Math.sin(2 * lats[a] * DEGREE)), Math.abs(Math.sin(2 * lats[b] * DEGREE)));
    // sin * cos peaks at 45 degrees, which may lie between the two ends.
    const across = (lats[a] - 45) * (lats[b] - 45) < 0 || (lats[a] + 45) * (lats[b] + 45) < 0 ? 1 : steep;
    bulge = Math.max(bulge, (width * width * across) / 16);
  }
  return (bulge * 1.3) / DEGREE + 1e-9;
}

/** One side of a triangle as a condition on the longitudes of a row. Both its triangles use the same digits. */
class SideOfRow {
  private flip = 1;
  private zeroHolds = false;
  private mx = 0;
  private my = 0;
  private mz = 0;
  private dx = 0;
  private dy = 0;
  private a = 0;
  private b = 0;
  private c = 0;

  set(from: number, to: number, start: Vector, end: Vector, tile: DecodedTile): void {
    const forward = from < to;
    this.flip = forward ? 1 : -1;
    // Only a side along the equator gives exact zeros: there the tile to the north has the sample.
    const border = tile.v[from] === tile.v[to] && (tile.v[from] === 0 || tile.v[from] === QUANTUM);
    this.zeroHolds = border ? tile.v[from] === 0 : forward;
    const low = forward ? start : end;
    const high = forward ? end : start;
    [this.mx, this.my, this.mz] = cross(low, high);
    this.dx = high[0] - low[0];
    this.dy = high[1] - low[1];
  }

  /** Adds the columns between least - 0.5 and most + 0.5 at which the row crosses this side; the new count. */
  cut(
    sin: number,
    cos: number,
    prime: number,
    columnOf: (lon: number) => number,
    cuts: Float64Array,
    count: number,
    least: number,
    most: number,
  ): number {
    const s = -ECCENTRICITY2 * prime * sin * cos;
    this.a = cos * this.mx + s * this.dy;
    this.b = cos * this.my - s * this.dx;
    this.c = sin * this.mz;
    const square = this.c - this.a;
    const constant = this.c + this.a;
    const under = this.b * this.b - square * constant;
    if (!(under > 0)) return count;
    const half = -(this.b + (this.b < 0 ? -1 : 1) * Math.sqrt(under));
    let added = count;
    for (const root of [half / square, constant / half]) {
      if (!Number.isFinite(root)) continue;
      const exact = columnOf((2 * Math.atan(root)) / DEGREE);
      const whole = Math.round(exact);
      const column = Math.abs(exact - whole) < SNAP ? whole : exact;
      if (column > least - 0.5 && column < most + 0.5) cuts[added++] = column;
    }
    return added;
  }

  holds(cosLon: number, sinLon: number): boolean {
    const side = this.flip * (this.a * cosLon + this.b * sinLon + this.c);
    return side > 0 || (side === 0 && this.zeroHolds);
  }
}

function sortFirst(values: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i];
    let at = i;
    while (at > 0 && values[at - 1] > value) {
      values[at] = values[at - 1];
      at--;
    }
    values[at] = value;
  }
}
