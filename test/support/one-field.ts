/** One raster as the heights of a layer, over sea level or the ellipsoid: what most tests of fields need. */
import { openRasterField, type RasterFieldOptions } from '../../tiler/fields/raster-field.ts';
import { type Floor, openTerrainField } from '../../tiler/fields/terrain-field.ts';
import { geographic, type LonLatBox } from '../../tiler/geo/tiling-scheme.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';

export interface OneFieldOptions extends RasterFieldOptions {
  /** Default: sea level under heights above a geoid, else the ellipsoid. */
  readonly outside?: Floor | undefined;
}

export async function openOneField(source: RasterSource, { outside, ...options }: OneFieldOptions) {
  const field = await openRasterField(source, geographic, options);
  const floor = outside ?? (field.datum.sourceGeoid ? 'sea-level' : 'ellipsoid');
  const terrain = openTerrainField([{ field }], { floor });
  const { crs, grid, datum, levelFor } = field;
  return {
    source,
    crs,
    grid,
    datum,
    levelFor,
    info: field.info,
    read: terrain.read,
    sampleAt: terrain.sampleAt,
    touches: (box: LonLatBox, z = 20) => terrain.touches(0, box, z) !== 'none',
    close: terrain.close,
  };
}
