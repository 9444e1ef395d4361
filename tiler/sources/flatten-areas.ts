/**
 * Areas in which the ground is made level, as a user names them: `FILE`, `FILE:HEIGHT` or `FILE:HEIGHT:DATUM`, where FILE
 * is GeoJSON of polygons whose features may say `height`, `datum` and `feather` themselves.
 */
import { existsSync } from 'node:fs';
import { RelievoError } from '../error.ts';
import type { LonLatRing } from '../geo/lon-lat-area.ts';
import { readPolygonFeatures } from './geojson-polygons.ts';
import type { LonLatPolygons } from './mosaic.ts';
import { baseName } from './source-name.ts';

/** `sea-level` is EGM96: ground that is level lies along it as water does. */
export const FLATTEN_DATUMS = ['sea-level', 'ellipsoid'] as const;
export type FlattenDatum = (typeof FLATTEN_DATUMS)[number];

/** Plain JSON. */
export interface FlattenArea {
  /** For people: the file, and which of its areas. */
  readonly name: string;
  /** Closed; inside is what an odd number of them holds. */
  readonly rings: readonly LonLatRing[];
  /** Metres above `datum`; absent where it is to be found from the ground along the outline. */
  readonly height?: number | undefined;
  readonly datum: FlattenDatum;
  /** Metres outside of the outline over which the ground runs up to it; by default chosen from the sources. */
  readonly featherMetres?: number | undefined;
}

/** No ground is higher, or deeper, in metres; a height beyond is in another unit. */
const HIGHEST = 12_000;
const WIDEST_FEATHER = 100_000;

interface Typed {
  readonly path: string;
  readonly height: number | undefined;
  readonly datum: FlattenDatum;
}

/** In the order given, in which later ones lie over earlier ones. Refuses with `usage`, `input-missing` or `input-invalid`. */
export async function readFlattenAreas(
  texts: readonly string[],
  featherMetres: number | undefined,
): Promise<readonly FlattenArea[]> {
  if (featherMetres !== undefined && texts.length === 0) {
    throw new RelievoError(
      'usage',
      '--flatten-feather says how wide the band round an area of --flatten is: give both',
    );
  }
  const areas: FlattenArea[] = [];
  for (const text of texts) {
    const typed = splitText(text);
    const features = await readPolygonFeatures(typed.path);
    const outlines = features.flatMap(({ polygons, properties }) =>
      areasOf(polygons).map((rings) => ({ rings, properties })),
    );
    for (const [i, { rings, properties }] of outlines.entries()) {
      const name = baseName(typed.path) + (outlines.length > 1 ? `, polygon ${i + 1}` : '');
      areas.push({ name, rings, featherMetres, ...readProperties(properties, typed, name) });
    }
  }
  return areas;
}

/** Colons also stand in names of files and after the letter of a drive: only a height after the last part counts. */
function splitText(text: string): Typed {
  const plain = { path: text, height: undefined, datum: 'sea-level' } as const;
  // A file of that very name goes before.
  if (existsSync(text)) return plain;
  const found = /^(.+?):([-+]?(?:\d+\.?\d*|\.\d+))(?::([a-z][^:/\\]*|))?$/i.exec(text);
  const [, path, height, datum = 'sea-level'] = found ?? [];
  if (path === undefined || height === undefined) {
    if (/:[^/\\]*$/.test(text.replace(/^[a-z]:/i, ''))) throw badText(text, wrongHeight(text));
    return plain;
  }
  if (!isDatum(datum)) throw badText(text, `has the datum "${datum}", not ${FLATTEN_DATUMS.join(' or ')}`);
  checkHeight(Number(height), text);
  return { path, height: Number(height), datum };
}

/** What is typed where a height in metres belongs. */
function wrongHeight(text: string): string {
  const [, height] = /:([^:/\\]+)(?::(?:sea-level|ellipsoid))?$/.exec(text) ?? [];
  if (height === undefined) return 'names no file and ends in no height';
  return `has the height "${height}", which is no plain number of metres`;
}

function badText(text: string, what: string): RelievoError {
  return new RelievoError(
    'usage',
    `--flatten ${text} ${what}; expected FILE, FILE:METRES above sea level (pond.geojson:12.5), or FILE:METRES:ellipsoid`,
  );
}

function readProperties(
  properties: Readonly<Record<string, unknown>>,
  typed: Typed,
  name: string,
): Partial<FlattenArea> & { readonly datum: FlattenDatum } {
  const height = numberOf(properties, 'height', name);
  const feather = numberOf(properties, 'feather', name);
  const datum = properties.datum ?? undefined;
  if (datum !== undefined && !isDatum(datum)) {
    throw invalid(name, `its datum is ${shown(datum)}; expected ${FLATTEN_DATUMS.join(' or ')}`);
  }
  if (feather !== undefined && !(feather >= 0 && feather <= WIDEST_FEATHER)) {
    throw invalid(name, `its feather is ${feather}; expected metres, 0 to ${WIDEST_FEATHER}`);
  }
  const widths = feather === undefined ? {} : { featherMetres: feather };
  if (height !== undefined) {
    checkHeight(height, name);
    return { ...widths, height, datum: datum ?? 'sea-level' };
  }
  if (datum !== undefined && typed.height !== undefined && datum !== typed.datum) {
    throw invalid(
      name,
      `it says the datum ${datum} without a height, and --flatten gives a height above ${typed.datum}: say both in one place`,
    );
  }
  return { ...widths, height: typed.height, datum: datum ?? typed.datum };
}

/** Absent and null are the same: programs that write GeoJSON fill in null. */
function numberOf(properties: Readonly<Record<string, unknown>>, key: string, name: string): number | undefined {
  const value = properties[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value;
  throw invalid(name, `its ${key} is ${shown(value)}; expected a number of metres`);
}

function checkHeight(height: number, where: string): void {
  if (Math.abs(height) <= HIGHEST) return;
  throw invalid(where, `the height ${height} is none on Earth; expected metres, -${HIGHEST} to ${HIGHEST}`);
}

function isDatum(value: unknown): value is FlattenDatum {
  return FLATTEN_DATUMS.some((datum) => datum === value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}

function invalid(where: string, what: string): RelievoError {
  return new RelievoError('input-invalid', `${where} cannot be flattened: ${what}.`, { where });
}

/**
 * Each polygon is an area of its own. Those that touch the date line from both sides are one that was cut there, as RFC 7946
 * asks.
 */
function areasOf(polygons: LonLatPolygons): LonLatRing[][] {
  const at = (meridian: number) => (polygon: LonLatPolygons[number]) =>
    polygon.some((ring) => ring.some(([lon], i) => lon === meridian && ring[i - 1]?.[0] === meridian));
  const cut = polygons.some(at(180)) && polygons.some(at(-180));
  const halves = cut ? polygons.filter((polygon) => at(180)(polygon) || at(-180)(polygon)) : [];
  const whole = polygons.filter((polygon) => !halves.includes(polygon)).map((polygon) => [...polygon]);
  return halves.length > 0 ? [halves.flat(), ...whole] : whole;
}
