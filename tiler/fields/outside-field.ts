/** A field without data: sea level or the ellipsoid everywhere. For the levels that a layer has but gives no relief. */
import { Origin } from '../geo/post-grid.ts';
import { applyDatum } from './datum.ts';
import type { HeightField } from './height-field.ts';
import type { RasterField } from './raster-field.ts';

export function openOutsideField({ info, datum }: RasterField): HeightField {
  return {
    info,
    async read(posts) {
      const count = posts.columns * posts.rows;
      const nothing = {
        values: new Float32Array(count),
        outsideWeight: new Float32Array(count).fill(1),
        origin: new Uint8Array(count).fill(Origin.outside),
      };
      return applyDatum(posts, nothing, datum);
    },
    touches: () => false,
    close: async () => {},
  };
}
