/** Boxes of terrain, ours and another tool's, held against brute force; and the same box from each form of 3D Tiles. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@loaders.gl/core';
import { OBJLoader } from '@loaders.gl/obj';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { type ExportOptions, exportBox } from '../../tiler/export/export-box.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { layersOf, serve } from '../server/serve.ts';
import { preparedSpecOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { localOf, measureTiles, placeOf, tilesOf } from './brute-force.ts';
import { glbFaults, type ReadScene, readGlbScene, readObjScene, readPlyScene, sizeOf } from './read-scene.ts';

const signal = new AbortController().signal;
const exportIt = (tileset: string, bounds: Bounds, options: Partial<ExportOptions>) =>
  exportBox(tileset, {
    box: { west: bounds[0], south: bounds[1], east: bounds[2], north: bounds[3] },
    pixels: 300,
    signal,
    ...options,
  });

type Bounds = readonly [number, number, number, number];
type Size = ReturnType<typeof sizeOf>;

function expectSize(found: Size, expected: Size): void {
  const range = expected.high - expected.low;
  expect(Math.abs(found.area / expected.area - 1)).toBeLessThan(1e-3);
  expect(Math.abs(found.low - expected.low) / range).toBeLessThan(1e-3);
  expect(Math.abs(found.high - expected.high) / range).toBeLessThan(1e-3);
}

/** All vertices within the box, and on each of its sides some. */
function expectCut({ positions }: ReadScene, [west, south, east, north]: Bounds, slackMetres: number): void {
  const [lon, lat] = [(west + east) / 2, (south + north) / 2];
  const sides = [Infinity, Infinity, Infinity, Infinity];
  const inverse = inverseOf(lon, lat);
  for (let i = 0; i < positions.length; i += 3) {
    const [x, y] = placeOf(inverse(positions[i], positions[i + 1], positions[i + 2]));
    const metres = [
      (x - west) * 111e3 * Math.cos((lat * Math.PI) / 180),
      (y - south) * 111e3,
      (east - x) * 111e3 * Math.cos((lat * Math.PI) / 180),
      (north - y) * 111e3,
    ];
    for (const [k, value] of metres.entries()) sides[k] = Math.min(sides[k], value);
  }
  for (const least of sides) expect(Math.abs(least)).toBeLessThan(slackMetres);
}

/** The way back of `localOf`, by its three axes. */
function inverseOf(lon: number, lat: number) {
  const zero = localOf([0, 0, 0], lon, lat);
  const axes = (
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ] as const
  ).map((axis) => localOf(axis, lon, lat).map((value, k) => value - zero[k]));
  return (e: number, n: number, u: number): [number, number, number] => {
    const d = [e - zero[0], n - zero[1], u - zero[2]];
    return axes.map((axis) => axis[0] * d[0] + axis[1] * d[1] + axis[2] * d[2]) as [number, number, number];
  };
}

/** It ships without types. */
const { EXRLoader } = (await import(String('three/examples/jsm/loaders/EXRLoader.js'))) as {
  EXRLoader: new () => {
    setDataType(type: number): { parse(bytes: ArrayBuffer): { data: Float32Array; width: number } };
  };
};
const FLOATS = 1015;

