/**
 * A tiny writer of quantized-mesh for the verifier's own tests: a regular grid of any height function, as a plan that a test
 * can break before it is written. Slow and plain; shares nothing with the tiler's encoder, and not the verifier's formulas
 * for the occlusion point either.
 */
import { gzipSync } from 'node:zlib';
import { GEOGRAPHIC, type JudgedTile, type Tiling } from '../../tiler/verify/tiling.ts';
import { length, subtract, toEcef, toScaled, upAt, type Vector } from '../../tiler/verify/wgs84.ts';

/** Everything that stands in a tile, before coding. Tests change it at will. */
export interface TilePlan {
  centre: number[];
  minimumHeight: number;
  maximumHeight: number;
  sphereCentre: number[];
  sphereRadius: number;
  occlusionPoint: number[];
  u: number[];
  v: number[];
  h: number[];
  triangles: number[];
  /** West, south, east, north. */
  edges: number[][];
  extensions: { id: number; payload: Uint8Array }[];
  /** Bytes after the last extension. */
  tail: Uint8Array;
}

export interface PlanOptions {
  /** Cells along a side. */
  readonly cells?: number;
  readonly normals?: boolean;
  /** Ends of the height scale in metres, when not those of the vertices. */
  readonly range?: readonly [number, number];
  readonly tiling?: Tiling;
}

const TOP = 32767;

/** A sound tile: heights (metres above the ellipsoid) of a function of longitude and latitude in degrees. */
export function planTile(
  id: JudgedTile,
  height: (lon: number, lat: number) => number,
  { cells = 4, normals = true, range, tiling = GEOGRAPHIC }: PlanOptions = {},
): TilePlan {
  const box = tiling.box(id);
  const order: number[] = [];
  const side = cells + 1;
  const numbers = new Map<number, number>();
  const triangles: number[] = [];
  for (let j = 0; j < cells; j++) {
    for (let i = 0; i < cells; i++) {
      const post = j * side + i;
      for (const corner of [post, post + 1, post + side, post + side, post + 1, post + side + 1]) {
        let number = numbers.get(corner);
        if (number === undefined) {
          number = order.length;
          numbers.set(corner, number);
          order.push(corner);
        }
        triangles.push(number);
      }
    }
  }
  const u = order.map((post) => Math.round(((post % side) / cells) * TOP));
  const v = order.map((post) => Math.round((Math.floor(post / side) / cells) * TOP));
  const lon = (i: number): number => box.west + (u[i] / TOP) * box.width;
  const lat = (i: number): number => box.south + (v[i] / TOP) * box.height;
  const heights = order.map((_, i) => height(lon(i), lat(i)));
  const [low, high] = range ?? [Math.min(...heights), Math.max(...heights)];
  const minimumHeight = floorToFloat(low);
  const maximumHeight = -floorToFloat(-high);
  const scale = maximumHeight > minimumHeight ? TOP / (maximumHeight - minimumHeight) : 0;
  const h = heights.map((metres) => Math.round((metres - minimumHeight) * scale));
  const positions = h.map((code, i) =>
    toEcef(lon(i), lat(i), minimumHeight + (code / TOP) * (maximumHeight - minimumHeight)),
  );
  const middle = toEcef(box.west + box.width / 2, box.south + box.height / 2, 0);
  const edge = (across: number[], along: number[], at: number): number[] =>
    order.flatMap((_, i) => (across[i] === at ? [i] : [])).sort((a, b) => along[a] - along[b]);
  return {
    centre: [...middle],
    minimumHeight,
    maximumHeight,
    sphereCentre: [...middle],
    sphereRadius: positions.reduce((far, p) => Math.max(far, length(subtract(p, middle))), 0),
    occlusionPoint: occlusionPoint(middle, positions),
    u,
    v,
    h,
    triangles,
    edges: [edge(u, v, 0), edge(v, u, 0), edge(u, v, TOP), edge(v, u, TOP)],
    extensions: normals ? [{ id: 1, payload: upNormals(order.map((_, i) => upAt(lon(i), lat(i)))) }] : [],
    tail: new Uint8Array(),
  };
}

