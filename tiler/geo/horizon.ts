/**
 * The horizon occlusion point of a tile: when it is hidden by the ellipsoid, so is everything in the tile. In space
 * scaled by the ellipsoid's radii, as quantized-mesh-1.0 stores it.
 */
import { WGS84_A, WGS84_B } from './ellipsoid.ts';

/**
 * How far out the point lies when none is valid: never wrongly hides anything but high ground at the far limb. Only over
 * the middle of the tile: the sphere round half a globe has its centre near the Earth's, in any direction.
 */
const FAR = 1e6;

/**
 * How far out it lies for a tile round the whole globe, which is never hidden: so far that a client's square of the
 * distance is infinite, and no share of it more than any bound (CesiumJS `isScaledSpacePointVisible`).
 */
const NEVER_HIDDEN = 1e200;
/** A vertex this far behind the plane through the Earth's middle lies on the other half of the globe: cosine. */
const BEHIND = -1e-3;

/** Added to the angle: near the ellipsoid, rounding alone hides 2e-8 rad too much. Half a metre on the ground. */
const MARGIN_RAD = 1e-7;

export interface ScaledPoint {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/**
 * For points (X, Y, Z triples, ECEF metres) and a direction that all are near, the point along the direction of the
 * centre (ECEF metres). On the unit sphere of scaled space a vertex p is hidden beyond the horizon exactly when a
 * point at distance 1 / cos(a + b) along the centre's direction is, where a is the angle between the two directions
 * and cos b = 1 / |p|. Cozzi and Ring, "3D Engine Design for Virtual Globes", 2011; CesiumJS `EllipsoidalOccluder`.
 */
export function findOcclusionPoint(points: Float64Array, centre: ScaledPoint, middle: ScaledPoint): ScaledPoint {
  let dx = centre.x / WGS84_A;
  let dy = centre.y / WGS84_A;
  let dz = centre.z / WGS84_B;
  const length = Math.hypot(dx, dy, dz);
  if (length === 0) return farOver(middle, points);
  dx /= length;
  dy /= length;
  dz /= length;
  let farthest = 0;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i] / WGS84_A;
    const y = points[i + 1] / WGS84_A;
    const z = points[i + 2] / WGS84_B;
    const norm = Math.sqrt(x * x + y * y + z * z);
    const cosA = (x * dx + y * dy + z * dz) / norm;
    const sinA = Math.hypot(y * dz - z * dy, z * dx - x * dz, x * dy - y * dx) / norm;
    const clamped = Math.max(1, norm);
    const cosB = 1 / clamped;
    const sinB = Math.sqrt(clamped * clamped - 1) * cosB;
    const cosSum = cosA * cosB - sinA * sinB - MARGIN_RAD * (sinA * cosB + cosA * sinB);
    if (!(cosSum > 0)) return farOver(middle, points);
    farthest = Math.max(farthest, 1 / cosSum);
  }
  return farthest < FAR ? { x: dx * farthest, y: dy * farthest, z: dz * farthest } : farOver(middle, points);
}

function farOver(middle: ScaledPoint, points: Float64Array): ScaledPoint {
  const [x, y, z] = [middle.x / WGS84_A, middle.y / WGS84_A, middle.z / WGS84_B];
  const length = Math.hypot(x, y, z);
  const scale = (reachesBehind(points, x / length, y / length, z / length) ? NEVER_HIDDEN : FAR) / length;
  return { x: x * scale, y: y * scale, z: z * scale };
}

/** Whether any point lies on the half of the globe that a direction (scaled space) points away from. */
function reachesBehind(points: Float64Array, dx: number, dy: number, dz: number): boolean {
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i] / WGS84_A;
    const y = points[i + 1] / WGS84_A;
    const z = points[i + 2] / WGS84_B;
    if (x * dx + y * dy + z * dz < BEHIND) return true;
  }
  return false;
}
