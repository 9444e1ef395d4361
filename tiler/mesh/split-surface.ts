/**
 * Cuts a surface into parts by halving it at the median triangle along its longest side, again and again: a binary tree
 * whose leaves are runs of one order of the triangles. Which part a triangle is in hangs on the mesh alone.
 */
import { centresOf, longestAxis, selectByCentre } from './triangle-tree.ts';

export interface SurfacePart {
  /** Runs of `order`: first triangle, and one past the last. */
  readonly from: number;
  readonly to: number;
  /** None, or two. */
  readonly children: readonly SurfacePart[];
}

export interface SurfaceParts {
  /** Triangles, part by part. */
  readonly order: Uint32Array;
  readonly root: SurfacePart;
}

export interface PartLimits {
  /** The most triangles of a leaf. */
  readonly triangles: number;
  /** The most weight of a leaf, while it has more than `few` triangles. */
  readonly weight: number;
  readonly few: number;
}

/** `weights` of the triangles (texels, say) are added up. */
export function splitSurface(
  positions: Float64Array,
  triangles: Uint32Array,
  weights: Float64Array,
  limits: PartLimits,
): SurfaceParts {
  const centres = centresOf(positions, triangles);
  const order = Uint32Array.from({ length: triangles.length / 3 }, (_, i) => i);
  return { order, root: split(0, order.length) };

  function split(from: number, to: number): SurfacePart {
    const count = to - from;
    if (count <= limits.triangles && (count <= limits.few || weightOf(from, to) <= limits.weight)) {
      return { from, to, children: [] };
    }
    const middle = (from + to) >> 1;
    selectByCentre(order, centres, longestAxis(boxOf(from, to)), from, to, middle);
    return { from, to, children: [split(from, middle), split(middle, to)] };
  }

  function weightOf(from: number, to: number): number {
    let sum = 0;
    for (let i = from; i < to; i++) sum += weights[order[i]];
    return sum;
  }

  function boxOf(from: number, to: number): number[] {
    const box = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
    for (let i = from; i < to; i++) {
      for (let axis = 0; axis < 3; axis++) {
        const value = centres[3 * order[i] + axis];
        box[axis] = Math.min(box[axis], value);
        box[axis + 3] = Math.max(box[axis + 3], value);
      }
    }
    return box;
  }
}
