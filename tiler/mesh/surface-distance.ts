/**
 * How far one surface reaches from another. Where both are flat their distance is linear, so it is greatest where an edge
 * or a vertex of the one or the other lies: edges are followed, both ways. Along an edge it is bounded, and not sampled:
 * a piece is halved until the distances at its ends tell that nothing between them lies much further.
 */
import { openTriangleTree, type TriangleTree } from './triangle-tree.ts';

export interface TriangleSurface {
  /** 3 numbers a vertex, metres. */
  readonly positions: Float32Array | Float64Array;
  readonly triangles: Uint32Array;
}

/** By how much the bound may lie above the greatest distance that was seen. */
const SLACK = 1.1;
/** Pieces of edges after which what is left counts with its bound as it is. */
const MOST_PIECES = 2_000_000;

/** Metres; the greater of both directions. `exact` for surfaces that are alike to so many metres. */
export function distanceBetween(a: TriangleSurface, b: TriangleSurface, exact: number): number {
  if (a.triangles.length === 0 || b.triangles.length === 0) return Infinity;
  const there = reachFrom(a, openTriangleTree(b.positions, b.triangles), exact);
  return Math.max(there, reachFrom(b, openTriangleTree(a.positions, a.triangles), Math.max(exact, there / SLACK)));
}

/** How far edges of `surface` reach from the triangles of a tree: at most 1.1 times the truth, or `exact`. */
export function reachFrom({ positions, triangles }: TriangleSurface, tree: TriangleTree, exact: number): number {
  const hit = { triangle: 0 };
  const vertices = positions.length / 3;
  const nearestTo = new Int32Array(vertices).fill(-1);
  const distances = new Float64Array(vertices);
  /** The greatest distance that is really there. */
  let seen = exact;
  let bound = exact;
  let pieces = 0;
  for (let i = 0; i < triangles.length; i++) {
    const vertex = triangles[i];
    if (nearestTo[vertex] >= 0) continue;
    const at = 3 * vertex;
    distances[vertex] = look(positions[at], positions[at + 1], positions[at + 2]);
    nearestTo[vertex] = hit.triangle;
  }
  bound = seen;
  const followed = new Set<number>();
  for (let i = 0; i < triangles.length; i++) {
    const [one, other] = [triangles[i], triangles[i % 3 === 2 ? i - 2 : i + 1]];
    const [a, b] = one < other ? [one, other] : [other, one];
    const edge = a * vertices + b;
    if (followed.has(edge)) continue;
    followed.add(edge);
    const [p, q] = [3 * a, 3 * b];
    const [ax, ay, az] = [positions[p], positions[p + 1], positions[p + 2]];
    const [bx, by, bz] = [positions[q], positions[q + 1], positions[q + 2]];
    follow(ax, ay, az, distances[a], nearestTo[a], bx, by, bz, distances[b], nearestTo[b]);
  }
  return Math.max(bound, seen);

  /** The distance of a point, and `hit` the triangle that it is nearest to. */
  function look(x: number, y: number, z: number): number {
    const distance = Math.sqrt(tree.nearest(x, y, z, hit));
    if (distance > seen) seen = distance;
    return distance;
  }

  /**
   * No point between the ends lies further than half of both distances and the length: a distance grows by no more than
   * one walks. Nor further than the ends lie from any one triangle, since a triangle is convex.
   */
  function follow(
    ax: number,
    ay: number,
    az: number,
    distanceA: number,
    nearA: number,
    bx: number,
    by: number,
    bz: number,
    distanceB: number,
    nearB: number,
  ): void {
    const enough = seen * SLACK;
    let upper = (distanceA + distanceB + Math.hypot(bx - ax, by - ay, bz - az)) / 2;
    if (upper > enough) upper = Math.min(upper, Math.max(distanceA, Math.sqrt(tree.distanceTo(nearA, bx, by, bz))));
    if (upper > enough) upper = Math.min(upper, Math.max(distanceB, Math.sqrt(tree.distanceTo(nearB, ax, ay, az))));
    if (upper <= enough || pieces >= MOST_PIECES) {
      if (upper > bound) bound = upper;
      return;
    }
    pieces++;
    const [x, y, z] = [(ax + bx) / 2, (ay + by) / 2, (az + bz) / 2];
    hit.triangle = nearA;
    const distance = look(x, y, z);
    const near = hit.triangle;
    follow(ax, ay, az, distanceA, nearA, x, y, z, distance, near);
    follow(x, y, z, distance, near, bx, by, bz, distanceB, nearB);
  }
}
