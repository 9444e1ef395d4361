/**
 * Where a raster lies that does not say so itself: `--source-crs` or a `.prj` beside it, `--bounds` or a world file beside
 * it. Nothing is taken for granted: without these the file is refused with a sentence that names them.
 */
import { stat } from 'node:fs/promises';
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { applyAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import { resolveCrs } from '../geo/crs.ts';
import type { DatumGrid } from '../geo/datum-grid.ts';
import type { VerticalReference } from './raster-source.ts';
import { readPrj, readText, readWorldFile } from './sidecars.ts';
import { verticalFromWkt, verticalUnknown } from './vertical.ts';

/** What the user says of a place. */
export interface PlaceOptions {
  /** `EPSG:code`, a proj4 string, WKT, or the path of a `.prj`; goes before what files say. */
  readonly sourceCrs?: string | undefined;
  /** Datum grids that the CRS may use. */
  readonly grids?: readonly DatumGrid[] | undefined;
  /** `west,south,east,north`: the outer edges, in units of the CRS. */
  readonly bounds?: string | undefined;
}

export interface Shape {
  readonly columns: number;
  readonly rows: number;
}

/** A CRS, and what its text says of heights. */
export interface Frame {
  readonly crs: Crs;
  readonly vertical: VerticalReference;
}

/** The CRS that the user names, else that of the `.prj` beside the file; undefined when there is neither. */
export async function findFrame(path: string, { sourceCrs, grids }: PlaceOptions): Promise<Frame | undefined> {
  if (sourceCrs !== undefined) return frameOf(await definitionOf(sourceCrs), grids);
  const prj = await readPrj(path);
  if (prj === undefined) return undefined;
  try {
    return await frameOf(prj.value, grids);
  } catch (cause) {
    if (!(cause instanceof RelievoError)) throw cause;
    throw new RelievoError(cause.code, `${prj.path}: ${cause.message} Or name the system with --source-crs.`, {
      where: prj.path,
      cause,
    });
  }
}

/** Like `findFrame`, and refuses with `crs` a file of which nobody says it. `what` names its kind: `an Esri ASCII grid`. */
export async function requireFrame(path: string, what: string, options: PlaceOptions): Promise<Frame> {
  const frame = await findFrame(path, options);
  if (frame !== undefined) return frame;
  throw new RelievoError(
    'crs',
    `${path} is ${what}, which does not say in which coordinate system it lies: name it with --source-crs (EPSG:4326 for longitude and latitude), or put a .prj file beside it.`,
    { where: path },
  );
}

async function frameOf(definition: string, grids: PlaceOptions['grids']): Promise<Frame> {
  return { crs: await resolveCrs(definition, { grids }), vertical: verticalFromWkt(definition) ?? verticalUnknown() };
}

/**
 * (column, row) of a sample's centre to CRS coordinates, from `--bounds`, else from a world file. Refuses with `crs` when
 * there is neither, with `usage` bounds that are none.
 */
export async function requireAffine(path: string, what: string, shape: Shape, options: PlaceOptions): Promise<Affine> {
  const affine = await findAffine(path, shape, options);
  if (affine !== undefined) return affine;
  throw new RelievoError(
    'crs',
    `${path} is ${what}, which does not say where its samples lie: give its outer edges with --bounds WEST,SOUTH,EAST,NORTH and their coordinate system with --source-crs.`,
    { where: path },
  );
}

/** The same, undefined when there is neither. */
export async function findAffine(path: string, shape: Shape, { bounds }: PlaceOptions): Promise<Affine | undefined> {
  return bounds === undefined ? (await readWorldFile(path))?.value : affineOfBounds(bounds, shape);
}

/** The affine of a raster of `shape` whose outer edges are `west,south,east,north`. */
export function affineOfBounds(text: string, { columns, rows }: Shape): Affine {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [west = Number.NaN, south = Number.NaN, east = Number.NaN, north = Number.NaN] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite) || !(west < east) || !(south < north)) {
    throw new RelievoError(
      'usage',
      `Bounds are WEST,SOUTH,EAST,NORTH, the outer edges in units of the CRS, west below east and south below north (beyond the date line: 170,-20,190,0); got "${text}".`,
      { where: '--bounds' },
    );
  }
  const [width, height] = [(east - west) / columns, (north - south) / rows];
  return { a: width, b: 0, c: west + width / 2, d: 0, e: -height, f: north - height / 2 };
}

