/**
 * Clients of 3D Tiles against a running server with Maui to level 8: CesiumJS's Cesium3DTilesTerrainProvider, which must
 * see the heights that its CesiumTerrainProvider sees of the same layer, and loaders.gl, which must find all tiles.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { load } from '@loaders.gl/core';
import { Cartographic, Cesium3DTilesTerrainProvider, CesiumTerrainProvider, type TerrainData } from 'cesium';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../server/start.ts';
import { openAvailability } from '../../tiler/catalog/hemispheres.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { startBrowser } from '../support/browser.ts';
import { preparedSpecOf } from '../support/build-tileset.ts';
import { openCesiumPage, shareOfBackground } from '../support/cesium-page.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { ask, heightInTile } from '../support/visit.ts';
import { layersOf } from './serve.ts';

const DEEPEST = 8;

let folder: string;
let layer: Layer;
let server: RunningServer;
let base: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  const out = join(folder, 'tileset');
  const spec = preparedSpecOf(MAUI_SHEETS, { maxZoom: DEEPEST });
  await buildTileset(spec, { out, threads: 1, openRunner: openInProcessRunner, measure: 'none' });
  layer = await openBuiltLayer(out, { name: 'maui' });
  server = await startServer({ port: 0, host: '127.0.0.1', layers: layersOf(layer) });
  base = `${server.url}/layers/maui`;
}, 120_000);
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How CesiumJS meshes a tile where there are no workers, and where its positions come from. */
interface MeshedInPlace extends TerrainData {
  readonly _gltf: { readonly nodes: readonly { readonly matrix: readonly number[] }[] };
  _createMeshSync(options: object): Promise<unknown>;
}

describe('Cesium3DTilesTerrainProvider', () => {
  it('sees the heights of CesiumTerrainProvider at 1000 points of the deepest level, within the step of positions', async () => {
    const flat = await CesiumTerrainProvider.fromUrl(base);
    const tiles = await Cesium3DTilesTerrainProvider.fromUrl(`${base}/3dtiles/cesium-terrain/tileset.json`, {
      requestVertexNormals: true,
    });
    const { tilingScheme } = flat;
    const pairs = new Map<string, Promise<[TerrainData, MeshedInPlace]>>();
    const errors: number[] = [];
    let relief = 0;
    for (let k = 0; k < 1000; k++) {
      // Evenly spread, without a pattern (M. Roberts, R2).
      const [a, b] = [(k * 0.7548776662) % 1, (k * 0.5698402909) % 1];
      const place = Cartographic.fromDegrees(-156.9 + 0.9 * a, 20.5 + 0.5 * b);
      // As the globe does it: ancestors' subtrees come first.
      for (let z = 1; z <= DEEPEST; z += 3) await pairAt(z, place);
      const [expected, found] = await pairAt(DEEPEST, place);
      const { x, y } = tilingScheme.positionToTileXY(place, DEEPEST);
      const rectangle = tilingScheme.tileXYToRectangle(x, y, DEEPEST);
      const truth = expected.interpolateHeight(rectangle, place.longitude, place.latitude) ?? Number.NaN;
      const height = found.interpolateHeight(rectangle, place.longitude, place.latitude) ?? Number.NaN;
      const [m0 = 0, m1 = 0, m2 = 0] = found._gltf.nodes[0]?.matrix ?? [];
      // A vertex moves by half a step along each axis at most; heights beside it follow, on slopes up to 45 degrees.
      const step = Math.hypot(m0, m1, m2) / 65535;
      errors.push(Math.abs(height - truth) / ((Math.sqrt(3) / 2) * Math.SQRT2 * step));
      relief = Math.max(relief, height);
    }
    expect(Math.max(...errors)).toBeLessThan(1);
    expect(relief).toBeGreaterThan(2500);

    function pairAt(z: number, place: Cartographic): Promise<[TerrainData, MeshedInPlace]> {
      const { x, y } = tilingScheme.positionToTileXY(place, z);
      const key = `${z}/${x}/${y}`;
      const known = pairs.get(key) ?? readPair(z, x, y);
      pairs.set(key, known);
      return known;
    }

    async function readPair(z: number, x: number, y: number): Promise<[TerrainData, MeshedInPlace]> {
      const [a, b] = await Promise.all([flat.requestTileGeometry(x, y, z), tiles.requestTileGeometry(x, y, z)]);
      if (!a || !b) throw new Error(`CesiumJS gave up on ${z}/${x}/${y}`);
      const meshed = b as unknown as MeshedInPlace;
      await meshed._createMeshSync({ tilingScheme, x, y, level: z });
      expect(tiles.getTileDataAvailable(x, y, z)).toBe(true);
      return [a, meshed];
    }
  });
});

