/**
 * The polygons that a tileset was built with: nothing of the source counts outside of what it was cut to, and nothing where
 * the ground was made level, or in the band round that, because there the tiles are not meant to follow it.
 */
import { type Flat, openFlat } from '../fields/flatten.ts';
import { metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import type { Places } from '../geo/places.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type FlattenArea, readFlattenAreas } from '../sources/flatten-areas.ts';
import { readPolygonFile } from '../sources/geojson-polygons.ts';
import type { LonLatPolygons } from '../sources/mosaic.ts';

/** Plain JSON. */
export interface DemAreas {
  readonly clip?: LonLatPolygons | undefined;
  readonly flats?: readonly FlattenArea[] | undefined;
}

export interface AreaOptions {
  /** Names of files, as for `build`. */
  readonly clip?: string | undefined;
  readonly flatten: readonly string[];
  /** Metres. */
  readonly flattenFeather?: number | undefined;
}

/** Refuses with `usage`, `input-missing` or `input-invalid`. */
export async function readDemAreas({ clip, flatten, flattenFeather }: AreaOptions): Promise<DemAreas> {
  return {
    clip: clip === undefined ? undefined : await readPolygonFile(clip),
    flats: await readFlattenAreas(flatten, flattenFeather),
  };
}

/** What is known of a source where the width of a band hangs on its samples; degrees. */
interface Spaced {
  readonly info: { readonly bounds: LonLatBox; readonly spacingDegrees: number };
}

/** The areas with their bands: as wide as said, else as the coarsest source has it, which is never too narrow. */
export function openFlats(areas: readonly FlattenArea[], fields: readonly Spaced[]): readonly Flat[] {
  const spacing = Math.max(
    ...fields.map(({ info: { bounds, spacingDegrees } }) => {
      return spacingDegrees * metresPerDegreeNorth((bounds.south + bounds.north) / 2);
    }),
  );
  return areas.map((area) => openFlat(area, () => spacing));
}

/** A degree of latitude is nowhere shorter, in metres. */
const METRES_PER_DEGREE = 110_500;

/** Makes void what lies in an area or its band. */
export function leaveOutFlat({ area: { featherMetres }, shape }: Flat, heights: Float32Array, places: Places): void {
  const { across, down, parallel, lons, lats } = places;
  const room = featherMetres / METRES_PER_DEGREE + 1e-9;
  for (let j = 0; j < down; j++) {
    for (let i = 0; i < across; i++) {
      const at = j * across + i;
      const lat = lats[parallel ? j : at];
      if (lat < shape.box.south - room || lat > shape.box.north + room || Number.isNaN(heights[at])) continue;
      if (shape.distance(lons[parallel ? i : at], lat, featherMetres) < Infinity) heights[at] = Number.NaN;
    }
  }
}
