/** One way to break 3D Tiles, what verify must find then, all of that and nothing else, and the hands that break them. */
import type { GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import type { FaultCode } from '../../tiler/verify/fault.ts';
import { bytesAt, changeGlb, changeJson, changeSubtree, type Files3d, type Json3d, type OpenedGlb } from './3d-copy.ts';

export interface Breakage3d {
  readonly name: string;
  readonly profile: GlbProfile;
  readonly spoil: (files: Files3d) => void | Promise<void>;
  /** Files that are named, by kind: the kind that matters first. `some`: one or more. */
  readonly faults: Readonly<Partial<Record<FaultCode, readonly string[] | 'some'>>>;
  /** What may follow from it, as the fixture falls out. */
  readonly mayFollow: readonly FaultCode[];
}

/* Four tiles at each level from 1. The subtree holds nine of them, and lists four below. */
export const TILE = 'west/content/6/8/39.glb';
export const EAST_TILE = 'west/content/6/9/39.glb';
export const SUBTREE = 'west/subtrees/3/1/4.subtree';
export const BELOW = 'west/subtrees/6/8/39.subtree';
export const EXTERNAL = 'west/tilesets/3/1/4.json';
export const ROOT = 'tileset.json';
export const WEST = 'tileset.json root/0';

export type Faults = Breakage3d['faults'];
export type Change = Breakage3d['spoil'];

export function of(
  profile: GlbProfile,
  name: string,
  spoil: Change,
  faults: Faults,
  mayFollow: readonly FaultCode[] = [],
): Breakage3d {
  return { name, profile, spoil, faults, mayFollow };
}

export const root = (change: (json: Json3d) => void) => (files: Files3d) => changeJson(files, ROOT, change);
export const subtree =
  (change: (json: Json3d, binary: Uint8Array) => void, path = SUBTREE) =>
  (files: Files3d) =>
    changeSubtree(files, path, change);
export const glb =
  (change: (glb: OpenedGlb) => void, path = TILE) =>
  (files: Files3d) =>
    changeGlb(files, path, change);
export const bytes =
  (change: (bytes: Uint8Array) => Uint8Array, path = TILE) =>
  (files: Files3d) =>
    void files.set(path, change(bytesAt(files, path)));

export const primitiveOf = ({ json }: OpenedGlb): Json3d => json.meshes[0].primitives[0];
export const accessorOf = (opened: OpenedGlb, name: string): Json3d =>
  opened.json.accessors[primitiveOf(opened).attributes[name]];

/** Of the profile gis: plain numbers in the view's own bytes. */
export function floatsOf(opened: OpenedGlb, name: string): Float32Array {
  const { buffer, byteOffset, byteLength } = opened.views[accessorOf(opened, name).bufferView];
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

export function indicesOf(opened: OpenedGlb): Uint16Array {
  const { buffer, byteOffset, byteLength } =
    opened.views[opened.json.accessors[primitiveOf(opened).indices].bufferView];
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

export function boundAgain(opened: OpenedGlb): void {
  const values = floatsOf(opened, 'POSITION');
  for (const [key, pick] of [
    ['min', Math.min],
    ['max', Math.max],
  ] as const) {
    accessorOf(opened, 'POSITION')[key] = [0, 1, 2].map((axis) =>
      values.filter((_, i) => i % 3 === axis).reduce((a, b) => pick(a, b)),
    );
  }
}

/** Metres upwards, for vertices that `which` picks. */
export function lift(opened: OpenedGlb, metres: number, which: (vertex: number) => boolean): void {
  const values = floatsOf(opened, 'POSITION');
  const centre: number[] = opened.json.nodes[0].translation;
  for (let i = 0; i < values.length; i += 3) {
    const place = centre.map((value, axis) => value + values[i + axis]);
    // Along the ellipsoid's normal: the second axis is the Earth's own.
    place[1] *= 1.00673949674;
    const size = Math.hypot(...place);
    if (which(i / 3)) for (const axis of [0, 1, 2]) values[i + axis] += (metres * place[axis]) / size;
  }
  boundAgain(opened);
}

/** Skirts come last, of vertices and of triangles: the surface's index list ends where they begin. */
export function skirtsOf(opened: OpenedGlb): { vertices: number; firstIndex: number } {
  const indices = indicesOf(opened);
  const count = accessorOf(opened, 'POSITION').count;
  const texture = floatsOf(opened, 'TEXCOORD_0');
  const onSide = (k: number) =>
    [texture[2 * k], texture[2 * k + 1]]
      .map((value, axis) => (value === 0 ? 1 + axis : value === 1 ? 4 + axis : 0))
      .filter((side) => side > 0);
  let firstIndex = indices.length;
  const isSkirt = (t: number) => {
    const [a, b, c] = [0, 1, 2].map((k) => onSide(indices[t + k]));
    return a.some((side) => b.includes(side) && c.includes(side));
  };
  while (firstIndex > 0 && isSkirt(firstIndex - 3)) firstIndex -= 3;
  return {
    vertices: Math.max(...indices.subarray(0, firstIndex)) + 1,
    firstIndex: Math.min(firstIndex, 3 * count * 6),
  };
}

export function turn(indices: Uint16Array, from: number, to: number): void {
  for (let t = from; t < to; t += 3) [indices[t], indices[t + 1]] = [indices[t + 1], indices[t]];
}

/** Where the values of a property of a subtree begin. */
export function valuesAt(json: Json3d, property: string): number {
  return json.bufferViews[json.propertyTables[0].properties[property].values].byteOffset;
}

export function changeDoubles(
  binary: Uint8Array,
  at: number,
  change: (values: Float64Array) => void,
  count: number,
): void {
  const values = new Float64Array(binary.slice(at, at + 8 * count).buffer);
  change(values);
  binary.set(new Uint8Array(values.buffer), at);
}

/** Clears a bit of an availability, which must be a bitstream. */
export function clearBit(json: Json3d, binary: Uint8Array, availability: Json3d, bit: number): void {
  const at = json.bufferViews[availability.bitstream].byteOffset + (bit >> 3);
  if ((binary[at] >> (bit & 7)) % 2 === 0) throw new Error(`bit ${bit} is not set`);
  binary[at] &= ~(1 << (bit & 7));
  if (availability.availableCount !== undefined) availability.availableCount--;
}
