/**
 * Errors of a level (drawn minus source, metres) as sums and a histogram: plain data that threads hand on. All sums are
 * whole numbers, so that they are the same in whatever order tiles come.
 */

export interface ErrorSketch {
  /** Tiles with samples, and their samples. */
  tiles: number;
  samples: number;
  /** Of all samples, in parts of `WEIGHT`. */
  weight: number;
  /** Sums of weighted errors and their squares, in bounds, in parts of `UNIT`. */
  sum: number;
  squares: number;
  /** Greatest without its sign, metres. */
  max: number;
  /** Weights by |error| / bound, in steps of half a percent from `LEAST`. */
  readonly bins: Float64Array;
}

const WEIGHT = 256;
const UNIT = 2 ** 24;
const LEAST = 1e-5;
const STEP = Math.log(1.005);
/** Up to 100 bounds; the last holds all beyond. */
const BINS = Math.ceil(Math.log(100 / LEAST) / STEP) + 1;

export function newSketch(): ErrorSketch {
  return { tiles: 0, samples: 0, weight: 0, sum: 0, squares: 0, max: 0, bins: new Float64Array(BINS) };
}

/** Errors of one tile. */
export class TileErrors {
  readonly #sketch: ErrorSketch;
  readonly #bound: number;
  #samples = 0;
  #sum = 0;
  #squares = 0;

  /** `bound` of the level, metres. */
  constructor(sketch: ErrorSketch, bound: number) {
    this.#sketch = sketch;
    this.#bound = bound;
  }

  /** `weight`: about 1. */
  add(error: number, weight: number): void {
    const sketch = this.#sketch;
    const parts = Math.max(1, Math.round(weight * WEIGHT));
    const ratio = error / this.#bound;
    const size = Math.abs(ratio);
    const bin = size > LEAST ? Math.min(BINS - 1, Math.ceil(Math.log(size / LEAST) / STEP)) : 0;
    this.#samples++;
    this.#sum += (ratio * parts) / WEIGHT;
    this.#squares += (ratio * ratio * parts) / WEIGHT;
    sketch.weight += parts;
    sketch.bins[bin] += parts;
    sketch.max = Math.max(sketch.max, Math.abs(error));
  }

  /** To be called once, after the last of the tile. */
  close(): void {
    const sketch = this.#sketch;
    if (this.#samples === 0) return;
    sketch.tiles++;
    sketch.samples += this.#samples;
    sketch.sum += Math.round(this.#sum * UNIT);
    sketch.squares += Math.round(this.#squares * UNIT);
  }
}

export function addSketches(a: ErrorSketch | undefined, b: ErrorSketch | undefined): ErrorSketch | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    tiles: a.tiles + b.tiles,
    samples: a.samples + b.samples,
    weight: a.weight + b.weight,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
    max: Math.max(a.max, b.max),
    bins: a.bins.map((weight, k) => weight + b.bins[k]),
  };
}

export interface ErrorFigures {
  readonly p99: number;
  readonly rms: number;
  readonly mean: number;
}

/** Metres; undefined where there are no samples. p99 is exact to half a percent, and never too small. */
export function figuresOf({ weight, sum, squares, max, bins }: ErrorSketch, bound: number): ErrorFigures | undefined {
  if (weight === 0) return undefined;
  const samples = weight / WEIGHT;
  let below = 0;
  let bin = 0;
  while (bin < BINS - 1 && below + bins[bin] < 0.99 * weight) below += bins[bin++];
  const p99 = bin === BINS - 1 ? max : Math.min(max, LEAST * Math.exp(bin * STEP) * bound);
  return {
    p99,
    rms: Math.sqrt(squares / UNIT / samples) * bound,
    mean: (sum / UNIT / samples) * bound,
  };
}
