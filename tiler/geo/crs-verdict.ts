/**
 * How far a CRS of the EPSG list lies from the truth when it is computed here, what must be given first, and whether it is
 * refused: what scripts/check-crs.ts found against PROJ (crs-accuracy.ts), in sentences. Metres on the ground.
 */
import { ACCURACIES, ALIASES, BASES, GRIDS, MADE_WITH, REFUSED, UNCHECKED } from './crs-accuracy.ts';
import type { DatumGrid } from './datum-grid.ts';

/** A geographic system on which others are built. */
export interface BaseSystem {
  readonly code: number;
  readonly name: string;
  /** `ETRS89` for its national realisations. */
  readonly family: string;
}

export interface Verdict {
  /** Metres; undefined where nobody says. */
  readonly accuracyMetres: number | undefined;
  /** A sentence; empty where nothing is worth saying. */
  readonly note: string;
  /** Why it cannot be used as it is, and what to do: two sentences. */
  readonly refusal?: string | undefined;
}

/** Families that are taken as WGS84 without a shift, with what that costs in 2026. */
const TAKEN_AS_WGS84: Readonly<Record<string, readonly [metres: number, why: string]>> = {
  ETRS89: [0.9, 'by plate motion since 1989'],
  NAD83: [2, 'because its origin lies 1 to 2 m from the centre of the Earth'],
  GDA94: [1.8, 'by plate motion since 1994'],
  GDA2020: [0.5, 'by plate motion since 2020'],
  NZGD2000: [1.3, 'by plate motion since 2000'],
  CGCS2000: [0.9, 'by plate motion since 2000'],
  SIRGAS: [0.5, 'by plate motion since 2000'],
};
const OTHERS_AS_WGS84 = [1, 'by plate motion and by how loosely the two are tied'] as const;

/** The geographic system under a code: geographic, projected or compound. Undefined for WGS84 and for unknown codes. */
export function baseOf(code: number): BaseSystem | undefined {
  // Some are no codes that are known by themselves, only under others.
  const key = lookUp('bases', BASES).get(code) ?? Object.keys(BASES).find((one) => one.startsWith(`${code} `));
  if (key === undefined) return undefined;
  const [, base = '', name = '', family] = /^(\d+) ([^=]+)(?:=(\w+))?$/.exec(key) ?? [];
  return { code: Number(base), name, family: family ?? name };
}

/** The geographic system that WKT names, as EPSG or Esri spell it; undefined for WGS84 and what is not known. */
export function baseNamed(name: string): BaseSystem | undefined {
  codeByName ??= indexNames();
  const code = codeByName.get(plain(name));
  return code === undefined ? undefined : baseOf(code);
}

/** What is known of an EPSG code, with the shift that Relievo has for it. */
export function judgeCode(code: number, base: BaseSystem | undefined, shifted: boolean): Verdict {
  const refused = lookUp('refused', REFUSED).get(code);
  const stated = lookUp('accuracies', ACCURACIES).get(code);
  const accuracy = stated === undefined ? undefined : Number(stated);
  if (refused !== undefined) return { accuracyMetres: undefined, note: '', refusal: refusalOf(code, base, refused) };
  if (lookUp('unchecked', { unchecked: UNCHECKED }).has(code)) {
    const note = `EPSG:${code} is not in EPSG ${MADE_WITH.epsg}, against which codes were checked: how good its positions are is not known.`;
    return { accuracyMetres: undefined, note };
  }
  if (base === undefined) return { accuracyMetres: accuracy ?? 0, note: '' };
  if (shifted) {
    const accuracyMetres = accuracy ?? 1;
    const note = `${base.name} is brought to WGS 84 by one shift for the whole area, good to ${accuracyMetres} m.`;
    return { accuracyMetres, note };
  }
  return takenAsWgs84(base, accuracy);
}

/** The verdict on a CRS whose datum is brought to WGS84 by grids, or to what is taken as WGS84. */
export function judgeGrids(base: BaseSystem | undefined, grids: readonly DatumGrid[]): Verdict {
  const byGrid = Math.max(...grids.map((grid) => Math.max(accuracyOf(base, grid) ?? 1, grid.interpolationMetres)));
  const targets = grids.map(({ targetCode }) =>
    targetCode === 4326 ? 0 : costOf(targetCode ? baseOf(targetCode) : undefined)[0],
  );
  const accuracyMetres = Math.max(byGrid, ...targets);
  const names = grids.map(({ name }) => name).join(', ');
  const note = `${base?.name ?? 'Its datum'} is brought to WGS 84 by ${names}, good to ${byGrid} m; the datum to which that leads is taken as WGS 84: up to ${accuracyMetres} m in all in 2026.`;
  return { accuracyMetres, note };
}

