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
import { SampleLattice, type Spot } from './sample-lattice.ts';

/** Cells of one source at one of its levels, which can tell what lies under them. */
export interface FieldCells extends SourceCells {
  readonly level: number;
  /** Of each cell, at that level. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  readonly hidden: Uint8Array;
  /**
   * Whether a cell in the tile is left out, under which samples may show: larger than post spacings (near a pole), beyond the
   * geoid, or hidden in part.
   */
  readonly leftOut: boolean;
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
  /** 1 for the cells that count; undefined: all do. */
  readonly wanted?: Uint8Array | undefined;
}

/** Squares along a side of the lattice on which projections and geoids are worked out exactly. */
const LATTICE = 16;
/**
 * Of grids in longitude and latitude only geoids bend, so little that squares of so many degrees tell them to a fraction of a
 * millimetre.
 */
const GEOID_SQUARE = 0.02;
const MIN_LATTICE = 2;
const MAX_LATTICE = 64;
/** What interpolation on it may be off, in samples of the level that is placed. */
const MAX_OFF = 0.05;
/** A cell that reaches farther from its middle, in post spacings, lies beside a pole: no plane in longitude and latitude fits it. */
const MAX_CELL = 2;
/** A sample so close to a border, in post spacings, lies on it, and in both tiles. */
const ON_BORDER = 1e-6;

/** The part of a source in a tile at one of its levels, which must tell its bounds; undefined where it has none. */
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

/** Samples along the side of what is read at a time. */
const READ = 64;

/** What lies one level finer under cells of a level. */
export async function readUnder(
  field: RasterField,
  placer: TilePlacer,
  level: number,
  cells: readonly CellIndex[],
  options: ReadOptions,
): Promise<FieldCells> {
  const groups = new Map<string, CellIndex[]>();
  for (const cell of cells) {
    const key = `${Math.floor((2 * cell.column) / READ)} ${Math.floor((2 * cell.row) / READ)}`;
    const group = groups.get(key);
    if (group) group.push(cell);
    else groups.set(key, [cell]);
  }
  const parts: CellPart[] = [];
  for (const group of groups.values()) {
    options.signal?.throwIfAborted();
    const window = windowUnder(group);
    const wanted = new Uint8Array(window.columns * window.rows);
    for (const { column, row } of group) {
      const at = (2 * row - window.row) * window.columns + 2 * column - window.column;
      wanted.fill(1, at, at + 2);
      wanted.fill(1, at + window.columns, at + window.columns + 2);
    }
    parts.push({ ...(await readPart(field, level - 1, window, options)), wanted });
  }
  return placer.place(level - 1, parts);
}

function windowUnder(cells: readonly CellIndex[]): SampleWindow {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { column, row } of cells) {
    west = Math.min(west, 2 * column);
    north = Math.min(north, 2 * row);
    east = Math.max(east, 2 * column + 2);
    south = Math.max(south, 2 * row + 2);
  }
  return { column: west, row: north, columns: east - west, rows: south - north };
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
    const turn = columnsInTurn();
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
          near = column + Math.round((first + (i / steps) * (width / 360) * turn - column) / turn) * turn;
        extent.west = Math.min(extent.west, near);
        extent.east = Math.max(extent.east, near);
        extent.north = Math.min(extent.north, row);
        extent.south = Math.max(extent.south, row);
      }
    }
    if (turn === undefined || info.periodColumns !== undefined) return extent;
    // The rim may have been followed in another turn than that of the samples, or in two of theirs.
    const turned = [-1, 0, 1].map((k) => ({ ...extent, west: extent.west + k * turn, east: extent.east + k * turn }));
    const within = turned.filter(({ west, east }) => east > -1 && west < full.columns);
    return within.length > 1 ? { ...extent, west: whole.west, east: whole.east } : (within[0] ?? extent);
  }

  /** Where columns are meridians, as far apart as a source that goes once round the world has it. */
  function columnsInTurn(): number | undefined {
    const { a, d } = info.affine;
    return info.periodColumns ?? (field.crs.geographic && d === 0 ? 360 / field.crs.unitMetres / a : undefined);
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
    const { spot } = lattice;
    const reach = parts.find(({ bounds }) => bounds !== undefined)?.bounds?.reach ?? 0;
    const most = parts.reduce((sum, { samples }) => sum + samples.length, 0);
    const bounded = reach > 0 ? most : 0;
    const [columns, rows] = [new Int32Array(most), new Int32Array(most)];
    const [x, y, heights] = [new Float64Array(most), new Float64Array(most), new Float64Array(most)];
    const [slopeX, slopeY] = [new Float32Array(bounded), new Float32Array(bounded)];
    const [above, below] = [new Float32Array(bounded), new Float32Array(bounded)];
    let [reachX, reachY] = [0, 0];
    let leftOut = false;
    let count = 0;
    for (const { window, samples, bounds, wanted } of parts) {
      for (let j = 0, k = 0; j < window.rows; j++) {
        for (let i = 0; i < window.columns; i++, k++) {
          if (Number.isNaN(samples[k]) || wanted?.[k] === 0) continue;
          lattice.find((window.column + i + 0.5) * scaleX - 0.5, (window.row + j + 0.5) * scaleY - 0.5);
          const ownX = reach * (Math.abs(spot.xc) * scaleX + Math.abs(spot.xr) * scaleY);
          const ownY = reach * (Math.abs(spot.yc) * scaleX + Math.abs(spot.yr) * scaleY);
          const [marginX, marginY] = [ownX + ON_BORDER, ownY + ON_BORDER];
          const inside =
            spot.x >= -marginX && spot.x <= across + marginX && spot.y >= -marginY && spot.y <= down + marginY;
          if (!inside) continue;
          if (ownX > MAX_CELL || ownY > MAX_CELL || Number.isNaN(spot.geoid)) {
            leftOut = true;
            continue;
          }
          if (ownX > reachX) reachX = ownX;
          if (ownY > reachY) reachY = ownY;
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
      leftOut,
    };
  }

  function latticeOver(parts: readonly CellPart[], level: number): SampleLattice {
    const { scaleX, scaleY } = info.levels[level];
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { window } of parts) {
      west = Math.min(west, window.column * scaleX - 0.5);
      north = Math.min(north, window.row * scaleY - 0.5);
      east = Math.max(east, (window.column + window.columns) * scaleX - 0.5);
      south = Math.max(south, (window.row + window.rows) * scaleY - 0.5);
    }
    const box = { west, north, width: east - west, height: south - north };
    const turn = (across * 360) / width;
    const forGeoid = Math.ceil(width / GEOID_SQUARE);
    const least = grid.asStored ? Math.min(LATTICE, Math.max(MIN_LATTICE, forGeoid)) : LATTICE;
    for (let squares = least; squares <= MAX_LATTICE; squares *= 2) {
      const lattice = new SampleLattice(box, { squares, turn, exactly });
      if (grid.asStored || lattice.worstOff(scaleX, scaleY) <= MAX_OFF) return lattice;
    }
    return new SampleLattice(box, { squares: 0, turn, exactly });
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
