/** GLBs of real tiles, read back by others: the glTF validator, three.js, CesiumJS's own terrain classes. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as cesium from 'cesium';
import { MeshoptDecoder } from 'meshoptimizer';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTerrainGlb, GLB_PROFILES, type GlbProfile, type TerrainTile } from '../../tiler/encode/terrain-glb.ts';
import { toEcef } from '../../tiler/geo/ellipsoid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { openTerrainMaker, type TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { decodeTerrainTile } from '../../tiler/pyramid/terrain-tile.ts';
import { preparedSpecOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { readGlb } from '../support/read-glb.ts';
import { describeWithData } from '../support/test-data.ts';

const load = createRequire(import.meta.url);
const { validateBytes } = load('gltf-validator') as {
  validateBytes(bytes: Uint8Array): Promise<{
    issues: { numErrors: number; numWarnings: number; messages: readonly { code: string; severity: number }[] };
  }>;
};

/** CesiumJS keeps these for itself. */
interface CesiumMesh {
  readonly center: cesium.Cartesian3;
  readonly vertices: Float32Array;
  readonly indices: ArrayLike<number>;
  readonly indexCountWithoutSkirts: number;
  readonly vertexCountWithoutSkirts: number;
  readonly encoding: {
    readonly stride: number;
    readonly quantization: number;
    decodePosition(vertices: Float32Array, index: number): cesium.Cartesian3;
    decodeHeight(vertices: Float32Array, index: number): number;
    decodeTextureCoordinates(vertices: Float32Array, index: number): cesium.Cartesian2;
  };
}
/** As much of three.js as is used; its addons come without types. */
interface Object3D {
  readonly matrixWorld: { readonly elements: readonly number[] };
  readonly isMesh?: true;
  readonly geometry: {
    readonly attributes: Record<
      string,
      { count: number; getX(k: number): number; getY(k: number): number; getZ(k: number): number }
    >;
    readonly index: { readonly array: ArrayLike<number> };
  };
  updateMatrixWorld(): void;
  traverse(visit: (child: Object3D) => void): void;
}
const { GLTFLoader } = load('three/examples/jsm/loaders/GLTFLoader.js') as {
  GLTFLoader: new () => {
    setMeshoptDecoder(decoder: object): void;
    parseAsync(bytes: ArrayBuffer, path: string): Promise<{ scene: Object3D }>;
  };
};

const { parseGlb, Cesium3DTilesTerrainData } = cesium as unknown as {
  parseGlb(bytes: Uint8Array): object;
  Cesium3DTilesTerrainData: new (options: object) => { _createMeshSync(options: object): Promise<CesiumMesh> };
};

/** From a root, which has both poles, to two neighbours of the native level on steep ground. */
const ROOT: TileId = { z: 0, x: 0, y: 0 };
const IAO: TileId = { z: 14, x: 2132, y: 6290 };
const EAST_OF_IAO: TileId = { ...IAO, x: IAO.x + 1 };
const TILES: readonly TileId[] = [ROOT, { z: 5, x: 4, y: 12 }, { z: 10, x: 133, y: 393 }, IAO];

let maker: TerrainMaker;
beforeAll(async () => {
  maker = await openTerrainMaker(preparedSpecOf(MAUI_SHEETS));
  await maker.prepare();
});
afterAll(() => maker.close());

const made = new Map<string, Promise<TerrainTile>>();
function tileAt(id: TileId): Promise<TerrainTile> {
  const key = `${id.z}/${id.x}/${id.y}`;
  const tile = made.get(key) ?? maker.makeTile(id).then(({ bytes }) => decodeTerrainTile(bytes, geographic.box(id)));
  made.set(key, tile);
  return tile;
}

const skirtOf = ({ z }: TileId) => 5 * geographic.maxGeometricError(z);
const statement = { sources: 'N20W157, N20W156', minHeight: -3.5, maxHeight: 3052, maxErrorMetres: 4.7 };

