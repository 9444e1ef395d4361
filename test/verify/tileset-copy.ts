/**
 * A tileset in memory that a test may spoil: the text of layer.json and the stored bytes of each tile, by its path
 * `z/x/y.terrain` with y from the south. Tiles can be taken apart into a plan, changed, and written again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decodeTile } from '../../tiler/verify/decode.ts';
import { type TilePlan, writeTile } from './tiny-tile.ts';

export interface TilesetCopy {
  /** Undefined when there is none. */
  layerJson: string | undefined;
  readonly files: Map<string, Uint8Array>;
}

type Json = Record<string, unknown>;

export function copyFolder(folder: string): TilesetCopy {
  const files = new Map<string, Uint8Array>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.terrain')) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).split(sep).join('/'), readFileSync(path));
  }
  return { layerJson: readFileSync(join(folder, 'layer.json'), 'utf8'), files };
}

export function anotherCopy({ layerJson, files }: TilesetCopy): TilesetCopy {
  return { layerJson, files: new Map([...files].map(([path, bytes]) => [path, bytes.slice()])) };
}

/** Stored bytes of a tile that must be there. */
export function storedOf(set: TilesetCopy, path: string): Uint8Array {
  const bytes = set.files.get(path);
  if (bytes === undefined) throw new Error(`the fixture has no tile ${path}`);
  return bytes;
}

/** Changes the unpacked bytes; they are packed again. */
export function changeBytes(set: TilesetCopy, path: string, change: (plain: Buffer) => Uint8Array | undefined): void {
  const plain = gunzipSync(storedOf(set, path));
  set.files.set(path, gzipSync(change(plain) ?? plain));
}

/** Changes what stands in a tile, before it is coded by the specification again. */
export function changePlan(set: TilesetCopy, path: string, change: (plan: TilePlan) => void): void {
  const plan = planOf(storedOf(set, path));
  change(plan);
  set.files.set(path, writeTile(plan, 'gzip'));
}

export function planOf(stored: Uint8Array): TilePlan {
  const { tile, faults } = decodeTile(stored);
  if (tile === undefined || faults.length > 0) throw new Error('only a sound tile can be taken apart');
  return {
    centre: [...tile.centre],
    minimumHeight: tile.minimumHeight,
    maximumHeight: tile.maximumHeight,
    sphereCentre: [...tile.sphereCentre],
    sphereRadius: tile.sphereRadius,
    occlusionPoint: [...tile.occlusionPoint],
    u: [...tile.u],
    v: [...tile.v],
    h: [...tile.h],
    triangles: [...tile.triangles],
    edges: [tile.edges.west, tile.edges.south, tile.edges.east, tile.edges.north].map((list) => [...list]),
    extensions: tile.extensions.map(({ id, payload }) => ({ id, payload: payload.slice() })),
    tail: new Uint8Array(),
  };
}

/** Changes fields of layer.json; a field that becomes undefined goes away. */
export function changeLayer(set: TilesetCopy, change: (layer: Json) => void): void {
  const layer = JSON.parse(set.layerJson ?? '{}') as Json;
  change(layer);
  set.layerJson = JSON.stringify(layer);
}
