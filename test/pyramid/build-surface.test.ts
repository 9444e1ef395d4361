/**
 * A patch of 200 000 triangles with a picture, as a tileset: read back by the words of glTF, by the glTF validator, by
 * loaders.gl and by 3d-tiles-renderer, and held against the patch by brute force.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { parse } from '@loaders.gl/core';
import { GLTFLoader } from '@loaders.gl/gltf';
import { Cartesian3, Math as CesiumMath, HeadingPitchRoll, Matrix4, Transforms } from 'cesium';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSurface, type SurfaceReport } from '../../tiler/pyramid/build-surface.ts';
import { readSurfaceFile } from '../../tiler/sources/surface-file.ts';
import { makePatch, makePicture, PATCH_METRES, patchAsGlb } from '../support/surface-files.ts';
import {
  areaOf,
  cornersOf,
  openDistances,
  pointsOf,
  readSurfaceTileset,
  type SurfaceTileRead,
} from '../support/surface-tileset.ts';
import { openTilesView } from '../support/tiles-renderer.ts';

const { validateBytes } = createRequire(import.meta.url)('gltf-validator') as {
  validateBytes(bytes: Uint8Array): Promise<{ issues: { numErrors: number; numWarnings: number; messages: object[] } }>;
};

const SIDE = 317;
/** Looked at on each surface. */
const POINTS = 2000;
const PATCH = makePatch(SIDE);
const FRAME = { lon: 6.86, lat: 45.83, height: 1035, heading: 30 };