async function glbOf(id: TileId, profile: GlbProfile, more: object = {}): Promise<Uint8Array> {
  return encodeTerrainGlb(await tileAt(id), {
    profile,
    copyright: 'NASA; USGS',
    skirtMetres: skirtOf(id),
    statement,
    ...more,
  });
}

/** ECEF, three a vertex. */
function placesOf({ box, u, v, heights }: TerrainTile): Float64Array {
  const places = new Float64Array(3 * u.length);
  for (let k = 0; k < u.length; k++) {
    const lon = box.west + (u[k] / 32767) * (box.east - box.west);
    toEcef(lon, box.south + (v[k] / 32767) * (box.north - box.south), heights[k], places, 3 * k);
  }
  return places;
}

/** Greatest distance between vertices, metres. */
function farthest(a: ArrayLike<number>, b: ArrayLike<number>, count: number): number {
  let most = 0;
  for (let i = 0; i < 3 * count; i += 3) {
    most = Math.max(most, Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2]));
  }
  return most;
}

/** Half the diagonal of a cell of the grid; float32 of numbers within a tile's radius. */
const reach = (step: number, radius: number) => (step > 0 ? (step / 2) * Math.sqrt(3) * 1.0001 : radius * 2 ** -23);

/** Triangles that have an area (at a pole they have none), and those of them whose front faces the tile's middle along the ground below them. */
function countInward(places: ArrayLike<number>, triangles: readonly number[], { box, sphere, minHeight }: TerrainTile) {
  const middle = new Float64Array(3);
  toEcef((box.west + box.east) / 2, (box.south + box.north) / 2, minHeight, middle, 0);
  let inward = 0;
  let counted = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = triangles.slice(t, t + 3).map((k) => [0, 1, 2].map((axis) => places[3 * k + axis]));
    const [a, b, c] = corners;
    const [p, q] = [b, c].map((corner) => minus(corner, a));
    const normal = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
    if (Math.hypot(...normal) < 1e-6 * sphere.radius ** 2) continue;
    const here = a.map((value, axis) => (value + b[axis] + c[axis]) / 3);
    const inwards = minus([...middle], here);
    const rise = dot(inwards, here) / dot(here, here);
    counted++;
    if (dot(normal, minus(inwards, here, rise)) >= 0) inward++;
  }
  return { inward, counted };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);
const minus = (a: readonly number[], b: readonly number[], times = 1) =>
  a.map((value, axis) => value - times * b[axis]);

describe('the glTF validator', () => {
  it.each(GLB_PROFILES)('finds nothing wrong with %s, plain or with a picture', async (profile) => {
    const image = sharp({ create: { width: 64, height: 64, channels: 3, background: '#486b3a' } });
    const jpeg = { bytes: new Uint8Array(await image.jpeg().toBuffer()), type: 'image/jpeg' };
    const webp = { bytes: new Uint8Array(await image.webp().toBuffer()), type: 'image/webp' };
    for (const picture of profile === 'gis' ? [undefined, jpeg] : [undefined, jpeg, webp]) {
      for (const id of TILES) {
        const glb = await glbOf(id, profile, { picture });
        const { issues } = await validateBytes(glb);
        const codes = issues.messages.filter(({ severity }) => severity < 2).map(({ code }) => code);
        expect(codes, `${id.z} ${picture?.type}`).toEqual([]);
        const { json, view } = await readGlb(glb);
        expect(json.asset.copyright).toBe('NASA; USGS');
        expect(json.images?.map(({ bufferView }) => view(bufferView))).toEqual(
          picture && profile !== 'cesium-terrain' ? [picture.bytes] : undefined,
        );
      }
    }
  });
});

