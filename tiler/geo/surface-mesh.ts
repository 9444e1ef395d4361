/**
 * A placed surface that is no height field: triangles in a local metric frame with pictures on them. Positions are metres
 * east, north and up of the frame before its heading turns them; the frame stands on the ellipsoid's normal at its place.
 */
import { RADIANS_PER_DEGREE, toEcef } from './ellipsoid.ts';

/** Where a surface's own origin lies, and how it is turned. */
export interface SurfaceFrame {
  /** Degrees east, -180..180. */
  readonly lon: number;
  /** Degrees north, -90..90. */
  readonly lat: number;
  /** Metres above the ellipsoid. */
  readonly height: number;
  /** Degrees clockwise seen from above: what points north in the surface points there on Earth. */
  readonly heading: number;
}

export type PictureType = 'image/jpeg' | 'image/png' | 'image/webp';

/** A picture as its file holds it. */
export interface SurfacePicture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** How triangles are drawn; the words are those of glTF 2.0, section 3.9. */
export interface SurfaceMaterial {
  readonly name: string;
  /** Linear red, green, blue and alpha, 0..1: multiplies the picture. */
  readonly colour: readonly [number, number, number, number];
  readonly picture?: SurfacePicture;
  readonly alpha: 'OPAQUE' | 'MASK' | 'BLEND';
  readonly alphaCutoff: number;
  readonly doubleSided: boolean;
  /** The picture has its light in it, and none is to be added. */
  readonly unlit: boolean;
}

/** A surface that has no place yet. A vertex has one material, and so have the three of a triangle. */
export interface UnplacedSurface {
  /** East, north, up: 3 a vertex, metres. */
  readonly positions: Float64Array;
  /** Units, 3 a vertex; NaN where the file has none. */
  readonly normals: Float32Array;
  /** From the picture's upper left corner to the right and down, 2 a vertex; beyond 0..1 the picture is repeated. */
  readonly uv: Float32Array;
  readonly material: Uint16Array;
  /** Counterclockwise seen from outside, 3 vertices each. */
  readonly triangles: Uint32Array;
  readonly materials: readonly SurfaceMaterial[];
  /** The file it came from. */
  readonly origin: string;
}

export interface SurfaceMesh extends UnplacedSurface {
  readonly frame: SurfaceFrame;
}

/** The frame's axes and origin in ECEF: 16 numbers, column by column, as a tile's `transform` has them. */
export function matrixOfFrame({ lon, lat, height, heading }: SurfaceFrame): number[] {
  const [lonRad, latRad, turnRad] = [lon, lat, heading].map((degrees) => degrees * RADIANS_PER_DEGREE);
  const [sinLon, cosLon, sinLat, cosLat] = [Math.sin(lonRad), Math.cos(lonRad), Math.sin(latRad), Math.cos(latRad)];
  const east = [-sinLon, cosLon, 0];
  const north = [-sinLat * cosLon, -sinLat * sinLon, cosLat];
  const up = [cosLat * cosLon, cosLat * sinLon, sinLat];
  const [sin, cos] = [Math.sin(turnRad), Math.cos(turnRad)];
  const x = east.map((value, i) => cos * value - sin * north[i]);
  const y = east.map((value, i) => sin * value + cos * north[i]);
  const origin = new Float64Array(3);
  toEcef(lon, lat, height, origin, 0);
  return [...x, 0, ...y, 0, ...up, 0, ...origin, 1];
}
