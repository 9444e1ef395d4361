/**
 * Files beside a raster that say where it lies: world files (six lines A D B E C F, of which C and F are the **centre** of
 * the upper-left sample), `.prj` (a coordinate system as WKT) and `.ovr` (external overviews, GDAL's convention).
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { invertAffine } from '../geo/affine.ts';
import { listSidecars } from './sidecar-listing.ts';
import { isRemoteName } from './source-name.ts';

export interface Sidecar<T> {
  readonly path: string;
  /** What the file says. */
  readonly value: T;
}

/** A sidecar is a page of text; what is longer is something else. */
const MAX_TEXT_BYTES = 2 ** 16;
/** Endings that say how a file is packed, not what it is. */
const PACKED = /\.(gz|zip)$/i;

/** The `.prj` beside a raster, trimmed; undefined when there is none. */
export async function readPrj(path: string): Promise<Sidecar<string> | undefined> {
  const found = await findSidecar(path, [`${stemOf(path)}.prj`, `${basename(path)}.prj`]);
  if (found === undefined) return undefined;
  const value = (await readText(found)).trim();
  if (value === '') throw invalid(found, 'is empty; expected a coordinate system as WKT');
  return { path: found, value };
}

/**
 * The world file beside a raster: (column, row) of a sample's centre to CRS coordinates. For `dem.tif` that is `dem.tfw`,
 * `dem.tifw`, `dem.tif.tfw` or `dem.wld`. Refuses with `crs` one whose samples have no size.
 */
export async function readWorldFile(path: string): Promise<Sidecar<Affine> | undefined> {
  const name = basename(path).replace(PACKED, '');
  const stem = stemOf(path);
  const ending = extname(name).slice(1);
  const short = `${ending.slice(0, 1)}${ending.slice(-1)}w`;
  const names = [`${stem}.${short}`, `${stem}.${ending}w`, `${name}.${short}`, `${name}w`, `${stem}.wld`];
  const found = await findSidecar(path, ending === '' ? [`${stem}.wld`] : names);
  if (found === undefined) return undefined;
  const numbers = (await readText(found)).trim().split(/\s+/).map(Number);
  const [a = Number.NaN, d = Number.NaN, b = Number.NaN, e = Number.NaN, c = Number.NaN, f = Number.NaN] = numbers;
  const affine = { a, b, c, d, e, f };
  if (!Object.values(affine).every(Number.isFinite)) {
    throw invalid(found, 'is no world file: expected six numbers, one a line (A, D, B, E, C, F)');
  }
  if (invertAffine(affine) === undefined) {
    throw new RelievoError('crs', `${found} gives the samples no size on the ground (${a} by ${e}); correct it.`, {
      where: found,
    });
  }
  return { path: found, value: affine };
}

/** The overviews that GDAL keeps beside a TIFF: `dem.tif.ovr` or `dem.ovr`; undefined when there are none. */
export function findOverviews(path: string): Promise<string | undefined> {
  return findSidecar(path, [`${basename(path)}.ovr`, `${stemOf(path)}.ovr`]);
}

/** The mask that GDAL keeps beside a picture, `ortho.tif.msk`; undefined when there is none. Heights have none. */
export async function findMask(path: string): Promise<string | undefined> {
  const mask = `${path}.msk`;
  return !isRemoteName(path) && (await isFile(mask)) ? mask : undefined;
}

/** The header beside raw samples, `dem.hdr`; undefined when there is none. */
export function findHeader(path: string): Promise<string | undefined> {
  return findSidecar(path, [`${stemOf(path)}.hdr`, `${basename(path)}.hdr`]);
}

/** Every file beside a raster that any of the above may take, sorted: which of them do is for its format to say. */
export async function findSidecars(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const listed = await listSidecars(folder);
  if (listed.size === 0) return [];
  const stems = [basename(path), basename(path).replace(PACKED, ''), stemOf(path)].map((stem) => stem.toLowerCase());
  const names = [...new Set(stems)].flatMap((stem) => listed.get(stem) ?? []);
  return names.filter((name) => name !== basename(path)).sort();
}

/** Text of a small file. Refuses with `input-invalid` one of more than 64 KiB. */
export async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_TEXT_BYTES) {
    throw invalid(path, `has ${size} bytes; expected a page of text, at most ${MAX_TEXT_BYTES} bytes`);
  }
  return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
}

/** The first of the names that lies beside `path`, whatever the case of its letters. Beside an address none is looked for. */
async function findSidecar(path: string, names: readonly string[]): Promise<string | undefined> {
  if (isRemoteName(path)) return undefined;
  const folder = dirname(path);
  const listed = await listSidecars(folder);
  for (const name of names) {
    const lower = name.toLowerCase();
    const alike = listed.get(lower.slice(0, lower.lastIndexOf('.')));
    const found = alike?.find((other) => other === name) ?? alike?.find((other) => other.toLowerCase() === lower);
    if (found !== undefined && found !== basename(path) && (await isFile(join(folder, found))))
      return join(folder, found);
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Base name without its ending, and without one that says how it is packed: `dem` of `dem.asc.gz`. */
function stemOf(path: string): string {
  const name = basename(path).replace(PACKED, '');
  const ending = extname(name);
  return ending === '' ? name : name.slice(0, -ending.length);
}

function invalid(path: string, what: string): RelievoError {
  return new RelievoError('input-invalid', `${path} ${what}.`, { where: path });
}
