/**
 * Reads a binary glTF 2.0 strictly ("GLB File Format Specification", "Accessors"): container, buffer views, also those that
 * EXT_meshopt_compression packs, and accessors with their stated bounds. Only what is used of a file is judged.
 */
import { MeshoptDecoder } from 'meshoptimizer/decoder';
import { parseJson } from './3d-tileset.ts';
import { isObject, type Json, type Report } from './3d-volume.ts';

export interface Gltf {
  readonly json: Json;
  /** Undefined where it is wrong, which is reported once. */
  accessor(index: unknown, what: string): Accessor | undefined;
  /** Bytes of a buffer view, unpacked. */
  view(index: unknown, what: string): Uint8Array | undefined;
}

export interface Accessor {
  readonly count: number;
  readonly components: number;
  readonly componentType: number;
  readonly normalized: boolean;
  /** As stored, element by element. */
  readonly values: Float64Array;
  /** Bytes from one element to the next. */
  readonly stride: number;
  readonly filter: string;
}

const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;
/** Numbers in an element of each type; property tables use the same names. */
export const COMPONENTS: Readonly<Record<string, number>> = {
  SCALAR: 1,
  VEC2: 2,
  VEC3: 3,
  VEC4: 4,
  MAT2: 4,
  MAT3: 9,
  MAT4: 16,
};
export const BYTE = 5120;
export const UNSIGNED_BYTE = 5121;
export const SHORT = 5122;
export const UNSIGNED_SHORT = 5123;
export const UNSIGNED_INT = 5125;
export const FLOAT = 5126;
const SIZES: Readonly<Record<number, number>> = {
  [BYTE]: 1,
  [UNSIGNED_BYTE]: 1,
  [SHORT]: 2,
  [UNSIGNED_SHORT]: 2,
  [UNSIGNED_INT]: 4,
  [FLOAT]: 4,
};

/** Undefined where the container or its JSON cannot be read. */
export async function readGlb(bytes: Uint8Array, report: Report): Promise<Gltf | undefined> {
  const parts = splitGlb(bytes, (why) => report('glb-format', why));
  if (parts === undefined) return undefined;
  await MeshoptDecoder.ready;
  return new OpenedGltf(parts.json, parts.binary, report);
}

function splitGlb(bytes: Uint8Array, wrong: (why: string) => void): { json: Json; binary: Uint8Array } | undefined {
  const refuse = (why: string): undefined => void wrong(why);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 20 || data.getUint32(0, true) !== 0x46546c67) return refuse('the magic is not "glTF"');
  if (data.getUint32(4, true) !== 2) return refuse(`the version is ${data.getUint32(4, true)}, expected 2`);
  const whole = data.getUint32(8, true);
  if (whole !== bytes.length) {
    wrong(`the header counts ${whole} bytes, the file has ${bytes.length}`);
    if (whole > bytes.length) return undefined;
  }
  const chunks: { type: number; bytes: Uint8Array }[] = [];
  for (let at = 12; at < whole; ) {
    const size = at + 8 <= whole ? data.getUint32(at, true) : Number.NaN;
    if (!(at + 8 + size <= whole)) return refuse(`a chunk of ${size} bytes at ${at} ends after the file`);
    if (size % 4 !== 0) wrong(`the chunk at ${at} has ${size} bytes, not padded to 4`);
    chunks.push({ type: data.getUint32(at + 4, true), bytes: bytes.subarray(at + 8, at + 8 + size) });
    at += 8 + size;
  }
  if (chunks[0]?.type !== JSON_CHUNK) return refuse('the first chunk is not JSON');
  const json = parseJson(chunks[0].bytes);
  if (!isObject(json)) return refuse('the JSON chunk holds no JSON object');
  if (!isObject(json.asset) || json.asset.version !== '2.0') wrong('asset.version is not "2.0"');
  if (chunks.length > 1 && chunks[1].type !== BINARY_CHUNK) wrong('the second chunk is not binary');
  return { json, binary: chunks[1]?.type === BINARY_CHUNK ? chunks[1].bytes : new Uint8Array() };
}

class OpenedGltf implements Gltf {
  readonly json: Json;
  private readonly binary: Uint8Array;
  private readonly report: Report;
  private readonly views = new Map<number, Uint8Array | undefined>();
  private readonly accessors = new Map<number, Accessor | undefined>();

  constructor(json: Json, binary: Uint8Array, report: Report) {
    this.json = json;
    this.binary = binary;
    this.report = report;
    const first = itemOf(json.buffers, 0);
    const size = Number(first?.byteLength);
    if (first && first.uri === undefined && (size > binary.length || binary.length - size > 3))
      report('glb-format', `buffer 0 has ${size} bytes, the binary chunk ${binary.length}`);
  }

  accessor(index: unknown, what: string): Accessor | undefined {
    const key = Number(index);
    if (!this.accessors.has(key)) this.accessors.set(key, this.readAccessor(index, what));
    return this.accessors.get(key);
  }

  view(index: unknown, what: string): Uint8Array | undefined {
    const key = Number(index);
    if (!this.views.has(key)) this.views.set(key, this.readView(index, what));
    return this.views.get(key);
  }

