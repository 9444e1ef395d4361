/** Ways to break the mesh of a tile, its borders and its extensions (formats.md 1.2, 1.3, 1.4 and 8). */

import { type Breakage, breakage, EAST, TILE, WEST } from './breakage.ts';
import {
  addSkirts,
  addVertex,
  areaOf,
  cutEast,
  insideOf,
  insideTriangle,
  listEdges,
  swap,
  TOP,
  takeOutOfEast,
  tidy,
  vertexAt,
} from './spoil-mesh.ts';
import { changeBytes, changePlan, storedOf, type TilesetCopy } from './tileset-copy.ts';
import { type TilePlan, upNormals } from './tiny-tile.ts';

const AT = [TILE];
/** Where borders with three neighbours are reported. */
const AROUND = [WEST, TILE];

const plan = (change: (plan: TilePlan) => void) => (set: TilesetCopy) => changePlan(set, TILE, change);

export const BREAK_EDGES: readonly Breakage[] = [
  breakage(
    'an edge list without one of its vertices',
    plan((p) => p.edges[2].splice(4, 1)),
    { 'edge-incomplete': AT },
  ),
  breakage(
    'an edge list without corners',
    plan((p) => p.edges.splice(2, 1, p.edges[2].slice(1, -1))),
    {
      'edge-incomplete': AT,
    },
  ),
  breakage(
    'an empty edge list',
    plan((p) => p.edges.splice(3, 1, [])),
    { 'edge-incomplete': AT },
  ),
  breakage(
    'no edge list at all',
    plan((p) => p.edges.splice(0, 4, [], [], [], [])),
    { 'edge-incomplete': AT },
  ),
  breakage(
    'a vertex twice in an edge list',
    plan((p) => p.edges[2].splice(2, 0, p.edges[2][2])),
    {
      'edge-repeated-vertex': AT,
    },
  ),
  breakage(
    'a vertex of the inside in an edge list',
    plan((p) => p.edges[0].splice(1, 0, insideOf(p))),
    {
      'edge-foreign-vertex': AT,
    },
  ),
  breakage(
    'an edge list from north to south',
    plan((p) => p.edges[2].reverse()),
    { 'edge-unsorted': AT },
  ),
  breakage(
    'west and east lists swapped',
    plan((p) => ([p.edges[0], p.edges[2]] = [p.edges[2], p.edges[0]])),
    {
      'edge-foreign-vertex': AT,
      'edge-incomplete': AT,
    },
  ),
  breakage(
    'edge lists in the order west, east, south, north',
    plan((p) => p.edges.splice(1, 2, p.edges[2], p.edges[1])),
    { 'edge-foreign-vertex': AT, 'edge-incomplete': AT },
  ),
];

export const BREAK_TRIANGLES: readonly Breakage[] = [
  breakage('a triangle turned round', plan(turnOne), {
    'triangle-clockwise': AT,
    'triangles-not-joined': AT,
    'area-not-covered': AT,
  }),
  breakage('all triangles clockwise', plan(turnAll), { 'triangle-clockwise': AT, 'area-not-covered': AT }),
  breakage(
    'rows of vertices from the north',
    plan((p) => mirror(p, 'v')),
    {
      'triangle-clockwise': AT,
      'area-not-covered': AT,
      'border-posts-differ': AROUND,
      'border-heights-differ': AT,
    },
    ['sphere-open', 'occlusion-hides'],
  ),
  breakage(
    'a triangle that names a vertex twice',
    plan((p) => p.triangles.push(0, 1, 1)),
    { 'triangle-empty': AT },
  ),
  breakage(
    'a triangle along the border',
    plan((p) => p.triangles.push(...p.edges[2].slice(0, 3))),
    { 'triangle-degenerate': AT, 'triangles-not-joined': AT },
  ),
  breakage(
    'a fold: a vertex beyond its neighbours',
    plan((p) => moveVertex(p, insideOf(p), 32000, 600)),
    { 'triangle-clockwise': AT },
  ),
  breakage('a hole: a triangle left out', plan(leaveOneOut), { 'area-not-covered': AT, 'triangles-not-joined': AT }),
  breakage(
    'an overlap: a triangle twice',
    plan((p) => p.triangles.push(...p.triangles.slice(0, 3))),
    { 'area-not-covered': AT, 'triangles-not-joined': AT },
  ),
  breakage(
    'an overlap as large as a hole',
    plan((p) => putOverHole(p)),
    { 'triangles-not-joined': AT },
  ),
  breakage(
    'no triangles',
    plan((p) => p.triangles.splice(0)),
    { 'area-not-covered': AT, 'vertex-unused': AT },
  ),
  breakage('a T-junction inside', plan(addTee), { 'triangles-not-joined': AT }),
  breakage('a vertex of its own at the place of another', plan(splitVertex), {
    'vertex-repeated': AT,
    'triangles-not-joined': AT,
  }),
  breakage(
    'a vertex that no triangle uses',
    plan((p) => addVertex(p, 777, 888, 0)),
    { 'vertex-unused': AT },
  ),
  breakage(
    'a missing corner',
    plan((p) => moveVertex(p, vertexAt(p, 0, 0), 9, 9)),
    {
      'corner-missing': AT,
      'area-not-covered': AT,
      'triangles-not-joined': AT,
      'edge-foreign-vertex': AT,
      'border-posts-differ': AROUND,
    },
  ),
  breakage(
    'a vertex one step off the border',
    plan((p) => moveVertex(p, p.edges[2][5], TOP - 1, p.v[p.edges[2][5]])),
    { 'edge-foreign-vertex': AT, 'area-not-covered': AT, 'triangles-not-joined': AT, 'border-posts-differ': AT },
  ),
  breakage('skirts baked into the mesh', plan(addSkirts), {
    'triangle-degenerate': AT,
    'vertex-repeated': AT,
    'triangles-not-joined': AT,
    'edge-incomplete': AT,
    'border-posts-differ': AROUND,
  }),
];

