/** A GLB's first mesh, read by the words of glTF 2.0 and meshoptimizer's own decoder; nothing of the encoder. */
import { MeshoptDecoder } from 'meshoptimizer';

interface View {
  readonly buffer: number;
  readonly byteOffset?: number;
  readonly byteLength: number;
  readonly byteStride?: number;
  readonly extensions?: {
    readonly EXT_meshopt_compression?: View & { count: number; byteStride: number; mode: string; filter?: string };
  };
}

interface Accessor {
  readonly bufferView: number;
  readonly byteOffset?: number;
  readonly componentType: 5120 | 5121 | 5123 | 5125 | 5126;
  readonly normalized?: boolean;
  readonly count: number;
  readonly type: 'SCALAR' | 'VEC2' | 'VEC3';
  readonly min?: readonly number[];
  readonly max?: readonly number[];
}

export interface GltfJson {
  readonly asset: { readonly generator: string; readonly copyright?: string };
  readonly nodes: readonly {
    readonly matrix?: readonly number[];
    readonly translation?: readonly number[];
    readonly scale?: readonly number[];
  }[];
  readonly meshes: readonly {
    readonly primitives: readonly {
      readonly attributes: Readonly<Record<string, number>>;
      readonly indices: number;
      readonly extras?: unknown;
      readonly extensions?: Readonly<Record<string, Readonly<Record<string, number>>>>;
    }[];
  }[];
  readonly accessors: readonly Accessor[];
  readonly bufferViews: readonly View[];
  readonly extensionsUsed?: readonly string[];
  readonly extensionsRequired?: readonly string[];
  readonly images?: readonly { readonly bufferView: number; readonly mimeType: string }[];
  readonly extensions?: {
    readonly EXT_structural_metadata?: {
      readonly propertyTables: readonly {
        readonly properties: Readonly<Record<string, { values: number; stringOffsets?: number }>>;
      }[];
    };
  };
}

export interface ReadGlb {
  readonly json: GltfJson;
  /** ECEF metres, three a vertex. */
  readonly positions: Float64Array;
  /** ECEF, three a vertex; as long as they come. */
  readonly normals: Float64Array;
  readonly triangles: Float64Array;
  /** Metres between two neighbouring quantised numbers; 0 of float32. */
  readonly step: number;
  values(accessor: number): Float64Array;
  view(index: number): Uint8Array;
}

const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const LARGEST = { 5120: 127, 5121: 255, 5123: 65535, 5125: 1, 5126: 1 };
const WIDTH = { SCALAR: 1, VEC2: 2, VEC3: 3 };

export async function readGlb(glb: Uint8Array): Promise<ReadGlb> {
  await MeshoptDecoder.ready;
  const words = new DataView(glb.buffer, glb.byteOffset, glb.byteLength);
  const jsonBytes = words.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(glb.subarray(20, 20 + jsonBytes))) as GltfJson;
  const binary = glb.subarray(28 + jsonBytes, 28 + jsonBytes + words.getUint32(20 + jsonBytes, true));

  const view = (index: number): Uint8Array<ArrayBuffer> => {
    const { byteOffset = 0, byteLength, extensions } = json.bufferViews[index];
    const packed = extensions?.EXT_meshopt_compression;
    if (packed === undefined) return Uint8Array.from(binary.subarray(byteOffset, byteOffset + byteLength));
    const { count, byteStride, mode, filter } = packed;
    const out = new Uint8Array(count * byteStride);
    const from = binary.slice(packed.byteOffset, (packed.byteOffset ?? 0) + packed.byteLength);
    MeshoptDecoder.decodeGltfBuffer(out, count, byteStride, from, mode, filter);
    return out;
  };
  const values = (index: number): Float64Array => {
    const { bufferView, byteOffset = 0, componentType, normalized, count, type } = json.accessors[index];
    const bytes = view(bufferView);
    const numbers = new ARRAYS[componentType](
      bytes.buffer,
      0,
      Math.floor(bytes.length / ARRAYS[componentType].BYTES_PER_ELEMENT),
    );
    const width = WIDTH[type];
    const size = numbers.BYTES_PER_ELEMENT;
    const stride = (json.bufferViews[bufferView].byteStride ?? width * size) / size;
    const out = new Float64Array(width * count);
    for (let i = 0; i < out.length; i++) {
      const value = numbers[byteOffset / size + Math.floor(i / width) * stride + (i % width)];
      out[i] = normalized ? Math.max(-1, value / LARGEST[componentType]) : value;
    }
    return out;
  };

  const [node] = json.nodes;
  const [{ attributes, indices }] = json.meshes[0].primitives;
  const scale = node.matrix?.[0] ?? node.scale?.[0] ?? 1;
  const place = node.matrix?.slice(12, 15) ?? node.translation ?? [0, 0, 0];
  const { componentType, normalized } = json.accessors[attributes.POSITION];
  return {
    json,
    positions: toZUp(values(attributes.POSITION).map((value, i) => value * scale + place[i % 3])),
    normals: toZUp(values(attributes.NORMAL)),
    triangles: values(indices),
    step: componentType === 5126 ? 0 : scale / (normalized ? LARGEST[componentType] : 1),
    values,
    view,
  };
}

function toZUp(yUp: Float64Array): Float64Array {
  return yUp.map((_, i) => [yUp[i], -yUp[i + 1], yUp[i - 1]][i % 3]);
}
