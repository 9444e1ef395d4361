/** A layer whose tiles are made when they are asked for, by the same road as those made in advance. */
import { join } from 'node:path';
import { cutVariant } from '../encode/cut-variant.ts';
import { RelievoError } from '../error.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { openTileCacheFolder } from '../store/tile-cache-folder.ts';
import { etagOf } from './etag.ts';
import type { OpenRunner } from './job.ts';
import type { Layer, Variant } from './layer.ts';
import type { LabelOptions } from './options.ts';
import { isPlanned } from './plan.ts';
import { openTerrainMaker, type TerrainSpec } from './terrain-maker.ts';

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
  readonly signal?: AbortSignal | undefined;
}

export interface SourceLayer extends Layer {
  /** Makes what coarse tiles are read from, so that none of them is slow; tiles can be had meanwhile. */
  prepare(options?: ReadOptions): Promise<void>;
}

export async function openSourceLayer(
  spec: TerrainSpec,
  { name, labels, width, openRunner, cacheFolder, onFault, signal }: SourceLayerOptions,
): Promise<SourceLayer> {
  const maker = await openTerrainMaker(spec, { signal });
  const plan = maker.plan();
  const document = maker.document(name, labels);
  await maker.close();
  const kept =
    cacheFolder === undefined
      ? undefined
      : openTileCacheFolder(join(cacheFolder, document.version), maker.scheme, (error) =>
          onFault?.(`the tile cache cannot be written, tiles are made without it: ${error.message}`),
        );
  const runner = await openRunner(spec, width);
  const flights = new Map<string, Promise<Uint8Array | undefined>>();

  return {
    name,
    title: document.name,
    kind: 'on-demand',
    document,
    async make(id: TileId, variant: Variant, { signal }: ReadOptions = {}) {
      if (!isPlanned(plan, id)) return undefined;
      const tile = await makeOnce(id);
      signal?.throwIfAborted();
      return tile && cutVariant(tile, variant, { holds: spec.options.extensions, signal });
    },
    etag: (id, variant) => etagOf(document.version, id, variant),
    async prepare({ signal } = {}) {
      await Promise.all(Array.from({ length: runner.width }, () => runner.run({ kind: 'prepare' }, { signal })));
    },
    close: () => runner.close(),
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
    // Not under one client's signal: a tile takes milliseconds, and others may wait for it.
    const { tile } = await runner.run({ kind: 'tile', id });
    if (tile) await kept?.write(id, tile);
    return tile;
  }
}
