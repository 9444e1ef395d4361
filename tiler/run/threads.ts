/** Runs jobs on worker threads, each with the layer opened for itself; a job goes to the thread with the least to do. */
import { Worker } from 'node:worker_threads';
import type { Job, JobOptions, JobReport, JobRunner } from '../pyramid/job.ts';
import type { TerrainSpec } from '../pyramid/terrain-maker.ts';
import { MAX_OPEN_FILES } from '../sources/source-pool.ts';
import { type FromWorker, type ToWorker, unpackError } from './messages.ts';

interface Flight {
  readonly resolve: (report: JobReport) => void;
  readonly reject: (error: Error) => void;
  readonly onPrepare: JobOptions['onPrepare'];
  readonly onWait: JobOptions['onWait'];
  readonly onTiles: JobOptions['onTiles'];
}

interface Thread {
  readonly worker: Worker;
  readonly flights: Map<number, Flight>;
  /** Fails as opening the layer would. */
  readonly opened: Promise<void>;
  /** Set once the thread has ended. */
  ended: boolean;
}

/** In a checkout the sources run as they are; in the package they are compiled. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** How long a thread that is told to stop preparing has for removing what it had begun, in milliseconds. */
const GRACE_MS = 5000;

/** Opens `width` threads; fails as opening the layer itself would. A thread that dies later is replaced. */
export async function openThreads(asked: TerrainSpec | Promise<TerrainSpec>, width: number): Promise<JobRunner> {
  let nextTicket = 1;
  const shared = Promise.resolve(asked).then((spec) => shareFiles(spec, width));
  const threads = Array.from({ length: width }, () => startThread(shared));
  try {
    await Promise.all(threads.map(({ opened }) => opened));
  } catch (error) {
    await close();
    throw error;
  }
  return { width, run, close };

  function run(job: Job, { signal, onPrepare, onWait, onTiles }: JobOptions = {}): Promise<JobReport> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const at = threads.reduce((best, { flights }, k) => (flights.size < threads[best].flights.size ? k : best), 0);
    // It died of an earlier job (out of memory, most likely), which has failed; the next one starts afresh.
    if (threads[at].ended) threads[at] = startThread(shared);
    const thread = threads[at];
    const ticket = nextTicket++;
    return new Promise<JobReport>((resolve, reject) => {
      const abort = () => {
        send(thread, { type: 'abort', ticket });
        // What it has begun on the disk it removes by itself, if it is let.
        if (job.kind === 'prepare') grace = setTimeout(giveUp, GRACE_MS);
        else giveUp();
      };
      let grace: NodeJS.Timeout | undefined;
      const giveUp = () => {
        settle();
        reject(signal?.reason);
      };
      const settle = () => {
        clearTimeout(grace);
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
          reject(signal?.aborted ? signal.reason : error);
        },
        onPrepare,
        onWait,
        onTiles,
      });
      signal?.addEventListener('abort', abort);
      send(thread, { type: 'run', ticket, job });
    });
  }

  async function close(): Promise<void> {
    // A job given up may still be at work; nobody waits for it.
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

function shareFiles(spec: TerrainSpec, width: number): TerrainSpec {
  return { ...spec, openFiles: Math.max(1, Math.floor((spec.openFiles ?? MAX_OPEN_FILES) / width)) };
}

function send(thread: Thread, message: ToWorker): void {
  thread.worker.postMessage(message);
}

function startThread(shared: Promise<TerrainSpec>): Thread {
  // A package that GeoTIFFs are read by looks into it, and fails where there is none.
  const worker = new Worker(WORKER, { workerData: {}, execArgv: [] });
  const flights = new Map<number, Flight>();
  const opened = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'open') resolve();
      else if (message.type === 'failed' && message.ticket === undefined) end(unpackError(message.failure));
      else hand(thread, message);
    });
    shared.then((spec) => send(thread, { type: 'open', spec }), end);
    worker.on('error', end);
    worker.on('exit', (code) => end(new Error(`a worker thread ended with code ${code}`)));

    function end(error: Error): void {
      thread.ended = true;
      reject(error);
      for (const flight of [...flights.values()]) flight.reject(error);
    }
  });
  // A job sent meanwhile fails with the same error; nobody else need hear of it.
  opened.catch(() => {});
  const thread: Thread = { worker, flights, opened, ended: false };
  return thread;
}

function hand(thread: Thread, message: FromWorker): void {
  if (message.type === 'open' || message.ticket === undefined) return;
  const flight = thread.flights.get(message.ticket);
  if (!flight) return;
  if (message.type === 'tiles') flight.onTiles?.(message.count);
  else if (message.type === 'prepare') flight.onPrepare?.(message.done, message.total);
  else if (message.type === 'wait') flight.onWait?.(message.who);
  else if (message.type === 'done') flight.resolve(message.report);
  else flight.reject(unpackError(message.failure));
}
