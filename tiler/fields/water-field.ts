/**
 * The water masks of a layer: its sources in order, of which the first that says something of a pixel decides; where none
 * does there is land. Pixel centres lie at (i + 0.5) / 256 of the tile, from the west and, linear in latitude, from the north:
 * masks of neighbours are parts of one raster of the level.
 */
import { createHash } from 'node:crypto';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import {
  MASK_PIXELS,
  type WaterPixels,
  type WaterRaster,
  type WaterSource,
  type WaterStatement,
} from './water-source.ts';

export interface WaterField {
  readonly statements: readonly WaterStatement[];
  /** Of all sources, in their order. */
  readonly versions: readonly string[];
  /** Hash of `versions`. */
  readonly version: string;
  /** Rasters whose overviews coarse tiles are read from. */
  readonly rasters: readonly WaterRaster[];
  /** One byte where all pixels are alike, else 256 x 256, rows from the north: 0 land, 255 water, between them the share. */
  maskOf(scheme: TilingScheme, id: TileId, options?: ReadOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function joinWater(sources: readonly WaterSource[]): WaterField {
  const versions = sources.map(({ version }) => version);
  return {
    statements: sources.map(({ statement }) => statement),
    versions,
    version: createHash('sha256').update(JSON.stringify(versions)).digest('hex').slice(0, 32),
    rasters: sources.flatMap(({ rasters }) => rasters),
    async maskOf(scheme, id, { signal } = {}) {
      const said: WaterPixels[] = [];
      for (const [i, source] of sources.entries()) {
        const pixels = await source.pixelsOf(scheme, id, { signal, last: i === sources.length - 1 });
        if (pixels.weight === 0) continue;
        said.push(pixels);
        if (pixels.weight === 255) break;
      }
      return packMask(compose(said));
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

function compose(said: readonly WaterPixels[]): Uint8Array | number {
  const [first] = said;
  if (first === undefined) return 0;
  if (first.weight === 255) return first.water;
  const water = new Float32Array(MASK_PIXELS);
  const left = new Float32Array(MASK_PIXELS).fill(1);
  for (const pixels of said) {
    for (let i = 0; i < MASK_PIXELS; i++) {
      const weight = typeof pixels.weight === 'number' ? pixels.weight : pixels.weight[i];
      const value = typeof pixels.water === 'number' ? pixels.water : pixels.water[i];
      const share = (left[i] * weight) / 255;
      water[i] += share * value;
      left[i] -= share;
    }
  }
  return Uint8Array.from(water, Math.round);
}

function packMask(pixels: Uint8Array | number): Uint8Array {
  if (typeof pixels === 'number') return Uint8Array.of(pixels);
  const [first] = pixels;
  return (first === 0 || first === 255) && pixels.every((value) => value === first) ? Uint8Array.of(first) : pixels;
}
