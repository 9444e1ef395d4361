/**
 * Posts of one tile to triangles within an error bound: the border from itself alone, then the inside by greedy
 * insertion (M. Garland and P. Heckbert, "Fast polygonal approximation of terrains and height fields", 1995): while a
 * post lies further than the bound from the triangle over it, the worst one becomes a vertex; and then the same with the
 * source's own samples, which lie between the posts.
 */
import { RelievoError } from '../error.ts';
import type { HeightGrid, PostGrid } from '../geo/post-grid.ts';
import {
  type BorderLine,
  type BorderProfile,
  bendLine,
  chooseBorderPoints,
  measureBorder,
  SIDE,
  type TileBorders,
} from './border.ts';
import { type Bend, CellErrors, type Facet, type Worst } from './cell-errors.ts';
import { bendFactors, bendHeights, eastStep, latticeCells, northStep } from './curvature.ts';
import type { SourceCells } from './source-cells.ts';
import { type TerrainMesh, type TileEdges, UV_MAX } from './terrain-mesh.ts';
import { TriangleQueue } from './triangle-queue.ts';
import { Triangulation } from './triangulation.ts';

export interface MeshOptions {
  /** The tile's sides, denser than its posts; by default its outermost posts. Neighbours must be given equal ones. */
  readonly borders?: TileBorders | undefined;
  /** What of the source lies in the tile. */
  readonly cells?: readonly SourceCells[] | undefined;
  /** How far a sample may lie from the drawn surface, metres; default `maxError`. */
  readonly maxSampleError?: number | undefined;
}

/** A cell that cannot be brought within the bound by vertices. */
export interface StuckCell {
  /** Index in `cells`, and of the cell there. */
  readonly set: number;
  readonly cell: number;
}

export interface MeshedTile extends TerrainMesh {
  /** Greatest distance in metres that a sample of `cells` can have from the drawn surface; 0 without cells. */
  readonly maxSampleError: number;
  readonly stuck: readonly StuckCell[];
}

/** Vertices that a tile may have, by its posts; one more than 65 535 is more than its indices can tell. */
const VERTICES_PER_POST = 6;
const MAX_VERTICES = 65_535;

/** Scratch of one grid size; meshing is synchronous, so one at a time uses it. */
interface Workspace {
  readonly capacity: number;
  readonly triangulation: Triangulation;
  readonly queue: TriangleQueue;
  /** Of posts. */
  readonly bent: Float64Array;
  readonly weights: Float32Array;
  readonly isVertex: Uint8Array;
  /** Of vertices: metres above the ellipsoid, and bent. */
  readonly heights: Float32Array;
  readonly bentHeights: Float64Array;
  /** By triangle: the post that lies farthest from it, and how far (metres); likewise of cells. */
  readonly worstPost: Int32Array;
  readonly postError: Float64Array;
  readonly worstSet: Int32Array;
  readonly worstCell: Int32Array;
  /** Of cells that are not stuck, 0 when none is beyond the bound; and of all. */
  readonly cellError: Float64Array;
  readonly cellBound: Float64Array;
}

const workspaces = new Map<string, Workspace>();

/**
 * `grid` holds one tile's posts, borders included, with no void. No post is left further than `maxError` metres from the
 * drawn surface, and no sample but those that `stuck` tells further than `maxSampleError`. Ties and order depend on what is
 * given alone.
 */
export function meshTile(grid: HeightGrid, maxError: number, options: MeshOptions = {}): MeshedTile {
  const { posts, heights } = grid;
  const { maxSampleError = maxError, cells = [] } = options;
  if (!(maxError > 0)) throw new RelievoError('internal', `maxError must be more than 0 m, not ${maxError}`);
  const work = workspaceFor(posts.columns, posts.rows);
  const east = widestEastStep(posts);
  const tile = new TileMesher(grid, bendFactors(posts, east), work);
  work.isVertex.fill(0);
  weighPosts(grid, work.weights);
  bendHeights(heights, posts, east, work.bent);
  const lattice = latticeCells(posts.scheme, posts.z, posts.perTile);
  const borders = options.borders ?? outermostPosts(grid);
  const worstOnBorder = tile.insertBorders(borders, lattice, maxError, maxSampleError);
  tile.insertLattice(lattice);
  tile.refine(maxError);
  const stuck = cells.length > 0 ? tile.refineToCells(cells, maxError, maxSampleError) : [];
  const bound = cells.length > 0 ? tile.greatestCellBound() : 0;
  return { ...collect(grid, work, Math.max(tile.measurePosts(), worstOnBorder)), maxSampleError: bound, stuck };
}

