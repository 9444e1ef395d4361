/**
 * Headers of many rasters, kept in a cache folder: what is known of a file without opening it, for as long as the file, and
 * all that lies beside it and may say where it is, are as they were. One table for each way to understand them.
 */
import { endianness } from 'node:os';
import { join, sep } from 'node:path';
import { keptAt } from './file-memo.ts';
import { type FileStamp, isSettled, STAMP_NUMBERS, stampOf } from './file-stamp.ts';
import { readSealedBytes, writeSealedBytes } from './sealed-file.ts';
import { bytesOf, ColumnsBuilder, emptyColumns, frameOfText, type SheetColumns, textOfFrame } from './sheet-columns.ts';
import { findSidecars } from './sidecars.ts';

/** Numbers are kept as this machine has them in memory. */
const KIND = `headers 2 ${endianness()}`;

/** Files of which something is known, a row for each. */
export interface HeaderTable {
  readonly columns: SheetColumns;
  /** Each with a slash at its end, and its stamp if nothing can be added unseen from now on. */
  readonly folders: readonly (readonly [path: string, stamp: FileStamp | undefined])[];
  /** Index of the folder. */
  readonly folder: Int32Array;
  readonly names: readonly string[];
  /** Of rows with files beside them: name and stamp of each, a line each. */
  readonly besides: ReadonlyMap<number, string>;
}

/** A row to be kept of files that were looked at now. */
export interface NewHeader {
  readonly path: string;
  readonly beside: string;
}

export class SheetHeaders {
  readonly #kept: string;
  readonly #table: HeaderTable;
  /** Row + 1 by path; made when it is first needed. */
  #rows: Map<string, number> | undefined;
  /** Folders in which nothing has been added or removed since. */
  readonly #same = new Map<string, boolean>();
  #changed = false;

  private constructor(kept: string, table: HeaderTable) {
    this.#kept = kept;
    this.#table = table;
  }

  /** `folder` is absolute; `key` says of which files, and how they are understood. */
  static async open(folder: string, key: string): Promise<SheetHeaders> {
    const kept = keptAt(folder, key, 'headers');
    return new SheetHeaders(kept, (await readHeaderTable(kept)) ?? EMPTY);
  }

  get columns(): SheetColumns {
    return this.#table.columns;
  }

