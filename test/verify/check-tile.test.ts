/** Sound tiles have no fault; each way of breaking one is named; faults that other people's tiles really have are found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkTile, occlusionExcess, vertexPositions } from '../../tiler/verify/check-tile.ts';
import { decodeTile } from '../../tiler/verify/decode.ts';
import type { FaultCode } from '../../tiler/verify/fault.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { GEOGRAPHIC, type JudgedTile } from '../../tiler/verify/tiling.ts';
import { length, subtract, toEcef, toScaled, type Vector } from '../../tiler/verify/wgs84.ts';
import { describeWithData } from '../support/test-data.ts';
import { planTile, type TilePlan, upNormals, writeTile } from './tiny-tile.ts';

const PLACES: readonly JudgedTile[] = [
  { z: 0, x: 0, y: 0 },
  { z: 0, x: 1, y: 0 },
  { z: 1, x: 3, y: 0 },
  { z: 2, x: 7, y: 3 },
  { z: 5, x: 4, y: 12 },
  { z: 9, x: 68, y: 196 },
  { z: 14, x: 2150, y: 6289 },
  { z: 20, x: 2097151, y: 0 },
];

const hills = (lon: number, lat: number): number => 800 + 700 * Math.sin(lon * 9) * Math.cos(lat * 7);

/** Codes without repeats, for tile 7/20/40 unless said otherwise. */
function codesOf(bytes: Uint8Array, id: JudgedTile = { z: 7, x: 20, y: 40 }): FaultCode[] {
  return [...new Set(checkTile(bytes, id).map(({ code }) => code))].sort();
}

describe('checkTile on sound tiles', () => {
  it.each(PLACES)('finds nothing wrong with %o', (id) => {
    expect(checkTile(writeTile(planTile(id, hills), 'gzip'), id)).toEqual([]);
    expect(checkTile(writeTile(planTile(id, () => 0, { cells: 1 })), id)).toEqual([]);
    expect(checkTile(writeTile(planTile(id, () => -31.25, { cells: 3, normals: false })), id)).toEqual([]);
    expect(checkTile(writeTile(planTile(id, hills, { range: [-100, 5000] })), id)).toEqual([]);
  });

  it('finds nothing wrong with 32-bit indices', () => {
    const id = { z: 7, x: 20, y: 40 };
    const plan = planTile(id, hills, { cells: 256 });
    expect(plan.u.length).toBe(66049);
    expect(checkTile(writeTile(plan), id)).toEqual([]);
  });
});

