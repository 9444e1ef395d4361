/**
 * A raster as GDAL sees it, one question at a time: its shape, stored values at samples, and the longitude and latitude of
 * places in it by PROJ. Nothing is written beside the file.
 */
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';

export interface GdalRaster {
  readonly columns: number;
  readonly rows: number;
  /** Least and greatest stored value of all samples that are not void; undefined when there are none. */
  readonly range: readonly [least: number, greatest: number] | undefined;
  /** Stored values, in the order asked; NaN for void. Columns and rows are whole. */
  valuesAt(samples: readonly (readonly [column: number, row: number])[]): number[];
  /** Longitude and latitude of places; column and row count from the centre of the first sample. */
  placesAt(samples: readonly (readonly [column: number, row: number])[]): [lon: number, lat: number][];
}

export interface GdalRasterOptions {
  /** CRS of a file that names none, or that GDAL takes for another; as gdaltransform takes it. */
  readonly crs?: string | undefined;
  /** Stored value that is void although the file does not say so. */
  readonly void?: number | undefined;
}

interface GdalInfo {
  readonly size: readonly [number, number];
  readonly geoTransform: readonly [number, number, number, number, number, number];
  readonly coordinateSystem?: { readonly wkt: string };
  readonly bands: readonly {
    readonly noDataValue?: number | string;
    readonly computedMin?: number;
    readonly computedMax?: number;
  }[];
}

const ENVIRONMENT = { ...process.env, GDAL_PAM_ENABLED: 'NO' };

export function gdalRaster(path: string, options: GdalRasterOptions = {}): GdalRaster {
  const file = path.endsWith('.zip') ? `/vsizip/${path}/${basename(path, '.zip')}` : path;
  const info = JSON.parse(run('gdalinfo', ['-json', '-mm', file])) as GdalInfo;
  const [columns, rows] = info.size;
  const [band] = info.bands;
  const nodata = Math.fround(Number(band?.noDataValue ?? Number.NaN));
  const isVoid = (value: number) => Math.fround(value) === nodata || value === options.void || Math.abs(value) > 1e5;
  const { computedMin: least, computedMax: greatest } = band ?? {};
  const [x0, ax, bx, y0, ay, by] = info.geoTransform;
  return {
    columns,
    rows,
    range: least === undefined || greatest === undefined ? undefined : [least, greatest],
    valuesAt(samples) {
      const out = run('gdallocationinfo', ['-valonly', file], lines(samples));
      const values = out
        .split('\n')
        .slice(0, samples.length)
        .map((line) => (line === '' ? Number.NaN : Number(line)));
      return values.map((value) => (isVoid(value) ? Number.NaN : value));
    },
    placesAt(samples) {
      const crs = options.crs ?? info.coordinateSystem?.wkt;
      if (crs === undefined || crs === '') throw new Error(`${path} has no CRS; the test must name one`);
      const xy = samples.map(([c, r]): [number, number] => [
        x0 + ax * (c + 0.5) + bx * (r + 0.5),
        y0 + ay * (c + 0.5) + by * (r + 0.5),
      ]);
      const out = run('gdaltransform', ['-s_srs', crs, '-t_srs', 'OGC:CRS84'], lines(xy));
      return out
        .trim()
        .split('\n')
        .map((line) => {
          const [lon = Number.NaN, lat = Number.NaN] = line.split(' ').map(Number);
          return [lon, lat];
        });
    },
  };
}

function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { input, env: ENVIRONMENT, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

function lines(pairs: readonly (readonly [number, number])[]): string {
  return pairs.map(([a, b]) => `${a} ${b}\n`).join('');
}
