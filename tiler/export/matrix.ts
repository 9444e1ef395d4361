/** Matrices of 4 x 4 doubles, column by column as glTF and 3D Tiles write them. */

export type Matrix = readonly number[];

export const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** First b, then a. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = new Array<number>(16).fill(0);
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      for (let k = 0; k < 4; k++) out[4 * column + row] += a[4 * k + row] * b[4 * column + k];
    }
  }
  return out;
}

export function translation([x = 0, y = 0, z = 0]: ArrayLike<number> & Iterable<number>): Matrix {
  return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1];
}

/** glTF's node: scaled, turned by a unit quaternion, moved. */
export function composed(
  [tx, ty, tz]: readonly number[] = [0, 0, 0],
  [x, y, z, w]: readonly number[] = [0, 0, 0, 1],
  [sx, sy, sz]: readonly number[] = [1, 1, 1],
): Matrix {
  return [
    ...[(1 - 2 * (y * y + z * z)) * sx, 2 * (x * y + z * w) * sx, 2 * (x * z - y * w) * sx, 0],
    ...[2 * (x * y - z * w) * sy, (1 - 2 * (x * x + z * z)) * sy, 2 * (y * z + x * w) * sy, 0],
    ...[2 * (x * z + y * w) * sz, 2 * (y * z - x * w) * sz, (1 - 2 * (x * x + y * y)) * sz, 0],
    ...[tx, ty, tz, 1],
  ];
}

/** What directions square to a surface are turned by (the cofactors of the upper 3 x 3), 9 numbers column by column. */
export function cofactors(m: Matrix): readonly number[] {
  return [
    ...[m[5] * m[10] - m[6] * m[9], m[6] * m[8] - m[4] * m[10], m[4] * m[9] - m[5] * m[8]],
    ...[m[2] * m[9] - m[1] * m[10], m[0] * m[10] - m[2] * m[8], m[1] * m[8] - m[0] * m[9]],
    ...[m[1] * m[6] - m[2] * m[5], m[2] * m[4] - m[0] * m[6], m[0] * m[5] - m[1] * m[4]],
  ];
}

/** Below 0 where left and right change places. */
export function determinant(m: Matrix): number {
  const [a, b, c] = cofactors(m);
  return m[0] * a + m[1] * b + m[2] * c;
}

/** The most that a length grows. */
export function greatestScale(m: Matrix): number {
  return Math.max(Math.hypot(m[0], m[1], m[2]), Math.hypot(m[4], m[5], m[6]), Math.hypot(m[8], m[9], m[10]));
}

export function isMatrix(value: unknown): value is Matrix {
  return Array.isArray(value) && value.length === 16 && value.every((part) => Number.isFinite(part));
}
