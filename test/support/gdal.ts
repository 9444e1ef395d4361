/** GDAL's command-line programs as a judge of what a raster holds, where they are installed (gdal-bin). */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const HAS_GDAL = spawnSync('gdal_translate', ['--version']).status === 0;

/** All samples of band 1 as GDAL reads them, row-major; voids are the file's own nodata values. */
export function gdalSamples(path: string): Float64Array {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-gdal-'));
  try {
    const out = join(folder, 'raw.bin');
    execFileSync('gdal_translate', ['-q', '-of', 'ENVI', '-ot', 'Float64', '-b', '1', path, out]);
    const bytes = readFileSync(out);
    return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Coordinates in `crs` of longitude and latitude, by PROJ as GDAL uses it, x to the east and y to the north. */
export function gdalProject(crs: string, points: readonly (readonly [number, number])[]): [number, number][] {
  const input = points.map((point) => point.join(' ')).join('\n');
  const out = execFileSync('gdaltransform', ['-s_srs', 'OGC:CRS84', '-t_srs', crs], { input, encoding: 'utf8' });
  return out
    .trim()
    .split('\n')
    .map((line) => {
      const [x = Number.NaN, y = Number.NaN] = line.split(' ').map(Number);
      return [x, y];
    });
}

/** Writes `to` from `from` with the given arguments of gdal_translate. */
export function gdalTranslate(from: string, to: string, args: readonly string[]): void {
  execFileSync('gdal_translate', ['-q', ...args, from, to]);
}

/** Outer upper-left corner of a raster and the size of its samples, in its CRS, as GDAL places it. */
export function gdalCorner(path: string): [x: number, y: number, width: number, height: number] {
  const info = JSON.parse(execFileSync('gdalinfo', ['-json', path], { encoding: 'utf8' }));
  const [x, width, , y, , height] = info.geoTransform;
  return [x, y, width, height];
}
