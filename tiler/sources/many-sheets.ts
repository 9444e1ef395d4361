/** More files than are held open: looked at once, by one thread for all, and each opened whenever it is read. */
import { hasStamp } from './file-stamp.ts';
import { type FileOpener, type OpenerOptions, openFiles, type Understanding } from './open-file.ts';
import { openPooled } from './pooled-sheet.ts';
import type { RasterSource } from './raster-source.ts';
import type { SheetColumns } from './sheet-columns.ts';
import type { SheetList } from './sheet-list.ts';
import { scanFiles } from './sheet-scan.ts';
import { SheetTable } from './sheet-table.ts';
import { openUnion, type SheetReader, type SheetUnion, uniteSheets } from './sheets.ts';
import type { SourcePool } from './source-pool.ts';

/** What there is to find out about many files before they are read; plain data, of which threads share the bulk. */
export interface FoundSheets {
  /** A row for each file, in the order of their names. */
  readonly columns: SheetColumns;
  /** The sources that they make. */
  readonly groups: readonly FoundGroup[];
}

interface FoundGroup {
  readonly rows: Int32Array;
  /** Undefined for a single file. */
  readonly union: SheetUnion | undefined;
}

/** Which sheets are one source each. */
export type GroupSheets = (sheets: SheetList) => readonly (readonly number[])[];

export interface ManyOptions extends Omit<OpenerOptions, 'memo' | 'maxOpenFiles'> {
  readonly how: Understanding;
  readonly pool: SourcePool;
  readonly group: GroupSheets;
  readonly cacheFolder?: string | undefined;
  readonly onScan?: ((done: number, total: number) => void) | undefined;
  /** What another thread has found out about the same files: they are not looked at again before they are read. */
  readonly found?: FoundSheets | undefined;
  /** Hears what others may be given as `found`. */
  readonly onFound?: ((found: FoundSheets) => void) | undefined;
}

export async function openMany(names: readonly string[], options: ManyOptions): Promise<readonly RasterSource[]> {
  const { found, onFound, pool, group, how, cacheBytes, cacheFolder, onScan, ...opening } = options;
  const { hash = true, signal, ...lasting } = opening;
  const opener = await openFiles(names.length, { ...lasting, cacheBytes, hash: false });
  const table = found
    ? new SheetTable(names, found.columns, hash)
    : await scanFiles(names, { ...opening, how, cacheFolder, onScan });
  if (found) await readyFrames(table, opener, how);
  const openAt = (row: number) => openPooled(names[row] ?? '', table.fileAt(row), how, opener, pool);
  const groups = found?.groups ?? (await uniteGroups(table, group, openAt));
  if (!found && hash && canBeShared(table)) onFound?.({ columns: table.columns, groups });
  return groups.map(({ rows, union }) =>
    union === undefined
      ? openAt(rows[0] ?? -1)
      : openUnion(hash ? union : withoutVersion(union), table.listOf(rows), readerOf(rows, openAt)),
  );
}

async function uniteGroups(
  table: SheetTable,
  group: GroupSheets,
  openAt: (row: number) => RasterSource,
): Promise<FoundGroup[]> {
  const groups: FoundGroup[] = [];
  for (const members of group(table.listOf(Int32Array.from(table.names, (_, row) => row)))) {
    const rows = new Int32Array(new SharedArrayBuffer(4 * members.length));
    rows.set(members);
    const reader = readerOf(rows, openAt);
    try {
      groups.push({ rows, union: rows.length > 1 ? await uniteSheets(table.listOf(rows), reader) : undefined });
    } finally {
      // It may have compared some where they overlap.
      await reader.close();
    }
  }
  return groups;
}

/** Files become sources when they are first read. */
function readerOf(rows: Int32Array, openAt: (row: number) => RasterSource): SheetReader {
  const sources = new Map<number, RasterSource>();
  return {
    async read(index, window, options) {
      const source = sources.get(index) ?? openAt(rows[index] ?? -1);
      sources.set(index, source);
      return source.read(0, window, options);
    },
    async close() {
      await Promise.all([...sources.values()].map((source) => source.close()));
    },
  };
}

/** Definitions with datum grids hold only where this thread has opened a file with them. */
async function readyFrames({ names, columns }: SheetTable, opener: FileOpener, how: Understanding): Promise<void> {
  for (const [index, { info }] of columns.frames.entries()) {
    if (!info.crs.includes('+grids=')) continue;
    const source = await opener.open(names[columns.frame.indexOf(index)] ?? '', how);
    await source.close();
  }
}

/** A change of each is seen when it is opened. That of what a VRT refers to is not, nor that of what is far away. */
function canBeShared({ names, columns }: SheetTable): boolean {
  return (
    columns.frames.every(({ info }) => info.format !== 'VRT') && names.every((_, row) => hasStamp(columns.stamps, row))
  );
}

function withoutVersion({ info, places }: SheetUnion): SheetUnion {
  return { info: { ...info, version: '' }, places };
}