function workspaceFor(columns: number, rows: number): Workspace {
  const key = `${columns}x${rows}`;
  let work = workspaces.get(key);
  if (!work) {
    const count = columns * rows;
    const capacity = Math.min(MAX_VERTICES, VERTICES_PER_POST * count);
    const triangles = 2 * capacity;
    work = {
      capacity,
      triangulation: new Triangulation(capacity),
      queue: new TriangleQueue(triangles),
      bent: new Float64Array(count),
      weights: new Float32Array(count),
      isVertex: new Uint8Array(count),
      heights: new Float32Array(capacity),
      bentHeights: new Float64Array(capacity),
      worstPost: new Int32Array(triangles),
      postError: new Float64Array(triangles),
      worstSet: new Int32Array(triangles),
      worstCell: new Int32Array(triangles),
      cellError: new Float64Array(triangles),
      cellBound: new Float64Array(triangles),
    };
    workspaces.set(key, work);
  }
  return work;
}

/**
 * The sea must not rise. A triangle from a coast into the water keeps the bound and still draws land far out at sea; so what
 * rises above a post that is exactly at sea level, as the sea is in most DEMs and everywhere outside the data, counts for
 * more. It costs Maui less than 1 % in bytes.
 */
const SEA_WEIGHT = 8;

function weighPosts(
  { heights, undulation }: Pick<HeightGrid, 'heights' | 'undulation'>,
  weights: Float32Array = new Float32Array(heights.length),
): Float32Array {
  for (let k = 0; k < heights.length; k++) weights[k] = heights[k] === undulation[k] ? SEA_WEIGHT : 1;
  return weights;
}

/** Of the tile's rows, the one nearest to the equator has the widest cells and so the greatest sag. */
function widestEastStep(posts: PostGrid): number {
  const equator = (posts.scheme.rows(posts.z) * posts.perTile) / 2;
  const row = Math.min(posts.rows - 1, Math.max(0, equator - posts.y0));
  return eastStep(posts, row);
}

/** The sides of a tile as its own posts have them. */
function outermostPosts({ posts, heights, undulation }: HeightGrid): TileBorders {
  const { columns, rows } = posts;
  const side = (start: number, stride: number, count: number): BorderLine => ({
    positions: Int32Array.from({ length: count }, (_, k) => (k * SIDE) / (count - 1)),
    heights: Float32Array.from({ length: count }, (_, k) => heights[start + k * stride]),
    undulation: Float32Array.from({ length: count }, (_, k) => undulation[start + k * stride]),
  });
  return {
    north: side(0, 1, columns),
    south: side((rows - 1) * columns, 1, columns),
    west: side(0, columns, rows),
    east: side(columns - 1, columns, rows),
  };
}

class TileMesher {
  readonly #grid: HeightGrid;
  readonly #work: Workspace;
  readonly #bend: Bend;
  /** Positions between two posts. */
  readonly #unitsX: number;
  readonly #unitsY: number;
  readonly #facet: Facet = { ax: 0, ay: 0, bx: 0, by: 0, cx: 0, cy: 0, za: 0, slopeX: 0, slopeY: 0 };
  readonly #worst: Worst = { set: -1, cell: -1, error: 0, bound: 0 };

  constructor(grid: HeightGrid, bend: Bend, work: Workspace) {
    this.#grid = grid;
    this.#work = work;
    this.#bend = bend;
    this.#unitsX = SIDE / (grid.posts.columns - 1);
    this.#unitsY = SIDE / (grid.posts.rows - 1);
    work.triangulation.start(SIDE, SIDE);
  }

