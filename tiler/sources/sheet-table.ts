/** Many files that were looked at, as a list of sheets and one by one. */
import { basename } from 'node:path';
import { type FileStamp, textOfStamp } from './file-stamp.ts';
import type { RasterInfo } from './raster-source.ts';
import { bytesOf, type Frame, type SheetColumns, versionAt } from './sheet-columns.ts';
import type { SheetList } from './sheet-list.ts';

/** A file that was looked at. */
export interface ScannedFile {
  readonly info: RasterInfo;
  /** Files that it takes to read it. */
  readonly files: number;
  /** As it was when it was looked at; undefined for what is no single local file. */
  readonly stamp: FileStamp | undefined;
}

export class SheetTable {
  readonly names: readonly string[];
  readonly columns: SheetColumns;
  readonly #versions: Buffer;
  readonly #hashed: boolean;

  /** `hashed`: whether the files' content counts; versions are empty where it does not. */
  constructor(names: readonly string[], columns: SheetColumns, hashed: boolean) {
    this.names = names;
    this.columns = columns;
    this.#versions = bytesOf(columns.versions);
    this.#hashed = hashed;
  }

  /** The files of these rows, in this order. */
  listOf(rows: Int32Array): SheetList {
    const { x, y } = this.columns;
    const at = (i: number) => rows[i] ?? -1;
    return {
      length: rows.length,
      frameOf: (i) => this.#frameAt(at(i)).info,
      nameOf: (i) => this.#nameAt(at(i)),
      xOf: (i) => x[at(i)] ?? 0,
      yOf: (i) => y[at(i)] ?? 0,
      versionOf: (i) => this.#versionAt(at(i)),
    };
  }

  fileAt(row: number): ScannedFile {
    const { info, files, whole } = this.#frameAt(row);
    const stamp = textOfStamp(this.columns.stamps, row);
    if (whole) return { info, files, stamp };
    const { x, y } = this.columns;
    const { columns = 0, rows = 0 } = info.levels[0] ?? {};
    const name = this.#nameAt(row);
    const own = {
      name,
      affine: { ...info.affine, c: x[row] ?? 0, f: y[row] ?? 0 },
      sheets: [{ file: name, column: 0, row: 0, columns, rows }],
      version: this.#versionAt(row),
    };
    return { info: { ...info, ...own }, files, stamp };
  }

  #frameAt(row: number): Frame {
    const frame = this.columns.frames[this.columns.frame[row] ?? -1];
    if (frame === undefined) throw new RangeError(`there are ${this.names.length} files; asked for number ${row}`);
    return frame;
  }

  #nameAt(row: number): string {
    const { info, whole } = this.#frameAt(row);
    return whole ? info.name : (this.columns.titles.get(row) ?? basename(this.names[row] ?? ''));
  }

  #versionAt(row: number): string {
    const { info, whole } = this.#frameAt(row);
    if (whole) return info.version;
    return this.#hashed ? versionAt(this.#versions, row) : '';
  }
}