/** What is done to the plan of a sound tile of 4 x 4 cells, and every code that it must bring. */
const BREAKAGES: readonly (readonly [string, (plan: TilePlan) => void, readonly FaultCode[]])[] = [
  ['a centre that is no number', (p) => p.centre.splice(1, 1, Number.NaN), ['header-not-finite']],
  ['an infinite occlusion point', (p) => p.occlusionPoint.fill(Infinity), ['header-not-finite']],
  ['a centre on the other side of the Earth', (p) => p.centre.splice(0, 3, ...p.centre.map((c) => -c)), ['centre-far']],
  [
    'a sphere one part in a thousand too small',
    (p) => Object.assign(p, { sphereRadius: p.sphereRadius * 0.999 }),
    ['sphere-open'],
  ],
  ['a sphere three times too large', (p) => Object.assign(p, { sphereRadius: p.sphereRadius * 3 }), ['sphere-loose']],
  ['an occlusion point on the ellipsoid', (p) => scale(p.occlusionPoint, 1), ['occlusion-hides']],
  ['an occlusion point of zero', (p) => p.occlusionPoint.fill(0), ['occlusion-hides']],
  ['an occlusion point a millionth too near', (p) => shrink(p.occlusionPoint, 1 - 1e-6), ['occlusion-hides']],
  ['a far point behind the Earth', (p) => shrink(p.occlusionPoint, -1e6), ['occlusion-hides']],
  [
    'minimum and maximum swapped',
    (p) => {
      [p.minimumHeight, p.maximumHeight] = [p.maximumHeight, p.minimumHeight];
    },
    ['height-range-inverted'],
  ],
  ['a height code above 32767', (p) => p.h.splice(3, 1, 33000), ['code-out-of-range']],
  ['a corner pulled in', (p) => replace(p.u, p.v, [0, 0], [9, 9]), ['area-not-covered', 'corner-missing']],
  ['an edge list without its last vertex', (p) => p.edges[1].pop(), ['edge-incomplete']],
  ['an edge list without corners', (p) => p.edges.splice(0, 1, p.edges[0].slice(1, -1)), ['edge-incomplete']],
  ['an empty edge list', (p) => p.edges.splice(2, 1, []), ['edge-incomplete']],
  [
    'a vertex of the inside in an edge list',
    (p) => p.edges[0].push(insideOf(p)),
    ['edge-foreign-vertex', 'edge-unsorted'],
  ],
  ['an edge list backwards', (p) => p.edges[3].reverse(), ['edge-unsorted']],
  ['a vertex twice in an edge list', (p) => p.edges[3].splice(2, 0, p.edges[3][2]), ['edge-repeated-vertex']],
  ['east and west lists swapped', (p) => p.edges.reverse().splice(0, 4, ...rotate(p.edges)), ['edge-foreign-vertex']],
  ['an index in an edge list beyond the vertices', (p) => p.edges[0].push(999), ['index-out-of-range']],
  ['a triangle turned round', (p) => swap(p.triangles, 13, 14), ['triangle-clockwise']],
  ['all triangles clockwise', (p) => flipAll(p), ['triangle-clockwise']],
  ['a triangle left out', (p) => p.triangles.splice(-3, 3), ['area-not-covered', 'triangles-not-joined']],
  [
    'a triangle twice',
    (p) => p.triangles.push(...p.triangles.slice(0, 3)),
    ['area-not-covered', 'triangles-not-joined'],
  ],
  ['a triangle that names a vertex twice', (p) => p.triangles.push(0, 1, 1), ['triangle-empty']],
  ['a fold: an inner vertex beyond its neighbours', (p) => moveInside(p, 30000, 30000), ['triangle-clockwise']],
  ['a T-junction: a vertex on a side that its neighbour does not have', (p) => addTee(p), ['triangles-not-joined']],
  ['a vertex that no triangle uses', (p) => addVertex(p, 777, 888), ['vertex-unused']],
  ['a vertex at the place of another', (p) => splitVertex(p), ['vertex-repeated']],
  ['vertices not numbered by first use', (p) => renumber(p), ['index-above-high-water', 'vertex-order']],
  ['normals for half the vertices', (p) => setNormals(p, (n) => n.slice(0, n.length / 2)), ['extension-length']],
  [
    'normals into the Earth',
    (p) => setNormals(p, (n) => upNormals(pairs(n, () => [0.6, 0.7, -0.4]))),
    ['normals-inward'],
  ],
  ['normals in a local frame', (p) => setNormals(p, (n) => upNormals(pairs(n, () => [0, 0, 1]))), ['normals-tilted']],
  ['normals twice', (p) => p.extensions.push(...p.extensions), ['extension-repeated']],
  ['a water mask of 100 bytes', (p) => addExtension(p, 2, new Uint8Array(100)), ['watermask-length']],
  [
    'metadata that are not JSON',
    (p) => addExtension(p, 4, Uint8Array.of(2, 0, 0, 0, 0x7b, 0x5d)),
    ['metadata-not-json'],
  ],
  [
    'metadata with a wrong length',
    (p) => addExtension(p, 4, Uint8Array.of(9, 0, 0, 0, 0x7b, 0x7d)),
    ['extension-length'],
  ],
  ['three bytes at the end', (p) => Object.assign(p, { tail: Uint8Array.of(1, 2, 3) }), ['trailing-bytes']],
  [
    'an extension that passes the end',
    (p) => Object.assign(p, { tail: Uint8Array.of(9, 9, 0, 0, 0, 1) }),
    ['trailing-bytes'],
  ],
];

