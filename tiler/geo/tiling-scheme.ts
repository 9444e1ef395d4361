/**
 * Tiling schemes: which piece of the globe a tile covers and how far its surface may be from the truth. Rows are
 * counted from the north everywhere inside; formats that count from the south flip in the file that writes them.
 */

/** A tile. x from the west, y from the **north**, both from 0. */
export interface TileId {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

/** Degrees. `east` may exceed 180 when the box crosses the date line; then `west` is within -180..180. */
export interface LonLatBox {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export interface TilingScheme {
  readonly id: 'geographic';
  readonly crs: 'EPSG:4326';
  readonly extent: LonLatBox;
  readonly rootColumns: number;
  readonly rootRows: number;
  /** Tiles from west to east at level z. */
  columns(z: number): number;
  /** Tiles from north to south at level z. */
  rows(z: number): number;
  box(id: TileId): LonLatBox;
  /**
   * The error in metres that a client assumes of level z: what decides when it asks for the next one. CesiumJS
   * `TerrainProvider.getEstimatedLevelZeroGeometricErrorForAHeightmap`: a quarter of the post spacing at the equator
   * of a 65-post tile, halved at each level.
   */
  maxGeometricError(z: number): number;
}

const EQUATOR_RADIUS = 6378137;
const ROOT_COLUMNS = 2;
const ROOT_ERROR = (2 * Math.PI * EQUATOR_RADIUS * 0.25) / (65 * ROOT_COLUMNS);

/** EPSG:4326 in two root tiles, 180 degrees a side: the tile matrix of WorldCRS84Quad. */
export const geographic: TilingScheme = {
  id: 'geographic',
  crs: 'EPSG:4326',
  extent: { west: -180, south: -90, east: 180, north: 90 },
  rootColumns: ROOT_COLUMNS,
  rootRows: 1,
  columns: (z) => ROOT_COLUMNS * 2 ** z,
  rows: (z) => 2 ** z,
  box({ z, x, y }) {
    const side = 180 / 2 ** z;
    return { west: -180 + x * side, south: 90 - (y + 1) * side, east: -180 + (x + 1) * side, north: 90 - y * side };
  },
  maxGeometricError: (z) => ROOT_ERROR / 2 ** z,
};

/** Whether the tile exists in the scheme: integers in range. */
export function isTile(scheme: TilingScheme, { z, x, y }: TileId): boolean {
  return (
    Number.isInteger(z) &&
    Number.isInteger(x) &&
    Number.isInteger(y) &&
    z >= 0 &&
    z <= 30 &&
    x >= 0 &&
    x < scheme.columns(z) &&
    y >= 0 &&
    y < scheme.rows(z)
  );
}

/** The row counted from the other end: north to south, or south to north (TMS). */
export function flipRow(scheme: TilingScheme, z: number, y: number): number {
  return scheme.rows(z) - 1 - y;
}

/** The least level whose posts lie no further apart than the source's samples. */
export function nativeLevel(scheme: TilingScheme, spacingDegrees: number, perTile: number): number {
  const rootSpacing = (scheme.extent.north - scheme.extent.south) / scheme.rows(0) / perTile;
  return Math.max(0, Math.ceil(Math.log2(rootSpacing / spacingDegrees) - 1e-6));
}
