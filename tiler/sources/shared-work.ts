/**
 * A file in a cache folder that any of several processes may make: it appears under its name when it is whole. Whoever
 * comes while a living process is at it waits for that one; what dead ones left is removed, and never read.
 */
import { existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { makeFolders } from '../make-folders.ts';

export interface SharedWork {
  readonly signal?: AbortSignal | undefined;
  /** Told once when another process is found at work. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** Writes the file at `path`, which is there and empty; what it leaves there is on the disk when it returns. */
  readonly make: (path: string) => Promise<void>;
  /** How often a process says that it lives, and how long the others believe it, in milliseconds. */
  readonly beatMs?: number | undefined;
  readonly patienceMs?: number | undefined;
}

const ENDING = '.part';
const HOST = hostname().replace(/[^A-Za-z0-9-]/g, '-');
/** When this process began, the same in all its threads: microseconds, in base 36. */
const STARTED = Math.round(performance.timeOrigin * 1000).toString(36);
const POLL_MS = 100;
/** What nobody has touched for so long is left over, wherever it comes from. */
const OLD_MS = 24 * 3600 * 1000;

let serial = 0;

/** Returns when there is a file at `path`, made here or by another process. */
export async function makeShared(path: string, work: SharedWork): Promise<void> {
  const { make, beatMs = 5000 } = work;
  const folder = dirname(path);
  await makeFolders(folder);
  const own = join(folder, `${basename(path)}.${HOST}.${process.pid}.${STARTED}-${threadId}-${serial++}${ENDING}`);
  let beat: NodeJS.Timeout | undefined;
  try {
    if (!(await begin(path, own, work))) return;
    beat = setInterval(() => {
      const now = new Date();
      utimes(own, now, now).catch(() => {});
    }, beatMs);
    beat.unref();
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

/** Waits while others are at it; whether there is anything left to make, of which `own` then tells the others. */
async function begin(path: string, own: string, { signal, onWait, patienceMs = 30_000 }: SharedWork): Promise<boolean> {
  const passedOver = new Set([own]);
  let isTold = false;
  for (;;) {
    await sweep(dirname(path));
    const other = await findOther(path, passedOver);
    if (other !== undefined) {
      if (!isTold) onWait?.(other.who);
      isTold = true;
      if (!(await endsWithin(path, other, patienceMs, signal))) passedOver.add(other.part);
      if (existsSync(path)) return false;
      continue;
    }
    await writeFile(own, '', { flag: 'wx' });
    // Of any who begin together, the last to write its name sees the others: all who see one step back.
    if ((await findOther(path, passedOver)) === undefined) {
      if (!existsSync(path)) return true;
      await rm(own, { force: true });
      return false;
    }
    await rm(own, { force: true });
    await pause(Math.random() * POLL_MS, undefined, { signal });
  }
}

interface Other {
  readonly part: string;
  readonly who: string;
}

/** Another's work on the same file that seems alive. */
async function findOther(path: string, passedOver: ReadonlySet<string>): Promise<Other | undefined> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const part = join(dirname(path), name);
    if (!name.startsWith(prefix) || !name.endsWith(ENDING) || passedOver.has(part)) continue;
    const [host, pid] = name.slice(prefix.length).split('.');
    return { part, who: host === HOST ? `process ${pid}` : `a process on ${host}` };
  }
  return undefined;
}

/** Waits until the work is done or given up; false when it has shown no life for a while: then it is done here as well. */
async function endsWithin(path: string, { part }: Other, patienceMs: number, signal?: AbortSignal): Promise<boolean> {
  // Judged by this machine's clock alone: when it was last seen to change.
  let seen = -1;
  let changed = performance.now();
  while (!existsSync(path)) {
    const touched = await stat(part).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (touched === undefined || isDead(part)) return true;
    if (touched !== seen) {
      seen = touched;
      changed = performance.now();
    } else if (performance.now() - changed > patienceMs) return false;
    await pause(POLL_MS, undefined, { signal });
  }
  return true;
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ENDING)) continue;
    const part = join(folder, name);
    const found = await stat(part).catch(() => undefined);
    if (found && (isDead(part) || Date.now() - found.mtimeMs > OLD_MS)) await rm(part, { force: true });
  }
}

/** Whether a work's process was of this machine and lives no more. In a container the next one often has its number. */
function isDead(part: string): boolean {
  const [host, pid, begun] = basename(part).split('.').slice(-4);
  if (host !== HOST) return false;
  if (Number(pid) === process.pid) return begun.split('-')[0] !== STARTED;
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
