import { describe, expect, it } from 'vitest';
import { metresPerDegreeEast, metresPerDegreeNorth, toEcef } from '../../tiler/geo/ellipsoid.ts';
import { type HeightGrid, postLatitudes, postLongitudes, withoutHalo } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { latticeCells } from '../../tiler/mesh/curvature.ts';
import { meshTile } from '../../tiler/mesh/mesh-tile.ts';
import { computeNormals } from '../../tiler/mesh/normals.ts';
import type { SourceCells } from '../../tiler/mesh/source-cells.ts';
import { type TerrainMesh, UV_MAX } from '../../tiler/mesh/terrain-mesh.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { fillGrid, gridOf } from '../support/height-grid.ts';

/** Twice the signed area in u, v. */
function area2({ u, v }: TerrainMesh, a: number, b: number, c: number): number {
  return (u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]);
}

function triangles(mesh: TerrainMesh): [number, number, number][] {
  const out: [number, number, number][] = [];
  for (let k = 0; k < mesh.triangles.length; k += 3) {
    out.push([mesh.triangles[k], mesh.triangles[k + 1], mesh.triangles[k + 2]]);
  }
  return out;
}

/** Every triangle turned the right way, together exactly the tile, every inner edge in two triangles. */
function expectCover(mesh: TerrainMesh): void {
  let sum = 0;
  const edges = new Map<string, number>();
  for (const corners of triangles(mesh)) {
    const area = area2(mesh, ...corners);
    expect(area).toBeGreaterThan(0);
    sum += area;
    for (let k = 0; k < 3; k++) {
      const ends = [corners[k], corners[(k + 1) % 3]].sort((a, b) => a - b);
      edges.set(ends.join('-'), (edges.get(ends.join('-')) ?? 0) + 1);
    }
  }
  expect(sum).toBe(2 * UV_MAX * UV_MAX);
  for (const [edge, uses] of edges) {
    const [a, b] = edge.split('-').map(Number);
    const onBorder =
      (mesh.u[a] === mesh.u[b] && (mesh.u[a] === 0 || mesh.u[a] === UV_MAX)) ||
      (mesh.v[a] === mesh.v[b] && (mesh.v[a] === 0 || mesh.v[a] === UV_MAX));
    expect(uses).toBe(onBorder ? 1 : 2);
  }
}

/**
 * Greatest distance along the vertical between posts and the flat triangles over them, by brute force in space: the ray
 * from each post along the ellipsoid's normal against the plane of the triangle that holds it in u, v.
 */
function measureInSpace(grid: HeightGrid, mesh: TerrainMesh): number {
  const { posts } = grid;
  const lons = postLongitudes(posts);
  const lats = postLatitudes(posts);
  const at = new Float64Array(3 * mesh.u.length);
  for (let i = 0; i < mesh.u.length; i++) toEcef(lons[mesh.columns[i]], lats[mesh.rows[i]], mesh.heights[i], at, 3 * i);
  let worst = 0;
  const all = triangles(mesh);
  for (let j = 0; j < posts.rows; j++) {
    for (let i = 0; i < posts.columns; i++) {
      const holder = all.find(([a, b, c]) => holds(mesh, a, b, c, i, j));
      if (!holder) throw new Error(`no triangle holds post ${i}, ${j}`);
      worst = Math.max(worst, Math.abs(rayDistance(at, holder, lons[i], lats[j], grid.heights[j * posts.columns + i])));
    }
  }
  return worst;
}

/** How far triangles rise over posts that are at most at 0.01 m, in metres of height. */
function riseOverSea({ posts, heights }: HeightGrid, mesh: TerrainMesh): number {
  let most = 0;
  const all = triangles(mesh);
  const { columns: x, rows: y } = mesh;
  for (let j = 0; j < posts.rows; j++) {
    for (let i = 0; i < posts.columns; i++) {
      if (heights[j * posts.columns + i] > 0.011) continue;
      const [a, b, c] = all.find((corners) => holds(mesh, corners[0], corners[1], corners[2], i, j)) ?? [0, 0, 0];
      const area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a]);
      const wb = ((i - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (j - y[a])) / area;
      const wc = ((x[b] - x[a]) * (j - y[a]) - (i - x[a]) * (y[b] - y[a])) / area;
      most = Math.max(most, mesh.heights[a] * (1 - wb - wc) + mesh.heights[b] * wb + mesh.heights[c] * wc);
    }
  }
  return most;
}