describe('positions', () => {
  it.each(GLB_PROFILES)('of %s are the vertices of the tile, within half a step of the grid', async (profile) => {
    for (const id of TILES) {
      const tile = await tileAt(id);
      const { positions, normals, step, json, values } = await readGlb(await glbOf(id, profile));
      expect(step).toBeLessThan(geographic.maxGeometricError(id.z) / 100);
      const places = placesOf(tile);
      expect(farthest(positions, places, tile.u.length), `level ${id.z}`).toBeLessThan(
        reach(step, 2 * tile.sphere.radius),
      );
      if (tile.normals === undefined) throw new Error('tiles have normals by default');
      expect(farthest(normals, tile.normals, tile.u.length)).toBeLessThan(0.02);
      const { POSITION } = json.meshes[0].primitives[0].attributes;
      expect(values(POSITION).some(Number.isNaN)).toBe(false);
    }
  });

  it.each(['standard', 'gis'] as const)('of %s are the same to three.js', async (profile) => {
    const tile = await tileAt(IAO);
    const glb = await glbOf(IAO, profile);
    const loader = new GLTFLoader();
    loader.setMeshoptDecoder(MeshoptDecoder);
    const { scene } = await loader.parseAsync(Uint8Array.from(glb).buffer, '');
    scene.updateMatrixWorld();
    const found: number[] = [];
    scene.traverse(({ isMesh, matrixWorld: { elements: m }, geometry }) => {
      if (!isMesh) return;
      const at = geometry.attributes.position;
      for (let k = 0; k < tile.u.length; k++) {
        const [x, y, z] = [0, 1, 2].map(
          (row) => m[row] * at.getX(k) + m[row + 4] * at.getY(k) + m[row + 8] * at.getZ(k) + m[row + 12],
        );
        found.push(x, -z, y);
      }
    });
    expect(found).toHaveLength(3 * tile.u.length);
    const { step } = await readGlb(glb);
    expect(farthest(found, placesOf(tile), tile.u.length)).toBeLessThan(reach(step, 2 * tile.sphere.radius));
  });

  it('of two neighbours agree along their border to one step, and at more than a third of its vertices to the bit', async () => {
    const [west, east] = [await tileAt(IAO), await tileAt(EAST_OF_IAO)];
    const [left, right] = [
      await readGlb(await glbOf(IAO, 'standard')),
      await readGlb(await glbOf(EAST_OF_IAO, 'standard')),
    ];
    const { edges } = west;
    expect(edges.east.length).toBe(east.edges.west.length);
    expect(edges.east.length).toBeGreaterThan(4);
    let equal = 0;
    edges.east.forEach((vertex, k) => {
      const [a, b] = [left.positions.subarray(3 * vertex), right.positions.subarray(3 * east.edges.west[k])];
      for (let axis = 0; axis < 3; axis++) expect(Math.abs(a[axis] - b[axis])).toBeLessThanOrEqual(left.step);
      if (farthest(a, b, 1) === 0) equal++;
    });
    expect(equal).toBeGreaterThan(edges.east.length / 3);
  });
});

describe('skirts', () => {
  it.each(['standard', 'gis'] as const)('of %s face outwards, hang down and close the ring', async (profile) => {
    for (const id of TILES) {
      const tile = await tileAt(id);
      const { positions, normals, triangles, step } = await readGlb(await glbOf(id, profile));
      const added = [...triangles.subarray(tile.triangles.length)];
      const { west, north, east, south } = tile.edges;
      const sides = id.z === 0 ? [west, east] : [west, north, east, south];
      expect(added).toHaveLength(6 * sides.reduce((sum, side) => sum + side.length - 1, 0));
      const { inward, counted } = countInward(positions, added, tile);
      expect(inward, `level ${id.z}`).toBe(0);
      expect(counted).toBeGreaterThan(0.9 * (added.length / 3));
      const lowered = placesOf({ ...tile, heights: tile.heights.map((height) => height - skirtOf(id)) });
      const border = [...new Set(sides.flatMap((side) => [...side]))];
      const hanging = [...new Set(added)].filter((k) => k >= tile.u.length);
      expect(hanging).toHaveLength(border.length);
      for (const k of hanging) {
        const away = border.map((top) => farthest(positions.subarray(3 * k), lowered.subarray(3 * top), 1));
        const top = border[away.indexOf(Math.min(...away))];
        expect(Math.min(...away)).toBeLessThan(reach(step, 2 * tile.sphere.radius));
        expect(normals.subarray(3 * k, 3 * k + 3)).toEqual(normals.subarray(3 * top, 3 * top + 3));
      }
    }
  });
});

