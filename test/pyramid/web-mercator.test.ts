/** Maui in EPSG:3857: borders, a root that is never hidden, heights as in the geographic scheme, and the ends of the map. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as cesium from 'cesium';
import { Cartesian3, Cartographic, CesiumTerrainProvider, Ellipsoid, sampleTerrainMostDetailed } from 'cesium';
import { expect, it } from 'vitest';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import { geographic, type SchemeId, schemeNamed, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { openSourceLayer } from '../../tiler/pyramid/source-layer.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { layersOf, serve } from '../server/serve.ts';
import { buildForTest, specOf } from '../support/build-tileset.ts';
import { decodeWithHere } from '../support/here-decoder.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What CesiumJS culls tiles by; its types leave it out. */
type OccluderOfCesium = new (
  ellipsoid: Ellipsoid,
  camera: Cartesian3,
) => {
  isScaledSpacePointVisible(point: Cartesian3): boolean;
  isScaledSpacePointVisiblePossiblyUnderEllipsoid(point: Cartesian3, minimumHeight: number): boolean;
};

interface BorderVertex {
  readonly along: number;
  readonly height: number;
  readonly normal: string;
}

/** The vertices of a stored tile where a plane (0: u, 1: v) has a value, in order along the border; and the height step. */
function borderOf(stored: Uint8Array, plane: 0 | 1, at: 0 | 32767): { step: number; vertices: BorderVertex[] } {
  const { header, vertexData, extensions } = decodeWithHere(gunzipSync(stored));
  const count = vertexData.length / 3;
  const step = (header.maxHeight - header.minHeight) / 32767;
  const vertices: BorderVertex[] = [];
  for (let i = 0; i < count; i++) {
    if (vertexData[plane * count + i] !== at) continue;
    const normal = [...(extensions.vertexNormals?.subarray(2 * i, 2 * i + 2) ?? [])].join();
    const height = header.minHeight + step * vertexData[2 * count + i];
    vertices.push({ along: vertexData[(1 - plane) * count + i], height, normal });
  }
  return { step, vertices: vertices.sort((a, b) => a.along - b.along) };
}

it('borders of Maui match, at every level to 11', async () => {
  const { out } = await buildForTest(MAUI_SHEETS, { options: { scheme: 'web-mercator', maxZoom: 11 } });
  const document: LayerJson = JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8'));
  expect(document).toMatchObject({ projection: 'EPSG:3857', scheme: 'tms', maxzoom: 11 });
  expect(document.available[0]).toEqual([{ startX: 0, startY: 0, endX: 0, endY: 0 }]);
  expect(document.relievo.missing).toEqual([
    [-180, webMercator.extent.north, 180, 90],
    [-180, -90, 180, webMercator.extent.south],
  ]);
  let compared = 0;
  for (const [z, ranges] of document.available.entries()) {
    const columns = webMercator.columns(z);
    const tiles = new Map<string, Uint8Array>();
    for (const { startX, startY, endX, endY } of ranges) {
      for (let x = startX; x <= endX; x++) {
        for (let y = startY; y <= endY; y++) tiles.set(`${x}/${y}`, readFileSync(join(out, `${z}/${x}/${y}.terrain`)));
      }
    }
    for (const [key, tile] of tiles) {
      const [x, y] = key.split('/').map(Number);
      const pairs = [
        [borderOf(tile, 0, 32767), tiles.get(`${(x + 1) % columns}/${y}`), 0],
        [borderOf(tile, 1, 32767), tiles.get(`${x}/${y + 1}`), 1],
      ] as const;
      for (const [here, neighbour, plane] of pairs) {
        if (neighbour === undefined) continue;
        const there = borderOf(neighbour, plane, 0);
        const where = `${z}/${key}, ${plane === 0 ? 'east' : 'north'}`;
        expect(
          there.vertices.map(({ along }) => along),
          where,
        ).toEqual(here.vertices.map(({ along }) => along));
        expect(
          there.vertices.map(({ normal }) => normal),
          where,
        ).toEqual(here.vertices.map(({ normal }) => normal));
        const apart = here.vertices.map(({ height }, i) => Math.abs(height - there.vertices[i].height));
        expect(Math.max(...apart), where).toBeLessThanOrEqual(Math.max(here.step, there.step) + 1e-3);
        compared++;
      }
    }
  }
  expect(compared).toBeGreaterThan(250);
});

it('its root goes round the globe and is hidden from nobody', async () => {
  const maker = await openTerrainMaker(specOf(MAUI_SHEETS, { scheme: 'web-mercator' }), { hash: false });
  const { bytes } = await maker.makeTile({ z: 0, x: 0, y: 0 });
  await maker.close();
  const { header } = decodeWithHere(bytes);
  const point = new Cartesian3(
    header.horizonOcclusionPointX,
    header.horizonOcclusionPointY,
    header.horizonOcclusionPointZ,
  );
  expect([point.x, point.y, point.z].every(Number.isFinite)).toBe(true);
  const Occluder: OccluderOfCesium = Reflect.get(cesium, 'EllipsoidalOccluder');
  const random = seededRandom(9);
  for (let k = 0; k < 2000; k++) {
    const height = 10 ** (random() * 7);
    const lat = (Math.asin(2 * random() - 1) * 180) / Math.PI;
    const camera = Cartesian3.fromDegrees(random() * 360 - 180, lat, height);
    const occluder = new Occluder(Ellipsoid.WGS84, camera);
    expect(occluder.isScaledSpacePointVisible(point), `${camera}`).toBe(true);
    expect(occluder.isScaledSpacePointVisiblePossiblyUnderEllipsoid(point, header.minHeight)).toBe(true);
  }
});

