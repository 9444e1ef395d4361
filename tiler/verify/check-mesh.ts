/**
 * Judges the triangles of a decoded tile in the integer plane of u and v (0..32767): that they cover the square exactly
 * once, join edge to edge, and come with the orders and lists that the format asks for. All arithmetic is exact.
 */
import { type DecodedTile, EDGE_NAMES, type EdgeName, QUANTUM } from './decode.ts';
import type { FaultCode } from './fault.ts';

type Report = (code: FaultCode, message: string, size?: number) => void;

/** Reports every fault of the mesh; all indices must be below the vertex count. */
export function checkMesh(tile: DecodedTile, fault: Report): void {
  if (tile.vertexCount === 65536) {
    fault('vertex-count-65536', 'a tile must not have exactly 65536 vertices: CesiumJS throws a RangeError');
  }
  checkNumbering(tile, fault);
  checkCorners(tile, fault);
  for (const name of EDGE_NAMES) checkEdge(tile, name, fault);
  checkCover(tile, fault);
}

function checkNumbering(tile: DecodedTile, fault: Report): void {
  const used = new Uint8Array(tile.vertexCount);
  let next = 0;
  let early = 0;
  for (const index of tile.triangles) {
    if (used[index] === 1) continue;
    used[index] = 1;
    if (index !== next) early++;
    next++;
  }
  if (early > 0) fault('vertex-order', `${early} vertices are not numbered in the order of their first use`, early);
  if (next < tile.vertexCount)
    fault('vertex-unused', `${tile.vertexCount - next} vertices belong to no triangle`, tile.vertexCount - next);

  const places = new Float64Array(tile.vertexCount);
  for (let i = 0; i < places.length; i++) places[i] = tile.v[i] * 65536 + tile.u[i];
  places.sort();
  let repeated = 0;
  for (let i = 1; i < places.length; i++) if (places[i] === places[i - 1]) repeated++;
  if (repeated > 0) fault('vertex-repeated', `${repeated} vertices stand at the u and v of another`, repeated);
}

function checkCorners(tile: DecodedTile, fault: Report): void {
  const missing = new Map([
    ['south-west', [0, 0]],
    ['south-east', [QUANTUM, 0]],
    ['north-west', [0, QUANTUM]],
    ['north-east', [QUANTUM, QUANTUM]],
  ]);
  for (let i = 0; i < tile.vertexCount; i++) {
    for (const [name, [u, v]] of missing) {
      if (tile.u[i] === u && tile.v[i] === v) missing.delete(name);
    }
  }
  if (missing.size > 0) fault('corner-missing', `no vertex stands at the corner ${[...missing.keys()].join(', ')}`);
}

/** Codes of the vertices across and along an edge, and the value across at which they lie on it. */
export function edgeAxes(tile: DecodedTile, name: EdgeName): { across: Int32Array; along: Int32Array; at: number } {
  const meridian = name === 'west' || name === 'east';
  return {
    across: meridian ? tile.u : tile.v,
    along: meridian ? tile.v : tile.u,
    at: name === 'west' || name === 'south' ? 0 : QUANTUM,
  };
}

function checkEdge(tile: DecodedTile, name: EdgeName, fault: Report): void {
  const { across, along, at } = edgeAxes(tile, name);
  const list = tile.edges[name];
  const listed = new Set(list);
  let foreign = 0;
  let unsorted = 0;
  for (let i = 0; i < list.length; i++) {
    if (across[list[i]] !== at) foreign++;
    if (i > 0 && along[list[i]] < along[list[i - 1]]) unsorted++;
  }
  let left = 0;
  for (let i = 0; i < tile.vertexCount; i++) if (across[i] === at && !listed.has(i)) left++;
  if (left > 0)
    fault('edge-incomplete', `the ${name} list leaves out ${left} of its vertices (${list.length} listed)`, left);
  if (foreign > 0)
    fault('edge-foreign-vertex', `the ${name} list holds ${foreign} vertices that are not on that edge`, foreign);
  if (listed.size < list.length) {
    fault('edge-repeated-vertex', `the ${name} list names ${list.length - listed.size} vertices twice`);
  }
  if (unsorted > 0)
    fault('edge-unsorted', `the ${name} list steps back ${unsorted} times instead of ascending`, unsorted);
}

/*
 * Positive triangles that join in pairs and end only on the square's border, with the square's area in sum, cover it
 * exactly once: the map from the surface to the square then has degree 1 and no fold.
 */
function checkCover(tile: DecodedTile, fault: Report): void {
  const { u, v, triangles } = tile;
  let area = 0;
  let degenerate = 0;
  let clockwise = 0;
  let empty = 0;
  // An undirected edge and its direction in one number below 2^53: vertices are fewer than 2^26 in any tile read here.
  const sides = new Float64Array(triangles.length);
  for (let t = 0; t < triangles.length; t += 3) {
    const a = triangles[t];
    const b = triangles[t + 1];
    const c = triangles[t + 2];
    if (a === b || b === c || c === a) {
      // A point or a line: it draws nothing, and its sides count for nobody.
      empty++;
      sides.fill(Number.POSITIVE_INFINITY, t, t + 3);
      continue;
    }
    const twice = (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]);
    if (twice === 0) degenerate++;
    else if (twice < 0) clockwise++;
    area += twice;
    sides[t] = sideKey(a, b, tile.vertexCount);
    sides[t + 1] = sideKey(b, c, tile.vertexCount);
    sides[t + 2] = sideKey(c, a, tile.vertexCount);
  }
  const count = triangles.length / 3;
  if (empty > 0) fault('triangle-empty', `${empty} of ${count} triangles name a vertex twice`, empty);
  if (degenerate > 0)
    fault('triangle-degenerate', `${degenerate} of ${count} triangles have no area in u and v`, degenerate);
  if (clockwise > 0)
    fault('triangle-clockwise', `${clockwise} of ${count} triangles run clockwise seen from above`, clockwise);
  if (area !== 2 * QUANTUM * QUANTUM) {
    fault(
      'area-not-covered',
      `the triangles cover ${area / 2 / QUANTUM / QUANTUM} of the tile's area`,
      Math.abs(area - 2 * QUANTUM * QUANTUM),
    );
  }
  const loose = countLooseSides(tile, sides);
  if (loose > 0) {
    fault('triangles-not-joined', `${loose} sides inside the tile are not shared by exactly two triangles`, loose);
  }
}

function sideKey(from: number, to: number, vertexCount: number): number {
  return from < to ? (from * vertexCount + to) * 2 : (to * vertexCount + from) * 2 + 1;
}

function countLooseSides(tile: DecodedTile, sides: Float64Array): number {
  sides.sort();
  let loose = 0;
  for (let i = 0; i < sides.length && sides[i] !== Number.POSITIVE_INFINITY; ) {
    const side = Math.floor(sides[i] / 2);
    let end = i + 1;
    while (end < sides.length && Math.floor(sides[end] / 2) === side) end++;
    const single = end - i === 1;
    const pair = end - i === 2 && sides[i] !== sides[i + 1];
    if (!pair && !(single && onBorder(tile, side))) loose++;
    i = end;
  }
  return loose;
}

function onBorder({ u, v, vertexCount }: DecodedTile, side: number): boolean {
  const a = Math.floor(side / vertexCount);
  const b = side % vertexCount;
  return (u[a] === u[b] && (u[a] === 0 || u[a] === QUANTUM)) || (v[a] === v[b] && (v[a] === 0 || v[a] === QUANTUM));
}
