/**
 * The seam between pictures and the terrain that they are laid over: colours on the file's own grid, placed as any raster is.
 * A pixel is a cell; the affine counts at its centre.
 */
import type { RasterInfo, ReadOptions, SampleWindow } from './raster-source.ts';

export interface PictureSource {
  /** Levels, finest first, down to 256 pixels on the longer side; of heights it says nothing. */
  readonly info: RasterInfo;
  /**
   * Pixels of one level, row-major, first row first as in the file, red in the lowest 8 bits, then green, blue and opacity
   * (0 to 255 each, colours not multiplied by opacity); 0 where there is nothing and outside. The array is the caller's.
   */
  read(level: number, window: SampleWindow, options?: ReadOptions): Promise<Uint32Array>;
  close(): Promise<void>;
}

/** Channels 0 to 255, whole. */
export function packColour(red: number, green: number, blue: number, opacity: number): number {
  return (red | (green << 8) | (blue << 16) | (opacity << 24)) >>> 0;
}
