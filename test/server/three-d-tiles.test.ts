/** 3D Tiles over a real socket: what there is, in which form, conditional requests, CORS and refusals. */
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { webMercator } from '../../tiler/geo/tiling-scheme.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { errorOf, handMadeLayer, layersOf, type RawAnswer, sendRaw, serve } from './serve.ts';

const BASE = '/layers/small/3dtiles';
const silent = { report: () => {} };

async function serveSmall(changes: Partial<Layer> = {}) {
  const layer = handMadeLayer('small', changes);
  return { layer, ...(await serve({ layers: layersOf(layer), ...silent })) };
}

const jsonOf = ({ body }: RawAnswer) => JSON.parse(body.toString());

describe('parts of 3D Tiles', () => {
  it.each([
    ['tileset.json', 'application/json', '{"asset'],
    ['standard/tileset.json', 'application/json', '{"asset'],
    ['cesium-terrain/tileset.json', 'application/json', '{"asset'],
    ['gis/tileset.json', 'application/json', '{"asset'],
    ['gis/east/tilesets/0/0/0.json', 'application/json', '{"asset'],
    ['west/subtrees/0/0/0.subtree', 'application/octet-stream', 'subt'],
    ['cesium-terrain/east/subtrees/0/0/0.subtree', 'application/octet-stream', 'subt'],
    ['west/content/0/0/0.glb', 'model/gltf-binary', 'glTF'],
    ['cesium-terrain/east/content/1/0/1.glb', 'model/gltf-binary', 'glTF'],
    ['gis/east/content/1/0/1.glb', 'model/gltf-binary', 'glTF'],
  ])('%s is %s, plain and gzipped, and 304 for who holds it', async (path, type, start) => {
    const { url } = await serveSmall();
    const plain = await sendRaw(url, `${BASE}/${path}`);
    expect(plain.status, plain.body.toString()).toBe(200);
    expect(plain.headers['content-type']).toBe(type);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers.vary).toBe('Accept-Encoding');
    expect(plain.headers['access-control-allow-origin']).toBe('*');
    expect(plain.headers['cache-control']).toMatch(
      path.endsWith('tileset.json') ? /^public, max-age=0/ : /^public, max-age=3600$/,
    );
    expect(plain.body.subarray(0, start.length).toString()).toBe(start);

    const zipped = await sendRaw(url, `${BASE}/${path}`, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
    expect(zipped.headers.etag).not.toBe(plain.headers.etag);

    for (const { headers } of [plain, zipped]) {
      const again = await sendRaw(url, `${BASE}/${path}`, {
        headers: {
          'If-None-Match': `${headers.etag}`,
          'Accept-Encoding': `${headers['content-encoding'] ?? 'identity'}`,
        },
      });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, headers.etag]);
    }
  });

  it('says what it holds before a tile is made, and makes each tile once', async () => {
    const { url, layer } = await serveSmall();
    const paths = ['standard/west/content/0/0/0.glb', 'west/content/0/0/0.glb', 'gis/west/content/0/0/0.glb'];
    const tags = [];
    for (const path of paths) tags.push((await sendRaw(url, `${BASE}/${path}`)).headers.etag);
    // The default profile has two addresses of the same bytes.
    expect(tags[0]).toBe(tags[1]);
    expect(tags[2]).not.toBe(tags[1]);
    await sendRaw(url, `${BASE}/west/subtrees/0/0/0.subtree`);
    expect(layer.made).toHaveLength(1);
    expect(layer.made[0]?.variant).toEqual({ extensions: ['octvertexnormals'], coding: 'identity' });
    await sendRaw(url, `${BASE}/east/content/1/0/1.glb`, { headers: { 'If-None-Match': '"other"' } });
    expect(layer.made).toHaveLength(2);
  });

  it('may be kept for ever under an address with the version, as CesiumJS asks', async () => {
    const { url } = await serveSmall();
    const keep = async (path: string) => (await sendRaw(url, `${BASE}/${path}`)).headers['cache-control'];
    expect(await keep('west/content/0/0/0.glb?v=v-1-1')).toBe('public, max-age=31536000, immutable');
    expect(await keep('west/content/0/0/0.glb?v=v-1')).toBe('public, max-age=3600');
  });

  it('changes all tags when the tile under them changes', async () => {
    let stamp = 'a';
    const { url } = await serveSmall({ etag: ({ z, x, y }, { coding }) => `"${stamp}-${z}-${x}-${y}-${coding}"` });
    const paths = [
      'tileset.json',
      'west/subtrees/0/0/0.subtree',
      'west/content/0/0/0.glb',
      'gis/west/tilesets/0/0/0.json',
    ];
    const ask = () => Promise.all(paths.map(async (path) => (await sendRaw(url, `${BASE}/${path}`)).headers.etag));
    const before = await ask();
    expect(await ask()).toEqual(before);
    stamp = 'b';
    const after = await ask();
    expect(after.filter((tag, k) => tag === before[k])).toEqual([]);
  });

  it('describes both hemispheres with heights that hold the skirts', async () => {
    const { url } = await serveSmall();
    const { asset, schema, geometricError, root } = jsonOf(await sendRaw(url, `${BASE}/tileset.json`));
    expect(asset).toMatchObject({ version: '1.1', tilesetVersion: 'v-1-1', extras: { copyright: 'hand-made' } });
    expect(asset.extras.relievo).toMatchObject({
      profile: 'standard',
      maxErrorFactor: 1,
      errorRatio: 8,
      heights: 'ellipsoidal',
      datum: { known: expect.any(String), because: expect.any(String) },
      sources: expect.any(Array),
    });
    expect(schema.classes.tile.properties.horizonOcclusionPoint.semantic).toBe('TILE_HORIZON_OCCLUSION_POINT');
    expect(root.refine).toBe('REPLACE');
    expect(geometricError).toBeGreaterThan(root.children[0].geometricError);
    const [west, east] = root.children;
    expect(west.boundingVolume.region).toEqual([-Math.PI, -Math.PI / 2, 0, Math.PI / 2, -20_000, 100]);
    expect(east.boundingVolume.region).toEqual([0, -Math.PI / 2, Math.PI, Math.PI / 2, -20_000, 100]);
    expect([west.implicitTiling.availableLevels, east.implicitTiling.availableLevels]).toEqual([1, 2]);
    const terrain = jsonOf(await sendRaw(url, `${BASE}/cesium-terrain/tileset.json`));
    expect(terrain.asset.extras.relievo).toMatchObject({ profile: 'cesium-terrain', errorRatio: 1 });
    expect(terrain.root.children[1].boundingVolume.region[4]).toBe(0);
    expect(west.geometricError / terrain.root.children[0].geometricError).toBe(8);
  });

  it('names explicit tiles down to leaves without error', async () => {
    const { url } = await serveSmall();
    const { root } = jsonOf(await sendRaw(url, `${BASE}/gis/tileset.json`));
    expect(root.children.map(({ content }: { content: { uri: string } }) => content.uri)).toEqual([
      'west/tilesets/0/0/0.json',
      'east/tilesets/0/0/0.json',
    ]);
    expect(root.children[0].geometricError).toBe(0);
    const address = new URL(root.children[1].content.uri, `${url}${BASE}/gis/tileset.json`);
    const { root: east } = JSON.parse(await (await fetch(address)).text());
    expect(east.children).toHaveLength(1);
    expect([east.geometricError > 0, east.children[0].geometricError]).toEqual([true, 0]);
    expect(east.children[0].boundingVolume.region.slice(0, 4)).toEqual([0, 0, Math.PI / 2, Math.PI / 2]);
    const content = await fetch(new URL(east.children[0].content.uri, address));
    expect([content.status, content.headers.get('content-type')]).toEqual([200, 'model/gltf-binary']);
  });
});

