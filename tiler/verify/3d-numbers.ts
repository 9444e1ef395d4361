/** What the numbers of an accessor mean, how far they may be off through their rounding, and how normals turn with a matrix. */
import { type Accessor, BYTE, FLOAT, SHORT, UNSIGNED_BYTE, UNSIGNED_SHORT } from './3d-glb.ts';
import type { Matrix } from './3d-volume.ts';
import { cross, type Vector } from './wgs84.ts';

const GREATEST: Readonly<Record<number, number>> = {
  [BYTE]: 127,
  [UNSIGNED_BYTE]: 255,
  [SHORT]: 32767,
  [UNSIGNED_SHORT]: 65535,
};

/** Values as they are meant: normalised ones over their greatest. */
export function meantValues({ values, normalized, componentType }: Accessor): Float64Array {
  const greatest = GREATEST[componentType];
  return normalized && greatest !== undefined ? values.map((value) => Math.max(value / greatest, -1)) : values;
}

/** Half a diagonal of the cell that a position is rounded to, in metres. */
export function roundingOf(
  { componentType, normalized, filter }: Accessor,
  values: Float64Array,
  matrix: Matrix,
): number {
  const scales = [0, 4, 8].map((at) => Math.hypot(matrix[at], matrix[at + 1], matrix[at + 2]));
  const grid = componentType === FLOAT ? gridOf(values) : 0;
  const cell = (axis: number): number => {
    if (componentType !== FLOAT) return normalized ? 1 / GREATEST[componentType] : 1;
    let most = 0;
    for (let i = axis; i < values.length; i += 3) most = Math.max(most, Math.abs(values[i]));
    return Math.max(most * (filter === 'EXPONENTIAL' ? 2 ** -14 : 2 ** -23), grid);
  };
  const far = Math.hypot(matrix[12], matrix[13], matrix[14]);
  return 0.5 * Math.hypot(...scales.map((scale, axis) => scale * cell(axis))) + far * 2 ** -50 + 1e-6;
}

/** The power of two, at most 1, that all values are whole multiples of: some encoders round to a grid that tiles share. */
function gridOf(values: Float64Array): number {
  for (let step = 1; step > 2 ** -12; step /= 2)
    if (values.every((value) => Number.isInteger(value / step))) return step;
  return 0;
}

/** By which normals turn: right for any scale, and for mirrored ones. */
export function cofactors(m: Matrix): Matrix {
  const columns: Vector[] = [0, 4, 8].map((at) => [m[at], m[at + 1], m[at + 2]]);
  const [a, b, c] = columns;
  const turned = [cross(b, c), cross(c, a), cross(a, b)];
  return [...turned[0], 0, ...turned[1], 0, ...turned[2], 0, 0, 0, 0, 1];
}
