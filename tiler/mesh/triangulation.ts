/**
 * A Delaunay triangulation of points on an integer grid, grown one point at a time. Triangle t has corners 3t..3t+2,
 * counter-clockwise on screen with rows downwards reversed (x east, y south: clockwise in that frame, counter-clockwise
 * seen from above); `adjacent[e]` is the same edge in the neighbouring triangle, or -1 on the tile's border. All tests
 * are exact: coordinates are integers up to 4096, whose products of four stay below 2^53.
 */

export class Triangulation {
  /** Vertex coordinates: column and row. */
  readonly x: Int32Array;
  readonly y: Int32Array;
  readonly corners: Int32Array;
  readonly adjacent: Int32Array;
  /** Triangles changed since `forgetChanged`, each once. */
  readonly changed: Int32Array;
  changedCount = 0;
  vertexCount = 0;
  triangleCount = 0;
  /** Where the next walk starts: the triangle touched last. */
  private near = 0;
  private readonly legalizeStack: Int32Array;
  private readonly isChanged: Uint8Array;

  /** Room for so many vertices. */
  constructor(vertices: number) {
    const triangles = 2 * vertices;
    this.x = new Int32Array(vertices);
    this.y = new Int32Array(vertices);
    this.corners = new Int32Array(3 * triangles);
    this.adjacent = new Int32Array(3 * triangles);
    this.changed = new Int32Array(triangles);
    this.isChanged = new Uint8Array(triangles);
    this.legalizeStack = new Int32Array(3 * triangles);
  }

  /** Starts again with the two triangles of the rectangle 0..lastX by 0..lastY. */
  start(lastX: number, lastY: number): void {
    this.vertexCount = 0;
    this.triangleCount = 0;
    this.forgetChanged();
    this.near = 0;
    const nw = this.addVertex(0, 0);
    const ne = this.addVertex(lastX, 0);
    const sw = this.addVertex(0, lastY);
    const se = this.addVertex(lastX, lastY);
    // Counter-clockwise seen from above: south-east, north-east, south-west.
    const first = this.addTriangle(se, nw, sw, -1, -1, -1);
    this.addTriangle(nw, se, ne, first, -1, -1);
  }

  /** Inserts a point that is no vertex yet and returns its vertex; the triangles round it are listed in `changed`. */
  insert(x: number, y: number): number {
    return this.insertIn(this.locate(x, y), x, y);
  }

  /** Inserts a point known to lie in triangle t or on its edges. */
  insertIn(t: number, x: number, y: number): number {
    const e = 3 * t;
    const a = this.corners[e];
    const b = this.corners[e + 1];
    const c = this.corners[e + 2];
    const p = this.addVertex(x, y);
    // The edge opposite to a corner holds p when p, with that edge, spans nothing.
    if (this.area(a, b, p) === 0) this.splitEdge(e, p);
    else if (this.area(b, c, p) === 0) this.splitEdge(e + 1, p);
    else if (this.area(c, a, p) === 0) this.splitEdge(e + 2, p);
    else this.splitTriangle(e, p);
    return p;
  }

  forgetChanged(): void {
    for (let k = 0; k < this.changedCount; k++) this.isChanged[this.changed[k]] = 0;
    this.changedCount = 0;
  }

  /** Lists the triangles round a vertex in `changed`; slow. */
  listRound(vertex: number): void {
    for (let e = 0; e < 3 * this.triangleCount; e++) {
      if (this.corners[e] === vertex) this.listChanged((e / 3) | 0);
    }
  }

  private listChanged(triangle: number): void {
    if (this.isChanged[triangle] === 1) return;
    this.isChanged[triangle] = 1;
    this.changed[this.changedCount++] = triangle;
  }

  /** Twice the signed area of three vertices: positive when counter-clockwise seen from above (y counted southwards). */
  private area(a: number, b: number, c: number): number {
    const { x, y } = this;
    return (x[b] - x[a]) * (y[a] - y[c]) - (x[c] - x[a]) * (y[a] - y[b]);
  }

  /** Walks from the last place towards the point (visibility walk). */
  private locate(px: number, py: number): number {
    const { x, y, corners, adjacent } = this;
    let t = this.near;
    for (;;) {
      let next = -1;
      for (let k = 0; k < 3; k++) {
        const e = 3 * t + k;
        const a = corners[e];
        const b = corners[k === 2 ? 3 * t : e + 1];
        if ((x[b] - x[a]) * (y[a] - py) - (px - x[a]) * (y[a] - y[b]) < 0) {
          next = adjacent[e];
          break;
        }
      }
      if (next < 0) return t;
      t = (next / 3) | 0;
    }
  }

  private splitTriangle(e: number, p: number): void {
    const { corners, adjacent } = this;
    const a = corners[e];
    const b = corners[e + 1];
    const c = corners[e + 2];
    const ab = adjacent[e];
    const bc = adjacent[e + 1];
    const ca = adjacent[e + 2];
    const t0 = this.addTriangle(a, b, p, ab, -1, -1, e);
    const t1 = this.addTriangle(b, c, p, bc, -1, t0 + 1);
    const t2 = this.addTriangle(c, a, p, ca, t0 + 2, t1 + 1);
    this.legalize(t0);
    this.legalize(t1);
    this.legalize(t2);
  }

