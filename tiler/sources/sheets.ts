/**
 * Several rasters on one grid as a single one without a seam. Where sheets overlap the first given wins, unless it is
 * void there; a read asks only the sheets that its window touches. Level 0 only: coarser ones come from `decimate.ts`.
 */
import { RelievoError } from '../error.ts';
import type { RasterInfo, RasterSource, ReadOptions, SampleWindow, SheetWindow } from './raster-source.ts';
import { checkWindow, intersect } from './sample-window.ts';
import { type Places, placeSheets } from './sheet-grid.ts';
import { placesTouching, type SheetedRaster } from './sheet-index.ts';
import { framesOf, listOf, type SheetList } from './sheet-list.ts';
import { versionOfSheets } from './sheet-version.ts';

const NAMES_SHOWN = 4;

/** What many sheets are together, found out once; plain data that threads may share. */
export interface SheetUnion {
  readonly info: Omit<RasterInfo, 'sheets'>;
  readonly places: Places;
}

/** The sheets that a union is read from, by index. */
export interface SheetReader {
  /** Level 0. */
  read(index: number, window: SampleWindow, options?: ReadOptions): Promise<Float32Array>;
  close(): Promise<void>;
  readonly piece?: RasterSource['piece'];
}

/** Refuses with `input-unsupported` sheets that are not of one grid. A single source is handed back as it is. */
export async function joinSheets(sources: readonly RasterSource[]): Promise<RasterSource> {
  const [first] = sources;
  if (first === undefined) throw new RangeError('at least one sheet is needed');
  if (sources.length === 1) return first;
  refuseForwardOnly(sources);
  const sheets = listOf(sources.map(({ info }) => info));
  const reader: SheetReader = {
    piece: widest(sources),
    async read(index, window, options) {
      const source = sources[index];
      if (source === undefined) throw new RangeError(`there are ${sources.length} sheets; asked for number ${index}`);
      return source.read(0, window, options);
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
  return openUnion(await uniteSheets(sheets, reader), sheets, reader);
}

/** Refuses as `joinSheets` does. */
export async function uniteSheets(sheets: SheetList, { read }: SheetReader): Promise<SheetUnion> {
  const { places, affine, columns, rows, periodColumns } = await placeSheets(sheets);
  const frames = framesOf(sheets);
  const [first] = frames;
  if (first === undefined) throw new RangeError('at least one sheet is needed');
  return {
    places,
    info: {
      name: nameOf(sheets),
      format: common(frames.map(({ format }) => format)) ?? 'several',
      crs: first.crs,
      crsName: first.crsName,
      affine,
      levels: [{ columns, rows, scaleX: 1, scaleY: 1 }],
      periodColumns,
      sampleType: common(frames.map(({ sampleType }) => sampleType)) ?? 'float32',
      nodata: common(frames.map(({ nodata }) => nodata)),
      vertical: leastCertain(frames),
      version: await versionOfSheets({ sheets: windowsOf(sheets, places), periodColumns }, sheets, read),
      attribution: [...new Set(frames.flatMap(({ attribution }) => attribution ?? []))].join('; ') || undefined,
    },
  };
}

export function openUnion({ info: own, places }: SheetUnion, list: SheetList, reader: SheetReader): RasterSource {
  const info: RasterInfo = { ...own, sheets: windowsOf(list, places) };
  return {
    info,
    piece: reader.piece,
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      if (level !== 0) throw new RangeError(`joined sheets have level 0 only; got ${level}`);
      return readSheets(info, reader, window, signal);
    },
    close: () => reader.close(),
  };
}

const windowsMade = new WeakMap<Places, readonly SheetWindow[]>();

/** Made once for the same places. */
function windowsOf(list: SheetList, places: Places): readonly SheetWindow[] {
  const made = windowsMade.get(places);
  if (made !== undefined) return made;
  const windows: SheetWindow[] = new Array(list.length);
  windowsMade.set(places, windows);
  for (let i = 0; i < list.length; i++) {
    const { columns, rows } = list.frameOf(i).levels[0] ?? { columns: 0, rows: 0 };
    windows[i] = { file: list.nameOf(i), column: places.columns[i] ?? 0, row: places.rows[i] ?? 0, columns, rows };
  }
  return windows;
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
  reader: SheetReader,
  window: SampleWindow,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const touching: { index: number; part: SampleWindow; at: number }[] = [];
  for (const { index, column } of placesTouching(info, window)) {
    const sheet = info.sheets[index];
    const part = sheet && intersect(window, { ...sheet, column });
    if (part === undefined) continue;
    const at = (part.row - window.row) * window.columns + part.column - window.column;
    touching.push({ index, part: { ...part, column: part.column - column, row: part.row - sheet.row }, at });
  }
  const [only] = touching;
  if (touching.length === 1 && only?.part.columns === window.columns && only.part.rows === window.rows) {
    return reader.read(only.index, only.part, { signal });
  }
  const read = await Promise.all(touching.map(({ index, part }) => reader.read(index, part, { signal })));
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

/** All refer to one datum; the joint source knows it no better than the sheet that only assumes it. */
function leastCertain(infos: readonly RasterInfo[]): RasterInfo['vertical'] {
  const verticals = infos.map(({ vertical }) => vertical);
  return verticals.find(({ known }) => known === 'assumed') ?? verticals[0];
}

function nameOf(sheets: SheetList): string {
  const names = Array.from({ length: Math.min(NAMES_SHOWN, sheets.length) }, (_, i) => sheets.nameOf(i));
  return `${sheets.length} sheets: ${names.join(', ')}${sheets.length > NAMES_SHOWN ? ', ...' : ''}`;
}

/** The one value that all share; undefined when they differ. */
function common<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
