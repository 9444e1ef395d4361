/**
 * A strict reader of quantized-mesh-1.0, sharing nothing with the tiler: little-endian layout of the specification's
 * "Terrain data format", gunzipped first where the bytes begin like gzip. Nothing is forgiven: what a lenient client
 * would wrap, skip or clamp is a fault, and decoding goes on as that client would so that later faults are seen too.
 */
import { gunzipSync } from 'node:zlib';
import type { Fault, FaultCode } from './fault.ts';
import type { Vector } from './wgs84.ts';

export interface DecodedTile {
  /** ECEF metres. */
  readonly centre: Vector;
  /** Metres above the ellipsoid at h = 0 and h = 32767. */
  readonly minimumHeight: number;
  readonly maximumHeight: number;
  /** ECEF metres. */
  readonly sphereCentre: Vector;
  readonly sphereRadius: number;
  /** ECEF divided by the ellipsoid's radii. */
  readonly occlusionPoint: Vector;
  readonly vertexCount: number;
  /** 0..32767 from west to east, south to north, minimum to maximum, when the tile is sound. */
  readonly u: Int32Array;
  readonly v: Int32Array;
  readonly h: Int32Array;
  readonly indexBytes: 2 | 4;
  /** Three a triangle. */
  readonly triangles: Uint32Array;
  readonly edges: Readonly<Record<EdgeName, Uint32Array>>;
  readonly extensions: readonly Extension[];
  readonly gzipped: boolean;
  /** Bytes as handed in, and after gunzip. */
  readonly storedBytes: number;
  readonly plainBytes: number;
}

export const EDGE_NAMES = ['west', 'south', 'east', 'north'] as const;
export type EdgeName = (typeof EDGE_NAMES)[number];

export interface Extension {
  readonly id: number;
  readonly payload: Uint8Array;
}

export interface Decoding {
  /** Undefined when the bytes end before the mesh is whole. */
  readonly tile: DecodedTile | undefined;
  readonly faults: readonly Fault[];
}

const HEADER_BYTES = 92;
export const QUANTUM = 32767;

/** Decodes one tile, gzipped or not. The bytes are left as they are. */
export function decodeTile(stored: Uint8Array): Decoding {
  if (!looksGzipped(stored)) return decodePlainTile(stored);
  const faults: Fault[] = [];
  let bytes: Uint8Array;
  try {
    const { buffer, used } = unpack(stored);
    bytes = buffer;
    if (used < stored.length) {
      faults.push({ code: 'gzip-trailing', message: `${stored.length - used} bytes follow the packed tile` });
    }
  } catch (error) {
    const message = `the bytes begin like gzip but do not unpack: ${String(error)}`;
    return { tile: undefined, faults: [{ code: 'gzip-broken', message }] };
  }
  if (looksGzipped(bytes)) {
    faults.push({ code: 'gzip-twice', message: 'what comes out of gzip is gzip again' });
    return { tile: undefined, faults };
  }
  const { tile, faults: inside } = decodePlainTile(bytes);
  return { tile: tile && { ...tile, gzipped: true, storedBytes: stored.length }, faults: [...faults, ...inside] };
}

