/** Where edges cross the lines of a box, gathered in any order and then handed out line by line, west to east. */

const FIRST_CAPACITY = 1024;
/** Up to this many are sorted by insertion. */
const FEW = 32;

export class CrossingList {
  readonly #starts: Uint32Array;
  #lines = new Uint32Array(FIRST_CAPACITY);
  #polygons = new Uint32Array(FIRST_CAPACITY);
  #xs = new Float64Array(FIRST_CAPACITY);
  #order = new Uint32Array(0);
  #count = 0;

  constructor(lines: number) {
    this.#starts = new Uint32Array(lines + 1);
  }

  get count(): number {
    return this.#count;
  }

  add(line: number, x: number, polygon: number): void {
    if (this.#count === this.#xs.length) this.#grow();
    this.#lines[this.#count] = line;
    this.#polygons[this.#count] = polygon;
    this.#xs[this.#count++] = x;
    this.#starts[line + 1]++;
  }

  /** Once, when all are there. */
  sort(): void {
    const starts = this.#starts;
    for (let line = 1; line < starts.length; line++) starts[line] += starts[line - 1];
    const order = new Uint32Array(this.#count);
    const used = starts.slice();
    for (let k = 0; k < this.#count; k++) order[used[this.#lines[k]]++] = k;
    const xs = this.#xs;
    for (let line = 0; line + 1 < starts.length; line++) {
      const part = order.subarray(starts[line], starts[line + 1]);
      if (part.length > FEW) part.sort((a, b) => xs[a] - xs[b]);
      else insertByPosition(part, xs);
    }
    this.#order = order;
  }

  visit(line: number, crossing: (x: number, polygon: number) => void): void {
    for (let k = this.#starts[line]; k < this.#starts[line + 1]; k++) {
      crossing(this.#xs[this.#order[k]], this.#polygons[this.#order[k]]);
    }
  }

  #grow(): void {
    const size = 2 * this.#xs.length;
    const [lines, polygons, xs] = [new Uint32Array(size), new Uint32Array(size), new Float64Array(size)];
    lines.set(this.#lines);
    polygons.set(this.#polygons);
    xs.set(this.#xs);
    this.#lines = lines;
    this.#polygons = polygons;
    this.#xs = xs;
  }
}

function insertByPosition(order: Uint32Array, xs: Float64Array): void {
  for (let i = 1; i < order.length; i++) {
    const one = order[i];
    let k = i;
    for (; k > 0 && xs[order[k - 1]] > xs[one]; k--) order[k] = order[k - 1];
    order[k] = one;
  }
}
