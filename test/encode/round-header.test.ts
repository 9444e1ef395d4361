import { describe, expect, it } from 'vitest';
import { roundOcclusionPoint, roundSphere } from '../../tiler/encode/round-header.ts';
import { boundSphere } from '../../tiler/geo/bounding-sphere.ts';
import { toEcef } from '../../tiler/geo/ellipsoid.ts';
import { findOcclusionPoint } from '../../tiler/geo/horizon.ts';
import { occlusionExcess } from '../../tiler/verify/check-tile.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

/** Places of tiles of all levels, at heights of -10 to 9 km, as ECEF metres. */
function randomPoints(random: () => number) {
  const side = 180 / 2 ** (1 + random() * 22);
  const west = random() * 360 - 180;
  const south = Math.max(-90, Math.min(90 - side, random() * 180 - 90));
  const lowest = random() * 12000 - 10000;
  const relief = random() < 0.2 ? 0 : random() * 7000 * Math.min(1, side * 5);
  const points = new Float64Array(3 * 40);
  for (let i = 0; i < 40; i++) {
    toEcef(west + side * random(), south + side * random(), lowest + relief * random(), points, 3 * i);
  }
  const middle = new Float64Array(3);
  toEcef(west + side / 2, south + side / 2, 0, middle, 0);
  return { points, middle: { x: middle[0], y: middle[1], z: middle[2] } };
}

/** Bytes of a float64, from the last, that are zero. */
function zeroBytes(value: number): number {
  const bytes = new Uint8Array(Float64Array.of(value).buffer);
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 8 : first;
}

describe('roundSphere', () => {
  it('holds all that the given sphere holds, is hardly larger, and its numbers are short', () => {
    const random = seededRandom(5);
    for (let k = 0; k < 2000; k++) {
      const given = boundSphere(randomPoints(random).points);
      const rounded = roundSphere(given);
      const off = Math.hypot(rounded.x - given.x, rounded.y - given.y, rounded.z - given.z);
      expect(rounded.radius).toBeGreaterThanOrEqual(given.radius + off);
      expect(rounded.radius).toBeLessThan(given.radius * 1.0011);
      expect(zeroBytes(rounded.radius)).toBeGreaterThanOrEqual(3);
      // A millionth of a level-20 sphere's radius still leaves two bytes of zeros.
      for (const value of [rounded.x, rounded.y, rounded.z]) expect(zeroBytes(value)).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('roundOcclusionPoint', () => {
  it('hides no vertex that can be seen, and lies within a metre or a millionth of where it was', () => {
    const random = seededRandom(6);
    let rounded = 0;
    for (let k = 0; k < 2000; k++) {
      const { points, middle } = randomPoints(random);
      const point = findOcclusionPoint(points, boundSphere(points), middle);
      const moved = roundOcclusionPoint(point);
      const far = Math.hypot(point.x, point.y, point.z);
      if (far >= 16) {
        expect(moved).toEqual(point);
        continue;
      }
      rounded++;
      expect(Math.hypot(moved.x, moved.y, moved.z)).toBeGreaterThan(far);
      expect(Math.hypot(moved.x - point.x, moved.y - point.y, moved.z - point.z)).toBeLessThan(3e-7 * far * far);
      const vertices = Array.from({ length: points.length / 3 }, (_, i) => vectorAt(points, 3 * i));
      expect(occlusionExcess([moved.x, moved.y, moved.z], vertices)).toBeLessThanOrEqual(0);
      for (const value of [moved.x, moved.y, moved.z]) expect(zeroBytes(value)).toBeGreaterThanOrEqual(3);
    }
    expect(rounded).toBeGreaterThan(1500);
  });
});

function vectorAt(points: Float64Array, at: number): [number, number, number] {
  return [points[at], points[at + 1], points[at + 2]];
}
