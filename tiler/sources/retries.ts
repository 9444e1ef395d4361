/** Asking again: what passes is tried again after a growing pause, each try and all of them together within a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** A fault that may be gone the next time. The message completes "the server": `answered 503`. */
export class PassingFault extends Error {
  /** How long the server asks to be left alone, in milliseconds. */
  readonly waitMs: number;

  constructor(message: string, { waitMs = 0, cause }: { readonly waitMs?: number; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.waitMs = waitMs;
  }
}

/** Milliseconds, where not a number of tries. */
export interface RetryLimits {
  readonly tries: number;
  /** Of one try, from its beginning to its last byte. */
  readonly tryMs: number;
  /** Of all tries and the pauses between them. */
  readonly wholeMs: number;
  /** Pause after the first try; doubles each time. A random half of it is left out, so that many do not come back at once. */
  readonly pauseMs: number;
}

export const RETRY_LIMITS: RetryLimits = { tries: 5, tryMs: 30_000, wholeMs: 120_000, pauseMs: 200 };

/** What `giveUp` is told. */
export interface Failure {
  readonly fault: PassingFault;
  readonly tries: number;
}

/**
 * The first answer of `attempt`; a PassingFault has it tried again, any other error is passed on. `attempt` must end when
 * its signal does; its time begins with its turn. Throws what `giveUp` makes of the last fault.
 */
export async function withRetries<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  giveUp: (failure: Failure) => Error,
  { tries, tryMs, wholeMs, pauseMs }: RetryLimits,
  { turn, signal }: { readonly turn: Turn; readonly signal: AbortSignal },
): Promise<T> {
  let left = wholeMs;
  for (let n = 1; ; n++) {
    let fault: PassingFault;
    try {
      return await turn(async () => {
        const began = performance.now();
        try {
          return await within(attempt, Math.min(tryMs, left), signal);
        } finally {
          left -= performance.now() - began;
        }
      });
    } catch (error) {
      if (!(error instanceof PassingFault)) throw error;
      fault = error;
    }
    const pause = Math.max(pauseMs * 2 ** (n - 1) * (1 - Math.random() / 2), fault.waitMs);
    left -= pause;
    if (n === tries || left <= 0) throw giveUp({ fault, tries: n });
    await sleep(pause, undefined, { signal });
  }
}

async function within<T>(attempt: (signal: AbortSignal) => Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  try {
    return await attempt(AbortSignal.any([signal, late.signal]));
  } catch (cause) {
    signal.throwIfAborted();
    if (late.signal.aborted)
      throw new PassingFault(`did not finish its answer within ${(ms / 1000).toPrecision(2)} s`, { cause });
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs work when it is its turn. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** At most so many at a time of each kind, the others in the order in which they came. */
export class Turns {
  readonly #most: number;
  readonly #taken = new Map<string, { running: number; readonly waiting: (() => void)[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  of(kind: string): Turn {
    return (work) => this.#take(kind, work);
  }

  async #take<T>(kind: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#taken.get(kind) ?? { running: 0, waiting: [] };
    this.#taken.set(kind, queue);
    if (queue.running < this.#most) queue.running++;
    else await new Promise<void>((go) => queue.waiting.push(go));
    try {
      return await work();
    } finally {
      const next = queue.waiting.shift();
      if (next) next();
      else if (--queue.running === 0) this.#taken.delete(kind);
    }
  }
}
