/**
 * Bounding volumes and transforms of 3D Tiles 1.1 ("Bounding Volumes", "Transforms"): regions in radians and ellipsoidal
 * metres, boxes and spheres in the tile's frame; matrices are column-major, 16 numbers.
 */
import type { FaultCode } from './fault.ts';
import { GEOGRAPHIC, type JudgedTile } from './tiling.ts';
import { DEGREE, dot, ECCENTRICITY2, EQUATOR_RADIUS, length, POLE_RADIUS, subtract, type Vector } from './wgs84.ts';

export type Report = (code: FaultCode, message: string, size?: number) => void;
export type Matrix = readonly number[];
export type Json = Record<string, unknown>;

export const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** Degrees; east may exceed 180 where the region crosses the date line. */
export interface Region {
  readonly kind: 'region';
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly least: number;
  readonly most: number;
}

/** In Earth-centred metres. */
export interface Box {
  readonly kind: 'box';
  readonly centre: Vector;
  readonly axes: readonly [Vector, Vector, Vector];
}

export interface Ball {
  readonly kind: 'sphere';
  readonly centre: Vector;
  readonly radius: number;
}

export type Volume = Region | Box | Ball;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isNumbers(value: unknown, count: number): value is number[] {
  return Array.isArray(value) && value.length === count && value.every((one) => Number.isFinite(one));
}