  /**
   * The row of an absolute path whose stamp is number `index` of `stamps`, -1 when nothing is known of it as it is now. It
   * is found fastest where files come in the order of the last time.
   */
  find(path: string, stamps: BigInt64Array, index: number): number | Promise<number> {
    const row = this.#rowOf(path, index);
    if (row < 0 || !isSameStamp(this.#table.columns.stamps, row, stamps, index)) return -1;
    const beside = this.#table.besides.get(row);
    const [folder = ''] = this.#table.folders[this.#table.folder[row] ?? -1] ?? [];
    const isSame = this.#isSame(folder);
    if (isSame && beside === undefined) return row;
    return this.#compareBeside(path, isSame ? beside : undefined, beside ?? '', row);
  }

  /** What lies beside a file, to be kept with it; undefined for one that has only just been written, or its neighbours. */
  async lookBeside(path: string, stamp: FileStamp, lookedMs: number): Promise<NewHeader | undefined> {
    const beside = besideOf(folderOf(path), await findSidecars(path));
    const stamps = [stamp, ...beside.split('\n').flatMap((line) => line.split('\t')[1] ?? [])];
    if (stamps.some((one) => !isSettled(one, lookedMs)) || stampOf(path) !== stamp) return undefined;
    this.#isSame(folderOf(path));
    this.#changed = true;
    return { path, beside };
  }

  /**
   * Writes the table where something in it has changed: the rows that were found, by their index in `columns`, and those
   * that were looked at. `startedMs`: before anything was looked at, Unix time.
   */
  async save(
    columns: SheetColumns,
    found: Int32Array,
    looked: ReadonlyMap<number, NewHeader>,
    startedMs: number,
  ): Promise<void> {
    if (!this.#changed) return;
    const spare = this.#spareRows(found, new Set([...looked.values()].map(({ path }) => path)));
    const old = this.#table;
    const used: number[] = [];
    for (const [index, row] of found.entries()) if (row >= 0 || looked.has(index)) used.push(index);
    const builder = new ColumnsBuilder(used.length + spare.length);
    const folder = new Int32Array(used.length + spare.length);
    const folders = new Map<string, number>();
    const names: string[] = [];
    const besides = new Map<number, string>();
    const add = (path: string, beside: string, from: SheetColumns, fromRow: number) => {
      const row = names.length;
      builder.copy(row, from, fromRow);
      const own = folderOf(path);
      const at = folders.get(own) ?? folders.size;
      folders.set(own, at);
      folder[row] = at;
      names.push(path.slice(own.length));
      if (beside !== '') besides.set(row, beside);
    };
    for (const index of used) {
      const row = found[index] ?? -1;
      const fresh = looked.get(index);
      add(fresh?.path ?? this.#pathOf(row), fresh?.beside ?? old.besides.get(row) ?? '', columns, index);
    }
    for (const row of spare) add(this.#pathOf(row), old.besides.get(row) ?? '', old.columns, row);
    const stamped = [...folders.keys()].map((path): [string, FileStamp | undefined] => {
      const isNew = this.#same.get(path) === false;
      const stamp = isNew ? stampOf(path, 'folder') : old.folders.find(([known]) => known === path)?.[1];
      return [path, stamp !== undefined && isSettled(stamp, startedMs) ? stamp : undefined];
    });
    await writeHeaderTable(this.#kept, { columns: builder.columns, folders: stamped, folder, names, besides });
    this.#changed = false;
  }

  /** Of files that nobody asked for as many again: but nothing is known of them once their folder has changed. */
  #spareRows(found: Int32Array, looked: ReadonlySet<string>): number[] {
    const used = new Set(found);
    const rows: number[] = [];
    for (let row = 0; row < this.#table.names.length && rows.length < found.length + SPARE; row++) {
      const path = this.#pathOf(row);
      if (!used.has(row) && !looked.has(path) && this.#same.get(folderOf(path)) !== false) rows.push(row);
    }
    return rows;
  }

  #pathOf(row: number): string {
    const { folders, folder, names } = this.#table;
    return `${folders[folder[row] ?? -1]?.[0]}${names[row]}`;
  }

  #rowOf(path: string, guess: number): number {
    const { names, folders, folder } = this.#table;
    const name = names[guess];
    const own = folders[folder[guess] ?? -1]?.[0] ?? '';
    if (name !== undefined && path.length === own.length + name.length && path.startsWith(own) && path.endsWith(name)) {
      return guess;
    }
    this.#rows ??= new Map(names.map((_, row) => [this.#pathOf(row), row]));
    return this.#rows.get(path) ?? -1;
  }

  async #compareBeside(path: string, listed: string | undefined, known: string, row: number): Promise<number> {
    const names = listed?.split('\n').map((line) => line.split('\t')[0] ?? '') ?? (await findSidecars(path));
    return besideOf(folderOf(path), names) === known ? row : -1;
  }

  #isSame(folder: string): boolean {
    const known = this.#same.get(folder);
    if (known !== undefined) return known;
    const before = this.#table.folders.find(([path]) => path === folder)?.[1];
    const same = before !== undefined && stampOf(folder, 'folder') === before;
    this.#same.set(folder, same);
    if (!same) this.#changed = true;
    return same;
  }
}

/** Rows of files that were not asked for, beside as many as there are of those that were. */
const SPARE = 1000;

const EMPTY: HeaderTable = {
  columns: { ...emptyColumns(0), frames: [], titles: new Map() },
  folders: [],
  folder: new Int32Array(0),
  names: [],
  besides: new Map(),
};

/** With the slash at its end. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf(sep) + 1);
}

function besideOf(folder: string, names: readonly string[]): string {
  return names.map((name) => `${name}\t${stampOf(join(folder, name)) ?? ''}`).join('\n');
}

function isSameStamp(a: BigInt64Array, rowA: number, b: BigInt64Array, rowB: number): boolean {
  for (let k = 0; k < STAMP_NUMBERS; k++) if (a[STAMP_NUMBERS * rowA + k] !== b[STAMP_NUMBERS * rowB + k]) return false;
  return true;
}

/** What stands before the columns, as JSON. */
interface Head {
  readonly count: number;
  readonly frames: readonly string[];
  readonly folders: readonly (readonly [path: string, stamp: FileStamp | null])[];
  readonly titles: readonly (readonly [row: number, title: string])[];
  readonly besides: readonly (readonly [row: number, beside: string])[];
}

/** Undefined when there is none that is whole. The names, which hold no zero, stand at the end. */
export async function readHeaderTable(kept: string): Promise<HeaderTable | undefined> {
  const bytes = await readSealedBytes(kept, KIND);
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(0);
  const { count, frames, folders, titles, besides }: Head = JSON.parse(bytes.toString('utf8', 0, end));
  const plain = emptyColumns(count);
  const folder = new Int32Array(count);
  let at = end + 1;
  for (const column of [...Object.values(plain), folder]) {
    bytesOf(column).set(bytes.subarray(at, at + column.byteLength));
    at += column.byteLength;
  }
  return {
    columns: { ...plain, frames: frames.map(frameOfText), titles: new Map(titles) },
    folders: folders.map(([path, stamp]) => [path, stamp ?? undefined]),
    folder,
    names: count === 0 ? [] : bytes.toString('utf8', at).split('\0'),
    besides: new Map(besides),
  };
}

export async function writeHeaderTable(kept: string, table: HeaderTable): Promise<void> {
  const { columns, folders, folder, names, besides } = table;
  const { frames, titles, ...plain } = columns;
  const head: Head = {
    count: names.length,
    frames: frames.map(textOfFrame),
    folders: folders.map(([path, stamp]) => [path, stamp ?? null]),
    titles: [...titles],
    besides: [...besides],
  };
  await writeSealedBytes(kept, KIND, [
    Buffer.from(`${JSON.stringify(head)}\0`),
    ...[...Object.values(plain), folder].map(bytesOf),
    Buffer.from(names.join('\0')),
  ]);
}
