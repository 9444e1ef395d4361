/** Shares the work among threads, each with the set and the source opened for itself; a chunk goes to whoever is free. */
import { Worker as Thread } from 'node:worker_threads';
import { RelievoError } from '../error.ts';
import type { DemOptions } from './dem.ts';
import type { MeasureSums } from './measure.ts';
import type { Chunk, ChunkReport, Workforce } from './work.ts';

/** What a thread opens; plain JSON. */
export interface ThreadSpec {
  readonly place: string;
  /** Absolute names; none when nothing is measured. */
  readonly sources: readonly string[];
  readonly dem: Omit<DemOptions, 'signal'>;
}

export type ToThread =
  | { readonly type: 'check'; readonly ticket: number; readonly chunk: Chunk }
  | { readonly type: 'end'; readonly ticket: number; readonly z: number };

export type FromThread =
  | { readonly ticket: number; readonly answer: ChunkReport | readonly MeasureSums[] }
  | { readonly ticket: number | undefined; readonly failure: ThreadFailure };

/** An error as threads can hand it over. */
export interface ThreadFailure {
  readonly code: RelievoError['code'] | undefined;
  readonly message: string;
  readonly where: string | undefined;
  readonly stack: string | undefined;
}

/** In a checkout the sources run as they are; in the package they are compiled. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

interface Hand {
  readonly thread: Thread;
  readonly waiting: Map<number, { resolve(answer: never): void; reject(error: Error): void }>;
  failed: Error | undefined;
}

/** Opens nothing yet: what fails to open fails the first chunk. */
export async function workOnThreads(spec: ThreadSpec, width: number): Promise<Workforce> {
  const hands = Array.from({ length: width }, () => startHand(spec));
  let ticket = 0;
  return {
    width,
    check(chunk, signal) {
      signal?.throwIfAborted();
      const free = hands.reduce((best, hand) => (hand.waiting.size < best.waiting.size ? hand : best));
      return ask<ChunkReport>(free, { type: 'check', ticket: ticket++, chunk });
    },
    async endLevel(z) {
      const sums = await Promise.all(
        hands.map((hand) => ask<readonly MeasureSums[]>(hand, { type: 'end', ticket: ticket++, z })),
      );
      return sums.flat();
    },
    async close() {
      await Promise.all(hands.map(({ thread }) => thread.terminate()));
    },
  };
}

function ask<T>(hand: Hand, message: ToThread): Promise<T> {
  if (hand.failed) return Promise.reject(hand.failed);
  return new Promise<T>((resolve, reject) => {
    hand.waiting.set(message.ticket, { resolve, reject });
    hand.thread.postMessage(message);
  });
}

function startHand(spec: ThreadSpec): Hand {
  const thread = new Thread(WORKER, { workerData: spec, execArgv: [] });
  const hand: Hand = { thread, waiting: new Map(), failed: undefined };
  thread.on('message', (message: FromThread) => {
    if ('failure' in message) {
      const error = unpackFailure(message.failure);
      if (message.ticket === undefined) end(error);
      else hand.waiting.get(message.ticket)?.reject(error);
    } else hand.waiting.get(message.ticket)?.resolve(message.answer as never);
    if (message.ticket !== undefined) hand.waiting.delete(message.ticket);
  });
  thread.on('error', end);
  thread.on('exit', (code) => end(new Error(`a thread of verify ended with code ${code}`)));
  return hand;

  function end(error: Error): void {
    hand.failed ??= error;
    for (const { reject } of hand.waiting.values()) reject(hand.failed);
    hand.waiting.clear();
  }
}

export function packFailure(error: unknown): ThreadFailure {
  const known = error instanceof RelievoError ? error : undefined;
  return {
    code: known?.code,
    message: error instanceof Error ? error.message : String(error),
    where: known?.where,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

function unpackFailure({ code, message, where, stack }: ThreadFailure): Error {
  if (code !== undefined) return new RelievoError(code, message, { where });
  return Object.assign(new Error(message), { stack });
}