export const BREAK_BORDERS: readonly Breakage[] = [
  breakage(
    'a border vertex a few steps too high',
    plan((p) => raise(p, p.edges[2][4], 3)),
    {
      'border-heights-differ': AT,
    },
  ),
  breakage(
    'a corner 10 m too high',
    plan((p) => raise(p, vertexAt(p, TOP, 0), 112)),
    {
      'border-heights-differ': AT,
    },
  ),
  breakage(
    'a tile 5 m too high',
    plan((p) => lift(p, 5)),
    { 'border-heights-differ': AROUND },
    ['sphere-open', 'occlusion-hides'],
  ),
  breakage('a border vertex that the neighbour has and the tile has not', plan(takeOutOfEast), {
    'border-posts-differ': AT,
  }),
  breakage('a border vertex that the neighbour has not', plan(cutEast), { 'border-posts-differ': AT }),
  breakage(
    'a border vertex moved along the border',
    plan((p) => moveVertex(p, p.edges[2][5], TOP, p.v[p.edges[2][5]] + 3)),
    {
      'border-posts-differ': AT,
    },
  ),
  breakage(
    'another normal at a border vertex',
    plan((p) => turnNormal(p, p.edges[2][4])),
    {
      'border-normals-differ': AT,
    },
  ),
  breakage(
    'normals in the order of another mesh',
    plan((p) => p.extensions[0].payload.reverse()),
    { 'border-normals-differ': AROUND, 'normals-tilted': AT },
  ),
  breakage(
    'a tile at the address of its neighbour and the other way round',
    (set) => {
      const bytes = storedOf(set, TILE);
      set.files.set(TILE, storedOf(set, EAST));
      set.files.set(EAST, bytes);
    },
    {
      'sphere-open': [TILE, EAST],
      'occlusion-hides': [TILE, EAST],
      'border-posts-differ': [WEST, EAST],
      'border-heights-differ': [TILE, EAST],
      'border-normals-differ': AT,
    },
  ),
];

