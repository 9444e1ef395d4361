/** Greatest and least height and the share of voids, from all samples or from as many as can be read in moments. */
import type { RasterInfo, RasterSource, ReadOptions, SampleWindow } from '../sources/raster-source.ts';

export interface Survey {
  /** Metres above the source's own vertical datum; NaN when all that was read is void. */
  readonly minMetres: number;
  readonly maxMetres: number;
  /** 0..1, of the samples read. */
  readonly voidShare: number;
  readonly samplesRead: number;
  /**
   * All samples of the file, those of an overview (means of many, so extremes are a little flatter), or parts; none of a
   * source that cannot be read before it is prepared.
   */
  readonly basis: 'all' | 'overview' | 'parts' | 'none';
  /** Level that was read. */
  readonly level: number;
}

export interface SurveyOptions extends ReadOptions {
  /** Levels that can be read; later ones, or all where it is 0, would have to be computed first. Default all. */
  readonly storedLevels?: number | undefined;
  /** Samples that may be read; default 2^25. */
  readonly maxSamples?: number | undefined;
}

/** Samples along the side of what is read at a time. */
const WINDOW = 1024;
/** And of a part, when not all can be read. */
const PART = 256;

export async function surveyHeights(
  source: RasterSource,
  { storedLevels = source.info.levels.length, maxSamples = 2 ** 25, signal }: SurveyOptions = {},
): Promise<Survey> {
  if (storedLevels === 0) {
    return { minMetres: NaN, maxMetres: NaN, voidShare: 0, samplesRead: 0, basis: 'none', level: 0 };
  }
  const { info } = source;
  const whole = info.sheets.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  const fits = info.levels.findIndex(({ scaleX, scaleY }) => whole / (scaleX * scaleY) <= maxSamples);
  const level = fits >= 0 && fits < storedLevels ? fits : 0;
  const basis = level > 0 ? 'overview' : whole <= maxSamples ? 'all' : 'parts';
  const windows = basis === 'parts' ? partsOf(info, maxSamples) : windowsOf(info, level);
  let min = Infinity;
  let max = -Infinity;
  let voids = 0;
  let read = 0;
  for (const window of windows) {
    for (const value of await source.read(level, window, { signal })) {
      if (Number.isNaN(value)) voids++;
      else {
        if (value < min) min = value;
        if (value > max) max = value;
      }
    }
    read += window.columns * window.rows;
  }
  const unit = info.vertical.unitMetres;
  const none = voids === read;
  return {
    minMetres: none ? NaN : min * unit,
    maxMetres: none ? NaN : max * unit,
    voidShare: read === 0 ? 1 : voids / read,
    samplesRead: read,
    basis,
    level,
  };
}

/** Every sheet in pieces, at a level; what lies between sheets is no void. */
function* windowsOf({ sheets, levels }: RasterInfo, level: number): Generator<SampleWindow> {
  const { scaleX, scaleY, columns, rows } = levels[level];
  for (const sheet of sheets) {
    const left = Math.floor(sheet.column / scaleX);
    const top = Math.floor(sheet.row / scaleY);
    const right = Math.min(columns, Math.ceil((sheet.column + sheet.columns) / scaleX));
    const bottom = Math.min(rows, Math.ceil((sheet.row + sheet.rows) / scaleY));
    for (let row = top; row < bottom; row += WINDOW) {
      for (let column = left; column < right; column += WINDOW) {
        yield {
          column,
          row,
          columns: Math.min(WINDOW, right - column),
          rows: Math.min(WINDOW, bottom - row),
        };
      }
    }
  }
}

/** Squares spread evenly over every sheet, or over as many as there may be squares; full resolution. */
function* partsOf({ sheets: all }: RasterInfo, maxSamples: number): Generator<SampleWindow> {
  const sheets = everyFew(all, Math.max(1, Math.floor(maxSamples / 4 / (PART * PART))));
  const budget = maxSamples / 4 / (PART * PART) / sheets.length;
  const side = Math.max(1, Math.floor(Math.sqrt(budget)));
  for (const sheet of sheets) {
    const columns = Math.min(PART, sheet.columns);
    const rows = Math.min(PART, sheet.rows);
    for (let k = 0; k < side * side; k++) {
      const across = ((k % side) + 0.5) / side;
      const down = (Math.floor(k / side) + 0.5) / side;
      yield {
        column: sheet.column + Math.floor((sheet.columns - columns) * across),
        row: sheet.row + Math.floor((sheet.rows - rows) * down),
        columns,
        rows,
      };
    }
  }
}

/** At most `count` of a list, spread evenly over it. */
export function everyFew<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, k) => list[Math.floor((k * list.length) / count)]);
}
