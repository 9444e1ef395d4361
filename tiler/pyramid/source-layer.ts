/** A layer whose tiles are made when they are asked for, by the same road as those made in advance. */
import { join } from 'node:path';
import { cutVariant } from '../encode/cut-variant.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { openTileCacheFolder } from '../store/tile-cache-folder.ts';
import { etagOf } from './etag.ts';
import type { OpenRunner } from './job.ts';
import type { Layer, Variant } from './layer.ts';
import type { LabelOptions } from './options.ts';
import { isPlanned } from './plan.ts';
import { openTerrainMaker, type TerrainSpec } from './terrain-maker.ts';

export interface SourceLayerOptions {
  /** What stands in addresses. */
  readonly name: string;
  readonly labels: LabelOptions;
  /** Tiles made at the same time. */
  readonly width: number;
  readonly openRunner: OpenRunner;
  /** Where tiles are kept between starts; nowhere by default. */
  readonly cacheFolder?: string | undefined;
}

export interface SourceLayer extends Layer {
  /** Makes what coarse tiles are read from, so that none of them is slow; tiles can be had meanwhile. */
  prepare(options?: ReadOptions): Promise<void>;
}

export async function openSourceLayer(
  spec: TerrainSpec,
  { name, labels, width, openRunner, cacheFolder }: SourceLayerOptions,
): Promise<SourceLayer> {
  const maker = await openTerrainMaker(spec);
  const plan = maker.plan();
  const document = maker.document(name, labels);
  await maker.close();
  const kept =
    cacheFolder === undefined
      ? undefined
      : openTileCacheFolder(join(cacheFolder, document.version), maker.scheme, (error) => {
          process.stderr.write(
            `relievo: the tile cache cannot be written, tiles are made without it: ${error.message}\n`,
          );
        });
  const runner = await openRunner(spec, width);

  return {
    name,
    title: document.name,
    kind: 'on-demand',
    document,
    async make(id: TileId, variant: Variant, { signal }: ReadOptions = {}) {
      if (!isPlanned(plan, id)) return undefined;
      const tile = await stored(id, signal);
      return tile && cutVariant(tile, variant, { holds: spec.options.extensions, signal });
    },
    etag: (id, variant) => etagOf(document.version, id, variant),
    async prepare({ signal } = {}) {
      await Promise.all(Array.from({ length: runner.width }, () => runner.run({ kind: 'prepare' }, { signal })));
    },
    close: () => runner.close(),
  };

  async function stored(id: TileId, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const found = await kept?.read(id);
    if (found) return found;
    const { tile } = await runner.run({ kind: 'tile', id }, { signal });
    if (tile) await kept?.write(id, tile);
    return tile;
  }
}
