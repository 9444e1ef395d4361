/**
 * Finished tile variants in memory, bounded in bytes, and one flight a key: whoever asks for a tile that is being made
 * waits for that one. The key of the flight is the key of the cache, so the two cannot disagree.
 */
import { LRUCache } from 'lru-cache';

export const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;
/** What an entry costs beside its bytes and its key: map slots, links, headers. Rounded up from what V8 needs. */
const ENTRY_BYTES = 256;

/** Makes the bytes; the signal fires when nobody waits any more. Undefined: there is no such tile. */
export type MakeBytes = (signal: AbortSignal) => Promise<Uint8Array | undefined>;

/** How a tile was had: from memory, by joining a flight, or made for this request. */
export type CacheOutcome = 'hit' | 'joined' | 'made';

export interface CacheAnswer {
  readonly bytes: Uint8Array | undefined;
  readonly outcome: CacheOutcome;
}

interface Flight {
  readonly promise: Promise<Uint8Array | undefined>;
  readonly abort: AbortController;
  waiters: number;
}

export class TileCache {
  readonly #kept: LRUCache<string, Uint8Array> | undefined;
  readonly #flights = new Map<string, Flight>();

  /** `maxBytes` counts tiles, keys and overhead; 0 keeps nothing, and flights are still shared. */
  constructor(maxBytes = DEFAULT_CACHE_BYTES) {
    if (maxBytes > 0) {
      this.#kept = new LRUCache({
        maxSize: Math.max(1, Math.floor(maxBytes)),
        sizeCalculation: (bytes, key) => bytes.byteLength + 2 * key.length + ENTRY_BYTES,
      });
    }
  }

  /** Bytes that the kept entries take, by the cache's own count. */
  get bytes(): number {
    return this.#kept?.calculatedSize ?? 0;
  }

  get entries(): number {
    return this.#kept?.size ?? 0;
  }

  get flights(): number {
    return this.#flights.size;
  }

  /**
   * The bytes under `key`, made by `make` unless they are kept or being made. A failure goes to all that wait and is not
   * kept; neither is "no such tile". An aborted signal releases its own waiter only, with the signal's reason; the flight
   * itself is aborted when its last waiter has gone.
   */
  async get(key: string, make: MakeBytes, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<CacheAnswer> {
    signal?.throwIfAborted();
    const kept = this.#kept?.get(key);
    if (kept) return { bytes: kept, outcome: 'hit' };
    const joined = this.#flights.get(key);
    const flight = joined ?? this.#start(key, make);
    flight.waiters++;
    try {
      const bytes = await (signal ? untilAborted(flight.promise, signal) : flight.promise);
      return { bytes, outcome: joined ? 'joined' : 'made' };
    } finally {
      flight.waiters--;
      if (flight.waiters === 0 && this.#flights.get(key) === flight) {
        // Whoever asks next must not join a flight that is being called off.
        this.#flights.delete(key);
        flight.abort.abort();
      }
    }
  }

  clear(): void {
    this.#kept?.clear();
  }

  #start(key: string, make: MakeBytes): Flight {
    const abort = new AbortController();
    const promise = this.#make(key, make, abort.signal);
    // Its waiters hear of a failure; when all have gone, nobody is left to hear it.
    promise.catch(() => {});
    const flight = { promise, abort, waiters: 0 };
    this.#flights.set(key, flight);
    const land = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    promise.then(land, land);
    return flight;
  }

  async #make(key: string, make: MakeBytes, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const bytes = await make(signal);
    if (!bytes) return undefined;
    const own = withoutSlack(bytes);
    this.#kept?.set(key, own);
    return own;
  }
}

/** A copy when the bytes are a small part of a larger buffer, which would stay in memory uncounted. */
function withoutSlack(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.byteLength + 1024 ? Uint8Array.from(bytes) : bytes;
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
