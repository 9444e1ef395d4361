/**
 * Posts of one tile to triangles within an error bound: the border from itself alone, then the inside by greedy
 * insertion (M. Garland and P. Heckbert, "Fast polygonal approximation of terrains and height fields", 1995): while a
 * post lies further than the bound from the triangle over it, the worst one becomes a vertex.
 */
import { RelievoError } from '../error.ts';
import type { HeightGrid, PostGrid } from '../geo/post-grid.ts';
import { chooseBorderPosts, measureBorder } from './border.ts';
import { bendHeights, eastStep, latticeCells, northStep } from './curvature.ts';
import { type TerrainMesh, type TileEdges, UV_MAX } from './terrain-mesh.ts';
import { TriangleQueue } from './triangle-queue.ts';
import { Triangulation } from './triangulation.ts';

/** Scratch of one grid size; meshing is synchronous, so one at a time uses it. */
interface Workspace {
  readonly triangulation: Triangulation;
  readonly queue: TriangleQueue;
  readonly bent: Float64Array;
  readonly isVertex: Uint8Array;
  readonly weights: Float32Array;
  /** By triangle: the post that lies farthest from it, and how far (metres). */
  readonly worstPost: Int32Array;
  readonly worstError: Float64Array;
}

const workspaces = new Map<string, Workspace>();

/**
 * `grid` holds one tile's posts, borders included, with no void. No post is left further than `maxError` metres from the
 * drawn surface. Ties and order depend on the grid alone.
 */
export function meshTile(grid: HeightGrid, maxError: number): TerrainMesh {
  const { posts, heights } = grid;
  if (!(maxError > 0)) throw new RelievoError('internal', `maxError must be more than 0 m, not ${maxError}`);
  const work = workspaceFor(posts.columns, posts.rows);
  const cells = latticeCells(posts.scheme, posts.z, posts.perTile);
  work.isVertex.fill(0);
  weighPosts(grid, work.weights);
  const worstOnBorder = markBorder(grid, cells, maxError, work);
  markLattice(posts, cells, work.isVertex);
  bendHeights(heights, posts, widestEastStep(posts), work.bent);
  insertMarked(posts, work);
  refine(posts, maxError, work);
  return collect(grid, work, Math.max(measureInside(posts, work), worstOnBorder));
}