/** Decodes a tile that is known not to be gzipped, whatever its first bytes look like. */
export function decodePlainTile(bytes: Uint8Array): Decoding {
  const faults: Fault[] = [];
  const fault = (code: FaultCode, message: string): void => {
    faults.push({ code, message });
  };
  const other = otherFormat(bytes);
  if (other !== undefined) {
    fault('not-a-tile', other);
    return { tile: undefined, faults };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const need = (count: number, what: string): boolean => {
    if (at + count <= bytes.length) return true;
    fault('truncated', `${what} needs bytes ${at} to ${at + count}, but the tile has ${bytes.length}`);
    return false;
  };
  const vector = (offset: number): Vector => [
    view.getFloat64(offset, true),
    view.getFloat64(offset + 8, true),
    view.getFloat64(offset + 16, true),
  ];

  if (!need(HEADER_BYTES, 'the header')) return { tile: undefined, faults };
  const vertexCount = view.getUint32(88, true);
  at = HEADER_BYTES;
  if (!need(vertexCount * 6, `${vertexCount} vertices`)) return { tile: undefined, faults };

  const plane = (name: string): Int32Array => {
    const values = new Int32Array(vertexCount);
    let value = 0;
    let outside = 0;
    for (let i = 0; i < vertexCount; i++, at += 2) {
      const code = view.getUint16(at, true);
      value += (code & 1) === 0 ? code >>> 1 : -((code + 1) >>> 1);
      values[i] = value;
      if (value < 0 || value > QUANTUM) outside++;
    }
    if (outside > 0) fault('code-out-of-range', `${outside} values of ${name} lie outside 0..${QUANTUM}`);
    return values;
  };
  const u = plane('u');
  const v = plane('v');
  const h = plane('height');

  const indexBytes = vertexCount > 65536 ? 4 : 2;
  if (indexBytes === 4) at += at % 4;
  const readIndex = (offset: number): number =>
    indexBytes === 4 ? view.getUint32(offset, true) : view.getUint16(offset, true);

  if (!need(4, 'the triangle count')) return { tile: undefined, faults };
  const triangleCount = view.getUint32(at, true);
  at += 4;
  if (!need(triangleCount * 3 * indexBytes, `${triangleCount} triangles`)) return { tile: undefined, faults };
  const triangles = new Uint32Array(triangleCount * 3);
  let next = 0;
  let above = 0;
  let outOfRange = 0;
  for (let i = 0; i < triangles.length; i++, at += indexBytes) {
    const code = readIndex(at);
    if (code > next) above++;
    const index = indexBytes === 4 ? (next - code) >>> 0 : (next - code) & 0xffff;
    if (code === 0) next++;
    if (index >= vertexCount) outOfRange++;
    triangles[i] = index;
  }
  if (above > 0) {
    fault('index-above-high-water', `${above} of ${triangles.length} index codes exceed the next new vertex number`);
  }

  const edges = {} as Record<EdgeName, Uint32Array>;
  for (const name of EDGE_NAMES) {
    if (!need(4, `the count of the ${name} edge`)) return { tile: undefined, faults };
    const count = view.getUint32(at, true);
    at += 4;
    if (!need(count * indexBytes, `${count} indices of the ${name} edge`)) return { tile: undefined, faults };
    const list = new Uint32Array(count);
    for (let i = 0; i < count; i++, at += indexBytes) {
      const index = readIndex(at);
      if (index >= vertexCount) outOfRange++;
      list[i] = index;
    }
    edges[name] = list;
  }
  if (outOfRange > 0) fault('index-out-of-range', `${outOfRange} indices are not below the ${vertexCount} vertices`);

  const extensions: Extension[] = [];
  while (at < bytes.length) {
    if (bytes.length - at < 5) {
      fault('trailing-bytes', `${bytes.length - at} bytes follow the last part: too few for an extension header`);
      break;
    }
    const id = view.getUint8(at);
    let size = view.getUint32(at + 1, true);
    const turned = view.getUint32(at + 1, false);
    if (at + 5 + size > bytes.length && at + 5 + turned <= bytes.length) {
      fault('extension-big-endian', `extension ${id}: its length is ${turned} in big-endian numbers`);
      size = turned;
    }
    if (at + 5 + size > bytes.length) {
      fault(
        'trailing-bytes',
        `${bytes.length - at} bytes at ${at} are no extension: id ${id} with ${size} bytes would pass the end`,
      );
      break;
    }
    if (extensions.some((other) => other.id === id)) fault('extension-repeated', `extension ${id} stands there twice`);
    extensions.push({ id, payload: bytes.subarray(at + 5, at + 5 + size) });
    at += 5 + size;
  }

  const tile: DecodedTile = {
    centre: vector(0),
    minimumHeight: view.getFloat32(24, true),
    maximumHeight: view.getFloat32(28, true),
    sphereCentre: vector(32),
    sphereRadius: view.getFloat64(56, true),
    occlusionPoint: vector(64),
    vertexCount,
    u,
    v,
    h,
    indexBytes,
    triangles,
    edges,
    extensions,
    gzipped: false,
    storedBytes: bytes.length,
    plainBytes: bytes.length,
  };
  return { tile, faults };
}

/** Unpacked bytes, and how many of the packed ones they stand in. */
function unpack(stored: Uint8Array): { buffer: Uint8Array; used: number } {
  // The types do not know what `info` adds to the answer (Node's zlib, since 9.4).
  const answer = gunzipSync(stored, { info: true }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  return { buffer: answer.buffer, used: answer.engine.bytesWritten };
}

/** Bytes of a heightmap-1.0 tile: 65 x 65 heights, a child mask, and no, a uniform or a whole water mask. */
const HEIGHTMAP_BYTES: readonly number[] = [8451, 8452, 8451 + 65536];

/** What the bytes are instead of a tile, in a sentence; undefined when they may be one. */
function otherFormat(bytes: Uint8Array): string | undefined {
  const start = bytes.subarray(0, 24);
  if (
    start.length > 0 &&
    start.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))
  ) {
    return `the bytes are text: ${JSON.stringify(String.fromCharCode(...start))}`;
  }
  if (!HEIGHTMAP_BYTES.includes(bytes.length)) return undefined;
  const vertices = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(88, true);
  return vertices === 0 || HEADER_BYTES + 6 * vertices > bytes.length
    ? `${bytes.length} bytes are a tile of heightmap-1.0, not a mesh`
    : undefined;
}

