/** The seam between what knows where water is and the water masks of tiles: something said of each of 256 x 256 pixels. */
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import type { PreparableSource } from '../sources/decimate.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { MASK_SIDE } from './polygon-cover.ts';

/** What people and programs are told of a source of water masks. */
export interface WaterStatement {
  readonly kind: 'natural-earth' | 'polygons' | 'raster' | 'dem';
  readonly name: string;
  /** A sentence. */
  readonly because: string;
}

/** Of pixels of a tile, row-major from the north-west; a number stands for all of them alike. */
export interface WaterPixels {
  /** 0 land to 255 water. */
  readonly water: Uint8Array | number;
  /** 0 where the source says nothing to 255 where it is sure. */
  readonly weight: Uint8Array | number;
}

export interface SayOptions extends ReadOptions {
  /** No source is asked after this one. */
  readonly last: boolean;
}

export interface WaterSource {
  readonly statement: WaterStatement;
  /** Hash of content and meaning; empty where it was not asked for. */
  readonly version: string;
  /** Rasters whose overviews coarse tiles are read from. */
  readonly rasters: readonly WaterRaster[];
  pixelsOf(scheme: TilingScheme, id: TileId, options: SayOptions): Promise<WaterPixels>;
  close(): Promise<void>;
}

export interface WaterRaster {
  readonly source: PreparableSource;
  /** Level of the source that tiles of a level are read from. */
  levelFor(z: number): number;
}

export const MASK_PIXELS = MASK_SIDE * MASK_SIDE;

/** Part of every source's version: raise it when equal sources give other masks. */
export const WATER_RULES = 1;

export const NOTHING_SAID: WaterPixels = { water: 0, weight: 0 };
