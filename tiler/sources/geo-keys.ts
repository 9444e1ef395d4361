/** Where a GeoTIFF lies: its keys (OGC GeoTIFF 1.1, 7.1.1) and its affine, counted at the centres of samples (7.6). */
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { invertAffine } from '../geo/affine.ts';
import type { GeoKeyValues } from '../geo/crs.ts';
import { Tag } from './tiff-header.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/** Keys of one file, and numbers of one key: the standard has some fifty keys of at most seven numbers. */
const MAX_KEYS = 1000;
const MAX_VALUES = 64;

/** The keys by name, as `names` has them by number; empty when the file has none. Refuses thousands. */
export function readGeoKeys(directory: TiffDirectory, names: Readonly<Record<number, string>>): GeoKeyValues {
  const table = directory.numbers(Tag.geoKeys);
  const keys: Record<string, number | string | readonly number[]> = {};
  if (!table) return keys;
  const doubles = directory.numbers(Tag.geoDoubles) ?? new Float64Array(0);
  const text = directory.text(Tag.geoText) ?? '';
  const count = Math.min(table[3] ?? 0, Math.floor(table.length / 4) - 1);
  if (count > MAX_KEYS) {
    throw new RelievoError('input-invalid', `It places itself by ${count} keys; expected at most ${MAX_KEYS}.`);
  }
  for (let i = 1; i <= count; i++) {
    const [number = 0, place = 0, length = 0, value = 0] = table.subarray(4 * i, 4 * i + 4);
    const name = names[number];
    if (name === undefined) continue;
    if (place === 0) keys[name] = value;
    else if (place === Tag.geoText) keys[name] = text.slice(value, value + length).replace(/\|$/, '');
    else if (place === Tag.geoDoubles || place === Tag.geoKeys) {
      const values = [
        ...(place === Tag.geoDoubles ? doubles : table).subarray(value, value + Math.min(length, MAX_VALUES)),
      ];
      const [first] = values;
      if (first !== undefined) keys[name] = values.length === 1 ? first : values;
    }
  }
  return keys;
}

/** (column, row) of a sample's centre to CRS coordinates. `point`: the tie point is a sample's centre, not its corner. */
export function readAffine(directory: TiffDirectory, point: boolean, path: string): Affine {
  const corner = cornerAffine(directory, path);
  // GDAL, and the standard, take a missing raster type as area.
  const half = point ? 0 : 0.5;
  const { a, b, d, e } = corner;
  const affine = { ...corner, c: corner.c + (a + b) * half, f: corner.f + (d + e) * half };
  if (!isPlaced(affine)) {
    const sizes = Number.isFinite(a) && Number.isFinite(e) ? ` (${a} by ${e})` : '';
    throw new RelievoError(
      'crs',
      `${path} gives its samples no size on the ground${sizes}; assign coordinates with gdal_translate -a_ullr.`,
      { where: path },
    );
  }
  return affine;
}

/** Whether neighbouring samples lie apart, as far as numbers of this size can tell. */
function isPlaced(affine: Affine): boolean {
  const { a, b, c, d, e, f } = affine;
  if (!Object.values(affine).every(Number.isFinite) || invertAffine(affine) === undefined) return false;
  return Math.hypot(a, d) > 1e-14 * Math.abs(c) && Math.hypot(b, e) > 1e-14 * Math.abs(f);
}

function cornerAffine(directory: TiffDirectory, path: string): Affine {
  const matrix = directory.numbers(Tag.transformation);
  if (matrix && matrix.length >= 8) {
    const [a = 0, b = 0, , c = 0, d = 0, e = 0, , f = 0] = matrix;
    return { a, b, c, d, e, f };
  }
  const scale = directory.numbers(Tag.pixelScale);
  const ties = directory.numbers(Tag.tiePoints);
  if (scale && scale.length >= 2 && ties && ties.length >= 6) {
    const [sx = 0, sy = 0] = scale;
    const [column = 0, row = 0, , x = 0, y = 0] = ties;
    return { a: sx, b: 0, c: x - column * sx, d: 0, e: -sy, f: y + row * sy };
  }
  const what =
    ties && ties.length > 6 ? 'is tied to the ground by control points only' : 'does not say where its samples lie';
  throw new RelievoError(
    'crs',
    `${path} ${what}: rectify it first, for example with gdalwarp, or assign coordinates with gdal_translate -a_srs and -a_ullr.`,
    { where: path },
  );
}
