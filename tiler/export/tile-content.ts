/**
 * What a 3D Tiles content file holds (glTF, b3dm, cmpt), as pieces in ECEF: read by loaders.gl, placed in doubles by the
 * tile's transform, the turn from y up to z up, and the nodes' own (3D Tiles 1.1, "glTF transforms"). Of other kinds nothing.
 */
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { parse } from '@loaders.gl/core';
import { RelievoError } from '../error.ts';
import { dracoModule } from '../sources/gltf-document.ts';
import { type Gltf, type GltfPrimitive, piecesOfPrimitive } from './gltf-piece.ts';
import { FOLDER } from './implicit-tiles.ts';
import { composed, IDENTITY, isMatrix, type Matrix, multiply, translation } from './matrix.ts';
import type { Material, Piece } from './piece.ts';
import { nameOf, type Place, referTo } from './place.ts';
import { openMaterials } from './tile-material.ts';

export type UpAxis = 'X' | 'Y' | 'Z';

export interface Contents {
  read(url: URL, transform: Matrix, upAxis: UpAxis, signal: AbortSignal): Promise<readonly Piece[]>;
  skirts(): string;
  attribution(): readonly string[];
  warnings(): readonly string[];
}

interface Content {
  readonly type?: string;
  readonly gltf?: Gltf;
  readonly rtcCenter?: readonly number[];
  readonly tiles?: readonly Content[];
}

const TURNS: Readonly<Record<UpAxis, Matrix>> = {
  X: [0, 0, 1, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 1],
  Y: [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1],
  Z: IDENTITY,
};

/** Extensions that are not loaders.gl's to handle: pictures are taken as they are. */
const LEFT_TO_US = { EXT_texture_webp: false, EXT_texture_avif: false, KHR_texture_basisu: false };

const MOST_NESTED_NODES = 64;

export function openContents(place: Place): Contents {
  const names = new Set<string>();
  const left = new Map<string, number>();
  let marked = 0;
  let unmarked = 0;
  let lost = 0;
  const materials = openMaterials(place, leave);
  return {
    read,
    attribution: () => [...names],
    skirts() {
      if (unmarked === 0 && marked > 0) return `left out: ${marked} triangles that the tiles mark as skirts`;
      const own = marked > 0 ? `${marked} triangles that are marked as skirts were left out; ` : '';
      return `${own}cannot be told from the surface in tiles of other tools: if there are any, they are in`;
    },
    warnings: () => [
      ...(lost > 0 ? [`${lost} content files that the tileset names are not there`] : []),
      ...[...left].map(([what, count]) => `${count} times left out: ${what}`),
    ],
  };

  function leave(what: string): void {
    left.set(what, (left.get(what) ?? 0) + 1);
  }

  async function read(url: URL, transform: Matrix, upAxis: UpAxis, signal: AbortSignal): Promise<readonly Piece[]> {
    const bytes = await place.read(url, { signal });
    if (bytes === undefined) {
      lost++;
      return [];
    }
    const content = await parseContent(url, bytes, signal);
    return piecesOf(content, url, transform, upAxis, signal);
  }

  async function parseContent(url: URL, bytes: Uint8Array, signal: AbortSignal): Promise<Content> {
    const refuse = (why: string, cause?: unknown) =>
      new RelievoError('input-invalid', `${nameOf(url)} cannot be read: ${why}`, { where: place.shown, cause });
    const fetch = async (address: string) => {
      if (address.startsWith('data:')) return globalThis.fetch(address);
      if (!address.startsWith(FOLDER)) return globalThis.Response.error();
      const buffer = await place.read(referTo(place, url, address.slice(FOLDER.length)), { signal });
      return new Response(buffer && Uint8Array.from(buffer), { status: buffer ? 200 : 404 });
    };
    const options = {
      core: { worker: false, fetch, baseUrl: FOLDER },
      '3d-tiles': { loadGLTF: true, isTileset: false },
      gltf: { loadImages: false, excludeExtensions: LEFT_TO_US },
      ...(isPackedByDraco(bytes) ? { modules: { draco3d: dracoModule() } } : {}),
    };
    // Plain JSON is a glTF of many files: the tile loader knows it by its first bytes as any glTF.
    try {
      return (await parse(Uint8Array.from(bytes).buffer, Tiles3DLoader, options as never)) as Content;
    } catch (cause) {
      if (cause instanceof RelievoError) throw cause;
      signal.throwIfAborted();
      throw refuse(`${cause instanceof Error ? cause.message : String(cause)}; get the file again.`, cause);
    }
  }

  async function piecesOf(
    content: Content,
    url: URL,
    transform: Matrix,
    upAxis: UpAxis,
    signal: AbortSignal,
  ): Promise<readonly Piece[]> {
    const { gltf, tiles } = content;
    if (tiles) {
      const inner = await Promise.all(tiles.map((tile) => piecesOf(tile, url, transform, upAxis, signal)));
      return inner.flat();
    }
    if (!gltf || content.type === 'i3dm' || content.type === 'pnts') {
      leave(`content of the kind ${content.type ?? 'unknown'}, which is no surface`);
      return [];
    }
    for (const name of gltf.asset?.copyright?.split(';') ?? []) if (name.trim() !== '') names.add(name.trim());
    const centre = content.rtcCenter ?? gltf.extensions?.CESIUM_RTC?.center;
    const placed = centre ? multiply(transform, translation(centre)) : transform;
    const pieces: Piece[] = [];
    const known = new Map<object, Promise<Material>>();
    const scene = gltf.scene ?? gltf.scenes?.[0];
    const roots = scene?.nodes ?? gltf.nodes ?? [];
    const work = roots.map((node) => ({ node, matrix: multiply(placed, TURNS[upAxis]), depth: 0 }));
    for (let next = work.pop(); next; next = work.pop()) {
      const { node, matrix, depth } = next;
      const own = multiply(
        matrix,
        isMatrix(node.matrix) ? node.matrix : composed(node.translation, node.rotation, node.scale),
      );
      if (depth > MOST_NESTED_NODES) continue;
      for (const child of node.children ?? []) work.push({ node: child, matrix: own, depth: depth + 1 });
      for (const primitive of node.mesh?.primitives ?? []) {
        const skirts = skirtsOf(primitive, node.mesh?.extras);
        if (skirts === undefined) unmarked++;
        else marked += skirts;
        const material = await materials.of(primitive.material, gltf, url, known, signal);
        const piece = piecesOfPrimitive(primitive, own, material, skirts ?? 0, leave);
        if (piece) pieces.push(piece);
      }
    }
    return pieces;
  }
}

/** Triangles at the end of the list that the tile says are skirts; undefined where it says nothing. */
function skirtsOf(primitive: GltfPrimitive, meshExtras: unknown): number | undefined {
  for (const extras of [primitive.extras, meshExtras]) {
    const own = (extras as { relievo?: { skirtTriangles?: unknown } } | undefined)?.relievo?.skirtTriangles;
    if (typeof own === 'number' && Number.isInteger(own) && own >= 0) return own;
  }
  return undefined;
}

function isPackedByDraco(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"KHR_draco_mesh_compression"');
}
