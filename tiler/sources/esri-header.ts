/**
 * Headers of Esri's grids: pairs of a key and a value, keys in any case. Of the ASCII grid and its binary sister (xllcorner:
 * outer edge, xllcenter: centre of the lower-left cell) and of BIL (ulxmap: centre of the upper-left cell).
 */
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { invertAffine } from '../geo/affine.ts';

/** Values by key in lower case. */
export type EsriHeader = ReadonlyMap<string, string>;

const KEYS: ReadonlySet<string> = new Set([
  ...['ncols', 'nrows', 'xllcorner', 'yllcorner', 'xllcenter', 'yllcenter', 'cellsize', 'dx', 'dy'],
  ...['nodata_value', 'nodata', 'ulxmap', 'ulymap', 'xdim', 'ydim', 'byteorder', 'nbits', 'pixeltype', 'layout'],
  ...['nbands', 'skipbytes', 'bandrowbytes', 'totalrowbytes', 'bandgapbytes'],
]);

/** The pairs at the beginning of a text (a character a byte), and where in it they end: at the first word that is no key of a grid. */
export function readEsriHeader(text: string): { header: EsriHeader; end: number } {
  const header = new Map<string, string>();
  const pair = /\s*([a-z_]+)[ \t]+(\S+)/iy;
  // A byte-order mark of UTF-8, as its bytes.
  let end = text.startsWith('\u00EF\u00BB\u00BF') ? 3 : 0;
  for (;;) {
    pair.lastIndex = end;
    const [whole, key = '', value = ''] = pair.exec(text) ?? [];
    if (whole === undefined || !KEYS.has(key.toLowerCase())) break;
    header.set(key.toLowerCase(), value);
    end += whole.length;
  }
  return { header, end };
}

/** Pairs of a header that stands in a file of its own, which may hold keys that say nothing here. */
export function readHeaderFile(text: string): EsriHeader {
  const pairs = [...text.matchAll(/^[ \t]*([a-z_]+)[ \t]+(\S+)/gim)];
  return new Map(pairs.map(([, key = '', value = '']) => [key.toLowerCase(), value]));
}

/** A number of the header; `fallback` where it has none. Refuses with `input-invalid` what is no number. */
export function numberOf(header: EsriHeader, key: string, path: string, fallback: number): number {
  const text = header.get(key);
  if (text === undefined) return fallback;
  const value = Number(text.replace(',', '.'));
  if (Number.isFinite(value)) return value;
  throw new RelievoError('input-invalid', `${path} cannot be used: its ${key} is "${text}"; expected a number.`, {
    where: path,
  });
}

/** Columns and rows; refuses with `input-invalid` what are none. */
export function shapeOfHeader(header: EsriHeader, path: string): { columns: number; rows: number } {
  const columns = numberOf(header, 'ncols', path, Number.NaN);
  const rows = numberOf(header, 'nrows', path, Number.NaN);
  if (Number.isSafeInteger(columns) && Number.isSafeInteger(rows) && columns > 0 && rows > 0) return { columns, rows };
  throw new RelievoError(
    'input-invalid',
    `${path} cannot be used: it has ${header.get('ncols') ?? 'no'} ncols and ${header.get('nrows') ?? 'no'} nrows; expected whole numbers above 0.`,
    { where: path },
  );
}

/** (column, row) of a cell's centre to coordinates; undefined where the header does not place the grid at all. */
export function affineOfHeader(header: EsriHeader, rows: number, path: string): Affine | undefined {
  const get = (key: string, fallback = Number.NaN) => numberOf(header, key, path, fallback);
  const size = get('cellsize');
  const width = get('xdim', get('dx', size));
  const height = get('ydim', get('dy', size));
  const west = get('ulxmap', get('xllcenter', get('xllcorner') + width / 2));
  const north = get('ulymap', get('yllcenter', get('yllcorner') + height / 2) + (rows - 1) * height);
  const affine = { a: width, b: 0, c: west, d: 0, e: -height, f: north };
  const placed = ['ulxmap', 'xllcenter', 'xllcorner'].some((key) => header.has(key));
  if (!placed && Number.isNaN(size) && Number.isNaN(width)) return undefined;
  const sound = Object.values(affine).every(Number.isFinite) && invertAffine(affine) !== undefined;
  if (sound && width > 0 && height > 0) return affine;
  const sizes = Number.isFinite(width) && Number.isFinite(height) ? ` (cells of ${width} by ${height})` : '';
  throw new RelievoError(
    'input-invalid',
    `${path} cannot be used: its header does not place it${sizes}; expected xllcorner or xllcenter, yllcorner or yllcenter, and a cellsize (or dx and dy) above 0.`,
    { where: path },
  );
}
