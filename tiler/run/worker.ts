/** A thread that opens one layer and runs the jobs it is sent, any number in flight. */
import { parentPort, workerData } from 'node:worker_threads';
import { executeJob, type Job } from '../pyramid/job.ts';
import { openTerrainMaker, type TerrainSpec } from '../pyramid/terrain-maker.ts';
import { type FromWorker, packError, type ToWorker } from './messages.ts';

if (!parentPort) throw new Error('worker.ts runs as a worker thread only');
const port = parentPort;
const say = (message: FromWorker) => port.postMessage(message);

const flights = new Map<number, AbortController>();
const { spec } = workerData as { spec: TerrainSpec };
const maker = await openTerrainMaker(spec, { hash: spec.version !== undefined }).catch((error) => {
  say({ type: 'failed', ticket: undefined, failure: packError(error) });
  return undefined;
});
if (maker) {
  port.on('message', (message: ToWorker) => {
    if (message.type === 'abort') flights.get(message.ticket)?.abort();
    else void serve(message.ticket, message.job);
  });
  say({ type: 'open' });
}

async function serve(ticket: number, job: Job): Promise<void> {
  const flight = new AbortController();
  flights.set(ticket, flight);
  try {
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
