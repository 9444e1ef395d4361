/** Terrain as 3D Tiles from tiles of other tools, whose headers leave out what clients need, and what is refused. */
import { describe, expect, it } from 'vitest';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import type { QualityJson } from '../../tiler/catalog/quality-json.ts';
import type { GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { geographic, type TileId, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { openTerrainTiles3d, type TilesSource } from '../../tiler/pyramid/terrain-tiles-3d.ts';
import { handMadeLayer } from '../server/serve.ts';
import { handMadeTile } from '../support/hand-made-tile.ts';
import { readGlb } from '../support/read-glb.ts';

const ROOTS = [{ startX: 0, startY: 0, endX: 1, endY: 0 }];

interface Changes {
  readonly generator?: string;
  readonly available?: LayerJson['available'];
  readonly read?: (id: TileId) => Uint8Array | undefined;
}

function sourceOf({ generator = 'relievo', available = [ROOTS], read = () => handMadeTile() }: Changes): TilesSource {
  const { document } = handMadeLayer();
  return {
    scheme: geographic,
    document: { ...document, available, relievo: { ...document.relievo, generator } },
    read: async (id) => read(id),
  };
}

const open = (changes: Changes, profile: GlbProfile = 'cesium-terrain') =>
  openTerrainTiles3d(sourceOf(changes), { profile });

/** A tile with other heights, or another occlusion point, in its header. */
function withHeader({ heights, occlusion }: { heights?: [number, number]; occlusion?: [number, number, number] }) {
  const bytes = Uint8Array.from(handMadeTile());
  const view = new DataView(bytes.buffer);
  heights?.forEach((height, k) => {
    view.setFloat32(24 + 4 * k, height, true);
  });
  occlusion?.forEach((value, k) => {
    view.setFloat64(64 + 8 * k, value, true);
  });
  return bytes;
}

/** Numbers of a property of a subtree's tiles. */
function numbersOf(file: Uint8Array | undefined, property: string): number[] {
  if (!file) throw new Error('there is no such subtree');
  const jsonBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(8, true));
  const json = JSON.parse(new TextDecoder().decode(file.subarray(24, 24 + jsonBytes)));
  const { byteOffset, byteLength } = json.bufferViews[json.propertyTables[0].properties[property].values];
  const start = 24 + jsonBytes + byteOffset;
  return Array.from(new Float64Array(Uint8Array.from(file.subarray(start, start + byteLength)).buffer));
}

describe("another tool's tiles", () => {
  it.each([[[0, 0, 0]], [[Number.NaN, 0, 0]], [[0.5, 0, 0]]] as [[number, number, number]][])(
    'with occlusion point %j are given one far over their middle',
    async (occlusion) => {
      const tiles = open({ read: () => withHeader({ occlusion }) });
      for (const [hemisphere, side] of [
        ['west', -1],
        ['east', 1],
      ] as const) {
        const [x = 1, y = 0, z = 1] = numbersOf(await tiles.subtree(hemisphere, 0, 0, 0), 'horizonOcclusionPoint');
        expect(Math.hypot(x, z)).toBeLessThan(1);
        expect(y).toBeCloseTo(side * 1e6, 3);
      }
    },
  );

  it('keep the point that they have', async () => {
    const tiles = open({ read: () => withHeader({ occlusion: [0, -1.5, 0.25] }) });
    expect(numbersOf(await tiles.subtree('west', 0, 0, 0), 'horizonOcclusionPoint')).toEqual([0, -1.5, 0.25]);
  });

  it('have roots as high as any land, since nobody knows what lies under a flat root', async () => {
    const heightsOf = async (generator: string) => {
      const { root } = await open({ generator }).tileset();
      return root.children?.map(({ boundingVolume }) => boundingVolume.region.slice(4));
    };
    expect(await heightsOf('unknown')).toEqual([
      [-1000, 9000],
      [-1000, 9000],
    ]);
    expect(await heightsOf('relievo 1')).toEqual([
      [0, 100],
      [0, 100],
    ]);
  });
});

it("tells of a tile the heights of its descendants in the subtree too, and its skirts' depth", async () => {
  const available = [ROOTS, [{ startX: 1, startY: 1, endX: 1, endY: 1 }], [{ startX: 2, startY: 3, endX: 2, endY: 3 }]];
  const read = ({ z }: TileId) => withHeader({ heights: [-10 * z, 100 + z] });
  const plain = await open({ available, read }).subtree('west', 0, 0, 0);
  expect(numbersOf(plain, 'minimumHeight')).toEqual([-20, -20, -20]);
  expect(numbersOf(plain, 'maximumHeight')).toEqual([102, 102, 102]);
  const skirted = await open({ available, read }, 'standard').subtree('west', 0, 0, 0);
  expect(numbersOf(skirted, 'minimumHeight')).toEqual([-20_020, -20_020, -20_020]);
  expect(numbersOf(skirted, 'boundingSphere')[3]).toBe(9_120_000);
  expect(numbersOf(plain, 'boundingSphere')[3]).toBe(9_100_000);
});

it('leaves room below a gis document for those that go on, which it does not read', async () => {
  const deepest = [0, 1, 2, 4].map((at, level) =>
    level === 0 ? ROOTS : [{ startX: at, startY: at, endX: at, endY: at }],
  );
  const asked = new Set<number>();
  const read = ({ z }: TileId) => {
    asked.add(z);
    return withHeader({ heights: [-z, 100 + z] });
  };
  const tiles = open({ available: deepest, read }, 'gis');
  const above = await tiles.external('west', 0, 0, 0);
  expect([...asked].sort()).toEqual([0, 1, 2]);
  // A level's bound more than the tile itself has: 77 067 m, halved at each level.
  const room = geographic.maxGeometricError(2);
  expect(above?.root.boundingVolume.region[5]).toBe(102 + room);
  const named = above?.root.children?.[0]?.children?.[0]?.children?.[0];
  const below = await tiles.external('west', 3, 4, 4);
  expect(named?.boundingVolume.region[5]).toBe(102 + room);
  // Nothing goes on below it.
  expect(below?.root.boundingVolume.region[5]).toBe(103);
});

it('states the error that the source knows of the tile, no less in single precision, and none that is not certified', async () => {
  const levels = [{ level: 0, maxError: 9 }] as unknown as QualityJson['levels'];
  const stated = async (errorOf?: TilesSource['errorOf'], quality?: QualityJson) => {
    const tiles = openTerrainTiles3d(
      { ...sourceOf({}), ...(errorOf && { errorOf }) },
      { profile: 'standard', quality },
    );
    const { json, view } = await readGlb((await tiles.content('west', 0, 0, 0)) as Uint8Array);
    const [{ properties }] = json.extensions?.EXT_structural_metadata?.propertyTables ?? [];
    const known = properties.maximumErrorMetres;
    return known && new Float32Array(Uint8Array.from(view(known.values)).buffer)[0];
  };
  const quality = { levels } as unknown as QualityJson;
  // Some of them are less in single precision: none may be stated so.
  for (const error of [0.1, 4.7, 0.3, 4.9]) {
    const said = await stated(() => error, quality);
    expect(said).toBeGreaterThanOrEqual(error);
    expect(said).toBeLessThan(error * (1 + 2e-7));
  }
  expect(await stated(() => Number.NaN, quality)).toBeUndefined();
  expect(await stated(undefined, quality)).toBe(9);
  expect(await stated()).toBeUndefined();
});

it('reads each tile once for a subtree and its content', async () => {
  const asked: string[] = [];
  const tiles = open({
    read: ({ z, x, y }) => {
      asked.push(`${z}/${x}/${y}`);
      return handMadeTile();
    },
  });
  await tiles.tileset();
  for (const hemisphere of ['west', 'east'] as const) {
    expect(await tiles.subtree(hemisphere, 0, 0, 0)).toBeDefined();
    expect(await tiles.content(hemisphere, 0, 0, 0)).toBeDefined();
  }
  expect(asked.sort()).toEqual(['0/0/0', '0/1/0']);
});

describe('what cannot be', () => {
  it('web-mercator tiles', () => {
    const source = { ...sourceOf({}), scheme: webMercator };
    expect(() => openTerrainTiles3d(source, { profile: 'standard' })).toThrow(/EPSG:3857.*--scheme geographic/);
  });

  it('a globe of one half, for the client that asks for two', async () => {
    const available = [[{ startX: 1, startY: 0, endX: 1, endY: 0 }]];
    expect(() => open({ available })).toThrow(/both tiles of level 0.*none in the west/);
    const { root } = await open({ available }, 'standard').tileset();
    expect(root.children?.map(({ content }) => content?.uri)).toEqual(['east/content/{level}/{x}/{y}.glb']);
  });

  it('tiles that layer.json lists and nobody has, or that are cut off', async () => {
    await expect(open({ read: () => undefined }).subtree('west', 0, 0, 0)).rejects.toThrow(/layer\.json lists a tile/);
    const cut = open({ read: () => handMadeTile().subarray(0, 60) });
    await expect(cut.tileset()).rejects.toThrow(/got 60 bytes/);
    await expect(cut.content('west', 0, 0, 0)).rejects.toThrow(/quantized-mesh/);
  });
});