describe('CesiumJS in Chromium', { timeout: 240_000 }, () => {
  /** In the crater of Haleakala: the least place of its own triangle to look at. */
  const [LON, LAT] = [-156.2201, 20.7203];
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  }, 120_000);
  afterAll(() => browser?.close());

  it.each(['standard', 'gis', 'cesium-terrain'])(
    'draws %s without holes, near and far, in the right place',
    async (profile) => {
      const { page, faults, close } = await openCesiumPage(browser, { width: 500, height: 320 });
      const address = `${base}/3dtiles/${profile}/tileset.json`;
      await ask(page, profile === 'cesium-terrain' ? showTerrain(address) : showTileset(address));
      // Haleakala from the south, the sea and the sky behind it; and all islands from above.
      for (const [view, top] of [
        ['-156.27, 20.52, 4000, 0, -18', 0.25],
        ['-156.6, 19.2, 150000, 0, -40', 0],
      ] as const) {
        await ask(page, `look(${view})`);
        await ask(page, 'settle(done)');
        expect(await shareOfBackground(page, top), view).toBe(0);
      }
      await ask(page, `look(${LON}, ${LAT}, 2400, 0, -90)`);
      await ask(page, 'settle(done)');
      const [picked, drawn] = await ask<[number, number]>(page, `[heightOf(${LON}, ${LAT}), drawnHeight()]`);
      const truth = heightInTile(join(folder, 'tileset'), DEEPEST, LON, LAT);
      // Positions are rounded to this lattice, but for the profile that has them as they are.
      const rounding = profile === 'gis' ? 0 : 320 / 2 ** DEEPEST;
      expect(Math.abs(picked - truth)).toBeLessThan(0.1 + rounding);
      expect(Math.abs(drawn - truth)).toBeLessThan(0.1 + rounding);
      expect(faults).toEqual([]);
      await close();
    },
  );

  const DRAWN = `window.drawnHeight = () => {
    const { width, height } = widget.canvas;
    const place = widget.scene.pickPosition(new Cesium.Cartesian2(width / 2, height / 2));
    return Cesium.Cartographic.fromCartesian(place).height;
  };`;

  function showTerrain(address: string): string {
    return `(async () => {
      ${DRAWN}
      widget.terrainProvider = await Cesium.Cesium3DTilesTerrainProvider.fromUrl('${address}', { requestVertexNormals: true });
      window.done = () => widget.scene.globe.tilesLoaded;
      window.heightOf = (lon, lat) => widget.scene.globe.getHeight(Cesium.Cartographic.fromDegrees(lon, lat));
    })()`;
  }

  /** Heights along the vertical: Cesium3DTileset.getHeight looks towards the Earth's middle. */
  function showTileset(address: string): string {
    return `(async () => {
      ${DRAWN}
      widget.scene.globe.show = false;
      const tileset = await Cesium.Cesium3DTileset.fromUrl('${address}', { enablePick: true });
      widget.scene.primitives.add(tileset);
      window.done = () => tileset.tilesLoaded;
      window.heightOf = (lon, lat) => {
        const above = Cesium.Cartesian3.fromDegrees(lon, lat, 9000);
        const down = Cesium.Cartesian3.negate(Cesium.Ellipsoid.WGS84.geodeticSurfaceNormal(above), new Cesium.Cartesian3());
        const hits = tileset._selectedTiles.map(({ content }) => content.pick(new Cesium.Ray(above, down), widget.scene.frameState));
        return Math.max(...hits.filter(Boolean).map((hit) => Cesium.Cartographic.fromCartesian(hit).height));
      };
    })()`;
  }
});

interface LoadedTile {
  readonly contentUrl?: string;
  readonly children?: readonly LoadedTile[];
}

describe('loaders.gl', () => {
  it.each(['standard', 'cesium-terrain'])('finds every tile of %s, and content for each', async (profile) => {
    const tileset = await load(`${base}/3dtiles/${profile}/tileset.json`, Tiles3DLoader, { core: { worker: false } });
    const found = contentsOf(tileset.root);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBe(countTiles());
    for (const address of found) {
      const answer = await fetch(address);
      const start = Buffer.from(await answer.arrayBuffer())
        .subarray(0, 4)
        .toString();
      expect([address, answer.status, start]).toEqual([address, 200, 'glTF']);
    }
  });

  function contentsOf({ contentUrl, children = [] }: LoadedTile): string[] {
    const own = contentUrl?.endsWith('.glb') ? [contentUrl] : [];
    return [...own, ...children.flatMap(contentsOf)];
  }
});

describe('an explicit tileset', () => {
  it('names every tile once, each inside its parent and with less error, down to leaves without any', async () => {
    const top = `${base}/3dtiles/gis/tileset.json`;
    const contents: string[] = [];
    let leaves = 0;
    const walk = async (address: string, tile: ExplicitJson, parent?: ExplicitJson): Promise<void> => {
      const region = tile.boundingVolume.region;
      if (parent) {
        const outer = parent.boundingVolume.region;
        const [west = -1, south = -1, east = 1, north = 1, low = -1, high = 1] = region.map(
          (value, k) => value - (outer[k] ?? 0),
        );
        expect(Math.min(west, south, -east, -north, low, -high)).toBeGreaterThanOrEqual(0);
        expect(tile.geometricError).toBeLessThanOrEqual(parent.geometricError);
      }
      const uri = tile.content && new URL(tile.content.uri, address).href;
      if (uri?.endsWith('.glb')) contents.push(uri);
      else if (uri) {
        const { root } = JSON.parse(await (await fetch(uri)).text());
        expect(root.geometricError).toBe(tile.geometricError);
        expect(root.boundingVolume.region.slice(0, 4)).toEqual(region.slice(0, 4));
        await walk(uri, root, tile);
      }
      if (uri?.endsWith('.glb') && !tile.children) {
        leaves++;
        expect(tile.geometricError).toBe(0);
      }
      for (const child of tile.children ?? []) await walk(address, child, tile);
    };
    await walk(top, JSON.parse(await (await fetch(top)).text()).root);
    expect(new Set(contents).size).toBe(contents.length);
    expect(contents.length).toBe(countTiles());
    expect(leaves).toBeGreaterThan(10);
  });
});

interface ExplicitJson {
  readonly boundingVolume: { readonly region: readonly number[] };
  readonly geometricError: number;
  readonly content?: { readonly uri: string };
  readonly children?: readonly ExplicitJson[];
}

function countTiles(): number {
  const spans = layer.document.available.flat();
  const count = spans.reduce((sum, r) => sum + (r.endX - r.startX + 1) * (r.endY - r.startY + 1), 0);
  expect(openAvailability(layer.document).levels('west')).toBe(DEEPEST + 1);
  return count;
}
