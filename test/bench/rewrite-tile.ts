/**
 * Writes a decoded quantized-mesh-1.0 tile again with other choices that the format leaves free or nearly so: the order of
 * triangles, a step of heights, coarser normals. So that what these cost and gain is measured on tiles as they are made.
 */
import { type DecodedTile, EDGE_NAMES, QUANTUM, vertexHeights } from '../../tiler/verify/decode.ts';

export interface Choices {
  /** The tile's triangles in another order, corners turned or not. */
  readonly triangles?: Uint32Array;
  /** Metres; heights become whole multiples, and the range grows until such a multiple is a power of two of codes. */
  readonly heightStep?: number;
  /** Bytes of normals become multiples of it. */
  readonly normalStep?: number;
}

/** `plain` are the bytes that `tile` was decoded from, not gzipped. */
export function rewriteTile(plain: Uint8Array, tile: DecodedTile, choices: Choices = {}): Uint8Array {
  const { triangles = tile.triangles, heightStep, normalStep = 1 } = choices;
  const bytes = Uint8Array.from(plain);
  const view = new DataView(bytes.buffer);
  const heights = heightStep === undefined ? tile.h : snapHeights(tile, heightStep, view);
  const rank = new Map<number, number>();
  for (const vertex of triangles) if (!rank.has(vertex)) rank.set(vertex, rank.size);
  const order = [...rank.keys()];
  let at = 92;
  for (const plane of [tile.u, tile.v, heights]) {
    let last = 0;
    for (const vertex of order) {
      const delta = plane[vertex] - last;
      last = plane[vertex];
      put((delta << 1) ^ (delta >> 31));
    }
  }
  at += 4;
  let next = 0;
  for (const vertex of triangles) {
    const number = numberOf(vertex);
    put(next - number);
    if (number === next) next++;
  }
  for (const name of EDGE_NAMES) {
    at += 4;
    for (const vertex of tile.edges[name]) put(numberOf(vertex));
  }
  for (const { id, payload } of tile.extensions) {
    at += 5;
    if (id === 1) {
      order.forEach((vertex, k) => {
        for (const i of [0, 1]) bytes[at + 2 * k + i] = coarser(payload[2 * vertex + i], normalStep);
      });
    }
    at += payload.length;
  }
  return bytes;

  function put(value: number): void {
    view.setUint16(at, value, true);
    at += 2;
  }
  function numberOf(vertex: number): number {
    const number = rank.get(vertex);
    if (number === undefined) throw new Error(`vertex ${vertex} is in no triangle`);
    return number;
  }
}

function coarser(byte: number, step: number): number {
  return Math.min(255, Math.round(byte / step) * step);
}

/** Codes of the heights as multiples of `step` metres; writes the range that they belong to into the header. */
function snapHeights(tile: DecodedTile, step: number, header: DataView): Int32Array {
  const least = Math.floor(tile.minimumHeight / step);
  const steps = Math.max(1, Math.ceil(tile.maximumHeight / step) - least);
  const codesInStep = 2 ** Math.floor(Math.log2(QUANTUM / steps));
  header.setFloat32(24, least * step, true);
  header.setFloat32(28, least * step + (step * QUANTUM) / codesInStep, true);
  return Int32Array.from(vertexHeights(tile), (height) => (Math.round(height / step) - least) * codesInStep);
}

/** Orders of triangles to compare with the one that tiles have, by name. */
export const ORDERS: Readonly<Record<string, (tile: DecodedTile) => Uint32Array>> = {
  'along a Hilbert curve': (tile) => sortBy(tile, hilbert),
  'along a Morton curve': (tile) => sortBy(tile, morton),
  'breadth first over edges': (tile) => walkEdges(tile, 'queue'),
  'depth first over edges': (tile) => walkEdges(tile, 'stack'),
  'by chance': (tile) => sortBy(tile, (x, y) => Math.imul(Math.imul(x, 73856093) ^ Math.imul(y, 19349663), 83492791)),
};

function sortBy({ u, v, triangles }: DecodedTile, key: (x: number, y: number) => number): Uint32Array {
  const keyed = Array.from({ length: triangles.length / 3 }, (_, t) => {
    const corners = triangles.subarray(3 * t, 3 * t + 3);
    const middle = (plane: Int32Array) => Math.floor(corners.reduce((sum, vertex) => sum + plane[vertex], 0) / 3);
    return { corners, key: key(middle(u), middle(v)) };
  });
  return Uint32Array.from(keyed.sort((a, b) => a.key - b.key).flatMap(({ corners }) => [...corners]));
}

function morton(x: number, y: number): number {
  let key = 0;
  for (let bit = 14; bit >= 0; bit--) key = key * 4 + 2 * ((y >> bit) & 1) + ((x >> bit) & 1);
  return key;
}

function hilbert(column: number, row: number): number {
  let [x, y, key] = [column, row, 0];
  for (let side = 1 << 14; side > 0; side >>= 1) {
    const east = (x & side) > 0 ? 1 : 0;
    const north = (y & side) > 0 ? 1 : 0;
    key += side * side * ((3 * east) ^ north);
    x &= side - 1;
    y &= side - 1;
    if (north === 1) continue;
    if (east === 1) [x, y] = [side - 1 - x, side - 1 - y];
    [x, y] = [y, x];
  }
  return key;
}

function walkEdges({ triangles }: DecodedTile, next: 'queue' | 'stack'): Uint32Array {
  const across = new Map<number, number>();
  const edge = (t: number, k: number) => triangles[3 * t + k] * 65536 + triangles[3 * t + ((k + 1) % 3)];
  const back = (t: number, k: number) => triangles[3 * t + ((k + 1) % 3)] * 65536 + triangles[3 * t + k];
  const count = triangles.length / 3;
  for (let t = 0; t < count; t++) for (let k = 0; k < 3; k++) across.set(edge(t, k), t);
  const seen = new Uint8Array(count);
  const open = [0];
  const out: number[] = [];
  while (open.length > 0) {
    const t = (next === 'queue' ? open.shift() : open.pop()) ?? 0;
    if (seen[t] === 1) continue;
    seen[t] = 1;
    out.push(...triangles.subarray(3 * t, 3 * t + 3));
    for (let k = 0; k < 3; k++) {
      const other = across.get(back(t, k));
      if (other !== undefined && seen[other] === 0) open.push(other);
    }
  }
  return Uint32Array.from(out);
}
