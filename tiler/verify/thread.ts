/** A thread that opens one tileset, and one source where there is one, and judges the chunks it is sent, one by one. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkLayer } from './check-layer.ts';
import { openDem } from './dem.ts';
import { type FromThread, packFailure, type ThreadSpec, type ToThread } from './threads.ts';
import { openTileSet } from './tile-set.ts';
import { Worker } from './work.ts';

if (!parentPort) throw new Error('thread.ts runs as a worker thread only');
const port = parentPort;
const say = (message: FromThread) => port.postMessage(message);
const { place, sources, dem: how } = workerData as ThreadSpec;

const opening = open();
opening.catch((error: unknown) => say({ ticket: undefined, failure: packFailure(error) }));
let last: Promise<void> = Promise.resolve();
port.on('message', (message: ToThread) => {
  last = last.then(() => serve(message));
});

async function open(): Promise<Worker> {
  const set = await openTileSet(place);
  const { document } = checkLayer(set.layerJson);
  return new Worker(set, document, sources.length > 0 ? await openDem(sources, how) : undefined);
}

async function serve(message: ToThread): Promise<void> {
  const { ticket } = message;
  try {
    const worker = await opening;
    say({ ticket, answer: message.type === 'check' ? await worker.check(message.chunk) : worker.endLevel(message.z) });
  } catch (error) {
    say({ ticket, failure: packFailure(error) });
  }
}