describe('a box of a Maui build', () => {
  const bounds: Bounds = [-156.43, 20.61, -156.12, 20.87];
  let work: string;
  let maui: string;
  let truth: Size;

  const build = (out: string, tiles3d?: GlbProfile, maxZoom = 10) =>
    buildTileset(preparedSpecOf(MAUI_SHEETS.slice(0, 1), { maxZoom }), {
      out,
      threads: 1,
      openRunner: openInProcessRunner,
      measure: 'none',
      ...(tiles3d && { tiles3d: { profile: tiles3d, pictures: [] } }),
    });

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'relievo-export-'));
    maui = join(work, 'maui');
    await build(maui);
    truth = measureTiles(maui, tilesOf(10, bounds), bounds);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('is a GLB without faults, whose area and heights are those of the tiles, cut at the box', async () => {
    const out = join(work, 'maui.glb');
    const report = await exportIt(maui, bounds, { out, level: 10 });
    expect(await glbFaults(out)).toEqual([]);
    const scene = await readGlbScene(out);
    expectSize(sizeOf(scene), truth);
    expectSize({ area: report.area, low: report.least[2], high: report.greatest[2] }, truth);
    expectCut(scene, bounds, 0.01);
    expect(scene.normals).toHaveLength(scene.positions.length);
    expect(scene.statement).toContain('"lon":-156.275');
    expect(scene.statement).toContain('SRTM: NASA, USGS');
    expect(report.levels).toEqual([10, 10]);
    expect(report.tiles).toBe(tilesOf(10, bounds).length);
  });

  it('is told to be far from the data, where the error is wider than half the box', async () => {
    const far = await exportIt(maui, [1, 1, 1.5, 1.5], { out: join(work, 'far.ply') });
    expect(far.warnings.join()).toMatch(/too coarse for this box: .* error of \d+ m .* only 55\d00 m across/);
    const near = await exportIt(maui, bounds, { out: join(work, 'near.ply'), level: 10 });
    expect(near.warnings).toEqual([]);
  });

  it('is an OBJ and a PLY with the same surface, in metres with z up', async () => {
    const [obj, ply] = [join(work, 'maui.obj'), join(work, 'maui.ply')];
    await exportIt(maui, bounds, { out: obj, level: 10 });
    await exportIt(maui, bounds, { out: ply, level: 10 });
    for (const scene of [readObjScene(obj), readPlyScene(ply)]) {
      expectSize(sizeOf(scene), truth);
      expect(scene.statement).toMatch(/Origin: longitude -156\.275.*, latitude 20\.74.* 0 m above the ellipsoid/);
      expect(scene.statement).toContain('Attribution: SRTM: NASA, USGS');
    }
    const text = readFileSync(obj, 'utf8');
    const { attributes } = (await parse(text, OBJLoader, { core: { worker: false } })) as unknown as {
      attributes: { POSITION: { value: Float32Array } };
    };
    expect(attributes.POSITION.value.length / 9).toBe(readObjScene(obj).triangles.length / 3);
  });

  it('is a heightmap whose pixels are the mesh to a step of 16 bits, and the same metres as float32', async () => {
    const [ply, png, exr, tif] = ['h.ply', 'h.png', 'h.exr', 'h.tif'].map((name) => join(work, name));
    const { heightmap } = await exportIt(maui, bounds, { out: ply, heightmap: png, level: 10 });
    if (!heightmap) throw new Error('no heightmap');
    const { columns, rows, width, height, west, south, strength, midlevel } = heightmap;
    expect([columns, heightmap.empty]).toEqual([300, 0]);
    const picture = decode(readFileSync(png));
    expect([picture.width, picture.height, picture.depth, picture.channels]).toEqual([columns, rows, 16, 1]);
    const scene = readPlyScene(ply);
    for (let k = 0; k < 100; k++) {
      const [column, row] = [(k * 37) % columns, (k * 91) % rows];
      const [x, y] = [west + ((column + 0.5) / columns) * width, south + height - ((row + 0.5) / rows) * height];
      const up = (picture.data[row * columns + column] / 65535 - midlevel) * strength;
      expect(Math.abs(up - heightAt(scene, x, y))).toBeLessThan(strength / 65535);
    }
    await exportIt(maui, bounds, { heightmap: exr, level: 10 });
    await exportIt(maui, bounds, { heightmap: tif, level: 10 });
    const bytes = Uint8Array.from(readFileSync(exr)).buffer;
    const floats = new EXRLoader().setDataType(FLOATS).parse(bytes);
    const plain = readFileSync(tif);
    const start = plain.length - 4 * columns * rows;
    const perPixel = floats.data.length / (columns * rows);
    for (let k = 0; k < 100; k++) {
      const [column, row] = [(k * 37) % columns, (k * 91) % rows];
      const metres = plain.readFloatLE(start + 4 * (row * columns + column));
      const coded = (picture.data[row * columns + column] / 65535 - midlevel) * strength;
      expect(Math.abs(metres - coded)).toBeLessThan(strength / 65535);
      // three.js hands pictures over from the last row to the first.
      expect(floats.data[perPixel * ((rows - 1 - row) * columns + column)]).toBe(metres);
    }
  });

  it.each(['standard', 'cesium-terrain', 'gis'] as const)(
    'is the same from 3D Tiles of a server, %s',
    async (profile) => {
      const { url } = await serve({ layers: layersOf(await openBuiltLayer(maui, { name: 'maui' })) });
      const out = join(work, `${profile}.glb`);
      const report = await exportIt(`${url}/layers/maui/3dtiles/${profile}/tileset.json`, bounds, { out, level: 10 });
      expect(await glbFaults(out)).toEqual([]);
      expect(report).toMatchObject({ kind: '3d-tiles', levels: [10, 10], tiles: tilesOf(10, bounds).length });
      expectSize(sizeOf(await readGlbScene(out)), truth);
      if (profile !== 'cesium-terrain') expect(report.skirts).toMatch(/^left out: \d+ triangles/);
      if (profile !== 'standard') return;
      const mesh = await exportIt(`${url}/layers/maui`, bounds, { out, level: 10 });
      expect(mesh.kind).toBe('quantized-mesh');
      expect(Math.abs(mesh.planArea / report.planArea - 1)).toBeLessThan(1e-7);
    },
  );

  it('is read from a .3tz, as fine as there is', async () => {
    const tileset = join(work, 'maui.3tz');
    await build(tileset, 'standard', 6);
    const report = await exportIt(tileset, bounds, { out: join(work, 'archive.glb') });
    expect(report).toMatchObject({ kind: '3d-tiles', levels: [6, 6] });
    expect(Math.abs(report.planArea / truth.area - 1)).toBeLessThan(0.1);
  });

  it('takes the level that an error asks for, and tells what cannot be done', async () => {
    const out = join(work, 'coarse.ply');
    expect((await exportIt(maui, bounds, { out, maxError: 310 })).levels).toEqual([8, 8]);
    await expect(exportIt(maui, bounds, { out, level: 11 })).rejects.toThrow('--level must be at most 10');
    await expect(exportIt(maui, [10, 10, 30, 11], { out })).rejects.toThrow('at most 10 degrees wide');
    await expect(exportIt(maui, bounds, { out: join(work, 'a.stl') })).rejects.toThrow('.glb, .obj, .ply');
    await expect(exportIt(join(work, 'none'), bounds, { out })).rejects.toThrow('is not there');
  });
});

