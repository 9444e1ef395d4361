/**
 * Tiling schemes: which piece of the globe a tile covers and how far its surface may be from the truth. Rows are
 * counted from the north everywhere inside; formats that count from the south flip in the file that writes them.
 * Inside a tile of either scheme heights are laid out in longitude and latitude, as clients draw them.
 */
import { RADIANS_PER_DEGREE, WGS84_A } from './ellipsoid.ts';

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

/** What users call a scheme. */
export const SCHEME_IDS = ['geographic', 'web-mercator'] as const;
export type SchemeId = (typeof SCHEME_IDS)[number];

export interface TilingScheme {
  readonly id: SchemeId;
  readonly crs: 'EPSG:4326' | 'EPSG:3857';
  /** What tiles cover, degrees; beyond it there are none. */
  readonly extent: LonLatBox;
  readonly rootColumns: number;
  readonly rootRows: number;
  /** Tiles from west to east at level z. */
  columns(z: number): number;
  /** Tiles from north to south at level z. */
  rows(z: number): number;
  box(id: TileId): LonLatBox;
  /**
   * Latitude of the north edge of row y of tiles, degrees; of row `rows(z)` the south edge of the last. A function of the
   * row's share of all rows alone: neighbours and levels get the same bits. Rows outside the scheme have edges too.
   */
  rowEdge(z: number, y: number): number;
  /** The row of tiles that holds a latitude (degrees); on an edge the one south of it. May lie outside the scheme. */
  rowAt(z: number, lat: number): number;
  /** Degrees of latitude that a tile spans at a latitude, for each degree of longitude. */
  aspect(lat: number): number;
  /**
   * The error in metres that a client assumes of level z: what decides when it asks for the next one. CesiumJS
   * `TerrainProvider.getEstimatedLevelZeroGeometricErrorForAHeightmap`: a quarter of the post spacing at the equator
   * of a 65-post tile, halved at each level.
   */
  maxGeometricError(z: number): number;
}

/** Error in metres of level 0 where that has so many tiles from west to east. */
function rootError(rootColumns: number): number {
  return (2 * Math.PI * WGS84_A * 0.25) / (65 * rootColumns);
}

const GEOGRAPHIC_ROOT_ERROR = rootError(2);
const MERCATOR_ROOT_ERROR = rootError(1);

/** EPSG:4326 in two root tiles, 180 degrees a side: the tile matrix of WorldCRS84Quad. */
export const geographic: TilingScheme = {
  id: 'geographic',
  crs: 'EPSG:4326',
  extent: { west: -180, south: -90, east: 180, north: 90 },
  rootColumns: 2,
  rootRows: 1,
  columns: (z) => 2 * 2 ** z,
  rows: (z) => 2 ** z,
  box({ z, x, y }) {
    const side = 180 / 2 ** z;
    return { west: -180 + x * side, south: 90 - (y + 1) * side, east: -180 + (x + 1) * side, north: 90 - y * side };
  },
  rowEdge: (z, y) => 90 - y * (180 / 2 ** z),
  rowAt: (z, lat) => Math.floor((90 - lat) / (180 / 2 ** z)),
  aspect: () => 1,
  maxGeometricError: (z) => GEOGRAPHIC_ROOT_ERROR / 2 ** z,
};

/**
 * EPSG:3857 in one root tile: the tile matrix of WebMercatorQuad, rows at equal steps of the Mercator projection of the
 * sphere, up to 85.05 degrees north and south. Its level z + 1 has the tiles' width and the error of geographic level z.
 */
export const webMercator: TilingScheme = {
  id: 'web-mercator',
  crs: 'EPSG:3857',
  extent: { west: -180, south: mercatorLatitude(-1), east: 180, north: mercatorLatitude(1) },
  rootColumns: 1,
  rootRows: 1,
  columns: (z) => 2 ** z,
  rows: (z) => 2 ** z,
  box({ z, x, y }) {
    const side = 360 / 2 ** z;
    return {
      west: -180 + x * side,
      south: mercatorEdge(z, y + 1),
      east: -180 + (x + 1) * side,
      north: mercatorEdge(z, y),
    };
  },
  rowEdge: mercatorEdge,
  rowAt(z, lat) {
    const north = Math.asinh(Math.tan(lat * RADIANS_PER_DEGREE)) / Math.PI;
    const row = Math.floor(((1 - north) / 2) * 2 ** z);
    // What rounding put on the wrong side of an edge.
    if (lat > mercatorEdge(z, row)) return row - 1;
    return lat <= mercatorEdge(z, row + 1) ? row + 1 : row;
  },
  aspect: (lat) => Math.cos(lat * RADIANS_PER_DEGREE),
  maxGeometricError: (z) => MERCATOR_ROOT_ERROR / 2 ** z,
};

/** `y / 2 ** z` is exact, so an edge has the same bits at all levels; northern and southern edges mirror each other. */
function mercatorEdge(z: number, y: number): number {
  return mercatorLatitude(1 - 2 * (y / 2 ** z));
}

/** Degrees, for a share of the projection's square: 1 at its north edge, 0 at the equator, -1 at its south edge. */
function mercatorLatitude(share: number): number {
  return Math.atan(Math.sinh(Math.PI * share)) / RADIANS_PER_DEGREE;
}

const SCHEMES: readonly TilingScheme[] = [geographic, webMercator];

export function schemeNamed(id: SchemeId): TilingScheme {
  return id === 'web-mercator' ? webMercator : geographic;
}

/** The scheme of a layer.json's `projection`; undefined for one that is not known. */
export function schemeOfProjection(projection: unknown): TilingScheme | undefined {
  return SCHEMES.find(({ crs }) => crs === projection);
}

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

/**
 * The least level whose posts lie no further apart than `spacingDegrees`, from west to east; from north to south they are
 * as close, or closer by the scheme's aspect.
 */
export function nativeLevel(scheme: TilingScheme, spacingDegrees: number, perTile: number): number {
  const rootSpacing = (scheme.extent.east - scheme.extent.west) / scheme.columns(0) / perTile;
  return Math.max(0, Math.ceil(Math.log2(rootSpacing / spacingDegrees) - 1e-6));
}
