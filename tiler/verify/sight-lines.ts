/** Lines along which the drawn surface is looked at: the ellipsoid's normals at places, in Earth-centred metres. */
import { toEcef, upAt } from './wgs84.ts';

interface LonLats {
  /** Degrees. */
  readonly lons: ArrayLike<number>;
  readonly lats: ArrayLike<number>;
}

export interface SightLines extends LonLats {
  /** On the ellipsoid, ECEF metres, and the normal there: x, y, z of each place. */
  readonly feet: Float64Array;
  readonly normals: Float64Array;
}

/** The places, whatever else is known of them, with their lines. */
export function openSightLines<Places extends LonLats>(places: Places): Places & SightLines {
  const { lons, lats } = places;
  const feet = new Float64Array(3 * lons.length);
  const normals = new Float64Array(3 * lons.length);
  for (let k = 0; k < lons.length; k++) {
    feet.set(toEcef(lons[k], lats[k], 0), 3 * k);
    normals.set(upAt(lons[k], lats[k]), 3 * k);
  }
  return { ...places, feet, normals };
}
