/** A thread that opens one layer, the first thing that it is told, and runs the jobs that it is sent, any number in flight. */
import { parentPort } from 'node:worker_threads';
import { executeJob, type Job } from '../pyramid/job.ts';
import { openTerrainMaker, type TerrainMaker, type TerrainSpec } from '../pyramid/terrain-maker.ts';
import { type FromWorker, packError, type ToWorker } from './messages.ts';

if (!parentPort) throw new Error('worker.ts runs as a worker thread only');
const port = parentPort;
const say = (message: FromWorker) => port.postMessage(message);

const flights = new Map<number, AbortController>();
/** Jobs may come before it. */
const opened = new Promise<TerrainMaker | undefined>((resolve) => {
  port.on('message', (message: ToWorker) => {
    if (message.type === 'open') resolve(open(message.spec));
    else if (message.type === 'abort') flights.get(message.ticket)?.abort();
    else void serve(message.ticket, message.job);
  });
});

async function open(spec: TerrainSpec): Promise<TerrainMaker | undefined> {
  try {
    const maker = await openTerrainMaker(spec, { hash: spec.version !== undefined });
    say({ type: 'open' });
    return maker;
  } catch (error) {
    say({ type: 'failed', ticket: undefined, failure: packError(error) });
    port.close();
    return undefined;
  }
}

async function serve(ticket: number, job: Job): Promise<void> {
  const flight = new AbortController();
  flights.set(ticket, flight);
  try {
    const maker = await opened;
    if (!maker) return;
    const onTiles = (count: number) => say({ type: 'tiles', ticket, count });
    const onPrepare = (done: number, total: number) => say({ type: 'prepare', ticket, done, total });
    const onWait = (who: string) => say({ type: 'wait', ticket, who });
    const report = await executeJob(maker, job, { signal: flight.signal, onPrepare, onWait, onTiles });
    say({ type: 'done', ticket, report });
  } catch (error) {
    say({ type: 'failed', ticket, failure: packError(error) });
  } finally {
    flights.delete(ticket);
  }
}
