/** Decoded blocks, least recently used out first, bounded in bytes; concurrent asks for one block load it once. */
import { LRUCache } from 'lru-cache';

/** Bytes of decoded samples that one source keeps. */
export const DEFAULT_CACHE_BYTES = 64 * 2 ** 20;

export class BlockCache<T extends ArrayBufferView> {
  readonly #held: LRUCache<string, T>;
  // lru-cache's own fetch() loses flights when more keys are asked for than it holds.
  readonly #flights = new Map<string, Promise<T>>();

  constructor(maxBytes: number) {
    this.#held = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: (block) => block.byteLength + 64 });
  }

  get(key: string, load: () => Promise<T>): Promise<T> {
    const held = this.#held.get(key);
    if (held !== undefined) return Promise.resolve(held);
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = load()
      .then((block) => {
        this.#held.set(key, block);
        return block;
      })
      .finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** Drops the blocks whose key begins with `prefix`. */
  drop(prefix: string): void {
    for (const key of [...this.#held.keys()]) if (key.startsWith(prefix)) this.#held.delete(key);
  }
}