describe('checkTile on broken tiles', () => {
  it.each(BREAKAGES)('names %s', (_, breakIt, expected) => {
    const plan = planTile({ z: 7, x: 20, y: 40 }, hills);
    breakIt(plan);
    expect(codesOf(writeTile(plan))).toEqual(expect.arrayContaining([...expected]));
  });

  it('names nothing else than what was broken, where the breakage has one consequence', () => {
    for (const [, breakIt, expected] of BREAKAGES.filter(([, , codes]) => LONELY.has(codes[0]))) {
      const plan = planTile({ z: 7, x: 20, y: 40 }, hills);
      breakIt(plan);
      expect(codesOf(writeTile(plan))).toEqual([...expected].sort());
    }
  });

  it('names exactly 65536 vertices', () => {
    const plan = planTile({ z: 7, x: 20, y: 40 }, hills, { cells: 255 });
    expect(codesOf(writeTile(plan))).toEqual(['vertex-count-65536']);
  });

  it('names a tile that stands at the address of another', () => {
    const bytes = writeTile(planTile({ z: 7, x: 20, y: 40 }, hills));
    expect(codesOf(bytes, { z: 7, x: 21, y: 40 })).toContain('sphere-open');
    expect(codesOf(bytes, { z: 7, x: 20, y: 2 ** 7 - 1 - 40 })).toContain('sphere-open');
  });

  it('says which tile, counted from the south as in the file', () => {
    const plan = planTile({ z: 7, x: 20, y: 40 }, hills);
    plan.sphereRadius = 1;
    expect(checkTile(writeTile(plan), { z: 7, x: 20, y: 40 })[0].tile).toBe('7/20/87.terrain');
  });
});

const LONELY: ReadonlySet<FaultCode> = new Set([
  'header-not-finite',
  'centre-far',
  'sphere-open',
  'sphere-loose',
  'occlusion-hides',
  'edge-incomplete',
  'edge-unsorted',
  'edge-repeated-vertex',
  'vertex-unused',
  'extension-length',
  'extension-repeated',
  'watermask-length',
  'metadata-not-json',
  'trailing-bytes',
  'normals-tilted',
  'index-out-of-range',
]);

function scale(vector: number[], size: number): void {
  const now = Math.hypot(...vector);
  vector.forEach((value, i) => {
    vector[i] = (value / now) * size;
  });
}

function shrink(vector: number[], factor: number): void {
  scale(vector, Math.hypot(...vector) * factor);
}

function swap(list: number[], i: number, j: number): void {
  [list[i], list[j]] = [list[j], list[i]];
}

function replace(u: number[], v: number[], from: readonly number[], to: readonly number[]): void {
  const at = u.findIndex((value, i) => value === from[0] && v[i] === from[1]);
  u[at] = to[0];
  v[at] = to[1];
}

function insideOf(plan: TilePlan): number {
  const inside = (code: number): boolean => code > 0 && code < 32767;
  return plan.u.findIndex((u, i) => inside(u) && inside(plan.v[i]));
}

function moveInside(plan: TilePlan, u: number, v: number): void {
  const at = insideOf(plan);
  plan.u[at] = u;
  plan.v[at] = v;
}

function rotate(edges: readonly number[][]): number[][] {
  return [edges[2], edges[1], edges[0], edges[3]];
}

function flipAll(plan: TilePlan): void {
  // The second and third corner of each triangle, then numbers by first use again.
  for (let t = 0; t < plan.triangles.length; t += 3) swap(plan.triangles, t + 1, t + 2);
}

function addVertex(plan: TilePlan, u: number, v: number): number {
  plan.u.push(u);
  plan.v.push(v);
  plan.h.push(100);
  for (const extension of plan.extensions) {
    extension.payload = Uint8Array.from([...extension.payload, ...extension.payload.slice(0, 2)]);
  }
  return plan.u.length - 1;
}

/** Cuts the last triangle in two at the middle of its first side, which lies inside the tile. */
function addTee(plan: TilePlan): void {
  const [a, b, c] = plan.triangles.splice(-3, 3);
  const middle = addVertex(plan, (plan.u[a] + plan.u[b]) / 2, (plan.v[a] + plan.v[b]) / 2);
  plan.triangles.push(a, middle, c, middle, b, c);
}