/** Bytes of the plan, coded by the specification. */
export function writeTile(plan: TilePlan, coding: 'gzip' | 'identity' = 'identity'): Uint8Array {
  const wide = plan.u.length > 65536;
  const bytes: number[] = [];
  const put = (size: number, set: (view: DataView) => void): void => {
    const view = new DataView(new ArrayBuffer(size));
    set(view);
    for (let i = 0; i < size; i++) bytes.push(view.getUint8(i));
  };
  const f64 = (value: number): void => put(8, (view) => view.setFloat64(0, value, true));
  const f32 = (value: number): void => put(4, (view) => view.setFloat32(0, value, true));
  const u32 = (value: number): void => put(4, (view) => view.setUint32(0, value, true));
  const u16 = (value: number): void => put(2, (view) => view.setUint16(0, value, true));
  const index = wide ? u32 : u16;

  plan.centre.forEach(f64);
  f32(plan.minimumHeight);
  f32(plan.maximumHeight);
  plan.sphereCentre.forEach(f64);
  f64(plan.sphereRadius);
  plan.occlusionPoint.forEach(f64);
  u32(plan.u.length);
  for (const values of [plan.u, plan.v, plan.h]) {
    let last = 0;
    for (const value of values) {
      const step = value - last;
      u16(step < 0 ? -2 * step - 1 : 2 * step);
      last = value;
    }
  }
  if (wide) while (bytes.length % 4 !== 0) bytes.push(0);
  u32(plan.triangles.length / 3);
  let next = 0;
  for (const vertex of plan.triangles) {
    index(next - vertex);
    if (vertex === next) next++;
  }
  for (const list of plan.edges) {
    u32(list.length);
    list.forEach(index);
  }
  for (const { id, payload } of plan.extensions) {
    bytes.push(id);
    u32(payload.length);
    for (const byte of payload) bytes.push(byte);
  }
  for (const byte of plan.tail) bytes.push(byte);
  const plain = Uint8Array.from(bytes);
  return coding === 'gzip' ? gzipSync(plain) : plain;
}

/** Two bytes a vertex. */
export function upNormals(normals: readonly Vector[]): Uint8Array {
  const bytes: number[] = [];
  for (const [nx, ny, nz] of normals) {
    const sum = Math.abs(nx) + Math.abs(ny) + Math.abs(nz);
    const fold = nz < 0;
    const x = fold ? (1 - Math.abs(ny) / sum) * (nx < 0 ? -1 : 1) : nx / sum;
    const y = fold ? (1 - Math.abs(nx) / sum) * (ny < 0 ? -1 : 1) : ny / sum;
    bytes.push(Math.round((x * 0.5 + 0.5) * 255), Math.round((y * 0.5 + 0.5) * 255));
  }
  return Uint8Array.from(bytes);
}

/** By the formula that CesiumJS uses, in the direction of the middle; the far point where that has no answer. */
function occlusionPoint(middle: Vector, positions: readonly Vector[]): number[] {
  const [x, y, z] = toScaled(middle);
  const size = Math.hypot(x, y, z);
  const direction = [x / size, y / size, z / size];
  let greatest = 0;
  for (const position of positions) {
    const p = toScaled(position);
    const distance = Math.hypot(...p);
    const along = (p[0] * direction[0] + p[1] * direction[1] + p[2] * direction[2]) / distance;
    const aside = Math.sqrt(Math.max(0, 1 - along * along));
    const clamped = Math.max(1, distance);
    const k = 1 / (along / clamped - (aside * Math.sqrt(clamped * clamped - 1)) / clamped);
    greatest = k > 0 && k < 1e6 ? Math.max(greatest, k) : 1e6;
    if (greatest === 1e6) break;
  }
  return direction.map((value) => value * greatest * (1 + 1e-12));
}

function floorToFloat(value: number): number {
  const near = Math.fround(value);
  if (near <= value) return near;
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, near);
  bits.setInt32(0, bits.getInt32(0) + (near > 0 ? -1 : near < 0 ? 1 : -0x7fffffff));
  return bits.getFloat32(0);
}
