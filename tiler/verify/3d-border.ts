/**
 * Judges the border that two terrain tiles of a level share: the same vertices, in the same places within the sum of both
 * roundings, with the same normals. Skirts do not count.
 */
import type { PlacedMesh } from './3d-place.ts';
import type { BorderFault } from './check-border.ts';
import { type EdgeName, QUANTUM } from './decode.ts';
import { angleBetween, dot, length, subtract, upAt, type Vector } from './wgs84.ts';

export interface Border3d {
  readonly positions: readonly Vector[];
  readonly normals: readonly Vector[] | undefined;
  /** Metres by which a position, and radians by which a normal, may be off. */
  readonly rounding: number;
  readonly normalRounding: number;
  readonly up: Vector;
}

export type Borders3d = Readonly<Record<EdgeName, Border3d>>;

/** Undefined at the poles, where the vertices of a border cannot be told apart by their places. */
export function bordersOf3d({ mesh, sides, region, atPole }: PlacedMesh): Borders3d | undefined {
  if (atPole) return undefined;
  const { positions, normals, normalRounding } = mesh;
  // Heights that were quantized-mesh are whole steps of the tile's own range, which its region holds.
  const rounding = mesh.rounding + (region.most - region.least) / QUANTUM;
  const up = upAt((region.west + region.east) / 2, (region.south + region.north) / 2);
  const borderOf = (on: readonly number[]): Border3d => ({
    positions: on.map((i) => positions[i]),
    normals: normals && on.map((i) => normals[i]),
    rounding,
    normalRounding,
    up,
  });
  return {
    west: borderOf(sides.west),
    south: borderOf(sides.south),
    east: borderOf(sides.east),
    north: borderOf(sides.north),
  };
}

/** Normals come from tiles that round them by themselves. */
const NORMAL_STEP = 0.02;

export function compareBorders3d(here: Border3d, beyond: Border3d): BorderFault[] {
  if (here.positions.length !== beyond.positions.length) {
    const message = `${here.positions.length} and ${beyond.positions.length} vertices`;
    return [{ code: 'border-posts-differ', message, size: Math.abs(here.positions.length - beyond.positions.length) }];
  }
  const allowed = here.rounding + beyond.rounding + 1e-3;
  let gap = 0;
  let rise = 0;
  let turned = 0;
  for (const [i, position] of here.positions.entries()) {
    const apart = subtract(position, beyond.positions[i]);
    if (length(apart) > gap) rise = Math.abs(dot(apart, here.up));
    gap = Math.max(gap, length(apart));
    if (
      here.normals &&
      beyond.normals &&
      angleBetween(here.normals[i], beyond.normals[i]) > NORMAL_STEP + here.normalRounding + beyond.normalRounding
    )
      turned++;
  }
  const faults: BorderFault[] = [];
  if (gap > allowed) {
    const message = `vertices lie up to ${gap.toPrecision(4)} m apart, both roundings allow ${allowed.toPrecision(3)} m`;
    faults.push({ code: rise > 0.7 * gap ? 'border-heights-differ' : 'border-positions-differ', message, size: gap });
  }
  if (turned > 0)
    faults.push({
      code: 'border-normals-differ',
      message: `${turned} of ${here.positions.length} normals differ by more than their rounding`,
      size: turned,
    });
  return faults;
}
