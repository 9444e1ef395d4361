/** The seam between posts and bytes: triangles over one tile, in tile coordinates. */

/** The greatest u and v: the east and north border. */
export const UV_MAX = 32767;

export interface TerrainMesh {
  /** 0 at the west border .. 32767 at the east, linear in longitude; one for each vertex. */
  readonly u: Uint16Array;
  /** 0 at the south border .. 32767 at the north, linear in latitude. */
  readonly v: Uint16Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float32Array;
  /** Vertex indices, three a triangle, counter-clockwise seen from above. */
  readonly triangles: Uint16Array;
  readonly edges: TileEdges;
  /** Column and row of each vertex in the grid that was meshed; whole numbers at posts. */
  readonly columns: Float32Array;
  readonly rows: Float32Array;
  /** Greatest distance in metres, along the vertical, between a post of the tile and the flat triangle over it. */
  readonly maxError: number;
}

/** Vertices on each border, both corners included: by ascending v for west and east, ascending u for south and north. */
export interface TileEdges {
  readonly west: Uint16Array;
  readonly south: Uint16Array;
  readonly east: Uint16Array;
  readonly north: Uint16Array;
}
