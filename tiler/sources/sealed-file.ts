/**
 * What is kept in a cache folder, plain JSON or bytes, with a checksum in its first line: it is there whole or not at all.
 * What cannot be read or written costs the time to make it again, and nothing else.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../make-folders.ts';
import { VERSION } from '../version.ts';

/** The value that was kept as this kind by this version of the program; undefined when there is none that is whole. */
export async function readSealed(path: string, kind: string): Promise<unknown> {
  const body = await readSealedBytes(path, kind);
  try {
    return body && JSON.parse(body.toString('utf8'));
  } catch {
    // Somebody else's file under our name.
    return undefined;
  }
}

/** The same for what was kept as bytes. */
export async function readSealedBytes(path: string, kind: string): Promise<Buffer | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const end = bytes?.indexOf(0x0a) ?? -1;
  if (bytes === undefined || end < 0) return undefined;
  const body = bytes.subarray(end + 1);
  return bytes.toString('latin1', 0, end) === sealOf(kind, [body]) ? body : undefined;
}

/** Readers see the file as it was before or whole. */
export function writeSealed(path: string, kind: string, value: unknown): Promise<void> {
  return writeSealedBytes(path, kind, [Buffer.from(JSON.stringify(value))]);
}

let serial = 0;
const TEMPORARY = /\.\d+-\d+-\d+$/;

/** The same for bytes, one piece after the other. */
export async function writeSealedBytes(path: string, kind: string, pieces: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${process.pid}-${process.hrtime.bigint()}-${serial++}`;
  try {
    await makeFolders(dirname(path));
    await sweepOnce(dirname(path));
    await writeFile(temporary, [Buffer.from(`${sealOf(kind, pieces)}\n`, 'latin1'), ...pieces]);
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

const swept = new Set<string>();
/** No file takes so long to write, on whatever machine. */
const LEFT_OVER_MS = 3600 * 1000;

/** Removes what killed processes have begun to write, once for each folder. */
async function sweepOnce(folder: string): Promise<void> {
  if (swept.has(folder)) return;
  swept.add(folder);
  for (const name of await readdir(folder)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > LEFT_OVER_MS) await rm(path, { force: true });
  }
}

function sealOf(kind: string, pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return `relievo ${VERSION} ${kind} ${hash.digest('hex')}`;
}
