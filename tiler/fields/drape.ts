/**
 * A picture laid over tiles. Texels are centred on posts of the level, the outermost on the tile's sides: a texel's place
 * comes from its integer index in the whole level, and two neighbours have the texels of their common side in common, to the
 * bit. Each is the mean of the picture over its own area, and never over less than a pixel's, which between pixels is
 * bilinear interpolation.
 */
import { resolveCrs } from '../geo/crs.ts';
import { type PostGrid, postsOfTile } from '../geo/post-grid.ts';
import { type LonLatBox, nativeLevel, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import type { PictureSource } from '../sources/picture-source.ts';
import type { RasterLevel, ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import { overlap } from './raster-field.ts';
import { openSourceGrid, type SourceGrid } from './source-grid.ts';

/** What has been laid so far, row-major from the north: the uppermost first, each next one below it. */
export interface Canvas {
  /** Texels a side. */
  readonly size: number;
  /** Red, green and blue, 0 to 255, multiplied by opacity. */
  readonly colours: Float32Array;
  /** 0 to 1. */
  readonly opacity: Float32Array;
}

export interface Drape {
  readonly source: PictureSource;
  readonly bounds: LonLatBox;
  /** Degrees of latitude between pixels, the finer of both directions. */
  readonly spacingDegrees: number;
  /** Lays the picture below what is on the canvas; false where it has nothing to add. */
  layUnder(canvas: Canvas, id: TileId, options?: ReadOptions): Promise<boolean>;
}

export function emptyCanvas(size: number): Canvas {
  return { size, colours: new Float32Array(3 * size * size), opacity: new Float32Array(size * size) };
}

/** The least level whose texels lie no further apart than `spacingDegrees`. */
export function nativeTexelLevel(scheme: TilingScheme, spacingDegrees: number, size: number): number {
  return nativeLevel(scheme, spacingDegrees, size - 1);
}

/** Refuses with `crs` a picture that lies nowhere, or whose pixels have no size. */
export async function openDrape(source: PictureSource, scheme: TilingScheme): Promise<Drape> {
  const { info } = source;
  const crs = await resolveCrs(info.crs);
  const grid = openSourceGrid(info, crs, scheme);
  const [full] = info.levels;
  const density = densityAtMiddle();
  return { source, bounds: grid.bounds, spacingDegrees: grid.spacingDegrees, layUnder };

  async function layUnder(canvas: Canvas, id: TileId, { signal }: ReadOptions = {}): Promise<boolean> {
    const box = scheme.box(id);
    if (!overlap(box, grid.bounds)) return false;
    const { size } = canvas;
    const nominal = nominalReach(id.z, size);
    const level = info.levels.findLastIndex(
      ({ scaleX, scaleY }, i) => i === 0 || isFineEnough(scaleX, scaleY, nominal),
    );
    const shape = info.levels[level];
    const posts = postsOfTile(scheme, id, 1, size - 1);
    const areas = findAreas(placeTexels(grid, posts, info.periodColumns, full.columns), shape, {
      nominal,
      columns: info.periodColumns === undefined ? shape.columns : Infinity,
    });
    const window = areas && windowOf(areas, shape, info.periodColumns !== undefined);
    if (areas === undefined || window === undefined) return false;
    return composite(canvas, await source.read(level, window, { signal }), areas, window);
  }

  /** Pixels of full resolution for a degree, along columns and rows, at the picture's middle. */
  function densityAtMiddle(): { columns: number; rows: number } {
    const { a, b, c, d, e, f } = info.affine;
    const [column, row] = [(full.columns - 1) / 2, (full.rows - 1) / 2];
    const [lon, lat] = crs.inverse([a * column + b * row + c, d * column + e * row + f]);
    const step = Math.min(grid.spacingDegrees, 1);
    const north = lat + step / 2 > 90 ? lat - step : lat;
    const [c0, r0] = grid.placeExactly(lon - step / 2, north);
    const [c1, r1] = grid.placeExactly(lon + step / 2, north);
    const [c2, r2] = grid.placeExactly(lon, north - step / 2);
    const [c3, r3] = grid.placeExactly(lon, north + step / 2);
    return { columns: Math.hypot(c1 - c0, c3 - c2) / step, rows: Math.hypot(r1 - r0, r3 - r2) / step };
  }

  /** Pixels of full resolution that a texel spans there. A matter of the level alone. */
  function nominalReach(z: number, size: number): { columns: number; rows: number } {
    const texel = (scheme.extent.east - scheme.extent.west) / scheme.columns(z) / (size - 1);
    return { columns: density.columns * texel, rows: density.rows * texel };
  }
}

/** At least two pixels for a texel each way: one would blur what the overview has averaged a second time. */
function isFineEnough(scaleX: number, scaleY: number, reach: { columns: number; rows: number }): boolean {
  return 2 * scaleX <= reach.columns * (1 + 1e-6) && 2 * scaleY <= reach.rows * (1 + 1e-6);
}

/** Positions in pixels of full resolution, 0 at the centre of the first, of all texels and one more round them. */
interface Texels {
  readonly side: number;
  readonly columns: Float64Array;
  readonly rows: Float64Array;
}

function placeTexels(grid: SourceGrid, posts: PostGrid, period: number | undefined, width: number): Texels {
  const side = posts.columns;
  const placed = grid.place(posts);
  const columns = new Float64Array(side * side);
  const rows = new Float64Array(side * side);
  for (let j = 0, at = 0; j < side; j++) {
    for (let i = 0; i < side; i++, at++) {
      columns[at] = placed.columns[placed.parallel ? i : at];
      rows[at] = placed.rows[placed.parallel ? j : at];
    }
  }
  for (let j = 0; j < side; j++) unroll(columns, rows, j * side, side, period, width);
  extendToPoles({ side, columns, rows }, posts);
  return { side, columns, rows };
}

/** 180 is -180, which may lie a raster away: what jumps along a row goes on as it came, from the middle outwards. */
function unroll(
  columns: Float64Array,
  rows: Float64Array,
  start: number,
  side: number,
  period: number | undefined,
  width: number,
): void {
  const middle = start + (side >> 1);
  for (const step of [1, -1]) {
    const end = step > 0 ? start + side : start - 1;
    for (let at = middle + step; at !== end; at += step) {
      const jump = columns[at] - columns[at - step];
      if (!(Math.abs(jump) > (period ?? width) / 2)) continue;
      if (period !== undefined) columns[at] -= Math.round(jump / period) * period;
      else {
        columns[at] = 2 * columns[at - step] - columns[at - 2 * step];
        rows[at] = 2 * rows[at - step] - rows[at - 2 * step];
      }
    }
  }
}

/** A pole is one place with all longitudes: its row goes on as the two rows beside it came. */
function extendToPoles({ side, columns, rows }: Texels, { scheme, z, y0, perTile }: PostGrid): void {
  if (scheme.extent.north < 90) return;
  const last = scheme.rows(z) * perTile - y0;
  const extend = (row: number, step: number) => {
    for (let i = 0; i < side; i++) {
      const at = row * side + i;
      columns[at] = 2 * columns[at + step * side] - columns[at + 2 * step * side];
      rows[at] = 2 * rows[at + step * side] - rows[at + 2 * step * side];
    }
  };
  for (let row = -y0; row >= 0; row--) extend(row, 1);
  for (let row = last; row < side; row++) extend(row, -1);
}

/** What of a level each texel is the mean of, in pixels from the level's corner; NaN where it is outside. */
interface Areas {
  readonly west: Float64Array;
  readonly east: Float64Array;
  readonly north: Float64Array;
  readonly south: Float64Array;
}

/** What rounding may put beyond the edge of a picture, in pixels. */
const SLACK = 1e-3;

/** Undefined when all texels lie outside. `columns`: of the level, Infinity round the world. */
function findAreas(
  { side, columns: atColumns, rows: atRows }: Texels,
  { rows, scaleX, scaleY }: RasterLevel,
  { nominal, columns }: { nominal: { columns: number; rows: number }; columns: number },
): Areas | undefined {
  const size = side - 2;
  const [west, east, north, south] = Array.from({ length: 4 }, () => new Float64Array(size * size).fill(Number.NaN));
  let found = false;
  for (let j = 0, to = 0; j < size; j++) {
    for (let i = 0; i < size; i++, to++) {
      const at = (j + 1) * side + i + 1;
      const x = (atColumns[at] + 0.5) / scaleX;
      const y = (atRows[at] + 0.5) / scaleY;
      const inside =
        y >= -SLACK && y <= rows + SLACK && (columns === Infinity || (x >= -SLACK && x <= columns + SLACK));
      if (!inside) continue;
      found = true;
      const halfX = halfWidth(atColumns, at, side, nominal.columns) / scaleX;
      const halfY = halfWidth(atRows, at, side, nominal.rows) / scaleY;
      west[to] = x - Math.max(halfX, 0.5);
      east[to] = x + Math.max(halfX, 0.5);
      north[to] = y - Math.max(halfY, 0.5);
      south[to] = y + Math.max(halfY, 0.5);
    }
  }
  return found ? { west, east, north, south } : undefined;
}

/** How much wider than at the picture's middle a texel can be. */
const MAX_STRETCH = 64;

/** Half of what a texel spans along one axis of the picture, from its four neighbours. */
function halfWidth(values: Float64Array, at: number, side: number, nominal: number): number {
  const along = values[at + 1] - values[at - 1];
  const down = values[at + side] - values[at - side];
  // Math.hypot takes ten times as long.
  const half = Math.sqrt(along * along + down * down) / 4;
  return half <= nominal * MAX_STRETCH ? half : nominal / 2;
}

/** All pixels that the areas touch. */
function windowOf(areas: Areas, { columns, rows }: RasterLevel, isRound: boolean): SampleWindow | undefined {
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let k = 0; k < areas.west.length; k++) {
    if (Number.isNaN(areas.west[k])) continue;
    west = Math.min(west, areas.west[k]);
    east = Math.max(east, areas.east[k]);
    north = Math.min(north, areas.north[k]);
    south = Math.max(south, areas.south[k]);
  }
  const [left, right] = isRound ? [Math.floor(west), Math.ceil(east)] : clip(west, east, columns);
  const [top, bottom] = clip(north, south, rows);
  return right > left && bottom > top
    ? { column: left, row: top, columns: right - left, rows: bottom - top }
    : undefined;
}

function clip(from: number, to: number, size: number): [number, number] {
  return [Math.max(0, Math.floor(from)), Math.min(size, Math.ceil(to))];
}

/** Adds, below what is there, the mean of each texel's area, pixels weighted by how much of them lies in it and by opacity. */
function composite(canvas: Canvas, words: Uint32Array, areas: Areas, window: SampleWindow): boolean {
  const { column, row, columns, rows } = window;
  let added = false;
  for (let k = 0; k < canvas.opacity.length; k++) {
    const free = 1 - canvas.opacity[k];
    if (free <= 0 || Number.isNaN(areas.west[k])) continue;
    const west = Math.max(0, areas.west[k] - column);
    const east = Math.min(columns, areas.east[k] - column);
    const north = Math.max(0, areas.north[k] - row);
    const south = Math.min(rows, areas.south[k] - row);
    let red = 0;
    let green = 0;
    let blue = 0;
    let seen = 0;
    let area = 0;
    for (let y = Math.floor(north); y < south; y++) {
      const high = Math.min(y + 1, south) - Math.max(y, north);
      for (let x = Math.floor(west); x < east; x++) {
        const part = high * (Math.min(x + 1, east) - Math.max(x, west));
        const word = words[y * columns + x];
        const weight = part * (word >>> 24);
        area += part;
        seen += weight;
        red += weight * (word & 255);
        green += weight * ((word >>> 8) & 255);
        blue += weight * ((word >>> 16) & 255);
      }
    }
    if (seen === 0) continue;
    added = true;
    const scale = free / (255 * area);
    canvas.colours[3 * k] += red * scale;
    canvas.colours[3 * k + 1] += green * scale;
    canvas.colours[3 * k + 2] += blue * scale;
    // What is full is full, whatever rounding says.
    const opacity = canvas.opacity[k] + seen * scale;
    canvas.opacity[k] = opacity > 1 - 1e-6 ? 1 : opacity;
  }
  return added;
}
