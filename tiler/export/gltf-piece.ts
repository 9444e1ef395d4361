/** A mesh primitive of glTF 2.0, as loaders.gl resolves it, to a piece in ECEF: quantised values and strips too. */
import { withoutUnused } from './clip.ts';
import { cofactors, determinant, type Matrix } from './matrix.ts';
import type { Material, Piece } from './piece.ts';

type Values = Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Uint32Array;

export interface GltfAccessor {
  readonly value: Values;
  readonly count: number;
  readonly components: number;
  readonly normalized?: boolean;
}

export interface GltfPrimitive {
  readonly attributes: Readonly<Record<string, GltfAccessor>>;
  readonly indices?: GltfAccessor;
  readonly mode?: number;
  readonly material?: GltfMaterial;
  readonly extras?: unknown;
}

export interface GltfTexture {
  readonly source?: GltfImage;
  readonly sampler?: {
    readonly wrapS?: number;
    readonly wrapT?: number;
    readonly parameters?: Readonly<Record<string, number>>;
  };
  readonly extensions?: Readonly<Record<string, { readonly source?: number }>>;
}

export interface GltfImage {
  readonly mimeType?: string;
  readonly uri?: string;
  readonly bufferView?: { readonly data: Uint8Array };
}

interface TextureInfo {
  readonly texture?: GltfTexture;
  readonly texCoord?: number;
}

export interface GltfMaterial {
  readonly pbrMetallicRoughness?: {
    readonly baseColorFactor?: readonly number[];
    readonly baseColorTexture?: TextureInfo;
  };
}

export interface GltfNode {
  readonly matrix?: readonly number[];
  readonly translation?: readonly number[];
  readonly rotation?: readonly number[];
  readonly scale?: readonly number[];
  readonly children?: readonly GltfNode[];
  readonly mesh?: { readonly primitives: readonly GltfPrimitive[]; readonly extras?: unknown };
}

export interface Gltf {
  readonly asset?: { readonly copyright?: string };
  readonly extensions?: { readonly CESIUM_RTC?: { readonly center: readonly number[] } };
  readonly scene?: { readonly nodes?: readonly GltfNode[] };
  readonly scenes?: readonly { readonly nodes?: readonly GltfNode[] }[];
  readonly nodes?: readonly GltfNode[];
  readonly images?: readonly GltfImage[];
}

const TRIANGLES = 4;
const STRIP = 5;
const FAN = 6;

/** Without the last `skirts` triangles. What is no surface is told to `leave` and undefined. */
export function piecesOfPrimitive(
  primitive: GltfPrimitive,
  matrix: Matrix,
  material: Material,
  skirts: number,
  leave: (what: string) => void,
): Piece | undefined {
  const { attributes, mode = TRIANGLES } = primitive;
  const place = attributes.POSITION;
  if (!place || (mode !== TRIANGLES && mode !== STRIP && mode !== FAN)) {
    leave('points or lines, which are no surface');
    return undefined;
  }
  const local = numbersOf(place);
  const count = place.count;
  const positions = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [local[3 * i], local[3 * i + 1], local[3 * i + 2]];
    for (let row = 0; row < 3; row++) {
      positions[3 * i + row] = matrix[row] * x + matrix[4 + row] * y + matrix[8 + row] * z + matrix[12 + row];
    }
  }
  const listed = primitive.indices
    ? Uint32Array.from(primitive.indices.value)
    : Uint32Array.from({ length: count }, (_, i) => i);
  const triangles = trianglesOf(listed, mode);
  const kept = triangles.slice(0, Math.max(0, triangles.length - 3 * skirts));
  if (kept.some((index) => index >= count)) {
    leave('meshes whose indices lead beyond their vertices');
    return undefined;
  }
  // A mirrored mesh shows its other side.
  if (determinant(matrix) < 0) for (let i = 0; i < kept.length; i += 3) [kept[i], kept[i + 1]] = [kept[i + 1], kept[i]];
  const set = primitive.material?.pbrMetallicRoughness?.baseColorTexture?.texCoord ?? 0;
  const uv = material.picture && attributes[`TEXCOORD_${set}`];
  const normals = attributes.NORMAL && turned(numbersOf(attributes.NORMAL), matrix);
  const piece = { positions, normals, uv: uv && Float32Array.from(numbersOf(uv)), triangles: kept, material };
  return skirts > 0 ? withoutUnused(piece) : piece;
}

/** Integers that stand for shares are divided by their greatest (glTF 2.0, 3.11). */
function numbersOf({ value, normalized }: GltfAccessor): Values | Float64Array {
  if (!normalized || value instanceof Float32Array) return value;
  const greatest = { 1: [255, 127], 2: [65535, 32767], 4: [2 ** 32 - 1, 2 ** 31 - 1] }[value.BYTES_PER_ELEMENT];
  const signed = value instanceof Int8Array || value instanceof Int16Array;
  const scale = greatest?.[signed ? 1 : 0] ?? 1;
  return Float64Array.from(value, (part) => Math.max(part / scale, -1));
}

function turned(normals: ArrayLike<number>, matrix: Matrix): Float32Array {
  const c = cofactors(matrix);
  const sign = determinant(matrix) < 0 ? -1 : 1;
  const out = new Float32Array(normals.length);
  for (let i = 0; i < normals.length; i += 3) {
    const [x, y, z] = [normals[i], normals[i + 1], normals[i + 2]];
    const parts = [0, 1, 2].map((row) => sign * (c[row] * x + c[3 + row] * y + c[6 + row] * z));
    const length = Math.hypot(...parts) || 1;
    for (let row = 0; row < 3; row++) out[i + row] = parts[row] / length;
  }
  return out;
}

function trianglesOf(indices: Uint32Array, mode: number): Uint32Array {
  if (mode === TRIANGLES) return indices.slice(0, indices.length - (indices.length % 3));
  const out: number[] = [];
  for (let i = 2; i < indices.length; i++) {
    const [a, b, c] = [mode === FAN ? indices[0] : indices[i - 2], indices[i - 1], indices[i]];
    if (a === b || b === c || c === a) continue;
    if (mode === STRIP && i % 2 === 1) out.push(b, a, c);
    else out.push(a, b, c);
  }
  return Uint32Array.from(out);
}