/** Positions must lie in the CRS's own world; a wrong CRS shows here first. Refuses with `crs`. */
export function checkPlace(crs: Crs, affine: Affine, { columns, rows }: Shape): void {
  if (crs.grids.length > 0) checkGridCover(crs, affine, { columns, rows });
  if (!crs.geographic) {
    const centre = applyAffine(affine, (columns - 1) / 2, (rows - 1) / 2);
    if (Number.isFinite(crs.inverse(centre)[0])) return;
    throw new RelievoError(
      'crs',
      `Its middle (${centre.join(', ')}) is nowhere on Earth in ${crs.name}: the coordinate system or the coordinates are wrong; name the right one with --source-crs.`,
    );
  }
  const unit = crs.unitMetres;
  const slack =
    Math.max(Math.abs(affine.d) + Math.abs(affine.e), Math.abs(affine.a) + Math.abs(affine.b)) * unit * 1.001;
  for (const [column, row] of [
    [0, 0],
    [columns - 1, 0],
    [0, rows - 1],
    [columns - 1, rows - 1],
  ] as const) {
    const [x, y] = applyAffine(affine, column, row);
    const [lon, lat] = [x * unit, y * unit];
    if (Math.abs(lat) <= 90 + slack && lon >= -360 - slack && lon <= 540 + slack) continue;
    throw new RelievoError(
      'crs',
      `A corner lies at longitude ${lon}, latitude ${lat}, outside the world: its coordinates are said to be degrees (${crs.name}), and they are not; name the right system with --source-crs.`,
    );
  }
}

/** A datum grid that ends inside the data would cut them off without a word. */
function checkGridCover(crs: Crs, affine: Affine, { columns, rows }: Shape): void {
  for (let i = 0; i < 25; i++) {
    const [column, row] = [((columns - 1) * (i % 5)) / 4, ((rows - 1) * Math.floor(i / 5)) / 4];
    const [x, y] = applyAffine(affine, column, row);
    if (Number.isFinite(crs.inverse([x, y])[0])) continue;
    throw new RelievoError(
      'crs',
      `The datum grid ${crs.grids.join(', ')} has no value at x ${x}, y ${y} in ${crs.name}, inside the data: give one that covers them all with --crs-grids, or several.`,
      { where: '--crs-grids' },
    );
  }
}

/** Columns once round the world, where the raster goes round it and its columns meet again. */
export function periodOf(affine: Affine, crs: Crs, columns: number): number | undefined {
  if (!crs.geographic) return undefined;
  const step = affine.a * crs.unitMetres;
  if (affine.b !== 0 || affine.d !== 0 || !(step > 0)) return undefined;
  const period = Math.round(360 / step);
  const closes = Math.abs(period * step - 360) < step / 100;
  return closes && columns >= period ? period : undefined;
}

/** What the user names, or the content of the `.prj` whose path that is. */
async function definitionOf(sourceCrs: string): Promise<string> {
  if (!/\.(prj|wkt2?|json|txt)$/i.test(sourceCrs.trim())) return sourceCrs;
  const path = sourceCrs.trim();
  await stat(path).catch((cause: unknown) => {
    throw new RelievoError('input-missing', `Cannot open ${path}, which --source-crs names; check the name.`, {
      where: '--source-crs',
      cause,
    });
  });
  return (await readText(path)).trim();
}
