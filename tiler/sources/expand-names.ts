/**
 * The files that a name stands for: a file or an address itself, the files of a glob (`data/*.tif`), the rasters in a folder.
 * Nothing is opened and, of many files, nothing is asked of the disk but their names, so that 100 000 take a second.
 */
import type { Dirent } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { RelievoError } from '../error.ts';
import { isRemoteName } from './source-name.ts';
import { looksLikeTileTree } from './tiles-in-folder.ts';

/**
 * Endings by which the rasters in a folder are known. Pictures, archives of tiles and VRTs are not taken from a folder:
 * they often are previews or mosaics of what lies beside them.
 */
const RASTER_ENDING = /\.(tiff?|gtiff|hgt(\.zip|\.gz)?|(asc|agr|grd)(\.gz)?|bil|flt|npy|npz)$/i;
/** Endings of names that are files without a look at the disk. */
const FILE_ENDING = /\.(tiff?|gtiff|hgt|zip|gz|asc|agr|grd|bil|flt|npy|npz|png|vrt|mbtiles|pmtiles)(#[^#/\\]+)?$/i;
const GLOB_CHARACTER = /[*?[\]{}]/;

/** Absolute paths and addresses, sorted as people count (`t2` before `t10`); one that is not there stands for itself. */
export async function expandName(name: string, folder: string, signal?: AbortSignal): Promise<readonly string[]> {
  if (isRemoteName(name)) return [name];
  const path = resolve(folder, name);
  const isGlob = GLOB_CHARACTER.test(name);
  if (!isGlob && FILE_ENDING.test(path)) return [path];
  const found = await fs.stat(path).catch(() => undefined);
  if (found?.isDirectory()) return (await looksLikeTileTree(path)) ? [path] : rastersIn(path);
  return found === undefined && isGlob ? filesOf(name, folder, signal) : [path];
}

async function rastersIn(path: string): Promise<string[]> {
  const entries = await fs.readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new RelievoError('input-missing', `Cannot list the folder ${path}: ${(cause as Error).message}.`, {
      where: path,
      cause,
    });
  });
  const files = entries.filter((entry) => !entry.isDirectory() && isRaster(entry.name));
  if (files.length > 0) return sortNaturally(files.map((entry) => join(path, entry.name)));
  if (entries.some((entry) => entry.name === 'layer.json')) {
    throw new RelievoError(
      'input-unsupported',
      `${path} is a finished tileset (it holds a layer.json), and no folder of rasters; name the rasters that it was made from.`,
      { where: path },
    );
  }
  throw new RelievoError(
    'input-missing',
    `The folder ${path} holds no rasters that are known by their endings (.tif, .hgt, .asc, .bil, .flt, .npy); folders inside it are not looked into: name them, or use a glob such as "${basename(path)}/**/*.tif".`,
    { where: path },
  );
}

/** A pattern that names no ending takes rasters only, as a folder does. */
async function filesOf(pattern: string, folder: string, signal: AbortSignal | undefined): Promise<string[]> {
  const namesEnding = /\.[^./\\*]|\.\*?[a-z]/i.test(basename(pattern));
  const found: string[] = [];
  let others = 0;
  for await (const entry of await entriesOf(pattern, folder)) {
    signal?.throwIfAborted();
    if (entry.isDirectory() || entry.name.startsWith('.')) continue;
    if (namesEnding || isRaster(entry.name)) found.push(join(entry.parentPath, entry.name));
    else others++;
  }
  if (found.length > 0) return sortNaturally(found);
  throw new RelievoError(
    'input-missing',
    others > 0
      ? `Of the ${others} files that match ${pattern} none has the ending of a raster; name the ending too, such as ${pattern}.dem.`
      : `No file matches ${pattern} in ${resolve(folder)}; check the pattern and the folder.`,
    { where: pattern },
  );
}

/** What matches: of a pattern with stars in its last part alone one folder is listed, in a tenth of the time. */
async function entriesOf(pattern: string, folder: string): Promise<AsyncIterable<Dirent> | Iterable<Dirent>> {
  const name = basename(pattern);
  const isPlain = sep === '/' && !GLOB_CHARACTER.test(dirname(pattern)) && /^[\w*.-]+$/.test(name);
  if (!isPlain || name.includes('**')) return fs.glob(pattern, { cwd: folder, withFileTypes: true });
  const letters = process.platform === 'darwin' ? 'i' : '';
  const matches = new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, `s${letters}`);
  const entries = await fs.readdir(resolve(folder, dirname(pattern)), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => matches.test(entry.name));
}

function isRaster(name: string): boolean {
  return !name.startsWith('.') && RASTER_ENDING.test(name);
}

/** Runs of digits compare as numbers, all else by code unit: the same order on every machine. */
function sortNaturally(paths: string[]): string[] {
  return paths.sort((a, b) => compareNaturally(a, b) || (a < b ? -1 : a > b ? 1 : 0));
}

function compareNaturally(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (!isDigit(a, i) || !isDigit(b, j)) {
      const difference = a.charCodeAt(i++) - b.charCodeAt(j++);
      if (difference !== 0) return difference;
      continue;
    }
    while (a[i] === '0') i++;
    while (b[j] === '0') j++;
    // The longer number is the greater; of two as long the first digit that differs tells.
    let difference = 0;
    for (; isDigit(a, i) && isDigit(b, j); i++, j++) difference ||= a.charCodeAt(i) - b.charCodeAt(j);
    if (isDigit(a, i)) return 1;
    if (isDigit(b, j)) return -1;
    if (difference !== 0) return difference;
  }
  return a.length - i - (b.length - j);
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}
