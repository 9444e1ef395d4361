/** Bounding volumes of 3D Tiles (1.1, "Bounding volumes"): whether one may reach into a box, and those of implicit children. */
import { RADIANS_PER_DEGREE } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { ballReaches, commonBox, sidesOf, turnsOf } from './box-sides.ts';
import { greatestScale, type Matrix } from './matrix.ts';

/** As tileset.json writes it: `region`, `box` or `sphere`. */
export type Volume = Readonly<Record<string, unknown>>;

/** Says no only where nothing of the volume lies in the box; volumes of unknown kinds may lie anywhere. */
export function mayReach(volume: Volume, transform: Matrix, box: LonLatBox): boolean {
  const region = numbersOf(volume.region, 6);
  if (region) return regionReaches(region, box);
  const ball = ballOf(volume);
  if (!ball) return true;
  const [x, y, z, radius] = ball;
  const [cx, cy, cz] = [0, 1, 2].map(
    (row) => transform[row] * x + transform[4 + row] * y + transform[8 + row] * z + transform[12 + row],
  );
  return ballReaches(sidesOf(box), cx, cy, cz, radius * greatestScale(transform));
}

/** Degrees of tolerance for regions that were rounded: a centimetre. */
const ROUNDED_DEGREES = 1e-7;

function regionReaches([west, south, east, north]: readonly number[], box: LonLatBox): boolean {
  const region = {
    west: west / RADIANS_PER_DEGREE - ROUNDED_DEGREES,
    south: south / RADIANS_PER_DEGREE - ROUNDED_DEGREES,
    east: (east < west ? east + 2 * Math.PI : east) / RADIANS_PER_DEGREE + ROUNDED_DEGREES,
    north: north / RADIANS_PER_DEGREE + ROUNDED_DEGREES,
  };
  return turnsOf(box).some((turn) => turnsOf(region).some((part) => commonBox(turn, part) !== undefined));
}

/** Middle and radius; of an oriented box half its diagonal. */
function ballOf({ box, sphere }: Volume): readonly number[] | undefined {
  const round = numbersOf(sphere, 4);
  if (round) return round;
  const b = numbersOf(box, 12);
  if (!b) return undefined;
  const corners = [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ].map(([p, q]) => Math.hypot(...[3, 4, 5].map((k) => b[k] + p * b[k + 3] + q * b[k + 6])));
  return [b[0], b[1], b[2], Math.max(...corners)];
}

/** That of a tile of an implicit tree, cut from its root's; `z` undefined in a quadtree, whose heights are not cut. */
export function childVolume(root: Volume, level: number, x: number, y: number, z: number | undefined): Volume {
  const share = 1 / 2 ** level;
  const region = numbersOf(root.region, 6);
  if (region) {
    const [west, south, east, north, low, high] = region;
    const width = (east < west ? east + 2 * Math.PI : east) - west;
    const part = (from: number, size: number, k: number) => from + size * share * k;
    const heights = z === undefined ? [low, high] : [part(low, high - low, z), part(low, high - low, z + 1)];
    return {
      region: [
        ...[part(west, width, x), part(south, north - south, y)],
        ...[part(west, width, x + 1), part(south, north - south, y + 1), ...heights],
      ],
    };
  }
  const b = numbersOf(root.box, 12);
  if (!b) return root;
  const places = [x, y, z ?? 0];
  const shares = [share, share, z === undefined ? 1 : share];
  const out = b.slice();
  for (let axis = 0; axis < 3; axis++) {
    // From the middle of the root to the middle of the part, in half lengths of the axis.
    const shift = -1 + shares[axis] * (2 * places[axis] + 1);
    for (let k = 0; k < 3; k++) {
      out[k] += shift * b[3 + 3 * axis + k];
      out[3 + 3 * axis + k] = b[3 + 3 * axis + k] * shares[axis];
    }
  }
  return { box: out };
}

function numbersOf(value: unknown, count: number): number[] | undefined {
  if (!Array.isArray(value) || value.length < count) return undefined;
  return value.every((part) => typeof part === 'number' && Number.isFinite(part)) ? value : undefined;
}
