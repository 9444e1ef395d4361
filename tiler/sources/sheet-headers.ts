/**
 * Headers of many rasters, kept in a cache folder: what is known of a file without opening it, for as long as the file, and
 * all that lies beside it and may say where it is, are as they were. One table for each way to understand them.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { keepRows, keptAt } from './file-memo.ts';
import { type FileStamp, isSettled, stampOf } from './file-stamp.ts';
import type { RasterInfo } from './raster-source.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import { findSidecars } from './sidecars.ts';

/** What is known of a file. */
export interface SheetHeader {
  readonly info: RasterInfo;
  /** Files that it takes to read it. */
  readonly files: number;
}

const KIND = 'headers 1';

/** What many files have in common; numbers that JSON has no words for are text. */
type Common = Omit<RasterInfo, 'name' | 'affine' | 'sheets' | 'version' | 'nodata'> & {
  readonly nodata: string | undefined;
  readonly steps: readonly [a: number, b: number, d: number, e: number];
  readonly files: number;
};

type Row = readonly [
  path: string,
  stamp: FileStamp,
  /** Name and stamp of each file beside it, a line each. */
  beside: string,
  common: number,
  name: string,
  c: number,
  f: number,
  version: string,
];

interface Table {
  readonly commons: readonly Common[];
  readonly folders: readonly (readonly [path: string, stamp: FileStamp])[];
  readonly rows: readonly Row[];
}

export class SheetHeaders {
  readonly #kept: string;
  readonly #commons: Common[];
  readonly #commonIndices = new Map<string, number>();
  readonly #rows: Map<string, Row>;
  readonly #used = new Set<string>();
  /** Folders in which nothing has been added or removed since. */
  readonly #same = new Map<string, boolean>();
  readonly #folders: Map<string, FileStamp>;
  #changed = false;

  private constructor(kept: string, { commons, folders, rows }: Table) {
    this.#kept = kept;
    this.#commons = [...commons];
    this.#folders = new Map(folders);
    this.#rows = new Map(rows.map((row) => [row[0], row]));
    for (const [i, common] of commons.entries()) this.#commonIndices.set(JSON.stringify(common), i);
  }

  /** `folder` is absolute; `key` says of which files, and how they are understood. */
  static async open(folder: string, key: string): Promise<SheetHeaders> {
    const kept = keptAt(folder, key, 'headers');
    const table = (await readSealed(kept, KIND)) as Table | undefined;
    return new SheetHeaders(kept, table ?? { commons: [], folders: [], rows: [] });
  }

  /** Of a file that is still as `stamp` says; undefined when it is not known. */
  async find(path: string, stamp: FileStamp): Promise<SheetHeader | undefined> {
    const name = resolve(path);
    const row = this.#rows.get(name);
    if (row === undefined || row[1] !== stamp) return undefined;
    const folder = dirname(name);
    const names = this.#isSame(folder) ? row[2].split('\n').map((line) => line.split('\t')[0] ?? '') : undefined;
    if (row[2] !== '' || names === undefined) {
      if (besideOf(folder, names ?? (await findSidecars(name))) !== row[2]) return undefined;
    }
    const common = this.#commons[row[3]];
    if (common === undefined) return undefined;
    this.#used.add(name);
    return { info: infoOf(row, common), files: common.files };
  }

  /** `lookedMs`: when the stamp was taken, Unix time. What has only just been written, or is no plain raster, is not kept. */
  async keep(path: string, stamp: FileStamp, lookedMs: number, { info, files }: SheetHeader): Promise<void> {
    const name = resolve(path);
    const beside = besideOf(dirname(name), await findSidecars(name));
    const stamps = [stamp, ...beside.split('\n').flatMap((line) => line.split('\t')[1] ?? [])];
    if (stamps.some((one) => !isSettled(one, lookedMs)) || stampOf(path) !== stamp || !isPlain(info)) return;
    const { name: title, affine, sheets: _, version, nodata, ...rest } = info;
    const { a, b, c, d, e, f } = affine;
    const common: Common = {
      ...rest,
      nodata: nodata === undefined ? undefined : `${nodata}`,
      steps: [a, b, d, e],
      files,
    };
    const text = JSON.stringify(common);
    let index = this.#commonIndices.get(text);
    if (index === undefined) {
      index = this.#commons.push(common) - 1;
      this.#commonIndices.set(text, index);
    }
    this.#rows.set(name, [name, stamp, beside, index, title === basename(name) ? '' : title, c, f, version]);
    this.#used.add(name);
    this.#isSame(dirname(name));
    this.#changed = true;
  }

  /** Writes the table, where something in it has changed. `startedMs`: before anything was looked at, Unix time. */
  async save(startedMs: number): Promise<void> {
    if (!this.#changed) return;
    // Of files that nobody asked for nothing is known once their folder has changed.
    const rows = keepRows(this.#rows, this.#used).filter(
      ([path]) => this.#used.has(path) || this.#same.get(dirname(path)) !== false,
    );
    const folders: [string, FileStamp][] = [];
    for (const folder of new Set(rows.map(([path]) => dirname(path)))) {
      const looked = this.#same.get(folder) === false;
      const stamp = looked ? stampOf(folder, 'folder') : this.#folders.get(folder);
      if (stamp !== undefined && isSettled(stamp, startedMs)) folders.push([folder, stamp]);
    }
    await writeSealed(this.#kept, KIND, { commons: this.#commons, folders, rows } satisfies Table);
    this.#changed = false;
  }

  #isSame(folder: string): boolean {
    const known = this.#same.get(folder);
    if (known !== undefined) return known;
    const stamp = stampOf(folder, 'folder');
    const same = stamp !== undefined && stamp === this.#folders.get(folder);
    this.#same.set(folder, same);
    if (!same) this.#changed = true;
    return same;
  }
}

function besideOf(folder: string, names: readonly string[]): string {
  return names.map((name) => `${name}\t${stampOf(join(folder, name)) ?? ''}`).join('\n');
}

/** One that its header describes in full: of one sheet, in numbers. */
function isPlain({ sheets, levels, affine }: RasterInfo): boolean {
  const [sheet, ...others] = sheets;
  const [full] = levels;
  return (
    sheet !== undefined &&
    others.length === 0 &&
    sheet.column === 0 &&
    sheet.row === 0 &&
    sheet.columns === full?.columns &&
    sheet.rows === full.rows &&
    Object.values(affine).every(Number.isFinite)
  );
}

function infoOf([path, , , , title, c, f, version]: Row, common: Common): RasterInfo {
  const { nodata, steps, files: _, ...rest } = common;
  const [a, b, d, e] = steps;
  const { columns = 0, rows = 0 } = rest.levels[0] ?? {};
  const name = title === '' ? basename(path) : title;
  return {
    ...rest,
    name,
    affine: { a, b, c, d, e, f },
    sheets: [{ file: name, column: 0, row: 0, columns, rows }],
    nodata: nodata === undefined ? undefined : Number(nodata),
    version,
  };
}
