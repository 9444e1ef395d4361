/**
 * Hashes of files that have been read once, kept in a cache folder: a file that is as it was (path, size, times, inode) is
 * not read again for its hash. One small file there for each, or one for all where there are many.
 */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { type FileStamp, isSettled, stampOf } from './file-stamp.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import { isRemoteName } from './source-name.ts';

/** Its methods never fail but as `compute` does: what cannot be kept is computed again. */
export interface FileMemo {
  /** The hash of the file's content: the one from before where the file is as it was, else what `compute` gives. */
  hashOf(path: string, compute: () => Promise<string>): Promise<string>;
}

const KIND = 'hash 1';

/** `folder`: absolute; made when there is something to keep. */
export function openFileMemo(folder: string): FileMemo {
  return {
    async hashOf(path, compute) {
      const stamp = isRemoteName(path) ? undefined : stampOf(path);
      if (stamp === undefined) return compute();
      const lookedMs = Date.now();
      const kept = keptAt(folder, resolve(path), 'hash');
      const known = await readSealed(kept, KIND);
      if (Array.isArray(known) && known[0] === resolve(path) && known[1] === stamp && isHash(known[2])) return known[2];
      const hash = await compute();
      if (isSettled(stamp, lookedMs) && stampOf(path) === stamp) {
        await writeSealed(kept, KIND, [resolve(path), stamp, hash]);
      }
      return hash;
    },
  };
}

export interface FileMemoOfMany extends FileMemo {
  /** Writes what has been added since it was opened. */
  save(): Promise<void>;
}

const KIND_OF_MANY = 'hashes 1';

/** For many files below one folder, `root`; what is kept is read when the first hash is asked for. */
export function openFileMemoOfMany(folder: string, root: string): FileMemoOfMany {
  const kept = keptAt(folder, root, 'hashes');
  const used = new Set<string>();
  let loading: Promise<Map<string, HashRow>> | undefined;
  let added = false;
  return {
    async hashOf(path, compute) {
      const stamp = isRemoteName(path) ? undefined : stampOf(path);
      if (stamp === undefined) return compute();
      const lookedMs = Date.now();
      loading ??= readSealed(kept, KIND_OF_MANY).then(hashRows);
      const rows = await loading;
      const name = resolve(path);
      const known = rows.get(name);
      used.add(name);
      if (known?.[1] === stamp) return known[2];
      const hash = await compute();
      if (isSettled(stamp, lookedMs) && stampOf(path) === stamp) {
        rows.set(name, [name, stamp, hash]);
        added = true;
      }
      return hash;
    },
    async save() {
      const rows = await loading;
      if (rows !== undefined && added) await writeSealed(kept, KIND_OF_MANY, keepRows(rows, used));
      added = false;
    },
  };
}

type HashRow = readonly [path: string, stamp: FileStamp, hash: string];

function hashRows(value: unknown): Map<string, HashRow> {
  return new Map(((value ?? []) as HashRow[]).map((row) => [row[0], row]));
}

/** Rows that were used, and of the others as many again: a folder's files of before must not pile up for ever. */
function keepRows<T>(rows: ReadonlyMap<string, T>, used: ReadonlySet<string>): T[] {
  const kept: T[] = [];
  let spare = used.size + 1000;
  for (const [name, row] of rows) if (used.has(name) || spare-- > 0) kept.push(row);
  return kept;
}

/** Where in a cache folder something is kept that is known by a long name. */
export function keptAt(folder: string, name: string, ending: string): string {
  return join(folder, 'files', `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.${ending}`);
}

export function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}
