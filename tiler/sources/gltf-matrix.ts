/** Transforms of glTF nodes (specification 3.5.3): 16 numbers, column by column, in doubles. */
import type { GltfNode } from './gltf-document.ts';

export type Matrix = readonly number[];

export const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function matrixOfNode({ matrix, translation, rotation, scale }: GltfNode): Matrix {
  if (matrix) return matrix;
  const [x, y, z, w] = rotation ?? [0, 0, 0, 1];
  const [sx, sy, sz] = scale ?? [1, 1, 1];
  const [tx, ty, tz] = translation ?? [0, 0, 0];
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)].map((value) => value * sx),
    0,
    ...[2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)].map((value) => value * sy),
    0,
    ...[2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)].map((value) => value * sz),
    0,
    ...[tx, ty, tz, 1],
  ];
}

/** `a` after `b`. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  return IDENTITY.map((_, i) => {
    const [row, column] = [i % 4, i - (i % 4)];
    return a[row] * b[column] + a[row + 4] * b[column + 1] + a[row + 8] * b[column + 2] + a[row + 12] * b[column + 3];
  });
}

/** Moves positions in place; true when the matrix mirrors, so that triangles turn their other side. */
export function applyMatrix(m: Matrix, positions: Float64Array): boolean {
  for (let i = 0; i < positions.length; i += 3) {
    const [x, y, z] = [positions[i], positions[i + 1], positions[i + 2]];
    for (let row = 0; row < 3; row++) positions[i + row] = m[row] * x + m[row + 4] * y + m[row + 8] * z + m[row + 12];
  }
  const c = cofactors(m);
  return m[0] * c[0] + m[1] * c[1] + m[2] * c[2] < 0;
}

/** Turns normals in place by the inverse transpose, up to length; units again. What cannot be one becomes NaN. */
export function turnNormals(m: Matrix, normals: Float64Array): Float64Array {
  const c = cofactors(m);
  const sign = Math.sign(m[0] * c[0] + m[1] * c[1] + m[2] * c[2]);
  for (let i = 0; i < normals.length; i += 3) {
    const [x, y, z] = [normals[i], normals[i + 1], normals[i + 2]];
    const out = [0, 1, 2].map((row) => sign * (c[row] * x + c[row + 3] * y + c[row + 6] * z));
    const length = Math.hypot(...out);
    normals.set(length > 0 ? out.map((value) => value / length) : [NaN, NaN, NaN], i);
  }
  return normals;
}

/** Of the upper left 3 by 3, column by column: the inverse transpose times the determinant. */
function cofactors(m: Matrix): number[] {
  const [a, b, c, , d, e, f, , g, h, i] = m;
  return [
    e * i - f * h,
    f * g - d * i,
    d * h - e * g,
    h * c - i * b,
    i * a - g * c,
    g * b - h * a,
    b * f - c * e,
    c * d - a * f,
    a * e - b * d,
  ];
}
