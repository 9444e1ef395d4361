/**
 * A tree of boxes round triangles in space, for the nearest point of a surface: split at the median of the centres along
 * the longest side. Positions are in any metric frame, 3 numbers a vertex; triangles are 3 vertices each.
 */

export interface TriangleTree {
  /** Squared distance from a point to the nearest triangle, which is told by `hit.triangle`; it tries `hit` first. */
  nearest(x: number, y: number, z: number, hit: { triangle: number }): number;
  /** Squared distance from a point to one triangle. */
  distanceTo(triangle: number, x: number, y: number, z: number): number;
}

const LEAF_TRIANGLES = 6;

/** Needs one triangle at least. */
export function openTriangleTree(positions: Float32Array | Float64Array, triangles: Uint32Array): TriangleTree {
  const count = triangles.length / 3;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const centres = centresOf(positions, triangles);
  const corners = new Float64Array(count * 9);
  for (let i = 0; i < triangles.length; i++) {
    for (let axis = 0; axis < 3; axis++) corners[3 * i + axis] = positions[3 * triangles[i] + axis];
  }
  /** Of each node: least and greatest x, y, z. */
  const boxes: number[] = [];
  /** Of each node: first triangle and their number in a leaf; second child and 0 otherwise. The first child is the next node. */
  const nodes: number[] = [];
  grow(0, count);
  const stack = new Int32Array(128);
  return { nearest, distanceTo };

  function grow(from: number, to: number): void {
    const node = nodes.length / 2;
    const box = boxOf(from, to);
    boxes.push(...box);
    nodes.push(from, to - from);
    if (to - from <= LEAF_TRIANGLES) return;
    const axis = longestAxis(box);
    const middle = (from + to) >> 1;
    selectByCentre(order, centres, axis, from, to, middle);
    grow(from, middle);
    nodes[2 * node] = nodes.length / 2;
    nodes[2 * node + 1] = 0;
    grow(middle, to);
  }

  function boxOf(from: number, to: number): number[] {
    const box = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
    for (let i = from; i < to; i++) {
      for (let k = 0; k < 9; k++) {
        const value = corners[9 * order[i] + k];
        const axis = k % 3;
        if (value < box[axis]) box[axis] = value;
        if (value > box[axis + 3]) box[axis + 3] = value;
      }
    }
    return box;
  }

  function nearest(x: number, y: number, z: number, hit: { triangle: number }): number {
    let best = distanceTo(hit.triangle, x, y, z);
    let depth = 0;
    stack[depth++] = 0;
    while (depth > 0) {
      const node = stack[--depth];
      if (toBox(node, x, y, z) >= best) continue;
      const first = nodes[2 * node];
      const size = nodes[2 * node + 1];
      if (size === 0) {
        const left = toBox(node + 1, x, y, z);
        const right = toBox(first, x, y, z);
        stack[depth++] = left < right ? first : node + 1;
        stack[depth++] = left < right ? node + 1 : first;
        continue;
      }
      for (let i = first; i < first + size; i++) {
        const distance = distanceTo(order[i], x, y, z);
        if (distance >= best) continue;
        best = distance;
        hit.triangle = order[i];
      }
    }
    return best;
  }

  function toBox(node: number, x: number, y: number, z: number): number {
    const at = 6 * node;
    const dx = Math.max(boxes[at] - x, 0, x - boxes[at + 3]);
    const dy = Math.max(boxes[at + 1] - y, 0, y - boxes[at + 4]);
    const dz = Math.max(boxes[at + 2] - z, 0, z - boxes[at + 5]);
    return squared(dx, dy, dz);
  }

  /** By the region of the triangle's plane in which the point's foot lies: a corner, a side, or the inside. */
  function distanceTo(triangle: number, x: number, y: number, z: number): number {
    const c = 9 * triangle;
    const ux = corners[c + 3] - corners[c];
    const uy = corners[c + 4] - corners[c + 1];
    const uz = corners[c + 5] - corners[c + 2];
    const vx = corners[c + 6] - corners[c];
    const vy = corners[c + 7] - corners[c + 1];
    const vz = corners[c + 8] - corners[c + 2];
    const px = x - corners[c];
    const py = y - corners[c + 1];
    const pz = z - corners[c + 2];
    const uu = ux * ux + uy * uy + uz * uz;
    const uv = ux * vx + uy * vy + uz * vz;
    const vv = vx * vx + vy * vy + vz * vz;
    const pu = px * ux + py * uy + pz * uz;
    const pv = px * vx + py * vy + pz * vz;
    const det = uu * vv - uv * uv;
    const s = pu * vv - pv * uv;
    const t = pv * uu - pu * uv;
    if (det > 0 && s >= 0 && t >= 0 && s + t <= det) {
      return squared(px - (s * ux + t * vx) / det, py - (s * uy + t * vy) / det, pz - (s * uz + t * vz) / det);
    }
    // Outside: the nearest point lies on a side.
    const a = uu > 0 ? clamp(pu / uu) : 0;
    const b = vv > 0 ? clamp(pv / vv) : 0;
    const ww = uu - 2 * uv + vv;
    const w = ww > 0 ? clamp((vv - uv + pu - pv) / ww) : 0;
    return Math.min(
      squared(px - a * ux, py - a * uy, pz - a * uz),
      squared(px - b * vx, py - b * vy, pz - b * vz),
      squared(px - w * ux - (1 - w) * vx, py - w * uy - (1 - w) * vy, pz - w * uz - (1 - w) * vz),
    );
  }
}

function squared(x: number, y: number, z: number): number {
  return x * x + y * y + z * z;
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}

/** Three times the middle of each triangle: good for sorting. */
export function centresOf(positions: Float32Array | Float64Array, triangles: Uint32Array): Float64Array {
  const centres = new Float64Array(triangles.length);
  for (let i = 0; i < triangles.length; i += 3) {
    for (let axis = 0; axis < 3; axis++) {
      centres[i + axis] =
        positions[3 * triangles[i] + axis] +
        positions[3 * triangles[i + 1] + axis] +
        positions[3 * triangles[i + 2] + axis];
    }
  }
  return centres;
}

/** Axis 0, 1 or 2 along which a box (least three, then greatest three) is longest. */
export function longestAxis(box: ArrayLike<number>): number {
  const [x, y, z] = [box[3] - box[0], box[4] - box[1], box[5] - box[2]];
  return x >= y && x >= z ? 0 : y >= z ? 1 : 2;
}

/**
 * Moves the triangles `order[from..to)` so that those with the least centres along an axis stand before `middle`; equal
 * centres go by the triangle's number, so the parts hang on the mesh alone.
 */
export function selectByCentre(
  order: Uint32Array,
  centres: Float64Array,
  axis: number,
  from: number,
  to: number,
  middle: number,
): void {
  const before = (a: number, b: number) => {
    const difference = centres[3 * a + axis] - centres[3 * b + axis];
    return difference < 0 || (difference === 0 && a < b);
  };
  let low = from;
  let high = to - 1;
  while (low < high) {
    const pivot = order[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (before(order[i], pivot)) i++;
      while (before(pivot, order[j])) j--;
      if (i > j) break;
      [order[i], order[j]] = [order[j], order[i]];
      i++;
      j--;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else return;
  }
}