  /** p lies on edge e = (a, b) of triangle (a, b, c); beyond it, if anything, lies (b, a, d). */
  private splitEdge(e: number, p: number): void {
    const { corners, adjacent } = this;
    const base = e - (e % 3);
    const e1 = base + ((e + 1) % 3);
    const e2 = base + ((e + 2) % 3);
    const a = corners[e];
    const b = corners[e1];
    const c = corners[e2];
    const bc = adjacent[e1];
    const ca = adjacent[e2];
    const beyond = adjacent[e];
    if (beyond < 0) {
      const t0 = this.addTriangle(p, c, a, -1, ca, -1, base);
      const t1 = this.addTriangle(p, b, c, -1, bc, t0);
      this.legalize(t0 + 1);
      this.legalize(t1 + 1);
      return;
    }
    const other = beyond - (beyond % 3);
    const f1 = other + ((beyond + 1) % 3);
    const f2 = other + ((beyond + 2) % 3);
    const d = corners[f2];
    const ad = adjacent[f1];
    const db = adjacent[f2];
    const t0 = this.addTriangle(p, c, a, -1, ca, -1, base);
    const t1 = this.addTriangle(p, a, d, t0 + 2, ad, -1, other);
    const t2 = this.addTriangle(p, d, b, t1 + 2, db, -1);
    const t3 = this.addTriangle(p, b, c, t2 + 2, bc, t0);
    this.legalize(t0 + 1);
    this.legalize(t1 + 1);
    this.legalize(t2 + 1);
    this.legalize(t3 + 1);
  }

  /** Flips the edge while the corner beyond it lies inside the circle through the triangle's corners. */
  private legalize(edge: number): void {
    const { corners, adjacent, legalizeStack } = this;
    let depth = 0;
    legalizeStack[depth++] = edge;
    while (depth > 0) {
      const e = legalizeStack[--depth];
      const f = adjacent[e];
      if (f < 0) continue;
      const base = e - (e % 3);
      const other = f - (f % 3);
      const e1 = base + ((e + 1) % 3);
      const e2 = base + ((e + 2) % 3);
      const f1 = other + ((f + 1) % 3);
      const f2 = other + ((f + 2) % 3);
      const a = corners[e];
      const b = corners[e1];
      const c = corners[e2];
      const d = corners[f2];
      if (!this.inCircle(a, b, c, d)) continue;
      // (a, b, c) and (b, a, d) become (c, a, d) and (d, b, c).
      const bc = adjacent[e1];
      const ca = adjacent[e2];
      const ad = adjacent[f1];
      const db = adjacent[f2];
      const t0 = this.addTriangle(c, a, d, ca, ad, -1, base);
      const t1 = this.addTriangle(d, b, c, db, bc, t0 + 2, other);
      legalizeStack[depth++] = t0;
      legalizeStack[depth++] = t0 + 1;
      legalizeStack[depth++] = t1;
      legalizeStack[depth++] = t1 + 1;
    }
  }

  /** Whether d lies strictly inside the circle through a, b, c (counter-clockwise). */
  private inCircle(a: number, b: number, c: number, d: number): boolean {
    const { x, y } = this;
    const ax = x[a] - x[d];
    const ay = y[d] - y[a];
    const bx = x[b] - x[d];
    const by = y[d] - y[b];
    const cx = x[c] - x[d];
    const cy = y[d] - y[c];
    const aa = ax * ax + ay * ay;
    const bb = bx * bx + by * by;
    const cc = cx * cx + cy * cy;
    return ax * (by * cc - bb * cy) - ay * (bx * cc - bb * cx) + aa * (bx * cy - by * cx) > 0;
  }

  private addVertex(x: number, y: number): number {
    this.x[this.vertexCount] = x;
    this.y[this.vertexCount] = y;
    return this.vertexCount++;
  }

  /** Writes a triangle at `at` (its first corner's place), by default a new one, and joins it to its neighbours. */
  private addTriangle(
    a: number,
    b: number,
    c: number,
    ab: number,
    bc: number,
    ca: number,
    at = 3 * this.triangleCount,
  ): number {
    const { corners, adjacent } = this;
    if (at === 3 * this.triangleCount) this.triangleCount++;
    corners[at] = a;
    corners[at + 1] = b;
    corners[at + 2] = c;
    adjacent[at] = ab;
    adjacent[at + 1] = bc;
    adjacent[at + 2] = ca;
    if (ab >= 0) adjacent[ab] = at;
    if (bc >= 0) adjacent[bc] = at + 1;
    if (ca >= 0) adjacent[ca] = at + 2;
    this.near = (at / 3) | 0;
    this.listChanged(this.near);
    return at;
  }
}
