/** The WGS84 ellipsoid: geodetic coordinates to Earth-centred, Earth-fixed (ECEF) metres, and ground distances. */

/** Semi-major axis, metres. */
export const WGS84_A = 6378137;
/** Semi-minor axis, metres. */
export const WGS84_B = 6356752.314245179;
const E2 = 1 - (WGS84_B * WGS84_B) / (WGS84_A * WGS84_A);

export const RADIANS_PER_DEGREE = Math.PI / 180;

/** Writes X, Y, Z in metres at `out[offset]`. Degrees and metres above the ellipsoid in. */
export function toEcef(lon: number, lat: number, height: number, out: Float64Array, offset: number): void {
  const lonRad = lon * RADIANS_PER_DEGREE;
  const latRad = lat * RADIANS_PER_DEGREE;
  const sinLat = Math.sin(latRad);
  const cosLat = Math.cos(latRad);
  const n = primeVerticalRadius(sinLat);
  out[offset] = (n + height) * cosLat * Math.cos(lonRad);
  out[offset + 1] = (n + height) * cosLat * Math.sin(lonRad);
  out[offset + 2] = (n * (1 - E2) + height) * sinLat;
}

/** Ground metres in one degree of longitude at this latitude (degrees). 0 at a pole. */
export function metresPerDegreeEast(lat: number): number {
  if (Math.abs(lat) >= 90) return 0;
  const latRad = lat * RADIANS_PER_DEGREE;
  return primeVerticalRadius(Math.sin(latRad)) * Math.cos(latRad) * RADIANS_PER_DEGREE;
}

/** Ground metres in one degree of latitude at this latitude (degrees). */
export function metresPerDegreeNorth(lat: number): number {
  const sinLat = Math.sin(lat * RADIANS_PER_DEGREE);
  const n = primeVerticalRadius(sinLat);
  return ((n * (1 - E2)) / (1 - E2 * sinLat * sinLat)) * RADIANS_PER_DEGREE;
}

/** Radius of curvature across the meridian, metres. */
function primeVerticalRadius(sinLat: number): number {
  return WGS84_A / Math.sqrt(1 - E2 * sinLat * sinLat);
}

/** Radius of the sphere that has the area of WGS84, metres. */
const AUTHALIC_RADIUS = 6371007.181;

/** Square metres between two parallels, `width` degrees of longitude wide; within 0.4 % of the ellipsoid's own. */
export function authalicArea(width: number, south: number, north: number): number {
  const slice = Math.sin(north * RADIANS_PER_DEGREE) - Math.sin(south * RADIANS_PER_DEGREE);
  return AUTHALIC_RADIUS ** 2 * width * RADIANS_PER_DEGREE * slice;
}
