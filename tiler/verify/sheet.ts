/** A grid of heights on meridians and parallels: what the drawn surface is measured against. */

/** Samples at west + column * stepX, north - row * stepY (degrees, steps positive), row-major, north row first. */
export interface Sheet {
  readonly name: string;
  readonly west: number;
  readonly north: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly columns: number;
  readonly rows: number;
  /** Metres above the ellipsoid; NaN is void, or a sample that somebody else counts. */
  readonly heights: Float32Array;
}