/** Undefined where it is wrong, which is reported. */
export function readVolume(json: unknown, transform: Matrix, what: string, report: Report): Volume | undefined {
  const wrong = (why: string): undefined => void report('volume-invalid', `${what}: ${why}`);
  if (!isObject(json)) return wrong('there is no boundingVolume');
  if (json.region !== undefined) {
    if (!isNumbers(json.region, 6)) return wrong(`region is ${text(json.region)}, expected six finite numbers`);
    const [west, south, east, north, least, most] = json.region;
    if (
      Math.max(Math.abs(west), Math.abs(east)) > Math.PI + 1e-9 ||
      Math.max(Math.abs(south), Math.abs(north)) > Math.PI / 2 + 1e-9
    )
      return wrong(`region ${text(json.region)} lies beyond pi or pi/2: expected radians`);
    if (south >= north || west === east) return wrong(`region ${text(json.region)} has no area`);
    if (least > most) return wrong(`region has its least height ${least} above its greatest ${most}`);
    const turn = west > east ? 360 : 0;
    return {
      kind: 'region',
      west: west / DEGREE,
      south: south / DEGREE,
      east: east / DEGREE + turn,
      north: north / DEGREE,
      least,
      most,
    };
  }
  if (json.box !== undefined) {
    if (!isNumbers(json.box, 12)) return wrong(`box is ${text(json.box)}, expected twelve finite numbers`);
    const at = (i: number): Vector =>
      Array.isArray(json.box) ? [json.box[i], json.box[i + 1], json.box[i + 2]] : [0, 0, 0];
    const axes = [3, 6, 9].map((i) => turnVector(transform, at(i))) as unknown as Box['axes'];
    if (axes.filter((axis) => length(axis) > 0).length < 2) return wrong('box has no extent');
    return { kind: 'box', centre: movePoint(transform, at(0)), axes };
  }
  if (json.sphere !== undefined) {
    if (!isNumbers(json.sphere, 4)) return wrong(`sphere is ${text(json.sphere)}, expected four finite numbers`);
    const [x, y, z, radius] = json.sphere;
    if (radius <= 0) return wrong(`sphere has the radius ${radius}`);
    const scale = Math.max(...[0, 4, 8].map((i) => Math.hypot(transform[i], transform[i + 1], transform[i + 2])));
    return { kind: 'sphere', centre: movePoint(transform, [x, y, z]), radius: radius * scale };
  }
  return wrong('boundingVolume has none of region, box and sphere');
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

export function movePoint(m: Matrix, [x, y, z]: Vector): Vector {
  return [
    m[0] * x + m[4] * y + m[8] * z + m[12],
    m[1] * x + m[5] * y + m[9] * z + m[13],
    m[2] * x + m[6] * y + m[10] * z + m[14],
  ];
}

export function turnVector(m: Matrix, [x, y, z]: Vector): Vector {
  return [m[0] * x + m[4] * y + m[8] * z, m[1] * x + m[5] * y + m[9] * z, m[2] * x + m[6] * y + m[10] * z];
}

/** a after b. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  return Array.from({ length: 16 }, (_, i) => {
    const row = i % 4;
    const column = i - row;
    return [0, 1, 2, 3].reduce((sum, k) => sum + a[4 * k + row] * b[column + k], 0);
  });
}

/** Metres by which a point lies outside, at most; 0 or less inside. Of a region its heights alone count as metres. */
export function outside(volume: Box | Ball, point: Vector): number {
  const away = subtract(point, volume.centre);
  if (volume.kind === 'sphere') return length(away) - volume.radius;
  let most = Number.NEGATIVE_INFINITY;
  for (const axis of volume.axes) {
    const half = length(axis);
    if (half > 0) most = Math.max(most, Math.abs(dot(away, axis)) / half - half);
  }
  return most;
}

/** Why a child's volume is not within its parent's, with `slack` metres; undefined where it is, or kinds differ. */
export function leaves(child: Volume, parent: Volume, slack: number): string | undefined {
  if (child.kind === 'region' && parent.kind === 'region') {
    const degrees = 1e-7 + Math.min(slack, 0.01 * sizeOf(parent)) / (EQUATOR_RADIUS * DEGREE);
    const turn = child.west < parent.west - 180 ? 360 : 0;
    const beside = Math.max(
      parent.west - child.west - turn,
      child.east + turn - parent.east,
      parent.south - child.south,
      child.north - parent.north,
    );
    if (beside > degrees) return `reaches ${beside.toPrecision(3)} degrees beyond its parent's`;
    const above = Math.max(parent.least - child.least, child.most - parent.most);
    if (above > slack + 1e-3)
      return `reaches ${above.toPrecision(4)} m above or below its parent's, ${slack.toPrecision(3)} m are what both may be off`;
  } else if (child.kind !== 'region' && parent.kind !== 'region') {
    const far =
      child.kind === 'sphere'
        ? outside(parent, child.centre) + child.radius
        : Math.max(...cornersOf(child).map((corner) => outside(parent, corner)));
    const allowed = slack + 1e-3 * sizeOf(parent);
    if (far > allowed) return `reaches ${far.toPrecision(4)} m beyond its parent's`;
  }
  return undefined;
}

export function sizeOf(volume: Volume): number {
  if (volume.kind === 'sphere') return volume.radius;
  if (volume.kind === 'box') return Math.max(...volume.axes.map(length));
  return (volume.north - volume.south) * DEGREE * EQUATOR_RADIUS;
}

function cornersOf({ centre, axes }: Box): Vector[] {
  return Array.from({ length: 8 }, (_, k) =>
    axes.reduce<Vector>((sum, axis, i) => {
      const sign = (k >> i) & 1 ? 1 : -1;
      return [sum[0] + sign * axis[0], sum[1] + sign * axis[1], sum[2] + sign * axis[2]];
    }, centre),
  );
}

/** The tile of the geographic scheme that a region is, to a millionth of its side; undefined when it is none. */
export function gridTile({ west, south, east, north }: Region): JudgedTile | undefined {
  const side = north - south;
  const z = Math.round(Math.log2(180 / side));
  if (z < 0 || z > 30 || Math.abs(180 / 2 ** z - side) > 1e-6 * side || Math.abs(east - west - side) > 1e-6 * side)
    return undefined;
  const x = Math.round((west + 180) / side);
  const fromSouth = Math.round((south + 90) / side);
  const box = GEOGRAPHIC.box({ z, x, y: 2 ** z - 1 - fromSouth });
  const off = Math.max(Math.abs(box.west - west), Math.abs(box.south - south));
  return off > 1e-6 * side ? undefined : { z, x, y: 2 ** z - 1 - fromSouth };
}

/** Geodetic degrees and ellipsoidal metres of a position in ECEF metres, to a micrometre near the ground. */
export function toGeodetic([x, y, z]: Vector): { lon: number; lat: number; height: number } {
  const across = Math.hypot(x, y);
  let parametric = Math.atan2(z * EQUATOR_RADIUS, across * POLE_RADIUS);
  let lat = 0;
  const second = ECCENTRICITY2 / (1 - ECCENTRICITY2);
  for (let i = 0; i < 3; i++) {
    lat = Math.atan2(
      z + second * POLE_RADIUS * Math.sin(parametric) ** 3,
      across - ECCENTRICITY2 * EQUATOR_RADIUS * Math.cos(parametric) ** 3,
    );
    parametric = Math.atan2((POLE_RADIUS / EQUATOR_RADIUS) * Math.sin(lat), Math.cos(lat));
  }
  const sin = Math.sin(lat);
  const prime = EQUATOR_RADIUS / Math.sqrt(1 - ECCENTRICITY2 * sin * sin);
  const height = across * Math.cos(lat) + z * sin - (EQUATOR_RADIUS * EQUATOR_RADIUS) / prime;
  return { lon: Math.atan2(y, x) / DEGREE, lat: lat / DEGREE, height };
}