  /** Gives the greatest distance in metres of a point of the border from the chord over it. */
  insertBorders(
    { north, south, west, east }: TileBorders,
    lattice: number,
    maxError: number,
    maxSampleError: number,
  ): number {
    const { posts } = this.#grid;
    const { triangulation } = this.#work;
    const lastRow = posts.rows - 1;
    let worst = 0;
    const side = (line: BorderLine, metres: number, place: (position: number) => { x: number; y: number }) => {
      const profile: BorderProfile = {
        line,
        bent: bendLine(line, metres),
        weights: weighPosts(line),
        maxError,
        maxSampleError,
      };
      const chosen = chooseBorderPoints(profile, lattice);
      for (const [k, position] of line.positions.entries()) {
        if (!chosen[k]) continue;
        const { x, y } = place(position);
        const height = borderHeight(line, maxSampleError, k);
        if (position % SIDE === 0) this.#setHeight(cornerAt(x, y), height);
        else this.#insert(x, y, height);
        triangulation.forgetChanged();
      }
      worst = Math.max(worst, measureBorder(profile, chosen));
    };
    side(north, eastStep(posts, 0) * (posts.columns - 1), (x) => ({ x, y: 0 }));
    side(south, eastStep(posts, lastRow) * (posts.columns - 1), (x) => ({ x, y: SIDE }));
    side(west, northStep(posts) * lastRow, (y) => ({ x: 0, y }));
    side(east, northStep(posts) * lastRow, (y) => ({ x: SIDE, y }));
    return worst;
  }

  insertLattice(lattice: number): void {
    const { columns, rows } = this.#grid.posts;
    const stepX = (columns - 1) / lattice;
    const stepY = (rows - 1) / lattice;
    for (let j = stepY; j < rows - 1; j += stepY) {
      for (let i = stepX; i < columns - 1; i += stepX) this.#insertPost(i, j);
    }
    this.#work.triangulation.forgetChanged();
  }

  /** Inserts worst posts until none is beyond the bound. */
  refine(maxError: number): void {
    const { triangulation, queue, postError, worstPost, capacity } = this.#work;
    const { columns } = this.#grid.posts;
    queue.clear();
    const update = (t: number) => {
      this.#findWorstPost(t);
      if (postError[t] > maxError) queue.set(t, postError[t]);
      else queue.remove(t);
    };
    for (let t = 0; t < triangulation.triangleCount; t++) update(t);
    for (;;) {
      const t = queue.worst();
      if (t < 0 || triangulation.vertexCount >= capacity) break;
      const post = worstPost[t];
      triangulation.forgetChanged();
      this.#insertPost(post % columns, (post / columns) | 0, t);
      for (let k = 0; k < triangulation.changedCount; k++) update(triangulation.changed[k]);
    }
  }