describe('what there is not', () => {
  it.each([
    ['west/content/1/0/0.glb', 404, 'no such tile'],
    ['west/content/0/1/0.glb', 404, 'no such tile'],
    ['east/content/40/0/0.glb', 404, 'no such tile'],
    ['west/subtrees/1/0/0.subtree', 404, 'every third level'],
    ['west/subtrees/3/0/0.subtree', 404, 'every third level'],
    ['gis/west/subtrees/0/0/0.subtree', 404, 'tilesets/'],
    ['west/tilesets/0/0/0.json', 404, 'subtrees/'],
    ['north/content/0/0/0.glb', 404, 'west/ or east/'],
    ['west/content/0/0/0.b3dm', 404, 'west/ or east/'],
    ['draft/tileset.json', 404, 'tileset.json'],
    ['', 404, 'there is nothing'],
    ['west/content/0/00/0.glb', 400, 'plain whole number'],
    ['west/content/0/0/-1.glb', 400, 'plain whole number'],
    ['west/subtrees/x/0/0.subtree', 400, 'plain whole number'],
  ])('%s is %i and a sentence', async (path, status, words) => {
    const { url, layer } = await serveSmall();
    const answer = await sendRaw(url, `${BASE}/${path}`);
    expect(answer.status).toBe(status);
    expect(errorOf(answer).message).toContain(words);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(layer.made).toEqual([]);
  });

  it('tells why a layer in web-mercator has none, and does not list them', async () => {
    const { document } = handMadeLayer();
    const { url } = await serveSmall({
      document: { ...document, projection: webMercator.crs, available: [[{ startX: 0, startY: 0, endX: 0, endY: 0 }]] },
    });
    const answer = await sendRaw(url, `${BASE}/tileset.json`);
    expect(answer.status).toBe(404);
    expect(errorOf(answer).message).toContain('EPSG:3857');
    expect(jsonOf(await sendRaw(url, '/layers/small')).addresses).not.toHaveProperty('tiles3d');
  });

  it('refuses a client that takes no coding, and answers a layer that lists a tile it has not with 500', async () => {
    const { url, layer } = await serveSmall({ make: async () => undefined });
    const refused = await sendRaw(url, `${BASE}/tileset.json`, { headers: { 'Accept-Encoding': 'identity;q=0' } });
    expect([refused.status, errorOf(refused).code]).toEqual([406, 'not-acceptable']);
    const broken = await sendRaw(url, `${BASE}/west/content/0/0/0.glb`);
    expect([broken.status, errorOf(broken).code]).toEqual([500, 'input-invalid']);
    expect(layer.made).toEqual([]);
  });
});
