/** Samples of a source at full resolution with their places: those that the field shows as they are. */
import type { Places } from '../geo/places.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import type { RasterField } from './raster-field.ts';
import type { TerrainField } from './terrain-field.ts';

export interface FullSamples {
  /** Degrees, longitudes within -180..180. */
  readonly lons: Float64Array;
  readonly lats: Float64Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float64Array;
}

/** Metres by which interpolation at a sample may differ from the sample. */
const SAME = 0.02;

/** Of a window of a member; not what is void, nor what higher sources hide, nor what is feathered or made level. */
export async function readFullSamples(
  field: TerrainField,
  index: number,
  window: SampleWindow,
  options: ReadOptions = {},
): Promise<FullSamples> {
  const member = field.members[index];
  const { source, grid, datum } = member;
  const samples = await source.read(0, window, options);
  const there = Int32Array.from(samples.keys()).filter((k) => !Number.isNaN(samples[k]));
  const places = grid.placesOf(0, window, there);
  const { lons, lats } = places;
  const { unitMetres } = source.info.vertical;
  const { sourceGeoid } = datum;
  const heights = Float64Array.from(
    there,
    (k, i) => samples[k] * unitMetres + (sourceGeoid === undefined ? 0 : sourceGeoid.at(lons[i], lats[i])),
  );
  // Where a geoid grid ends nothing is known.
  const known = Array.from(heights.keys()).filter((k) => !Number.isNaN(heights[k]));
  const kept = isShownWhole(field, index, places) ? known : await shownOf(known);
  if (kept.length === heights.length) return { lons, lats, heights };
  const take = (from: Float64Array) => Float64Array.from(kept, (k) => from[k]);
  return { lons: take(lons), lats: take(lats), heights: take(heights) };

  async function shownOf(indices: readonly number[]): Promise<number[]> {
    if (indices.length === 0) return [];
    const ground = await field.groundAt(places, levelReadingAll(member), options);
    return indices.filter(
      (k) => ground.origin[k] === member.dataOrigin && Math.abs(ground.heights[k] - heights[k]) <= SAME,
    );
  }
}

/** Whether no source above can change any of the places, and nothing is made level there. */
function isShownWhole(field: TerrainField, index: number, { lons, lats }: Places): boolean {
  if (lons.length === 0) return true;
  const box = boxOf(lons, lats);
  const z = levelReadingAll(field.members[index]);
  const hidden = field.members.some((_, above) => above < index && field.touches(above, box, z) !== 'none');
  return !hidden && !field.flattens(box);
}

/** Round the world where the places lie on both sides of the date line. */
function boxOf(lons: Float64Array, lats: Float64Array): LonLatBox {
  let [west, east, south, north] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let k = 0; k < lons.length; k++) {
    west = Math.min(west, lons[k]);
    east = Math.max(east, lons[k]);
    south = Math.min(south, lats[k]);
    north = Math.max(north, lats[k]);
  }
  return east - west > 180 ? { west: -180, east: 180, south, north } : { west, east, south, north };
}

/** The first level of tiles for which a source is read at full resolution. */
function levelReadingAll({ levelFor }: RasterField): number {
  let z = 0;
  while (levelFor(z) > 0) z++;
  return z;
}