/** The grids that lead from this datum, in the order given. `radius`: equatorial, metres, of its ellipsoid. */
export function fittingGrids(
  grids: readonly DatumGrid[],
  base: BaseSystem | undefined,
  radius: number | undefined,
): DatumGrid[] {
  return grids.filter((grid) => {
    if (grid.targetRadius !== undefined && Math.abs(grid.targetRadius - 6378137) > 1) return false;
    if (base !== undefined && accuracyOf(base, grid) !== undefined) return true;
    if (isListed(grid)) return false;
    if (grid.sourceCode !== undefined) return grid.sourceCode === base?.code;
    return grid.sourceRadius !== undefined && radius !== undefined && Math.abs(grid.sourceRadius - radius) < 1;
  });
}

function takenAsWgs84(base: BaseSystem, accuracy: number | undefined): Verdict {
  const [cost, why] = costOf(base);
  const accuracyMetres = Math.max(cost, accuracy ?? 0);
  return { accuracyMetres, note: `${base.name} is taken as WGS 84: up to ${accuracyMetres} m in 2026, ${why}.` };
}

/** Metres that it costs in 2026 to take a system of the satellites' time as WGS84, and why. */
function costOf(base: BaseSystem | undefined): readonly [metres: number, why: string] {
  return (base && TAKEN_AS_WGS84[base.family]) ?? OTHERS_AS_WGS84;
}

const GDALWARP = 'reproject the file first with gdalwarp -t_srs EPSG:4326';
/** `grid FILE METRES`, `wrong METRES`, `regional METRES`, `shift`, as the table has them. */
function refusalOf(code: number, base: BaseSystem | undefined, refused: string): string {
  const [kind, first = '', second = ''] = refused.split(' ');
  const datum = base?.name ?? 'an old datum';
  if (kind === 'grid') {
    return `EPSG:${code} lies on ${datum}, which needs a datum grid: without it positions are off by up to ${second} m. Give the grid with --crs-grids ${first} (PROJ's grids: cdn.proj.org), or ${GDALWARP}.`;
  }
  if (kind === 'regional') {
    return `EPSG:${code} lies on ${datum}, whose shift to WGS 84 differs from place to place: with the one known here positions are off by up to ${first} m. Give a datum grid with --crs-grids (PROJ's grids: cdn.proj.org), or ${GDALWARP}.`;
  }
  if (kind === 'shift') {
    return `EPSG:${code} lies on ${datum}, of which no shift to WGS 84 is known here: positions would be off by hundreds of metres. Give a datum grid with --crs-grids, or the system as a proj4 string with +towgs84 with --source-crs, or ${GDALWARP}.`;
  }
  return `EPSG:${code} is computed wrongly here${first === '' ? '' : ` (up to ${first} m from PROJ)`}: ${GDALWARP}.`;
}

/** Metres of a grid that the table lists for the base; undefined when it does not. */
function accuracyOf(base: BaseSystem | undefined, grid: DatumGrid): number | undefined {
  const entries = base && GRIDS[String(base.code)];
  if (entries === undefined) return undefined;
  for (const entry of entries.split(' ')) {
    const [names = '', metres] = entry.split(':');
    if (namesGrid(names, grid)) return Number(metres);
  }
  return undefined;
}

/** Whether the table knows the grid, for whatever datum. */
function isListed(grid: DatumGrid): boolean {
  return Object.values(GRIDS).some((entries) =>
    entries.split(' ').some((entry) => namesGrid(entry.split(':')[0] ?? '', grid)),
  );
}

function namesGrid(names: string, { name }: DatumGrid): boolean {
  return names.toLowerCase().split('=').includes(name.toLowerCase());
}

let codeByName: Map<string, number> | undefined;

function indexNames(): Map<string, number> {
  const index = new Map<string, number>();
  for (const key of Object.keys(BASES)) {
    const [, code = '', name = ''] = /^(\d+) ([^=]+)/.exec(key) ?? [];
    if (!index.has(plain(name))) index.set(plain(name), Number(code));
  }
  for (const [alias, code] of Object.entries(ALIASES)) index.set(alias, Number(code));
  return index;
}

/** Letters and digits only, without Esri's prefixes. */
function plain(name: string): string {
  return name
    .replace(/^(GCS|D)_/i, '')
    .replace(/[^a-z0-9+]/gi, '')
    .toLowerCase();
}

const tables = new Map<string, Map<number, string>>();

/** A table of values with their codes, turned about: the value of each code. */
function lookUp(name: string, table: Readonly<Record<string, string>>): Map<number, string> {
  let index = tables.get(name);
  if (index !== undefined) return index;
  index = new Map();
  for (const [value, codes] of Object.entries(table)) {
    for (const range of codes.split(' ')) {
      const [first = 0, last = first] = range.split('-').map(Number);
      for (let code = first; code <= last; code++) index.set(code, value);
    }
  }
  tables.set(name, index);
  return index;
}
