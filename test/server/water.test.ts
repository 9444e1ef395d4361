/** Water masks over HTTP, made on demand and built: sent to who asks and to nobody else, and read by CesiumJS and others. */
import { gunzipSync } from 'node:zlib';
import { CesiumTerrainProvider } from 'cesium';
import { describe, expect, it } from 'vitest';
import { walkTile } from '../../tiler/encode/cut-variant.ts';
import { EXTENSION_IDS } from '../../tiler/encode/extension-name.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { openSourceLayer } from '../../tiler/pyramid/source-layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { buildForTest, preparedSpecOf, specOf } from '../support/build-tileset.ts';
import { decodeWithHere } from '../support/here-decoder.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { layersOf, sendRaw, serve } from './serve.ts';

const OPTIONS = { maxZoom: 7, water: ['natural-earth'] };
const CESIUM = (names: string) =>
  `application/vnd.quantized-mesh;extensions=${names},application/octet-stream;q=0.9,*/*;q=0.01`;

async function openLayers(): Promise<Layer[]> {
  const { out } = await buildForTest(MAUI_SHEETS, { options: OPTIONS });
  return [
    await openSourceLayer(preparedSpecOf(MAUI_SHEETS, OPTIONS), {
      ...{ name: 'made', labels: {}, width: 1, openRunner: openInProcessRunner },
    }),
    await openBuiltLayer(out, { name: 'built' }),
  ];
}

const idsOf = (tile: Uint8Array) => walkTile(tile).extensions.map(({ id }) => id);

describe('water masks', { timeout: 120_000 }, () => {
  it('go to who asks, each form with a tag of its own, the same made and built', async () => {
    const layers = await openLayers();
    const { url } = await serve({ layers: layersOf(...layers) });
    const { octvertexnormals: normals, watermask: water } = EXTENSION_IDS;
    const bodies = new Map<string, Buffer[]>();
    for (const { name, document } of layers) {
      expect(document.extensions).toEqual(['octvertexnormals', 'watermask']);
      expect(document.relievo.water).toMatchObject([{ kind: 'natural-earth' }]);
      const summary = await (await fetch(`${url}/layers/${name}`)).json();
      expect(summary).toMatchObject({
        water: [{ kind: 'natural-earth', because: expect.stringContaining('Natural') }],
      });
      const tags = new Set<string>();
      // Half the world, and the coast of Maui.
      for (const path of [`/layers/${name}/0/0/0.terrain`, `/layers/${name}/7/16/78.terrain`]) {
        for (const [accept, query, ids] of [
          [CESIUM('octvertexnormals-watermask-metadata'), '', [normals, water]],
          [CESIUM('watermask'), '', [water]],
          ['*/*', '?extensions=octvertexnormals-watermask', [normals, water]],
          [CESIUM('octvertexnormals'), '', [normals]],
          ['*/*', '', []],
        ] as const) {
          const headers = { Accept: accept, 'Accept-Encoding': 'gzip' };
          const answer = await sendRaw(url, path + query, { headers });
          expect(answer.status).toBe(200);
          expect(answer.headers.vary).toContain('Accept');
          const plain = gunzipSync(answer.body);
          expect(idsOf(plain), `${path}${query} ${accept}`).toEqual(ids);
          tags.add(String(answer.headers.etag));
          bodies.set(name, [...(bodies.get(name) ?? []), plain]);
          const again = await sendRaw(url, path + query, {
            headers: { ...headers, 'If-None-Match': String(answer.headers.etag) },
          });
          expect(again.status).toBe(304);
        }
      }
      // Two tiles in four forms; Accept and query that ask for the same get the same.
      expect(tags.size).toBe(8);
    }
    expect(bodies.get('made')).toEqual(bodies.get('built'));
  });

  it('are read by CesiumJS and by another decoder as they were written', async () => {
    const layers = await openLayers();
    const { url } = await serve({ layers: layersOf(...layers) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/made`, {
      requestWaterMask: true,
      requestVertexNormals: true,
    });
    expect(provider.hasWaterMask).toBe(true);
    const z = 7;
    for (const [x, y, length] of [
      [16, 49, 65536],
      [17, 49, 65536],
    ]) {
      const data = (await provider.requestTileGeometry(x, y, z)) as unknown as { readonly waterMask: Uint8Array };
      const path = `/layers/made/${z}/${x}/${2 ** z - 1 - y}.terrain?extensions=watermask`;
      const theirs = decodeWithHere((await sendRaw(url, path)).body).extensions.waterMask;
      expect(data.waterMask).toHaveLength(length);
      expect(Buffer.from(theirs as ArrayBuffer)).toEqual(Buffer.from(data.waterMask));
    }
    const plain = await CesiumTerrainProvider.fromUrl(`${url}/layers/made`);
    const bare = (await plain.requestTileGeometry(16, 49, z)) as unknown as { readonly waterMask: unknown };
    expect(bare.waterMask).toBeUndefined();
  });

  it('change the version of a layer only where they are asked for', async () => {
    const versionOf = async (water: string[]) => {
      const open = { name: 'a', labels: {}, width: 1, openRunner: openInProcessRunner };
      const layer = await openSourceLayer(specOf(MAUI_SHEETS, { maxZoom: 3, water }), open);
      await layer.close();
      return layer.document.version;
    };
    const versions = await Promise.all([[], ['natural-earth'], ['dem'], ['dem', 'natural-earth']].map(versionOf));
    expect(new Set(versions).size).toBe(4);
    expect(await versionOf([])).toBe(versions[0]);
  });
});
