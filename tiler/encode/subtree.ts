/**
 * Subtree files of 3D Tiles 1.1, "Implicit Tiling" and "3D Metadata": which tiles of SUBTREE_LEVELS levels of a quadtree
 * exist, which subtrees follow below, and what is known of each tile. Tiles count by level, then along the Morton curve
 * (x in the even bits, y in the odd ones, y from the south). Every tile that exists has content.
 */

/** Levels in one subtree file, everywhere. */
export const SUBTREE_LEVELS = 3;

/** Tiles of a subtree, and subtrees that can follow below it. */
export const SUBTREE_TILES = (4 ** SUBTREE_LEVELS - 1) / 3;
export const SUBTREE_CHILDREN = 4 ** SUBTREE_LEVELS;

/** What is known of a tile before its content is loaded. */
export interface SubtreeTile {
  /** Metres above the ellipsoid that bound the tile and its content. */
  readonly minHeight: number;
  readonly maxHeight: number;
  /** ECEF metres. */
  readonly sphere: { readonly x: number; readonly y: number; readonly z: number; readonly radius: number };
  /** ECEF divided by the ellipsoid's radii. */
  readonly occlusion: { readonly x: number; readonly y: number; readonly z: number };
}

export interface Subtree {
  /** SUBTREE_TILES of them in the order of bits; undefined where there is no tile. The first one exists. */
  readonly tiles: readonly (SubtreeTile | undefined)[];
  /** SUBTREE_CHILDREN of them along the Morton curve: whether a subtree begins there. */
  readonly children: readonly boolean[];
}

/** A property of a tile's metadata; clients find it by its semantic ("3D Metadata Semantic Reference"). */
interface TileProperty {
  readonly semantic: string;
  /** How the tileset's schema describes it. */
  readonly type: Readonly<Record<string, unknown>>;
  readonly values: (tile: SubtreeTile) => readonly number[];
}

/** Class of the tileset's schema whose properties follow. */
export const TILE_CLASS = 'tile';

const SCALAR = { type: 'SCALAR', componentType: 'FLOAT64' };

export const TILE_PROPERTIES: Readonly<Record<string, TileProperty>> = {
  minimumHeight: { semantic: 'TILE_MINIMUM_HEIGHT', type: SCALAR, values: ({ minHeight }) => [minHeight] },
  maximumHeight: { semantic: 'TILE_MAXIMUM_HEIGHT', type: SCALAR, values: ({ maxHeight }) => [maxHeight] },
  boundingSphere: {
    semantic: 'TILE_BOUNDING_SPHERE',
    type: { ...SCALAR, array: true, count: 4 },
    values: ({ sphere: { x, y, z, radius } }) => [x, y, z, radius],
  },
  horizonOcclusionPoint: {
    semantic: 'TILE_HORIZON_OCCLUSION_POINT',
    type: { type: 'VEC3', componentType: 'FLOAT64' },
    values: ({ occlusion: { x, y, z } }) => [x, y, z],
  },
};

/** The bit of a tile; all three counted from the subtree's root. */
export function subtreeBit(level: number, x: number, y: number): number {
  return (4 ** level - 1) / 3 + mortonIndex(level, x, y);
}

/** Place on the Morton curve of a level. */
export function mortonIndex(level: number, x: number, y: number): number {
  let index = 0;
  for (let bit = 0; bit < level; bit++) index |= (((x >> bit) & 1) << (2 * bit)) | (((y >> bit) & 1) << (2 * bit + 1));
  return index;
}

interface Availability {
  readonly bitstream?: number;
  readonly constant?: 0 | 1;
  readonly availableCount: number;
}

const MAGIC = 0x74627573;
const VERSION = 1;
const HEADER_BYTES = 24;

/** One .subtree file, not compressed. */
export function encodeSubtree({ tiles, children }: Subtree): Uint8Array {
  const parts: Uint8Array[] = [];
  const bufferViews: { buffer: number; byteOffset: number; byteLength: number }[] = [];
  let bytes = 0;
  const view = (part: Uint8Array): number => {
    parts.push(part);
    bufferViews.push({ buffer: 0, byteOffset: bytes, byteLength: part.byteLength });
    bytes += padded(part.byteLength);
    return bufferViews.length - 1;
  };
  const available = tiles.filter((tile) => tile !== undefined);
  const followed = children.filter((child) => child).length;

  // loaders.gl holds a constant 1 for true below the subtree as well: only where that is so may it stand.
  const isFull = available.length === SUBTREE_TILES && followed === SUBTREE_CHILDREN;
  const tileAvailability: Availability = {
    ...(isFull ? { constant: 1 } : { bitstream: view(packBits(tiles.map((tile) => tile !== undefined))) }),
    availableCount: available.length,
  };
  const isConstant = followed === 0 || followed === SUBTREE_CHILDREN;
  const childSubtreeAvailability: Availability = {
    ...(isConstant ? { constant: followed === 0 ? 0 : 1 } : { bitstream: view(packBits(children)) }),
    availableCount: followed,
  };
  const properties: Record<string, { values: number }> = {};
  for (const [id, { values }] of Object.entries(TILE_PROPERTIES)) {
    properties[id] = { values: view(float64Bytes(available.flatMap((tile) => [...values(tile)]))) };
  }
  return join(
    {
      buffers: [{ byteLength: bytes }],
      bufferViews,
      tileAvailability,
      contentAvailability: [tileAvailability],
      childSubtreeAvailability,
      propertyTables: [{ class: TILE_CLASS, count: available.length, properties }],
      tileMetadata: 0,
    },
    parts,
    bytes,
  );
}

function join(json: object, parts: readonly Uint8Array[], binaryBytes: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const jsonBytes = padded(text.byteLength);
  const out = new Uint8Array(HEADER_BYTES + jsonBytes + binaryBytes);
  const header = new DataView(out.buffer);
  header.setUint32(0, MAGIC, true);
  header.setUint32(4, VERSION, true);
  header.setBigUint64(8, BigInt(jsonBytes), true);
  header.setBigUint64(16, BigInt(binaryBytes), true);
  out.fill(0x20, HEADER_BYTES, HEADER_BYTES + jsonBytes);
  out.set(text, HEADER_BYTES);
  let at = HEADER_BYTES + jsonBytes;
  for (const part of parts) {
    out.set(part, at);
    at += padded(part.byteLength);
  }
  return out;
}

/** Least significant bit first. */
function packBits(bits: readonly boolean[]): Uint8Array {
  const out = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, k) => {
    if (bit) out[k >> 3] |= 1 << (k & 7);
  });
  return out;
}

function float64Bytes(values: readonly number[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, k) => {
    out.setFloat64(8 * k, value, true);
  });
  return new Uint8Array(out.buffer);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
