/** What the judge finds wrong: a code that tests and counts go by, and a sentence with the figures. */

export type FaultCode =
  // bytes
  | 'gzip-broken'
  | 'truncated'
  | 'trailing-bytes'
  | 'index-above-high-water'
  | 'index-out-of-range'
  | 'code-out-of-range'
  | 'extension-repeated'
  | 'extension-length'
  // header
  | 'header-not-finite'
  | 'height-range-inverted'
  | 'centre-far'
  | 'sphere-open'
  | 'sphere-loose'
  | 'occlusion-hides'
  // mesh
  | 'vertex-count-65536'
  | 'vertex-unused'
  | 'vertex-order'
  | 'vertex-repeated'
  | 'corner-missing'
  | 'edge-incomplete'
  | 'edge-foreign-vertex'
  | 'edge-unsorted'
  | 'edge-repeated-vertex'
  | 'triangle-degenerate'
  | 'triangle-clockwise'
  | 'triangles-not-joined'
  | 'area-not-covered'
  // extensions
  | 'normals-inward'
  | 'normals-tilted'
  | 'watermask-length'
  | 'metadata-not-json'
  // layer.json and the set
  | 'layer-unreadable'
  | 'layer-field'
  | 'layer-available'
  | 'root-missing'
  | 'tile-missing'
  | 'tile-unlisted'
  | 'tile-outside-grid'
  | 'parent-missing'
  | 'siblings-incomplete'
  | 'extension-missing'
  | 'extension-unlisted'
  | 'border-posts-differ'
  | 'border-heights-differ'
  | 'border-normals-differ'
  // measurement
  | 'error-over-bound'
  | 'posts-over-bound'
  | 'samples-uncovered'
  | 'level-shifted';

export interface Fault {
  readonly code: FaultCode;
  /** A sentence: what was expected and what was found. */
  readonly message: string;
  /** Path of the tile in the set, `z/x/y.terrain` with y as in the file's name (from the south); absent for the set. */
  readonly tile?: string | undefined;
}

/** A tile of EPSG:4326 with two roots; x from the west, y from the **north**. */
export interface JudgedTile {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

/** `z/x/y.terrain`, y counted from the south as in the file. */
export function tilePath({ z, x, y }: JudgedTile): string {
  return `${z}/${x}/${2 ** z - 1 - y}.terrain`;
}

/** Degrees. */
export interface TileBox {
  readonly west: number;
  readonly south: number;
  readonly side: number;
}

export function boxOf({ z, x, y }: JudgedTile): TileBox {
  const side = 180 / 2 ** z;
  return { west: x * side - 180, south: 90 - (y + 1) * side, side };
}
