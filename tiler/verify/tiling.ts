/**
 * Where a tile lies, by the verifier's own formulas: EPSG:4326 in two roots or EPSG:3857 in one. Rows are counted from the
 * **north** here; the files' own rows from the south (`tms`) or the north (`slippyMap`). In both projections the codes u
 * and v of a tile run linearly in longitude and latitude.
 */

/** A tile; x from the west, y from the **north**. */
export interface JudgedTile {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

/** Degrees. */
export interface TileBox {
  readonly west: number;
  readonly south: number;
  readonly width: number;
  readonly height: number;
}

export interface Tiling {
  readonly projection: 'EPSG:4326' | 'EPSG:3857';
  readonly rowOrder: 'tms' | 'slippyMap';
  columns(z: number): number;
  rows(z: number): number;
  box(id: JudgedTile): TileBox;
  /** The tile that holds a place; latitudes beyond the scheme's end fall to its outermost rows. */
  tileAt(z: number, lon: number, lat: number): JudgedTile;
  /** Metres that a client takes the surface of level z to be off. */
  bound(z: number): number;
  /** The row as it stands in addresses, and back: the same formula. */
  fileRow(z: number, y: number): number;
}

/** CesiumJS: a quarter of the spacing of 65 posts round the equator, on as many roots as lie there, in metres at level 0. */
const BOUND_ON_ONE_ROOT = (2 * Math.PI * 6378137 * 0.25) / 65;

export function openTiling(
  projection: Tiling['projection'] = 'EPSG:4326',
  rowOrder: Tiling['rowOrder'] = 'tms',
): Tiling {
  const mercator = projection === 'EPSG:3857';
  const roots = mercator ? 1 : 2;
  const columns = (z: number) => roots * 2 ** z;
  const rows = (z: number) => 2 ** z;
  return {
    projection,
    rowOrder,
    columns,
    rows,
    box({ z, x, y }) {
      const width = 360 / columns(z);
      const south = northEdge(z, y + 1);
      return { west: x * width - 180, south, width, height: northEdge(z, y) - south };
    },
    tileAt(z, lon, lat) {
      const count = columns(z);
      const x = Math.floor(((lon + 180) / 360) * count);
      const place = mercator ? (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2 : (90 - lat) / 180;
      const y = Math.min(rows(z) - 1, Math.max(0, Math.floor(place * rows(z))));
      return { z, x: ((x % count) + count) % count, y };
    },
    bound: (z) => BOUND_ON_ONE_ROOT / roots / 2 ** z,
    fileRow: (z, y) => (rowOrder === 'tms' ? rows(z) - 1 - y : y),
  };

  function northEdge(z: number, y: number): number {
    if (!mercator) return 90 - (y * 180) / rows(z);
    return (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / rows(z)))) * 180) / Math.PI;
  }
}

export const GEOGRAPHIC = openTiling();

/** `z/x/y.terrain`, y as in the tile's address. */
export function tilePath({ z, x, y }: JudgedTile, tiling: Tiling = GEOGRAPHIC): string {
  return `${z}/${x}/${tiling.fileRow(z, y)}.terrain`;
}

export function inGrid({ z, x, y }: JudgedTile, tiling: Tiling): boolean {
  return z >= 0 && x >= 0 && x < tiling.columns(z) && y >= 0 && y < tiling.rows(z);
}
