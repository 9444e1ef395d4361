/**
 * Reads one subtree file strictly (3D Tiles 1.1, "Subtree Binary Format" and "Availability"): availability of tiles, contents
 * and child subtrees in Morton order, x in the even bits, y from the south in the odd ones.
 */
import { readTable, type Schema, type TileFacts } from './3d-metadata.ts';
import { parseJson } from './3d-tileset.ts';
import { isObject, type Json } from './3d-volume.ts';

export type SubtreeReport = (
  code:
    | 'subtree-format'
    | 'subtree-count'
    | 'subtree-parent'
    | 'content-without-tile'
    | 'metadata-table'
    | 'schema-invalid',
  why: string,
) => void;

export interface Subtree {
  /** `level`, x and y within the subtree. */
  hasTile(level: number, x: number, y: number): boolean;
  hasContent(level: number, x: number, y: number): boolean;
  /** x and y at the level below the last. */
  hasChild(x: number, y: number): boolean;
  /** Undefined without metadata. */
  factsOf(level: number, x: number, y: number): TileFacts | undefined;
}

const MAGIC = 0x74627573;

/** `external` reads a buffer that lies in a file of its own. */
export async function readSubtree(
  bytes: Uint8Array,
  levels: number,
  contents: number,
  schema: Schema | undefined,
  external: (uri: string) => Promise<Uint8Array | undefined>,
  report: SubtreeReport,
): Promise<Subtree | undefined> {
  const parts = splitFile(bytes, (why) => report('subtree-format', why));
  if (parts === undefined) return undefined;
  const { json, binary } = parts;
  const view = await openViews(json, binary, external, (why) => report('subtree-format', why));
  const tileCount = (4 ** levels - 1) / 3;
  const stream = (value: unknown, bits: number, what: string) => readBits(value, bits, what, view, report);
  const tiles = stream(json.tileAvailability, tileCount, 'tileAvailability');
  const listed = json.contentAvailability;
  if (contents > 0 && !Array.isArray(listed)) report('subtree-format', 'contentAvailability is missing or no list');
  const content = Array.isArray(listed) ? stream(listed[0], tileCount, 'contentAvailability') : undefined;
  const children = stream(json.childSubtreeAvailability, 4 ** levels, 'childSubtreeAvailability');
  if (tiles === undefined || children === undefined) return undefined;
  if (tiles.constant === 0) report('subtree-format', 'tileAvailability is the constant 0: a subtree without tiles');

  const ranks = new Uint32Array(tileCount);
  let rank = 0;
  for (let i = 0; i < tileCount; i++) {
    ranks[i] = rank;
    if (tiles.has(i)) rank++;
    if (tiles.has(i) && i > 0 && !tiles.has(Math.floor((i - 1) / 4)))
      report(
        'subtree-parent',
        `the tile with bit ${i} is available, its parent with bit ${Math.floor((i - 1) / 4)} is not`,
      );
    if (content?.has(i) && !tiles.has(i))
      report('content-without-tile', `bit ${i} is set for content and not for a tile`);
  }
  for (let i = 0; i < 4 ** levels; i++) {
    const above = (4 ** (levels - 1) - 1) / 3 + (i >> 2);
    if (children.has(i) && !tiles.has(above))
      report('subtree-parent', `child subtree ${i} is available, the tile above it is not`);
  }
  const tables = Array.isArray(json.propertyTables) ? json.propertyTables : [];
  const facts =
    json.tileMetadata === undefined
      ? undefined
      : readTable(tables[Number(json.tileMetadata)], rank, schema, { view: (i) => view(i) }, report);
  return {
    hasTile: (level, x, y) => tiles.has(bitOf(level, x, y)),
    hasContent: (level, x, y) => content?.has(bitOf(level, x, y)) ?? false,
    hasChild: (x, y) => children.has(morton(x, y)),
    factsOf: (level, x, y) => facts?.[ranks[bitOf(level, x, y)]],
  };
}

export function bitOf(level: number, x: number, y: number): number {
  return (4 ** level - 1) / 3 + morton(x, y);
}

export function morton(x: number, y: number): number {
  let code = 0;
  for (let bit = 0; bit < 15; bit++) code |= (((x >> bit) & 1) << (2 * bit)) | (((y >> bit) & 1) << (2 * bit + 1));
  return code;
}

