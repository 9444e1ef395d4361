/** A part of a surface as it was read from one tile: Earth-centred metres (ECEF) in doubles, triangles counter-clockwise from outside. */

export interface Picture {
  readonly bytes: Uint8Array;
  readonly type: 'image/jpeg' | 'image/png';
}

/** Pieces with one and the same material object are drawn alike. */
export interface Material {
  /** Red, green, blue, opacity, linear, 0 to 1. */
  readonly colour: readonly [number, number, number, number];
  readonly picture?: Picture | undefined;
  /** Of glTF samplers: 10497 repeats, 33071 clamps, 33648 mirrors. */
  readonly wrap: readonly [u: number, v: number];
}

export interface Piece {
  /** ECEF metres, 3 a vertex. */
  readonly positions: Float64Array;
  /** Unit vectors in ECEF, 3 a vertex. */
  readonly normals?: Float32Array | undefined;
  /** 2 a vertex, from the picture's upper left corner. */
  readonly uv?: Float32Array | undefined;
  readonly triangles: Uint32Array;
  readonly material: Material;
}

export const CLAMP = 33071;
export const REPEAT = 10497;

/** What has no picture. */
export const PLAIN: Material = { colour: [0.8, 0.8, 0.8, 1], wrap: [CLAMP, CLAMP] };
