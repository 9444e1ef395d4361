/**
 * Where sheets lie on one common grid of samples, or why they do not: their offsets in whole samples from the north-west
 * sample of all. Longitudes are a circle, cut at its largest gap, so that sheets on both sides of the date line join.
 */
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { applyAffine, invertAffine } from '../geo/affine.ts';
import { resolveCrs } from '../geo/crs.ts';
import type { RasterInfo } from './raster-source.ts';
import { modulo } from './sample-window.ts';
import type { SheetList } from './sheet-list.ts';

export interface SheetGrid {
  /** Of the union: its sample (0, 0) is the north-west one of all sheets. */
  readonly affine: Affine;
  readonly columns: number;
  readonly rows: number;
  readonly periodColumns: number | undefined;
  /** Of each sheet's first sample, in the order given. */
  readonly places: Places;
}

/** In memory that threads may share. */
export interface Places {
  readonly columns: Float64Array;
  readonly rows: Float64Array;
}

/** Of the spacing, relative; and of a position, in samples. */
const SPACING_TOLERANCE = 1e-6;
const POSITION_TOLERANCE = 0.01;

/** Each is laid over all others below it; no mosaic of products needs more. */
const MAX_GRIDS = 1000;

/** Indices of the sheets that share one grid of samples: each goes to the first group whose first sheet it continues. Refuses too many grids. */
export function groupSheets(sheets: SheetList): readonly (readonly number[])[] {
  const groups: { readonly origin: Origin; readonly members: number[] }[] = [];
  const byFrame = new Map<string, typeof groups>();
  const alikeOf = new Map<RasterInfo, typeof groups>();
  for (let i = 0; i < sheets.length; i++) {
    const info = sheets.frameOf(i);
    let alike = alikeOf.get(info);
    if (alike === undefined) {
      const frame = `${info.crs}\n${info.vertical.datum}\n${info.vertical.unitMetres}`;
      alike = byFrame.get(frame) ?? [];
      byFrame.set(frame, alike);
      alikeOf.set(info, alike);
    }
    const group = alike.find(({ origin }) => typeof placeOf(origin, sheets, i) !== 'string');
    if (group !== undefined) {
      group.members.push(i);
      continue;
    }
    if (groups.length === MAX_GRIDS) {
      throw new RelievoError(
        'input-unsupported',
        `The ${sheets.length} files lie on more than ${MAX_GRIDS} different grids (${sheets.nameOf(i)} begins another), and each would be a source of its own: bring them to one grid first (gdalbuildvrt, or gdalwarp -tap).`,
        { where: sheets.nameOf(i) },
      );
    }
    const added = { origin: originOf(sheets, i), members: [i] };
    alike.push(added);
    groups.push(added);
  }
  return groups.map(({ members }) => members);
}

/** Refuses with `input-unsupported` the first sheet that does not fit the one before all others. */
export async function placeSheets(sheets: SheetList): Promise<SheetGrid> {
  if (sheets.length === 0) throw new RangeError('at least one sheet is needed');
  const origin = originOf(sheets, 0);
  const memory = () => new Float64Array(new SharedArrayBuffer(8 * sheets.length));
  const places = { columns: memory(), rows: memory() };
  for (let i = 0; i < sheets.length; i++) {
    const place = placeOf(origin, sheets, i);
    if (typeof place === 'string') throw doesNotFit(sheets.nameOf(0), sheets.nameOf(i), place);
    places.columns[i] = place.column;
    places.rows[i] = place.row;
  }
  const round = await worldOf(origin.first);
  if (round !== undefined) turn(places.columns, sheets, round);
  const west = least(places.columns);
  const north = least(places.rows);
  let [columns, rows] = [0, 0];
  for (let i = 0; i < sheets.length; i++) {
    const size = sizeOf(sheets.frameOf(i));
    places.columns[i] = at(places.columns, i) - west;
    places.rows[i] = at(places.rows, i) - north;
    columns = Math.max(columns, at(places.columns, i) + size.columns);
    rows = Math.max(rows, at(places.rows, i) + size.rows);
  }
  if (columns > 2 ** 31 || rows > 2 ** 31) {
    throw new RelievoError(
      'input-unsupported',
      `The sheets together span ${columns} x ${rows} samples; at most ${2 ** 31} a side can be joined: build them in parts.`,
    );
  }
  const [c, f] = applyAffine(origin.affine, west, north);
  return {
    affine: { ...origin.affine, c, f },
    columns,
    rows,
    periodColumns: round !== undefined && columns >= round ? round : undefined,
    places,
  };
}

