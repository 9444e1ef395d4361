/**
 * A surface made ready to be cut up: positions rounded to steps that all its tiles share, vertices that are alike made
 * one, triangles without area left out, normals where the file has none. East, north and up in metres.
 */
import type { SurfaceMesh, UnplacedSurface } from '../geo/surface-mesh.ts';
import { numberRows } from './weld.ts';

export interface TidySurface extends SurfaceMesh {
  /** Positions are whole multiples of 2 to the power of this, metres. */
  readonly stepPower: number;
  /** The number of each vertex's position: vertices that differ in picture or normal alone have the same. */
  readonly places: Uint32Array;
  /** Least east, north, up, then greatest; metres. */
  readonly box: readonly number[];
}

/** Steps of half a millimetre at most; finer for what is smaller than 128 m, coarser beyond 4 km, where 24 bits end. */
const COARSEST_POWER = -11;
const BITS_OF_SMALL = 18;
const BITS = 23;

export function tidySurface(mesh: SurfaceMesh): TidySurface {
  const box = boxOf(mesh.positions);
  const extent = Math.log2(Math.max(box[3] - box[0], box[4] - box[1], box[5] - box[2], 2 ** -20));
  const stepPower = Math.max(Math.min(Math.ceil(extent) - BITS_OF_SMALL, COARSEST_POWER), Math.ceil(extent) - BITS);
  const step = 2 ** stepPower;
  const { uv, material } = mesh;
  const steps = Int32Array.from(mesh.positions, (value) => Math.round(value / step));
  const placeOf = numberRows(steps, 3).numbers;
  const normals = fillNormals(mesh, placeOf);
  const width = 9;
  const words = new Int32Array(width * material.length);
  const uvBits = new Int32Array(uv.buffer, uv.byteOffset, uv.length);
  for (let vertex = 0; vertex < material.length; vertex++) {
    const at = width * vertex;
    for (let k = 0; k < 3; k++) {
      words[at + k] = steps[3 * vertex + k];
      words[at + 3 + k] = Math.round(normals[3 * vertex + k] * NORMAL_STEPS);
    }
    words[at + 6] = uvBits[2 * vertex];
    words[at + 7] = uvBits[2 * vertex + 1];
    words[at + 8] = material[vertex];
  }
  const { numbers, firsts } = numberRows(words, width);
  const pick = <T extends Float64Array | Float32Array>(from: ArrayLike<number>, out: T, each: number): T => {
    for (let i = 0; i < out.length; i++) out[i] = from[each * firsts[Math.floor(i / each)] + (i % each)];
    return out;
  };
  const positions = pick(steps, new Float64Array(3 * firsts.length), 3).map((value) => value * step);
  return {
    ...mesh,
    positions,
    normals: pick(normals, new Float32Array(3 * firsts.length), 3),
    uv: pick(uv, new Float32Array(2 * firsts.length), 2),
    material: Uint16Array.from(firsts, (vertex) => material[vertex]),
    triangles: mesh.triangles
      .filter((_, i, all) => hasArea(all[i - (i % 3)], all[i - (i % 3) + 1], all[i - (i % 3) + 2]))
      .map((vertex) => numbers[vertex]),
    stepPower,
    places: Uint32Array.from(firsts, (vertex) => placeOf[vertex]),
    box: boxOf(positions),
  };

  function hasArea(a: number, b: number, c: number): boolean {
    return placeOf[a] !== placeOf[b] && placeOf[b] !== placeOf[c] && placeOf[c] !== placeOf[a];
  }
}

/** Normals are written with 8 bits: those that differ by less than a tenth of that are one. */
const NORMAL_STEPS = 2000;

/** Where a vertex has none: the mean of the triangles round its place, by area. */
function fillNormals({ positions, normals, triangles }: UnplacedSurface, placeOf: Uint32Array): Float32Array {
  if (!normals.some(Number.isNaN)) return normals;
  const sums = new Float64Array(3 * placeOf.length);
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [3 * triangles[i], 3 * triangles[i + 1], 3 * triangles[i + 2]];
    const u = [0, 1, 2].map((k) => positions[b + k] - positions[a + k]);
    const v = [0, 1, 2].map((k) => positions[c + k] - positions[a + k]);
    const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    for (const corner of [a, b, c]) for (let k = 0; k < 3; k++) sums[3 * placeOf[corner / 3] + k] += cross[k];
  }
  const out = normals.slice();
  for (let vertex = 0; vertex < placeOf.length; vertex++) {
    if (!Number.isNaN(normals[3 * vertex])) continue;
    const [x, y, z] = sums.subarray(3 * placeOf[vertex], 3 * placeOf[vertex] + 3);
    const length = Math.hypot(x, y, z);
    // Sides that cancel each other, as of a sheet with two faces, leave none: up is as good as any.
    out.set(length > 0 ? [x / length, y / length, z / length] : [0, 0, 1], 3 * vertex);
  }
  return out;
}

/** Least x, y, z, then greatest. */
export function boxOf(positions: Float64Array): number[] {
  const box = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i += 3) {
    for (let axis = 0; axis < 3; axis++) {
      const value = positions[i + axis];
      if (value < box[axis]) box[axis] = value;
      if (value > box[axis + 3]) box[axis + 3] = value;
    }
  }
  return box;
}
