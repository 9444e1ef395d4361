/**
 * From a level to the next coarser one, 2 x 2 cells to one: the mean of those that are not void, rounded to a power of
 * two near 1/128 metre in the file's unit. The overviews in memory and those in files share these numbers, so they are
 * equal to the last bit.
 */

/** A square or a part of one inside an array: where it begins, and samples from one row to the next. */
export interface Corner {
  readonly at: number;
  readonly stride: number;
}

/** Columns and rows of the coarser side. */
export interface Extent {
  readonly columns: number;
  readonly rows: number;
}

/** What heights of overviews are multiples of, in the file's unit: the power of two at or next below 1/128 metre. */
export function quantumOf(unitMetres: number): number {
  return 2 ** Math.floor(Math.log2(1 / 128 / unitMetres));
}

/** Means of 2 x 2 without the void ones, NaN where all are. Gives how many are not void. */
export function halveMeans(
  finer: Float32Array,
  from: Corner,
  out: Float32Array,
  to: Corner,
  { columns, rows }: Extent,
  quantum: number,
): number {
  const perUnit = 1 / quantum;
  const { stride } = from;
  let found = 0;
  for (let row = 0; row < rows; row++) {
    let i = from.at + 2 * row * stride;
    const first = to.at + row * to.stride;
    for (let o = first; o < first + columns; o++, i += 2) {
      const a = finer[i];
      const b = finer[i + 1];
      const c = finer[i + stride];
      const d = finer[i + stride + 1];
      const sum = a + b + c + d;
      // Nearly all have four. Not Math.round, which knows a negative zero.
      if (!Number.isNaN(sum)) {
        out[o] = Math.floor((sum / 4) * perUnit + 0.5) * quantum;
        found++;
        continue;
      }
      let some = 0;
      let count = 0;
      if (!Number.isNaN(a)) {
        some += a;
        count++;
      }
      if (!Number.isNaN(b)) {
        some += b;
        count++;
      }
      if (!Number.isNaN(c)) {
        some += c;
        count++;
      }
      if (!Number.isNaN(d)) {
        some += d;
        count++;
      }
      if (count === 0) out[o] = Number.NaN;
      else {
        out[o] = Math.floor((some / count) * perUnit + 0.5) * quantum;
        found++;
      }
    }
  }
  return found;
}
