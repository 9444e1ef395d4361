/**
 * A geoid grid that the user names, as a model in memory: GeoTIFF, GTX or PGM, told apart by content. Only the part
 * round the data is read, because a worldwide grid can have hundreds of megabytes.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { RelievoError } from '../error.ts';
import { type Geoid, gridGeoid } from '../geo/geoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type ByteFile, hashFile, openByteFile } from '../sources/byte-file.ts';
import { looksLikeTiff } from '../sources/tiff-tags.ts';
import { datumOfCrs, VERTICAL_DATUMS } from '../sources/vertical-datums.ts';
import { isGtx, openGtx } from './geoid-gtx.ts';
import { looksLikePgm, openPgm } from './geoid-pgm.ts';
import type { GeoidRaster } from './geoid-raster.ts';
import { openGeoidTiff } from './geoid-tiff.ts';

export interface FileGeoid extends Geoid {
  /** Id of the vertical datum whose zero the grid gives, where the file says it. */
  readonly datum: string | undefined;
  /** Hash of the file; empty when it was not asked for. */
  readonly version: string;
}

export interface GeoidFileOptions {
  /** Where values will be asked for; default everywhere. */
  readonly around?: LonLatBox | undefined;
  /** False leaves `version` empty; default true. */
  readonly hash?: boolean | undefined;
}

/** Nodes that are held in memory: 1 GiB of them. */
const MAX_NODES = 2 ** 28;

/** Fails with `usage` when there is no such file, and with a sentence for one that holds no undulations. */
export async function readGeoidFile(path: string, { around, hash = true }: GeoidFileOptions = {}): Promise<FileGeoid> {
  if (!existsSync(path)) {
    const known = ['ellipsoid', ...VERTICAL_DATUMS.slice(0, 4).map(({ id }) => id), 'ln02', 'nap'].join(', ');
    throw new RelievoError(
      'usage',
      `"${path}" is neither a vertical datum that is known here (${known}, ..., EPSG:5703) nor a geoid grid: there is no such file`,
      { where: '--vertical-datum' },
    );
  }
  const file = await openByteFile(path);
  try {
    const raster = await openRaster(file);
    const nodes = await readNodes(raster, around, path);
    const { verticalCrs } = raster;
    return {
      ...gridGeoid(basename(path), nodes),
      datum: verticalCrs === undefined ? undefined : (datumOfCrs(verticalCrs)?.id ?? `epsg:${verticalCrs}`),
      version: hash ? await hashFile(path) : '',
    };
  } finally {
    await file.close();
  }
}

async function openRaster(file: ByteFile): Promise<GeoidRaster> {
  const start = await file.read(0, Math.min(16, file.size));
  if (looksLikeTiff(start)) return openGeoidTiff(file);
  if (looksLikePgm(start)) return openPgm(file);
  if (/\.gtx$/i.test(file.path) || (await isGtx(file))) return openGtx(file);
  throw new RelievoError(
    'input-unsupported',
    `${file.path} is no geoid grid that Relievo reads; expected a GeoTIFF (as in PROJ's collection), a .gtx or a .pgm of GeographicLib; others can be converted with gdal_translate -of GTX.`,
    { where: file.path },
  );
}

/** Whole columns and rows of the grid round the box, one node to spare on each side. */
async function readNodes(raster: GeoidRaster, around: LonLatBox | undefined, path: string) {
  const { west, north, spacingLon, spacingLat } = raster;
  const across = around ? columnsRound(raster, around) : { first: 0, count: raster.columns };
  const top = around ? Math.floor((north - around.north) / spacingLat) - 1 : 0;
  const bottom = around ? Math.ceil((north - around.south) / spacingLat) + 1 : raster.rows - 1;
  // At least one cell, even beside the data: what is missing there is said by its NaN.
  const firstRow = Math.min(Math.max(top, 0), raster.rows - 2);
  const rows = Math.max(2, Math.min(bottom, raster.rows - 1) - firstRow + 1);
  const columns = across.count;
  if (columns * rows > MAX_NODES) {
    throw new RelievoError(
      'input-unsupported',
      `${path} has ${columns} x ${rows} values round the data; expected at most ${MAX_NODES}: cut the part out that is needed`,
      { where: path },
    );
  }
  const values = new Float32Array(columns * rows);
  for (let done = 0; done < columns; ) {
    const column = (across.first + done) % raster.columns;
    const count = Math.min(columns - done, raster.columns - column);
    const part = await raster.read({ column, row: firstRow, columns: count, rows });
    for (let row = 0; row < rows; row++) {
      values.set(part.subarray(row * count, (row + 1) * count), row * columns + done);
    }
    done += count;
  }
  return {
    west: west + across.first * spacingLon,
    north: north - firstRow * spacingLat,
    spacingLon,
    spacingLat,
    columns,
    rows,
    value: (row: number, column: number) => values[row * columns + column],
  };
}

/** Columns from west to east; past the last one they go on with the first, in a grid that goes round the world. */
function columnsRound({ west, spacingLon, columns }: GeoidRaster, around: LonLatBox): { first: number; count: number } {
  const period = Math.round(360 / spacingLon);
  const all = { first: 0, count: columns };
  const wanted = Math.ceil((around.east - around.west) / spacingLon) + 4;
  if (wanted >= Math.min(period, columns)) return all;
  const east = (((around.west - west) % 360) + 360) % 360;
  const first = Math.floor(east / spacingLon) - 1;
  // A grid that repeats its first column as its last has a period of its own.
  if (columns === period) return { first: (first + period) % period, count: wanted };
  if (columns > period) return first >= 0 && first + wanted <= columns ? { first, count: wanted } : all;
  // The data may begin west of the grid, which then is counted from the turn before.
  const start = first + wanted > period && first >= columns ? first - period : first;
  const from = Math.min(Math.max(start, 0), columns - 2);
  return { first: from, count: Math.max(2, Math.min(start + wanted, columns) - from) };
}