export const BREAK_EXTENSIONS: readonly Breakage[] = [
  breakage(
    'normals for all vertices but one',
    plan((p) => withNormals(p, (n) => n.slice(0, -2))),
    {
      'extension-length': AT,
      'border-normals-differ': AROUND,
    },
  ),
  breakage(
    'three bytes a normal',
    plan((p) => withNormals(p, (n) => new Uint8Array((n.length / 2) * 3))),
    {
      'extension-length': AT,
      'border-normals-differ': AROUND,
    },
  ),
  breakage('a length in big-endian', (set) => changeBytes(set, TILE, turnLength), { 'extension-big-endian': AT }),
  breakage(
    'normals into the Earth',
    plan((p) => withNormals(p, (n) => turnNormals(n))),
    { 'normals-inward': AT, 'normals-tilted': AT, 'border-normals-differ': AROUND },
  ),
  breakage(
    'normals in a local frame',
    plan((p) => withNormals(p, (n) => allUp(n))),
    { 'normals-tilted': AT, 'border-normals-differ': AROUND },
  ),
  breakage(
    'no normals in one tile',
    plan((p) => p.extensions.splice(0)),
    { 'extension-missing': AT, 'border-normals-differ': AROUND },
  ),
  breakage(
    'normals twice',
    plan((p) => p.extensions.push(...p.extensions)),
    { 'extension-repeated': AT },
  ),
  breakage(
    'a water mask that nobody announced',
    plan((p) => extend(p, 2, Uint8Array.of(255))),
    {
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'a water mask of 16 x 16',
    plan((p) => extend(p, 2, new Uint8Array(256))),
    {
      'watermask-length': AT,
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'an empty water mask',
    plan((p) => extend(p, 2, new Uint8Array())),
    {
      'watermask-length': AT,
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'an extension of unknown number',
    plan((p) => extend(p, 77, Uint8Array.of(1, 2, 3))),
    {
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'metadata that are no JSON',
    plan((p) => extend(p, 4, Buffer.from('\x02\0\0\0{]', 'latin1'))),
    {
      'metadata-not-json': AT,
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'metadata with a wrong length',
    plan((p) => extend(p, 4, Buffer.from('\x09\0\0\0{}', 'latin1'))),
    {
      'extension-length': AT,
      'extension-unlisted': AT,
    },
  ),
  breakage(
    'metadata without a length',
    plan((p) => extend(p, 4, Buffer.from('{}'))),
    {
      'extension-length': AT,
      'extension-unlisted': AT,
    },
  ),
];

// Vertices are numbered anew where triangles change, so that nothing else is wrong.
function turnAll(p: TilePlan): void {
  for (let t = 0; t < p.triangles.length; t += 3) swap(p.triangles, t + 1, t + 2);
  tidy(p);
}

function turnOne(p: TilePlan): void {
  const t = insideTriangle(p);
  swap(p.triangles, 3 * t + 1, 3 * t + 2);
  tidy(p);
}

function leaveOneOut(p: TilePlan): void {
  p.triangles.splice(3 * insideTriangle(p), 3);
  tidy(p);
}

function mirror(p: TilePlan, name: 'u' | 'v'): void {
  p[name] = p[name].map((code) => TOP - code);
  listEdges(p);
}

function moveVertex(p: TilePlan, vertex: number, u: number, v: number): void {
  p.u[vertex] = u;
  p.v[vertex] = v;
}

function raise(p: TilePlan, vertex: number, codes: number): void {
  p.h[vertex] += codes;
}

function lift(p: TilePlan, metres: number): void {
  p.minimumHeight += metres;
  p.maximumHeight += metres;
}

/** Leaves a triangle out and puts one of the same area elsewhere: the sum of areas is right. */
function putOverHole(p: TilePlan): void {
  const count = p.triangles.length / 3;
  const byArea = new Map<number, number>();
  for (let t = 0; t < count; t++) {
    const area = areaOf(p, t);
    const twin = byArea.get(area);
    byArea.set(area, t);
    if (twin === undefined) continue;
    p.triangles.splice(3 * t, 3, ...p.triangles.slice(3 * twin, 3 * twin + 3));
    tidy(p);
    return;
  }
  throw new Error('no two triangles have one area');
}

/** Cuts the last triangle in two at the middle of a side that lies inside the tile. */
function addTee(p: TilePlan): void {
  for (let t = p.triangles.length / 3 - 1; t >= 0; t--) {
    const [a, b, c] = p.triangles.slice(3 * t, 3 * t + 3);
    const [u, v] = [(p.u[a] + p.u[b]) / 2, (p.v[a] + p.v[b]) / 2];
    if (!Number.isInteger(u) || !Number.isInteger(v) || u === 0 || v === 0 || u === TOP || v === TOP) continue;
    p.triangles.splice(3 * t, 3);
    const middle = addVertex(p, u, v, a);
    p.triangles.push(a, middle, c, middle, b, c);
    tidy(p);
    return;
  }
  throw new Error('no side has its middle on whole codes');
}

/** Gives the last triangle a vertex of its own at the place of one that it shares. */
function splitVertex(p: TilePlan): void {
  const at = p.triangles.length - 3;
  const vertex = p.triangles[at];
  p.triangles[at] = addVertex(p, p.u[vertex], p.v[vertex], vertex);
}

function withNormals(p: TilePlan, change: (normals: Uint8Array) => Uint8Array): void {
  p.extensions[0].payload = change(p.extensions[0].payload);
}

function turnNormal(p: TilePlan, vertex: number): void {
  p.extensions[0].payload[2 * vertex] += 12;
}

/** The vectors on the other side: x and y of the same octahedron, unfolded from below. */
function turnNormals(normals: Uint8Array): Uint8Array {
  const out = new Uint8Array(normals.length);
  for (let i = 0; i < out.length; i += 2) {
    const [x, y] = [(normals[i] / 255) * 2 - 1, (normals[i + 1] / 255) * 2 - 1];
    const z = 1 - Math.abs(x) - Math.abs(y);
    const [fx, fy] = z >= 0 ? [x, y] : [(1 - Math.abs(y)) * Math.sign(x || 1), (1 - Math.abs(x)) * Math.sign(y || 1)];
    out.set(upNormals([[-fx, -fy, -z]]), i);
  }
  return out;
}

/** East, north, up taken for x, y, z: straight up everywhere. */
function allUp(normals: Uint8Array): Uint8Array {
  return upNormals(Array.from({ length: normals.length / 2 }, () => [0, 0, 1] as const));
}

function turnLength(plain: Buffer): undefined {
  const normals = 2 * plain.readUInt32LE(88);
  plain.writeUInt32BE(normals, plain.length - normals - 4);
}

function extend(p: TilePlan, id: number, payload: Uint8Array): void {
  p.extensions.push({ id, payload });
}
