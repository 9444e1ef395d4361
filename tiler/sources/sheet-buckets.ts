/**
 * Numbers in the buckets of a grid of any size, of which most may be empty: three arrays and a hash table, and no object for
 * a bucket, so that 100 000 of them are there in milliseconds.
 */

/** Called for each number in each bucket that it is in. */
type Take = (x: number, y: number, item: number) => void;

export class SheetBuckets {
  /** Buckets that are not empty. */
  readonly count: number;
  /** Those of bucket b from `startOf(b)` up to and without `startOf(b + 1)`, in the order in which they were given. */
  readonly items: Int32Array;
  readonly #starts: Int32Array;
  /** Bucket + 1 by slot, 0 for none, and where it lies. */
  #slots = new Int32Array(64);
  #xs = new Int32Array(32);
  #ys = new Int32Array(32);

  /** `each` is called twice and says the same both times. `x` and `y` from 0 to 2^31 - 1. */
  constructor(each: (take: Take) => void) {
    let buckets = 0;
    let items = 0;
    let sizes = new Int32Array(32);
    each((x, y) => {
      const slot = this.#slotOf(x, y);
      let bucket = (this.#slots[slot] ?? 0) - 1;
      if (bucket < 0) {
        bucket = buckets++;
        this.#slots[slot] = buckets;
        if (bucket === this.#xs.length) {
          [this.#xs, this.#ys, sizes] = [doubled(this.#xs), doubled(this.#ys), doubled(sizes)];
        }
        this.#xs[bucket] = x;
        this.#ys[bucket] = y;
        if (2 * buckets > this.#slots.length) this.#grow(buckets);
      }
      sizes[bucket] = (sizes[bucket] ?? 0) + 1;
      items++;
    });
    this.count = buckets;
    this.items = new Int32Array(items);
    this.#starts = new Int32Array(buckets + 1);
    for (let b = 0; b < buckets; b++) this.#starts[b + 1] = this.startOf(b) + (sizes[b] ?? 0);
    const next = this.#starts.slice();
    each((x, y, item) => {
      const bucket = this.find(x, y);
      const at = next[bucket] ?? 0;
      this.items[at] = item;
      next[bucket] = at + 1;
    });
  }

  /** The bucket's number; -1 for an empty one. */
  find(x: number, y: number): number {
    return (this.#slots[this.#slotOf(x, y)] ?? 0) - 1;
  }

  startOf(bucket: number): number {
    return this.#starts[bucket] ?? 0;
  }

  /** The slot of a bucket, or the free one that it would take. */
  #slotOf(x: number, y: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(x, y) & mask;
    for (;;) {
      const bucket = (this.#slots[slot] ?? 0) - 1;
      if (bucket < 0 || (this.#xs[bucket] === x && this.#ys[bucket] === y)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(buckets: number): void {
    this.#slots = new Int32Array(4 * this.#slots.length);
    for (let b = 0; b < buckets; b++) this.#slots[this.#slotOf(this.#xs[b] ?? 0, this.#ys[b] ?? 0)] = b + 1;
  }
}

function doubled(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * numbers.length);
  more.set(numbers);
  return more;
}

/** Neighbours far apart. */
function hash(x: number, y: number): number {
  const mixed = Math.imul(x ^ Math.imul(y, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