/** Gives the last triangle a vertex of its own at the place of its first. */
function splitVertex(plan: TilePlan): void {
  const at = plan.triangles.length - 3;
  plan.triangles[at] = addVertex(plan, plan.u[plan.triangles[at]], plan.v[plan.triangles[at]]);
}

/** Counts vertices from the other end. */
function renumber(plan: TilePlan): void {
  const last = plan.u.length - 1;
  for (const list of [plan.u, plan.v, plan.h]) list.reverse();
  plan.triangles = plan.triangles.map((index) => last - index);
  plan.edges = plan.edges.map((list) => list.map((index) => last - index));
}

function pairs(bytes: Uint8Array, make: () => Vector): Vector[] {
  return Array.from({ length: bytes.length / 2 }, make);
}

function setNormals(plan: TilePlan, change: (normals: Uint8Array) => Uint8Array): void {
  plan.extensions[0].payload = change(plan.extensions[0].payload);
}

function addExtension(plan: TilePlan, id: number, payload: Uint8Array): void {
  plan.extensions.push({ id, payload });
}

describe('the horizon rule, tried with viewers', () => {
  // CesiumJS: the camera's cone and plane of the horizon, in scaled space.
  const clientHides = (viewer: Vector, point: Vector): boolean => {
    const beyond = viewer[0] ** 2 + viewer[1] ** 2 + viewer[2] ** 2 - 1;
    const to = subtract(point, viewer);
    const along = -(to[0] * viewer[0] + to[1] * viewer[1] + to[2] * viewer[2]);
    return along > beyond && (along * along) / (to[0] ** 2 + to[1] ** 2 + to[2] ** 2) > beyond;
  };
  // The segment from viewer to vertex against the unit sphere.
  const sees = (viewer: Vector, vertex: Vector): boolean => {
    const to = subtract(vertex, viewer);
    const t = -(viewer[0] * to[0] + viewer[1] * to[1] + viewer[2] * to[2]) / length(to) ** 2;
    if (t <= 0 || t >= 1) return true;
    return length([viewer[0] + t * to[0], viewer[1] + t * to[1], viewer[2] + t * to[2]]) >= 1;
  };
  /** Viewers about the cone in which a point stands on the horizon, some low, some far. */
  const viewersAbout = (point: Vector, random: () => number): Vector => {
    const height = 10 ** (-5 + 7 * random());
    const reach = Math.acos(1 / length(point)) + Math.acos(1 / (1 + height));
    const turn = 2 * Math.PI * random();
    const angle = reach * (1 + (random() - 0.5) * 10 ** (-6 * random()));
    const axis: Vector = [point[0] / length(point), point[1] / length(point), point[2] / length(point)];
    const side = Math.abs(axis[2]) < 0.9 ? ([axis[1], -axis[0], 0] as Vector) : ([0, axis[2], -axis[1]] as Vector);
    const e = side.map((value) => value / length(side)) as unknown as Vector;
    const f: Vector = [
      axis[1] * e[2] - axis[2] * e[1],
      axis[2] * e[0] - axis[0] * e[2],
      axis[0] * e[1] - axis[1] * e[0],
    ];
    return [0, 1, 2].map(
      (i) =>
        (1 + height) * (Math.cos(angle) * axis[i] + Math.sin(angle) * (Math.cos(turn) * e[i] + Math.sin(turn) * f[i])),
    ) as unknown as Vector;
  };

  it('no viewer to whom the point is hidden sees a vertex, when the rule holds; some do, when it fails by little', () => {
    const random = seededRandom(7);
    let hidden = 0;
    let caught = 0;
    for (const id of PLACES.filter(({ z }) => z >= 2)) {
      const { tile } = decodeTile(writeTile(planTile(id, hills)));
      if (tile === undefined) throw new Error('not decoded');
      const positions = vertexPositions(tile, GEOGRAPHIC.box(id));
      const vertices = positions.map(toScaled);
      expect(occlusionExcess(tile.occlusionPoint, positions)).toBeLessThanOrEqual(1e-9);
      // Nearer by a tenth of what it stands above the sphere.
      const size = length(tile.occlusionPoint);
      const near = tile.occlusionPoint.map((c) => (c / size) * (1 + (size - 1) * 0.9)) as unknown as Vector;
      expect(occlusionExcess(near, positions)).toBeGreaterThan(0);
      for (let i = 0; i < 3000; i++) {
        const viewer = viewersAbout(tile.occlusionPoint, random);
        if (clientHides(viewer, tile.occlusionPoint)) {
          hidden++;
          expect(vertices.filter((vertex) => length(vertex) >= 1 && sees(viewer, vertex))).toEqual([]);
        }
        const other = viewersAbout(near, random);
        if (clientHides(other, near) && vertices.some((vertex) => length(vertex) >= 1 && sees(other, vertex))) caught++;
      }
    }
    expect(hidden).toBeGreaterThan(1000);
    expect(caught).toBeGreaterThan(100);
  });

  it('puts a summit and its own horizon in line', () => {
    // A point straight above the vertex hides exactly what the vertex shows.
    const summit = toEcef(-156.25, 20.7, 3055);
    const scaled = toScaled(summit);
    expect(Math.abs(occlusionExcess(scaled, [summit]))).toBeLessThan(1e-12);
    const lower = toScaled(toEcef(-156.25, 20.7, 3050));
    expect(occlusionExcess(lower, [summit])).toBeGreaterThan(1e-6);
  });
});