function workspaceFor(columns: number, rows: number): Workspace {
  const key = `${columns}x${rows}`;
  let work = workspaces.get(key);
  if (!work) {
    const count = columns * rows;
    work = {
      triangulation: new Triangulation(columns, rows),
      queue: new TriangleQueue(2 * count),
      bent: new Float64Array(count),
      isVertex: new Uint8Array(count),
      weights: new Float32Array(count),
      worstPost: new Int32Array(2 * count),
      worstError: new Float64Array(2 * count),
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

function weighPosts({ heights, undulation }: HeightGrid, weights: Float32Array): void {
  for (let k = 0; k < heights.length; k++) weights[k] = heights[k] === undulation[k] ? SEA_WEIGHT : 1;
}

function markBorder(
  { posts, heights }: HeightGrid,
  cells: number,
  maxError: number,
  { isVertex, weights }: Workspace,
): number {
  const { columns, rows } = posts;
  return Math.max(
    markLine(0, 1, columns, eastStep(posts, 0)),
    markLine((rows - 1) * columns, 1, columns, eastStep(posts, rows - 1)),
    markLine(0, columns, rows, northStep(posts)),
    markLine(columns - 1, columns, rows, northStep(posts)),
  );

  function markLine(start: number, stride: number, count: number, step: number): number {
    const line = new Float32Array(count);
    for (let k = 0; k < count; k++) line[k] = heights[start + k * stride];
    const lineWeights = new Float32Array(count);
    for (let k = 0; k < count; k++) lineWeights[k] = weights[start + k * stride];
    const bent = new Float64Array(count);
    bendHeights(line, { ...posts, columns: count, rows: 1 }, step, bent);
    const chosen = new Uint8Array(count);
    chooseBorderPosts(bent, cells, maxError, chosen, lineWeights);
    for (let k = 0; k < count; k++) if (chosen[k]) isVertex[start + k * stride] = 1;
    return measureBorder(bent, chosen);
  }
}

function markLattice({ columns, rows }: PostGrid, cells: number, isVertex: Uint8Array): void {
  const stepX = (columns - 1) / cells;
  const stepY = (rows - 1) / cells;
  for (let j = 0; j < rows; j += stepY) {
    for (let i = 0; i < columns; i += stepX) isVertex[j * columns + i] = 1;
  }
}

/** Of the tile's rows, the one nearest to the equator has the widest cells and so the greatest sag. */
function widestEastStep(posts: PostGrid): number {
  const equator = (posts.scheme.rows(posts.z) * posts.perTile) / 2;
  const row = Math.min(posts.rows - 1, Math.max(0, equator - posts.y0));
  return eastStep(posts, row);
}

function insertMarked({ columns, rows }: PostGrid, { triangulation, isVertex }: Workspace): void {
  triangulation.start(columns - 1, rows - 1);
  for (let j = 0, at = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++, at++) {
      const corner = (i === 0 || i === columns - 1) && (j === 0 || j === rows - 1);
      if (isVertex[at] && !corner) {
        triangulation.insert(i, j);
        triangulation.changedCount = 0;
      }
    }
  }
}

/** Inserts worst posts until none is beyond the bound. */
function refine({ columns, rows }: PostGrid, maxError: number, work: Workspace): void {
  const { triangulation, queue, worstError, worstPost } = work;
  queue.clear();
  for (let t = 0; t < triangulation.triangleCount; t++) update(t);
  for (;;) {
    const t = queue.worst();
    if (t < 0) break;
    const post = worstPost[t];
    triangulation.changedCount = 0;
    triangulation.insertIn(t, post % columns, (post / columns) | 0);
    for (let k = 0; k < triangulation.changedCount; k++) update(triangulation.changed[k]);
  }
  function update(t: number): void {
    findWorstPost(t, columns, rows, work);
    if (worstError[t] > maxError) queue.set(t, worstError[t]);
    else queue.remove(t);
  }
}

/** Greatest distance in metres of a post inside the tile from the triangle over it, without weights. */
function measureInside({ columns, rows }: PostGrid, work: Workspace): number {
  work.weights.fill(1);
  let worst = 0;
  for (let t = 0; t < work.triangulation.triangleCount; t++) {
    findWorstPost(t, columns, rows, work);
    worst = Math.max(worst, work.worstError[t]);
  }
  return worst;
}

/** Of the posts inside a triangle or on its edges, but not on the tile's border, the one farthest from its plane. */
function findWorstPost(t: number, columns: number, rows: number, work: Workspace): void {
  const { x, y, corners } = work.triangulation;
  const { bent, weights } = work;
  let a = corners[3 * t];
  let b = corners[3 * t + 1];
  let c = corners[3 * t + 2];
  // From north to south.
  if (y[a] > y[b]) [a, b] = [b, a];
  if (y[b] > y[c]) [b, c] = [c, b];
  if (y[a] > y[b]) [a, b] = [b, a];
  const ax = x[a];
  const ay = y[a];
  const bx = x[b];
  const by = y[b];
  const cx = x[c];
  const cy = y[c];
  const za = bent[ay * columns + ax];
  const zb = bent[by * columns + bx];
  const zc = bent[cy * columns + cx];
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  const slopeX = ((zb - za) * (cy - ay) - (zc - za) * (by - ay)) / area;
  const slopeY = ((zc - za) * (bx - ax) - (zb - za) * (cx - ax)) / area;
  const longSlope = (cx - ax) / (cy - ay);
  const upperSlope = by > ay ? (bx - ax) / (by - ay) : 0;
  const lowerSlope = cy > by ? (cx - bx) / (cy - by) : 0;
  let worst = 0;
  let post = -1;
  const firstRow = Math.max(ay, 1);
  const lastRow = Math.min(cy, rows - 2);
  for (let row = firstRow; row <= lastRow; row++) {
    const long = ax + longSlope * (row - ay);
    const short = row < by || cy === by ? ax + upperSlope * (row - ay) : bx + lowerSlope * (row - by);
    // Crossings are rationals over at most `rows`: what a rounding error leaves out or takes in is never a whole post.
    const first = Math.max(1, Math.ceil(Math.min(long, short) - 1e-9));
    const last = Math.min(columns - 2, Math.floor(Math.max(long, short) + 1e-9));
    let plane = za + slopeY * (row - ay) + slopeX * (first - ax);
    const base = row * columns;
    for (let column = first; column <= last; column++) {
      const rise = plane - bent[base + column];
      const error = rise > 0 ? rise * weights[base + column] : -rise;
      if (error > worst) {
        worst = error;
        post = base + column;
      }
      plane += slopeX;
    }
  }
  work.worstError[t] = worst;
  work.worstPost[t] = post;
}

function collect({ posts, heights }: HeightGrid, { triangulation }: Workspace, maxError: number): TerrainMesh {
  const { vertexCount, triangleCount, x, y } = triangulation;
  const lastColumn = posts.columns - 1;
  const lastRow = posts.rows - 1;
  const mesh = {
    u: new Uint16Array(vertexCount),
    v: new Uint16Array(vertexCount),
    heights: new Float32Array(vertexCount),
    columns: Uint16Array.from(x.subarray(0, vertexCount)),
    rows: Uint16Array.from(y.subarray(0, vertexCount)),
    triangles: Uint16Array.from(triangulation.corners.subarray(0, 3 * triangleCount)),
  };
  for (let i = 0; i < vertexCount; i++) {
    mesh.u[i] = Math.round((x[i] * UV_MAX) / lastColumn);
    mesh.v[i] = UV_MAX - Math.round((y[i] * UV_MAX) / lastRow);
    mesh.heights[i] = heights[y[i] * posts.columns + x[i]];
  }
  return { ...mesh, edges: findEdges(mesh.columns, mesh.rows, lastColumn, lastRow), maxError };
}

function findEdges(columns: Uint16Array, rows: Uint16Array, lastColumn: number, lastRow: number): TileEdges {
  const west: number[] = [];
  const south: number[] = [];
  const east: number[] = [];
  const north: number[] = [];
  for (let i = 0; i < columns.length; i++) {
    if (columns[i] === 0) west.push(i);
    if (columns[i] === lastColumn) east.push(i);
    if (rows[i] === 0) north.push(i);
    if (rows[i] === lastRow) south.push(i);
  }
  const northwards = (a: number, b: number) => rows[b] - rows[a];
  const eastwards = (a: number, b: number) => columns[a] - columns[b];
  return {
    west: Uint16Array.from(west.sort(northwards)),
    south: Uint16Array.from(south.sort(eastwards)),
    east: Uint16Array.from(east.sort(northwards)),
    north: Uint16Array.from(north.sort(eastwards)),
  };
}
