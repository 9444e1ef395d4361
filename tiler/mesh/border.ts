/**
 * Which posts of a tile's border become vertices. The choice rests on the border's own posts and nothing else, so both
 * neighbours make the same one without seeing each other: first the level's lattice, then, worst first, any post that
 * lies more than the bound from the chord over it (Douglas and Peucker, 1973; of equal errors the first one, counted
 * from the west or north).
 */

/**
 * Marks chosen posts with 1 in `chosen`, and returns the greatest weighted error that is left (metres). `bent` are heights
 * along the border, lowered by its curvature (metres); `weights` make a chord count for more that rises
 * above a post.
 */
export function chooseBorderPosts(
  bent: Float64Array,
  latticeCells: number,
  maxError: number,
  chosen: Uint8Array,
  weights: Float32Array,
): number {
  const cells = bent.length - 1;
  const step = cells / latticeCells;
  let left = 0;
  for (let k = 0; k <= cells; k += step) chosen[k] = 1;
  for (let k = 0; k < cells; k += step) left = Math.max(left, split(bent, k, k + step, maxError, chosen, weights));
  return left;
}

/** Splits the chord from `first` to `last` until every post is within the bound; returns the greatest error left. */
function split(
  bent: Float64Array,
  first: number,
  last: number,
  maxError: number,
  chosen: Uint8Array,
  weights: Float32Array,
): number {
  const slope = (bent[last] - bent[first]) / (last - first);
  let worst = 0;
  let at = first;
  for (let k = first + 1; k < last; k++) {
    const rise = bent[first] + slope * (k - first) - bent[k];
    const error = rise > 0 ? rise * weights[k] : -rise;
    if (error > worst) {
      worst = error;
      at = k;
    }
  }
  if (worst <= maxError) return worst;
  chosen[at] = 1;
  return Math.max(split(bent, first, at, maxError, chosen, weights), split(bent, at, last, maxError, chosen, weights));
}
