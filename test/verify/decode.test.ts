/** The verifier's decoder beside two of other people's, on tiles that neither wrote. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CesiumTerrainProvider } from 'cesium';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DecodedTile, decodePlainTile, decodeTile } from '../../tiler/verify/decode.ts';
import { describeWithData } from '../support/test-data.ts';
import { planTile, writeTile } from './tiny-tile.ts';

interface HereTile {
  readonly header: Readonly<Record<string, number>>;
  /** The three planes one after the other. */
  readonly vertexData: Uint16Array;
  readonly triangleIndices: ArrayLike<number>;
  readonly westIndices: ArrayLike<number>;
  readonly southIndices: ArrayLike<number>;
  readonly eastIndices: ArrayLike<number>;
  readonly northIndices: ArrayLike<number>;
  readonly extensions: { readonly vertexNormals?: Uint8Array; readonly waterMask?: ArrayBuffer };
}

// The package has no types and is CommonJS.
const here: { default: (buffer: ArrayBuffer) => HereTile } = createRequire(import.meta.url)(
  '@here/quantized-mesh-decoder',
);

/** What CesiumTerrainProvider keeps of a tile; private, hence the names. */
interface CesiumTile {
  readonly _quantizedVertices: Uint16Array;
  readonly _indices: ArrayLike<number>;
  readonly _encodedNormals?: Uint8Array;
  readonly _minimumHeight: number;
  readonly _maximumHeight: number;
  readonly _boundingSphere: { readonly center: { readonly x: number }; readonly radius: number };
  readonly _horizonOcclusionPoint: { readonly x: number; readonly y: number; readonly z: number };
  readonly _westIndices: ArrayLike<number>;
  readonly _southIndices: ArrayLike<number>;
  readonly _eastIndices: ArrayLike<number>;
  readonly _northIndices: ArrayLike<number>;
}

function decode(bytes: Uint8Array): DecodedTile {
  const { tile } = decodeTile(bytes);
  if (tile === undefined) throw new Error('not decoded');
  return tile;
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function planes(tile: DecodedTile): number[] {
  return [...tile.u, ...tile.v, ...tile.h];
}

const ascending = (list: ArrayLike<number>): number[] => Array.from(list).sort((a, b) => a - b);

const FILES = [
  'cesium-fixtures/tile.terrain',
  'cesium-fixtures/tile.octvertexnormals.terrain',
  'cesium-fixtures/tile.octvertexnormals.unknownext.terrain',
  'cesium-fixtures/tile.octvertexnormals.watermask.terrain',
  'cesium-fixtures/tile.metadataavailability.terrain',
  'cesium-fixtures/tile.32bitIndices.terrain',
  'maastricht/0/0/0.terrain',
  'maastricht/8/264/200.terrain',
  'maastricht/15/33805/25637.terrain',
];

describeWithData('decodeTile beside other decoders', ['quantized-mesh'], (folder) => {
  let served: Uint8Array = new Uint8Array();
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/layer.json')) {
      response.end(
        JSON.stringify({
          format: 'quantized-mesh-1.0',
          version: '1',
          tiles: ['{z}/{x}/{y}.terrain'],
          extensions: ['octvertexnormals'],
          available: [[{ startX: 0, startY: 0, endX: 1, endY: 0 }]],
        }),
      );
    } else response.end(served);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  it.each(FILES)('%s reads the same as by @here/quantized-mesh-decoder', (file) => {
    const bytes = readFileSync(join(folder, file));
    const tile = decode(bytes);
    const theirs = here.default(copyOf(bytes));
    expect(Array.from(theirs.vertexData)).toEqual(planes(tile));
    expect(Array.from(theirs.triangleIndices)).toEqual([...tile.triangles]);
    for (const name of ['west', 'south', 'east', 'north'] as const) {
      expect(Array.from(theirs[`${name}Indices`])).toEqual([...tile.edges[name]]);
    }
    expect(theirs.header.minHeight).toBe(tile.minimumHeight);
    expect(theirs.header.maxHeight).toBe(tile.maximumHeight);
    expect(theirs.header.boundingSphereRadius).toBe(tile.sphereRadius);
    expect([theirs.header.centerX, theirs.header.centerY, theirs.header.centerZ]).toEqual([...tile.centre]);
    expect(theirs.header.boundingSphereCenterZ).toBe(tile.sphereCentre[2]);
    expect(theirs.header.horizonOcclusionPointY).toEqual(tile.occlusionPoint[1]);
    const normals = tile.extensions.find(({ id }) => id === 1)?.payload;
    expect(theirs.extensions.vertexNormals && [...theirs.extensions.vertexNormals]).toEqual(normals && [...normals]);
    const water = tile.extensions.find(({ id }) => id === 2)?.payload;
    expect(theirs.extensions.waterMask?.byteLength).toEqual(water?.length);
  });

  it.each(FILES.filter((file) => !file.includes('metadata')))('%s reads the same as by CesiumJS', async (file) => {
    served = readFileSync(join(folder, file));
    const tile = decode(served);
    const { port } = server.address() as AddressInfo;
    const provider = await CesiumTerrainProvider.fromUrl(`http://127.0.0.1:${port}/`, { requestVertexNormals: true });
    const theirs = (await provider.requestTileGeometry(0, 0, 0)) as unknown as CesiumTile;
    expect(Array.from(theirs._quantizedVertices)).toEqual(planes(tile));
    expect(Array.from(theirs._indices)).toEqual([...tile.triangles]);
    for (const name of ['west', 'south', 'east', 'north'] as const) {
      expect(ascending(theirs[`_${name}Indices`])).toEqual(ascending(tile.edges[name]));
    }
    expect(theirs._minimumHeight).toBe(tile.minimumHeight);
    expect(theirs._maximumHeight).toBe(tile.maximumHeight);
    expect(theirs._boundingSphere.radius).toBe(tile.sphereRadius);
    expect(theirs._boundingSphere.center.x).toBe(tile.sphereCentre[0]);
    expect(theirs._horizonOcclusionPoint.z).toEqual(tile.occlusionPoint[2]);
    const normals = tile.extensions.find(({ id }) => id === 1)?.payload;
    if (normals !== undefined) expect([...(theirs._encodedNormals ?? [])]).toEqual([...normals]);
  });

  it('takes the big-endian length of the old extension vertexnormals for what it is', () => {
    const { tile, faults } = decodeTile(readFileSync(join(folder, 'cesium-fixtures/tile.vertexnormals.terrain')));
    expect(faults.map(({ code }) => code)).toEqual(['extension-big-endian']);
    expect(tile?.vertexCount).toBe(214);
  });
});

