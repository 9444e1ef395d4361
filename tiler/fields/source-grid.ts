/**
 * From longitude and latitude to sample indices of a raster. Where the file's coordinates are longitude and latitude on
 * WGS84 that is exact. For all others the projection or datum shift runs at control nodes only, at global post indices of
 * the level, and is interpolated between them: the same nodes whichever tile asks, and within 1/100 of a sample of the exact
 * answer.
 */
import { RelievoError } from '../error.ts';
import { applyAffine, invertAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import type { Places } from '../geo/places.ts';
import { cellAround, type PostGrid, postLatitudes, postLongitudes } from '../geo/post-grid.ts';
import type { LonLatBox, TilingScheme } from '../geo/tiling-scheme.ts';
import type { RasterInfo, SampleWindow } from '../sources/raster-source.ts';
import type { Positions } from './cells.ts';
import { findBounds, findSpacing, isLonLat, spread } from './raster-extent.ts';

/** Error of the interpolated projection in level-0 samples, at most. */
export const MAX_WARP_ERROR = 0.01;

/** A tenth of a millimetre: what is finer has no places that numbers can tell apart, and no tiles. */
const MIN_SPACING_DEGREES = 1e-9;
/** How much longer than wide a sample can be; beyond it one of the two numbers is damaged. */
const MAX_ASPECT = 100;

export interface SourceGrid {
  /** Level-0 sample indices of posts, row-major; NaN where the CRS has none. */
  place(posts: PostGrid): Positions;
  /** The same for any places: posts as above, all others exactly. */
  placeAll(places: Places): Positions;
  /** Where samples of a level lie, `indices` into a window of it, row-major; longitudes within -180..180. */
  placesOf(level: number, window: SampleWindow, indices: Int32Array): Places;
  /** The exact projection of one position; NaN where the CRS has none. */
  placeExactly(lon: number, lat: number): [column: number, row: number];
  /** Where the raster lies on the globe; never too small. */
  readonly bounds: LonLatBox;
  /** Degrees of latitude between neighbouring samples at the middle of the raster, the finer of both directions. */
  readonly spacingDegrees: number;
  /** The file's coordinates are longitude and latitude on WGS84, in degrees: nothing is projected or shifted. */
  readonly asStored: boolean;
}

export function openSourceGrid(info: RasterInfo, crs: Crs, scheme: TilingScheme): SourceGrid {
  const inverse = invertAffine(info.affine);
  if (!inverse) {
    throw new RelievoError('input-invalid', 'The samples have no size: pixel scale 0 or a degenerate geotransform', {
      where: info.name,
    });
  }
  const { columns, rows } = info.levels[0];
  const asStored = isLonLat(crs);
  /** Longitudes are a circle: a raster may be stored from -180, from 0, or across 180. */
  const turn = crs.geographic ? 360 / crs.unitMetres : undefined;
  const [middleX] = applyAffine(info.affine, (columns - 1) / 2, (rows - 1) / 2);
  const bounds = findBounds(info, crs, inverse);
  const spacingDegrees = findSpacing(info, crs);
  if (!(spacingDegrees >= MIN_SPACING_DEGREES)) {
    throw new RelievoError(
      'crs',
      `Its samples lie ${(spacingDegrees * 111_000_000).toPrecision(2)} mm apart on the ground; expected at least 0.1 mm: the pixel size or the coordinate system is wrong.`,
      { where: info.name },
    );
  }
  const { a, b, d, e } = info.affine;
  const aspect = Math.hypot(a, d) / Math.hypot(b, e);
  if (!(aspect <= MAX_ASPECT && aspect >= 1 / MAX_ASPECT)) {
    throw new RelievoError(
      'crs',
      `Its samples measure ${Math.hypot(a, d)} by ${Math.hypot(b, e)} in units of ${crs.name}; expected about as much east as north: the pixel size is wrong.`,
      { where: info.name },
    );
  }
  // 180 and -180 are one meridian with one post; a projection may put its two names a world apart.
  const eastern = bounds.west + bounds.east > 0;
  const nodeSpacings = new Map<number, number>();
  return { place, placeAll, placesOf, placeExactly, bounds, spacingDegrees, asStored };

  function placeExactly(lon: number, lat: number): [number, number] {
    const [x, y] = asStored ? [lon, lat] : crs.forward([lon === -180 && eastern ? 180 : lon, lat]);
    // The turn that brings the longitude nearest to the raster's own middle; one that goes round the world takes any.
    const near = turn === undefined ? x : middleX + modulo(x - middleX + turn / 2, turn) - turn / 2;
    return applyAffine(inverse as NonNullable<typeof inverse>, near, y);
  }

  function place(posts: PostGrid): Positions {
    const lons = postLongitudes(posts);
    const lats = postLatitudes(posts);
    return asStored ? placeGeographic(lons, lats) : placeThroughNodes(posts, lons, lats);
  }

  function placeAll(places: Places): Positions {
    const { across, down, parallel, lons, lats, posts } = places;
    if (posts) return place(posts);
    if (asStored && parallel) return placeGeographic(lons, lats);
    const out = newPositions(across, down);
    for (let k = 0; k < out.columns.length; k++) {
      placeOne(out, k, lons[parallel ? k % across : k], lats[parallel ? Math.floor(k / across) : k]);
    }
    return out;
  }

  function placesOf(level: number, window: SampleWindow, indices: Int32Array): Places {
    const { scaleX, scaleY } = info.levels[level];
    const lons = new Float64Array(indices.length);
    const lats = new Float64Array(indices.length);
    for (let k = 0; k < indices.length; k++) {
      const column = window.column + (indices[k] % window.columns);
      const row = window.row + Math.floor(indices[k] / window.columns);
      const [x, y] = applyAffine(info.affine, (column + 0.5) * scaleX - 0.5, (row + 0.5) * scaleY - 0.5);
      const [lon, lat] = asStored ? [x, y] : crs.inverse([x, y]);
      // A sample outside the projection's domain is nowhere and so void; some place must stand in for it.
      const sound = Number.isFinite(lon) && Number.isFinite(lat);
      lons[k] = sound ? modulo(lon + 180, 360) - 180 : bounds.west;
      lats[k] = sound ? Math.min(90, Math.max(-90, lat)) : bounds.south;
    }
    return { across: indices.length, down: 1, parallel: false, lons, lats };
  }

  function placeGeographic(lons: Float64Array, lats: Float64Array): Positions {
    const polar = Math.abs(lats[0]) === 90 || Math.abs(lats[lats.length - 1]) === 90;
    if (info.affine.b === 0 && info.affine.d === 0 && !polar) {
      return {
        across: lons.length,
        down: lats.length,
        parallel: true,
        columns: lons.map((lon) => placeExactly(lon, 0)[0]),
        rows: lats.map((lat) => placeExactly(0, lat)[1]),
      };
    }
    const out = newPositions(lons.length, lats.length);
    for (let j = 0, at = 0; j < lats.length; j++) {
      for (let i = 0; i < lons.length; i++, at++) {
        // A pole is one place, so it has one height: the one that the raster gives it at longitude 0.
        const lon = Math.abs(lats[j]) === 90 ? 0 : lons[i];
        [out.columns[at], out.rows[at]] = placeExactly(lon, lats[j]);
      }
    }
    return out;
  }

  function placeThroughNodes(posts: PostGrid, lons: Float64Array, lats: Float64Array): Positions {
    const step = nodeSpacing(posts.z, posts.perTile);
    const out = newPositions(lons.length, lats.length);
    if (step === 1) {
      for (let j = 0; j < lats.length; j++) {
        for (let i = 0; i < lons.length; i++) placeOne(out, j * lons.length + i, lons[i], lats[j]);
      }
      return out;
    }
    const first = { column: Math.floor(posts.x0 / step), row: Math.floor(posts.y0 / step) };
    const nodes: PostGrid = {
      ...posts,
      x0: first.column,
      y0: first.row,
      columns: Math.floor((posts.x0 + posts.columns - 1) / step) - first.column + 2,
      rows: Math.floor((posts.y0 + posts.rows - 1) / step) - first.row + 2,
      perTile: posts.perTile / step,
    };
    const nodeLons = postLongitudes(nodes);
    const nodeLats = postLatitudes(nodes);
    const at = newPositions(nodes.columns, nodes.rows);
    for (let j = 0; j < nodes.rows; j++) {
      for (let i = 0; i < nodes.columns; i++) placeOne(at, j * nodes.columns + i, nodeLons[i], nodeLats[j]);
    }
    const worldCells = (posts.scheme.columns(posts.z) * posts.perTile) / step;
    for (let j = 0; j < lats.length; j++) {
      const cellRow = Math.floor((posts.y0 + j) / step) - first.row;
      const fy = (posts.y0 + j) / step - (cellRow + first.row);
      for (let i = 0; i < lons.length; i++) {
        const cellColumn = Math.floor((posts.x0 + i) / step) - first.column;
        const fx = (posts.x0 + i) / step - (cellColumn + first.column);
        const p = cellRow * nodes.columns + cellColumn;
        const to = j * lons.length + i;
        out.columns[to] = bilinear(at.columns, p, nodes.columns, fx, fy);
        out.rows[to] = bilinear(at.rows, p, nodes.columns, fx, fy);
        // The last cell before 180 has its east nodes at -180, which a projection may put a world away. And a node outside
        // the projection's domain spoils its cell, while the posts inside may be sound.
        const atSeam = modulo(cellColumn + first.column, worldCells) === worldCells - 1;
        if (atSeam || Number.isNaN(out.columns[to]) || Number.isNaN(out.rows[to])) placeOne(out, to, lons[i], lats[j]);
      }
    }
    return out;
  }

  function placeOne(out: Positions, at: number, lon: number, lat: number): void {
    const [column, row] = near(lon, lat) ? placeExactly(Math.abs(lat) === 90 ? 0 : lon, lat) : [NaN, NaN];
    out.columns[at] = column;
    out.rows[at] = row;
  }

  /** Projections fold: a place far away can land inside the raster. Only the surroundings of the data are asked for. */
  function near(lon: number, lat: number): boolean {
    const margin = 2 * (bounds.north - bounds.south) + 1;
    return (
      lat <= bounds.north + margin &&
      lat >= bounds.south - margin &&
      eastOf(bounds.west - margin, lon) <= bounds.east - bounds.west + 2 * margin
    );
  }

  /** Posts between control nodes at this level: the largest power of two that keeps the warp error. */
  function nodeSpacing(z: number, perTile: number): number {
    const key = z * 1024 + perTile;
    const known = nodeSpacings.get(key);
    if (known !== undefined) return known;
    // A raster round the world has a meridian where columns begin anew, and no interpolation goes across that.
    let step = info.periodColumns === undefined ? perTile : 1;
    // Half the promise at the places tried keeps the whole promise between them.
    while (step > 1 && worstWarpError(z, perTile, step) > MAX_WARP_ERROR / 2) step /= 2;
    nodeSpacings.set(key, step);
    return step;
  }

  /** Worst error (level-0 samples) of interpolating over cells of `step` posts, tried in cells all over the raster. */
  function worstWarpError(z: number, perTile: number, step: number): number {
    let worst = 0;
    for (const [column, row] of spread(columns, rows, 9)) {
      const [lon, lat] = crs.inverse(applyAffine(info.affine, column, row));
      if (!Number.isFinite(lon) || !Number.isFinite(lat)) return Infinity;
      // Where the scheme has no tiles, nobody asks.
      if (lat > scheme.extent.north || lat < scheme.extent.south) continue;
      const { west, south, east, north } = cellAround({ scheme, z, perTile: perTile / step }, lon, lat);
      if (south < -90) return Infinity;
      // The cells at the end of the world are placed exactly.
      if (east > 180 - (east - west) / 2) continue;
      const corners = newPositions(2, 2);
      [
        [west, north],
        [east, north],
        [west, south],
        [east, south],
      ].forEach(([cornerLon, cornerLat], k) => {
        [corners.columns[k], corners.rows[k]] = placeExactly(cornerLon, cornerLat);
      });
      for (const [fx, fy] of PROBES) {
        const [exactColumn, exactRow] = placeExactly(west + fx * (east - west), north - fy * (north - south));
        const error = Math.hypot(
          bilinear(corners.columns, 0, 2, fx, fy) - exactColumn,
          bilinear(corners.rows, 0, 2, fx, fy) - exactRow,
        );
        if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
      }
      if (worst > MAX_WARP_ERROR) return worst;
    }
    return worst;
  }
}

/** The remainder in 0..period. */
function modulo(value: number, period: number): number {
  return ((value % period) + period) % period;
}

const PROBES = [
  [0.5, 0.5],
  [0.5, 0],
  [0, 0.5],
  [0.5, 1],
  [1, 0.5],
  [0.25, 0.25],
  [0.75, 0.75],
] as const;

function newPositions(across: number, down: number): Positions {
  const count = across * down;
  return { across, down, parallel: false, columns: new Float64Array(count), rows: new Float64Array(count) };
}

function bilinear(values: Float64Array, p: number, columns: number, fx: number, fy: number): number {
  const north = values[p] * (1 - fx) + values[p + 1] * fx;
  const south = values[p + columns] * (1 - fx) + values[p + columns + 1] * fx;
  return north * (1 - fy) + south * fy;
}

/** Degrees eastwards from one longitude to another, 0..360. */
function eastOf(west: number, lon: number): number {
  return (((lon - west) % 360) + 360) % 360;
}
