/**
 * Bytes of a remote file in blocks that all remote files keep in one cache. Blocks that are asked for in one turn of the
 * event loop and lie together are fetched by one request; one that is under way is not asked for again.
 */
import { LRUCache } from 'lru-cache';

export const BLOCK_BYTES = 2 ** 16;
/** Blocks of one request. */
const MAX_RUN = 16;
/** Blocks between two wanted ones that are rather fetched than asked around. */
const MAX_GAP = 1;
/** Bytes of a read that are under way at a time. */
const PORTION_BYTES = 16 * 2 ** 20;

export type RemoteCache = LRUCache<string, Buffer>;

export function openRemoteCache(maxBytes: number): RemoteCache {
  return new LRUCache({ maxSize: maxBytes, sizeCalculation: (block) => block.length + 64 });
}

/** Exactly so many bytes from an offset. */
export type FetchBytes = (offset: number, length: number) => Promise<Buffer>;

interface Flight {
  readonly promise: Promise<Buffer>;
  readonly settle: (bytes: Promise<Buffer>) => void;
}

export class RemoteBlocks {
  readonly #size: number;
  readonly #fetch: FetchBytes;
  readonly #cache: RemoteCache;
  readonly #id: string;
  readonly #flights = new Map<number, Flight>();
  #wanted: number[] = [];

  /** `id` tells the file, in the state that it has, from all others of the cache. */
  constructor(size: number, fetch: FetchBytes, cache: RemoteCache, id: string) {
    this.#size = size;
    this.#fetch = fetch;
    this.#cache = cache;
    this.#id = id;
  }

  /** Keeps what is already there; `bytes` begin at 0. */
  put(bytes: Buffer): void {
    for (let block = 0; block * BLOCK_BYTES < bytes.length; block++) {
      const end = Math.min(this.#size, (block + 1) * BLOCK_BYTES);
      if (end <= bytes.length) this.#keep(block, bytes.subarray(block * BLOCK_BYTES, end));
    }
  }

  /** Inside the file. */
  async read(offset: number, length: number): Promise<Buffer<ArrayBuffer>> {
    const out = Buffer.from(new ArrayBuffer(length));
    for (let from = offset; from < offset + length; from += PORTION_BYTES) {
      const end = Math.min(offset + length, from + PORTION_BYTES);
      const blocks: Promise<void>[] = [];
      for (let block = Math.floor(from / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
        const start = block * BLOCK_BYTES;
        const [first, last] = [Math.max(from, start), Math.min(end, start + BLOCK_BYTES)];
        blocks.push(
          this.#block(block).then((bytes) => void bytes.copy(out, first - offset, first - start, last - start)),
        );
      }
      await Promise.all(blocks);
    }
    return out;
  }

  drop(): void {
    for (const key of [...this.#cache.keys()]) if (key.startsWith(`${this.#id}\n`)) this.#cache.delete(key);
  }

  async #block(block: number): Promise<Buffer> {
    return this.#held(block) ?? this.#flights.get(block)?.promise ?? this.#want(block);
  }

  #want(block: number): Promise<Buffer> {
    if (this.#wanted.length === 0) setImmediate(() => this.#sendAll());
    this.#wanted.push(block);
    return this.#takeOff(block);
  }

  #takeOff(block: number): Promise<Buffer> {
    let settle: Flight['settle'] = () => {};
    const promise = new Promise<Buffer>((resolve) => {
      settle = resolve;
    });
    this.#flights.set(block, { promise, settle });
    // Nobody may be waiting for a block of a gap.
    promise.catch(() => {});
    return promise;
  }

  #sendAll(): void {
    const wanted = this.#wanted.sort((a, b) => a - b);
    this.#wanted = [];
    for (let i = 0; i < wanted.length; ) {
      const first = wanted[i] ?? 0;
      let last = first;
      for (i++; i < wanted.length; i++) {
        const next = wanted[i] ?? 0;
        if (next - first >= MAX_RUN || next - last > MAX_GAP + 1 || !this.#isFree(last + 1, next)) break;
        last = next;
      }
      this.#send(first, last);
    }
  }

  /** Whether the blocks of a gap are neither held nor under way. */
  #isFree(from: number, to: number): boolean {
    for (let block = from; block < to; block++) {
      if (this.#held(block) !== undefined || this.#flights.has(block)) return false;
    }
    return true;
  }

  #send(first: number, last: number): void {
    const offset = first * BLOCK_BYTES;
    const run = this.#fetch(offset, Math.min(this.#size, (last + 1) * BLOCK_BYTES) - offset);
    for (let block = first; block <= last; block++) {
      if (!this.#flights.has(block)) void this.#takeOff(block);
      const start = (block - first) * BLOCK_BYTES;
      const bytes = run.then((all) => this.#keep(block, all.subarray(start, start + BLOCK_BYTES)));
      this.#flights.get(block)?.settle(bytes);
      bytes.finally(() => this.#flights.delete(block)).catch(() => {});
    }
  }

  #held(block: number): Buffer | undefined {
    return this.#cache.get(`${this.#id}\n${block}`);
  }

  #keep(block: number, bytes: Buffer): Buffer {
    // A copy, because a part would keep the whole.
    const own = Buffer.from(bytes);
    this.#cache.set(`${this.#id}\n${block}`, own);
    return own;
  }
}
