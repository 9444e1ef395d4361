/**
 * The parts of a binary glTF 2.0 file while it is put together: buffer views, plain or packed (EXT_meshopt_compression),
 * and accessors; at the end the container of the specification's "GLB File Format Specification", little-endian.
 */
import { type MeshoptMode, packMeshopt } from './meshopt.ts';

/** glTF's component types. */
export const COMPONENT = { int8: 5120, uint8: 5121, uint16: 5123, uint32: 5125, float32: 5126 } as const;

/** glTF's buffer view targets. */
export const TARGET = { vertices: 34962, indices: 34963 } as const;

const MESHOPT = 'EXT_meshopt_compression';
const MAGIC = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;

interface PlainView {
  readonly target?: number;
  /** Bytes from one element to the next; only where more than one accessor or padding needs it. */
  readonly byteStride?: number;
  /** Bytes that the view begins at a multiple of; 4 by default. */
  readonly align?: 4 | 8;
}

interface PackedView {
  readonly count: number;
  readonly byteStride: number;
  readonly mode: MeshoptMode;
  readonly filter?: 'OCTAHEDRAL' | 'EXPONENTIAL';
  readonly target: number;
}

export interface GlbAccessor {
  readonly bufferView: number;
  readonly byteOffset?: number;
  readonly componentType: number;
  readonly count: number;
  readonly type: 'SCALAR' | 'VEC2' | 'VEC3';
  readonly normalized?: true | undefined;
  readonly min?: readonly number[];
  readonly max?: readonly number[];
}

export class GlbParts {
  readonly #views: object[] = [];
  readonly #accessors: GlbAccessor[] = [];
  readonly #chunks: Uint8Array[] = [];
  readonly #extensions = new Map<string, boolean>();
  #bytes = 0;
  #unpackedBytes = 0;

  /** Index of a view that holds the bytes as they are. */
  addView(bytes: Uint8Array, { target, byteStride, align = 4 }: PlainView = {}): number {
    const byteOffset = this.#append(bytes, align);
    return this.#views.push({ buffer: 0, byteOffset, byteLength: bytes.length, byteStride, target }) - 1;
  }

  /** Index of a view that holds them packed; their unpacked place is in a second buffer, which is nowhere. */
  addPacked(bytes: Uint8Array, { count, byteStride, mode, filter, target }: PackedView): number {
    this.useExtension(MESHOPT, 'required');
    const packed = packMeshopt(bytes, count, byteStride, mode);
    const byteOffset = this.#unpackedBytes;
    this.#unpackedBytes += padded(bytes.length, 4);
    const where = { buffer: 0, byteOffset: this.#append(packed, 4), byteLength: packed.length };
    const view = {
      buffer: 1,
      byteOffset,
      byteLength: bytes.length,
      byteStride: mode === 'ATTRIBUTES' ? byteStride : undefined,
      target,
      extensions: { [MESHOPT]: { ...where, byteStride, count, mode, filter } },
    };
    return this.#views.push(view) - 1;
  }

  /** Its index. */
  addAccessor(accessor: GlbAccessor): number {
    return this.#accessors.push(accessor) - 1;
  }

  useExtension(name: string, need: 'used' | 'required'): void {
    this.#extensions.set(name, need === 'required');
  }

  /** The whole file: `document` with the parts that this holds. */
  finish(document: { readonly asset: object; readonly [part: string]: unknown }): Uint8Array {
    const unpacked = { byteLength: this.#unpackedBytes, extensions: { [MESHOPT]: { fallback: true } } };
    const names = [...this.#extensions.keys()];
    const required = names.filter((name) => this.#extensions.get(name));
    const text = JSON.stringify({
      ...document,
      extensionsUsed: names.length > 0 ? names : undefined,
      extensionsRequired: required.length > 0 ? required : undefined,
      accessors: this.#accessors,
      bufferViews: this.#views,
      buffers: [{ byteLength: this.#bytes }, ...(this.#unpackedBytes > 0 ? [unpacked] : [])],
    });
    const json = new TextEncoder().encode(text);
    // So that the binary chunk begins at a multiple of 8 in the file, as property tables ask for.
    const jsonBytes = padded(json.length + 4, 8) - 4;
    const binaryBytes = padded(this.#bytes, 4);
    const file = new Uint8Array(28 + jsonBytes + binaryBytes);
    const view = new DataView(file.buffer);
    for (const [at, value] of [MAGIC, 2, file.length, jsonBytes, JSON_CHUNK].entries()) {
      view.setUint32(4 * at, value, true);
    }
    file.set(json, 20);
    file.fill(0x20, 20 + json.length, 20 + jsonBytes);
    view.setUint32(20 + jsonBytes, binaryBytes, true);
    view.setUint32(24 + jsonBytes, BINARY_CHUNK, true);
    let at = 28 + jsonBytes;
    for (const chunk of this.#chunks) {
      file.set(chunk, at);
      at += chunk.length;
    }
    return file;
  }

  /** Where the bytes begin in the binary chunk. */
  #append(bytes: Uint8Array, align: number): number {
    const start = padded(this.#bytes, align);
    if (start > this.#bytes) this.#chunks.push(new Uint8Array(start - this.#bytes));
    this.#chunks.push(bytes);
    this.#bytes = start + bytes.length;
    return start;
  }
}

function padded(length: number, to: number): number {
  return Math.ceil(length / to) * to;
}

/** The bytes behind a typed array. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** An accessor's `min` and `max` over the first three of every `stride` values. */
export function rangeOf(
  values: Uint16Array | Float32Array | Float64Array,
  stride: number,
): { min: number[]; max: number[] } {
  const min = [Infinity, Infinity, Infinity];
  const max = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < values.length; i += stride) {
    for (let axis = 0; axis < 3; axis++) {
      min[axis] = Math.min(min[axis], values[i + axis]);
      max[axis] = Math.max(max[axis], values[i + axis]);
    }
  }
  return { min, max };
}
