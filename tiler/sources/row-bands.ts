/** The rows of a raster that comes from its first row on, in bands as high as a block and as wide as whole blocks of level 1. */
import { BLOCK } from './overview-levels.ts';
import type { RasterInfo } from './raster-source.ts';

/** 256 rows. */
export interface RowBand {
  /** Rows of `stride` samples; beyond the raster's edges void, or what is there after a turn round the world. Used again. */
  readonly samples: Float32Array;
  readonly stride: number;
  readonly row: number;
}

/** From north to south. Throws RangeError when there are more or fewer rows than the raster has. */
export async function* rowBands(
  { levels, periodColumns: period }: Pick<RasterInfo, 'levels' | 'periodColumns'>,
  rows: AsyncIterable<Float32Array>,
): AsyncGenerator<RowBand> {
  const [full] = levels;
  if (full === undefined) throw new RangeError('a raster has at least one level');
  const { columns } = full;
  const stride = Math.ceil(columns / BLOCK / 2) * BLOCK * 2;
  const samples = new Float32Array(BLOCK * stride).fill(Number.NaN);
  let row = 0;
  for await (const some of rows) {
    for (let at = 0; at < some.length; at += columns, row++) {
      if (row === full.rows) throw new RangeError(`more than ${full.rows} rows`);
      const to = (row % BLOCK) * stride;
      samples.set(some.subarray(at, at + columns), to);
      if (period !== undefined) for (let c = period; c < stride; c++) samples[to + c] = samples[to + (c % period)];
      if (row % BLOCK === BLOCK - 1) yield { samples, stride, row: row - BLOCK + 1 };
    }
  }
  if (row !== full.rows) throw new RangeError(`${row} of ${full.rows} rows`);
  const last = row % BLOCK;
  if (last > 0) yield { samples: samples.fill(Number.NaN, last * stride), stride, row: row - last };
}