let folder: string;
let report: SurfaceReport;
let root: SurfaceTileRead;
let tiles: SurfaceTileRead[];
let leaves: SurfaceTileRead[];
/** The patch as it was, east, north and up. */
let truth: Float64Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  const scene = join(folder, 'hills.glb');
  writeFileSync(scene, patchAsGlb(PATCH, await makePicture(2048, 2048)));
  const { surface } = await readSurfaceFile(scene, 'y');
  report = await buildSurface({ ...surface, frame: FRAME }, { out: join(folder, 'out'), attribution: 'Hill & Co' });
  ({ root, tiles } = await readSurfaceTileset(join(folder, 'out')));
  leaves = tiles.filter(({ children }) => children.length === 0);
  truth = Float64Array.from(
    Array.from(PATCH.triangles).flatMap((vertex) => {
      const [x, y, z] = PATCH.positions.subarray(3 * vertex, 3 * vertex + 3);
      return [x, -z, y];
    }),
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const levelsOf = () => report.levels.map(({ level }) => tiles.filter((tile) => tile.level === level));

describe('a surface as a tileset', () => {
  it('has half the triangles at each level up, and errors that grow from 0', () => {
    expect(report.levels.map(({ tiles: count }) => count)).toEqual([1, 2, 4, 8, 16]);
    for (const { level, triangles } of report.levels) {
      const share = triangles / (PATCH.triangles.length / 3);
      expect(share).toBeLessThan(1.02 * 2 ** (level - 4));
    }
    for (const { json, children, glb } of tiles) {
      for (const { extras } of glb.json.meshes[0].primitives)
        expect(extras).toEqual({ relievo: { skirtTriangles: 0 } });
      if (children.length === 0) expect(json.geometricError).toBe(0);
      for (const child of children) expect(json.geometricError).toBeGreaterThan(child.json.geometricError);
    }
  });

  it('has GLBs in which the glTF validator finds no error and no warning', async () => {
    for (const { bytes, glb } of tiles) {
      const { issues } = await validateBytes(bytes);
      expect([issues.numErrors, issues.numWarnings], JSON.stringify(issues.messages)).toEqual([0, 0]);
      expect(glb.json.asset.copyright).toBe('Hill & Co');
    }
  });

  it('has every vertex within a millimetre of its true place on Earth, by the matrices of CesiumJS', () => {
    const { lon, lat, height, heading } = FRAME;
    const turn = new HeadingPitchRoll(CesiumMath.toRadians(heading), 0, 0);
    const place = Transforms.headingPitchRollToFixedFrame(Cartesian3.fromDegrees(lon, lat, height), turn);
    const found = new Float64Array(SIDE * SIDE).fill(Infinity);
    const transform = Matrix4.fromArray([...(root.json.transform ?? [])]);
    for (const { glb } of leaves) {
      for (let i = 0; i < glb.positions.length; i += 3) {
        const [x, y, z] = glb.positions.subarray(i, i + 3);
        const [column, row] = [x, -y].map((value) => Math.round((value / PATCH_METRES + 0.5) * (SIDE - 1)));
        const vertex = row * SIDE + column;
        const [east, up, south] = PATCH.positions.subarray(3 * vertex, 3 * vertex + 3);
        const expected = Matrix4.multiplyByPoint(place, new Cartesian3(east, -south, up), new Cartesian3());
        const drawn = Matrix4.multiplyByPoint(transform, new Cartesian3(x, y, z), new Cartesian3());
        found[vertex] = Math.min(found[vertex], Cartesian3.distance(expected, drawn));
      }
    }
    expect(found.reduce((a, b) => Math.max(a, b))).toBeLessThan(0.001);
  });

  it('keeps the area and the picture at the leaves', async () => {
    expect(leaves.reduce((sum, { json }) => sum + json.extras.triangles, 0)).toBe(PATCH.triangles.length / 3);
    expect(Math.abs(areaOf(cornersOf(leaves)) / areaOf(truth) - 1)).toBeLessThan(1e-5);
    for (const tile of [...leaves, root]) {
      const { json, values, view, positions } = tile.glb;
      const [image] = json.images ?? [];
      const { data, info } = await sharp(view(image.bufferView)).raw().toBuffer({ resolveWithObject: true });
      const uv = values(json.meshes[0].primitives[0].attributes.TEXCOORD_0);
      for (let vertex = 0; vertex < uv.length / 2; vertex += 97) {
        const [x, y] = [uv[2 * vertex] * info.width, uv[2 * vertex + 1] * info.height].map((v) =>
          Math.max(0, Math.floor(v - 1e-6)),
        );
        const [red, green] = data.subarray(3 * (y * info.width + x));
        const [east, north] = positions.subarray(3 * vertex, 3 * vertex + 2);
        expect(Math.abs(red - 255 * (east / PATCH_METRES + 0.5))).toBeLessThan(4);
        expect(Math.abs(green - 255 * (0.5 - north / PATCH_METRES))).toBeLessThan(4);
      }
    }
  });

  it('lies at each level within its measured error of the patch, both ways, and the error is no guess', () => {
    const toTruth = openDistances(truth, 2 * root.json.extras.errorMetres);
    for (const level of levelsOf().slice(0, -1)) {
      const error = Math.max(...level.map(({ json }) => json.extras.errorMetres));
      const drawn = cornersOf(level);
      const away = Math.max(
        toTruth(pointsOf(drawn, Math.ceil(drawn.length / 9 / POINTS))),
        openDistances(drawn, 2 * error)(pointsOf(truth, Math.ceil(truth.length / 9 / POINTS))),
      );
      expect(away).toBeLessThanOrEqual(error);
      expect(error).toBeLessThan(4 * away);
      for (const { json } of level)
        expect(json.geometricError).toBeGreaterThanOrEqual(error === 0 ? 0 : json.extras.errorMetres);
    }
  });

  it('has no cracks: edges are open at the rim of the patch alone, at every level and between levels', () => {
    const half = root.children[0];
    const others = leaves.filter((leaf) => !isBelow(half, leaf));
    for (const cut of [...levelsOf(), [half, ...others]]) {
      const places = new Map<string, number>();
      const where: number[][] = [];
      const edges = new Map<number, number>();
      for (const { glb } of cut) {
        const numbers = Array.from({ length: glb.positions.length / 3 }, (_, vertex) => {
          const place = glb.positions.subarray(3 * vertex, 3 * vertex + 3);
          const key = place.join();
          const number = places.get(key) ?? places.size;
          places.set(key, number);
          where[number] = [...place];
          return number;
        });
        for (let i = 0; i < glb.triangles.length; i++) {
          const [a, b] = [i, i % 3 === 2 ? i - 2 : i + 1].map((corner) => numbers[glb.triangles[corner]]);
          const edge = Math.min(a, b) * 2 ** 24 + Math.max(a, b);
          edges.set(edge, (edges.get(edge) ?? 0) + 1);
        }
      }
      const rim = PATCH_METRES / 2 - 1e-6;
      const inside = [...edges].filter(([edge, count]) => {
        const [[x0, y0], [x1, y1]] = [where[Math.floor(edge / 2 ** 24)], where[edge % 2 ** 24]];
        const onRim = [x0, -x0, y0, -y0].some((value, k) => value > rim && [x1, -x1, y1, -y1][k] > rim);
        return count === 1 && !onRim;
      });
      expect(edges.size).toBeGreaterThan(12_000);
      expect(inside).toEqual([]);
    }
  });

  it('has boxes that hold their tiles, tightly at the leaves, and lie in those of the parents', () => {
    for (const { json, glb, children } of tiles) {
      const [x, y, z, hx, , , , hy, , , , hz] = json.boundingVolume.box;
      const [centre, half] = [
        [x, y, z],
        [hx, hy, hz],
      ];
      const reach = [0, 1, 2].map((axis) => {
        let most = 0;
        for (let i = axis; i < glb.positions.length; i += 3)
          most = Math.max(most, Math.abs(glb.positions[i] - centre[axis]));
        return most;
      });
      for (const [axis, most] of reach.entries()) {
        expect(most).toBeLessThanOrEqual(half[axis] + 1e-9);
        if (children.length === 0) expect(most).toBeCloseTo(half[axis], 6);
        for (const child of children) {
          const { box } = child.json.boundingVolume;
          expect(Math.abs(box[axis] - centre[axis]) + box[3 + 4 * axis]).toBeLessThanOrEqual(half[axis] + 1e-9);
        }
      }
    }
  });
});

describe('clients', () => {
  it('loaders.gl reads the tileset and unpacks its tiles', async () => {
    const text = readFileSync(join(folder, 'out', 'tileset.json'));
    const tileset = await parse(
      new Uint8Array(text).buffer,
      Tiles3DLoader as never,
      {
        core: { worker: false, baseUrl: join(folder, 'out') },
        '3d-tiles': { isTileset: true },
      } as never,
    );
    expect((tileset as unknown as { root: { children: object[] } }).root.children).toHaveLength(2);
    const options = { core: { worker: false }, gltf: { loadImages: false, decompressMeshes: true } };
    const gltf = await parse(new Uint8Array(root.bytes).buffer, GLTFLoader, options);
    expect((gltf as unknown as { json: { accessors: { count: number }[] } }).json.accessors[0].count).toBe(
      root.glb.positions.length / 3,
    );
  });

  it('3d-tiles-renderer shows the root from afar and finer tiles from near, without a fault', async () => {
    const place = (root.json.transform ?? []).slice(12, 15);
    const view = await openTilesView(join(folder, 'out', 'tileset.json'), place);
    const far = await view.lookFrom(3000);
    const near = await view.lookFrom(120);
    expect(far.tiles).toBe(1);
    expect(far.away).toBeLessThan(1);
    expect(near.tiles).toBeGreaterThan(3);
    expect(near.away).toBeLessThan(PATCH_METRES / 2);
    expect(view.faults).toEqual([]);
    view.close();
  });
});

function isBelow(tile: SurfaceTileRead, leaf: SurfaceTileRead): boolean {
  return tile === leaf || tile.children.some((child) => isBelow(child, leaf));
}
