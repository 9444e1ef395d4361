/**
 * Which sheets of a raster a window touches, for any number of sheets: a spatial index over `info.sheets`, built once for
 * each such list. Windows and sheets are in level-0 samples; on a raster that goes round the world in any turn.
 */
import type { RasterInfo, SampleWindow, SheetWindow } from './raster-source.ts';
import { SheetBuckets } from './sheet-buckets.ts';

/** What of a raster the index is made from. */
export type SheetedRaster = Pick<RasterInfo, 'sheets' | 'periodColumns'>;

/** A sheet where a window meets it. */
export interface SheetPlace {
  /** In `info.sheets`: lower ones go before higher ones. */
  readonly index: number;
  /** Of the sheet's first sample, counted as the window counts: moved by whole turns of the world. */
  readonly column: number;
}

/** The sheets that the window touches, each once, in the order of `info.sheets`. */
export function sheetsTouching(info: SheetedRaster, window: SampleWindow): readonly SheetWindow[] {
  const found: SheetWindow[] = [];
  let last = -1;
  for (const { index } of placesTouching(info, window)) {
    const sheet = info.sheets[index];
    if (index !== last && sheet !== undefined) found.push(sheet);
    last = index;
  }
  return found;
}

/** The same with where they lie, by priority; a sheet that meets the window in several turns comes once for each. */
export function placesTouching(info: SheetedRaster, window: SampleWindow): readonly SheetPlace[] {
  const found: SheetPlace[] = [];
  eachTurn(info, window, (moved, shift) => {
    for (const index of indexOf(info.sheets).find(moved)) {
      found.push({ index, column: (info.sheets[index]?.column ?? 0) + shift });
    }
    return false;
  });
  return found.sort((p, q) => p.index - q.index || q.column - p.column);
}

/** Whether any sheet reaches into the window: cheap for a window of any size. */
export function touchesSheets(info: SheetedRaster, window: SampleWindow): boolean {
  return eachTurn(info, window, (moved) => indexOf(info.sheets).touches(moved));
}

/** Pairs of sheets that share samples, each once: the index of the upper, then that of the lower, upper ones ascending. */
export function overlapsOf(info: SheetedRaster): readonly number[] {
  const pairs: number[] = [];
  for (const [upper, window] of info.sheets.entries()) {
    const lower = new Set<number>();
    eachTurn(info, window, (moved) =>
      indexOf(info.sheets).visit(moved, (index) => {
        if (index > upper) lower.add(index);
        return false;
      }),
    );
    for (const index of lower) pairs.push(upper, index);
  }
  return pairs;
}

const indexes = new WeakMap<readonly SheetWindow[], SheetIndex>();

function indexOf(sheets: readonly SheetWindow[]): SheetIndex {
  const known = indexes.get(sheets);
  if (known !== undefined) return known;
  const index = new SheetIndex(sheets);
  indexes.set(sheets, index);
  return index;
}

/** Calls with the window as the sheets' own columns have it, once for each turn in which they may meet; true ends it. */
function eachTurn(
  { sheets, periodColumns }: SheetedRaster,
  window: SampleWindow,
  look: (moved: SampleWindow, shift: number) => boolean,
): boolean {
  if (!(window.columns > 0 && window.rows > 0)) return false;
  if (periodColumns === undefined) return look(window, 0);
  const { firstColumn, endColumn } = indexOf(sheets);
  const last = Math.floor((window.column + window.columns - 1 - firstColumn) / periodColumns);
  for (let turn = Math.floor((window.column - endColumn) / periodColumns) + 1; turn <= last; turn++) {
    const shift = turn * periodColumns;
    if (look({ ...window, column: window.column - shift }, shift)) return true;
  }
  return false;
}

/** Sheets up to this many are looked through one by one. */
const FEW = 8;
/** Sheets of a tier are at most this many times as long as its buckets, and as those of the tier below. */
const STEP = 4; /** Buckets along a side, at most. */
const MAX_SIDE = 2 ** 26;

/** Sheets of about one size, each in the buckets that it reaches into. */
interface Tier {
  /** Samples. */
  readonly width: number;
  readonly height: number;
  readonly members: Int32Array;
  readonly buckets: SheetBuckets;
}

class SheetIndex {
  /** Columns of all sheets: the first, and the one after the last. */
  readonly firstColumn: number;
  readonly endColumn: number;
  readonly #sheets: readonly SheetWindow[];
  /** Smallest sheets first. */
  readonly #tiers: readonly Tier[];
  readonly #firstRow: number;
  readonly #endRow: number;

