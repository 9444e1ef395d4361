/** Subtree files: read back by loaders.gl, and held against the rules of 3D Tiles 1.1 by hand. */
import { Tile3DSubtreeLoader } from '@loaders.gl/3d-tiles';
import { expect, it } from 'vitest';
import {
  encodeSubtree,
  mortonIndex,
  SUBTREE_CHILDREN,
  SUBTREE_TILES,
  type Subtree,
  type SubtreeTile,
  subtreeBit,
  TILE_PROPERTIES,
} from '../../tiler/encode/subtree.ts';

function tileNumbered(k: number): SubtreeTile {
  return {
    minHeight: -10.5 - k,
    maxHeight: 100.25 + k,
    sphere: { x: 6378137 + k, y: -k, z: 0.1 * k, radius: 1e5 + k },
    occlusion: { x: 1.5 + k, y: 1e200, z: -k },
  };
}

function subtreeOf(bits: readonly number[], followed: readonly number[]): Subtree {
  return {
    tiles: Array.from({ length: SUBTREE_TILES }, (_, bit) => (bits.includes(bit) ? tileNumbered(bit) : undefined)),
    children: Array.from({ length: SUBTREE_CHILDREN }, (_, k) => followed.includes(k)),
  };
}

const all = (length: number) => Array.from({ length }, (_, k) => k);

/** The file's two parts, by the layout of the specification. */
function split(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset);
  expect(new TextDecoder().decode(file.subarray(0, 4))).toBe('subt');
  expect(view.getUint32(4, true)).toBe(1);
  const [jsonBytes, binaryBytes] = [Number(view.getBigUint64(8, true)), Number(view.getBigUint64(16, true))];
  expect([jsonBytes % 8, binaryBytes % 8]).toEqual([0, 0]);
  expect(file.byteLength).toBe(24 + jsonBytes + binaryBytes);
  const json = JSON.parse(new TextDecoder().decode(file.subarray(24, 24 + jsonBytes)));
  return { json, binary: file.subarray(24 + jsonBytes) };
}

/** loaders.gl's context, as it is while it walks a tileset; its types want more than the loader reads. */
const CONTEXT = { baseUrl: 'http://127.0.0.1', fetch, _parse: undefined } as unknown as Parameters<
  typeof Tile3DSubtreeLoader.parse
>[2];

function readBack(subtree: Subtree) {
  return Tile3DSubtreeLoader.parse(Uint8Array.from(encodeSubtree(subtree)).buffer, {}, CONTEXT);
}

function bitsOf(availability: { constant?: number; explicitBitstream?: Uint8Array }, length: number): number[] {
  const { constant, explicitBitstream: bytes } = availability;
  if (constant !== undefined) return constant === 1 ? all(length) : [];
  return all(length).filter((bit) => ((bytes?.[bit >> 3] ?? 0) >> (bit & 7)) & 1);
}

it.each([
  ['the root alone', [0], []],
  ['a few tiles', [0, 1, 4, 5, 20], [0, 63, 17]],
  ['all tiles and no subtree below', all(SUBTREE_TILES), []],
  ['all tiles and one subtree below', all(SUBTREE_TILES), [5]],
  ['everything', all(SUBTREE_TILES), all(SUBTREE_CHILDREN)],
])('loaders.gl reads back %s', async (_name, bits, followed) => {
  const read = await readBack(subtreeOf(bits, followed));
  expect(bitsOf(read.tileAvailability, SUBTREE_TILES)).toEqual(bits);
  const contents = [read.contentAvailability].flat();
  expect(contents.map((content) => bitsOf(content, SUBTREE_TILES))).toEqual([bits]);
  expect(bitsOf(read.childSubtreeAvailability, SUBTREE_CHILDREN)).toEqual(followed.toSorted((a, b) => a - b));
  // A constant is held for true below the subtree too.
  if (followed.length < SUBTREE_CHILDREN) expect(read.tileAvailability).not.toHaveProperty('constant');
});

it('counts bits by level and then along the Morton curve, x in the even bits', () => {
  expect(subtreeBit(0, 0, 0)).toBe(0);
  expect([subtreeBit(1, 1, 0), subtreeBit(1, 0, 1)]).toEqual([2, 3]);
  expect([subtreeBit(2, 3, 0), subtreeBit(2, 0, 3), subtreeBit(2, 3, 3)]).toEqual([5 + 5, 5 + 10, 20]);
  // x = 101, y = 110: y2 x2 y1 x1 y0 x0.
  expect(mortonIndex(3, 5, 6)).toBe(0b111001);
});

it.each([
  [[0], []],
  [[0, 2, 3, 11], [7]],
  [all(SUBTREE_TILES), all(SUBTREE_CHILDREN)],
])('packs metadata of the tiles that exist in the order of bits: %j', (bits, followed) => {
  const { json, binary } = split(encodeSubtree(subtreeOf(bits, followed)));
  expect(json.buffers).toEqual([{ byteLength: binary.byteLength }]);
  for (const view of json.bufferViews) {
    expect(view.byteOffset % 8).toBe(0);
    expect(view.byteLength).toBeGreaterThan(0);
    expect(view.byteOffset + view.byteLength).toBeLessThanOrEqual(binary.byteLength);
  }
  expect(json.tileAvailability.availableCount).toBe(bits.length);
  expect(json.childSubtreeAvailability.availableCount).toBe(followed.length);
  const table = json.propertyTables[json.tileMetadata];
  expect(table.count).toBe(bits.length);
  expect(Object.keys(table.properties)).toEqual(Object.keys(TILE_PROPERTIES));
  const numbersOf = (id: string): number[] => {
    const { byteOffset, byteLength } = json.bufferViews[table.properties[id].values];
    return Array.from(new Float64Array(Uint8Array.from(binary.subarray(byteOffset, byteOffset + byteLength)).buffer));
  };
  expect(numbersOf('minimumHeight')).toEqual(bits.map((bit) => -10.5 - bit));
  expect(numbersOf('boundingSphere')).toEqual(bits.flatMap((k) => [6378137 + k, -k, 0.1 * k, 1e5 + k]));
  expect(numbersOf('horizonOcclusionPoint')).toEqual(bits.flatMap((bit) => [1.5 + bit, 1e200, -bit]));
});
