/**
 * Several rasters on one grid as a single one without a seam. Where sheets overlap the first given wins, unless it is
 * void there; a read asks only the sheets that its window touches. Level 0 only: coarser ones come from `decimate.ts`.
 */
import { createHash } from 'node:crypto';
import type { RasterInfo, RasterSource, SampleWindow, SheetWindow } from './raster-source.ts';
import { checkWindow, columnRuns, intersect } from './sample-window.ts';
import { placeSheets } from './sheet-grid.ts';

interface Sheet {
  readonly source: RasterSource;
  readonly window: SheetWindow;
}

/** Samples of an overlap that are compared to learn whether the order of the sheets matters. */
const MAX_COMPARED = 2 ** 20;
const NAMES_SHOWN = 4;

/** Refuses with `input-unsupported` sheets that are not of one grid. A single source is handed back as it is. */
export async function joinSheets(sources: readonly RasterSource[]): Promise<RasterSource> {
  const [first] = sources;
  if (first === undefined) throw new RangeError('at least one sheet is needed');
  if (sources.length === 1) return first;
  const infos = sources.map(({ info }) => info);
  const grid = await placeSheets(infos);
  const sheets: Sheet[] = sources.map((source, i) => {
    const { columns, rows } = source.info.levels[0] ?? { columns: 0, rows: 0 };
    const { column, row } = grid.places[i] ?? { column: 0, row: 0 };
    return { source, window: { file: source.info.name, column, row, columns, rows } };
  });
  const info: RasterInfo = {
    name: nameOf(infos),
    format: common(infos.map(({ format }) => format)) ?? 'several',
    crs: first.info.crs,
    crsName: first.info.crsName,
    affine: grid.affine,
    levels: [{ columns: grid.columns, rows: grid.rows, scaleX: 1, scaleY: 1 }],
    sheets: sheets.map(({ window }) => window),
    periodColumns: grid.periodColumns,
    sampleType: common(infos.map(({ sampleType }) => sampleType)) ?? 'float32',
    nodata: common(infos.map(({ nodata }) => nodata)),
    vertical: leastCertain(infos),
    version: await versionOf(sheets, grid.periodColumns),
    attribution: [...new Set(infos.flatMap(({ attribution }) => attribution ?? []))].join('; ') || undefined,
  };
  return {
    info,
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      if (level !== 0) throw new RangeError(`joined sheets have level 0 only; got ${level}`);
      return readSheets(sheets, window, grid.columns, grid.periodColumns, signal);
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

async function readSheets(
  sheets: readonly Sheet[],
  window: SampleWindow,
  columns: number,
  period: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const touching: { sheet: Sheet; part: SampleWindow; at: number }[] = [];
  for (const run of columnRuns(window, columns, period)) {
    const piece = { column: run.column, row: window.row, columns: run.columns, rows: window.rows };
    for (const sheet of sheets) {
      // A sheet that reaches past the end of the circle also lies at its beginning.
      for (const turn of period === undefined ? [0] : [0, -period]) {
        const place = { ...sheet.window, column: sheet.window.column + turn };
        const part = intersect(piece, place);
        if (part === undefined) continue;
        const at = (part.row - window.row) * window.columns + run.at + part.column - run.column;
        touching.push({ sheet, part: { ...part, column: part.column - place.column, row: part.row - place.row }, at });
      }
    }
  }
  const [only] = touching;
  if (touching.length === 1 && only?.part.columns === window.columns && only.part.rows === window.rows) {
    return only.sheet.source.read(0, only.part, { signal });
  }
  const reads = touching.map(({ sheet, part }) => sheet.source.read(0, part, { signal }));
  const read = await Promise.all(reads);
  const out = new Float32Array(window.columns * window.rows).fill(Number.NaN);
  for (const [i, { part, at }] of touching.entries()) {
    const samples = read[i];
    if (samples !== undefined) laySamples(samples, part, out, at, window.columns);
  }
  return out;
}

/** Writes where nothing was written before. */
function laySamples(samples: Float32Array, part: SampleWindow, out: Float32Array, at: number, stride: number): void {
  for (let row = 0, s = 0; row < part.rows; row++) {
    for (let i = at + row * stride, end = i + part.columns; i < end; i++, s++) {
      if (Number.isNaN(out[i])) out[i] = samples[s] ?? Number.NaN;
    }
  }
}

/**
 * Hash of positions and contents, sorted by position: the order of the arguments counts only between sheets whose
 * common samples differ, where it changes what is read.
 */
async function versionOf(sheets: readonly Sheet[], period: number | undefined): Promise<string> {
  if (sheets.some(({ source }) => source.info.version === '')) return '';
  const identity = ({ source, window }: Sheet) => `${window.column} ${window.row} ${source.info.version}`;
  const lines = sheets.map(identity);
  for (const [i, upper] of sheets.entries()) {
    for (const lower of sheets.slice(i + 1)) {
      if (identity(upper) === identity(lower)) continue;
      if (await orderMatters(upper, lower, period)) lines.push(`${identity(upper)} over ${identity(lower)}`);
    }
  }
  const hash = createHash('sha256');
  for (const line of [...new Set(lines)].sort()) hash.update(`${line}\n`);
  return hash.digest('hex').slice(0, 32);
}

async function orderMatters(upper: Sheet, lower: Sheet, period: number | undefined): Promise<boolean> {
  for (const turn of period === undefined ? [0] : [0, -period, period]) {
    const moved = { ...lower.window, column: lower.window.column + turn };
    const common = intersect(upper.window, moved);
    if (common === undefined) continue;
    if (common.columns * common.rows > MAX_COMPARED) return true;
    const within = (w: SampleWindow) => ({ ...common, column: common.column - w.column, row: common.row - w.row });
    const [a, b] = await Promise.all([upper.source.read(0, within(upper.window)), lower.source.read(0, within(moved))]);
    // Where one is void the other shows, whichever comes first.
    if (a.some((value, k) => !Number.isNaN(value) && !Number.isNaN(b[k]) && value !== b[k])) return true;
  }
  return false;
}

/** All refer to one datum; the joint source knows it no better than the sheet that only assumes it. */
function leastCertain(infos: readonly RasterInfo[]): RasterInfo['vertical'] {
  const verticals = infos.map(({ vertical }) => vertical);
  return verticals.find(({ known }) => known === 'assumed') ?? verticals[0];
}

function nameOf(infos: readonly RasterInfo[]): string {
  const names = infos.slice(0, NAMES_SHOWN).map(({ name }) => name);
  return `${infos.length} sheets: ${names.join(', ')}${infos.length > NAMES_SHOWN ? ', ...' : ''}`;
}

/** The one value that all share; undefined when they differ. */
function common<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
