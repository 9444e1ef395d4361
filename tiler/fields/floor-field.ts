/** A field without data: sea level or the ellipsoid everywhere. For the levels that a layer has but gives no relief. */
import { egm96 } from '../geo/geoid.ts';
import { placesOfPosts } from '../geo/places.ts';
import { Origin } from '../geo/post-grid.ts';
import type { HeightField } from './height-field.ts';
import type { TerrainField } from './terrain-field.ts';

export function openFloorField({ info, floor }: TerrainField): HeightField {
  return {
    info,
    async read(posts) {
      const { lons, lats } = placesOfPosts(posts);
      const undulation = egm96().fill(lons, lats);
      const heights = floor === 'sea-level' ? undulation.slice() : new Float32Array(undulation.length);
      return { posts, heights, undulation, origin: new Uint8Array(heights.length).fill(Origin.outside) };
    },
    close: async () => {},
  };
}
