/**
 * Plain JSON kept in a cache folder, with a checksum in its first line: it is there whole or not at all. What cannot be read
 * or written costs the time to make it again, and nothing else.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from '../make-folders.ts';
import { VERSION } from '../version.ts';

/** The value that was kept as this kind by this version of the program; undefined when there is none that is whole. */
export async function readSealed(path: string, kind: string): Promise<unknown> {
  const bytes = await readFile(path).catch(() => undefined);
  const end = bytes?.indexOf(0x0a) ?? -1;
  if (bytes === undefined || end < 0) return undefined;
  const body = bytes.subarray(end + 1);
  if (bytes.toString('latin1', 0, end) !== sealOf(kind, body)) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // Somebody else's file under our name.
    return undefined;
  }
}

let serial = 0;

/** Readers see the file as it was before or whole. */
export async function writeSealed(path: string, kind: string, value: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}-${process.hrtime.bigint()}-${serial++}`;
  const body = Buffer.from(JSON.stringify(value));
  try {
    await makeFolders(dirname(path));
    await writeFile(temporary, Buffer.concat([Buffer.from(`${sealOf(kind, body)}\n`, 'latin1'), body]));
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

function sealOf(kind: string, body: Uint8Array): string {
  return `relievo ${VERSION} ${kind} ${createHash('sha256').update(body).digest('hex')}`;
}
