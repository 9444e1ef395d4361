/** Affine transforms between sample indices and CRS coordinates. Index (0, 0) is the **centre** of the first sample. */

/** x = a column + b row + c; y = d column + e row + f. The order of GDAL's and Python's Affine, but at sample centres. */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export function applyAffine(m: Affine, column: number, row: number): [x: number, y: number] {
  return [m.a * column + m.b * row + m.c, m.d * column + m.e * row + m.f];
}

/** The transform back; undefined when the samples have no area. */
export function invertAffine({ a, b, c, d, e, f }: Affine): Affine | undefined {
  const determinant = a * e - b * d;
  if (!Number.isFinite(determinant) || determinant === 0) return undefined;
  return {
    a: e / determinant,
    b: -b / determinant,
    c: (b * f - c * e) / determinant,
    d: -d / determinant,
    e: a / determinant,
    f: (c * d - a * f) / determinant,
  };
}
