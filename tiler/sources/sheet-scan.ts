/** Looks at many files once: opens each for what it says of itself, or takes that from the cache folder, and closes it again. */
import { createHash } from 'node:crypto';
import { dirname, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hashFile } from './byte-file.ts';
import { openFileMemoOfMany } from './file-memo.ts';
import { type FileStamp, stampOf } from './file-stamp.ts';
import { type OpenerOptions, openFiles, type Understanding } from './open-file.ts';
import { type SheetHeader, SheetHeaders } from './sheet-headers.ts';
import { findOverviews } from './sidecars.ts';
import { isRemoteName } from './source-name.ts';

/** A file that was looked at. */
export interface ScannedFile extends SheetHeader {
  /** As it was when it was looked at; undefined for what is no single local file. */
  readonly stamp: FileStamp | undefined;
}

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
export async function scanFiles(names: readonly string[], options: ScanOptions): Promise<readonly ScannedFile[]> {
  const { how, cacheFolder, onScan, ...opening } = options;
  const { hash = true, crsGrids, signal } = opening;
  const startedMs = Date.now();
  const root = cacheFolder === undefined ? '' : commonFolder(names);
  const memo = cacheFolder === undefined ? undefined : openFileMemoOfMany(cacheFolder, root);
  const headers =
    cacheFolder === undefined
      ? undefined
      : await SheetHeaders.open(cacheFolder, await keyOf(root, how, crsGrids ?? [], signal));
  const opener = await openFiles(names.length, { ...opening, memo });
  /** Definitions with datum grids hold only where this process has opened a file with them. */
  const ready = new Set<string>();
  let done = 0;

  async function known(name: string, stamp: FileStamp): Promise<SheetHeader | undefined> {
    const header = await headers?.find(name, stamp);
    if (header === undefined || (hash && header.info.version === '')) return undefined;
    const { crs } = header.info;
    if (crs.includes('+grids=') && !ready.has(crs)) return undefined;
    return hash ? header : { ...header, info: { ...header.info, version: '' } };
  }

  async function scan(name: string): Promise<ScannedFile> {
    const lookedMs = Date.now();
    const stamp = isRemoteName(name) ? undefined : stampOf(name);
    const found = stamp === undefined ? undefined : await known(name, stamp);
    if (found !== undefined) return { ...found, stamp };
    const source = await opener.open(name, how);
    const { info } = source;
    await source.close();
    ready.add(info.crs);
    const files = !isRemoteName(name) && (await findOverviews(name)) !== undefined ? 2 : 1;
    // A VRT is as it was only if its files are, too.
    const lasting = stamp !== undefined && info.format !== 'VRT';
    if (lasting) await headers?.keep(name, stamp, lookedMs, { info, files });
    return { info, files, stamp };
  }

  const scanned = await abreast(names, async (name) => {
    signal?.throwIfAborted();
    const file = await scan(name);
    if (++done % BATCH === 0 || done === names.length) {
      onScan?.(done, names.length);
      await setImmediate();
    }
    return file;
  });
  await Promise.all([memo?.save(), headers?.save(startedMs)]);
  return scanned;
}

/** All at work side by side, a few at a time; fails with the first that fails in their order, once those at work are done. */
async function abreast<T>(names: readonly string[], work: (name: string) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(names.length);
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  let next = 0;
  async function go(): Promise<void> {
    while (next < names.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await work(names[index] ?? '');
      } catch (error) {
        failures.push({ index, error });
      }
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, go));
  const [first] = failures.sort((a, b) => a.index - b.index);
  if (first !== undefined) throw first.error;
  return results;
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

/** The deepest folder below which all files lie. */
function commonFolder(names: readonly string[]): string {
  let common: string[] | undefined;
  for (const folder of new Set(names.filter((name) => !isRemoteName(name)).map((name) => dirname(resolve(name))))) {
    const parts = folder.split(sep);
    if (common === undefined) common = parts;
    const end = common.findIndex((part, i) => part !== parts[i]);
    if (end >= 0) common = common.slice(0, end);
  }
  return common?.join(sep) ?? '';
}
