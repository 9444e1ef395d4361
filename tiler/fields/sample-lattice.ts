/**
 * Where samples of a source lie in a tile: exactly at the corners of a lattice of squares, bilinear inside them, and exactly
 * again in squares that hold a pole, a jump of longitude or places without any.
 */

/** A place in a tile, in post spacings from its north-west corner, x east and y south. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  /** Metres that the source's geoid adds. */
  readonly geoid: number;
}

/** Level-0 sample indices. */
export interface LatticeBox {
  readonly west: number;
  readonly north: number;
  readonly width: number;
  readonly height: number;
}

export interface LatticeOptions {
  /** Squares along a side; 0: every place is worked out exactly. */
  readonly squares: number;
  /** Post spacings in a turn of the world. */
  readonly turn: number;
  readonly exactly: (column: number, row: number) => Spot;
}

/** Samples between the places by which slopes of exact places are found. */
const STEP = 0.5;

export class SampleLattice {
  /** The place found last, and by how much x and y grow from one column and one row to the next. */
  readonly spot = { x: 0, y: 0, geoid: 0, xc: 0, xr: 0, yc: 0, yr: 0 };
  readonly #box: LatticeBox;
  readonly #options: LatticeOptions;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #geoid: Float64Array;
  /** By square: 1 where interpolation means nothing. */
  readonly #broken: Uint8Array;

  constructor(box: LatticeBox, options: LatticeOptions) {
    const { squares, turn, exactly } = options;
    this.#box = box;
    this.#options = options;
    const count = (squares + 1) ** 2;
    this.#x = new Float64Array(count);
    this.#y = new Float64Array(count);
    this.#geoid = new Float64Array(count);
    for (let j = 0, k = 0; squares > 0 && j <= squares; j++) {
      for (let i = 0; i <= squares; i++, k++) {
        const at = exactly(box.west + (box.width * i) / squares, box.north + (box.height * j) / squares);
        this.#x[k] = at.x;
        this.#y[k] = at.y;
        this.#geoid[k] = at.geoid;
      }
    }
    this.#broken = new Uint8Array(squares * squares);
    for (let square = 0; square < this.#broken.length; square++) {
      const p = this.#cornerOf(square);
      const q = p + squares + 1;
      const [a, b, c, d] = [this.#x[p], this.#x[p + 1], this.#x[q], this.#x[q + 1]];
      // NaN is no less.
      if (!(Math.max(a, b, c, d) - Math.min(a, b, c, d) < turn / 8)) this.#broken[square] = 1;
    }
  }

  /** Sets `spot` to where a level-0 position lies; NaN where it has no place. */
  find(column: number, row: number): void {
    const { west, north, width, height } = this.#box;
    const { squares } = this.#options;
    const across = ((column - west) / width) * squares;
    const down = ((row - north) / height) * squares;
    const i = Math.min(squares - 1, Math.max(0, Math.floor(across)));
    const j = Math.min(squares - 1, Math.max(0, Math.floor(down)));
    if (squares === 0 || this.#broken[j * squares + i] === 1) {
      this.#findExactly(column, row);
      return;
    }
    const [fx, fy] = [across - i, down - j];
    const p = j * (squares + 1) + i;
    const q = p + squares + 1;
    const { spot } = this;
    const [x, y, geoid] = [this.#x, this.#y, this.#geoid];
    spot.x = mix(x[p], x[p + 1], x[q], x[q + 1], fx, fy);
    spot.y = mix(y[p], y[p + 1], y[q], y[q + 1], fx, fy);
    spot.geoid = mix(geoid[p], geoid[p + 1], geoid[q], geoid[q + 1], fx, fy);
    const [perColumn, perRow] = [squares / width, squares / height];
    spot.xc = ((x[p + 1] - x[p]) * (1 - fy) + (x[q + 1] - x[q]) * fy) * perColumn;
    spot.yc = ((y[p + 1] - y[p]) * (1 - fy) + (y[q + 1] - y[q]) * fy) * perColumn;
    spot.xr = ((x[q] - x[p]) * (1 - fx) + (x[q + 1] - x[p + 1]) * fx) * perRow;
    spot.yr = ((y[q] - y[p]) * (1 - fx) + (y[q + 1] - y[p + 1]) * fx) * perRow;
  }

  /** Greatest distance of the middle of a square from where it should lie, in samples `scaleX` by `scaleY` of level 0. */
  worstOff(scaleX: number, scaleY: number): number {
    const { squares, exactly } = this.#options;
    const { west, north, width, height } = this.#box;
    let worst = 0;
    for (let square = 0; square < this.#broken.length; square++) {
      if (this.#broken[square] === 1) continue;
      const column = west + (((square % squares) + 0.5) * width) / squares;
      const row = north + ((Math.floor(square / squares) + 0.5) * height) / squares;
      const exact = exactly(column, row);
      this.find(column, row);
      const { x, y, xc, yc, xr, yr } = this.spot;
      const sample = Math.min(scaleX * Math.hypot(xc, yc), scaleY * Math.hypot(xr, yr));
      const off = Math.hypot(x - exact.x, y - exact.y) / sample;
      if (!(off <= worst)) worst = off;
    }
    return worst;
  }

  #findExactly(column: number, row: number): void {
    const { exactly, turn } = this.#options;
    const { spot } = this;
    const here = exactly(column, row);
    const east = exactly(column + STEP, row);
    const south = exactly(column, row + STEP);
    // The short way round the world.
    const across = (from: number, to: number) => (to - from - turn * Math.round((to - from) / turn)) / STEP;
    spot.x = here.x;
    spot.y = here.y;
    spot.geoid = here.geoid;
    spot.xc = across(here.x, east.x);
    spot.yc = (east.y - here.y) / STEP;
    spot.xr = across(here.x, south.x);
    spot.yr = (south.y - here.y) / STEP;
  }

  #cornerOf(square: number): number {
    const { squares } = this.#options;
    return Math.floor(square / squares) * (squares + 1) + (square % squares);
  }
}

function mix(nw: number, ne: number, sw: number, se: number, fx: number, fy: number): number {
  return (nw * (1 - fx) + ne * fx) * (1 - fy) + (sw * (1 - fx) + se * fx) * fy;
}
