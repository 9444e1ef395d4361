/**
 * The order in which a tile's triangles are written (quantized-mesh-1.0, "Index data": the format leaves it free), chosen
 * so that gzip finds repetition: a walk from triangle to triangle over common edges, round the tile's middle and outwards.
 * An entered triangle starts with the edge it was entered by and ends with the corner opposite, so that with vertices
 * numbered by first use most high-water codes are 0, 1, 2 or a near repeat; and neighbouring vertices get neighbouring
 * numbers, which keeps the differences of u and v small. docs/compactness.md has what else was tried.
 */
import type { TerrainMesh } from '../mesh/terrain-mesh.ts';

const MIDDLE = 16384;
const NONE = -1;

/**
 * The mesh's triangles, each with its corners turned but never flipped, in the order of the walk. Hangs on the mesh alone.
 * Each edge may have at most one triangle on either side; parts that hang together by no edge follow one another.
 */
export function orderTriangles(mesh: Pick<TerrainMesh, 'u' | 'v' | 'triangles'>): Uint16Array {
  const { triangles } = mesh;
  const corners = triangles.length;
  const twin = pairEdges(triangles, mesh.u.length);
  const written = new Uint8Array(corners / 3);
  const known = new Uint8Array(mesh.u.length);
  const unwrittenAt = countTriangles(triangles, mesh.u.length);
  /** Edges that lead on from written triangles and were passed by; the oldest is taken up first. */
  const waiting = new Int32Array(corners);
  let waitingCount = 0;
  let oldest = 0;
  let unvisited = 0;
  const out = new Uint16Array(corners);
  let entry = edgeInTheMiddle(mesh);
  for (let at = 0; at < corners; ) {
    const second = following(entry);
    const third = following(second);
    written[(entry / 3) | 0] = 1;
    for (const edge of [entry, second, third]) {
      out[at++] = triangles[edge];
      known[triangles[edge]] = 1;
      unwrittenAt[triangles[edge]]--;
    }
    if (at === 3) waiting[waitingCount++] = entry;
    entry = goOn(second, third);
  }
  return out;

  /** The edge by which the next triangle is entered, seen from inside it. */
  function goOn(right: number, left: number): number {
    if (leadsOn(right) && leadsOn(left)) {
      const turnLeft = closes(left) && !closes(right) && completes(left) <= completes(right);
      waiting[waitingCount++] = turnLeft ? right : left;
      return twin[turnLeft ? left : right];
    }
    if (leadsOn(right)) return twin[right];
    if (leadsOn(left)) return twin[left];
    while (oldest < waitingCount) {
      const edge = waiting[oldest++];
      if (leadsOn(edge)) return twin[edge];
    }
    while (written[unvisited]) unvisited++;
    return 3 * unvisited;
  }

  function leadsOn(edge: number): boolean {
    return twin[edge] !== NONE && written[(twin[edge] / 3) | 0] === 0;
  }

  /** Whether the triangle beyond brings no new vertex: the later it is written, the farther the code. */
  function closes(edge: number): boolean {
    return known[triangles[following(following(twin[edge]))]] === 1;
  }

  /** Vertices, 0 to 3, of which the triangle beyond is the last. */
  function completes(edge: number): number {
    const first = twin[edge];
    const second = following(first);
    let last = 0;
    for (const corner of [first, second, following(second)]) if (unwrittenAt[triangles[corner]] === 1) last++;
    return last;
  }
}

function countTriangles(triangles: Uint16Array, vertices: number): Uint16Array {
  const counts = new Uint16Array(vertices);
  for (const vertex of triangles) counts[vertex]++;
  return counts;
}

/** Edge e runs from corner e to the next corner of its triangle. */
function following(edge: number): number {
  return edge % 3 === 2 ? edge - 2 : edge + 1;
}

/** By edge: the same edge in the triangle beyond it, or -1. */
function pairEdges(triangles: Uint16Array, vertices: number): Int32Array {
  const twin = new Int32Array(triangles.length).fill(NONE);
  // Edges that start at a vertex, as a list through `nextThere`.
  const firstThere = new Int32Array(vertices).fill(NONE);
  const nextThere = new Int32Array(triangles.length);
  for (let edge = 0; edge < triangles.length; edge++) {
    const from = triangles[edge];
    const to = triangles[following(edge)];
    nextThere[edge] = firstThere[from];
    firstThere[from] = edge;
    for (let other = firstThere[to]; other !== NONE; other = nextThere[other]) {
      if (triangles[following(other)] !== from) continue;
      twin[edge] = other;
      twin[other] = edge;
      break;
    }
  }
  return twin;
}

/** An edge that starts at the vertex nearest to the tile's middle (the sum of both distances; of equals the first). */
function edgeInTheMiddle({ u, v, triangles }: Pick<TerrainMesh, 'u' | 'v' | 'triangles'>): number {
  let nearest = Infinity;
  let found = 0;
  for (let edge = 0; edge < triangles.length; edge++) {
    const distance = Math.abs(u[triangles[edge]] - MIDDLE) + Math.abs(v[triangles[edge]] - MIDDLE);
    if (distance < nearest) {
      nearest = distance;
      found = edge;
    }
  }
  return found;
}