/** The highest triangle over a place, by areas of the plan. */
function heightAt({ positions: p, triangles }: ReadScene, x: number, y: number): number {
  let best = Number.NaN;
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [3 * triangles[i], 3 * triangles[i + 1], 3 * triangles[i + 2]];
    const cross = (q: number, r: number) => (p[q] - x) * (p[r + 1] - y) - (p[r] - x) * (p[q + 1] - y);
    const parts = [cross(b, c), cross(c, a), cross(a, b)];
    const whole = parts[0] + parts[1] + parts[2];
    if (whole === 0 || parts.some((part) => part / whole < -1e-6)) continue;
    const up = (parts[0] * p[a + 2] + parts[1] * p[b + 2] + parts[2] * p[c + 2]) / whole;
    if (!(best >= up)) best = up;
  }
  return best;
}

describeWithData('a box of another tool’s tiles', ['quantized-mesh/maastricht'], (folder) => {
  it('has the area and heights of the tiles, where there are some of a level and coarser ones beside', async () => {
    const work = temporaryFolder();
    const out = join(work, 'town.glb');
    const inside: Bounds = [5.672, 50.835, 5.711, 50.861];
    const report = await exportIt(folder, inside, { out, level: 13 });
    expect(await glbFaults(out)).toEqual([]);
    expect(report).toMatchObject({ kind: 'quantized-mesh', levels: [13, 13], warnings: [] });
    const scene = await readGlbScene(out);
    expectSize(sizeOf(scene), measureTiles(folder, tilesOf(13, inside), inside));
    // A third of the triangles in these tiles have two corners in one.
    const corners = Array.from({ length: scene.triangles.length / 3 }, (_, i) =>
      scene.triangles.slice(3 * i, 3 * i + 3),
    );
    expect(corners.filter((triangle) => new Set(triangle).size < 3)).toEqual([]);
    const wide = await exportIt(folder, [5.6, 50.8, 5.8, 50.95], { out, level: 13 });
    expect(wide.levels[0]).toBeLessThan(13);
    expect(wide.warnings.join()).toContain('because there is none of that level');
    // Nothing is twice there and nothing is missing: the plan is the box, whose width shrinks towards the north.
    const [width, height] = [14077, 16682];
    expect(Math.abs(wide.planArea / (width * height) - 1)).toBeLessThan(2e-3);
  });
});
