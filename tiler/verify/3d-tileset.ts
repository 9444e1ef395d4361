/**
 * Judges the JSON of a tileset by 3D Tiles 1.1, tile by tile: version, errors, refinement, volumes, contents, implicit
 * tiling ("Implicit Tiling"), schema. What is wrong is reported and then taken as a client would take it.
 */
import { readSchema, type Schema } from './3d-metadata.ts';
import {
  IDENTITY,
  isNumbers,
  isObject,
  type Json,
  type Matrix,
  multiply,
  type Report,
  readVolume,
  type Volume,
} from './3d-volume.ts';

export interface Implicit {
  readonly subtreeLevels: number;
  readonly availableLevels: number;
  /** Template. */
  readonly subtrees: string;
}

/** A tile as the JSON states it. */
export interface TileStatement {
  readonly volume: Volume | undefined;
  readonly geometricError: number;
  readonly refine: 'ADD' | 'REPLACE';
  /** From the tile's frame to ECEF. */
  readonly transform: Matrix;
  /** URIs, templates in an implicit root. */
  readonly contents: readonly string[];
  readonly implicit: Implicit | undefined;
  readonly children: readonly Json[];
}

export interface TilesetStatement {
  readonly root: Json | undefined;
  readonly geometricError: number;
  readonly schema: Schema | undefined;
  readonly attribution: string | undefined;
  readonly name: string | undefined;
  /** `relievo.minZoom`: levels before it are flat on purpose; 0 when nothing is said. */
  readonly firstRelief: number;
  /** `relievo.maxErrorFactor`, else 1. */
  readonly maxErrorFactor: number;
  /** `relievo.datum.source`, where the user of the tiler gave it. */
  readonly datum: string | undefined;
}

/** Undefined where the bytes are no tileset. */
export function readTileset(bytes: Uint8Array, path: string, report: Report): TilesetStatement | undefined {
  const json = parseJson(bytes);
  if (!isObject(json)) {
    report('tileset-unreadable', `${path}: ${json === undefined ? 'no JSON' : 'JSON, but no object'}`);
    return undefined;
  }
  const field = (why: string) => report('tileset-field', `${path}: ${why}`);
  const asset = isObject(json.asset) ? json.asset : {};
  if (asset.version !== '1.1' && asset.version !== '1.0')
    field(`asset.version is ${JSON.stringify(asset.version)}, expected "1.1"`);
  const geometricError = readError(json.geometricError, 'geometricError at the top', field);
  if (!isObject(json.root)) field('there is no root');
  checkExtensions(json, path, report);
  const root = isObject(json.root) ? json.root : undefined;
  if (asset.version === '1.0' && JSON.stringify(root ?? '').includes('"implicitTiling"'))
    field('implicit tiling needs asset.version "1.1"');
  return {
    root,
    geometricError,
    schema: json.schema === undefined ? undefined : readSchema(json.schema, path, report),
    ...readExtras(asset),
  };
}

/** What Relievo says of the making; other tools say nothing there. */
function readExtras(
  asset: Json,
): Pick<TilesetStatement, 'attribution' | 'name' | 'firstRelief' | 'maxErrorFactor' | 'datum'> {
  const extras = isObject(asset.extras) ? asset.extras : {};
  const own = isObject(extras.relievo) ? extras.relievo : {};
  const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const datum = isObject(own.datum) && own.datum.known === 'option' ? own.datum.source : undefined;
  return {
    attribution: textOf(asset.copyright) ?? textOf(extras.copyright),
    name: textOf(own.title),
    firstRelief: typeof own.minZoom === 'number' ? own.minZoom : 0,
    maxErrorFactor: typeof own.maxErrorFactor === 'number' ? own.maxErrorFactor : 1,
    datum: textOf(datum),
  };
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function readError(value: unknown, what: string, field: (why: string) => void): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  field(`${what} is ${JSON.stringify(value)}, expected metres, 0 or more`);
  return Number.NaN;
}

/** `parent` undefined for a root. */
export function readTile(json: Json, name: string, parent: TileStatement | undefined, report: Report): TileStatement {
  const field = (why: string) => report('tileset-field', `${name}: ${why}`);
  const transform = readTransform(json.transform, parent?.transform ?? IDENTITY, field);
  const volume = readVolume(json.boundingVolume, transform, name, report);
  const geometricError = readError(json.geometricError, 'geometricError', field);
  if (json.refine === undefined && parent === undefined) field('a root needs refine, ADD or REPLACE');
  if (json.refine !== undefined && json.refine !== 'ADD' && json.refine !== 'REPLACE')
    field(`refine is ${JSON.stringify(json.refine)}, expected ADD or REPLACE`);
  const implicit = json.implicitTiling === undefined ? undefined : readImplicit(json, name, report);
  const contents = readContents(json, field);
  if (implicit) for (const uri of contents) checkTemplate(uri, 'content', name, report);
  const children = json.children === undefined ? [] : json.children;
  const isList = Array.isArray(children) && children.every(isObject);
  if (!isList) field('children is no list of tiles');
  return {
    volume,
    geometricError,
    refine: json.refine === 'ADD' || json.refine === 'REPLACE' ? json.refine : (parent?.refine ?? 'REPLACE'),
    transform,
    contents,
    implicit,
    children: isList ? (children as Json[]) : [],
  };
}

