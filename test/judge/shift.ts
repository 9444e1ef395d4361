/**
 * Is a level registered? The surface is read at positions moved by quarters of the level's own sample spacing, and where
 * it fits the unmoved source best is where it lies. Heights are interpolated in u and v here, not in space: the sag of
 * flat triangles under a curved Earth, up to half a bound at low levels, changes with every move and would drown the
 * relief, and it is no matter of registration.
 */
import { type DecodedTile, decodeTile, indicesInRange, QUANTUM, vertexHeights } from './decode.ts';
import { boxOf, type JudgedTile, tilePath } from './fault.ts';
import type { Sheet } from './reference.ts';
import type { TileSet } from './tile-folder.ts';

export interface ShiftMeasure {
  /** Steps by which the surface lies east and north of where it should; multiples of 1/4 within -1/2..1/2. */
  readonly east: number;
  readonly north: number;
  /** Degrees in a step: the coarser of the source's samples and a tile's 64 cells. */
  readonly step: number;
  /** Metres. */
  readonly rmsLeast: number;
  readonly rmsUnmoved: number;
  /** Metres for each move, row by row: north from -1/2 to 1/2, within a row east from -1/2 to 1/2. */
  readonly rms: readonly number[];
  /** Share of the variance of the source's samples that the unmoved surface explains; below 0 when it adds to it. */
  readonly relief: number;
  /** The same where it fits best, its mean difference counted against it. */
  readonly reliefBest: number;
  readonly positions: number;
}

const QUARTERS = [-2, -1, 0, 1, 2];
const MOVES = QUARTERS.length ** 2;
const UNMOVED = (MOVES - 1) / 2;

/** Reads about `count` source positions under `tiles`, all 25 moves each; positions that leave the set are skipped. */
export function measureShift(
  set: TileSet,
  tiles: readonly JudgedTile[],
  sheets: readonly Sheet[],
  z: number,
  count: number,
): ShiftMeasure {
  const side = 180 / 2 ** z;
  const spacing = sheets.length === 0 ? 0 : Math.max(...sheets.map((sheet) => Math.max(sheet.stepX, sheet.stepY)));
  const step = Math.max(spacing, side / 64);
  const surface = new SurfaceOfLevel(set, z);
  const squares = new Float64Array(MOVES);
  const drawn = new Float64Array(MOVES);
  let n = 0;
  let sum = 0;
  let sumOfSquares = 0;
  let differences = 0;

  for (const { lon, lat, height } of strided(sheets, tiles, count, step)) {
    let whole = true;
    for (let move = 0; move < MOVES && whole; move++) {
      const east = (QUARTERS[move % 5] / 4) * step;
      const north = (QUARTERS[Math.floor(move / 5)] / 4) * step;
      drawn[move] = surface.heightAt(lon + east, lat + north);
      whole = Number.isFinite(drawn[move]);
    }
    if (!whole) continue;
    n++;
    sum += height;
    sumOfSquares += height * height;
    differences += drawn[UNMOVED] - height;
    for (let move = 0; move < MOVES; move++) squares[move] += (drawn[move] - height) ** 2;
  }

  const rms = Array.from(squares, (total) => Math.sqrt(total / n));
  let least = UNMOVED;
  for (let move = 0; move < MOVES; move++) if (rms[move] < rms[least]) least = move;
  const variance = sumOfSquares / n - (sum / n) ** 2;
  const left = squares[UNMOVED] / n - (differences / n) ** 2;
  return {
    east: QUARTERS[least % 5] / 4,
    north: QUARTERS[Math.floor(least / 5)] / 4,
    step,
    rmsLeast: rms[least],
    rmsUnmoved: rms[UNMOVED],
    rms,
    relief: variance > 0 ? 1 - left / variance : 0,
    reliefBest: variance > 0 ? 1 - rms[least] ** 2 / variance : 0,
    positions: n,
  };
}

interface Position {
  readonly lon: number;
  readonly lat: number;
  readonly height: number;
}

/** Valid samples at an even stride, about `count` in all, tile after tile; those at the rim of the data left out. */
function* strided(
  sheets: readonly Sheet[],
  tiles: readonly JudgedTile[],
  count: number,
  step: number,
): Generator<Position> {
  const windows = tiles.flatMap((id) => sheets.flatMap((sheet) => windowsOf(id, sheet)));
  const total = windows.reduce((sum, w) => sum + (w.endColumn - w.column) * (w.endRow - w.row), 0);
  const stride = Math.max(1, Math.floor(Math.sqrt(total / count)));
  for (const { sheet, column, endColumn, row, endRow } of windows) {
    // On one grid over all tiles, whichever of them are wanted.
    for (let j = Math.ceil(row / stride) * stride; j < endRow; j += stride) {
      for (let i = Math.ceil(column / stride) * stride; i < endColumn; i += stride) {
        const height = sheet.heights[j * sheet.columns + i];
        if (Number.isNaN(height) || atRim(sheet, i, j, step)) continue;
        yield { lon: sheet.west + i * sheet.stepX, lat: sheet.north - j * sheet.stepY, height };
      }
    }
  }
}

const RIM = 16;

/**
 * Whether data end within half a step, or 16 samples where that is less. There a right surface falls to the sea, and as
 * it does so differently on either side of the data, moving it would seem to help.
 */