function holds({ columns: x, rows: y }: TerrainMesh, a: number, b: number, c: number, px: number, py: number): boolean {
  const side = (p: number, q: number) => (x[q] - x[p]) * (py - y[p]) - (px - x[p]) * (y[q] - y[p]);
  const s = [side(a, b), side(b, c), side(c, a)];
  return s.every((value) => value <= 0) || s.every((value) => value >= 0);
}

function rayDistance(at: Float64Array, [a, b, c]: number[], lon: number, lat: number, height: number): number {
  const origin = new Float64Array(6);
  toEcef(lon, lat, height, origin, 0);
  toEcef(lon, lat, height + 1, origin, 3);
  const up = [origin[3] - origin[0], origin[4] - origin[1], origin[5] - origin[2]];
  const corner = (k: number) => [at[3 * k], at[3 * k + 1], at[3 * k + 2]];
  const [pa, pb, pc] = [corner(a), corner(b), corner(c)];
  const ab = pb.map((value, k) => value - pa[k]);
  const ac = pc.map((value, k) => value - pa[k]);
  const normal = [ab[1] * ac[2] - ab[2] * ac[1], ab[2] * ac[0] - ab[0] * ac[2], ab[0] * ac[1] - ab[1] * ac[0]];
  // Two corners at a pole: the triangle has no area, and its neighbour draws the place.
  if (Math.hypot(...normal) < 1) return 0;
  const dot = (p: number[], q: number[]) => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
  const toPlane = pa.map((value, k) => value - origin[k]);
  return dot(toPlane, normal) / dot(up, normal);
}

/** Terrains by global post index: rough, with plateaus and ties, spikes, steps and constants, all from one seed. */
function seededTerrain(seed: number, bound: number): (i: number, j: number) => number {
  const random = seededRandom(seed);
  const waves = Array.from({ length: 6 }, () => ({
    fx: random() * 0.6,
    fy: random() * 0.6,
    phase: random() * 7,
    size: bound * 6 * random() ** 2,
  }));
  const kind = seed % 5;
  return (i, j) => {
    const wave = waves.reduce((sum, { fx, fy, phase, size }) => sum + size * Math.sin(i * fx + j * fy + phase), 0);
    if (kind === 1) return Math.round(wave / (4 * bound)) * 4 * bound; // plateaus: many equal errors
    if (kind === 2) return (i * 7 + j * 13) % 11 === 0 ? 30 * bound : 0; // spikes of one size
    if (kind === 3) return i % 16 < 8 ? 0 : 9 * bound; // cliffs along columns
    if (kind === 4) return seed % 2 ? 123.5 : wave / 20; // constant, or smooth
    return wave;
  };
}

const LEVELS = [0, 3, 6, 8, 9, 12, 15];