  /** Inserts worst samples, and posts that thereby come beyond their bound. Gives the cells that are left beyond theirs. */
  refineToCells(cells: readonly SourceCells[], maxError: number, maxSampleError: number): StuckCell[] {
    const { triangulation, queue, postError, cellError, worstPost, worstSet, worstCell, capacity } = this.#work;
    const { columns, rows } = this.#grid.posts;
    const errors = new CellErrors(cells, columns - 1, rows - 1, this.#bend);
    const stuck: StuckCell[] = [];
    const taken = this.#takenPositions();
    const settled = new Set<number>();
    queue.clear();
    const queueUp = (t: number) => {
      this.#findWorstCell(t, errors, maxSampleError);
      const share = Math.max(postError[t] / maxError, cellError[t] / maxSampleError);
      if (share > 1) queue.set(t, share);
      else queue.remove(t);
    };
    const update = (t: number) => {
      this.#findWorstPost(t);
      queueUp(t);
    };
    // What posts say of the triangles is known.
    for (let t = 0; t < triangulation.triangleCount; t++) queueUp(t);
    for (;;) {
      const t = queue.worst();
      if (t < 0 || triangulation.vertexCount >= capacity) break;
      triangulation.forgetChanged();
      if (postError[t] / maxError > cellError[t] / maxSampleError) {
        const post = worstPost[t];
        const [column, row] = [post % columns, (post / columns) | 0];
        taken.set(positionKey(column * this.#unitsX, row * this.#unitsY), this.#insertPost(column, row, t));
      } else {
        const set = worstSet[t];
        const cell = worstCell[t];
        const wasStuck = errors.stuck[set][cell] === 1;
        const near = errors.sets[set];
        const helped =
          !wasStuck &&
          (this.#placeCell(near, cell, taken, settled, maxSampleError) ||
            (this.#isBesideBorder(near, cell) && this.#placeCell(near, cell, taken, settled, maxSampleError, 1)));
        if (!helped) {
          errors.stuck[set][cell] = 1;
          if (!wasStuck) stuck.push({ set, cell });
          update(t);
        }
      }
      for (let k = 0; k < triangulation.changedCount; k++) update(triangulation.changed[k]);
    }
    return stuck;
  }

  greatestCellBound(): number {
    const { triangulation, cellBound } = this.#work;
    let worst = 0;
    for (let t = 0; t < triangulation.triangleCount; t++) worst = Math.max(worst, cellBound[t]);
    return worst;
  }

  /** Greatest distance in metres of a post inside the tile from the triangle over it, without weights. */
  measurePosts(): number {
    const { triangulation, postError, weights } = this.#work;
    weights.fill(1);
    let worst = 0;
    for (let t = 0; t < triangulation.triangleCount; t++) {
      this.#findWorstPost(t);
      worst = Math.max(worst, postError[t]);
    }
    return worst;
  }

  /** Vertices by where they are. */
  #takenPositions(): Map<number, number> {
    const { x, y, vertexCount } = this.#work.triangulation;
    const taken = new Map<number, number>();
    for (let v = 0; v < vertexCount; v++) taken.set(positionKey(x[v], y[v]), v);
    return taken;
  }

  /** `t`: a triangle that holds the post. */
  #insertPost(column: number, row: number, t?: number): number {
    const { triangulation, isVertex } = this.#work;
    const at = row * this.#grid.posts.columns + column;
    const [x, y] = [column * this.#unitsX, row * this.#unitsY];
    isVertex[at] = 1;
    const vertex = t === undefined ? triangulation.insert(x, y) : triangulation.insertIn(t, x, y);
    this.#setHeight(vertex, this.#grid.heights[at]);
    return vertex;
  }

  #insert(x: number, y: number, height: number): number {
    const vertex = this.#work.triangulation.insert(x, y);
    this.#setHeight(vertex, height);
    return vertex;
  }

  /**
   * Brings the surface to a cell by the nearest of the four positions round its middle that is inside the tile: with a vertex
   * where there is none, else by the height of one that is a post, which an overview may have away from its own samples. Between
   * two or more of them the middle itself comes to its height. False where all four are `settled` vertices, of this or other
   * cells. `farther`: so many positions more to each side are tried.
   */
  #placeCell(
    cells: SourceCells,
    cell: number,
    taken: Map<number, number>,
    settled: Set<number>,
    maxSampleError: number,
    farther = 0,
  ): boolean {
    const [middleX, middleY] = [cells.x[cell] * this.#unitsX, cells.y[cell] * this.#unitsY];
    let [x, y] = [-1, -1];
    let nearest = Infinity;
    const [left, right] = [inside(Math.floor(middleX) - farther), inside(Math.ceil(middleX) + farther)];
    const [top, bottom] = [inside(Math.floor(middleY) - farther), inside(Math.ceil(middleY) + farther)];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const distance = Math.hypot(column - middleX, row - middleY);
        const there = taken.get(positionKey(column, row));
        if (distance >= nearest || (there !== undefined && settled.has(there))) continue;
        nearest = distance;
        [x, y] = [column, row];
      }
    }
    if (nearest === Infinity) return false;
    const [column, row] = [x / this.#unitsX, y / this.#unitsY];
    if (Number.isInteger(column) && Number.isInteger(row)) {
      this.#work.isVertex[row * this.#grid.posts.columns + column] = 1;
    }
    const height = heightOfCell(cells, cell, drawn(x) / this.#unitsX, drawn(y) / this.#unitsY, maxSampleError);
    const key = positionKey(x, y);
    let vertex = taken.get(key);
    if (vertex === undefined) {
      vertex = this.#insert(x, y, height);
      taken.set(key, vertex);
    } else {
      this.#setHeight(vertex, height);
      this.#work.triangulation.listRound(vertex);
    }
    settled.add(vertex);
    return true;
  }

  /** Less than one position away: beyond it there are no vertices but those of the border, which stay. */
  #isBesideBorder({ x, y }: SourceCells, cell: number): boolean {
    const [across, down] = [x[cell] * this.#unitsX, y[cell] * this.#unitsY];
    return across < 1 || across > SIDE - 1 || down < 1 || down > SIDE - 1;
  }

  #setHeight(vertex: number, height: number): void {
    const { triangulation, heights, bentHeights } = this.#work;
    const x = drawn(triangulation.x[vertex]) / this.#unitsX;
    const y = drawn(triangulation.y[vertex]) / this.#unitsY;
    heights[vertex] = height;
    bentHeights[vertex] = heights[vertex] - this.#bend.x * x * x - this.#bend.y * y * y;
  }

  #findWorstCell(t: number, errors: CellErrors, maxSampleError: number): void {
    const { worstSet, worstCell, cellError, cellBound } = this.#work;
    const worst = this.#worst;
    errors.findWorst(this.#facetOf(t), maxSampleError, worst);
    worstSet[t] = worst.set;
    worstCell[t] = worst.cell;
    cellError[t] = worst.cell < 0 ? 0 : worst.error;
    cellBound[t] = worst.bound;
  }

  #facetOf(t: number): Facet {
    const { triangulation, bentHeights } = this.#work;
    const { x, y, corners } = triangulation;
    const facet = this.#facet;
    const [a, b, c] = [corners[3 * t], corners[3 * t + 1], corners[3 * t + 2]];
    facet.ax = drawn(x[a]) / this.#unitsX;
    facet.ay = drawn(y[a]) / this.#unitsY;
    facet.bx = drawn(x[b]) / this.#unitsX;
    facet.by = drawn(y[b]) / this.#unitsY;
    facet.cx = drawn(x[c]) / this.#unitsX;
    facet.cy = drawn(y[c]) / this.#unitsY;
    facet.za = bentHeights[a];
    setSlopes(facet, bentHeights[b], bentHeights[c]);
    return facet;
  }

  /** Of the posts inside a triangle or on its edges, but not on the tile's border, the one farthest from its plane. */
  #findWorstPost(t: number): void {
    const { triangulation, bent, weights, worstPost, postError, bentHeights } = this.#work;
    const { columns, rows } = this.#grid.posts;
    const { x, y, corners } = triangulation;
    let a = corners[3 * t];
    let b = corners[3 * t + 1];
    let c = corners[3 * t + 2];
    // From north to south.
    if (y[a] > y[b]) [a, b] = [b, a];
    if (y[b] > y[c]) [b, c] = [c, b];
    if (y[a] > y[b]) [a, b] = [b, a];
    const facet = this.#facet;
    facet.ax = x[a] / this.#unitsX;
    facet.ay = y[a] / this.#unitsY;
    facet.bx = x[b] / this.#unitsX;
    facet.by = y[b] / this.#unitsY;
    facet.cx = x[c] / this.#unitsX;
    facet.cy = y[c] / this.#unitsY;
    facet.za = bentHeights[a];
    setSlopes(facet, bentHeights[b], bentHeights[c]);
    const { ax, ay, bx, by, cx, cy, za, slopeX, slopeY } = facet;
    const longSlope = (cx - ax) / (cy - ay);
    const upperSlope = by > ay ? (bx - ax) / (by - ay) : 0;
    const lowerSlope = cy > by ? (cx - bx) / (cy - by) : 0;
    let worst = 0;
    let post = -1;
    const firstRow = Math.max(Math.ceil(ay), 1);
    const lastRow = Math.min(Math.floor(cy), rows - 2);
    for (let row = firstRow; row <= lastRow; row++) {
      const long = ax + longSlope * (row - ay);
      const short = row < by || cy === by ? ax + upperSlope * (row - ay) : bx + lowerSlope * (row - by);
      // Crossings are rationals over at most `SIDE` times 64: what a rounding error leaves out or takes in is never a post.
      const first = Math.max(1, Math.ceil(Math.min(long, short) - 1e-9));
      const last = Math.min(columns - 2, Math.floor(Math.max(long, short) + 1e-9));
      let plane = za + slopeY * (row - ay) + slopeX * (first - ax);
      const base = row * columns;
      for (let column = first; column <= last; column++) {
        const rise = plane - bent[base + column];
        const error = rise > 0 ? rise * weights[base + column] : -rise;
        if (error > worst && this.#work.isVertex[base + column] === 0) {
          worst = error;
          post = base + column;
        }
        plane += slopeX;
      }
    }
    postError[t] = worst;
    worstPost[t] = post;
  }
}

