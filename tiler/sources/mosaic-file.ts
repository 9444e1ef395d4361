/**
 * Our own mosaic file: YAML 1.2 that lists sources, the first on top. Paths in it count from its folder. docs/sources.md
 * shows one in full. What does not fit is refused with its line; unknown keys are.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Document } from 'yaml';
import { isAlias, isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { RelievoError } from '../error.ts';
import { readPolygonFile, readPolygons } from './geojson-polygons.ts';
import type { LonLatPolygons } from './mosaic.ts';
import type { Understanding } from './open-file.ts';
import { datumOfText } from './vertical-datums.ts';

/** One entry of the list, with all that its other files say. */
export interface MosaicEntry {
  /** As written, or the name that the entry has. */
  readonly name: string;
  /** The name that the entry has. */
  readonly title: string | undefined;
  /** As written; empty for the relief that comes with Relievo. */
  readonly names: readonly string[];
  readonly base: boolean;
  readonly how: Understanding;
  readonly clip: LonLatPolygons | undefined;
  readonly featherMetres: number | undefined;
}

export interface MosaicFile {
  /** From which names count. */
  readonly folder: string;
  readonly entries: readonly MosaicEntry[];
}

/** What `path` is called for the relief that comes with Relievo; a file of that name is `./base`. */
export const BASE_NAME = 'base';
const MAX_BYTES = 2 ** 20;

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
/** As a list, or as the command line has it. */
const numbers = (count: number, names: string) => {
  const error = `must be ${count} numbers: ${names}`;
  const listed = z.array(z.number({ error }), { error }).length(count, { error });
  const typed = z.string().regex(new RegExp(`^\\s*[-\\d.eE+]+(\\s*,\\s*[-\\d.eE+]+){${count - 1}}\\s*$`), { error });
  return z.union([listed, typed], { error }).transform(String);
};

const entrySchema = z.strictObject({
  name: text.optional(),
  path: text.optional(),
  paths: z
    .array(text, { error: 'must be a list of names' })
    .min(1, { error: 'must name at least one file' })
    .optional(),
  verticalDatum: text.optional(),
  verticalUnit: z
    .union([text, z.number().positive({ error: 'must be above 0' })], {
      error: 'must be a unit, or the metres in one as a number above 0',
    })
    .transform(String)
    .optional(),
  crs: text.optional(),
  nodata: z.custom<number>((value) => typeof value === 'number', { error: 'must be a number' }).optional(),
  bounds: numbers(4, 'west, south, east, north').optional(),
  range: numbers(2, 'least and greatest height').optional(),
  rawLayout: text.optional(),
  heightEncoding: z.enum(['terrain-rgb', 'terrarium'], { error: 'must be terrain-rgb or terrarium' }).optional(),
  clip: z
    .union([text, z.record(z.string(), z.unknown())], { error: 'must be the path of a GeoJSON file, or GeoJSON' })
    .optional(),
  feather: z
    .union([z.literal('none'), z.number().min(0, { error: 'must be a width in metres, or none' })], {
      error: 'must be a width in metres, or none',
    })
    .optional(),
});
const fileSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1' }),
  sources: z
    .array(entrySchema, { error: 'must be a list of sources' })
    .min(1, { error: 'must list at least one source' }),
});
type Entry = z.output<typeof entrySchema>;

