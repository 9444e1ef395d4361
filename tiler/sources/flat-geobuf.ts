/**
 * Polygons of a FlatGeobuf file (specification 3.0, flatgeobuf.org): magic, header, a spatial index that is passed over,
 * features; each a size and a FlatBuffers table, little-endian. Longitude and latitude in degrees; other axes are dropped.
 */
import { RelievoError } from '../error.ts';
import { RingCollector, type RingSet } from './ring-set.ts';

const MAGIC = [0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62];
const POLYGON = 3;
const MULTI_POLYGON = 6;
const COLLECTION = 7;
/** Bytes of a node of the index: a box of four doubles and an offset. */
const NODE_BYTES = 40;
const MAX_LONGITUDE = 540;
const MAX_DEPTH = 8;

export function isFlatGeobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Refuses with `input-invalid` what is no sound file of polygons in longitude and latitude. */
export function decodeFlatGeobuf(bytes: Uint8Array, where: string): RingSet {
  try {
    return decode(bytes, where);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw invalid(where, 'is cut off or damaged', cause);
  }
}

function decode(bytes: Uint8Array, where: string): RingSet {
  if (!isFlatGeobuf(bytes)) throw invalid(where, 'does not begin as FlatGeobuf does');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = new Table(view, 12 + view.getUint32(12, true));
  const crs = header.table(10);
  const code = crs?.int32(1) ?? 0;
  if (code !== 0 && code !== 4326 && code !== 4979) {
    throw invalid(where, `is in EPSG:${code}; reproject it with ogr2ogr -t_srs EPSG:4326`);
  }
  const fileType = header.uint8(2);
  const features = header.uint64(8);
  const nodeSize = header.uint16(9, 16);
  let at = 12 + view.getUint32(8, true);
  if (nodeSize > 0 && features > 0) at += NODE_BYTES * nodesOf(features, nodeSize);
  const rings = new RingCollector();
  while (at < bytes.length) {
    const size = view.getUint32(at, true);
    const geometry = new Table(view, at + 4 + view.getUint32(at + 4, true)).table(0);
    if (geometry) collect(geometry, fileType, rings, where, 0);
    at += 4 + size;
  }
  const found = rings.finish();
  if (found.ringEnds.length === 0) throw invalid(where, 'holds no polygon');
  return found;
}

/** `assumed`: its type, where the geometry itself leaves it out. */
function collect(geometry: Table, assumed: number, into: RingCollector, where: string, depth: number): void {
  const type = geometry.uint8(6) || assumed;
  if (type === POLYGON) {
    addPolygon(geometry, into, where);
  } else if ((type === MULTI_POLYGON || type === COLLECTION) && depth < MAX_DEPTH) {
    const ofParts = type === MULTI_POLYGON ? POLYGON : 0;
    for (const part of geometry.tables(7)) collect(part, ofParts, into, where, depth + 1);
  } else {
    throw invalid(where, `holds geometry of type ${type}`);
  }
}

function addPolygon(geometry: Table, into: RingCollector, where: string): void {
  const positions = geometry.float64s(1);
  const count = positions.length / 2;
  const ends = geometry.uint32s(0);
  into.beginPolygon();
  let i = 0;
  for (const end of ends.length > 0 ? ends : [count]) {
    if (end > count) throw new RangeError('a ring ends beyond the positions');
    for (const start = i; i < end; i++) {
      const [lon, lat] = [positions[2 * i], positions[2 * i + 1]];
      const step = i > start ? Math.abs(lon - positions[2 * i - 2]) : 0;
      if (step > 180 && Math.abs(step - 360) > 1e-6) {
        throw invalid(where, `has an edge of ${step} degrees of longitude that ends at ${lon}, ${lat}`);
      }
      if (!(Math.abs(lon) <= MAX_LONGITUDE && Math.abs(lat) <= 90)) {
        throw invalid(where, `has the position ${lon}, ${lat}, which is no longitude and latitude in degrees`);
      }
      into.add(lon, lat);
    }
    into.endRing();
  }
}

/** Nodes of a packed R-tree over that many features. */
function nodesOf(features: number, nodeSize: number): number {
  let level = features;
  let nodes = level;
  while (level > 1) {
    level = Math.ceil(level / Math.max(2, nodeSize));
    nodes += level;
  }
  return nodes;
}

/** A FlatBuffers table, its fields by their number in the schema. Reads beyond the file throw RangeError. */
class Table {
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#fields = at - view.getInt32(at, true);
  }

  uint8(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : this.#view.getUint8(at);
  }

  uint16(field: number, missing: number): number {
    const at = this.#find(field);
    return at === 0 ? missing : this.#view.getUint16(at, true);
  }

  int32(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : this.#view.getInt32(at, true);
  }

  uint64(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : Number(this.#view.getBigUint64(at, true));
  }

  table(field: number): Table | undefined {
    const at = this.#find(field);
    return at === 0 ? undefined : this.#follow(at);
  }

  tables(field: number): Table[] {
    const { at, count } = this.#vector(field);
    if (4 * count > this.#view.byteLength) throw new RangeError('a list is longer than the file');
    return Array.from({ length: count }, (_, i) => this.#follow(at + 4 * i));
  }

  uint32s(field: number): Uint32Array {
    const { at, count } = this.#vector(field);
    if (at + 4 * count > this.#view.byteLength) throw new RangeError('a list is longer than the file');
    return Uint32Array.from({ length: count }, (_, i) => this.#view.getUint32(at + 4 * i, true));
  }

  float64s(field: number): Float64Array {
    const { at, count } = this.#vector(field);
    if (at + 8 * count > this.#view.byteLength) throw new RangeError('a list is longer than the file');
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) out[i] = this.#view.getFloat64(at + 8 * i, true);
    return out;
  }

  #vector(field: number): { at: number; count: number } {
    const found = this.#find(field);
    if (found === 0) return { at: 0, count: 0 };
    const at = found + this.#view.getUint32(found, true);
    return { at: at + 4, count: this.#view.getUint32(at, true) };
  }

  #follow(at: number): Table {
    return new Table(this.#view, at + this.#view.getUint32(at, true));
  }

  /** Where the field's value lies; 0 when the table does not hold it. */
  #find(field: number): number {
    const slot = 4 + 2 * field;
    if (slot >= this.#view.getUint16(this.#fields, true)) return 0;
    const offset = this.#view.getUint16(this.#fields + slot, true);
    return offset === 0 ? 0 : this.#at + offset;
  }
}

function invalid(where: string, what: string, cause?: unknown): RelievoError {
  return new RelievoError(
    'input-invalid',
    `${where} ${what}; expected FlatGeobuf of polygons in longitude and latitude.`,
    {
      where,
      cause,
    },
  );
}