describe('meshTile', () => {
  it('keeps the bound, covers the tile and turns every triangle the right way on seeded terrains', () => {
    for (let seed = 0; seed < 60; seed++) {
      const z = LEVELS[seed % LEVELS.length];
      const bound = geographic.maxGeometricError(z);
      const id: TileId = { z, x: Math.min(5, geographic.columns(z) - 1), y: geographic.rows(z) >> 1 };
      const mesh = meshTile(gridOf(id, seededTerrain(seed, bound)), bound);
      expect(mesh.maxError).toBeLessThanOrEqual(bound);
      expectCover(mesh);
    }
  });

  it('gives both neighbours the same border, whatever lies inside', () => {
    for (let seed = 0; seed < 200; seed++) {
      const z = LEVELS[seed % LEVELS.length];
      const bound = geographic.maxGeometricError(z) * (1 + (seed % 3));
      const terrain = seededTerrain(seed, bound);
      const x = geographic.columns(z) - 1;
      const here = meshTile(gridOf({ z, x, y: 0 }, terrain), bound);
      // East of the last column lies the first one: the neighbour across the date line.
      const east = meshTile(
        gridOf({ z, x: 0, y: 0 }, (i, j) => terrain(i + geographic.columns(z) * 64, j)),
        bound,
      );
      expect(border(here, 'east')).toEqual(border(east, 'west'));
      if (z === 0) continue;
      const south = meshTile(gridOf({ z, x, y: 1 }, terrain), bound);
      expect(border(here, 'south')).toEqual(border(south, 'north'));
    }
  });

  it('measures its error as a ray in space would, at every level', () => {
    for (const [z, y] of [
      [4, 3],
      [4, 5],
      [6, 20],
      [8, 90],
      [10, 300],
      [13, 2500],
    ]) {
      const bound = geographic.maxGeometricError(z);
      const grid = gridOf({ z, x: 3, y }, seededTerrain(5 * z, bound));
      const mesh = meshTile(grid, bound);
      const measured = measureInSpace(grid, mesh);
      expect(measured).toBeLessThanOrEqual(bound * 1.02);
      expect(Math.abs(measured - mesh.maxError)).toBeLessThan(0.02 * bound);
    }
  });

  it('counts what the border leaves out', () => {
    const bound = geographic.maxGeometricError(12);
    const id = { z: 12, x: 100, y: 900 };
    const onBorder = (i: number, j: number) => (j === id.y * 64 && i === id.x * 64 + 30 ? 0.9 * bound : 0);
    const mesh = meshTile(gridOf(id, onBorder), bound);
    expect(mesh.maxError).toBeGreaterThan(0.88 * bound);
    expect(mesh.maxError).toBeLessThanOrEqual(bound);
  });

  it('draws no land out at sea, and reports the plain error all the same', () => {
    const bound = geographic.maxGeometricError(12);
    const id = { z: 12, x: 100, y: 900 };
    // Land to the west, a coast that is not straight, and the sea exactly at the geoid.
    const coast = (i: number, j: number) => {
      const inland = id.x * 64 + 20 + 9 * Math.sin(j * 0.7) - i;
      return inland > 0 ? bound * Math.min(3, inland / 4) : 0;
    };
    const grid = gridOf(id, coast);
    const mesh = meshTile(grid, bound);
    expect(Math.abs(measureInSpace(grid, mesh) - mesh.maxError)).toBeLessThan(0.02 * bound);
    const risen = riseOverSea(grid, mesh);
    expect(risen).toBeLessThan(bound / 7);
    // The same shape a little above the sea may rise by the whole bound.
    const lifted = gridOf(id, (i, j) => coast(i, j) + 0.01);
    expect(riseOverSea(lifted, meshTile(lifted, bound))).toBeGreaterThan(risen * 2);
  });

  it('starts from a lattice that keeps the sag of flat triangles under half the bound', () => {
    expect([0, 4, 8, 9, 14].map((z) => latticeCells(geographic, z, 64))).toEqual([32, 8, 2, 1, 1]);
    for (const z of [0, 2, 5, 8, 9]) {
      const grid = gridOf({ z, x: 0, y: geographic.rows(z) >> 1 }, () => 0);
      const mesh = meshTile(grid, geographic.maxGeometricError(z));
      expect(measureInSpace(grid, mesh)).toBeLessThan(geographic.maxGeometricError(z) / 2);
    }
  });

  it('follows a plane with two triangles, and its edges hold every border vertex in order', () => {
    const plane = meshTile(
      gridOf({ z: 14, x: 100, y: 5000 }, (i, j) => 0.3 * (i - 6400) - 0.2 * (j - 320000)),
      1,
    );
    expect(plane.triangles.length / 3).toBe(2);
    const rough = meshTile(gridOf({ z: 12, x: 9, y: 900 }, seededTerrain(0, 18)), 18);
    const onWest = [...rough.u.keys()].filter((k) => rough.u[k] === 0);
    expect([...rough.edges.west].sort((a, b) => a - b)).toEqual(onWest);
    for (const edge of [rough.edges.west, rough.edges.east]) {
      expect([...edge].map((k) => rough.v[k])).toEqual([...edge].map((k) => rough.v[k]).sort((a, b) => a - b));
    }
    for (const edge of [rough.edges.south, rough.edges.north]) {
      expect([...edge].map((k) => rough.u[k])).toEqual([...edge].map((k) => rough.u[k]).sort((a, b) => a - b));
    }
    expect(new Set([rough.u[rough.edges.south[0]], rough.v[rough.edges.south[0]]])).toEqual(new Set([0]));
  });
});