export function isMosaicName(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** Refuses with `input-missing` or `input-invalid`, naming the line. */
export async function readMosaicFile(path: string): Promise<MosaicFile> {
  const { document, value, lineOf } = parseYaml(await readText(path), path);
  const result = fileSchema.safeParse(value);
  if (!result.success) {
    const { issues } = result.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    throw issue === undefined ? result.error : refusalOf(issue, path, document, lineOf);
  }
  const folder = dirname(path);
  const entries: MosaicEntry[] = [];
  for (const [i, entry] of result.data.sources.entries()) {
    const at = `${path}, line ${lineOf(['sources', i])}`;
    entries.push(await readEntry(entry, folder, at));
  }
  return { folder, entries };
}

async function readEntry(entry: Entry, folder: string, at: string): Promise<MosaicEntry> {
  const { path, paths, clip, feather } = entry;
  if ((path === undefined) === (paths === undefined)) {
    throw invalid(
      at,
      `each source has either path (one name) or paths (a list), and this has ${path ? 'both' : 'none'}`,
    );
  }
  const names = path === undefined ? (paths ?? []) : [path];
  const nested = names.find(isMosaicName);
  if (nested !== undefined)
    throw invalid(at, `a mosaic file cannot take in another (${nested}); list its sources here`);
  const base = path === BASE_NAME;
  const how = understandingOf(entry, folder);
  if (base && Object.keys(how).length > 0) {
    throw invalid(
      at,
      `the relief that comes with Relievo (path: base) is understood by itself; take out ${Object.keys(how).join(', ')}`,
    );
  }
  return {
    name: entry.name ?? names.join(', '),
    title: entry.name,
    names: base ? [] : names,
    base,
    how,
    clip:
      typeof clip === 'string'
        ? await readPolygonFile(resolve(folder, clip))
        : clip && readPolygons(clip, `${at}: clip`),
    featherMetres: feather === 'none' ? 0 : feather,
  };
}

/** Only what the entry says, so that it can go before what is said of all. */
function understandingOf(entry: Entry, folder: string): Understanding {
  const { verticalDatum: datum, verticalUnit, crs, nodata, bounds, range, rawLayout, heightEncoding } = entry;
  const isName = datum !== undefined && (datumOfText(datum) || /^(ellipsoid|wgs ?84|epsg:\d+)$/i.test(datum.trim()));
  const isPath = crs !== undefined && /\.(prj|wkt2?|json|txt)$/i.test(crs.trim());
  const all = {
    verticalDatum: datum === undefined || isName ? datum : resolve(folder, datum),
    verticalUnit,
    sourceCrs: isPath ? resolve(folder, crs.trim()) : crs,
    nodata,
    bounds,
    range,
    rawLayout,
    heightEncoding,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function readText(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RelievoError('input-missing', `Cannot open ${path}: there is no such mosaic file; check the name.`, {
      where: path,
      cause,
    });
  });
  if (!found.isFile()) throw invalid(path, 'it is no file; expected a mosaic file in YAML');
  if (found.size > MAX_BYTES) {
    throw invalid(
      path,
      `it has ${found.size} bytes, at most ${MAX_BYTES} are read: keep large polygons and lists elsewhere`,
    );
  }
  return readFile(path, 'utf8');
}

interface Parsed {
  readonly document: Document.Parsed;
  readonly value: unknown;
  /** Line, from 1, of what stands at a path of keys, or of the nearest thing round it. */
  readonly lineOf: (path: readonly PropertyKey[], key?: string) => number;
}

function parseYaml(source: string, path: string): Parsed {
  const lines = new LineCounter();
  try {
    // Keys are compared below: the parser's own way takes minutes for a megabyte of keys.
    const document = parseDocument(source, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      throw invalid(`${path}, line ${lines.linePos(error.pos[0]).line}`, `it is no YAML: ${error.message}`);
    }
    refuseRepeatedKeys(document, (at) => `${path}, line ${lines.linePos(at).line}`);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { document, value, lineOf: (keys, key) => lines.linePos(placeOf(document, keys, key)).line };
  } catch (cause) {
    if (cause instanceof RelievoError) throw cause;
    throw new RelievoError('input-invalid', `${path} cannot be read as YAML: it is nested too deep or broken.`, {
      where: path,
      cause,
    });
  }
}

function refuseRepeatedKeys(document: Document.Parsed, at: (offset: number) => string): void {
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const value = isScalar(key) ? key.value : key;
        const place = isScalar(key) || isAlias(key) ? at(key.range?.[0] ?? 0) : at(map.range?.[0] ?? 0);
        if (!isScalar(key)) throw invalid(place, 'a key must be a word');
        if (seen.has(value)) throw invalid(place, `the key "${String(value).slice(0, 40)}" stands here twice`);
        seen.add(value);
      }
    },
  });
}

function placeOf(document: Document.Parsed, path: readonly PropertyKey[], key: string | undefined): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: readonly [number, number, number] }
      | undefined;
    if (node === undefined || node === null) continue;
    const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const at = isScalar(pair?.key) ? pair.key.range : node.range;
    if (at) return at[0];
  }
  return 0;
}

function refusalOf(
  issue: z.core.$ZodIssue,
  path: string,
  document: Document.Parsed,
  lineOf: Parsed['lineOf'],
): RelievoError {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const at = `${path}, line ${lineOf(issue.path, unknown)}`;
  if (unknown !== undefined) {
    const known = Object.keys((issue.path.length === 0 ? fileSchema : entrySchema).shape);
    return invalid(at, `"${unknown.slice(0, 40)}" is no key here; known are ${known.join(', ')}`);
  }
  const key = issue.path.findLast((part) => typeof part === 'string');
  if (issue.path.length < 3 && issue.code === 'invalid_type' && key === undefined) {
    return invalid(at, 'expected the keys version and sources');
  }
  const entry = issue.path.length === 2;
  const node = document.getIn(issue.path as PropertyKey[]);
  const value = typeof node === 'object' && node !== null ? '' : `, not ${JSON.stringify(node) ?? 'nothing'}`;
  const must = entry ? 'has entries that are keys and values, such as "- path: a.tif"' : issue.message;
  return invalid(at, `${String(key)} ${must}${value.slice(0, 60)}`);
}

function invalid(at: string, what: string): RelievoError {
  return new RelievoError('input-invalid', `${at}: ${what}.`, { where: at });
}
