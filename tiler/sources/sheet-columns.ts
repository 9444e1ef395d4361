/**
 * What was found out about many files, in columns: 100 000 of them are a dozen arrays in memory that threads share, and no
 * objects. Files that differ in nothing but name, place and content have one frame.
 */
import { STAMP_NUMBERS } from './file-stamp.ts';
import type { RasterInfo } from './raster-source.ts';

/** What files have in common. */
export interface Frame {
  /** With nothing in it of one file alone, unless `whole`. */
  readonly info: RasterInfo;
  /** Files that it takes to read one. */
  readonly files: number;
  /** Of a file that columns cannot describe: all there is to know of it. */
  readonly whole: boolean;
}

/** Plain data that may be sent to a thread, which then has the same memory. A row for each file. */
export interface SheetColumns {
  readonly frames: readonly Frame[];
  /** Index of the frame. */
  readonly frame: Int32Array;
  /** Centre of the first sample, in units of its CRS. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** 16 bytes each: hash of the content; zeros where it is not known. */
  readonly versions: Uint8Array;
  /** As `takeStamp` writes them. */
  readonly stamps: BigInt64Array;
  /** What those are called that are called otherwise than their file. */
  readonly titles: ReadonlyMap<number, string>;
}

export const VERSION_BYTES = 16;
const HASH = /^[0-9a-f]{32}$/;
const NO_VERSION = '00'.repeat(VERSION_BYTES);

export class ColumnsBuilder {
  readonly columns: SheetColumns;
  readonly #frames: Frame[] = [];
  readonly #titles = new Map<number, string>();
  readonly #byText = new Map<string, number>();
  readonly #byFrame = new Map<Frame, number>();

  constructor(count: number) {
    this.columns = { ...emptyColumns(count), frames: this.#frames, titles: this.#titles };
  }

  /** All but the stamp; false for one that columns cannot describe. `base`: the file's own name, without its folder. */
  fill(row: number, base: string, info: RasterInfo, files: number): boolean {
    const { frame, x, y, versions } = this.columns;
    const { name, affine, version } = info;
    x[row] = affine.c;
    y[row] = affine.f;
    if (!isPlain(info)) {
      frame[row] = this.#frames.push({ info, files, whole: true }) - 1;
      return false;
    }
    frame[row] = this.#add({ info: withoutOwn(info), files, whole: false });
    if (name !== base) this.#titles.set(row, name);
    if (version !== '') bytesOf(versions).write(version, VERSION_BYTES * row, 'hex');
    return true;
  }

  /** The stamp, too. */
  copy(row: number, from: SheetColumns, fromRow: number): void {
    const { frame, x, y, versions, stamps } = this.columns;
    const own = from.frames[from.frame[fromRow] ?? -1];
    if (own === undefined) throw new RangeError(`no row ${fromRow}`);
    frame[row] = this.#add(own);
    x[row] = from.x[fromRow] ?? 0;
    y[row] = from.y[fromRow] ?? 0;
    copyNumbers(versions, row, from.versions, fromRow, VERSION_BYTES);
    copyNumbers(stamps, row, from.stamps, fromRow, STAMP_NUMBERS);
    const title = from.titles.get(fromRow);
    if (title !== undefined) this.#titles.set(row, title);
  }

  #add(frame: Frame): number {
    const known = this.#byFrame.get(frame);
    if (known !== undefined) return known;
    const text = frame.whole ? undefined : textOfFrame(frame);
    const index = (text === undefined ? undefined : this.#byText.get(text)) ?? this.#frames.push(frame) - 1;
    if (text !== undefined) this.#byText.set(text, index);
    this.#byFrame.set(frame, index);
    return index;
  }
}

/** Columns of so many rows, in memory that threads may share. */
export function emptyColumns(count: number): Omit<SheetColumns, 'frames' | 'titles'> {
  const memory = (bytesEach: number) => new SharedArrayBuffer(count * bytesEach);
  return {
    frame: new Int32Array(memory(4)),
    x: new Float64Array(memory(8)),
    y: new Float64Array(memory(8)),
    versions: new Uint8Array(memory(VERSION_BYTES)),
    stamps: new BigInt64Array(memory(8 * STAMP_NUMBERS)),
  };
}

/** Hexadecimal; empty where it is not known. */
export function versionAt(versions: Buffer, row: number): string {
  const text = versions.toString('hex', VERSION_BYTES * row, VERSION_BYTES * (row + 1));
  return text === NO_VERSION ? '' : text;
}

/** The same memory. */
export function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Equal for equal frames; the number that stands for missing samples may be one that JSON has no word for. */
export function textOfFrame({ info, files }: Frame): string {
  return JSON.stringify({ ...info, nodata: info.nodata === undefined ? undefined : `${info.nodata}`, files });
}

export function frameOfText(text: string): Frame {
  const { files, nodata, ...info } = JSON.parse(text);
  return { info: { ...info, nodata: nodata === undefined ? undefined : Number(nodata) }, files, whole: false };
}

function copyNumbers(to: Uint8Array, row: number, from: Uint8Array, fromRow: number, each: number): void;
function copyNumbers(to: BigInt64Array, row: number, from: BigInt64Array, fromRow: number, each: number): void;
function copyNumbers<T extends { [index: number]: unknown }>(
  to: T,
  row: number,
  from: T,
  fromRow: number,
  each: number,
) {
  for (let k = 0; k < each; k++) to[each * row + k] = from[each * fromRow + k];
}

/** One that its header describes in full: of one sheet, in numbers. */
function isPlain({ sheets, levels, affine, version }: RasterInfo): boolean {
  const [sheet, ...others] = sheets;
  const [full] = levels;
  return (
    sheet !== undefined &&
    others.length === 0 &&
    sheet.column === 0 &&
    sheet.row === 0 &&
    sheet.columns === full?.columns &&
    sheet.rows === full.rows &&
    Object.values(affine).every(Number.isFinite) &&
    (version === '' || HASH.test(version))
  );
}

function withoutOwn(info: RasterInfo): RasterInfo {
  return { ...info, name: '', affine: { ...info.affine, c: 0, f: 0 }, sheets: [], version: '' };
}
