/**
 * Several rasters on one grid as a single one without a seam. Where sheets overlap the first given wins, unless it is
 * void there; a read asks only the sheets that its window touches. Level 0 only: coarser ones come from `decimate.ts`.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import type { RasterInfo, RasterSource, SampleWindow, SheetWindow } from './raster-source.ts';
import { checkWindow, intersect } from './sample-window.ts';
import { placeSheets } from './sheet-grid.ts';
import { placesTouching, type SheetedRaster } from './sheet-index.ts';

/** Sheets beyond this many are not compared where they overlap: their order then always counts. */
const MAX_COMPARED_SHEETS = 32;
/** Samples of an overlap that are compared to learn whether the order of the sheets matters. */
const MAX_COMPARED = 2 ** 20;
const NAMES_SHOWN = 4;

/** Refuses with `input-unsupported` sheets that are not of one grid. A single source is handed back as it is. */
export async function joinSheets(sources: readonly RasterSource[]): Promise<RasterSource> {
  const [first] = sources;
  if (first === undefined) throw new RangeError('at least one sheet is needed');
  if (sources.length === 1) return first;
  const infos = sources.map(({ info }) => info);
  refuseForwardOnly(sources);
  const grid = await placeSheets(infos);
  const sheets: SheetWindow[] = infos.map(({ name, levels }, i) => {
    const { columns, rows } = levels[0] ?? { columns: 0, rows: 0 };
    const { column, row } = grid.places[i] ?? { column: 0, row: 0 };
    return { file: name, column, row, columns, rows };
  });
  const { periodColumns } = grid;
  const info: RasterInfo = {
    name: nameOf(infos),
    format: common(infos.map(({ format }) => format)) ?? 'several',
    crs: first.info.crs,
    crsName: first.info.crsName,
    affine: grid.affine,
    levels: [{ columns: grid.columns, rows: grid.rows, scaleX: 1, scaleY: 1 }],
    sheets,
    periodColumns,
    sampleType: common(infos.map(({ sampleType }) => sampleType)) ?? 'float32',
    nodata: common(infos.map(({ nodata }) => nodata)),
    vertical: leastCertain(infos),
    version: await versionOf({ sheets, periodColumns }, sources),
    attribution: [...new Set(infos.flatMap(({ attribution }) => attribution ?? []))].join('; ') || undefined,
  };
  return {
    info,
    piece: widest(sources),
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      if (level !== 0) throw new RangeError(`joined sheets have level 0 only; got ${level}`);
      return readSheets(info, sources, window, signal);
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** The piece of the sheet that is read in the widest ones. */
function widest(sources: readonly RasterSource[]): RasterSource['piece'] {
  const pieces = sources.flatMap(({ piece }) => piece ?? []);
  return pieces.reduce((a, b) => (b.columns > a.columns ? b : a), pieces[0]);
}

function refuseForwardOnly(sources: readonly RasterSource[]): void {
  const name = sources.find(({ rows }) => rows !== undefined)?.info.name;
  if (name === undefined) return;
  throw new RelievoError(
    'input-unsupported',
    `${name} can only be unpacked from its beginning, which is not done for one of several sheets: rewrite it with gdal_translate -co TILED=YES.`,
    { where: name },
  );
}

async function readSheets(
  info: SheetedRaster,
  sources: readonly RasterSource[],
  window: SampleWindow,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const touching: { source: RasterSource; part: SampleWindow; at: number }[] = [];
  for (const { index, column } of placesTouching(info, window)) {
    const [source, sheet] = [sources[index], info.sheets[index]];
    const part = sheet && intersect(window, { ...sheet, column });
    if (source === undefined || part === undefined) continue;
    const at = (part.row - window.row) * window.columns + part.column - window.column;
    touching.push({ source, part: { ...part, column: part.column - column, row: part.row - sheet.row }, at });
  }
  const [only] = touching;
  if (touching.length === 1 && only?.part.columns === window.columns && only.part.rows === window.rows) {
    return only.source.read(0, only.part, { signal });
  }
  const read = await Promise.all(touching.map(({ source, part }) => source.read(0, part, { signal })));
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
 * Hash of positions and contents, sorted by position: the order of the arguments counts only between sheets that overlap,
 * and of a few sheets only where their common samples differ, so that it changes what is read.
 */
async function versionOf(info: SheetedRaster, sources: readonly RasterSource[]): Promise<string> {
  const { sheets } = info;
  if (sources.some((source) => source.info.version === '')) return '';
  const identities = sheets.map(({ column, row }, i) => `${column} ${row} ${sources[i]?.info.version}`);
  const sorted = [...new Set(identities)].sort();
  const ranks = new Map(sorted.map((identity, rank) => [identity, rank]));
  const rankOf = (i: number) => ranks.get(identities[i] ?? '') ?? 0;
  const pairs = new Set<number>();
  for (const [upper, window] of sheets.entries()) {
    let last = upper;
    for (const { index: lower } of placesTouching(info, window)) {
      if (lower <= last || rankOf(lower) === rankOf(upper)) continue;
      last = lower;
      if (sheets.length > MAX_COMPARED_SHEETS || (await orderMatters(info, sources, upper, lower))) {
        pairs.add(rankOf(upper) * sorted.length + rankOf(lower));
      }
    }
  }
  const hash = createHash('sha256');
  for (const identity of sorted) hash.update(`${identity}\n`);
  hash.update(Float64Array.from(pairs).sort());
  return hash.digest('hex').slice(0, 32);
}

async function orderMatters(
  { sheets, periodColumns: period }: SheetedRaster,
  sources: readonly RasterSource[],
  i: number,
  j: number,
): Promise<boolean> {
  const [upper, lower] = [sheets[i], sheets[j]];
  if (upper === undefined || lower === undefined) return false;
  for (const turn of period === undefined ? [0] : [0, -period, period]) {
    const moved = { ...lower, column: lower.column + turn };
    const common = intersect(upper, moved);
    if (common === undefined) continue;
    if (common.columns * common.rows > MAX_COMPARED) return true;
    const within = (w: SampleWindow) => ({ ...common, column: common.column - w.column, row: common.row - w.row });
    const reads = [sources[i]?.read(0, within(upper)), sources[j]?.read(0, within(moved))];
    const [a, b] = await Promise.all(reads);
    // Where one is void the other shows, whichever comes first.
    if (a?.some((value, k) => !Number.isNaN(value) && !Number.isNaN(b?.[k]) && value !== b?.[k])) return true;
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