describe('meshTile, held against samples', () => {
  /** A flat tile of level 12 with samples `spacing` posts apart, from a little outside it to a little outside. */
  function withSamples(spacing: number, height: (i: number, j: number) => number, shift = 0.3) {
    const grid = gridOf({ z: 12, x: 100, y: 900 }, () => 0);
    const across = Math.floor((64 - shift) / spacing) + 1;
    const count = across * across;
    const place = (k: number) => shift + k * spacing;
    const cells: SourceCells = {
      x: Float64Array.from({ length: count }, (_, k) => place(k % across)),
      y: Float64Array.from({ length: count }, (_, k) => place(Math.floor(k / across))),
      heights: Float64Array.from({ length: count }, (_, k) => height(k % across, Math.floor(k / across))),
      ...{ slopeX: undefined, slopeY: undefined, above: undefined, below: undefined, reachX: 0, reachY: 0 },
    };
    return { grid, cells };
  }

  function expectSound(mesh: TerrainMesh): void {
    expectCover(mesh);
    expect(mesh.u.length).toBeLessThanOrEqual(65_535);
    const places = new Set(Array.from(mesh.u, (u, k) => u * 65_536 + mesh.v[k]));
    expect(places.size).toBe(mesh.u.length);
  }

  it('keeps the bound for samples between the posts, and gives its border no vertex for them', () => {
    const random = seededRandom(4);
    for (const [spacing, shift] of [
      [0.77, 0.3],
      [1, 0],
      [0.25, 0.1],
      [1.5, 0.004],
    ]) {
      const { grid, cells } = withSamples(spacing, () => (random() < 0.1 ? 300 * random() : 0), shift);
      // What lies on the border, or less than a position beside it, is the border's own matter.
      const isInner = (place: number) => place > 1 / 64 && place < 64 - 1 / 64;
      const inner = Array.from(cells.x.keys()).filter((k) => isInner(cells.x[k]) && isInner(cells.y[k]));
      const pick = (from: Float64Array) => Float64Array.from(inner, (k) => from[k]);
      const inside = { ...cells, x: pick(cells.x), y: pick(cells.y), heights: pick(cells.heights) };
      const plain = meshTile(grid, 18);
      const mesh = meshTile(grid, 18, { cells: [inside], maxSampleError: 18 });
      expect(mesh.stuck).toEqual([]);
      expect(mesh.maxSampleError).toBeLessThanOrEqual(18);
      expect(mesh.u.length).toBeGreaterThan(plain.u.length);
      for (const side of ['west', 'south', 'east', 'north'] as const) {
        expect(border(mesh, side)).toEqual(border(plain, side));
      }
      expectSound(mesh);
    }
  });

  it('tells which samples it cannot keep: two heights at one place', () => {
    const { grid, cells } = withSamples(8, () => 0, 4);
    const twice = { ...cells, heights: cells.heights.map(() => 500) };
    const mesh = meshTile(grid, 18, { cells: [cells, twice], maxSampleError: 18 });
    expect(mesh.stuck.length).toBeGreaterThan(0);
    expect(mesh.maxSampleError).toBeGreaterThan(18);
    expectSound(mesh);
  });

  it('moves a post that is away from the sample at its place', () => {
    const { grid, cells } = withSamples(1, (i, j) => (i === 20 && j === 30 ? 400 : 0), 1);
    grid.heights[31 * 65 + 21] = 200;
    const mesh = meshTile(grid, 18, { cells: [cells], maxSampleError: 18 });
    expect(mesh.stuck).toEqual([]);
    expect(mesh.maxSampleError).toBeLessThanOrEqual(18);
    const at = mesh.u.findIndex((_, k) => mesh.columns[k] === 21 && mesh.rows[k] === 31);
    expect(Math.abs(mesh.heights[at] - 400)).toBeLessThan(30);
  });
});

