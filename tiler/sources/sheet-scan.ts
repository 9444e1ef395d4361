/** Looks at many files once: opens each for what it says of itself, or takes that from the cache folder, and closes it again. */
import { createHash } from 'node:crypto';
import { basename, join, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hashFile } from './byte-file.ts';
import { openFileMemoOfMany } from './file-memo.ts';
import { stampOf, takeNoStamp, takeStamp, textOfStamp } from './file-stamp.ts';
import { type OpenerOptions, openFiles, type Understanding } from './open-file.ts';
import { bytesOf, ColumnsBuilder, versionAt } from './sheet-columns.ts';
import { type NewHeader, SheetHeaders } from './sheet-headers.ts';
import { SheetTable } from './sheet-table.ts';
import { findOverviews } from './sidecars.ts';
import { isRemoteName } from './source-name.ts';

export interface ScanOptions extends Omit<OpenerOptions, 'memo' | 'cacheBytes'> {
  readonly how: Understanding;
  /** Absolute; what was found out is kept there for the next time. */
  readonly cacheFolder?: string | undefined;
  /** Files looked at so far, and all. */
  readonly onScan?: ((done: number, total: number) => void) | undefined;
}

/** Files that are looked at side by side. */
const ABREAST = 8;
/** After this many files others get their turn, and `onScan` hears of it. */
const BATCH = 500;

/** In the order of `names`. Fails as opening the first of them that fails does. */
export async function scanFiles(names: readonly string[], options: ScanOptions): Promise<SheetTable> {
  const { how, cacheFolder, onScan, ...opening } = options;
  const { hash = true, crsGrids, signal } = opening;
  const startedMs = Date.now();
  const paths = absolutePaths(names);
  const root = cacheFolder === undefined ? '' : commonFolder(paths);
  const memo = cacheFolder === undefined ? undefined : openFileMemoOfMany(cacheFolder, root);
  const headers =
    cacheFolder === undefined
      ? undefined
      : await SheetHeaders.open(cacheFolder, await keyOf(root, how, crsGrids ?? [], signal));
  const knownVersions = headers && bytesOf(headers.columns.versions);
  const opener = await openFiles(names.length, { ...opening, memo });
  const builder = new ColumnsBuilder(names.length);
  const { stamps } = builder.columns;
  /** Row in `headers` of each file, -1 for one that is not known as it is now. */
  const found = new Int32Array(names.length).fill(-1);
  const looked = new Map<number, NewHeader>();
  /** Definitions with datum grids hold only where this process has opened a file with them. */
  const ready = new Set<string>();
  const unknown: number[] = [];
  let done = 0;

  for (const [index, path] of paths.entries()) {
    if (index % BATCH === 0) await giveWay();
    const isLocal = !isRemoteName(path) && takeStamp(path, stamps, index);
    if (!isLocal) takeNoStamp(stamps, index);
    const row = isLocal ? headers?.find(path, stamps, index) : undefined;
    if (row !== undefined && takeKnown(index, typeof row === 'number' ? row : await row)) tell();
    else unknown.push(index);
  }
  await abreast(unknown, async (index) => {
    await look(index);
    if (tell()) await giveWay();
  });
  await Promise.all([memo?.save(), headers?.save(builder.columns, found, looked, startedMs)]);
  return new SheetTable(names, builder.columns, hash);

  /** Whether what is known in a row will do. */
  function takeKnown(index: number, row: number): boolean {
    if (headers === undefined || knownVersions === undefined || row < 0) return false;
    const { columns } = headers;
    const crs = columns.frames[columns.frame[row] ?? -1]?.info.crs;
    if (hash && versionAt(knownVersions, row) === '') return false;
    if (crs === undefined || (crs.includes('+grids=') && !ready.has(crs))) return false;
    builder.copy(index, columns, row);
    found[index] = row;
    return true;
  }

  async function look(index: number): Promise<void> {
    signal?.throwIfAborted();
    const [name = '', path = ''] = [names[index], paths[index]];
    const lookedMs = Date.now();
    if (!isRemoteName(path) && takeStamp(path, stamps, index)) {
      const row = await headers?.find(path, stamps, index);
      if (row !== undefined && takeKnown(index, row)) return;
    }
    const stamp = textOfStamp(stamps, index);
    const source = await opener.open(name, how);
    const { info } = source;
    await source.close();
    ready.add(info.crs);
    const files = !isRemoteName(name) && (await findOverviews(name)) !== undefined ? 2 : 1;
    const isPlain = builder.fill(index, basename(name), info, files);
    // A VRT is as it was only if its files are, too.
    if (stamp === undefined || !isPlain || info.format === 'VRT') return;
    const header = await headers?.lookBeside(path, stamp, lookedMs);
    if (header !== undefined) looked.set(index, header);
  }

  function tell(): boolean {
    const isDue = ++done % BATCH === 0 || done === names.length;
    if (isDue) onScan?.(done, names.length);
    return isDue;
  }

  async function giveWay(): Promise<void> {
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/** All at work side by side, a few at a time; fails with the first that fails in their order, once those at work are done. */
async function abreast(indices: readonly number[], work: (index: number) => Promise<void>): Promise<void> {
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  let next = 0;
  async function go(): Promise<void> {
    while (next < indices.length && failures.length === 0) {
      const at = next++;
      try {
        await work(indices[at] ?? -1);
      } catch (error) {
        failures.push({ at, error });
      }
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, go));
  const [first] = failures.sort((a, b) => a.at - b.at);
  if (first !== undefined) throw first.error;
}

/** Of which files a table of headers speaks, and how they are understood; files that say how count by their content. */
async function keyOf(
  root: string,
  how: Understanding,
  crsGrids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const said = Object.entries(how).filter(([, value]) => value !== undefined);
  const { sourceCrs } = how;
  const files = [...crsGrids, ...(sourceCrs !== undefined && stampOf(sourceCrs) !== undefined ? [sourceCrs] : [])];
  const hashes = await Promise.all(files.map((file) => hashFile(file, signal)));
  const text = JSON.stringify([root, said.sort(), crsGrids, hashes]);
  return createHash('sha256').update(text).digest('hex');
}

/** What `resolve` makes of names that are no addresses; of many in one folder that is asked once. */
function absolutePaths(names: readonly string[]): readonly string[] {
  let [given, folder]: [string | undefined, string] = [undefined, ''];
  return names.map((name) => {
    if (isRemoteName(name)) return name;
    const cut = name.lastIndexOf(sep) + 1;
    const base = name.slice(cut);
    if (base === '' || base === '.' || base === '..' || (sep !== '/' && base.includes('/'))) return resolve(name);
    if (cut !== given?.length || !name.startsWith(given)) {
      given = name.slice(0, cut);
      folder = join(resolve(given), sep);
    }
    return folder === given ? name : folder + base;
  });
}

/** The deepest folder below which all files lie. */
function commonFolder(paths: readonly string[]): string {
  const folders = new Set<string>();
  for (const path of paths) if (!isRemoteName(path)) folders.add(path.slice(0, path.lastIndexOf(sep)));
  let common: string[] | undefined;
  for (const folder of folders) {
    const parts = folder.split(sep);
    if (common === undefined) common = parts;
    const end = common.findIndex((part, i) => part !== parts[i]);
    if (end >= 0) common = common.slice(0, end);
  }
  return common?.join(sep) ?? '';
}