describe('decodeTile', () => {
  const id = { z: 6, x: 40, y: 20 };
  const plan = planTile(id, (lon, lat) => 500 + 100 * Math.sin(lon) + 50 * lat);

  it('gives back what was written, gzipped or not', () => {
    for (const coding of ['identity', 'gzip'] as const) {
      const { tile, faults } = decodeTile(writeTile(plan, coding));
      expect(faults).toEqual([]);
      expect(tile && planes(tile)).toEqual([...plan.u, ...plan.v, ...plan.h]);
      expect(tile && [...tile.triangles]).toEqual(plan.triangles);
      expect(tile && [...tile.edges.north]).toEqual(plan.edges[3]);
      expect(tile?.gzipped).toBe(coding === 'gzip');
    }
  });

  it('names the part at which the bytes end, wherever they are cut', () => {
    const bytes = writeTile(plan);
    const size = decode(bytes).extensions.reduce((sum, { payload }) => sum + 5 + payload.length, 0);
    for (let end = 0; end < bytes.length; end += 7) {
      const codes = decodeTile(bytes.subarray(0, end)).faults.map(({ code }) => code);
      if (end < bytes.length - size) expect(codes).toEqual(['truncated']);
      else if (end > bytes.length - size) expect(codes).toEqual(['trailing-bytes']);
    }
  });

  it('refuses gzip that does not unpack, and takes gzip in gzip for no tile', () => {
    const packed = gzipSync(writeTile(plan));
    expect(decodeTile(packed.subarray(0, 60)).faults.map(({ code }) => code)).toEqual(['gzip-broken']);
    expect(decodeTile(gzipSync(packed)).tile).toBeUndefined();
  });
});

describe('decodePlainTile', () => {
  it('reads a tile that happens to begin like gzip, which decodeTile cannot know', () => {
    const bytes = Uint8Array.from(writeTile(planTile({ z: 3, x: 5, y: 2 }, (lon, lat) => lon + lat)));
    const before = decode(bytes);
    // The low half of the centre's x: less than two metres.
    bytes.set([0x1f, 0x8b, 0x08, 0x00]);
    expect(decodeTile(bytes).faults.map(({ code }) => code)).toEqual(['gzip-broken']);
    const { tile, faults } = decodePlainTile(bytes);
    expect(faults).toEqual([]);
    expect(Math.abs((tile?.centre[0] ?? Number.NaN) - before.centre[0])).toBeLessThan(2);
    expect({ ...tile, centre: before.centre }).toEqual(before);
  });

  it('takes no packed bytes', () => {
    const packed = gzipSync(writeTile(planTile({ z: 3, x: 5, y: 2 }, () => 0)));
    const { tile, faults } = decodePlainTile(packed);
    expect(tile).toBeUndefined();
    expect(faults.map(({ code }) => code)).toEqual(['truncated']);
  });
});
