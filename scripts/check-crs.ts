/**
 * Holds every EPSG code that Relievo knows against PROJ and writes what it finds to tiler/geo/crs-accuracy.ts: which codes
 * are wrong by more than a metre or need a datum grid, how good the shift of each is, and which grids serve which datum.
 * Needs PROJ's programs and database (Debian: proj-bin, proj-data) and Node 24; takes minutes.
 *
 *   node scripts/check-crs.ts [--proj-db /usr/share/proj/proj.db] [--out tiler/geo/crs-accuracy.ts] [--table findings.tsv]
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { type Crs, resolveCrs } from '../tiler/geo/crs.ts';
import { tokensOfCode } from '../tiler/geo/crs-table.ts';
import { helmertOf } from '../tiler/geo/datum-shifts.ts';

const { values: args } = parseArgs({
  options: {
    'proj-db': { type: 'string', default: '/usr/share/proj/proj.db' },
    out: { type: 'string', default: resolve(import.meta.dirname, '../tiler/geo/crs-accuracy.ts') },
    table: { type: 'string' },
    codes: { type: 'string' },
  },
});
const database = new DatabaseSync(args['proj-db'], { readOnly: true });
/** PROJ finds its database here and not one grid, so that it can only take operations that need none. */
const bare = mkdtempSync(join(tmpdir(), 'relievo-proj-'));
copyFileSync(args['proj-db'], join(bare, 'proj.db'));

const WGS84 = 4326;
const SIDE = 5;
/** Metres: what counts as right, and what a missing grid may cost. */
const TOLERANCE = 1;
/** Metres up to which a system of the satellites' time passes for WGS84, stated with each. */
const TAKEN_AS_WGS84 = 3;
/** PROJ's mark of an operation whose accuracy nobody stated. */
const UNSTATED = 900;

interface Entry {
  readonly code: number;
  readonly crs: Crs;
  readonly base: number;
  readonly box: Box;
}

interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

interface Finding extends Entry {
  /** Greatest distance from PROJ's answer, metres: of this code, of its datum alone, of its projection alone. NaN: none. */
  readonly off: number;
  readonly datumOff: number;
  readonly projectionOff: number;
  /** Metres, as the EPSG list states of our own shift. */
  readonly stated: number | undefined;
  readonly verdict: string | undefined;
  readonly accuracy: number;
}

interface GridEntry {
  readonly names: readonly string[];
  readonly accuracy: number;
  readonly box: Box;
  /** PROJ offers it as a file. */
  readonly offered: boolean;
}

const shifts = rows<{ source: number; target: number; accuracy: number | null; parameters: string }>(
  `SELECT source_crs_code AS source, target_crs_code AS target, accuracy, tx || ',' || ty || ',' || tz AS parameters
   FROM helmert_transformation WHERE auth_name = 'EPSG' AND source_crs_auth_name = 'EPSG' AND target_crs_auth_name = 'EPSG'
   AND rate_tx IS NULL ORDER BY deprecated, accuracy`,
);
const gridRows = rows<{ source: number; target: number; accuracy: number | null; grid: string } & Box>(
  `SELECT g.source_crs_code AS source, g.target_crs_code AS target, g.accuracy, g.grid_name AS grid,
     e.west_lon AS west, e.south_lat AS south, e.east_lon AS east, e.north_lat AS north
   FROM grid_transformation g
   JOIN usage u ON u.object_table_name = 'grid_transformation' AND u.object_auth_name = g.auth_name AND u.object_code = g.code
   JOIN extent e ON e.auth_name = u.extent_auth_name AND e.code = u.extent_code
   WHERE g.auth_name = 'EPSG' AND g.deprecated = 0 AND g.method_name IN ('NTv2', 'NADCON', 'NADCON5 (2D)', 'NTv1')`,
);
const alternatives = rows<{ original: string; name: string; old: string | null }>(
  `SELECT original_grid_name AS original, proj_grid_name AS name, old_proj_grid_name AS old FROM grid_alternatives
   WHERE proj_method = 'hgridshift'`,
);
const names = new Map(
  rows<{ code: number; name: string }>(`SELECT code, name FROM geodetic_crs WHERE auth_name = 'EPSG'`).map(
    ({ code, name }) => [Number(code), name],
  ),
);
const families = familiesOf();
const findings: Finding[] = [];
try {
  await run();
} finally {
  rmSync(bare, { recursive: true });
}

