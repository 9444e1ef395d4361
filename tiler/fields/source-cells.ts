/**
 * The samples of a source that lie in a tile, or the cells of its overview that stand for them, where the tile's triangles
 * can be held against them: in post spacings from the tile's north-west corner, metres above the ellipsoid.
 */
import { applyAffine } from '../geo/affine.ts';
import type { Geoid } from '../geo/geoid.ts';
import { type PostGrid, postLatitudes, postLongitudes } from '../geo/post-grid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { SourceCells } from '../mesh/source-cells.ts';
import type { CellBounds, PreparedSource } from '../sources/prepared-source.ts';
import type { ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import type { RasterField } from './raster-field.ts';

/** Cells of one source at one of its levels, which can tell what lies under them. */
export interface FieldCells extends SourceCells {
  readonly level: number;
  /** Of each cell, at that level. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  readonly hidden: Uint8Array;
}

/** Where level-0 samples of a source lie in a tile. */
export interface TilePlacer {
  /** The tile's part of a level, one cell wider; undefined where it has none. */
  windowOf(level: number): SampleWindow | undefined;
  /** Cells of windows of a level that are not void and reach into the tile. */
  place(level: number, parts: readonly CellPart[]): FieldCells;
}

/** Of a level. */
export interface CellIndex {
  readonly column: number;
  readonly row: number;
}

/** A window of a level with what is known of its cells; no `bounds` at full resolution. */
export interface CellPart {
  readonly window: SampleWindow;
  readonly samples: Float32Array;
  readonly bounds: CellBounds | undefined;
}

/** Squares along a side of the lattice on which projections and geoids are worked out exactly. */
const LATTICE = 16;
const MAX_LATTICE = 256;
/** What interpolation on it may be off, in samples of the level that is placed. */
const MAX_OFF = 0.1;
/** A sample so close to a border, in post spacings, lies on it, and in both tiles. */
const ON_BORDER = 1e-6;

/** The part of a source in a tile at one of its levels; undefined where it has none, or nothing says what overviews leave out. */
export async function readCells(
  field: RasterField,
  placer: TilePlacer,
  level: number,
  options: ReadOptions,
): Promise<FieldCells | undefined> {
  const window = placer.windowOf(level);
  if (window === undefined) return undefined;
  return placer.place(level, [await readPart(field, level, window, options)]);
}

/** What lies one level finer under cells of a level. */
export async function readUnder(
  field: RasterField,
  placer: TilePlacer,
  level: number,
  cells: readonly CellIndex[],
  options: ReadOptions,
): Promise<FieldCells> {
  const parts = await Promise.all(
    cells.map(({ column, row }) =>
      readPart(field, level - 1, { column: 2 * column, row: 2 * row, columns: 2, rows: 2 }, options),
    ),
  );
  return placer.place(level - 1, parts);
}

async function readPart(
  { source }: RasterField,
  level: number,
  window: SampleWindow,
  options: ReadOptions,
): Promise<CellPart> {
  const { readBounds } = source as PreparedSource;
  if (level > 0 && readBounds === undefined) throw new RangeError(`${source.info.name} has no bounds`);
  const [samples, bounds] = await Promise.all([
    source.read(level, window, options),
    level > 0 ? readBounds?.(level, window, options) : undefined,
  ]);
  return { window, samples, bounds };
}

/** Whether a source tells at a level what its cells leave out. */
export function tellsBounds({ source }: RasterField, level: number): boolean {
  return level === 0 || (source as PreparedSource).readBounds !== undefined;
}

/** `posts` are those of one tile, without halo. */
export function openPlacer(field: RasterField, posts: PostGrid): TilePlacer {
  const { grid, source } = field;
  const { info } = source;
  const lats = postLatitudes(posts);
  const west = postLongitudes({ ...posts, columns: 1 })[0];
  const width = ((posts.columns - 1) * 360) / (posts.scheme.columns(posts.z) * posts.perTile);
  const tile: LonLatBox = { west, south: lats[lats.length - 1], east: west + width, north: lats[0] };
  const across = posts.columns - 1;
  const down = posts.rows - 1;
  const extent = findExtent();
  return { windowOf, place };

  /** Level-0 positions of the tile's rim, as far as it has any. */
  function findExtent(): { west: number; east: number; north: number; south: number } | undefined {
    const full = info.levels[0];
    const whole = { west: 0, north: 0, east: full.columns - 1, south: full.rows - 1 };
    const extent = { west: Infinity, east: -Infinity, north: Infinity, south: -Infinity };
    const turn = info.periodColumns;
    let first: number | undefined;
    const steps = grid.asStored ? 8 : 32;
    for (let j = 0; j <= steps; j++) {
      for (let i = 0; i <= steps; i++) {
        if (i > 0 && i < steps && j > 0 && j < steps) continue;
        const lon = tile.west + (width * i) / steps;
        const [column, row] = grid.placeExactly(lon, tile.north - ((tile.north - tile.south) * j) / steps);
        if (!Number.isFinite(column) || !Number.isFinite(row)) return whole;
        let near = column;
        first ??= column;
        if (turn !== undefined)
          near = column + Math.round((first + (i / steps) * widthInColumns() - column) / turn) * turn;
        extent.west = Math.min(extent.west, near);
        extent.east = Math.max(extent.east, near);
        extent.north = Math.min(extent.north, row);
        extent.south = Math.max(extent.south, row);
      }
    }
    return extent;
  }

  function widthInColumns(): number {
    return info.periodColumns === undefined ? 0 : (width / 360) * info.periodColumns;
  }

  function windowOf(level: number): SampleWindow | undefined {
    if (extent === undefined) return undefined;
    const { columns, rows, scaleX, scaleY } = info.levels[level];
    // The rim may bend between the places tried.
    const bend = grid.asStored ? 0 : 1 / 64;
    const marginX = scaleX + (extent.east - extent.west) * bend;
    const marginY = scaleY + (extent.south - extent.north) * bend;
    const turns = info.periodColumns !== undefined;
    const left = Math.floor((extent.west - marginX + 0.5) / scaleX);
    const right = Math.floor((extent.east + marginX + 0.5) / scaleX);
    const top = Math.max(0, Math.floor((extent.north - marginY + 0.5) / scaleY));
    const bottom = Math.min(rows - 1, Math.floor((extent.south + marginY + 0.5) / scaleY));
    const column = turns ? left : Math.max(0, left);
    const last = turns ? right : Math.min(columns - 1, right);
    if (last < column || bottom < top) return undefined;
    return { column, row: top, columns: last - column + 1, rows: bottom - top + 1 };
  }

  function place(level: number, parts: readonly CellPart[]): FieldCells {
    const { scaleX, scaleY } = info.levels[level];
    const { unitMetres } = info.vertical;
    const lattice = latticeOver(parts, level);
    const reach = parts.find(({ bounds }) => bounds !== undefined)?.bounds?.reach ?? 0;
    const reachX = reach * (lattice.widestXC * scaleX + lattice.widestXR * scaleY);
    const reachY = reach * (lattice.widestYC * scaleX + lattice.widestYR * scaleY);
    const most = parts.reduce((sum, { samples }) => sum + samples.length, 0);
    const bounded = reach > 0 ? most : 0;
    const [columns, rows] = [new Int32Array(most), new Int32Array(most)];
    const [x, y, heights] = [new Float64Array(most), new Float64Array(most), new Float64Array(most)];
    const [slopeX, slopeY] = [new Float32Array(bounded), new Float32Array(bounded)];
    const [above, below] = [new Float32Array(bounded), new Float32Array(bounded)];
    const { spot } = lattice;
    let count = 0;
    for (const { window, samples, bounds } of parts) {
      for (let j = 0, k = 0; j < window.rows; j++) {
        for (let i = 0; i < window.columns; i++, k++) {
          if (Number.isNaN(samples[k])) continue;
          lattice.find((window.column + i + 0.5) * scaleX - 0.5, (window.row + j + 0.5) * scaleY - 0.5);
          const [marginX, marginY] = [reachX + ON_BORDER, reachY + ON_BORDER];
          const inside =
            spot.x >= -marginX && spot.x <= across + marginX && spot.y >= -marginY && spot.y <= down + marginY;
          if (!inside) continue;
          columns[count] = window.column + i;
          rows[count] = window.row + j;
          x[count] = reach > 0 ? spot.x : Math.min(across, Math.max(0, spot.x));
          y[count] = reach > 0 ? spot.y : Math.min(down, Math.max(0, spot.y));
          heights[count] = samples[k] * unitMetres + spot.geoid;
          if (bounds !== undefined && bounded > 0) {
            const east = (bounds.east[k] * unitMetres) / scaleX;
            const south = (bounds.south[k] * unitMetres) / scaleY;
            const area = spot.xc * spot.yr - spot.xr * spot.yc;
            slopeX[count] = (east * spot.yr - south * spot.yc) / area;
            slopeY[count] = (south * spot.xc - east * spot.xr) / area;
            above[count] = bounds.above[k] * unitMetres;
            below[count] = bounds.below[k] * unitMetres;
          }
          count++;
        }
      }
    }
    const isBounded = bounded > 0;
    return {
      level,
      columns: columns.subarray(0, count),
      rows: rows.subarray(0, count),
      x: x.subarray(0, count),
      y: y.subarray(0, count),
      heights: heights.subarray(0, count),
      slopeX: isBounded ? slopeX.subarray(0, count) : undefined,
      slopeY: isBounded ? slopeY.subarray(0, count) : undefined,
      above: isBounded ? above.subarray(0, count) : undefined,
      below: isBounded ? below.subarray(0, count) : undefined,
      reachX,
      reachY,
      hidden: new Uint8Array(count),
    };
  }

  function latticeOver(parts: readonly CellPart[], level: number): Lattice {
    const { scaleX, scaleY } = info.levels[level];
    const windows = parts.map(({ window }) => window);
    const west = Math.min(...windows.map(({ column }) => column)) * scaleX - 0.5;
    const east = Math.max(...windows.map(({ column, columns }) => column + columns)) * scaleX - 0.5;
    const north = Math.min(...windows.map(({ row }) => row)) * scaleY - 0.5;
    const south = Math.max(...windows.map(({ row, rows }) => row + rows)) * scaleY - 0.5;
    const box = { west, north, width: east - west, height: south - north };
    for (let squares = LATTICE; ; squares *= 2) {
      const lattice = new Lattice(box, squares, exactly);
      if (grid.asStored || squares >= MAX_LATTICE || lattice.worstOff(scaleX, scaleY) <= MAX_OFF) return lattice;
    }
  }

  function exactly(column: number, row: number): Spot {
    const [e, n] = applyAffine(info.affine, column, row);
    const [lon, lat] = grid.asStored ? [e, n] : field.crs.inverse([e, n]);
    const near = lon - 360 * Math.round((lon - (tile.west + tile.east) / 2) / 360);
    const { sourceGeoid } = field.datum;
    const turned = near - 360 * Math.floor((near + 180) / 360);
    return {
      x: ((near - tile.west) / width) * across,
      y: ((tile.north - lat) / (tile.north - tile.south)) * down,
      geoid: sourceGeoid === undefined ? 0 : geoidNear(sourceGeoid, turned, Math.min(90, Math.max(-90, lat))),
    };
  }
}

/** Beyond a model's end its last value: there are no data, but squares of the lattice reach that far. */
function geoidNear(geoid: Geoid, lon: number, lat: number): number {
  const value = geoid.at(lon, lat);
  return Number.isNaN(value) ? geoid.nearest(lon, lat, BEYOND_GEOID) : value;
}

/** Degrees. */
const BEYOND_GEOID = 5;

interface Spot {
  readonly x: number;
  readonly y: number;
  /** Metres that the source's geoid adds. */
  readonly geoid: number;
}

/** What is exact at the corners of squares of samples, and bilinear inside them. */
class Lattice {
  /** The place found last, and by how much x and y grow from one column and one row to the next. */
  readonly spot = { x: 0, y: 0, geoid: 0, xc: 0, xr: 0, yc: 0, yr: 0 };
  /** Greatest such steps, without sign. */
  readonly widestXC: number;
  readonly widestXR: number;
  readonly widestYC: number;
  readonly widestYR: number;
  readonly #squares: number;
  readonly #box: { readonly west: number; readonly north: number; readonly width: number; readonly height: number };
  readonly #exactly: (column: number, row: number) => Spot;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #geoid: Float64Array;

  constructor(
    box: { readonly west: number; readonly north: number; readonly width: number; readonly height: number },
    squares: number,
    exactly: (column: number, row: number) => Spot,
  ) {
    this.#squares = squares;
    this.#box = box;
    this.#exactly = exactly;
    const count = (squares + 1) ** 2;
    this.#x = new Float64Array(count);
    this.#y = new Float64Array(count);
    this.#geoid = new Float64Array(count);
    for (let j = 0, k = 0; j <= squares; j++) {
      for (let i = 0; i <= squares; i++, k++) {
        const at = exactly(box.west + (box.width * i) / squares, box.north + (box.height * j) / squares);
        this.#x[k] = at.x;
        this.#y[k] = at.y;
        this.#geoid[k] = at.geoid;
      }
    }
    const perColumn = squares / box.width;
    const perRow = squares / box.height;
    this.widestXC = this.#widest(this.#x, 1) * perColumn;
    this.widestXR = this.#widest(this.#x, squares + 1) * perRow;
    this.widestYC = this.#widest(this.#y, 1) * perColumn;
    this.widestYR = this.#widest(this.#y, squares + 1) * perRow;
  }

  /** Sets `spot` to where a level-0 position lies. */
  find(column: number, row: number): void {
    const { west, north, width, height } = this.#box;
    const squares = this.#squares;
    const across = ((column - west) / width) * squares;
    const down = ((row - north) / height) * squares;
    const i = Math.min(squares - 1, Math.max(0, Math.floor(across)));
    const j = Math.min(squares - 1, Math.max(0, Math.floor(down)));
    const [fx, fy] = [across - i, down - j];
    const p = j * (squares + 1) + i;
    const q = p + squares + 1;
    const { spot } = this;
    const [x, y, geoid] = [this.#x, this.#y, this.#geoid];
    spot.x = mix(x[p], x[p + 1], x[q], x[q + 1], fx, fy);
    spot.y = mix(y[p], y[p + 1], y[q], y[q + 1], fx, fy);
    spot.geoid = mix(geoid[p], geoid[p + 1], geoid[q], geoid[q + 1], fx, fy);
    const [perColumn, perRow] = [squares / width, squares / height];
    spot.xc = ((x[p + 1] - x[p]) * (1 - fy) + (x[q + 1] - x[q]) * fy) * perColumn;
    spot.yc = ((y[p + 1] - y[p]) * (1 - fy) + (y[q + 1] - y[q]) * fy) * perColumn;
    spot.xr = ((x[q] - x[p]) * (1 - fx) + (x[q + 1] - x[p + 1]) * fx) * perRow;
    spot.yr = ((y[q] - y[p]) * (1 - fx) + (y[q + 1] - y[p + 1]) * fx) * perRow;
  }

  /** Greatest distance of the middle of a square from where it should lie, in samples `scaleX` by `scaleY` of level 0. */
  worstOff(scaleX: number, scaleY: number): number {
    const { west, north, width, height } = this.#box;
    const sample = Math.min(
      scaleX * Math.hypot(this.widestXC, this.widestYC),
      scaleY * Math.hypot(this.widestXR, this.widestYR),
    );
    let worst = 0;
    for (const share of [0.5 / this.#squares, 0.5 + 0.5 / this.#squares, 1 - 0.5 / this.#squares]) {
      for (const other of [0.5 / this.#squares, 0.5 + 0.5 / this.#squares, 1 - 0.5 / this.#squares]) {
        const [column, row] = [west + width * share, north + height * other];
        const exact = this.#exactly(column, row);
        this.find(column, row);
        const off = Math.hypot(this.spot.x - exact.x, this.spot.y - exact.y);
        if (off > worst) worst = off;
      }
    }
    return worst / sample;
  }

  #widest(values: Float64Array, stride: number): number {
    const across = this.#squares + 1;
    let widest = 0;
    for (let k = 0; k + stride < values.length; k++) {
      if (stride === 1 && (k + 1) % across === 0) continue;
      const step = Math.abs(values[k + stride] - values[k]);
      if (step > widest) widest = step;
    }
    return widest;
  }
}

function mix(nw: number, ne: number, sw: number, se: number, fx: number, fy: number): number {
  return (nw * (1 - fx) + ne * fx) * (1 - fy) + (sw * (1 - fx) + se * fx) * fy;
}
