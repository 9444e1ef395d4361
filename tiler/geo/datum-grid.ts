/**
 * Horizontal datum grids: how far a place moves from an old datum to one that is taken as WGS84, at nodes in longitude
 * and latitude (degrees, Greenwich), bilinear between them, as PROJ's hgridshift does for every file. proj4 could use
 * such grids too, but takes the coarse grid where a finer one is nested in it, and writes to the console.
 */
import { RelievoError } from '../error.ts';

/** Nodes from the north-west, row-major; spacings in degrees, above 0; shifts in degrees to the north and to the east. */
export interface DatumSubgrid {
  readonly west: number;
  readonly north: number;
  readonly spacingLon: number;
  readonly spacingLat: number;
  readonly columns: number;
  readonly rows: number;
  readonly shiftLat: Float32Array;
  readonly shiftLon: Float32Array;
}

export interface DatumGrid {
  /** Base name of the file. */
  readonly name: string;
  /** Hexadecimal hash of its content. */
  readonly version: string;
  /** EPSG codes of the geographic systems from which and to which it leads, where the file says so. */
  readonly sourceCode?: number | undefined;
  readonly targetCode?: number | undefined;
  /** Metres: equatorial radius of the ellipsoids from which and to which it leads, where the file says so. */
  readonly sourceRadius?: number | undefined;
  readonly targetRadius?: number | undefined;
  /** Metres by which bilinear interpolation may miss the one that the file asks for; 0 when it asks for bilinear. */
  readonly interpolationMetres: number;
  /** In any order. */
  readonly subgrids: readonly DatumSubgrid[];
}

/** Both ways between an old datum and WGS84, degrees; two NaN outside all grids. */
export interface DatumShift {
  toWgs84(lon: number, lat: number): [lon: number, lat: number];
  fromWgs84(lon: number, lat: number): [lon: number, lat: number];
}

/** Degrees: a tenth of a millimetre on the ground, and the rounds after which the way back has settled or never will. */
const CLOSE = 1e-9;
const MAX_ROUNDS = 12;
/** Of a cell: places on the outer edge belong to the grid. */
const EDGE = 1e-6;

/** By grids in the order of preference: the first that holds the place, and of its nested ones the finest. */
export function shiftByGrids(grids: readonly DatumGrid[]): DatumShift {
  const lookups = grids.flatMap(({ subgrids }) =>
    [...subgrids].sort((a, b) => a.spacingLon * a.spacingLat - b.spacingLon * b.spacingLat),
  );
  const shift = new Float64Array(2);

  /** Leaves the shift in `shift`; false where no grid has one. */
  function findShift(lon: number, lat: number): boolean {
    for (const grid of lookups) {
      const column = placeColumn(grid, lon);
      const row = (grid.north - lat) / grid.spacingLat;
      if (!(column >= -EDGE && column <= grid.columns - 1 + EDGE && row >= -EDGE && row <= grid.rows - 1 + EDGE))
        continue;
      shift[0] = bilinear(grid.shiftLon, grid, column, row);
      shift[1] = bilinear(grid.shiftLat, grid, column, row);
      if (Number.isFinite(shift[0]) && Number.isFinite(shift[1])) return true;
    }
    return false;
  }

  return {
    toWgs84: (lon, lat) => (findShift(lon, lat) ? [lon + shift[0], lat + shift[1]] : [Number.NaN, Number.NaN]),
    fromWgs84(lon, lat) {
      let [oldLon, oldLat] = [lon, lat];
      for (let round = 0; round < MAX_ROUNDS; round++) {
        if (!findShift(oldLon, oldLat)) break;
        const [east, north] = [lon - shift[0] - oldLon, lat - shift[1] - oldLat];
        oldLon += east;
        oldLat += north;
        if (Math.abs(east) < CLOSE && Math.abs(north) < CLOSE) return [oldLon, oldLat];
      }
      return [Number.NaN, Number.NaN];
    },
  };
}

function placeColumn({ west, spacingLon }: DatumSubgrid, lon: number): number {
  const slack = EDGE * spacingLon;
  const east = lon - west + slack;
  return (east - 360 * Math.floor(east / 360) - slack) / spacingLon;
}

function bilinear(values: Float32Array, { columns, rows }: DatumSubgrid, column: number, row: number): number {
  const left = Math.min(Math.max(Math.floor(column), 0), columns - 2);
  const top = Math.min(Math.max(Math.floor(row), 0), rows - 2);
  const [fx, fy] = [column - left, row - top];
  const at = top * columns + left;
  const north = values[at] * (1 - fx) + values[at + 1] * fx;
  const south = values[at + columns] * (1 - fx) + values[at + columns + 1] * fx;
  return north * (1 - fy) + south * fy;
}

/** Grids by key, as `EPSG:21781 +grids=KEY` names them; a key names one content, so nothing is ever overwritten. */
const known = new Map<string, DatumGrid>();

/** What names the grids in a definition. */
export function keyOfGrids(grids: readonly DatumGrid[]): string {
  return grids
    .map((grid) => {
      const key = `${grid.name.replace(/[\s,]/g, '_')}@${grid.version.slice(0, 12)}`;
      known.set(key, grid);
      return key;
    })
    .join(',');
}

/** The grids of a key that `keyOfGrids` gave in this process. Refuses others with `crs`. */
export function gridsOfKey(key: string): DatumGrid[] {
  return key.split(',').map((one) => {
    const grid = known.get(one);
    if (grid) return grid;
    throw new RelievoError('crs', `The datum grid ${one} has not been read; give its file with --crs-grids.`);
  });
}
