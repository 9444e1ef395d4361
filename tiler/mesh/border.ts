/**
 * Which posts of a tile's border become vertices. The choice rests on the border's own posts and nothing else, so both
 * neighbours make the same one without seeing each other: first the level's lattice, then, worst first, any post that
 * lies more than the bound from the chord over it (Douglas and Peucker, 1973; of equal errors the first one, counted
 * from the west or north).
 */

/**
 * Marks chosen posts with 1 in `chosen`. `bent` are heights along the border, lowered by its curvature (metres); `weights`
 * make a chord count for more that rises above a post.
 */
export function chooseBorderPosts(
  bent: Float64Array,
  latticeCells: number,
  maxError: number,
  chosen: Uint8Array,
  weights: Float32Array,
): void {
  const cells = bent.length - 1;
  const step = cells / latticeCells;
  for (let k = 0; k <= cells; k += step) chosen[k] = 1;
  for (let k = 0; k < cells; k += step) split(k, k + step);

  function split(first: number, last: number): void {
    const slope = (bent[last] - bent[first]) / (last - first);
    let worst = maxError;
    let at = -1;
    for (let k = first + 1; k < last; k++) {
      const rise = bent[first] + slope * (k - first) - bent[k];
      const error = rise > 0 ? rise * weights[k] : -rise;
      if (error > worst) {
        worst = error;
        at = k;
      }
    }
    if (at < 0) return;
    chosen[at] = 1;
    split(first, at);
    split(at, last);
  }
}

/** Greatest distance in metres between a post of the border and the chord of chosen posts over it. */
export function measureBorder(bent: Float64Array, chosen: Uint8Array): number {
  let worst = 0;
  let first = 0;
  for (let last = 1; last < bent.length; last++) {
    if (!chosen[last]) continue;
    const slope = (bent[last] - bent[first]) / (last - first);
    for (let k = first + 1; k < last; k++) {
      worst = Math.max(worst, Math.abs(bent[first] + slope * (k - first) - bent[k]));
    }
    first = last;
  }
  return worst;
}