function splitFile(bytes: Uint8Array, wrong: (why: string) => void): { json: Json; binary: Uint8Array } | undefined {
  if (bytes[0] === 0x7b) {
    const json = parseJson(bytes);
    if (isObject(json)) return { json, binary: new Uint8Array() };
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (why: string): undefined => void wrong(why);
  if (bytes.length < 24) return refuse(`${bytes.length} bytes, expected a header of 24 at least`);
  if (data.getUint32(0, true) !== MAGIC) return refuse('the magic is not "subt"');
  if (data.getUint32(4, true) !== 1) wrong(`the version is ${data.getUint32(4, true)}, expected 1`);
  const jsonLength = Number(data.getBigUint64(8, true));
  const binaryLength = Number(data.getBigUint64(16, true));
  if (jsonLength % 8 !== 0) wrong(`the JSON has ${jsonLength} bytes, not padded to 8`);
  if (binaryLength % 8 !== 0) wrong(`the binary part has ${binaryLength} bytes, not padded to 8`);
  if (24 + jsonLength + binaryLength !== bytes.length) {
    wrong(`the header counts ${24 + jsonLength + binaryLength} bytes, the file has ${bytes.length}`);
    if (24 + jsonLength + binaryLength > bytes.length) return undefined;
  }
  const json = parseJson(bytes.subarray(24, 24 + jsonLength));
  if (!isObject(json)) return refuse('the JSON part is no JSON object');
  return { json, binary: bytes.subarray(24 + jsonLength, 24 + jsonLength + binaryLength) };
}

async function openViews(
  json: Json,
  binary: Uint8Array,
  external: (uri: string) => Promise<Uint8Array | undefined>,
  wrong: (why: string) => void,
): Promise<(index: unknown) => Uint8Array | undefined> {
  const buffers: (Uint8Array | undefined)[] = [];
  for (const [i, buffer] of listOf(json.buffers).entries()) {
    const size = Number(buffer.byteLength);
    const bytes = typeof buffer.uri === 'string' ? await external(buffer.uri) : binary;
    if (bytes === undefined || !(size <= bytes.length))
      wrong(`buffer ${i} has ${bytes?.length ?? 'no'} bytes, byteLength is ${size}`);
    buffers.push(bytes?.subarray(0, size));
  }
  const views = listOf(json.bufferViews).map((view, i) => {
    const {
      buffer,
      byteOffset: offset = 0,
      byteLength: size,
    } = view as { buffer: number; byteOffset?: number; byteLength: number };
    const bytes = buffers[buffer];
    if (offset % 8 !== 0) wrong(`buffer view ${i} begins at ${offset}, not aligned to 8`);
    if (bytes === undefined || !(size >= 1) || offset + size > bytes.length) {
      wrong(`buffer view ${i} takes bytes ${offset} to ${offset + size} of a buffer with ${bytes?.length ?? 'none'}`);
      return undefined;
    }
    return bytes.subarray(offset, offset + size);
  });
  return (index) => views[Number(index)];
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

interface Bits {
  readonly constant: 0 | 1 | undefined;
  has(bit: number): boolean;
}

function readBits(
  json: unknown,
  bits: number,
  what: string,
  view: (index: unknown) => Uint8Array | undefined,
  report: SubtreeReport,
): Bits | undefined {
  if (!isObject(json)) {
    report('subtree-format', `${what} is missing`);
    return undefined;
  }
  const { constant, bitstream, availableCount } = json;
  if (constant === 0 || constant === 1) {
    const wanted = constant * bits;
    if (availableCount !== undefined && availableCount !== wanted)
      report(
        'subtree-count',
        `${what} is the constant ${constant}, availableCount ${JSON.stringify(availableCount)}, expected ${wanted}`,
      );
    return { constant, has: () => constant === 1 };
  }
  const bytes = view(bitstream);
  if (bytes === undefined) {
    report('subtree-format', `${what} has neither a constant 0 or 1 nor a bitstream that can be read`);
    return undefined;
  }
  const length = Math.ceil(bits / 8);
  if (bytes.length < length || bytes.length > length + 7)
    report('subtree-count', `${what} has ${bytes.length} bytes for ${bits} bits, expected ${length}`);
  const has = (bit: number) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) % 2 === 1;
  let set = 0;
  for (let bit = 0; bit < bits; bit++) if (has(bit)) set++;
  if (availableCount !== undefined && availableCount !== set)
    report('subtree-count', `${what} has ${set} bits set, availableCount is ${JSON.stringify(availableCount)}`);
  return { constant: undefined, has };
}
