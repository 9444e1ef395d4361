/**
 * Cuts the form of a stored tile that a client asked for: leaves out extensions nobody asked for, and puts the bytes
 * into the wanted coding. Walks the tile by its own counts, as quantized-mesh-1.0 lays them out; decodes no vertex.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { EXTENSION_IDS, type ExtensionName } from './extension-name.ts';
import { gzipBytes } from './gzip.ts';

const gunzipAsync = promisify(gunzip);

/** Bytes before the vertex count: centre, heights, sphere, occlusion point. */
const HEADER_BYTES = 88;
/** A tile holds fewer than 65 536 vertices when it is ours; the largest tile of other tools that is still believed. */
const MAX_TILE_BYTES = 64 * 1024 * 1024;

/** The form that is wanted: a `Variant` of the layer seam. */
export interface WantedForm {
  readonly extensions: readonly ExtensionName[];
  readonly coding: 'gzip' | 'identity';
}

export interface CutOptions {
  /**
   * All extensions that the stored tile can hold, when that is known for certain: a tile that holds nothing unasked, in
   * the coding that is wanted, is then handed on without a look inside.
   */
  readonly holds?: readonly ExtensionName[] | undefined;
  /** The tile's address, for error messages. */
  readonly where?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An extension of a tile: its id, and where its payload lies. */
export interface ExtensionSpan {
  readonly id: number;
  /** First byte of the payload; the header of 5 bytes stands before it. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface TileSpans {
  readonly vertices: number;
  readonly triangles: number;
  /** One past the last byte of the edge lists: where the extensions begin. */
  readonly meshEnd: number;
  readonly extensions: readonly ExtensionSpan[];
  /** False for the old `vertexnormals` tiles, which wrote the lengths of extensions big-endian. */
  readonly lengthsLittleEndian: boolean;
}

/**
 * The stored tile (quantized-mesh, gzip or plain) with the wanted extensions only, in the wanted coding; the very bytes
 * that came in when nothing needs to change. Throws `input-invalid` for a tile that is malformed.
 */
export async function cutVariant(
  stored: Uint8Array,
  wanted: WantedForm,
  { holds, where, signal }: CutOptions = {},
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const zipped = isGzip(stored);
  const sameCoding = zipped === (wanted.coding === 'gzip');
  if (sameCoding && holds?.every((name) => wanted.extensions.includes(name))) return stored;

  const plain = zipped ? await gunzipTile(stored, where) : stored;
  signal?.throwIfAborted();
  const cut = keepExtensions(plain, wanted.extensions, where);
  if (cut === plain && sameCoding) return stored;
  const bytes = wanted.coding === 'gzip' ? await gzipBytes(cut) : cut;
  signal?.throwIfAborted();
  return bytes;
}

/** Whether the bytes begin as a gzip member does (RFC 1952: magic, deflate, no reserved flag). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8 && ((bytes[3] ?? 0xff) & 0xe0) === 0;
}

async function gunzipTile(stored: Uint8Array, where: string | undefined): Promise<Uint8Array> {
  try {
    return await gunzipAsync(stored, { maxOutputLength: MAX_TILE_BYTES });
  } catch (cause) {
    const message = `expected a gzipped tile of at most ${MAX_TILE_BYTES} bytes, but it does not unpack; build it again`;
    throw new RelievoError('input-invalid', message, { where, cause });
  }
}

/** The plain tile without the extensions that are not named; the same array when there are none to leave out. */
export function keepExtensions(plain: Uint8Array, names: readonly ExtensionName[], where?: string): Uint8Array {
  const spans = walkTile(plain, where);
  const ids = new Set<number>(names.map((name) => EXTENSION_IDS[name]));
  const kept = spans.extensions.filter(({ id }) => ids.has(id));
  if (kept.length === spans.extensions.length && spans.lengthsLittleEndian) return plain;
  if (kept.length === 0) return plain.subarray(0, spans.meshEnd);

  const size = kept.reduce((sum, { start, end }) => sum + 5 + end - start, spans.meshEnd);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set(plain.subarray(0, spans.meshEnd));
  let at = spans.meshEnd;
  for (const { id, start, end } of kept) {
    view.setUint8(at, id);
    view.setUint32(at + 1, end - start, true);
    out.set(plain.subarray(start, end), at + 5);
    at += 5 + end - start;
  }
  return out;
}

/**
 * Where the parts of a plain tile lie. Throws `input-invalid` when a count leads past the end, when bytes are left over,
 * or when the normals are not two bytes a vertex.
 */
export function walkTile(plain: Uint8Array, where?: string): TileSpans {
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const refuse = (what: string): RelievoError =>
    new RelievoError(
      'input-invalid',
      `expected a quantized-mesh-1.0 tile, but in these ${plain.byteLength} bytes ${what}; build it again`,
      { where },
    );
  const count = (at: number, what: string): number => {
    if (at + 4 > plain.byteLength) throw refuse(`the ${what} lies past the end`);
    return view.getUint32(at, true);
  };

  const vertices = count(HEADER_BYTES, 'vertex count');
  const indexBytes = vertices > 65536 ? 4 : 2;
  let at = HEADER_BYTES + 4 + 6 * vertices;
  at += (indexBytes - (at % indexBytes)) % indexBytes;
  const triangles = count(at, 'triangle count');
  at += 4 + 3 * triangles * indexBytes;
  for (const side of ['west', 'south', 'east', 'north']) {
    at += 4 + count(at, `count of the ${side} edge`) * indexBytes;
  }
  if (at > plain.byteLength) throw refuse('the edge lists lead past the end');

  const meshEnd = at;
  for (const littleEndian of [true, false]) {
    const extensions = walkExtensions(view, meshEnd, littleEndian);
    if (!extensions) continue;
    const normals = extensions.find(({ id }) => id === EXTENSION_IDS.octvertexnormals);
    if (normals && normals.end - normals.start !== 2 * vertices) {
      throw refuse(`the normals take ${normals.end - normals.start} bytes for ${vertices} vertices`);
    }
    return { vertices, triangles, meshEnd, extensions, lengthsLittleEndian: littleEndian || extensions.length === 0 };
  }
  throw refuse('the extensions do not end where the tile does');
}

/** The extensions from `meshEnd` on; undefined unless the last one ends exactly where the tile does. */
function walkExtensions(view: DataView, meshEnd: number, littleEndian: boolean): ExtensionSpan[] | undefined {
  const spans: ExtensionSpan[] = [];
  let at = meshEnd;
  while (at + 5 <= view.byteLength) {
    const start = at + 5;
    const end = start + view.getUint32(at + 1, littleEndian);
    spans.push({ id: view.getUint8(at), start, end });
    at = end;
  }
  return at === view.byteLength ? spans : undefined;
}
