import { describe, expect, it } from 'vitest';
import { gzipBytesSync } from '../../tiler/encode/gzip.ts';
import { orderTriangles } from '../../tiler/encode/order-triangles.ts';
import { encodeQuantizedMesh } from '../../tiler/encode/quantized-mesh.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { meshTile } from '../../tiler/mesh/mesh-tile.ts';
import { decodeTile } from '../../tiler/verify/decode.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { gridOf } from '../support/height-grid.ts';

const ID = { z: 12, x: 2000, y: 900 };

/** Hills, plateaus, spikes and noise of a seed, meshed to a bound that gives 2 to some thousand triangles. */
function meshOf(seed: number) {
  const random = seededRandom(seed);
  const roughness = 10 ** (random() * 2.5);
  const wave = 0.05 + random() * 0.6;
  const plateau = random() * 200 - 100;
  const noise = Float64Array.from({ length: 65 * 65 }, () => (random() - 0.5) * roughness * 0.2);
  const grid = gridOf(ID, (i, j) => {
    const [x, y] = [i - 64 * ID.x, j - 64 * ID.y];
    return Math.max(plateau, roughness * Math.sin(x * wave) * Math.cos(y * wave * 0.7)) + noise[65 * y + x];
  });
  return { grid, mesh: meshTile(grid, 2 + random() * 20) };
}

/** Each triangle as a word that is the same whichever corner comes first, and another one when it is flipped. */
function trianglesOf(indices: ArrayLike<number>, name: (vertex: number) => string = String): string[] {
  const words: string[] = [];
  for (let k = 0; k < indices.length; k += 3) {
    const corners = [indices[k], indices[k + 1], indices[k + 2]].map(name);
    const first = corners.indexOf(corners.toSorted()[0]);
    words.push([...corners.slice(first), ...corners.slice(0, first)].join(' '));
  }
  return words.sort();
}

describe('orderTriangles', () => {
  it('gives the same triangles with the same winding, and the same order each time, on 100 random terrains', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { mesh } = meshOf(seed);
      const before = Uint16Array.from(mesh.triangles);
      const ordered = orderTriangles(mesh);
      expect(mesh.triangles, `seed ${seed}: input untouched`).toEqual(before);
      expect(trianglesOf(ordered), `seed ${seed}`).toEqual(trianglesOf(before));
      expect(orderTriangles(mesh), `seed ${seed}: again`).toEqual(ordered);
    }
  });

  it('enters each triangle by an edge of one that was written before', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const ordered = orderTriangles(meshOf(seed).mesh);
      const edges = new Set<string>();
      for (let k = 0; k < ordered.length; k += 3) {
        const [a, b, c] = ordered.subarray(k, k + 3);
        if (k > 0) expect(edges.has(`${b} ${a}`), `seed ${seed}, triangle ${k / 3}`).toBe(true);
        for (const edge of [`${a} ${b}`, `${b} ${c}`, `${c} ${a}`]) edges.add(edge);
      }
    }
  });

  it('takes up parts that hang together by no edge, and meshes of one triangle', () => {
    const plane = Uint16Array.of(0, 100, 0, 30000, 30100, 30000);
    const apart = { u: plane, v: plane.toReversed(), triangles: Uint16Array.of(0, 1, 2, 3, 4, 5) };
    expect(trianglesOf(orderTriangles(apart))).toEqual(['0 1 2', '3 4 5']);
    expect(trianglesOf(orderTriangles({ ...apart, triangles: Uint16Array.of(2, 0, 1) }))).toEqual(['0 1 2']);
  });
});

describe('a tile in that order', () => {
  it('decodes strictly to the triangles that were meshed, with edge lists by ascending v and u', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { grid, mesh } = meshOf(seed);
      const [minHeight, maxHeight] = [Math.min(...grid.heights), Math.max(...grid.heights)].map(Math.fround);
      const { tile, faults } = decodeTile(encodeQuantizedMesh({ mesh, box: geographic.box(ID), minHeight, maxHeight }));
      expect(faults, `seed ${seed}`).toEqual([]);
      if (tile === undefined) throw new Error('no tile');
      const meshed = trianglesOf(mesh.triangles, (i) => `${mesh.u[i]},${mesh.v[i]}`);
      expect(
        trianglesOf(tile.triangles, (i) => `${tile.u[i]},${tile.v[i]}`),
        `seed ${seed}`,
      ).toEqual(meshed);
      for (const [name, fixed, value, along] of [
        ['west', tile.u, 0, tile.v],
        ['south', tile.v, 0, tile.u],
        ['east', tile.u, 32767, tile.v],
        ['north', tile.v, 32767, tile.u],
      ] as const) {
        const there = Array.from(fixed.keys()).filter((i) => fixed[i] === value);
        expect([...tile.edges[name]], `seed ${seed}, ${name}`).toEqual(there.sort((a, b) => along[a] - along[b]));
      }
    }
  });

  it('has indices of under 60 % of the bytes, after gzip, that they have in the order of insertion', () => {
    let ordered = 0;
    let asMeshed = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const { mesh } = meshOf(seed);
      ordered += gzipBytesSync(highWater(orderTriangles(mesh))).length;
      asMeshed += gzipBytesSync(highWater(mesh.triangles)).length;
    }
    expect(ordered / asMeshed).toBeLessThan(0.6);
  });
});

/** Indices as a tile has them, vertices numbered by first use. */
function highWater(triangles: Uint16Array): Uint8Array {
  const rank = new Map<number, number>();
  const codes = Uint16Array.from(triangles, (vertex) => {
    const known = rank.get(vertex);
    if (known !== undefined) return rank.size - known;
    rank.set(vertex, rank.size);
    return 0;
  });
  return new Uint8Array(codes.buffer);
}
