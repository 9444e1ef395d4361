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

export interface SheetGrid {
  /** Of the union: its sample (0, 0) is the north-west one of all sheets. */
  readonly affine: Affine;
  readonly columns: number;
  readonly rows: number;
  readonly periodColumns: number | undefined;
  /** Of each sheet's first sample, in the order given. */
  readonly places: readonly Place[];
}

export interface Place {
  readonly column: number;
  readonly row: number;
}

/** Of the spacing, relative; and of a position, in samples. */
const SPACING_TOLERANCE = 1e-6;
const POSITION_TOLERANCE = 0.01;

/** Each is laid over all others below it; no mosaic of products needs more. */
const MAX_GRIDS = 1000;

/** Indices of the sheets that share one grid of samples: each goes to the first group whose first sheet it continues. Refuses too many grids. */
export function groupSheets(infos: readonly RasterInfo[]): readonly (readonly number[])[] {
  const groups: { readonly origin: Origin; readonly members: number[] }[] = [];
  const byFrame = new Map<string, typeof groups>();
  for (const [i, info] of infos.entries()) {
    const frame = `${info.crs}\n${info.vertical.datum}\n${info.vertical.unitMetres}`;
    const alike = byFrame.get(frame) ?? [];
    byFrame.set(frame, alike);
    const group = alike.find(({ origin }) => typeof placeOf(origin, info) !== 'string');
    if (group !== undefined) {
      group.members.push(i);
      continue;
    }
    if (groups.length === MAX_GRIDS) {
      throw new RelievoError(
        'input-unsupported',
        `The ${infos.length} files lie on more than ${MAX_GRIDS} different grids (${info.name} begins another), and each would be a source of its own: bring them to one grid first (gdalbuildvrt, or gdalwarp -tap).`,
        { where: info.name },
      );
    }
    const added = { origin: originOf(info), members: [i] };
    alike.push(added);
    groups.push(added);
  }
  return groups.map(({ members }) => members);
}

/** Refuses with `input-unsupported` the first sheet that does not fit the one before all others. */
export async function placeSheets(infos: readonly RasterInfo[]): Promise<SheetGrid> {
  const [first] = infos;
  if (first === undefined) throw new RangeError('at least one sheet is needed');
  const origin = originOf(first);
  const places = infos.map((info) => {
    const place = placeOf(origin, info);
    if (typeof place === 'string') throw doesNotFit(first, info, place);
    return place;
  });
  const round = await worldOf(first);
  if (round !== undefined) turn(places, infos, round);
  const west = least(places.map(({ column }) => column));
  const north = least(places.map(({ row }) => row));
  const moved = places.map(({ column, row }) => ({ column: column - west, row: row - north }));
  const columns = greatest(moved.map(({ column }, i) => column + sizeOf(infos[i]).columns));
  const rows = greatest(moved.map(({ row }, i) => row + sizeOf(infos[i]).rows));
  if (columns > 2 ** 31 || rows > 2 ** 31) {
    throw new RelievoError(
      'input-unsupported',
      `The sheets together span ${columns} x ${rows} samples; at most ${2 ** 31} a side can be joined: build them in parts.`,
    );
  }
  const [c, f] = applyAffine(first.affine, west, north);
  return {
    affine: { ...first.affine, c, f },
    columns,
    rows,
    periodColumns: round !== undefined && columns >= round ? round : undefined,
    places: moved,
  };
}

interface MutablePlace {
  column: number;
  row: number;
}

/** The sheet from which others are counted, and the way from coordinates to its samples. */
interface Origin {
  readonly first: RasterInfo;
  readonly back: Affine;
}

function originOf(first: RasterInfo): Origin {
  const back = invertAffine(first.affine);
  if (back === undefined) throw new RangeError('the first sheet has no spacing');
  return { first, back };
}

/** Where a sheet lies, in samples of the first; or in words why it does not continue it. */
function placeOf({ first, back }: Origin, info: RasterInfo): MutablePlace | string {
  const differs = difference(first, info);
  if (differs !== undefined) return differs;
  const [x, y] = applyAffine(info.affine, 0, 0);
  const [column, row] = applyAffine(back, x, y);
  const place = { column: Math.round(column), row: Math.round(row) };
  const off = Math.max(Math.abs(column - place.column), Math.abs(row - place.row));
  if (off <= POSITION_TOLERANCE) return place;
  return `its samples lie ${off.toFixed(2)} of a sample beside those of the other`;
}

/** What keeps two sheets from being one raster, in words; undefined when nothing does. */
function difference(first: RasterInfo, info: RasterInfo): string | undefined {
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

function doesNotFit(first: RasterInfo, info: RasterInfo, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${info.name} does not continue ${first.name}: ${what}. Files given together must be sheets of one grid; build them one by one, or join them first with gdalwarp.`,
    { where: info.name },
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
function turn(places: MutablePlace[], infos: readonly RasterInfo[], round: number): void {
  const spans = places
    .map(({ column }, i) => {
      const start = modulo(column, round);
      return { column, start, end: start + sizeOf(infos[i]).columns };
    })
    .sort((p, q) => p.start - q.start || p.column - q.column);
  // Where nothing is left open the westernmost longitude is as good a place to cut as any.
  let origin = least(places.map(({ column }) => column));
  let widest = 0;
  let reach = greatest(spans.map(({ end }) => end)) - round;
  for (const { column, start, end } of spans) {
    if (start - reach > widest) {
      widest = start - reach;
      origin = column;
    }
    reach = Math.max(reach, end);
  }
  for (const place of places) place.column = origin + modulo(place.column - origin, round);
}

function sizeOf(info: RasterInfo | undefined): { columns: number; rows: number } {
  return info?.levels[0] ?? { columns: 0, rows: 0 };
}

/** Of any number of values, which the arguments of a function may not be. */
function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}
