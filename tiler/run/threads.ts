/** Runs jobs on worker threads, each with the layer opened for itself; a job goes to the thread with the least to do. */
import { Worker } from 'node:worker_threads';
import type { Job, JobOptions, JobReport, JobRunner } from '../pyramid/job.ts';
import type { TerrainSpec } from '../pyramid/terrain-maker.ts';
import { type FromWorker, type ToWorker, unpackError } from './messages.ts';

interface Flight {
  readonly resolve: (report: JobReport) => void;
  readonly reject: (error: Error) => void;
  readonly onTiles: ((count: number) => void) | undefined;
}

interface Thread {
  readonly worker: Worker;
  readonly flights: Map<number, Flight>;
  /** Set once the thread has ended; whatever is sent to it fails with this. */
  ended: Error | undefined;
}

/** In a checkout the sources run as they are; in the package they are compiled. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** Opens `width` threads; fails as opening the layer itself would. */
export async function openThreads(spec: TerrainSpec, width: number): Promise<JobRunner> {
  let nextTicket = 1;
  const threads = Array.from({ length: width }, () => startThread(spec));
  try {
    await Promise.all(threads.map(({ opened }) => opened));
  } catch (error) {
    await Promise.all(threads.map(({ thread }) => thread.worker.terminate()));
    throw error;
  }
  const open = threads.map(({ thread }) => thread);
  return { width, run, close };

  function run(job: Job, { signal, onTiles }: JobOptions = {}): Promise<JobReport> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const thread = open.reduce((a, b) => (b.flights.size < a.flights.size ? b : a));
    if (thread.ended) return Promise.reject(thread.ended);
    const ticket = nextTicket++;
    return new Promise<JobReport>((resolve, reject) => {
      const abort = () => {
        send(thread, { type: 'abort', ticket });
        settle();
        reject(signal?.reason);
      };
      const settle = () => {
        thread.flights.delete(ticket);
        signal?.removeEventListener('abort', abort);
      };
      thread.flights.set(ticket, {
        resolve: (report) => {
          settle();
          resolve(report);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        onTiles,
      });
      signal?.addEventListener('abort', abort);
      send(thread, { type: 'run', ticket, job });
    });
  }

  async function close(): Promise<void> {
    await Promise.all(
      open.map(async (thread) => {
        if (thread.ended) return;
        // A job given up may still be at work; nobody waits for it.
        await thread.worker.terminate();
      }),
    );
  }
}

function send(thread: Thread, message: ToWorker): void {
  thread.worker.postMessage(message);
}

function startThread(spec: TerrainSpec): { thread: Thread; opened: Promise<void> } {
  const worker = new Worker(WORKER, { workerData: { spec }, execArgv: [] });
  const thread: Thread = { worker, flights: new Map(), ended: undefined };
  const opened = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'open') resolve();
      else if (message.type === 'failed' && message.ticket === undefined) reject(unpackError(message.failure));
      else hand(thread, message);
    });
    const end = (error: Error) => {
      thread.ended = error;
      reject(error);
      for (const flight of [...thread.flights.values()]) flight.reject(error);
    };
    worker.on('error', end);
    worker.on('exit', (code) => end(new Error(`a worker thread ended with code ${code}`)));
  });
  return { thread, opened };
}

function hand(thread: Thread, message: FromWorker): void {
  if (message.type === 'open' || message.ticket === undefined) return;
  const flight = thread.flights.get(message.ticket);
  if (!flight) return;
  if (message.type === 'tiles') flight.onTiles?.(message.count);
  else if (message.type === 'done') flight.resolve(message.report);
  else flight.reject(unpackError(message.failure));
}