async function run(): Promise<void> {
  const wanted = args.codes?.split(',').map(Number);
  const codes = wanted ?? Array.from({ length: 32766 - 1024 }, (_, i) => 1024 + i);
  const entries: Entry[] = [];
  const skipped: number[] = [];
  for (const code of codes) {
    const crs = await resolveCrs(`EPSG:${code}`, { unjudged: true }).catch(() => undefined);
    if (crs === undefined) continue;
    const base = baseCode(code);
    const box = boxOf(code);
    if (base === undefined || box === undefined) skipped.push(code);
    else entries.push({ code, crs, base, box });
  }
  console.log(`${entries.length} codes to check; ${skipped.length} are not in PROJ's list`);
  let done = 0;
  const queue = [...entries];
  const work = async () => {
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      findings.push(await check(entry));
      if (++done % 500 === 0) console.log(`${done} of ${entries.length}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  findings.sort((a, b) => a.code - b.code);
  if (args.table !== undefined) writeFileSync(args.table, tableOf());
  const text = moduleOf(skipped);
  writeFileSync(args.out, text);
  const refused = findings.filter(({ verdict }) => verdict !== undefined);
  console.log(
    `${findings.length - refused.length} within ${TOLERANCE} m, ${refused.length} refused; ${text.length} bytes`,
  );
}

async function check(entry: Entry): Promise<Finding> {
  const { code, crs, base, box } = entry;
  const points = pointsOf(box);
  const off = await distance(`EPSG:${code}`, crs, code, points);
  const own = (await tokensOfCode(code)).get('towgs84');
  const shift = own?.split(',').some((value) => Number(value) !== 0) ? own : undefined;
  const stated = statedAccuracy(base, shift);
  let datumOff = 0;
  let projectionOff = 0;
  if (!(off <= TOLERANCE)) {
    const alone = await resolveCrs(`EPSG:${base}`, { unjudged: true }).catch(() => undefined);
    datumOff = alone ? await distance(`EPSG:${base}`, alone, base, points) : Number.NaN;
    // The same shift on both sides, so that only the projection is left.
    const meridian = alone === undefined ? Number.NaN : Number((await tokensOfCode(base)).get('pm') ?? 0);
    const level = alone && (await resolveCrs(await ellipsoidOf(base, own), { unjudged: true }));
    projectionOff =
      level && code !== base && meridian === 0 ? await distance(`EPSG:${code}`, crs, code, points, level, base) : 0;
  }
  const [verdict, accuracy] = judge(entry, off, datumOff, projectionOff, shift, stated, points);
  return { ...entry, off, datumOff, projectionOff, stated, verdict, accuracy };
}

/** Longitude and latitude on the ellipsoid of a base, with the shift given. */
async function ellipsoidOf(base: number, shift: string | undefined): Promise<string> {
  const tokens = await tokensOfCode(base);
  const figure = ['a', 'b', 'ellps'].filter((word) => tokens.has(word)).map((word) => ` +${word}=${tokens.get(word)}`);
  return `+proj=longlat${figure.join('')}${shift === undefined ? '' : ` +towgs84=${shift}`}`;
}

/** The refusal, as tiler/geo/crs-verdict.ts reads it, and the accuracy in metres. */
function judge(
  { base }: Entry,
  off: number,
  datumOff: number,
  projectionOff: number,
  shift: string | undefined,
  stated: number | undefined,
  points: readonly (readonly [number, number])[],
): [string | undefined, number] {
  if (!(projectionOff <= TOLERANCE)) {
    return [Number.isNaN(projectionOff) ? 'wrong' : `wrong ${Math.ceil(projectionOff)}`, 0];
  }
  // Outside the areas of all operations PROJ has none for the code; then the datum itself is held against it.
  const apart = Number.isNaN(off) ? datumOff : off;
  if (!needsShift(base)) {
    if (Number.isNaN(apart) || apart <= TAKEN_AS_WGS84) return [undefined, apart > TOLERANCE ? Math.ceil(apart) : 1];
    return [`regional ${Math.ceil(apart)}`, apart];
  }
  const own = stated ?? TOLERANCE;
  const grid = bestGrid(base, points);
  const name = grid?.names.at(-1);
  const error = Math.ceil(Math.max(own, apart || 0));
  if (grid && own - grid.accuracy > TOLERANCE) return [`grid ${name} ${error}`, own];
  if (shift === undefined && !(off <= TOLERANCE)) return ['shift', own];
  // A shift of which neither the EPSG list nor PROJ knows.
  if (Number.isNaN(apart) && stated === undefined) return ['shift', own];
  if (Number.isNaN(apart) || apart <= TOLERANCE) return [undefined, Math.max(own, apart > 0.1 ? Math.ceil(apart) : 0)];
  return [grid ? `grid ${name} ${error}` : `regional ${error}`, own];
}

/**
 * Metres between our answer and PROJ's, both ways, at its worst; NaN where either has none. Points are on WGS84, or on
 * `base` (its own CRS and code), so that the datum stays out of it.
 */
async function distance(
  definition: string,
  crs: Crs,
  code: number,
  points: readonly (readonly [number, number])[],
  base?: Crs,
  baseCode = WGS84,
): Promise<number> {
  const theirs = await project(definition, points, `EPSG:${baseCode}`);
  const turned = isTurned(code);
  let worst = 0;
  let counted = 0;
  for (const [i, point] of points.entries()) {
    const answer = theirs[i];
    if (answer === undefined) continue;
    // PROJ's programs write angles in degrees, whatever the unit of the CRS.
    const unit = crs.geographic ? crs.unitMetres : 1;
    const [x, y]: [number, number] = turned
      ? [answer[1] / unit, answer[0] / unit]
      : [answer[0] / unit, answer[1] / unit];
    const onBase = (place: [number, number]) => (base === undefined ? place : base.forward(place));
    const back = onBase(crs.inverse([x, y]));
    const start = base ? base.inverse(point) : point;
    const there = crs.forward(start);
    const again = onBase(crs.inverse(there));
    const apart = Math.max(metresBetween(back, point), metresBetween(again, point));
    counted++;
    if (Number.isNaN(apart)) return Number.NaN;
    worst = Math.max(worst, apart);
  }
  return counted * 4 < points.length ? Number.NaN : worst;
}

/** PROJ's answers, undefined where it has none. */
function project(
  crs: string,
  points: readonly (readonly [number, number])[],
  from: string,
): Promise<([number, number] | undefined)[]> {
  return new Promise((done, fail) => {
    const child = execFile(
      'cs2cs',
      ['-f', '%.9f', '--no-ballpark', from, crs],
      { env: { ...process.env, PROJ_DATA: bare, PROJ_LIB: bare, PROJ_NETWORK: 'OFF' }, encoding: 'utf8' },
      (error, out, complaint) => {
        // PROJ ends with an error where it has no operation but a ballpark one.
        if (error && out === '' && !/cannot initialize|not find|operation/i.test(complaint)) return fail(error);
        const lines = out.trim().split('\n');
        done(points.map((_, i) => pairOf(lines[i] ?? '')));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(points.map(([lon, lat]) => `${lat} ${lon}`).join('\n'));
  });
}

function pairOf(line: string): [number, number] | undefined {
  const [x = Number.NaN, y = Number.NaN] = line.trim().split(/\s+/).map(Number);
  return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : undefined;
}

function metresBetween(a: readonly [number, number], b: readonly [number, number]): number {
  const east = ((((a[0] - b[0] + 180) % 360) + 360) % 360) - 180;
  return Math.hypot(east * Math.cos((b[1] * Math.PI) / 180), a[1] - b[1]) * 111320;
}

/** Inside the area, off its edges. */
function pointsOf({ west, south, east, north }: Box): [number, number][] {
  const width = east >= west ? east - west : east - west + 360;
  const points: [number, number][] = [];
  for (let j = 0; j < SIDE; j++) {
    for (let i = 0; i < SIDE; i++) {
      const lon = west + (width * (i + 0.5)) / SIDE;
      points.push([lon > 180 ? lon - 360 : lon, south + ((north - south) * (j + 0.5)) / SIDE]);
    }
  }
  return points;
}

/** The grid that serves most of the area, the most accurate first. */
function bestGrid(base: number, points: readonly (readonly [number, number])[]): GridEntry | undefined {
  return gridsOf(base)
    .filter(({ box }) => points.filter((point) => isInside(box, point)).length * 2 >= points.length)
    .sort((a, b) => a.accuracy - b.accuracy || Number(b.offered) - Number(a.offered))[0];
}

function gridsOf(base: number): GridEntry[] {
  return gridRows
    .filter(({ source, target }) => Number(source) === base && !needsShift(Number(target)))
    .map(({ grid, accuracy, ...box }) => {
      const found = alternatives.find(({ original }) => original === grid);
      const nadcon5 = /^(nadcon5\..+)\.l(?:at|on)\.trn\.\d+\.b$/.exec(grid)?.[1];
      if (nadcon5 !== undefined) {
        const file = `us_noaa_${nadcon5.replaceAll('.', '_')}.tif`;
        return { names: [file], accuracy: accuracy ?? 1, box, offered: true };
      }
      const all = [grid, found?.old ?? grid, found?.name || grid].map((name) => name.replaceAll(/\s/g, '_'));
      return { names: [...new Set(all)], accuracy: accuracy ?? 1, box, offered: (found?.name ?? '') !== '' };
    });
}

function isInside({ west, south, east, north }: Box, [lon, lat]: readonly [number, number]): boolean {
  const within = east >= west ? lon >= west && lon <= east : lon >= west || lon <= east;
  return within && lat >= south && lat <= north;
}

/** Metres that the EPSG list states of our shift; undefined where it has no such shift. */
function statedAccuracy(base: number, shift: string | undefined): number | undefined {
  const asked = (shift ?? '0,0,0').split(',').slice(0, 3).map(Number);
  for (const { source, target, accuracy, parameters } of shifts) {
    if (Number(source) !== base && Number(target) !== base) continue;
    const there = parameters.split(',').map(Number);
    const sign = Number(target) === base ? -1 : 1;
    if (!there.every((value, i) => Math.abs(value * sign - (asked[i] ?? 0)) < 1e-3)) continue;
    if (accuracy !== null && accuracy <= UNSTATED) return accuracy;
  }
  return undefined;
}

/** On an ellipsoid of before satellites, or in need of a shift by our own table. */
function needsShift(base: number): boolean {
  if (helmertOf(base) !== undefined) return true;
  const [row] = rows<{ a: number; sphere: number }>(
    `SELECT e.semi_major_axis AS a, e.semi_minor_axis IS e.semi_major_axis AS sphere FROM geodetic_crs c JOIN geodetic_datum d ON d.auth_name = c.datum_auth_name
     AND d.code = c.datum_code JOIN ellipsoid e ON e.auth_name = d.ellipsoid_auth_name AND e.code = d.ellipsoid_code
     WHERE c.auth_name = 'EPSG' AND c.code = '${base}'`,
  );
  return row !== undefined && Math.abs(row.a - 6378137) > 1 && !row.sphere;
}

/** The two-dimensional geographic system underneath. */
function baseCode(code: number): number | undefined {
  const [row] = rows<{ base: number }>(
    `SELECT code AS base FROM geodetic_crs WHERE auth_name = 'EPSG' AND code = '${code}'
     UNION SELECT geodetic_crs_code FROM projected_crs WHERE auth_name = 'EPSG' AND code = '${code}'
     UNION SELECT COALESCE(p.geodetic_crs_code, c.horiz_crs_code) FROM compound_crs c
       LEFT JOIN projected_crs p ON p.auth_name = 'EPSG' AND p.code = c.horiz_crs_code
       WHERE c.auth_name = 'EPSG' AND c.code = '${code}'`,
  );
  if (row === undefined) return undefined;
  const [flat] = rows<{ code: number }>(
    `SELECT flat.code FROM geodetic_crs solid JOIN geodetic_crs flat ON flat.datum_auth_name = solid.datum_auth_name
     AND flat.datum_code = solid.datum_code WHERE solid.auth_name = 'EPSG' AND flat.auth_name = 'EPSG'
     AND solid.code = '${row.base}' AND solid.type = 'geographic 3D' AND flat.type = 'geographic 2D'
     ORDER BY flat.deprecated, length(flat.name)`,
  );
  return greenwichOf(Number(flat?.code ?? row.base));
}

/** The same datum with longitudes from Greenwich: NTF of NTF (Paris). */
function greenwichOf(code: number): number {
  const stem = / \([A-Z][a-z]+\)$/.test(names.get(code) ?? '') && names.get(code)?.replace(/ \([A-Za-z]+\)$/, '');
  if (!stem) return code;
  for (const [other, name] of names) if (name === stem) return other;
  return code;
}

function boxOf(code: number): Box | undefined {
  const found = rows<Box>(
    `SELECT e.west_lon AS west, e.south_lat AS south, e.east_lon AS east, e.north_lat AS north FROM usage u
     JOIN extent e ON e.auth_name = u.extent_auth_name AND e.code = u.extent_code
     WHERE u.object_auth_name = 'EPSG' AND u.object_code = '${code}'
     AND u.object_table_name IN ('geodetic_crs', 'projected_crs', 'compound_crs')`,
  );
  return found[0];
}

/** Whether PROJ's first coordinate is the northing: the order that GDAL turns. */
function isTurned(code: number): boolean {
  const axes = rows<{ orientation: string; name: string }>(
    `SELECT a.orientation, a.name FROM axis a WHERE a.auth_name = 'EPSG' AND a.coordinate_system_code IN (
       SELECT coordinate_system_code FROM geodetic_crs WHERE auth_name = 'EPSG' AND code = '${code}'
       UNION SELECT coordinate_system_code FROM projected_crs WHERE auth_name = 'EPSG' AND code = '${code}'
       UNION SELECT p.coordinate_system_code FROM compound_crs c JOIN projected_crs p ON p.auth_name = 'EPSG' AND p.code = c.horiz_crs_code WHERE c.auth_name = 'EPSG' AND c.code = '${code}'
       UNION SELECT p.coordinate_system_code FROM compound_crs c JOIN geodetic_crs p ON p.auth_name = 'EPSG' AND p.code = c.horiz_crs_code WHERE c.auth_name = 'EPSG' AND c.code = '${code}')
     ORDER BY a.coordinate_system_order`,
  );
  const [first, second] = axes;
  if (first === undefined || second === undefined) return false;
  return (
    (first.orientation === 'north' && second.orientation === 'east') ||
    (/northing/i.test(first.name) && /easting/i.test(second.name))
  );
}

/** Systems that are tied to one of these by a shift of nothing, by code. */
function familiesOf(): Map<number, string> {
  const heads: Readonly<Record<number, string>> = {
    4258: 'ETRS89',
    4269: 'NAD83',
    4283: 'GDA94',
    7844: 'GDA2020',
    4167: 'NZGD2000',
    4490: 'CGCS2000',
    4674: 'SIRGAS',
  };
  const found = new Map<number, string>();
  for (const [code, name] of names) if (/^NAD83/.test(name)) found.set(code, 'NAD83');
  for (const { source, target, parameters } of shifts) {
    if (!parameters.split(',').every((value) => Number(value) === 0)) continue;
    const head = heads[Number(target)];
    if (head !== undefined) found.set(Number(source), head);
  }
  for (const [code, name] of Object.entries(heads)) found.set(Number(code), name);
  return found;
}

function rows<T>(sql: string): T[] {
  return database.prepare(sql).all() as T[];
}

function moduleOf(skipped: readonly number[]): string {
  const version = (key: string) => rows<{ value: string }>(`SELECT value FROM metadata WHERE key = '${key}'`)[0]?.value;
  const bases = new Map<string, number[]>();
  const accuracies = new Map<string, number[]>();
  const refused = new Map<string, number[]>();
  const add = (to: Map<string, number[]>, key: string, code: number) => to.set(key, [...(to.get(key) ?? []), code]);
  for (const { code, base, verdict, accuracy } of findings) {
    const family = families.get(base);
    const name = (names.get(base) ?? '').replaceAll('=', ' ');
    if (base !== WGS84) add(bases, `${base} ${name}${family && family !== name ? `=${family}` : ''}`, code);
    if (verdict !== undefined) add(refused, verdict, code);
    else if (accuracy > 1) add(accuracies, String(accuracy), code);
  }
  const used = new Set(findings.map(({ base }) => base));
  const grids = new Map<string, string>();
  for (const base of [...used].sort((a, b) => a - b)) {
    const entries = new Map<string, number>();
    for (const { names: all, accuracy } of gridsOf(base)) {
      const key = all.join('=');
      entries.set(key, Math.min(accuracy, entries.get(key) ?? accuracy));
    }
    if (entries.size > 0) grids.set(String(base), [...entries].map(([key, metres]) => `${key}:${metres}`).join(' '));
  }
  const known = findings.map(({ code }) => code);
  const ranged = (table: Map<string, number[]>, across: readonly number[] = known) =>
    record([...table].map(([key, codes]) => [key, rangesOf(codes, across)]));
  return `/**
 * What scripts/check-crs.ts found by holding the EPSG codes known here against PROJ; written by that script, not by hand.
 * Names and figures are from the EPSG dataset (epsg.org; see NOTICE).
 */

/** Versions of the EPSG dataset and of PROJ. */
export const MADE_WITH = { epsg: '${version('EPSG.VERSION')}', proj: '${version('PROJ.VERSION')}' };

/** Geographic system (code, name, =family where it has one), and the codes that are built on it; WGS84 is left out. */
export const BASES: Readonly<Record<string, string>> = ${ranged(bases)};

/** Esri's names of geographic systems on old datums, in plain letters, and their codes. */
export const ALIASES: Readonly<Record<string, string>> = ${record(aliasesOf(used))};

/** Geographic system, and the grids that lead from it to what is taken as WGS84: names=of=the=file:metres. */
export const GRIDS: Readonly<Record<string, string>> = ${record([...grids])};

/** Metres, and the codes that are that accurate; those that are not named are accurate to 1 m. */
export const ACCURACIES: Readonly<Record<string, string>> = ${ranged(accuracies)};

/** Why codes are refused, and which (tiler/geo/crs-verdict.ts has the sentences). */
export const REFUSED: Readonly<Record<string, string>> = ${ranged(refused)};

/** Codes that are newer than this PROJ. */
export const UNCHECKED = '${rangesOf(
    skipped,
    [...known, ...skipped].sort((a, b) => a - b),
  )}';
`;
}

function record(entries: readonly (readonly [string, string])[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  return entries.length === 0
    ? '{}'
    : `{\n${entries.map(([key, value]) => `  ${quote(key)}: ${quote(value)},`).join('\n')}\n}`;
}

/** Runs of codes with nothing known between them as `first-last`. */
function rangesOf(codes: readonly number[], known: readonly number[]): string {
  const wanted = new Set(codes);
  const parts: string[] = [];
  let first: number | undefined;
  let last = 0;
  for (const code of [...known, Number.POSITIVE_INFINITY]) {
    if (wanted.has(code)) {
      first ??= code;
      last = code;
    } else if (first !== undefined) {
      parts.push(first === last ? `${first}` : `${first}-${last}`);
      first = undefined;
    }
  }
  return parts.join(' ');
}

function aliasesOf(used: ReadonlySet<number>): [string, string][] {
  const plain = (name: string) =>
    name
      .replace(/^(GCS|D)_/i, '')
      .replaceAll(/[^a-z0-9+]/gi, '')
      .toLowerCase();
  const found = rows<{ code: number; alias: string }>(
    `SELECT c.code, a.alt_name AS alias FROM alias_name a JOIN geodetic_crs c ON c.auth_name = 'EPSG'
     AND a.table_name = 'geodetic_crs' AND a.auth_name = 'EPSG' AND a.code = c.code
     WHERE a.source = 'ESRI' AND c.type = 'geographic 2D' ORDER BY CAST(c.code AS INTEGER)`,
  );
  const pairs = found
    .filter(({ code }) => used.has(Number(code)) && needsShift(Number(code)))
    .filter(({ code, alias }) => plain(alias) !== plain(names.get(Number(code)) ?? ''))
    .map(({ code, alias }): [string, string] => [plain(alias), String(code)]);
  return [...new Map(pairs.reverse())].reverse();
}

function tableOf(): string {
  const lines = findings.map(({ code, base, off, datumOff, projectionOff, stated, verdict, accuracy }) =>
    [
      code,
      base,
      names.get(base),
      off.toFixed(3),
      datumOff.toFixed(3),
      projectionOff.toFixed(3),
      stated ?? '',
      accuracy,
      verdict ?? '',
    ].join('\t'),
  );
  return `${['code', 'base', 'name', 'off', 'datumOff', 'projectionOff', 'stated', 'accuracy', 'verdict'].join('\t')}\n${lines.join('\n')}\n`;
}