/** Ends of the height scale alone; undefined when the bytes do not reach so far. */
export function readHeightRange(stored: Uint8Array): { least: number; most: number } | undefined {
  let bytes = stored;
  try {
    if (looksGzipped(stored)) bytes = gunzipSync(stored);
  } catch {
    return undefined;
  }
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { least: view.getFloat32(24, true), most: view.getFloat32(28, true) };
}

/** Whether every index can be followed: what geometry checks and measurements need. */
export function indicesInRange(tile: DecodedTile): boolean {
  const inside = (index: number): boolean => index < tile.vertexCount;
  return tile.triangles.every(inside) && EDGE_NAMES.every((name) => tile.edges[name].every(inside));
}

// A plain tile begins with the float64 of an Earth-centred coordinate. Its two lowest bytes can be 1f 8b by chance, its
// third then hardly 08 (deflate) with a fourth of flags below 32.
function looksGzipped(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8 && (bytes[3] ?? 255) < 32;
}

/** Metres above the ellipsoid of every vertex. */
export function vertexHeights(tile: DecodedTile): Float64Array {
  const range = tile.maximumHeight - tile.minimumHeight;
  return Float64Array.from(tile.h, (h) => tile.minimumHeight + (h / QUANTUM) * range);
}

/** Metres between two neighbouring codes of height. */
export function heightStep(tile: DecodedTile): number {
  return (tile.maximumHeight - tile.minimumHeight) / QUANTUM;
}

/** Unit vector of an oct-encoded pair of bytes (A Survey of Efficient Representations for Independent Unit Vectors). */
export function decodeOct(byteX: number, byteY: number): Vector {
  let x = (byteX / 255) * 2 - 1;
  let y = (byteY / 255) * 2 - 1;
  const z = 1 - Math.abs(x) - Math.abs(y);
  if (z < 0) {
    const folded = (1 - Math.abs(y)) * (x < 0 ? -1 : 1);
    y = (1 - Math.abs(x)) * (y < 0 ? -1 : 1);
    x = folded;
  }
  const size = Math.hypot(x, y, z);
  return [x / size, y / size, z / size];
}
