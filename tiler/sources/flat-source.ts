/** A RasterSource over samples that lie one after another: of NumPy, RAW and Esri's binary grids. Coordinates at centres. */
import type { Affine } from '../geo/affine.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { describeRaster, MAX_HEIGHT, singleLevel, sourceOfCells } from './cell-source.ts';
import type { FlatLayout } from './flat-cells.ts';
import { flatCells } from './flat-cells.ts';
import type { PlaceOptions } from './placement.ts';
import { requireAffine, requireFrame } from './placement.ts';
import type { RasterSource } from './raster-source.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical } from './vertical.ts';

export interface FlatOptions extends PlaceOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** Where decoded cells are kept; default: a cache of its own, 128 MiB. */
  readonly cache?: BlockCache<Float32Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

/** What the file itself says, where it does. */
export interface FlatFacts {
  readonly affine?: Affine | undefined;
  readonly nodata?: number | undefined;
}

/**
 * The source, which closes the file. `what` names the kind in sentences: `a NumPy array`. Refuses with `crs` a file that
 * neither itself nor the user places, with `input-invalid` one that is too short.
 */
export async function openFlatSource(
  file: ByteFile,
  format: string,
  what: string,
  layout: FlatLayout,
  options: FlatOptions,
  { affine, nodata }: FlatFacts = {},
): Promise<RasterSource> {
  const { path, name } = file;
  const cache = options.cache ?? new Cache<Float32Array>(DEFAULT_CACHE_BYTES);
  const place = affine ?? (await requireAffine(path, what, layout, options));
  const { crs, vertical: found } = await requireFrame(path, what, options);
  const vertical = overrideVertical(found, options.vertical ?? {});
  const rule = { nodata, scale: 1, offset: 0, limit: MAX_HEIGHT / vertical.unitMetres };
  const grid = flatCells(file, layout, rule, cache, path);
  const info = describeRaster({
    name,
    format,
    crs,
    affine: place,
    levels: singleLevel(layout.columns, layout.rows),
    sampleType: layout.sampleType,
    nodata,
    vertical,
    version: options.version ?? '',
  });
  return sourceOfCells(info, [grid], async () => {
    cache.drop(`${path}\n`);
    await file.close();
  });
}
