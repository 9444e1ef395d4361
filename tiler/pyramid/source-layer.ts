/** A layer whose tiles are made when they are asked for, by the same road as those made in advance. */
import { join } from 'node:path';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { cutVariant } from '../encode/cut-variant.ts';
import { RelievoError } from '../error.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { openTileCacheFolder } from '../store/tile-cache-folder.ts';
import { etagOf } from './etag.ts';
import { keepsOverviews, type OpenRunner, pinSpec } from './job.ts';
import type { Layer, Variant } from './layer.ts';
import type { LabelOptions } from './options.ts';
import { isPlanned } from './plan.ts';
import { openTerrainMaker, type TerrainMaker, type TerrainSpec } from './terrain-maker.ts';
import { extensionsOf } from './water.ts';

/** Tiles in the making, at most; more are answered with a request to come again. */
const MAX_FLIGHTS = 512;

export interface SourceLayerOptions {
  /** What stands in addresses. */
  readonly name: string;
  readonly labels: LabelOptions;
  /** Tiles made at the same time. */
  readonly width: number;
  readonly openRunner: OpenRunner;
  /** Where tiles are kept between starts; nowhere by default. */
  readonly cacheFolder?: string | undefined;
  /** Hears of what costs speed but no answer: a cache folder that cannot be written. */
  readonly onFault?: ((sentence: string) => void) | undefined;
  /** Told when another process is found to prepare the same, which is then waited for. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** Of many files: those looked at so far, and all. */
  readonly onScan?: ((done: number, total: number) => void) | undefined;
  /** How long a tile waits for its overviews, in milliseconds; default 10 000. */
  readonly patienceMs?: number | undefined;
  /** How long after overviews could not be made nobody tries again, in milliseconds; default 60 000. */
  readonly retryMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SourceLayer extends Layer {
  /** How much of what coarse tiles are read from is there, 0..1. */
  readonly prepared: number;
  /** Makes what coarse tiles are read from; those that need nothing of it can be had meanwhile. */
  prepare(options?: ReadOptions): Promise<void>;
}

/** How long a tile waits for what it is read from before its client is told to come again. */
const PATIENCE_MS = 10_000;
/** A full disk is not emptied in between two requests, and to find it full again may take an hour's work. */
const RETRY_MS = 60_000;

export async function openSourceLayer(
  spec: TerrainSpec,
  { name, labels, width, openRunner, patienceMs = PATIENCE_MS, retryMs = RETRY_MS, ...more }: SourceLayerOptions,
): Promise<SourceLayer> {
  const { cacheFolder, onFault, onWait, onScan, signal } = more;
  const making = openTerrainMaker(spec, { signal, onScan });
  // Threads start while this one looks at the sources, and open them while it plans.
  const opening = openRunner(making.then(pinSpec), width);
  opening.catch(() => {});
  const maker = await making.catch(async (error) => {
    await opening.catch(() => {});
    throw error;
  });
  const pinned = pinSpec(maker);
  // They have to be told first.
  await setImmediate();
  const described = describe(maker, name, labels);
  const [opened] = await Promise.allSettled([opening, described]);
  const { plan, document, needsPreparing, readsOverview } = await described.catch(async (error) => {
    if (opened.status === 'fulfilled') await opened.value.close();
    throw error;
  });
  const runner = await opening;
  /** By level: whether its tiles have to wait until something is prepared. */
  let waits = needsPreparing;
  const kept =
    cacheFolder === undefined
      ? undefined
      : openTileCacheFolder(join(cacheFolder, document.version), maker.scheme, (error) =>
          onFault?.(`the tile cache cannot be written, tiles are made without it: ${error.message}`),
        );
  const flights = new Map<string, Promise<Uint8Array | undefined>>();
  let isPrepared = !waits.includes(true);
  let preparing: Promise<void> | undefined;
  let share = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  let retry: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  return {
    name,
    title: document.name,
    kind: 'on-demand',
    document,
    async make(id: TileId, variant: Variant, { signal }: ReadOptions = {}) {
      if (!isPlanned(plan, id)) return undefined;
      const tile = await makeOnce(id);
      signal?.throwIfAborted();
      return tile && cutVariant(tile, variant, { holds: extensionsOf(spec.options), signal });
    },
    etag: (id, variant) => etagOf(document.version, id, variant),
    get prepared() {
      return isPrepared ? 1 : share;
    },
    prepare: async (read) => {
      if (!isPrepared) await prepareOnce(read);
    },
    async close() {
      closing.abort(new Error('the layer is closed'));
      clearTimeout(retry);
      await Promise.all([runner.close(), preparing?.catch(() => {})]);
    },
  };

  /** All forms of a tile are cut from one, and whoever asks meanwhile waits for that one. */
  function makeOnce(id: TileId): Promise<Uint8Array | undefined> {
    const key = `${id.z}/${id.x}/${id.y}`;
    const flying = flights.get(key);
    if (flying) return flying;
    if (flights.size >= MAX_FLIGHTS) {
      throw new RelievoError('busy', `${MAX_FLIGHTS} tiles are being made: ask again in a moment`, { where: key });
    }
    const flight = makeTile(id).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  }

  async function makeTile(id: TileId): Promise<Uint8Array | undefined> {
    const found = await kept?.read(id);
    if (found) return found;
    if (waits[id.z] && preparing && keepsOverviews(spec)) await waitForOverviews(id);
    // Not under one client's signal: a tile takes milliseconds, and others may wait for it.
    const job = { kind: 'tile', id } as const;
    const { tile } = await runner.run(job).catch(async (error) => {
      if (!(error instanceof RelievoError && error.code === 'busy')) throw error;
      prepareAgain();
      if (!preparing || !keepsOverviews(spec)) throw error;
      // At the edge of the data and at voids tiles of every level read overviews.
      await waitForOverviews(id);
      return runner.run(job);
    });
    if (tile) await kept?.write(id, tile);
    return tile;
  }

  async function waitForOverviews({ z, x, y }: TileId): Promise<void> {
    const over = new AbortController();
    const late = pause(patienceMs, true, { signal: over.signal });
    late.catch(() => {});
    // Why it failed, if it does, the one who prepares is told; a tile then fails for itself.
    const isLate = await Promise.race([late, preparing?.catch(() => {})]);
    over.abort();
    if (closing.signal.aborted) throw new RelievoError('busy', 'the layer is closed', { where: `${z}/${x}/${y}` });
    if (isLate) {
      const message = `${Math.floor(share * 100)} % of the overviews are made that this tile is read from: ask again in a moment`;
      throw new RelievoError('busy', message, { where: `${z}/${x}/${y}` });
    }
  }

  function prepareOnce(read: ReadOptions = {}): Promise<void> {
    preparing ??= runPrepare(read)
      .then(() => {
        isPrepared = true;
      })
      .catch((error) => {
        failedAt = performance.now();
        throw error;
      })
      .finally(() => {
        preparing = undefined;
      });
    return preparing;
  }

  /** In memory each thread has overviews of its own; in a folder one thread makes them for all, and tiles have the others. */
  async function runPrepare(read: ReadOptions): Promise<void> {
    const signal = AbortSignal.any([closing.signal, ...(read.signal ? [read.signal] : [])]);
    const job = { kind: 'prepare' } as const;
    if (!keepsOverviews(spec)) {
      await Promise.all(Array.from({ length: runner.width }, () => runner.run(job, { signal })));
      return;
    }
    share = 0;
    const onPrepare = (done: number, total: number) => {
      share = total > 0 ? done / total : 0;
    };
    const preparer = await openRunner(pinned, 1);
    try {
      await preparer.run(job, { signal, onPrepare, onWait });
    } finally {
      await preparer.close();
    }
  }

  /** What was prepared has been removed or damaged while it was in use. Goes on until it is there again. */
  function prepareAgain(): void {
    if (preparing || !keepsOverviews(spec) || performance.now() - failedAt < retryMs) return;
    isPrepared = false;
    waits = readsOverview;
    prepareOnce().catch((error) => {
      if (closing.signal.aborted) return;
      onFault?.(`the overviews cannot be made: ${error.message}`);
      retry = setTimeout(() => {
        failedAt = Number.NEGATIVE_INFINITY;
        prepareAgain();
      }, retryMs);
      retry.unref();
    });
  }
}

/** What a layer knows of itself without its sources, which are closed, whatever happens. */
async function describe(maker: TerrainMaker, name: string, labels: LabelOptions) {
  try {
    const plan = maker.plan();
    const needsPreparing = plan.map((_, z) => maker.needsPreparing(z));
    const readsOverview = plan.map((_, z) => maker.field.readsOverview(z));
    return { plan, document: maker.document(name, labels), needsPreparing, readsOverview };
  } finally {
    await maker.close();
  }
}
