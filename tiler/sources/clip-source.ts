/** A source of which only what lies inside polygons is used: samples whose centre lies outside are void. */
import { createHash } from 'node:crypto';
import { resolveCrs } from '../geo/crs.ts';
import type { LonLatPolygons } from './mosaic.ts';
import { maskPolygons, type PolygonMask } from './polygon-mask.ts';
import type { RasterSource, SampleWindow, SheetWindow } from './raster-source.ts';
import { type ColumnRun, checkWindow, columnRuns, intersect } from './sample-window.ts';

/** Samples of a polygon's box that are soon looked through. */
const SMALL_BOX = 2 ** 16;

/**
 * Level 0 only: the file's overviews mix samples of both sides. `info.sheets` shrinks to the polygons' boxes, and is empty
 * where no polygon meets the data. Edges are straight in longitude and latitude, within a tenth of a sample.
 */
export async function clipSource(source: RasterSource, polygons: LonLatPolygons): Promise<RasterSource> {
  const { info } = source;
  const [level] = info.levels;
  if (level === undefined) throw new RangeError('a raster has at least one level');
  const { columns, rows } = level;
  const crs = await resolveCrs(info.crs);
  const mask = maskPolygons(polygons, { crs, affine: info.affine, columns, rows });
  // A polygon may slip through between the samples.
  const boxes = mask.boxes.filter((box) => box.columns * box.rows > SMALL_BOX || mask.fill(box) !== 'none');
  const sheets: SheetWindow[] = [];
  for (const sheet of info.sheets) {
    const parts = boxes.map((box) => intersect(sheet, box)).filter((part) => part !== undefined);
    for (const part of apart(parts))
      sheets.push({ file: sheet.file, ...part, origin: sheet.origin ?? { column: sheet.column, row: sheet.row } });
  }
  const { rows: forward } = source;
  return {
    info: { ...info, levels: [level], sheets, version: versionOf(info.version, polygons) },
    piece: source.piece,
    rows:
      forward &&
      async function* (options) {
        let row = 0;
        for await (const samples of forward(options)) {
          const window = { column: 0, row, columns, rows: samples.length / columns };
          const run = { column: 0, at: 0, columns };
          yield cut(samples, window, [run], [maskOf(run, window)]);
          row += window.rows;
        }
      },
    async read(index, window, options = {}) {
      options.signal?.throwIfAborted();
      checkWindow(window);
      if (index !== 0) throw new RangeError(`levels are 0 to 0; got ${index}`);
      const runs = columnRuns(window, columns, info.periodColumns);
      const masks = runs.map((run) => maskOf(run, window));
      if (masks.every((one) => one === 'none')) return new Float32Array(window.columns * window.rows).fill(Number.NaN);
      return cut(await source.read(0, window, options), window, runs, masks);
    },
    close: () => source.close(),
  };

  function maskOf({ column, columns }: ColumnRun, { row, rows }: SampleWindow): ReturnType<PolygonMask['fill']> {
    return mask.fill({ column, row, columns, rows });
  }
}

/** Makes void what lies outside, run by run. */
function cut(
  samples: Float32Array,
  window: SampleWindow,
  runs: readonly ColumnRun[],
  masks: readonly ReturnType<PolygonMask['fill']>[],
): Float32Array {
  for (const [i, { at, columns: width }] of runs.entries()) {
    const inside = masks[i];
    if (inside === 'all' || inside === undefined) continue;
    for (let row = 0; row < window.rows; row++) {
      const start = row * window.columns + at;
      if (inside === 'none') samples.fill(Number.NaN, start, start + width);
      else for (let c = 0; c < width; c++) if (inside[row * width + c] === 0) samples[start + c] = Number.NaN;
    }
  }
  return samples;
}

/** Boxes that do not meet: those that do become one, so that every sample is counted once and what lies between none. */
function apart(boxes: readonly SampleWindow[]): SampleWindow[] {
  const out: SampleWindow[] = [];
  for (const box of boxes) {
    let joined = box;
    for (let k = 0; k < out.length; ) {
      if (intersect(out[k], joined) === undefined) k++;
      else {
        joined = unionOf(out[k], joined);
        out.splice(k, 1);
        k = 0;
      }
    }
    out.push(joined);
  }
  return out;
}

function unionOf(a: SampleWindow, b: SampleWindow): SampleWindow {
  const [column, row] = [Math.min(a.column, b.column), Math.min(a.row, b.row)];
  const [east, south] = [
    Math.max(a.column + a.columns, b.column + b.columns),
    Math.max(a.row + a.rows, b.row + b.rows),
  ];
  return { column, row, columns: east - column, rows: south - row };
}

function versionOf(version: string, polygons: LonLatPolygons): string {
  if (version === '') return '';
  return createHash('sha256')
    .update(`${version} ${JSON.stringify(polygons)}`)
    .digest('hex')
    .slice(0, 32);
}
