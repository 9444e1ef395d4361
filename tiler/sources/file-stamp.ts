/** What tells, without reading a file, whether it is still the one that was read: size, times and inode. */
import { statSync } from 'node:fs';
import { RelievoError } from '../error.ts';
import { shownName } from './source-name.ts';

/** `size mtimeNs inode ctimeNs`: the last changes with anything that is done to the file, the others with its content. */
export type FileStamp = string;

/** A file that was written less than this before it was looked at may have been written again within the same tick. */
const RACY_MS = 2000;

/** Of a regular file, or of a folder; undefined when there is none that can be looked at. */
export function stampOf(path: string, kind: 'file' | 'folder' = 'file'): FileStamp | undefined {
  const found = look(path);
  if (found === undefined || (kind === 'file' ? !found.isFile() : !found.isDirectory())) return undefined;
  return `${found.size} ${found.mtimeNs} ${found.ino} ${found.ctimeNs}`;
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
