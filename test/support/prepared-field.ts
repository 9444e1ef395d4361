/** A raster made in a test as a field with prepared overviews, which tell what they leave out; closed when the test has finished. */
import { onTestFinished } from 'vitest';
import { openRasterField, type RasterField, type RasterFieldOptions } from '../../tiler/fields/raster-field.ts';
import type { TilingScheme } from '../../tiler/geo/tiling-scheme.ts';
import { openPrepared, type PreparedSource } from '../../tiler/sources/prepared-source.ts';
import { type MemoryRaster, memorySource } from './memory-source.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface PreparedField extends RasterField {
  readonly source: PreparedSource;
}

export async function openPreparedField(
  raster: MemoryRaster,
  scheme: TilingScheme,
  { maxFill = 16, ...options }: Partial<RasterFieldOptions> = {},
): Promise<PreparedField> {
  const source = openPrepared(memorySource(raster), { folder: temporaryFolder() });
  await source.prepare();
  const field = await openRasterField(source, scheme, { maxFill, ...options });
  onTestFinished(() => field.close());
  return { ...field, source };
}