/** The plane of a facet through two more heights. */
function setSlopes(facet: Facet, zb: number, zc: number): void {
  const { ax, ay, bx, by, cx, cy, za } = facet;
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  facet.slopeX = ((zb - za) * (cy - ay) - (zc - za) * (by - ay)) / area;
  facet.slopeY = ((zc - za) * (bx - ax) - (zb - za) * (cx - ax)) / area;
}

/** The first four vertices of a triangulation. */
function cornerAt(x: number, y: number): number {
  return (x === 0 ? 0 : 1) + (y === 0 ? 0 : 2);
}

/** Where a position comes to lie in whole steps of u or v, in positions. */
function drawn(position: number): number {
  return (Math.round((position * UV_MAX) / SIDE) * SIDE) / UV_MAX;
}

/** What a vertex of a cell gets at a place, in post spacings, metres. */
function heightOfCell(
  { x, y, heights, slopeX, slopeY, above, below }: SourceCells,
  cell: number,
  column: number,
  row: number,
  maxSampleError: number,
): number {
  if (!slopeX || !slopeY || !above || !below) return heights[cell];
  const plane = heights[cell] + slopeX[cell] * (column - x[cell]) + slopeY[cell] * (row - y[cell]);
  return plane + towardsMiddle(above[cell], below[cell], maxSampleError);
}