async function openMaui(scheme: SchemeId): Promise<Layer> {
  const layer = await openSourceLayer(
    { ...specOf(MAUI_SHEETS, { scheme }), cacheFolder: temporaryFolder() },
    { name: scheme, labels: {}, width: 1, openRunner: openInProcessRunner },
  );
  await layer.prepare();
  return layer;
}

it('CesiumJS finds the same heights in both schemes', async () => {
  const layers = await Promise.all((['geographic', 'web-mercator'] as const).map(openMaui));
  const { url } = await serve({ layers: layersOf(...layers) });
  const random = seededRandom(500);
  const places = Array.from({ length: 500 }, () => [-156.75 + random() * 0.8, 20.55 + random() * 0.43] as const);
  const [inGeographic, inMercator] = await Promise.all(
    layers.map(async ({ name, document }) => {
      const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/${name}`);
      expect(provider.tilingScheme.getNumberOfXTilesAtLevel(0)).toBe(name === 'geographic' ? 2 : 1);
      const error = provider.getLevelMaximumGeometricError(document.maxzoom);
      expect(error).toBeCloseTo(schemeNamed(name as SchemeId).maxGeometricError(document.maxzoom), 6);
      const positions = places.map(([lon, lat]) => Cartographic.fromDegrees(lon, lat));
      return (await sampleTerrainMostDetailed(provider, positions)).map(({ height }) => height);
    }),
  );
  // Native levels 14 and 15 have the same error; heights are rounded to 1/32767 of 3 km at most.
  const bound = geographic.maxGeometricError(14) + webMercator.maxGeometricError(15) + 0.2;
  const apart = inGeographic.map((height, k) => height - inMercator[k]);
  expect(Math.max(...apart.map(Math.abs))).toBeLessThanOrEqual(bound);
  expect(inMercator.filter((height) => height > 100).length).toBeGreaterThan(150);
  // A shift of one post would be 20 m on these slopes, one way more often than the other.
  expect(Math.abs(apart.reduce((sum, one) => sum + one, 0) / apart.length)).toBeLessThan(0.3);
  expect(Math.sqrt(apart.reduce((sum, one) => sum + one * one, 0) / apart.length)).toBeLessThan(2.5);
});

it('a folder of it is served again, rows and columns of one root', async () => {
  const { out } = await buildForTest(MAUI_SHEETS, { options: { scheme: 'web-mercator', maxZoom: 5 } });
  const layer = await openBuiltLayer(out, { name: 'maui' });
  const { url } = await serve({ layers: layersOf(layer) });
  expect((await fetch(`${url}/layers/maui/1/1/0.terrain`)).status).toBe(200);
  const beyond = await fetch(`${url}/layers/maui/1/2/0.terrain`);
  expect(beyond.status).toBe(404);
  expect(await beyond.json()).toMatchObject({ error: { message: expect.stringContaining('columns 0 to 2^z - 1') } });

  // And as another tool's: without what Relievo says of itself.
  const { relievo: _, bounds: __, ...plain } = JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8'));
  const tile = readFileSync(join(out, '0/0/0.terrain'));
  const foreign = await openBuiltLayer(temporaryFolder({ 'layer.json': plain, '0/0/0.terrain': tile }));
  expect(foreign.document).toMatchObject({ projection: 'EPSG:3857', available: plain.available });
  expect(await foreign.make({ z: 0, x: 0, y: 0 }, { extensions: ['octvertexnormals'], coding: 'gzip' })).toEqual(tile);
});

/** An ASCII grid of 1 degree a side, longitude 10, samples every 0.1 degrees. */
function gridAt(south: number): string {
  const rows = Array.from({ length: 10 }, () => Array.from({ length: 10 }, (_, i) => 100 + i).join(' '));
  const head = `ncols 10\nnrows 10\nxllcorner 10\nyllcorner ${south}\ncellsize 0.1\nNODATA_value -9999\n`;
  return join(temporaryFolder({ 'cap.asc': `${head}${rows.join('\n')}\n` }), 'cap.asc');
}

it('data beyond its ends are refused, and partly beyond left out with a warning', async () => {
  const options = { scheme: 'web-mercator', sourceCrs: 'EPSG:4326', verticalDatum: 'ellipsoid' } as const;
  for (const south of [86, -87]) {
    await expect(openTerrainMaker(specOf([gridAt(south)], options))).rejects.toMatchObject({
      code: 'input-unsupported',
      message: expect.stringMatching(
        /^cap\.asc lies between -?8\d and -?8\d degrees .* ends at 85\.0511 .*--scheme geographic$/,
      ),
    });
  }
  const maker = await openTerrainMaker(specOf([gridAt(84.5)], options));
  expect(maker.warnings.join()).toContain('cap.asc: what lies beyond 85.0511 degrees is left out');
  const { bounds, maxzoom } = maker.document('cap');
  expect(bounds.map((degrees) => Number(degrees.toFixed(4)))).toEqual([10, 84.5, 11, 85.0511]);
  const { bytes } = await maker.makeTile({ z: maxzoom, x: Math.floor((190.3 / 360) * 2 ** maxzoom), y: 0 });
  expect(decodeWithHere(bytes).header.maxHeight).toBeGreaterThan(99);
  await maker.close();
  expect((await openTerrainMaker(specOf([gridAt(84.5)], { ...options, scheme: 'geographic' }))).warnings).toEqual([]);
});
