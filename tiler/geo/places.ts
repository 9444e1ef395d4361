/** Places on the globe at which heights are asked for: posts of a tile, or samples of another raster. */
import { type PostGrid, postLatitudes, postLongitudes } from './post-grid.ts';

/**
 * `across` x `down` places, row-major; degrees, longitudes within -180..180. On a grid that is parallel to the meridians
 * (`parallel`), `lons` holds one number for each of `across` and `lats` one for each of `down`; otherwise both hold one
 * for each place.
 */
export interface Places {
  readonly across: number;
  readonly down: number;
  readonly parallel: boolean;
  readonly lons: Float64Array;
  readonly lats: Float64Array;
  /** The posts that these are, where they are posts: their integer indices are what neighbours share. */
  readonly posts?: PostGrid | undefined;
}

export function placesOfPosts(posts: PostGrid): Places {
  const { columns: across, rows: down } = posts;
  return { across, down, parallel: true, lons: postLongitudes(posts), lats: postLatitudes(posts), posts };
}

export function placeOf(lon: number, lat: number): Places {
  return { across: 1, down: 1, parallel: true, lons: Float64Array.of(lon), lats: Float64Array.of(lat) };
}

export function countPlaces({ across, down }: Pick<Places, 'across' | 'down'>): number {
  return across * down;
}
