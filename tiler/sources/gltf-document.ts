/**
 * The door to @loaders.gl/gltf: a glTF 2.0 document with its buffers, packed ones unpacked (EXT_ and
 * KHR_meshopt_compression, KHR_draco_mesh_compression). Nothing is fetched: other files come from `beside`.
 */
import { createRequire } from 'node:module';
import { parse } from '@loaders.gl/core';
import { GLTFLoader } from '@loaders.gl/gltf';
import type { GltfAccessor } from './surface-file-accessors.ts';

export interface GltfPrimitive {
  /** Numbers of accessors; where Draco was unpacked, what it held. */
  readonly attributes: Readonly<Record<string, number | UnpackedAttribute>>;
  readonly indices?: number | UnpackedAttribute;
  readonly material?: number;
  readonly mode?: number;
  readonly targets?: readonly unknown[];
}

export interface UnpackedAttribute {
  readonly value: ArrayLike<number>;
  readonly size?: number;
  readonly normalized?: boolean;
}

export interface GltfTextureInfo {
  readonly index: number;
  readonly texCoord?: number;
  readonly extensions?: {
    readonly KHR_texture_transform?: {
      readonly offset?: readonly number[];
      readonly rotation?: number;
      readonly scale?: readonly number[];
      readonly texCoord?: number;
    };
  };
}

export interface GltfMaterial {
  readonly name?: string;
  readonly pbrMetallicRoughness?: {
    readonly baseColorFactor?: readonly number[];
    readonly baseColorTexture?: GltfTextureInfo;
  };
  readonly emissiveTexture?: GltfTextureInfo;
  readonly alphaMode?: string;
  readonly alphaCutoff?: number;
  readonly doubleSided?: boolean;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface GltfNode {
  readonly mesh?: number;
  readonly skin?: number;
  readonly children?: readonly number[];
  readonly matrix?: readonly number[];
  readonly translation?: readonly number[];
  readonly rotation?: readonly number[];
  readonly scale?: readonly number[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The parts of the document that are read. */
export interface GltfJson {
  readonly asset: { readonly version: string; readonly copyright?: string };
  readonly scene?: number;
  readonly scenes?: readonly { readonly nodes?: readonly number[] }[];
  readonly nodes?: readonly GltfNode[];
  readonly meshes?: readonly { readonly primitives: readonly GltfPrimitive[] }[];
  readonly materials?: readonly GltfMaterial[];
  readonly textures?: readonly {
    readonly source?: number;
    readonly extensions?: Readonly<Record<string, { readonly source?: number } | undefined>>;
  }[];
  readonly images?: readonly { readonly uri?: string; readonly bufferView?: number }[];
  readonly accessors?: readonly GltfAccessor[];
  readonly bufferViews?: readonly {
    readonly buffer: number;
    readonly byteOffset?: number;
    readonly byteLength: number;
    readonly byteStride?: number;
  }[];
  readonly buffers?: readonly { readonly byteLength: number; readonly uri?: string }[];
  readonly animations?: readonly unknown[];
  readonly extensionsUsed?: readonly string[];
  readonly extensionsRequired?: readonly string[];
}

export interface GltfDocument {
  readonly json: GltfJson;
  readonly buffers: readonly { readonly arrayBuffer: ArrayBuffer; readonly byteOffset: number; byteLength: number }[];
}

const BESIDE = 'beside:/';

/** Throws what loaders.gl throws, and what `beside` does. */
export async function openGltfDocument(
  bytes: Uint8Array,
  withDraco: boolean,
  beside: (name: string) => Promise<Uint8Array>,
): Promise<GltfDocument> {
  const document = await parse(new Uint8Array(bytes).buffer, GLTFLoader, {
    core: { worker: false, baseUrl: BESIDE, fetch: fetchBeside },
    gltf: {
      loadBuffers: true,
      loadImages: false,
      decompressMeshes: true,
      // It would move uv a second time.
      excludeExtensions: { KHR_texture_transform: false },
    },
    ...(withDraco ? { modules: { draco3d: dracoModule() } } : {}),
  });
  return document as unknown as GltfDocument;

  async function fetchBeside(url: string | Request): Promise<Response> {
    const name = String(url);
    if (name.startsWith('data:')) return fetch(name);
    // An address of the web is refused there.
    return new Response(new Uint8Array(await beside(name.startsWith(BESIDE) ? name.slice(BESIDE.length) : name)));
  }
}

/** The decoder that loaders.gl's own Draco package depends on; by itself it would fetch one from the web. */
export function dracoModule(): unknown {
  const from = (parent: string, name: string) => createRequire(parent).resolve(name);
  const loader = from(from(import.meta.url, '@loaders.gl/gltf'), '@loaders.gl/draco');
  return createRequire(loader)('draco3d');
}
