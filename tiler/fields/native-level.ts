/**
 * How deep the tiles of a source go, and how densely it is read for them. In the geographic scheme posts lie as far apart
 * at all latitudes, in degrees; in web-mercator they draw together towards the poles, so one latitude has to stand for
 * all of a source: what a border is read from may hang on the level, but not on the tile.
 */
import type { Crs } from '../geo/crs.ts';
import { TILE_CELLS } from '../geo/post-grid.ts';
import { type LonLatBox, nativeLevel, type TilingScheme } from '../geo/tiling-scheme.ts';
import type { RasterInfo } from '../sources/raster-source.ts';
import type { SourceGrid } from './source-grid.ts';

/** What is known of a source when it is placed on the globe. */
export interface PlacedSource {
  readonly crs: Pick<Crs, 'geographic' | 'unitMetres'>;
  readonly grid: Pick<SourceGrid, 'bounds' | 'spacingDegrees'>;
  readonly source: { readonly info: Pick<RasterInfo, 'affine'> };
}

/**
 * The least level whose posts lie nowhere further apart than the samples. The latitude of the data that is nearest to the
 * equator rules, where posts are farthest apart; samples in longitude and latitude must be met from west to east as
 * well, where they do not spread with the meridians.
 */
export function nativeLevelOf({ crs, grid, source }: PlacedSource, scheme: TilingScheme): number {
  const level = nativeLevel(scheme, grid.spacingDegrees / nearestAspect(scheme, grid.bounds), TILE_CELLS);
  if (!crs.geographic) return level;
  const { a, b } = source.info.affine;
  return Math.max(level, nativeLevel(scheme, Math.hypot(a, b) * crs.unitMetres, TILE_CELLS));
}

/**
 * The aspect by which a source's overview is chosen for a level. That of the data's latitude farthest from the equator
 * would have posts everywhere at least as far apart as samples, but a map of the world then read a hundred times too much
 * at the equator: so at most half of the nearest one's.
 */
export function readingAspect(scheme: TilingScheme, bounds: LonLatBox): number {
  const farthest = Math.max(Math.abs(bounds.south), Math.abs(bounds.north));
  const inside = Math.min(farthest, scheme.extent.north);
  return Math.max(scheme.aspect(inside), nearestAspect(scheme, bounds) / 2);
}

function nearestAspect(scheme: TilingScheme, { south, north }: LonLatBox): number {
  const nearest = south <= 0 && north >= 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
  return scheme.aspect(Math.min(nearest, scheme.extent.north));
}