describe('CesiumJS', () => {
  const tilingScheme = new cesium.GeographicTilingScheme();

  async function meshOf(id: TileId, tile: TerrainTile, glb: Uint8Array) {
    const { sphere, occlusion, minHeight, maxHeight } = tile;
    const rectangle = tilingScheme.tileXYToRectangle(id.x, id.y, id.z);
    const data = new Cesium3DTilesTerrainData({
      gltf: parseGlb(Uint8Array.from(glb)),
      minimumHeight: minHeight,
      maximumHeight: maxHeight,
      boundingSphere: new cesium.BoundingSphere(new cesium.Cartesian3(sphere.x, sphere.y, sphere.z), sphere.radius),
      orientedBoundingBox: cesium.OrientedBoundingBox.fromRectangle(rectangle, minHeight, maxHeight),
      horizonOcclusionPoint: new cesium.Cartesian3(occlusion.x, occlusion.y, occlusion.z),
      skirtHeight: skirtOf(id),
      requestVertexNormals: true,
    });
    const mesh = await data._createMeshSync({ tilingScheme, x: id.x, y: id.y, level: id.z });
    const places: number[] = [];
    for (let k = 0; k < mesh.vertices.length / mesh.encoding.stride; k++) {
      const { x, y, z } = mesh.encoding.decodePosition(mesh.vertices, k);
      places.push(x, y, z);
    }
    const skirts = Array.from(mesh.indices).slice(mesh.indexCountWithoutSkirts);
    return { mesh, places, skirts: countInward(places, skirts, tile) };
  }

  it('makes terrain of cesium-terrain, with its own skirts outwards', async () => {
    for (const id of TILES) {
      const tile = await tileAt(id);
      const glb = await glbOf(id, 'cesium-terrain');
      const { step } = await readGlb(glb);
      const { mesh, places, skirts } = await meshOf(id, tile, glb);
      expect(mesh.vertexCountWithoutSkirts).toBe(tile.u.length);
      expect(mesh.indexCountWithoutSkirts).toBe(tile.triangles.length);
      // CesiumJS keeps float32 numbers from the tile's centre, or 12 bits, rounded down, of tiles under 4095 m.
      const { radius } = tile.sphere;
      const coarsened = mesh.encoding.quantization === 1 ? (Math.sqrt(3) * 2 * radius) / 4095 : 0;
      const limit = reach(step, radius) + reach(0, 2 * radius) + coarsened;
      expect(farthest(places, placesOf(tile), tile.u.length), `level ${id.z}`).toBeLessThan(limit);
      tile.heights.forEach((height, k) => {
        expect(Math.abs(mesh.encoding.decodeHeight(mesh.vertices, k) - height)).toBeLessThan(limit);
      });
      for (const k of tile.edges.west) expect(mesh.encoding.decodeTextureCoordinates(mesh.vertices, k).x).toBe(0);
      for (const k of tile.edges.north) expect(mesh.encoding.decodeTextureCoordinates(mesh.vertices, k).y).toBe(1);
      expect(skirts.counted).toBeGreaterThan(8);
      expect(skirts.inward, `level ${id.z}`).toBe(0);
    }
  });

  it('would turn its skirts inwards, and so would ours be, with the edges the other way round', async () => {
    const tile = await tileAt(IAO);
    const { west, south, east, north } = tile.edges;
    const [left, bottom, right, top] = [west, south, east, north].map((edge) => edge.toReversed());
    const turned = { ...tile, edges: { west: left, south: bottom, east: right, north: top } };
    const options = { copyright: '', skirtMetres: 20 };
    const drawn = await meshOf(IAO, turned, await encodeTerrainGlb(turned, { profile: 'cesium-terrain', ...options }));
    expect(drawn.skirts.inward).toBeGreaterThan(0.9 * drawn.skirts.counted);
    const { positions, triangles } = await readGlb(await encodeTerrainGlb(turned, { profile: 'gis', ...options }));
    const hung = countInward(positions, [...triangles.subarray(tile.triangles.length)], tile);
    expect(hung.inward).toBe(hung.counted);
  });
});

