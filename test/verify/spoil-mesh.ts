/** Changes to a tile's plan that several breakages need: vertices found, added, taken out and numbered anew. */
import type { TilePlan } from './tiny-tile.ts';

export const TOP = 32767;

/** Number of the vertex at u and v. */
export function vertexAt(plan: TilePlan, u: number, v: number): number {
  const found = plan.u.findIndex((value, i) => value === u && plan.v[i] === v);
  if (found < 0) throw new Error(`the tile has no vertex at ${u}, ${v}`);
  return found;
}

/** The first vertex that lies on no border. */
export function insideOf(plan: TilePlan): number {
  return plan.u.findIndex((u, i) => u > 0 && u < TOP && plan.v[i] > 0 && plan.v[i] < TOP);
}

/** A triangle none of whose corners lies on a border. */
export function insideTriangle({ u, v, triangles }: TilePlan): number {
  const inside = (vertex: number): boolean => u[vertex] > 0 && u[vertex] < TOP && v[vertex] > 0 && v[vertex] < TOP;
  const at = triangles.findIndex((_, k) => k % 3 === 0 && triangles.slice(k, k + 3).every(inside));
  if (at < 0) throw new Error('every triangle has a corner on a border');
  return at / 3;
}

/** Adds a vertex with the height and the normal of another. */
export function addVertex(plan: TilePlan, u: number, v: number, like: number): number {
  plan.u.push(u);
  plan.v.push(v);
  plan.h.push(plan.h[like]);
  for (const extension of plan.extensions) {
    if (extension.id !== 1) continue;
    extension.payload = Uint8Array.from([...extension.payload, ...extension.payload.slice(2 * like, 2 * like + 2)]);
  }
  return plan.u.length - 1;
}

/** Twice the area of triangle t, positive when counter-clockwise. */
export function areaOf({ u, v, triangles }: TilePlan, t: number): number {
  const [a, b, c] = triangles.slice(3 * t, 3 * t + 3);
  return (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]);
}

/** Numbers vertices by first use, drops those that no triangle uses, and lists the edges again. */
export function tidy(plan: TilePlan): void {
  const order: number[] = [];
  const numbers = new Map<number, number>();
  for (const vertex of plan.triangles) {
    if (numbers.has(vertex)) continue;
    numbers.set(vertex, order.length);
    order.push(vertex);
  }
  const normals = plan.extensions.find(({ id }) => id === 1);
  if (normals) {
    const { payload } = normals;
    normals.payload = Uint8Array.from(order.flatMap((i) => [payload[2 * i], payload[2 * i + 1]]));
  }
  plan.triangles = plan.triangles.map((vertex) => numbers.get(vertex) as number);
  for (const name of ['u', 'v', 'h'] as const) plan[name] = order.map((i) => plan[name][i]);
  listEdges(plan);
}

export function listEdges(plan: TilePlan): void {
  const edge = (across: readonly number[], along: readonly number[], at: number): number[] =>
    across.flatMap((value, i) => (value === at ? [i] : [])).sort((a, b) => along[a] - along[b]);
  const { u, v } = plan;
  plan.edges = [edge(u, v, 0), edge(v, u, 0), edge(u, v, TOP), edge(v, u, TOP)];
}

/** Takes a vertex of the east border out, and leaves the tile sound: it is drawn into a neighbour on the border. */
export function takeOutOfEast(plan: TilePlan): void {
  const east = plan.edges[2];
  for (let i = 1; i < east.length - 1; i++) {
    for (const into of [east[i - 1], east[i + 1]]) {
      const drawn = plan.triangles.map((vertex) => (vertex === east[i] ? into : vertex));
      const triangles: number[] = [];
      for (let t = 0; t < drawn.length; t += 3) {
        const corners = drawn.slice(t, t + 3);
        if (new Set(corners).size === 3) triangles.push(...corners);
      }
      const after = { ...plan, triangles };
      if (triangles.every((_, k) => k % 3 > 0 || areaOf(after, k / 3) > 0)) {
        plan.triangles = triangles;
        tidy(plan);
        return;
      }
    }
  }
  throw new Error('no vertex of the east border can be taken out');
}

/** Cuts the triangle at the first side of the east border in two, with a new vertex in the middle of that side. */
export function cutEast(plan: TilePlan): void {
  const [low, high] = plan.edges[2];
  const t = plan.triangles.findIndex(
    (_, k) => k % 3 === 0 && [low, high].every((vertex) => plan.triangles.slice(k, k + 3).includes(vertex)),
  );
  const corners = plan.triangles.slice(t, t + 3);
  const turn = corners.indexOf(low);
  const third = corners[(turn + 2) % 3];
  const middle = addVertex(plan, TOP, Math.round((plan.v[low] + plan.v[high]) / 2), low);
  plan.h[middle] = Math.round((plan.h[low] + plan.h[high]) / 2);
  plan.triangles.splice(t, 3, low, middle, third, middle, high, third);
  tidy(plan);
}

/** Walls down from every border, as makers of other formats bake them in. */
export function addSkirts(plan: TilePlan): void {
  for (const list of plan.edges.map((edge) => [...edge])) {
    const below = list.map((vertex) => addVertex(plan, plan.u[vertex], plan.v[vertex], vertex));
    for (const vertex of below) plan.h[vertex] = 0;
    for (let i = 0; i + 1 < list.length; i++) {
      plan.triangles.push(list[i], below[i], list[i + 1], list[i + 1], below[i], below[i + 1]);
    }
  }
}

export function swap(list: number[], i: number, j: number): void {
  [list[i], list[j]] = [list[j], list[i]];
}

/** The vector with another length. */
export function withLength(vector: readonly number[], length: number): number[] {
  const now = Math.hypot(...vector);
  return vector.map((value) => (value / now) * length);
}
