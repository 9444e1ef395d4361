/**
 * A bounded number of open files for any number of sources: each is opened when it is read and closed when others need
 * its place, the least recently read first; those being read stay open, and reads beyond the bound wait their turn.
 */
import type { RasterSource } from './raster-source.ts';

/** Files that may be open at once. */
export const MAX_OPEN_FILES = 128;
/** Of these, what is left for sources that are opened and closed again, when others are held. */
const LEAST_ROOM = 32;

/** A source of the pool, open or not. */
export interface PooledSource {
  /** Files that it needs open. */
  readonly files: number;
  open(): Promise<RasterSource>;
}

interface Entry {
  readonly source: Promise<RasterSource>;
  readonly files: number;
  users: number;
}

export class SourcePool {
  readonly #capacity: number;
  /** Least recently used first. */
  readonly #entries = new Map<PooledSource, Entry>();
  readonly #waiting: { readonly files: number; readonly enter: () => void }[] = [];
  /** Files open, being opened, or being closed. */
  #open = 0;
  #closing = 0;
  #held = 0;

  constructor(maxOpenFiles = MAX_OPEN_FILES) {
    this.#capacity = Math.max(1, maxOpenFiles);
  }

  /** Files open now, those held included. */
  get openFiles(): number {
    return this.#open;
  }

  /** Whether so many may be held open from now on; `release` gives their places back. */
  hold(files: number): boolean {
    if (this.#held + files > this.#capacity - Math.min(LEAST_ROOM, this.#capacity)) return false;
    this.#held += files;
    this.#open += files;
    this.#makeRoom();
    return true;
  }

  release(files: number): void {
    this.#held -= files;
    this.#leave(files);
  }

  /** Works with the open source, which stays open meanwhile. Concurrent users share it. */
  async use<T>(pooled: PooledSource, work: (source: RasterSource) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(pooled) ?? this.#enter(pooled);
    entry.users++;
    this.#entries.delete(pooled);
    this.#entries.set(pooled, entry);
    try {
      return await work(await entry.source);
    } finally {
      entry.users--;
      if (this.#waiting.length > 0) this.#makeRoom();
    }
  }

  /** Closes the source if it is open. It is opened again by the next who uses it. */
  async close(pooled: PooledSource): Promise<void> {
    const entry = this.#entries.get(pooled);
    if (entry === undefined) return;
    this.#entries.delete(pooled);
    await this.#shut(entry);
  }

  #enter(pooled: PooledSource): Entry {
    const files = Math.min(pooled.files, this.#capacity);
    const source = this.#room(files).then(async () => {
      try {
        return await pooled.open();
      } catch (error) {
        this.#leave(files);
        if (this.#entries.get(pooled) === entry) this.#entries.delete(pooled);
        throw error;
      }
    });
    const entry: Entry = { source, files, users: 0 };
    return entry;
  }

  #room(files: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ files, enter });
      this.#makeRoom();
    });
  }

  /** Lets in who fits, first come first, and closes what nobody uses while somebody waits. */
  #makeRoom(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#open + next.files > this.#capacity) break;
      this.#waiting.shift();
      this.#open += next.files;
      next.enter();
    }
    const wanted = this.#waiting.reduce((sum, { files }) => sum + files, 0);
    let excess = this.#open - this.#closing + wanted - this.#capacity;
    for (const [pooled, entry] of this.#entries) {
      if (excess <= 0) break;
      if (entry.users > 0) continue;
      excess -= entry.files;
      this.#entries.delete(pooled);
      this.#shut(entry).catch(() => {});
    }
  }

  async #shut(entry: Entry): Promise<void> {
    this.#closing += entry.files;
    const source = await entry.source.catch(() => undefined);
    try {
      await source?.close();
    } finally {
      this.#closing -= entry.files;
      // What could not be opened has left already.
      if (source !== undefined) this.#leave(entry.files);
    }
  }

  #leave(files: number): void {
    this.#open -= files;
    this.#makeRoom();
  }
}
