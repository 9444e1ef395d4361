/**
 * The folder inside a tileset where its next edition is collected, and the exchange of the two. `owner.json` says whose it
 * is, `new` holds what is collected, `old` what has been moved aside; it is renamed to `old-whole` once all of it has.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RelievoError } from '../error.ts';
import { TILESET_DOCUMENT } from './tileset-files.ts';

export const STAGING = '.relievo-building';
/** Goes wherever the tiles go, when there is one. */
const QUALITY = 'quality.json';

/** What a tileset consists of. */
export interface TilesetParts {
  /** What clients know a tileset by. */
  readonly document: string;
  /** Whether a name in its folder, beside the document, is of the tileset. */
  readonly isPart: (name: string) => boolean;
}

export const QUANTIZED_MESH_PARTS: TilesetParts = {
  document: 'layer.json',
  isPart: (name) => /^\d{1,2}$/.test(name) || name === QUALITY,
};
const DOCUMENTS = [QUANTIZED_MESH_PARTS.document, TILESET_DOCUMENT];

/** A staging folder without an owner is one whose process is just about to say so, or died before it could. */
const YOUNG_MS = 5000;

/** Of this process; two builds in one process are as foreign to each other as two processes. */
const held = new Set<string>();

export interface Staging {
  readonly collected: string;
  /** Puts what was collected, with its document and what is known of its quality, in the place of what was there. */
  exchange(document: string, quality?: string): Promise<void>;
  /** Undoes a half-made exchange and removes the folder. */
  remove(): Promise<void>;
}

/**
 * Fails with `output-refused` when another build is at work in `out`; what one that died left is put in order first.
 * `folder` is the staging folder, on the disk of `out`.
 */
export async function takeStaging(
  out: string,
  parts: TilesetParts = QUANTIZED_MESH_PARTS,
  folder: string = join(out, STAGING),
): Promise<Staging> {
  if (held.has(folder)) throw atWork(out, 'in this process');
  held.add(folder);
  try {
    if (!(await makeFolder(folder))) {
      refuseLiving(folder, out);
      await restore(folder, out, parts);
      await rm(folder, { recursive: true, force: true });
      if (!(await makeFolder(folder))) throw atWork(out, 'that has just begun');
    }
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
    await mkdir(join(folder, 'new'));
  } catch (error) {
    held.delete(folder);
    throw error;
  }
  const isDocument = (name: string) => name === parts.document;
  return { collected: join(folder, 'new'), exchange, remove };

  async function exchange(document: string, quality?: string): Promise<void> {
    const [fresh, old] = [join(folder, 'new'), join(folder, 'old')];
    await writeFile(join(fresh, parts.document), document);
    if (quality !== undefined) await writeFile(join(fresh, QUALITY), quality);
    await mkdir(old);
    // Without its document no client takes what is here for a tileset.
    await moveAll(out, old, isDocument);
    await moveAll(out, old, parts.isPart);
    await rename(old, join(folder, 'old-whole'));
    await moveAll(fresh, out, parts.isPart);
    await moveAll(fresh, out, isDocument);
    await rm(folder, { recursive: true });
    held.delete(folder);
  }

  async function remove(): Promise<void> {
    held.delete(folder);
    await restore(folder, out, parts);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Moves the older tileset back when an exchange broke off. A document in place means that it had not begun, or was done. */
async function restore(folder: string, out: string, { document, isPart }: TilesetParts): Promise<void> {
  if (existsSync(join(out, document))) return;
  const whole = join(folder, 'old-whole');
  const aside = existsSync(whole) ? whole : join(folder, 'old');
  if (!existsSync(aside)) return;
  if (!existsSync(join(aside, document))) {
    if (!DOCUMENTS.some((other) => existsSync(join(aside, other)))) return;
    const message = `A tileset of another format was being exchanged there when its build ended: what it was lies in ${aside}; move it back, or remove it`;
    throw new RelievoError('output-refused', message, { where: out });
  }
  if (aside === whole) {
    for (const name of await readdir(out)) if (isPart(name)) await rm(join(out, name), { recursive: true });
  }
  await moveAll(aside, out, isPart);
  await moveAll(aside, out, (name) => name === document);
}

async function moveAll(from: string, to: string, which: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(from)) if (which(name)) await rename(join(from, name), join(to, name));
}

/** False when it is there already: making a folder is the one step that only one of two can do. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function refuseLiving(folder: string, out: string): void {
  const owner = readOwner(folder);
  if (!owner) {
    if (Date.now() - statSync(folder).mtimeMs < YOUNG_MS) throw atWork(out, 'that has just begun');
    return;
  }
  if (owner.host !== hostname()) {
    throw new RelievoError(
      'output-refused',
      `A build on another machine (${owner.host}) is writing there, or was stopped there: wait for it, or remove ${STAGING}`,
      { where: out },
    );
  }
  if (owner.pid !== process.pid && isAlive(owner.pid)) throw atWork(out, `(process ${owner.pid})`);
}

function atWork(out: string, which: string): RelievoError {
  return new RelievoError('output-refused', `Another build ${which} is writing there: wait for it or stop it`, {
    where: out,
  });
}

function readOwner(folder: string): { pid: number; host: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'));
  } catch {
    // Never written or half written.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
