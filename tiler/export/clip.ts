/**
 * Cuts pieces of a surface at the sides of a box. Triangles are flat in space, so a cut along a meridian is exact; along a
 * parallel the new vertices lie on the side to a micrometre, and the chord between two of them is straight.
 */
import { ON_SIDE_METRES, type Side } from './box-sides.ts';
import type { Piece } from './piece.ts';

/** The part of a piece within all sides; undefined where nothing of it is. Equal edges get equal new vertices. */
export function clipPiece(piece: Piece, sides: readonly Side[]): Piece | undefined {
  let rest: Piece | undefined = piece;
  for (const side of sides) rest &&= clipAtSide(rest, side);
  return rest && rest !== piece ? withoutUnused(rest) : rest;
}

function clipAtSide(piece: Piece, side: Side): Piece | undefined {
  const { positions, triangles } = piece;
  const count = positions.length / 3;
  const distances = new Float64Array(count);
  let outside = 0;
  let inside = 0;
  for (let i = 0; i < count; i++) {
    const distance = side(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]);
    distances[i] = Math.abs(distance) <= ON_SIDE_METRES ? 0 : distance;
    if (distances[i] < 0) outside++;
    if (distances[i] > 0) inside++;
  }
  if (inside === 0) return undefined;
  if (outside === 0) return piece;
  const cuts = openCuts(piece, side, distances);
  const kept: number[] = [];
  const polygon: number[] = [];
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [triangles[i], triangles[i + 1], triangles[i + 2]];
    if (!corners.some((corner) => distances[corner] > 0)) continue;
    polygon.length = 0;
    for (let k = 0; k < 3; k++) {
      const from = corners[k];
      const to = corners[(k + 1) % 3];
      if (distances[from] >= 0) polygon.push(from);
      if (distances[from] * distances[to] < 0) polygon.push(cuts.at(from, to));
    }
    for (let k = 2; k < polygon.length; k++) kept.push(polygon[0], polygon[k - 1], polygon[k]);
  }
  return { ...piece, ...cuts.vertices(), triangles: Uint32Array.from(kept) };
}

interface Cuts {
  /** The vertex where the edge between two vertices crosses the side. */
  at(from: number, to: number): number;
  /** Those of the piece, then the new ones. */
  vertices(): Pick<Piece, 'positions' | 'normals' | 'uv'>;
}

function openCuts({ positions, normals, uv }: Piece, side: Side, distances: Float64Array): Cuts {
  const count = positions.length / 3;
  const known = new Map<number, number>();
  const places: number[] = [];
  const directions: number[] = [];
  const coordinates: number[] = [];
  return {
    at(from, to) {
      const a = Math.min(from, to);
      const b = Math.max(from, to);
      const key = a * count + b;
      const before = known.get(key);
      if (before !== undefined) return before;
      const share = shareAt(positions, a, b, side, distances);
      const between = (values: Float64Array | Float32Array, size: number, k: number) =>
        values[size * a + k] + share * (values[size * b + k] - values[size * a + k]);
      for (let k = 0; k < 3; k++) places.push(between(positions, 3, k));
      if (uv) for (let k = 0; k < 2; k++) coordinates.push(between(uv, 2, k));
      if (normals) {
        const direction = [between(normals, 3, 0), between(normals, 3, 1), between(normals, 3, 2)];
        const length = Math.hypot(...direction);
        // Opposite directions have no middle.
        if (length > 1e-6) directions.push(...direction.map((part) => part / length));
        else directions.push(...normals.subarray(3 * a, 3 * a + 3));
      }
      const vertex = count + places.length / 3 - 1;
      known.set(key, vertex);
      return vertex;
    },
    vertices: () => ({
      positions: joined(Float64Array, positions, places),
      normals: normals && joined(Float32Array, normals, directions),
      uv: uv && joined(Float32Array, uv, coordinates),
    }),
  };
}

/** Where between a (0) and b (1) the side lies, by false position (Illinois): one step where the side is a plane. */
function shareAt(positions: Float64Array, a: number, b: number, side: Side, distances: Float64Array): number {
  const distanceAt = (share: number) => {
    const part = (k: number) => positions[3 * a + k] + share * (positions[3 * b + k] - positions[3 * a + k]);
    return side(part(0), part(1), part(2));
  };
  let low = 0;
  let high = 1;
  let atLow = distances[a];
  let atHigh = distances[b];
  let share = 0;
  for (let step = 0; step < 60; step++) {
    share = (low * atHigh - high * atLow) / (atHigh - atLow);
    const here = distanceAt(share);
    if (Math.abs(here) < ON_SIDE_METRES / 100) break;
    if (here * atHigh < 0) {
      low = high;
      atLow = atHigh;
    } else {
      atLow /= 2;
    }
    high = share;
    atHigh = here;
  }
  return share;
}

function joined<T extends Float64Array | Float32Array>(
  kind: new (length: number) => T,
  first: T,
  more: readonly number[],
): T {
  const all = new kind(first.length + more.length);
  all.set(first);
  all.set(more, first.length);
  return all;
}

/** With the vertices alone that a triangle has, in the order of the triangles. */
export function withoutUnused(piece: Piece): Piece | undefined {
  if (piece.triangles.length === 0) return undefined;
  const numbers = new Int32Array(piece.positions.length / 3).fill(-1);
  const used: number[] = [];
  const triangles = piece.triangles.map((vertex) => {
    if (numbers[vertex] < 0) {
      numbers[vertex] = used.length;
      used.push(vertex);
    }
    return numbers[vertex];
  });
  const positions = new Float64Array(3 * used.length);
  const normals = piece.normals && new Float32Array(3 * used.length);
  const uv = piece.uv && new Float32Array(2 * used.length);
  for (const [i, vertex] of used.entries()) {
    positions.set(piece.positions.subarray(3 * vertex, 3 * vertex + 3), 3 * i);
    if (piece.normals) normals?.set(piece.normals.subarray(3 * vertex, 3 * vertex + 3), 3 * i);
    if (piece.uv) uv?.set(piece.uv.subarray(2 * vertex, 2 * vertex + 2), 2 * i);
  }
  return { ...piece, positions, normals, uv, triangles };
}
