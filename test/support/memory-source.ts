/** A raster made in a test, as a RasterSource: level 0 only, on any affine and CRS, NaN for void. */
import type { Affine } from '../../tiler/geo/affine.ts';
import type { RasterSource, SampleWindow, VerticalReference } from '../../tiler/sources/raster-source.ts';
import { checkWindow } from '../../tiler/sources/sample-window.ts';

export interface MemoryRaster {
  readonly columns: number;
  readonly rows: number;
  /** (column, row) of a sample's centre to CRS coordinates. */
  readonly affine: Affine;
  /** As proj4 takes it; default EPSG:4326. */
  readonly crs?: string | undefined;
  /** Row-major, first row first, NaN for void; or what gives the height at a column and row. */
  readonly values: ArrayLike<number> | ((column: number, row: number) => number);
  /** Default: metres above EGM96, known by option. */
  readonly vertical?: VerticalReference | undefined;
  readonly periodColumns?: number | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
}

const METRES_ABOVE_EGM96: VerticalReference = {
  datum: 'egm96',
  known: 'option',
  unitMetres: 1,
  unit: 'metre',
  because: 'the test says so',
};

export function memorySource(raster: MemoryRaster): RasterSource {
  const { columns, rows, values, periodColumns } = raster;
  const samples = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      samples[i] = typeof values === 'function' ? values(column, row) : Number(values[i] ?? Number.NaN);
    }
  }
  const name = raster.name ?? 'memory';
  const crs = raster.crs ?? 'EPSG:4326';
  return {
    info: {
      name,
      format: 'memory',
      crs,
      crsName: crs,
      affine: raster.affine,
      levels: [{ columns, rows, scaleX: 1, scaleY: 1 }],
      sheets: [{ file: name, column: 0, row: 0, columns, rows }],
      periodColumns,
      sampleType: 'float32',
      vertical: raster.vertical ?? METRES_ABOVE_EGM96,
      version: raster.version ?? 'memory',
    },
    async read(level, window, options = {}) {
      options.signal?.throwIfAborted();
      if (level !== 0) throw new RangeError(`a memory source has level 0 only; asked for ${level}`);
      checkWindow(window);
      return cutWindow(samples, columns, rows, window, periodColumns);
    },
    async close() {},
  };
}

function cutWindow(samples: Float32Array, columns: number, rows: number, window: SampleWindow, period?: number) {
  const out = new Float32Array(window.columns * window.rows).fill(Number.NaN);
  for (let r = 0; r < window.rows; r++) {
    const row = window.row + r;
    if (row < 0 || row >= rows) continue;
    for (let c = 0; c < window.columns; c++) {
      let column = window.column + c;
      if (period !== undefined) column = ((column % period) + period) % period;
      if (column >= 0 && column < columns) out[r * window.columns + c] = samples[row * columns + column] ?? Number.NaN;
    }
  }
  return out;
}