  constructor(sheets: readonly SheetWindow[]) {
    this.#sheets = sheets;
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { column, row, columns, rows } of sheets) {
      west = Math.min(west, column);
      north = Math.min(north, row);
      east = Math.max(east, column + columns);
      south = Math.max(south, row + rows);
    }
    this.firstColumn = west;
    this.endColumn = east;
    this.#firstRow = north;
    this.#endRow = south;
    this.#tiers = this.#arrange();
  }

  /** Of sheets that share a sample with the window, ascending. */
  find(window: SampleWindow): number[] {
    const found: number[] = [];
    this.visit(window, (index) => {
      found.push(index);
      return false;
    });
    found.sort((a, b) => a - b);
    return found.filter((index, k) => index !== found[k - 1]);
  }

  touches(window: SampleWindow): boolean {
    return this.visit(window, () => true);
  }

  /** Calls for each sheet in the window, in no order and perhaps more than once, until the answer is true. */
  visit(window: SampleWindow, take: (index: number) => boolean): boolean {
    const visitAll = (indices: Int32Array, from: number, end: number) => {
      for (let k = from; k < end; k++) {
        const index = indices[k] ?? -1;
        if (this.#meets(index, window) && take(index)) return true;
      }
      return false;
    };
    for (const { width, height, members, buckets } of this.#tiers) {
      const x0 = this.#bucketColumn(Math.max(window.column, this.firstColumn), width);
      const x1 = this.#bucketColumn(Math.min(window.column + window.columns, this.endColumn) - 1, width);
      const y0 = this.#bucketRow(Math.max(window.row, this.#firstRow), height);
      const y1 = this.#bucketRow(Math.min(window.row + window.rows, this.#endRow) - 1, height);
      if (x1 < x0 || y1 < y0) continue;
      if ((x1 - x0 + 1) * (y1 - y0 + 1) > buckets.count) {
        if (visitAll(members, 0, members.length)) return true;
        continue;
      }
      for (let y = y0; y <= y1; y++) {
        for (let x = x0; x <= x1; x++) {
          const bucket = buckets.find(x, y);
          if (bucket >= 0 && visitAll(buckets.items, buckets.startOf(bucket), buckets.startOf(bucket + 1))) return true;
        }
      }
    }
    return false;
  }

  #meets(index: number, window: SampleWindow): boolean {
    const sheet = this.#sheets[index];
    return (
      sheet !== undefined &&
      sheet.column < window.column + window.columns &&
      window.column < sheet.column + sheet.columns &&
      sheet.row < window.row + window.rows &&
      window.row < sheet.row + sheet.rows
    );
  }

  #bucketColumn(column: number, width: number): number {
    return Math.floor((column - this.firstColumn) / width);
  }

  #bucketRow(row: number, height: number): number {
    return Math.floor((row - this.#firstRow) / height);
  }

  /** A sheet reaches into few buckets of its own tier, however much the sizes differ. */
  #arrange(): Tier[] {
    const sheets = this.#sheets;
    const atLeast = (extent: number) => Math.max(1, Math.ceil(extent / (MAX_SIDE - 1)));
    const width = Math.max(median(sheets.map(({ columns }) => columns)), atLeast(this.endColumn - this.firstColumn));
    const height = Math.max(median(sheets.map(({ rows }) => rows)), atLeast(this.#endRow - this.#firstRow));
    const members: number[][] = [];
    for (const [i, { columns, rows }] of sheets.entries()) {
      let k = 0;
      while (sheets.length > FEW && (columns > width * STEP ** (k + 1) || rows > height * STEP ** (k + 1))) k++;
      members[k] ??= [];
      members[k]?.push(i);
    }
    return members.flatMap((own, k) => this.#arrangeTier(own, width * STEP ** k, height * STEP ** k));
  }

  #arrangeTier(members: readonly number[], width: number, height: number): Tier {
    const buckets = new SheetBuckets((take) => {
      if (this.#sheets.length <= FEW) return;
      for (const index of members) {
        const { column = 0, row = 0, columns = 0, rows = 0 } = this.#sheets[index] ?? {};
        const endX = this.#bucketColumn(column + columns - 1, width);
        const endY = this.#bucketRow(row + rows - 1, height);
        for (let y = this.#bucketRow(row, height); y <= endY; y++) {
          for (let x = this.#bucketColumn(column, width); x <= endX; x++) take(x, y, index);
        }
      }
    });
    return { width, height, members: Int32Array.from(members), buckets };
  }
}

function median(values: readonly number[]): number {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)] ?? 1;
}
