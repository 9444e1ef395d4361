/**
 * What a tile's triangles are held against beside its posts: samples of a source, or cells of its overview that say how far
 * the samples under them reach from a plane. In post spacings from the tile's north-west corner, x east and y south.
 */

/** Of one source at one of its levels; all arrays are as long. */
export interface SourceCells {
  /** Middle of the cell; may lie outside the tile when part of the cell is in it. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Of the plane at the middle, metres above the ellipsoid. */
  readonly heights: Float64Array;
  /** Rise of the plane for each post spacing eastwards and southwards, metres; undefined where cells are samples. */
  readonly slopeX: Float32Array | undefined;
  readonly slopeY: Float32Array | undefined;
  /** How far samples reach above and below the plane, metres; undefined where cells are samples. */
  readonly above: Float32Array | undefined;
  readonly below: Float32Array | undefined;
  /** All samples of a cell lie so near to its middle, in post spacings; 0 where cells are samples. */
  readonly reachX: number;
  readonly reachY: number;
  /** 1 for cells that do not count, because finer ones stand for what lies under them; undefined: all do. */
  readonly hidden?: Uint8Array | undefined;
}

/** Cells by the square between four posts in which their middle lies, so that a triangle finds those near it. */
export interface CellBuckets {
  /** Squares along a side; squares outside the tile count with those at its border. */
  readonly across: number;
  readonly down: number;
  /** By square, row-major: where its cells begin in `order`; one more at the end. */
  readonly starts: Int32Array;
  readonly order: Int32Array;
}

export function sortIntoBuckets({ x, y, hidden }: SourceCells, across: number, down: number): CellBuckets {
  const bucketOf = (k: number) =>
    Math.min(down - 1, Math.max(0, Math.floor(y[k]))) * across + Math.min(across - 1, Math.max(0, Math.floor(x[k])));
  const starts = new Int32Array(across * down + 1);
  for (let k = 0; k < x.length; k++) if (hidden?.[k] !== 1) starts[bucketOf(k) + 1]++;
  for (let b = 0; b < across * down; b++) starts[b + 1] += starts[b];
  const next = starts.slice();
  const order = new Int32Array(starts[across * down]);
  for (let k = 0; k < x.length; k++) if (hidden?.[k] !== 1) order[next[bucketOf(k)]++] = k;
  return { across, down, starts, order };
}