  private readView(index: unknown, what: string): Uint8Array | undefined {
    const json = itemOf(this.json.bufferViews, index);
    if (json === undefined) return this.refuse('gltf-field', `${what}: there is no buffer view ${String(index)}`);
    const packed = isObject(json.extensions) ? json.extensions.EXT_meshopt_compression : undefined;
    if (!isObject(packed)) return this.slice(json, what);
    const source = this.slice(packed, what);
    const { count, byteStride: stride, mode, filter = 'NONE' } = packed;
    if (source === undefined) return undefined;
    const size = Number(count) * Number(stride);
    if (Number(json.byteLength) !== size)
      return this.refuse(
        'compression-broken',
        `${what}: ${String(count)} elements of ${String(stride)} bytes do not fill byteLength ${String(json.byteLength)}`,
      );
    try {
      const target = new Uint8Array(size);
      MeshoptDecoder.decodeGltfBuffer(target, Number(count), Number(stride), source, String(mode), String(filter));
      return target;
    } catch (error) {
      return this.refuse('compression-broken', `${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private slice(json: Json, what: string): Uint8Array | undefined {
    const {
      buffer,
      byteOffset: offset = 0,
      byteLength: size,
    } = json as { buffer: number; byteOffset?: number; byteLength: number };
    if (buffer !== 0 || itemOf(this.json.buffers, 0)?.uri !== undefined)
      return this.refuse('gltf-field', `${what}: buffer ${String(buffer)} lies outside of the file`);
    if (!(size >= 1 && offset >= 0 && offset + size <= this.binary.length)) {
      return this.refuse(
        'accessor-overrun',
        `${what}: a buffer view takes bytes ${offset} to ${offset + size} of ${this.binary.length}`,
      );
    }
    return this.binary.subarray(offset, offset + size);
  }

  private readAccessor(index: unknown, what: string): Accessor | undefined {
    const json = itemOf(this.json.accessors, index);
    if (json === undefined) return this.refuse('gltf-field', `${what}: there is no accessor ${String(index)}`);
    const {
      bufferView,
      byteOffset: offset = 0,
      componentType,
      count,
      type,
      normalized = false,
      sparse,
    } = json as {
      bufferView?: number;
      byteOffset?: number;
      componentType: number;
      count: number;
      type: string;
      normalized?: boolean;
      sparse?: unknown;
    };
    const size = SIZES[componentType];
    const components = COMPONENTS[type];
    if (size === undefined || components === undefined || !(Number.isInteger(count) && count >= 1)) {
      return this.refuse('gltf-field', `${what}: componentType ${componentType}, type ${type}, count ${count}`);
    }
    if (bufferView === undefined || sparse !== undefined)
      return this.refuse('gltf-field', `${what}: only accessors with a buffer view and without sparse values are read`);
    const bytes = this.view(bufferView, what);
    if (bytes === undefined) return undefined;
    const view = itemOf(this.json.bufferViews, bufferView);
    const packed =
      isObject(view?.extensions) && isObject(view.extensions.EXT_meshopt_compression)
        ? view.extensions.EXT_meshopt_compression
        : undefined;
    const stride = Number(view?.byteStride ?? packed?.byteStride ?? components * size);
    if (offset % size !== 0 || stride % size !== 0 || stride < components * size)
      return this.refuse(
        'accessor-overrun',
        `${what}: offset ${offset} and stride ${stride} are not aligned to ${size}, or overlap`,
      );
    const end = offset + (count - 1) * stride + components * size;
    if (end > bytes.length)
      return this.refuse(
        'accessor-overrun',
        `${what}: ${count} elements end at byte ${end}, the buffer view has ${bytes.length}`,
      );
    const values = readValues(bytes, componentType, offset, stride, count, components);
    this.checkBounds(json, values, components, componentType, what);
    return { count, components, componentType, normalized, values, stride, filter: String(packed?.filter ?? 'NONE') };
  }

  private checkBounds(json: Json, values: Float64Array, components: number, componentType: number, what: string): void {
    for (const [key, pick] of [
      ['min', Math.min],
      ['max', Math.max],
    ] as const) {
      const stated = json[key];
      if (stated === undefined) {
        if (what === 'POSITION') this.report('accessor-bounds', `${what}: ${key} is missing`);
        continue;
      }
      const found = Array.from({ length: components }, (_, c) => {
        let best = values[c];
        for (let i = c + components; i < values.length; i += components) best = pick(best, values[i]);
        return best;
      });
      const same =
        Array.isArray(stated) &&
        found.every(
          (value, c) =>
            Number.isNaN(value) ||
            value === (componentType === FLOAT ? Math.fround(Number(stated[c])) : Number(stated[c])),
        );
      if (!same)
        this.report(
          'accessor-bounds',
          `${what}: ${key} is ${JSON.stringify(stated)}, the data have ${JSON.stringify(found)}`,
        );
    }
  }

  private refuse(code: 'gltf-field' | 'accessor-overrun' | 'compression-broken', why: string): undefined {
    this.report(code, why);
  }
}

/** Undefined where the list has no such object. */
export function itemOf(list: unknown, index: unknown): Json | undefined {
  const item: unknown = Array.isArray(list) && Number.isInteger(index) ? list[index as number] : undefined;
  return isObject(item) ? item : undefined;
}

function readValues(
  bytes: Uint8Array,
  type: number,
  offset: number,
  stride: number,
  count: number,
  components: number,
): Float64Array {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = SIZES[type];
  const read: Readonly<Record<number, (at: number) => number>> = {
    [BYTE]: (at) => data.getInt8(at),
    [UNSIGNED_BYTE]: (at) => data.getUint8(at),
    [SHORT]: (at) => data.getInt16(at, true),
    [UNSIGNED_SHORT]: (at) => data.getUint16(at, true),
    [UNSIGNED_INT]: (at) => data.getUint32(at, true),
    [FLOAT]: (at) => data.getFloat32(at, true),
  };
  const one = read[type];
  const values = new Float64Array(count * components);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < components; c++) values[i * components + c] = one(offset + i * stride + c * size);
  return values;
}
