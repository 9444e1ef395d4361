/**
 * The four vertical sides of a box of longitudes and latitudes: half planes through the Earth's axis in the west and east,
 * cones of plumb lines along a parallel in the south and north. Boxes are less than 180 degrees wide.
 */
import { RADIANS_PER_DEGREE, toEcef } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';

/** Metres from a side to a place (ECEF metres), positive within the box. */
export type Side = (x: number, y: number, z: number) => number;

/** What lies within a micrometre of a side lies on it. */
export const ON_SIDE_METRES = 1e-6;

/**
 * A side at a pole is no side. Nor, for what comes from a tile, is one that is the tile's own: it has nothing beyond it, and
 * the straight edges along it leave the parallel by a little.
 */
export function sidesOf({ west, south, east, north }: LonLatBox, tile?: LonLatBox): readonly Side[] {
  const sides: Side[] = [];
  if (west !== tile?.west) sides.push(meridianSide(west, 1));
  if (east !== tile?.east) sides.push(meridianSide(east, -1));
  if (south > -90 && south !== tile?.south) sides.push(parallelSide(south, 1));
  if (north < 90 && north !== tile?.north) sides.push(parallelSide(north, -1));
  return sides;
}

function meridianSide(lon: number, sign: 1 | -1): Side {
  const x1 = -sign * Math.sin(lon * RADIANS_PER_DEGREE);
  const y1 = sign * Math.cos(lon * RADIANS_PER_DEGREE);
  return (x, y) => x1 * x + y1 * y;
}

function parallelSide(lat: number, sign: 1 | -1): Side {
  const foot = new Float64Array(3);
  toEcef(0, lat, 0, foot, 0);
  const sin = sign * Math.sin(lat * RADIANS_PER_DEGREE);
  const cos = sign * Math.cos(lat * RADIANS_PER_DEGREE);
  return (x, y, z) => (z - foot[2]) * cos - (Math.hypot(x, y) - foot[0]) * sin;
}

/** Whether a ball may reach into the box; never says no wrongly. ECEF metres. */
export function ballReaches(sides: readonly Side[], x: number, y: number, z: number, radius: number): boolean {
  return sides.every((side) => side(x, y, z) > -radius);
}

/** The part of two boxes that is common; undefined where there is none. */
export function commonBox(a: LonLatBox, b: LonLatBox): LonLatBox | undefined {
  const west = Math.max(a.west, b.west);
  const east = Math.min(a.east, b.east);
  const south = Math.max(a.south, b.south);
  const north = Math.min(a.north, b.north);
  return west < east && south < north ? { west, south, east, north } : undefined;
}

/** A box, and where it crosses the date line the same one turn of the globe before. */
export function turnsOf(box: LonLatBox): LonLatBox[] {
  return box.east <= 180 ? [box] : [box, { ...box, west: box.west - 360, east: box.east - 360 }];
}
