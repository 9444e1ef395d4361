/**
 * A file in a cache folder that any of several processes may make: it appears under its name when it is whole. Whoever
 * comes while a living process is at it waits for that one; what dead ones left is removed, and never read.
 */
import { existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeFolders } from '../make-folders.ts';

export interface SharedWork {
  readonly signal?: AbortSignal | undefined;
  /** Told once when another process is found at work. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** Writes the file at `path`, which does not exist; what it leaves there is on the disk when it returns. */
  readonly make: (path: string) => Promise<void>;
  /** How often a process says that it lives, and how long the others believe it, in milliseconds. */
  readonly beatMs?: number | undefined;
  readonly patienceMs?: number | undefined;
}

const ENDING = '.part';
const HOST = hostname().replace(/[^A-Za-z0-9-]/g, '-');
const POLL_MS = 100;
/** What nobody has touched for so long is left over, wherever it comes from. */
const OLD_MS = 24 * 3600 * 1000;

let serial = 0;

/** Returns when there is a file at `path`, made here or by another process. */
export async function makeShared(path: string, work: SharedWork): Promise<void> {
  const { signal, onWait, make, beatMs = 5000, patienceMs = 30_000 } = work;
  const folder = dirname(path);
  await makeFolders(folder);
  await sweep(folder);
  const other = await findOther(path);
  if (other !== undefined) {
    onWait?.(other.who);
    await untilIdle(path, other, patienceMs, signal);
    if (existsSync(path)) return;
  }
  const own = join(folder, `${basename(path)}.${HOST}.${process.pid}.${Date.now().toString(36)}-${serial++}${ENDING}`);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(own, now, now).catch(() => {});
  }, beatMs);
  beat.unref();
  try {
    await make(own);
    await rename(own, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(own, { force: true });
    throw error;
  } finally {
    clearInterval(beat);
  }
}

interface Other {
  readonly part: string;
  readonly who: string;
}

/** Another's work on the same file that seems alive. */
async function findOther(path: string): Promise<Other | undefined> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith(ENDING)) continue;
    const [host, pid] = name.slice(prefix.length).split('.');
    return { part: join(dirname(path), name), who: host === HOST ? `process ${pid}` : `a process on ${host}` };
  }
  return undefined;
}

/** Waits until the work is done, given up, or has shown no life for a while: then it is done here as well. */
async function untilIdle(path: string, { part }: Other, patienceMs: number, signal?: AbortSignal): Promise<void> {
  // Judged by this machine's clock alone: when it was last seen to change.
  let seen = -1;
  let changed = performance.now();
  while (!existsSync(path)) {
    const touched = await stat(part).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (touched === undefined || isDead(part)) return;
    if (touched !== seen) {
      seen = touched;
      changed = performance.now();
    } else if (performance.now() - changed > patienceMs) return;
    await pause(POLL_MS, undefined, { signal });
  }
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ENDING)) continue;
    const part = join(folder, name);
    const found = await stat(part).catch(() => undefined);
    if (found && (isDead(part) || Date.now() - found.mtimeMs > OLD_MS)) await rm(part, { force: true });
  }
}

/** Whether a work's process was of this machine and lives no more. */
function isDead(part: string): boolean {
  const [host, pid] = basename(part).split('.').slice(-4);
  if (host !== HOST) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** So that a crash of the machine does not undo the rename; not all systems can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