function atRim({ columns, rows, stepX, stepY, heights }: Sheet, column: number, row: number, step: number): boolean {
  const reachX = Math.min(RIM, Math.ceil(step / 2 / stepX));
  const reachY = Math.min(RIM, Math.ceil(step / 2 / stepY));
  for (const y of [row - reachY, row, row + reachY]) {
    for (const x of [column - reachX, column, column + reachX]) {
      if (x < 0 || y < 0 || x >= columns || y >= rows || Number.isNaN(heights[y * columns + x])) return true;
    }
  }
  return false;
}

interface SheetWindow {
  readonly sheet: Sheet;
  readonly column: number;
  readonly endColumn: number;
  readonly row: number;
  readonly endRow: number;
}

/** The samples of the sheet inside the tile; those on its west and north borders included. */
function windowsOf(id: JudgedTile, sheet: Sheet): SheetWindow[] {
  const { west, south, side } = boxOf(id);
  const row = Math.max(0, Math.ceil((sheet.north - south - side) / sheet.stepY));
  const endRow = Math.min(sheet.rows, Math.ceil((sheet.north - south) / sheet.stepY));
  return [-360, 0, 360]
    .map((turn) => ({
      sheet,
      column: Math.max(0, Math.ceil((west - turn - sheet.west) / sheet.stepX)),
      endColumn: Math.min(sheet.columns, Math.ceil((west + side - turn - sheet.west) / sheet.stepX)),
      row,
      endRow,
    }))
    .filter((window) => window.column < window.endColumn && window.row < window.endRow);
}

function tileAt(z: number, lon: number, lat: number): JudgedTile {
  const side = 180 / 2 ** z;
  const columns = 2 ** (z + 1);
  const x = Math.floor((lon + 180) / side);
  const y = Math.min(2 ** z - 1, Math.max(0, Math.floor((90 - lat) / side)));
  return { z, x: ((x % columns) + columns) % columns, y };
}

/** Heights of a level's tiles at any place, with the tiles last used kept. */
class SurfaceOfLevel {
  private readonly set: TileSet;
  private readonly z: number;
  private readonly finders = new Map<string, TriangleFinder | undefined>();

  constructor(set: TileSet, z: number) {
    this.set = set;
    this.z = z;
  }

  /** Metres above the ellipsoid; NaN where the level has no tile. */
  heightAt(lon: number, lat: number): number {
    if (lat < -90 || lat > 90) return Number.NaN;
    const id = tileAt(this.z, lon, lat);
    const box = boxOf(id);
    const east = (((lon - box.west) % 360) + 360) % 360;
    return (
      this.finder(id)?.heightAt((east / box.side) * QUANTUM, ((lat - box.south) / box.side) * QUANTUM) ?? Number.NaN
    );
  }

  private finder(id: JudgedTile): TriangleFinder | undefined {
    const key = tilePath(id);
    if (this.finders.has(key)) return this.finders.get(key);
    const bytes = this.set.read(id);
    const tile = bytes === undefined ? undefined : decodeTile(bytes).tile;
    const finder = tile === undefined || !indicesInRange(tile) ? undefined : new TriangleFinder(tile);
    if (this.finders.size > 2000) this.finders.clear();
    this.finders.set(key, finder);
    return finder;
  }
}

const BUCKETS = 16;

/** Finds the triangle under a place in u and v by a grid of buckets. */
class TriangleFinder {
  private readonly tile: DecodedTile;
  private readonly heights: Float64Array;
  private readonly buckets: number[][] = Array.from({ length: BUCKETS * BUCKETS }, () => []);

  constructor(tile: DecodedTile) {
    this.tile = tile;
    this.heights = vertexHeights(tile);
    const { u, v, triangles } = tile;
    for (let t = 0; t < triangles.length; t += 3) {
      const [a, b, c] = triangles.subarray(t, t + 3);
      const west = bucketOf(Math.min(u[a], u[b], u[c]));
      const east = bucketOf(Math.max(u[a], u[b], u[c]));
      const north = bucketOf(Math.max(v[a], v[b], v[c]));
      for (let row = bucketOf(Math.min(v[a], v[b], v[c])); row <= north; row++) {
        for (let column = west; column <= east; column++) this.buckets[row * BUCKETS + column].push(t);
      }
    }
  }

  /** Metres at a place in codes (0..32767, not whole); NaN where no triangle is. */
  heightAt(x: number, y: number): number {
    const { u, v, triangles } = this.tile;
    for (const t of this.buckets[bucketOf(y) * BUCKETS + bucketOf(x)]) {
      const a = triangles[t];
      const b = triangles[t + 1];
      const c = triangles[t + 2];
      const area = (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]);
      const ofB = ((x - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (y - v[a])) / area;
      const ofC = ((u[b] - u[a]) * (y - v[a]) - (x - u[a]) * (v[b] - v[a])) / area;
      if (ofB < -1e-9 || ofC < -1e-9 || ofB + ofC > 1 + 1e-9) continue;
      return this.heights[a] * (1 - ofB - ofC) + this.heights[b] * ofB + this.heights[c] * ofC;
    }
    return Number.NaN;
  }
}

function bucketOf(code: number): number {
  return Math.min(BUCKETS - 1, Math.max(0, Math.floor((code / (QUANTUM + 1)) * BUCKETS)));
}
