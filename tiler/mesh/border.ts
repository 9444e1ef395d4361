/**
 * Which posts of a tile's border become vertices. The choice rests on the border's own posts and nothing else, so both
 * neighbours make the same one without seeing each other: first the level's lattice, then, worst first, any post that
 * lies more than the bound from the chord over it (Douglas and Peucker, 1973; of equal errors the first one, counted
 * from the west or north).
 */

/** Marks chosen posts with 1 in `chosen`. `bent` are heights along the border, lowered by its curvature (metres). */
export function chooseBorderPosts(
  bent: Float64Array,
  latticeCells: number,
  maxError: number,
  chosen: Uint8Array,
): void {
  const cells = bent.length - 1;
  const step = cells / latticeCells;
  for (let k = 0; k <= cells; k += step) chosen[k] = 1;
  for (let k = 0; k < cells; k += step) split(bent, k, k + step, maxError, chosen);
}

function split(bent: Float64Array, first: number, last: number, maxError: number, chosen: Uint8Array): void {
  if (last - first < 2) return;
  const slope = (bent[last] - bent[first]) / (last - first);
  let worst = maxError;
  let at = -1;
  for (let k = first + 1; k < last; k++) {
    const error = Math.abs(bent[k] - (bent[first] + slope * (k - first)));
    if (error > worst) {
      worst = error;
      at = k;
    }
  }
  if (at < 0) return;
  chosen[at] = 1;
  split(bent, first, at, maxError, chosen);
  split(bent, at, last, maxError, chosen);
}