function border({ u, v, heights, edges }: TerrainMesh, side: keyof TerrainMesh['edges']) {
  const along = side === 'west' || side === 'east' ? v : u;
  return [...edges[side]].map((k) => [along[k], heights[k]]);
}

describe('computeNormals', () => {
  it('gives the normal of a plane, in ECEF, exactly', () => {
    const id = { z: 13, x: 9000, y: 3000 };
    const withHalo = gridOf(id, (i, j) => 5 * (i - 576000) - 3 * (j - 192000), 1);
    const grid = withoutHalo(withHalo, 1);
    const mesh = meshTile(grid, 1);
    const normals = computeNormals(mesh, withHalo);
    const lons = postLongitudes(grid.posts);
    const lats = postLatitudes(grid.posts);
    const spacing = 180 / 2 ** 13 / 64;
    for (let i = 0; i < mesh.u.length; i++) {
      const lat = lats[mesh.rows[i]];
      const east = 5 / (spacing * metresPerDegreeEast(lat));
      const north = 3 / (spacing * metresPerDegreeNorth(lat));
      // Dot products with the local axes give the slope back.
      const axes = localAxes(lons[mesh.columns[i]], lat);
      const n = [...normals.subarray(3 * i, 3 * i + 3)];
      const [e, nn, up] = axes.map((axis) => axis.reduce((sum, value, k) => sum + value * n[k], 0));
      expect(-e / up).toBeCloseTo(east, 4);
      expect(-nn / up).toBeCloseTo(north, 4);
      expect(Math.hypot(...n)).toBeCloseTo(1, 6);
    }
  });

  it('agrees on borders with the neighbour, and gives a pole one normal', () => {
    const terrain = (i: number, j: number) => 900 * Math.sin(i * 0.7) * Math.cos(j * 0.9);
    const at = (x: number, y: number) => {
      const grid = gridOf({ z: 5, x, y }, terrain, 1);
      const mesh = meshTile(withoutHalo(grid, 1), 200);
      return { mesh, normals: computeNormals(mesh, grid) };
    };
    const west = at(7, 9);
    const east = at(8, 9);
    const pick = ({ mesh, normals }: typeof west, edge: Uint16Array) =>
      [...edge].map((k) => [mesh.v[k], ...normals.subarray(3 * k, 3 * k + 3)]);
    expect(pick(west, west.mesh.edges.east)).toEqual(pick(east, east.mesh.edges.west));

    const polar = at(3, 0);
    for (const k of polar.mesh.edges.north) expect([...polar.normals.subarray(3 * k, 3 * k + 3)]).toEqual([0, 0, 1]);
  });
});

function localAxes(lon: number, lat: number): number[][] {
  const [l, p] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180];
  return [
    [-Math.sin(l), Math.cos(l), 0],
    [-Math.sin(p) * Math.cos(l), -Math.sin(p) * Math.sin(l), Math.cos(p)],
    [Math.cos(p) * Math.cos(l), Math.cos(p) * Math.sin(l), Math.sin(p)],
  ];
}

describe('withoutHalo', () => {
  it('cuts the inner posts', () => {
    const id = { z: 3, x: 2, y: 2 };
    const value = (i: number, j: number) => i * 1000 + j;
    expect(withoutHalo(gridOf(id, value, 2), 2).heights).toEqual(gridOf(id, value).heights);
    expect(fillGrid(withoutHalo(gridOf(id, value, 1), 1).posts, value)).toEqual(gridOf(id, value));
  });
});
