/** A real CesiumTerrainProvider against the running server: another tool's real tileset, and hand-made layers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CesiumTerrainProvider, type TerrainData } from 'cesium';
import { describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../server/http/log.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import { handMadeNormals, handMadeTile } from '../support/hand-made-tile.ts';
import { decodeWithHere } from '../support/here-decoder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { handMadeLayer, layersOf, serve } from './serve.ts';

/** What CesiumJS keeps of a tile before it meshes it: no public way leads there in Node, where there are no workers. */
interface DecodedByCesium extends TerrainData {
  readonly _quantizedVertices: Uint16Array;
  readonly _encodedNormals: Uint8Array | undefined;
  readonly _waterMask: Uint8Array | undefined;
  readonly _indices: Uint16Array | Uint32Array;
}

async function tileOf(provider: CesiumTerrainProvider, z: number, x: number, y: number): Promise<DecodedByCesium> {
  const data = await provider.requestTileGeometry(x, y, z);
  if (!data) throw new Error(`CesiumJS put off the request for ${z}/${x}/${y}`);
  return data as DecodedByCesium;
}

describeWithData('CesiumJS on the Maastricht tileset', ['quantized-mesh/maastricht'], (folder) => {
  const DEEP = { z: 15, x: 33806, row: 25637 };

  it.each([true, false])('reads roots and a deep tile, requestVertexNormals %s', async (requestVertexNormals) => {
    const layer = await openBuiltLayer(folder);
    const entries: AccessEntry[] = [];
    const { url, close } = await serve({ layers: layersOf(layer), log: (entry) => entries.push(entry) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/maastricht`, { requestVertexNormals });
    expect(provider.hasVertexNormals).toBe(requestVertexNormals);
    expect(provider.hasWaterMask).toBe(false);

    for (const { z, x, row } of [{ z: 0, x: 0, row: 0 }, { z: 0, x: 1, row: 0 }, DEEP]) {
      const y = 2 ** z - 1 - row;
      expect(provider.getTileDataAvailable(x, y, z)).toBe(true);
      const data = await tileOf(provider, z, x, y);
      const truth = decodeWithHere(readFileSync(join(folder, `${z}/${x}/${row}.terrain`)));
      expect(data._quantizedVertices).toEqual(truth.vertexData);
      expect(Array.from(data._indices)).toEqual(Array.from(truth.triangleIndices));
      expect(data._encodedNormals && Buffer.from(data._encodedNormals)).toEqual(
        requestVertexNormals ? Buffer.from(truth.extensions.vertexNormals ?? []) : undefined,
      );
      expect(data._waterMask).toBeUndefined();
      expectHeightOfFirstTriangle(provider, data, truth, { z, x, y });
    }
    await close();
    expect(entries.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('knows which tiles there are', async () => {
    const { url } = await serve({ layers: layersOf(await openBuiltLayer(folder)) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/maastricht`);
    const isAvailable = (z: number, x: number, row: number) => provider.getTileDataAvailable(x, 2 ** z - 1 - row, z);
    expect(isAvailable(15, 33800, 25632)).toBe(true);
    expect(isAvailable(15, 33813, 25642)).toBe(true);
    expect(isAvailable(15, 33814, 25642)).toBe(false);
    expect(isAvailable(15, 33800, 25631)).toBe(false);
    expect(isAvailable(16, 2 * 33800, 2 * 25632)).toBe(false);
    expect(isAvailable(1, 0, 0)).toBe(false);
    await expect(tileOf(provider, 1, 0, 0)).rejects.toMatchObject({ statusCode: 404 });
  });
});

/** At the middle of a triangle the height is the mean of its corners', by whoever decodes the tile. */
function expectHeightOfFirstTriangle(
  provider: CesiumTerrainProvider,
  data: TerrainData,
  { header, vertexData, triangleIndices }: ReturnType<typeof decodeWithHere>,
  { z, x, y }: { z: number; x: number; y: number },
): void {
  const count = vertexData.length / 3;
  const mean = (plane: number) =>
    [0, 1, 2].reduce((sum, i) => sum + (vertexData[plane * count + (triangleIndices[i] ?? 0)] ?? 0), 0) / 3 / 32767;
  const { west, south, width, height } = provider.tilingScheme.tileXYToRectangle(x, y, z);
  const found = data.interpolateHeight(
    provider.tilingScheme.tileXYToRectangle(x, y, z),
    west + mean(0) * width,
    south + mean(1) * height,
  );
  const { minHeight = Number.NaN, maxHeight = Number.NaN } = header;
  expect(found).toBeCloseTo(minHeight + mean(2) * (maxHeight - minHeight), 3);
}

describe('CesiumJS on hand-made tiles', () => {
  it('asks for a versioned address and may keep the answer for ever', async () => {
    const entries: AccessEntry[] = [];
    const layer = handMadeLayer();
    const { url, close } = await serve({ layers: layersOf(layer), log: (entry) => entries.push(entry) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/small`, { requestVertexNormals: true });
    const data = await tileOf(provider, 0, 0, 0);
    expect(data._encodedNormals).toHaveLength(8);
    expect(provider.getTileDataAvailable(2, 0, 1)).toBe(true);
    expect(provider.getTileDataAvailable(2, 1, 1)).toBe(false);
    await close();
    expect(entries.map((entry) => entry.url)).toEqual([
      '/layers/small/layer.json',
      '/layers/small/0/0/0.terrain?v=v-1',
    ]);
    expect(layer.made.map(({ variant }) => variant.extensions)).toEqual([['octvertexnormals']]);
  });

  it("reads another tool's folder that lists nothing and holds extensions nobody can take", async () => {
    const tile = handMadeTile({
      extensions: [
        { id: 4, payload: new TextEncoder().encode('\u0002\0\0\0{}') },
        { id: 2, payload: Uint8Array.of(255) },
        handMadeNormals(),
      ],
    });
    const document = {
      format: 'quantized-mesh-1.0',
      scheme: 'slippyMap',
      tiles: ['{z}/{x}/{y}.terrain?v={version}'],
      extensions: ['metadata', 'watermask', 'octvertexnormals'],
    };
    const files = { '0/0/0.terrain': tile, '0/1/0.terrain': tile, '1/2/0.terrain': tile };
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': document, ...files }), { name: 'other' });
    const { url } = await serve({ layers: layersOf(layer) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/other`, {
      requestVertexNormals: true,
      requestWaterMask: true,
      requestMetadata: true,
    });
    expect(provider.getTileDataAvailable(2, 0, 1)).toBe(true);
    expect(provider.getTileDataAvailable(2, 1, 1)).toBe(false);
    const data = await tileOf(provider, 1, 2, 0);
    expect(data._encodedNormals).toHaveLength(8);
    expect(data._waterMask).toEqual(Uint8Array.of(255));
  });
});