describeWithData("another tool's tiles", ['quantized-mesh/maastricht/15/33806/25637.terrain'], (file) => {
  it('become GLBs that are sound, with the vertices where they were', async () => {
    const id = { z: 15, x: 33806, y: 2 ** 15 - 1 - 25637 };
    const tile = decodeTerrainTile(readFileSync(file), geographic.box(id));
    for (const profile of GLB_PROFILES) {
      const glb = await encodeTerrainGlb(tile, { profile, copyright: '', skirtMetres: skirtOf(id) });
      expect((await validateBytes(glb)).issues.numErrors).toBe(0);
      const { positions, triangles, step } = await readGlb(glb);
      expect(farthest(positions, placesOf(tile), tile.u.length)).toBeLessThan(reach(step, 2 * tile.sphere.radius));
      const skirt = countInward(positions, [...triangles.subarray(tile.triangles.length)], tile);
      expect(skirt.inward).toBe(0);
      expect(skirt.counted > 0).toBe(profile !== 'cesium-terrain');
    }
  });

  it('are refused where nothing can be drawn', () => {
    const bytes = Uint8Array.from(readFileSync(file));
    const box = geographic.box({ z: 15, x: 33806, y: 7130 });
    expect(() => decodeTerrainTile(bytes.subarray(0, 300), box)).toThrow(/sound quantized-mesh tile/);
  });
});

it('says what the tile is made from', async () => {
  for (const profile of ['standard', 'gis'] as const) {
    const { json, view, values } = await readGlb(await glbOf(IAO, profile));
    const [{ properties }] = json.extensions?.EXT_structural_metadata?.propertyTables ?? [];
    const number = (name: string) => new Float32Array(view(properties[name].values).buffer)[0];
    expect(new TextDecoder().decode(view(properties.sources.values))).toBe(statement.sources);
    expect(['minimumHeightMetres', 'maximumHeightMetres'].map(number)).toEqual([-3.5, 3052]);
    expect(number('maximumErrorMetres')).toBeCloseTo(4.7, 5);
    const { _FEATURE_ID_0: feature } = json.meshes[0].primitives[0].attributes;
    if (profile === 'standard') expect(values(feature).every((id) => id === 0)).toBe(true);
    else expect(feature).toBeUndefined();
  }
});

it('lays the picture from the north-west corner to the south-east', async () => {
  const picture = {
    bytes: new Uint8Array(
      await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
        .jpeg()
        .toBuffer(),
    ),
    type: 'image/jpeg',
  };
  const tile = await tileAt(IAO);
  for (const profile of ['standard', 'gis'] as const) {
    const { json, values } = await readGlb(await glbOf(IAO, profile, { picture }));
    const texture = values(json.meshes[0].primitives[0].attributes.TEXCOORD_0);
    tile.u.forEach((u, k) => {
      expect(Math.abs(texture[2 * k] - u / 32767)).toBeLessThan(1e-5);
      expect(Math.abs(texture[2 * k + 1] - (1 - tile.v[k] / 32767))).toBeLessThan(1e-5);
    });
    for (const k of tile.edges.north) expect(texture[2 * k + 1]).toBe(0);
    for (const k of tile.edges.east) expect(texture[2 * k]).toBe(1);
  }
});

it('makes normals for tiles that bring none, and refuses a WebP picture to QGIS', async () => {
  const tile = await tileAt(IAO);
  const options = { profile: 'gis', copyright: '', skirtMetres: 0 } as const;
  const { normals } = await readGlb(await encodeTerrainGlb({ ...tile, normals: undefined }, options));
  // Those of the source, at a vertex's own place, and a mean over its triangles are not the same, but close on the whole.
  let cosines = 0;
  for (let i = 0; i < normals.length; i++) cosines += normals[i] * (tile.normals?.[i] ?? 0);
  expect(cosines / tile.u.length).toBeGreaterThan(0.9);
  const webp = { bytes: Uint8Array.of(1), type: 'image/webp' } as const;
  await expect(encodeTerrainGlb(tile, { ...options, picture: webp })).rejects.toThrow(/needs JPEG/);
});
