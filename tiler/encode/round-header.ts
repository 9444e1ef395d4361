/**
 * Header numbers of quantized-mesh-1.0 with fewer digits: a float64 of which the last bytes are zero costs gzip half of
 * one that fills all 52 bits. Each is moved only to where it still holds for all that it held for.
 */
import type { Sphere } from '../geo/bounding-sphere.ts';
import type { ScaledPoint } from '../geo/horizon.ts';

/** Steps of a sphere's centre in its radius, rounded down to a power of two: the radius grows by less than 1/1000. */
const STEPS_IN_RADIUS = 1024;

/** A sphere (ECEF metres) that holds the given one. */
export function roundSphere({ x, y, z, radius }: Sphere): Sphere {
  const step = 2 ** Math.floor(Math.log2(radius)) / STEPS_IN_RADIUS;
  return {
    x: Math.round(x / step) * step,
    y: Math.round(y / step) * step,
    z: Math.round(z / step) * step,
    radius: roundUp(radius + step),
  };
}

/** The next number of single precision or the one after it: never less than `value`. */
function roundUp(value: number): number {
  return Math.fround(value * (1 + 2 ** -23));
}

/** Scaled space; 0.38 m on the ellipsoid. */
const OCCLUSION_STEP = 2 ** -24;
/** Points farther out, of the few tiles of levels 0 and 1, stay as they are. */
const FARTHEST_ROUNDED = 16;

/**
 * An occlusion point (scaled space) that hides no more than the given one. Rounding moves it by less than a step, so by
 * less than step / k in direction at distance k; and as k is 1 / cos of an angle, such a turn asks for k to grow by less
 * than a step times tan of the angle, which is sqrt(k^2 - 1). So first it is moved out by twice the sum of both.
 */
export function roundOcclusionPoint(point: ScaledPoint): ScaledPoint {
  const k = Math.hypot(point.x, point.y, point.z);
  if (!(k < FARTHEST_ROUNDED)) return point;
  const outwards = 1 + 2 * OCCLUSION_STEP * (1 + Math.sqrt(Math.max(0, k * k - 1)));
  const round = (value: number) => Math.round((value * outwards) / OCCLUSION_STEP) * OCCLUSION_STEP;
  return { x: round(point.x), y: round(point.y), z: round(point.z) };
}
