/** A binary heap of triangles by error, greatest first; of equal errors, the triangle with the lower number. */

export class TriangleQueue {
  private readonly heap: Int32Array;
  private readonly errors: Float64Array;
  /** By triangle: its place in the heap, or -1. */
  private readonly place: Int32Array;
  private size = 0;

  constructor(triangles: number) {
    this.heap = new Int32Array(triangles);
    this.errors = new Float64Array(triangles);
    this.place = new Int32Array(triangles).fill(-1);
  }

  clear(): void {
    for (let i = 0; i < this.size; i++) this.place[this.heap[i]] = -1;
    this.size = 0;
  }

  /** The triangle with the greatest error; -1 when there is none. It stays in the queue. */
  worst(): number {
    return this.size > 0 ? this.heap[0] : -1;
  }

  /** Adds a triangle, or changes its error. */
  set(triangle: number, error: number): void {
    let at = this.place[triangle];
    if (at < 0) {
      at = this.size++;
      this.heap[at] = triangle;
      this.place[triangle] = at;
    }
    this.errors[triangle] = error;
    if (!this.rise(at)) this.sink(at);
  }

  remove(triangle: number): void {
    const at = this.place[triangle];
    if (at < 0) return;
    this.place[triangle] = -1;
    const last = this.heap[--this.size];
    if (at === this.size) return;
    this.heap[at] = last;
    this.place[last] = at;
    if (!this.rise(at)) this.sink(at);
  }

  private before(a: number, b: number): boolean {
    const difference = this.errors[a] - this.errors[b];
    return difference > 0 || (difference === 0 && a < b);
  }

  private rise(start: number): boolean {
    const { heap, place } = this;
    const triangle = heap[start];
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(triangle, heap[parent])) break;
      heap[at] = heap[parent];
      place[heap[at]] = at;
      at = parent;
    }
    heap[at] = triangle;
    place[triangle] = at;
    return at !== start;
  }

  private sink(start: number): void {
    const { heap, place, size } = this;
    const triangle = heap[start];
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], triangle)) break;
      heap[at] = heap[child];
      place[heap[at]] = at;
      at = child;
    }
    heap[at] = triangle;
    place[triangle] = at;
  }
}
