/** The frame that a box is exported in: east, north and up in metres from the middle of the box on the ellipsoid (ENU). */
import { RADIANS_PER_DEGREE, toEcef } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';

export interface LocalFrame {
  /** Degrees, and metres above the ellipsoid. */
  readonly origin: { readonly lon: number; readonly lat: number; readonly height: number };
  /** ECEF metres to east, north, up; a new array. */
  toLocal(positions: Float64Array): Float64Array;
  /** The same for directions. */
  turn(directions: Float32Array): Float32Array;
}

/** The origin lies in the middle of the box at a height of 0, so that z near it is a height above the ellipsoid. */
export function openLocalFrame({ west, south, east, north }: LonLatBox): LocalFrame {
  const middle = (west + east) / 2;
  const origin = { lon: middle > 180 ? middle - 360 : middle, lat: (south + north) / 2, height: 0 };
  const zero = new Float64Array(3);
  toEcef(origin.lon, origin.lat, origin.height, zero, 0);
  const axes = axesAt(origin.lon, origin.lat);
  return {
    origin,
    toLocal(positions) {
      const out = new Float64Array(positions.length);
      for (let i = 0; i < positions.length; i += 3) {
        const x = positions[i] - zero[0];
        const y = positions[i + 1] - zero[1];
        const z = positions[i + 2] - zero[2];
        for (let axis = 0; axis < 3; axis++) {
          out[i + axis] = axes[3 * axis] * x + axes[3 * axis + 1] * y + axes[3 * axis + 2] * z;
        }
      }
      return out;
    },
    turn(directions) {
      const out = new Float32Array(directions.length);
      for (let i = 0; i < directions.length; i += 3) {
        const [x, y, z] = directions.subarray(i, i + 3);
        for (let axis = 0; axis < 3; axis++) {
          out[i + axis] = axes[3 * axis] * x + axes[3 * axis + 1] * y + axes[3 * axis + 2] * z;
        }
      }
      return out;
    },
  };
}

/** East, north and up as rows. */
function axesAt(lon: number, lat: number): readonly number[] {
  const sinLon = Math.sin(lon * RADIANS_PER_DEGREE);
  const cosLon = Math.cos(lon * RADIANS_PER_DEGREE);
  const sinLat = Math.sin(lat * RADIANS_PER_DEGREE);
  const cosLat = Math.cos(lat * RADIANS_PER_DEGREE);
  return [
    ...[-sinLon, cosLon, 0],
    ...[-sinLat * cosLon, -sinLat * sinLon, cosLat],
    ...[cosLat * cosLon, cosLat * sinLon, sinLat],
  ];
}