/** The position inside the tile's borders that is nearest. */
function inside(position: number): number {
  return Math.min(SIDE - 1, Math.max(1, position));
}

function positionKey(x: number, y: number): number {
  return y * (SIDE + 1) + x;
}

/** Of a vertex on a border: its own, moved where samples beside it would lie beyond the bound. */
function borderHeight({ heights, above, below }: BorderLine, maxSampleError: number, k: number): number {
  const height = heights[k];
  return above && below ? height + towardsMiddle(above[k], below[k], maxSampleError) : height;
}

/** How far a vertex moves away from a height so that samples that reach much farther to one side come within the bound. */
function towardsMiddle(above: number, below: number, maxSampleError: number): number {
  return Math.max(above, below) > maxSampleError / 2 ? (above - below) / 2 : 0;
}

function collect({ posts }: HeightGrid, { triangulation, heights }: Workspace, maxError: number): TerrainMesh {
  const { vertexCount, triangleCount, x, y } = triangulation;
  const perColumn = (posts.columns - 1) / SIDE;
  const perRow = (posts.rows - 1) / SIDE;
  const mesh = {
    u: new Uint16Array(vertexCount),
    v: new Uint16Array(vertexCount),
    heights: heights.slice(0, vertexCount),
    columns: new Float32Array(vertexCount),
    rows: new Float32Array(vertexCount),
    triangles: Uint16Array.from(triangulation.corners.subarray(0, 3 * triangleCount)),
  };
  for (let i = 0; i < vertexCount; i++) {
    mesh.u[i] = Math.round((x[i] * UV_MAX) / SIDE);
    mesh.v[i] = UV_MAX - Math.round((y[i] * UV_MAX) / SIDE);
    mesh.columns[i] = x[i] * perColumn;
    mesh.rows[i] = y[i] * perRow;
  }
  return { ...mesh, edges: findEdges(mesh.u, mesh.v), maxError };
}

function findEdges(u: Uint16Array, v: Uint16Array): TileEdges {
  const west: number[] = [];
  const south: number[] = [];
  const east: number[] = [];
  const north: number[] = [];
  for (let i = 0; i < u.length; i++) {
    if (u[i] === 0) west.push(i);
    if (u[i] === UV_MAX) east.push(i);
    if (v[i] === UV_MAX) north.push(i);
    if (v[i] === 0) south.push(i);
  }
  const northwards = (a: number, b: number) => v[a] - v[b];
  const eastwards = (a: number, b: number) => u[a] - u[b];
  return {
    west: Uint16Array.from(west.sort(northwards)),
    south: Uint16Array.from(south.sort(eastwards)),
    east: Uint16Array.from(east.sort(northwards)),
    north: Uint16Array.from(north.sort(eastwards)),
  };
}
