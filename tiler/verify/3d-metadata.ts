/**
 * Metadata of tiles (3D Metadata Specification, "Binary Table Format"): the inline schema of a tileset and the property
 * tables of its subtrees, of which the numbers with a TILE_ semantic are read.
 */

import { COMPONENTS } from './3d-glb.ts';
import { isObject, type Json, type Report } from './3d-volume.ts';

interface Property {
  readonly id: string;
  readonly semantic: string | undefined;
  readonly componentType: string;
  /** Numbers of one value; undefined for strings, booleans and lists of any length. */
  readonly numbers: number | undefined;
  readonly required: boolean;
}

export type Schema = ReadonlyMap<string, readonly Property[]>;

/** What the table says of one tile. */
export interface TileFacts {
  readonly leastHeight?: number | undefined;
  readonly mostHeight?: number | undefined;
  readonly sphere?: readonly number[] | undefined;
  readonly occlusion?: readonly number[] | undefined;
}

const SIZES: Readonly<Record<string, number>> = {
  INT8: 1,
  UINT8: 1,
  INT16: 2,
  UINT16: 2,
  INT32: 4,
  UINT32: 4,
  INT64: 8,
  UINT64: 8,
  FLOAT32: 4,
  FLOAT64: 8,
};

/** Numbers that each semantic holds. */
const SEMANTICS: Readonly<Record<string, number>> = {
  TILE_MINIMUM_HEIGHT: 1,
  TILE_MAXIMUM_HEIGHT: 1,
  TILE_BOUNDING_SPHERE: 4,
  TILE_HORIZON_OCCLUSION_POINT: 3,
};

export function readSchema(json: unknown, path: string, report: Report): Schema | undefined {
  const wrong = (why: string) => report('schema-invalid', `${path}: ${why}`);
  if (!isObject(json) || !isObject(json.classes)) {
    wrong('schema has no classes');
    return undefined;
  }
  if (typeof json.id !== 'string') wrong('schema has no id');
  const schema = new Map<string, readonly Property[]>();
  for (const [name, value] of Object.entries(json.classes)) {
    const properties = isObject(value) && isObject(value.properties) ? value.properties : {};
    schema.set(
      name,
      Object.entries(properties).flatMap(([id, one]) => readProperty(id, one, name, wrong)),
    );
  }
  return schema;
}

function readProperty(id: string, json: unknown, name: string, wrong: (why: string) => void): Property[] {
  if (!isObject(json)) {
    wrong(`${name}.${id} is no object`);
    return [];
  }
  const { type, componentType, array, count, semantic, required } = json;
  if (typeof type !== 'string' || !(type in COMPONENTS || ['STRING', 'BOOLEAN', 'ENUM'].includes(type))) {
    wrong(`${name}.${id}: type is ${JSON.stringify(type)}`);
    return [];
  }
  const size = typeof componentType === 'string' ? SIZES[componentType] : undefined;
  const numeric = type in COMPONENTS;
  if (numeric && size === undefined) {
    wrong(`${name}.${id}: componentType is ${JSON.stringify(componentType)}`);
    return [];
  }
  const times = array === true ? (typeof count === 'number' ? count : undefined) : 1;
  const numbers = numeric && times !== undefined ? COMPONENTS[type] * times : undefined;
  const wanted = typeof semantic === 'string' ? SEMANTICS[semantic] : undefined;
  if (wanted !== undefined && (numbers !== wanted || !/^FLOAT/.test(String(componentType)))) {
    wrong(
      `${name}.${id}: ${String(semantic)} needs ${wanted} floating numbers, not ${numbers ?? 'a list'} of ${String(componentType)}`,
    );
    return [];
  }
  return [
    {
      id,
      semantic: typeof semantic === 'string' ? semantic : undefined,
      componentType: String(componentType),
      numbers,
      required: required === true,
    },
  ];
}

export interface TableSource {
  /** Bytes of a buffer view; undefined when there is none. */
  view(index: unknown): Uint8Array | undefined;
}

/** One entry a row; empty where the table cannot be read. */
export function readTable(
  json: unknown,
  rows: number,
  schema: Schema | undefined,
  source: TableSource,
  report: (code: 'metadata-table' | 'schema-invalid', why: string) => void,
): TileFacts[] {
  const wrong = (why: string) => report('metadata-table', why);
  if (!isObject(json)) {
    wrong('tileMetadata names a property table that is not there');
    return [];
  }
  const properties = schema?.get(String(json.class));
  if (properties === undefined) {
    report('schema-invalid', `the property table has the class ${JSON.stringify(json.class)}, which the schema lacks`);
    return [];
  }
  if (json.count !== rows)
    wrong(`the property table counts ${JSON.stringify(json.count)} rows for ${rows} available tiles`);
  const values = isObject(json.properties) ? json.properties : {};
  for (const id of Object.keys(values)) {
    if (!properties.some((property) => property.id === id))
      report('schema-invalid', `the property ${id} is not in the schema`);
  }
  const columns = new Map<string, Float64Array>();
  for (const property of properties) {
    const column = readColumn(property, values[property.id], rows, source, wrong);
    if (column && property.semantic) columns.set(property.semantic, column);
  }
  const numbersOf = (semantic: string, row: number): readonly number[] | undefined => {
    const count = SEMANTICS[semantic];
    const all = columns.get(semantic);
    return all && [...all.subarray(row * count, (row + 1) * count)];
  };
  return Array.from({ length: rows }, (_, row) => ({
    leastHeight: numbersOf('TILE_MINIMUM_HEIGHT', row)?.[0],
    mostHeight: numbersOf('TILE_MAXIMUM_HEIGHT', row)?.[0],
    sphere: numbersOf('TILE_BOUNDING_SPHERE', row),
    occlusion: numbersOf('TILE_HORIZON_OCCLUSION_POINT', row),
  }));
}

function readColumn(
  { id, componentType, numbers, required }: Property,
  json: unknown,
  rows: number,
  source: TableSource,
  wrong: (why: string) => void,
): Float64Array | undefined {
  if (json === undefined) {
    if (required) wrong(`the property ${id} is required and missing`);
    return undefined;
  }
  const bytes = isObject(json) ? source.view((json as Json).values) : undefined;
  if (bytes === undefined) {
    wrong(`the values of ${id} name no buffer view that can be read`);
    return undefined;
  }
  if (numbers === undefined) return undefined;
  const size = SIZES[componentType];
  const wanted = rows * numbers * size;
  if (bytes.length < wanted || bytes.length - wanted >= 8) {
    wrong(`the values of ${id} take ${bytes.length} bytes, expected ${wanted} for ${rows} tiles`);
    return undefined;
  }
  if (!/^FLOAT/.test(componentType)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const column = Float64Array.from({ length: rows * numbers }, (_, i) =>
    size === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
  );
  if (column.some((value) => !Number.isFinite(value))) {
    wrong(`a value of ${id} is NaN or infinite`);
    return undefined;
  }
  return column;
}