/** The sheet from which others are counted, and the way from coordinates to its samples. */
interface Origin {
  readonly first: RasterInfo;
  readonly affine: Affine;
  readonly back: Affine;
}

function originOf(sheets: SheetList, index: number): Origin {
  const first = sheets.frameOf(index);
  const affine = { ...first.affine, c: sheets.xOf(index), f: sheets.yOf(index) };
  const back = invertAffine(affine);
  if (back === undefined) throw new RangeError('the first sheet has no spacing');
  return { first, affine, back };
}

/** Where a sheet lies, in samples of the first; or in words why it does not continue it. */
function placeOf({ first, back }: Origin, sheets: SheetList, i: number): { column: number; row: number } | string {
  const differs = difference(first, sheets.frameOf(i));
  if (differs !== undefined) return differs;
  const [column, row] = applyAffine(back, sheets.xOf(i), sheets.yOf(i));
  const place = { column: Math.round(column), row: Math.round(row) };
  const off = Math.max(Math.abs(column - place.column), Math.abs(row - place.row));
  if (off <= POSITION_TOLERANCE) return place;
  return `its samples lie ${off.toFixed(2)} of a sample beside those of the other`;
}

/** What keeps two sheets from being one raster, in words; undefined when nothing does. */
function difference(first: RasterInfo, info: RasterInfo): string | undefined {
  if (info === first) return undefined;
  if (info.crs !== first.crs) return `its coordinate system is ${info.crsName}, not ${first.crsName}`;
  const { vertical } = info;
  if (vertical.datum !== first.vertical.datum)
    return `its heights refer to ${vertical.datum}, not ${first.vertical.datum}`;
  if (vertical.unitMetres !== first.vertical.unitMetres)
    return `its heights are in ${vertical.unit}, not ${first.vertical.unit}`;
  const { a, b, d, e } = first.affine;
  const tolerance = SPACING_TOLERANCE * Math.max(Math.hypot(a, d), Math.hypot(b, e));
  const other = info.affine;
  const worst = Math.max(Math.abs(other.a - a), Math.abs(other.b - b), Math.abs(other.d - d), Math.abs(other.e - e));
  return worst > tolerance ? `its sample spacing is ${other.a} by ${-other.e}, not ${a} by ${-e}` : undefined;
}

function doesNotFit(first: string, name: string, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${name} does not continue ${first}: ${what}. Files given together must be sheets of one grid; build them one by one, or join them first with gdalwarp.`,
    { where: name },
  );
}

/** Columns once round the world; undefined for a projected grid, and for one whose columns do not meet again. */
async function worldOf({ affine, crs }: RasterInfo): Promise<number | undefined> {
  if (affine.b !== 0 || affine.d !== 0 || !(affine.a > 0)) return undefined;
  const { geographic, unitMetres } = await resolveCrs(crs);
  if (!geographic) return undefined;
  const round = 360 / (affine.a * unitMetres);
  return Math.abs(round - Math.round(round)) < POSITION_TOLERANCE ? Math.round(round) : undefined;
}

/** Shifts sheets by whole turns so that they follow one another eastward from the largest gap of the circle. */
function turn(columns: Float64Array, sheets: SheetList, round: number): void {
  /** By where on the circle they start: the sheets that do, from the westernmost column to the farthest end. */
  const spans = new Map<number, { column: number; readonly start: number; end: number }>();
  for (let i = 0; i < columns.length; i++) {
    const column = at(columns, i);
    const start = modulo(column, round);
    const end = start + sizeOf(sheets.frameOf(i)).columns;
    const span = spans.get(start);
    if (span === undefined) spans.set(start, { column, start, end });
    else {
      span.column = Math.min(span.column, column);
      span.end = Math.max(span.end, end);
    }
  }
  // Where nothing is left open the westernmost longitude is as good a place to cut as any.
  let origin = least(columns);
  let widest = 0;
  const sorted = [...spans.values()].sort((p, q) => p.start - q.start);
  let reach = sorted.reduce((most, { end }) => Math.max(most, end), -Infinity) - round;
  for (const { column, start, end } of sorted) {
    if (start - reach > widest) {
      widest = start - reach;
      origin = column;
    }
    reach = Math.max(reach, end);
  }
  for (let i = 0; i < columns.length; i++) columns[i] = origin + modulo(at(columns, i) - origin, round);
}

function sizeOf(info: RasterInfo): { columns: number; rows: number } {
  return info.levels[0] ?? { columns: 0, rows: 0 };
}

function at(numbers: Float64Array, index: number): number {
  return numbers[index] ?? 0;
}

/** Of any number of values, which the arguments of a function may not be. */
function least(values: Float64Array): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}