describeWithData('checkTile on tiles of others', ['quantized-mesh'], (folder) => {
  const fixture = (name: string): Uint8Array => readFileSync(join(folder, 'cesium-fixtures', name));
  const root = { z: 0, x: 0, y: 0 };

  it('cesium-native fixtures: edge lists unsorted (clients sort them), spheres some centimetres too small', () => {
    expect(codesOf(fixture('tile.octvertexnormals.terrain'), root)).toEqual(['edge-unsorted']);
    expect(codesOf(fixture('tile.octvertexnormals.unknownext.terrain'), root)).toEqual(['edge-unsorted']);
    for (const name of ['tile.terrain', 'tile.metadataavailability.terrain', 'tile.watermask.terrain']) {
      expect(codesOf(fixture(name), root)).toEqual(['edge-unsorted', 'sphere-open']);
      const open = checkTile(fixture(name), root).find(({ code }) => code === 'sphere-open');
      const [distance, radius] = [...(open?.message ?? '').matchAll(/\d+\.\d+/g)].map(Number);
      // Computed before the heights were rounded to codes.
      expect(distance - radius).toBeLessThan(0.06);
    }
  });

  it('cesium-native fixture with 32-bit indices: three unused vertices, one triangle of no area', () => {
    const bytes = fixture('tile.32bitIndices.terrain');
    const { tile } = decodeTile(bytes);
    expect(tile?.indexBytes).toBe(4);
    expect(tile?.vertexCount).toBe(65612);
    expect(codesOf(bytes, root)).toEqual(
      expect.arrayContaining(['edge-unsorted', 'triangle-degenerate', 'vertex-unused']),
    );
  });

  it('Maastricht pyramid: no occlusion point at the roots, triangles without a third vertex, lists unsorted', () => {
    const counts = new Map<FaultCode, number>();
    const base = join(folder, 'maastricht');
    let tiles = 0;
    for (const path of readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((p) => p.endsWith('.terrain'))) {
      const [z, x, south] = path.split(/[/\\.]/).map(Number);
      tiles++;
      const codes = new Set(
        checkTile(readFileSync(join(base, path)), { z, x, y: 2 ** z - 1 - south }).map((f) => f.code),
      );
      for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    expect(tiles).toBe(226);
    expect(Object.fromEntries(counts)).toEqual({
      'header-not-finite': 2,
      'edge-unsorted': 226,
      // A third of its triangles name a vertex twice; the others join.
      'triangle-empty': 226,
      'sphere-open': 2,
      'occlusion-hides': 21,
    });
  });
});
