/**
 * Sound sets of 3D Tiles in memory that a test may spoil: Maui to level 6, built by the real builder and turned into each
 * profile. GLBs are taken apart, changed, and written again, packed as they were.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { MeshoptDecoder } from 'meshoptimizer/decoder';
import { MeshoptEncoder } from 'meshoptimizer/encoder';
import sharp from 'sharp';
import type { Hemisphere } from '../../tiler/catalog/hemispheres.ts';
import type { GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openTerrainTiles3d, type TilesSource } from '../../tiler/pyramid/terrain-tiles-3d.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';

export type Files3d = Map<string, Uint8Array>;
// biome-ignore lint/suspicious/noExplicitAny: documents are changed in every way that a fault can take
export type Json3d = any;

export const DEEPEST = 6;

export async function buildSound3d(): Promise<Record<GlbProfile, Files3d>> {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  try {
    const out = join(folder, 'tileset');
    await buildTileset(specOf(MAUI_SHEETS, { maxZoom: DEEPEST }), { out, threads: 1, openRunner: openInProcessRunner });
    const source: TilesSource = {
      scheme: geographic,
      document: JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8')),
      read: async ({ z, x, y }) => gunzipSync(readFileSync(join(out, `${z}/${x}/${2 ** z - 1 - y}.terrain`))),
    };
    return {
      standard: await turnInto('standard', source),
      'cesium-terrain': await turnInto('cesium-terrain', source),
      gis: await turnInto('gis', source),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function turnInto(profile: GlbProfile, source: TilesSource): Promise<Files3d> {
  const pixels = { width: 16, height: 16, channels: 3, background: '#9a8' } as const;
  const bytes = await sharp({ create: pixels }).jpeg().toBuffer();
  const picture = { bytes, type: 'image/jpeg' } as const;
  const pictures = {
    version: '1',
    attribution: 'a painter',
    nativeLevel: 6,
    places: [],
    pictureOf: async () => picture,
    close: async () => {},
  };
  const tiles = openTerrainTiles3d(source, { profile, ...(profile !== 'cesium-terrain' && { pictures }) });
  const files: Files3d = new Map();
  const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  files.set('tileset.json', text(await tiles.tileset()));
  for (const [z, ranges] of source.document.available.entries()) {
    for (const { startX, endX, startY, endY } of ranges) {
      for (let column = startX; column <= endX; column++) {
        for (let y = startY; y <= endY; y++) {
          const hemisphere: Hemisphere = column < 2 ** z ? 'west' : 'east';
          const x = column % 2 ** z;
          const glb = await tiles.content(hemisphere, z, x, y);
          if (glb) files.set(`${hemisphere}/content/${z}/${x}/${y}.glb`, glb);
          const subtree = profile === 'gis' ? undefined : await tiles.subtree(hemisphere, z, x, y);
          if (subtree) files.set(`${hemisphere}/subtrees/${z}/${x}/${y}.subtree`, subtree);
          const external = profile === 'gis' ? await tiles.external(hemisphere, z, x, y) : undefined;
          if (external) files.set(`${hemisphere}/tilesets/${z}/${x}/${y}.json`, text(external));
        }
      }
    }
  }
  return files;
}

export function anotherCopy3d(files: Files3d): Files3d {
  return new Map([...files].map(([path, bytes]) => [path, Uint8Array.from(bytes)]));
}

export function bytesAt(files: Files3d, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`the fixture has no ${path}`);
  return bytes;
}

export function changeJson(files: Files3d, path: string, change: (json: Json3d) => void): void {
  const json = JSON.parse(new TextDecoder().decode(bytesAt(files, path)));
  change(json);
  files.set(path, new TextEncoder().encode(JSON.stringify(json)));
}

/** The JSON and the binary part of a subtree; both are padded again, the lengths written anew. */
export function changeSubtree(files: Files3d, path: string, change: (json: Json3d, binary: Uint8Array) => void): void {
  const bytes = bytesAt(files, path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(8, true));
  const json = JSON.parse(new TextDecoder().decode(bytes.subarray(24, 24 + length)));
  const binary = bytes.slice(24 + length);
  change(json, binary);
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  const head = Buffer.from(bytes.slice(0, 24));
  head.writeBigUInt64LE(BigInt(padded.length), 8);
  head.writeBigUInt64LE(BigInt(binary.length), 16);
  files.set(path, Buffer.concat([head, padded, binary]));
}

export interface OpenedGlb {
  readonly json: Json3d;
  /** Unpacked bytes of each buffer view, for changing. */
  readonly views: Uint8Array[];
}

/** Views that are packed and changed are packed again; bounds of accessors stay as they are. */
export async function changeGlb(files: Files3d, path: string, change: (glb: OpenedGlb) => void): Promise<void> {
  await Promise.all([MeshoptDecoder.ready, MeshoptEncoder.ready]);
  const bytes = bytesAt(files, path);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const jsonLength = data.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + jsonLength)));
  const binary = bytes.subarray(28 + jsonLength);
  const slice = ({ byteOffset = 0, byteLength }: Json3d) => binary.slice(byteOffset, byteOffset + byteLength);
  const packedOf = (view: Json3d) => view.extensions?.EXT_meshopt_compression;
  const unpack = (view: Json3d) => {
    const packed = packedOf(view);
    if (!packed) return slice(view);
    const target = new Uint8Array(packed.count * packed.byteStride);
    MeshoptDecoder.decodeGltfBuffer(target, packed.count, packed.byteStride, slice(packed), packed.mode, packed.filter);
    return target;
  };
  const before: Uint8Array[] = json.bufferViews.map(unpack);
  const stored: Uint8Array[] = json.bufferViews.map((view: Json3d) => slice(packedOf(view) ?? view));
  const views = before.map((view) => view.slice());
  change({ json, views });
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [i, view] of json.bufferViews.entries()) {
    const packed = packedOf(view);
    const same = before[i] && Buffer.compare(before[i], views[i]) === 0;
    const part = !packed
      ? views[i]
      : same
        ? stored[i]
        : MeshoptEncoder.encodeGltfBuffer(views[i], packed.count, packed.byteStride, packed.mode, 0);
    // A length that the test has spoiled stays spoiled.
    const place = packed ?? view;
    if (place.byteLength === stored[i]?.length) place.byteLength = part.length;
    place.byteOffset = offset;
    const padded = new Uint8Array(Math.ceil(part.length / 8) * 8);
    padded.set(part);
    parts.push(padded);
    offset += padded.length;
  }
  json.buffers[0].byteLength = offset;
  files.set(path, packGlb(json, Buffer.concat(parts)));
}

export function packGlb(json: Json3d, binary: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.alloc(Math.ceil(text.length / 4) * 4, ' ');
  text.copy(padded);
  const head = Buffer.alloc(20);
  head.write('glTF');
  for (const [i, value] of [2, 28 + padded.length + binary.length, padded.length, 0x4e4f534a].entries())
    head.writeUInt32LE(value, 4 + 4 * i);
  const chunk = Buffer.alloc(8);
  chunk.writeUInt32LE(binary.length, 0);
  chunk.writeUInt32LE(0x004e4942, 4);
  return Buffer.concat([head, padded, chunk, binary]);
}
