/** Differences of height (drawn minus source, metres) gathered sample by sample: sums, extremes and two histograms. */
import type { ColumnTable, Run } from './drawn-surface.ts';
import type { Sheet } from './sheet.ts';

const BINS_PER_BOUND = 2000;
const BINS = 32 * BINS_PER_BOUND;

/** Edges of |difference| / bound for people: half octaves from 1/64 to 32, on whole bins so that counts are exact. */
export const RATIO_EDGES: readonly number[] = [
  0,
  ...Array.from({ length: 23 }, (_, i) => Math.round(2 ** (i / 2 - 6) * BINS_PER_BOUND) / BINS_PER_BOUND),
];

/** What one level's samples add up to, as plain data. */
export interface DifferenceSums {
  n: number;
  sum: number;
  squares: number;
  max: number;
  /** Of |difference| in 1/2000 of the bound up to 32 bounds; the last holds all beyond. */
  readonly bins: Float64Array;
}

export class Differences {
  readonly sums: DifferenceSums = { n: 0, sum: 0, squares: 0, max: 0, bins: new Float64Array(BINS + 1) };
  /** The greatest since `restart`, and where it is in its block. */
  latest = 0;
  latestAt = -1;
  private readonly perMetre: number;

  /** `bound` in metres. */
  constructor(bound: number) {
    this.perMetre = BINS_PER_BOUND / bound;
  }

  restart(): void {
    this.latest = 0;
    this.latestAt = -1;
  }

  /** All samples of a run of the drawn surface. */
  addRun(run: Run, columns: ColumnTable, sheet: Sheet): void {
    const { slopeX, slopeY, rise, flat, prime, offset, row, from, to } = run;
    const { cos, sin, first } = columns;
    const { heights } = sheet;
    const { bins } = this.sums;
    const { perMetre } = this;
    const start = row * sheet.columns;
    let n = 0;
    let sum = 0;
    let squares = 0;
    let latest = this.latest;
    for (let column = from; column < to; column++) {
      const height = heights[start + column];
      if (Number.isNaN(height)) continue;
      const q = slopeX * cos[column - first] + slopeY * sin[column - first];
      const difference = (offset - prime * (q + flat)) / (q + rise) - height;
      const absolute = Math.abs(difference);
      n++;
      sum += difference;
      squares += difference * difference;
      if (absolute > latest) {
        latest = absolute;
        this.latestAt = start + column;
      }
      const bin = absolute * perMetre;
      bins[bin < BINS ? bin | 0 : BINS]++;
    }
    this.latest = latest;
    const sums = this.sums;
    sums.n += n;
    sums.sum += sum;
    sums.squares += squares;
    if (latest > sums.max) sums.max = latest;
  }

  /** One sample, at an index of its block. */
  add(difference: number, at: number): void {
    const { sums } = this;
    const absolute = Math.abs(difference);
    sums.n++;
    sums.sum += difference;
    sums.squares += difference * difference;
    if (absolute > sums.max) sums.max = absolute;
    if (absolute > this.latest) {
      this.latest = absolute;
      this.latestAt = at;
    }
    const bin = absolute * this.perMetre;
    sums.bins[bin < BINS ? bin | 0 : BINS]++;
  }
}

/** The difference that a share of the samples stays within: the upper end of its bin, so never too small. */
export function quantileOf({ n, max, bins }: DifferenceSums, share: number, bound: number): number {
  let count = 0;
  for (let bin = 0; bin < BINS; bin++) {
    count += bins[bin];
    if (count >= share * n) return Math.min(max, ((bin + 1) / BINS_PER_BOUND) * bound);
  }
  return max;
}

/** Share of samples within the bound, 0..1. */
export function shareWithin({ n, bins }: DifferenceSums): number {
  let count = 0;
  for (let bin = 0; bin < BINS_PER_BOUND; bin++) count += bins[bin];
  return n === 0 ? Number.NaN : count / n;
}

/** Counts between the edges of `RATIO_EDGES`, the last beyond its last edge. */
export function ratioCounts({ bins }: DifferenceSums): number[] {
  const ends = RATIO_EDGES.slice(1).map((edge) => Math.round(edge * BINS_PER_BOUND));
  const counts = new Array<number>(RATIO_EDGES.length).fill(0);
  let k = 0;
  bins.forEach((count, bin) => {
    while (k < ends.length && bin >= ends[k]) k++;
    counts[k] += count;
  });
  return counts;
}

export function addSums(to: DifferenceSums, from: DifferenceSums): void {
  to.n += from.n;
  to.sum += from.sum;
  to.squares += from.squares;
  to.max = Math.max(to.max, from.max);
  for (let bin = 0; bin < to.bins.length; bin++) to.bins[bin] += from.bins[bin];
}