function readTransform(value: unknown, outer: Matrix, field: (why: string) => void): Matrix {
  if (value === undefined) return outer;
  if (isNumbers(value, 16)) return multiply(outer, value);
  field('transform is no list of 16 finite numbers');
  return outer;
}

function readContents(json: Json, field: (why: string) => void): string[] {
  const listed = json.contents ?? (json.content === undefined ? [] : [json.content]);
  if (json.content !== undefined && json.contents !== undefined) field('content and contents exclude each other');
  if (!Array.isArray(listed)) {
    field('contents is no list');
    return [];
  }
  return listed.flatMap((content: unknown) => {
    if (isObject(content) && typeof content.uri === 'string' && content.uri !== '') return [content.uri];
    field(`content.uri is ${JSON.stringify(isObject(content) ? content.uri : content)}, expected an address`);
    return [];
  });
}

/** 350,000 tiles in a subtree. */
const MAX_SUBTREE_LEVELS = 10;
/** Tiles of the last are some centimetres wide on a globe. */
export const MAX_LEVELS = 30;

function readImplicit(json: Json, name: string, report: Report): Implicit | undefined {
  const implicit = isObject(json.implicitTiling) ? json.implicitTiling : {};
  const wrong: string[] = [];
  const { subdivisionScheme, subtreeLevels, availableLevels, subtrees } = implicit;
  if (subdivisionScheme !== 'QUADTREE')
    wrong.push(`subdivisionScheme is ${JSON.stringify(subdivisionScheme)}, and QUADTREE is what is judged here`);
  const countOf = (key: string, value: unknown, most: number): number | undefined => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
    wrong.push(`${key} is ${JSON.stringify(value)}, expected a whole number from 1 to ${most}`);
    return undefined;
  };
  const inSubtree = countOf('subtreeLevels', subtreeLevels, MAX_SUBTREE_LEVELS);
  const inAll = countOf('availableLevels', availableLevels, MAX_LEVELS);
  const uri = isObject(subtrees) ? subtrees.uri : undefined;
  if (typeof uri !== 'string') wrong.push('subtrees.uri is missing');
  if (json.children !== undefined) wrong.push('an implicit root has no children');
  if (json.metadata !== undefined) wrong.push('an implicit root has no metadata of its own');
  if (isObject(json.content) && json.content.boundingVolume !== undefined)
    wrong.push('content of an implicit root has no boundingVolume');
  if (
    !isObject(json.boundingVolume) ||
    (json.boundingVolume.region === undefined && json.boundingVolume.box === undefined)
  )
    wrong.push('an implicit root needs a region or a box');
  for (const why of wrong) report('tileset-field', `${name}: implicit tiling: ${why}`);
  if (typeof uri !== 'string' || subdivisionScheme !== 'QUADTREE') return undefined;
  if (!checkTemplate(uri, 'subtrees', name, report)) return undefined;
  if (inSubtree === undefined || inAll === undefined) return undefined;
  return { subtreeLevels: inSubtree, availableLevels: inAll, subtrees: uri };
}

function checkTemplate(uri: string, what: string, name: string, report: Report): boolean {
  const missing = ['{level}', '{x}', '{y}'].filter((part) => !uri.includes(part));
  if (missing.length > 0)
    report('template-broken', `${name}: the template of ${what} is ${uri}, without ${missing.join(' and ')}`);
  return missing.length === 0;
}

export function fillTemplate3d(template: string, level: number, x: number, y: number): string {
  const words: Record<string, number> = { level, x, y };
  return template.replace(/\{(level|x|y)\}/g, (_, word: string) => String(words[word]));
}

/** Extensions that occur without standing as a key anywhere. */
const SILENT = new Set(['KHR_mesh_quantization', '3DTILES_content_gltf']);

/** Of a tileset and of a glTF alike. */
export function checkExtensions(json: Json, name: string, report: Report): { used: string[]; required: string[] } {
  const wordsOf = (key: string): string[] => {
    const value = json[key];
    return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string') : [];
  };
  const used = wordsOf('extensionsUsed');
  const required = wordsOf('extensionsRequired');
  const occurring = new Set<string>();
  collectExtensions(json, occurring);
  const unlisted = [...occurring].filter((word) => !used.includes(word));
  if (unlisted.length > 0)
    report('extensions-disagree', `${name}: ${unlisted.join(', ')} is used and not in extensionsUsed`);
  const unused = required.filter((word) => !used.includes(word));
  if (unused.length > 0)
    report(
      'extensions-disagree',
      `${name}: ${unused.join(', ')} stands in extensionsRequired and not in extensionsUsed`,
    );
  const absent = used.filter((word) => !occurring.has(word) && !SILENT.has(word));
  if (absent.length > 0)
    report('extensions-disagree', `${name}: ${absent.join(', ')} stands in extensionsUsed and does not occur`);
  return { used, required };
}

function collectExtensions(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) collectExtensions(one, found);
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'extras') continue;
    if (key === 'extensions' && isObject(inner)) for (const word of Object.keys(inner)) found.add(word);
    collectExtensions(inner, found);
  }
}
