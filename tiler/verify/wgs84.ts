/**
 * WGS84 for the judge, written apart from the tiler's own: geodetic degrees and ellipsoidal metres to Earth-centred
 * metres (ECEF), the ellipsoid's normal, and positions scaled so that the ellipsoid is the unit sphere.
 */

export const EQUATOR_RADIUS = 6378137;
export const FLATTENING = 1 / 298.257223563;
export const POLE_RADIUS = EQUATOR_RADIUS * (1 - FLATTENING);
/** First eccentricity squared. */
export const ECCENTRICITY2 = FLATTENING * (2 - FLATTENING);
export const DEGREE = Math.PI / 180;

export type Vector = readonly [x: number, y: number, z: number];

/** Metres from the Earth's centre; longitude and latitude in degrees, height in metres above the ellipsoid. */
export function toEcef(lon: number, lat: number, height: number): Vector {
  const sin = Math.sin(lat * DEGREE);
  const cos = Math.cos(lat * DEGREE);
  const prime = primeVertical(sin);
  return [
    (prime + height) * cos * Math.cos(lon * DEGREE),
    (prime + height) * cos * Math.sin(lon * DEGREE),
    (prime * (1 - ECCENTRICITY2) + height) * sin,
  ];
}

/** Radius of curvature across the meridian in metres, from the sine of the latitude. */
export function primeVertical(sinLat: number): number {
  return EQUATOR_RADIUS / Math.sqrt(1 - ECCENTRICITY2 * sinLat * sinLat);
}

/** Unit vector away from the Earth, along which heights are counted. */
export function upAt(lon: number, lat: number): Vector {
  const cos = Math.cos(lat * DEGREE);
  return [cos * Math.cos(lon * DEGREE), cos * Math.sin(lon * DEGREE), Math.sin(lat * DEGREE)];
}

/** ECEF metres divided by the radii. */
export function toScaled([x, y, z]: Vector): Vector {
  return [x / EQUATOR_RADIUS, y / EQUATOR_RADIUS, z / POLE_RADIUS];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function length(a: Vector): number {
  return Math.hypot(a[0], a[1], a[2]);
}

/** Angle in radians between two directions of any length; exact also near 0, where an arc cosine is not. */
export function angleBetween(a: Vector, b: Vector): number {
  return Math.atan2(length(cross(a, b)), dot(a, b));
}
