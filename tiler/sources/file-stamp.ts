/** What tells, without reading a file, whether it is still the one that was read: size, times and inode. */
import { statSync } from 'node:fs';
import { RelievoError } from '../error.ts';
import { shownName } from './source-name.ts';

/** `size mtimeNs inode ctimeNs`: the last changes with anything that is done to the file, the others with its content. */
export type FileStamp = string;

/** Numbers of a stamp where many are kept in one array, each at a multiple of this. */
export const STAMP_NUMBERS = 4;
/** In the place of a size: there is no stamp. */
const NONE = -1n;

/** A file that was written less than this before it was looked at may have been written again within the same tick. */
const RACY_MS = 2000;

/** Of a regular file, or of a folder; undefined when there is none that can be looked at. */
export function stampOf(path: string, kind: 'file' | 'folder' = 'file'): FileStamp | undefined {
  const found = look(path);
  if (found === undefined || (kind === 'file' ? !found.isFile() : !found.isDirectory())) return undefined;
  return `${found.size} ${found.mtimeNs} ${found.ino} ${found.ctimeNs}`;
}

/** The same for many files: that of a regular file becomes number `index` of `stamps`. Whether there is one. */
export function takeStamp(path: string, stamps: BigInt64Array, index: number): boolean {
  const found = look(path);
  const at = STAMP_NUMBERS * index;
  const isThere = found?.isFile() === true;
  stamps[at] = isThere ? found.size : NONE;
  stamps[at + 1] = isThere ? found.mtimeNs : 0n;
  stamps[at + 2] = isThere ? found.ino : 0n;
  stamps[at + 3] = isThere ? found.ctimeNs : 0n;
  return isThere;
}

/** For what is no single local file. */
export function takeNoStamp(stamps: BigInt64Array, index: number): void {
  stamps.fill(0n, STAMP_NUMBERS * index, STAMP_NUMBERS * (index + 1));
  stamps[STAMP_NUMBERS * index] = NONE;
}

export function hasStamp(stamps: BigInt64Array, index: number): boolean {
  return (stamps[STAMP_NUMBERS * index] ?? NONE) !== NONE;
}

export function textOfStamp(stamps: BigInt64Array, index: number): FileStamp | undefined {
  const [size = NONE, mtimeNs = 0n, ino = 0n, ctimeNs = 0n] = stamps.subarray(STAMP_NUMBERS * index);
  return size === NONE ? undefined : `${size} ${mtimeNs} ${BigInt.asUintN(64, ino)} ${ctimeNs}`;
}

function look(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Whoever opens it says why it cannot be.
    return undefined;
  }
}
/** Whether whoever looked at the file at `lookedMs` (Unix time) would see by the stamp that it was written later. */
export function isSettled(stamp: FileStamp, lookedMs: number): boolean {
  const [, mtimeNs = '0'] = stamp.split(' ');
  return Number(BigInt(mtimeNs) / 1_000_000n) < lookedMs - RACY_MS;
}

/** Whether a file's content is the one of an earlier stamp; renaming and new permissions do not count. */
export function isSameContent(a: FileStamp, b: FileStamp): boolean {
  return a.slice(0, a.lastIndexOf(' ')) === b.slice(0, b.lastIndexOf(' '));
}

/** The refusal of a file that is not as it was. */
export function changedFile(name: string): RelievoError {
  const where = shownName(name);
  return new RelievoError(
    'input-invalid',
    `${where} has changed since it was first looked at, and heights of before and after must not be mixed: start again.`,
    { where },
  );
}
