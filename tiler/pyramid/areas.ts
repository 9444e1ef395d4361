/** The polygons that a layer's options name: what its sources are cut to, and where its ground is level. */
import { overlap } from '../fields/raster-field.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { openLonLatArea } from '../geo/lon-lat-area.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { clipSource } from '../sources/clip-source.ts';
import { type FlattenArea, readFlattenAreas } from '../sources/flatten-areas.ts';
import { readPolygonFile } from '../sources/geojson-polygons.ts';
import type { LonLatPolygons } from '../sources/mosaic.ts';
import type { RasterSource } from '../sources/raster-source.ts';
import type { TileOptions } from './options.ts';

/** Plain JSON. */
export interface LayerAreas {
  /** Nothing of any source counts outside of these. */
  readonly clip?: LonLatPolygons | undefined;
  /** Later ones over earlier ones. */
  readonly flats: readonly FlattenArea[];
}

/** Refuses with `usage`, `input-missing` or `input-invalid`. */
export async function readAreas({ clip, flatten, flattenFeather }: TileOptions): Promise<LayerAreas> {
  return {
    clip: clip === undefined ? undefined : await readPolygonFile(clip),
    flats: await readFlattenAreas(flatten, flattenFeather),
  };
}

/** Cut to all of the clips, one after the other. */
export async function clipToAll(
  source: RasterSource,
  clips: readonly (LonLatPolygons | undefined)[],
): Promise<RasterSource> {
  let clipped = source;
  for (const clip of clips) if (clip !== undefined) clipped = await clipSource(clipped, clip);
  return clipped;
}

/** What a clip leaves of a box; never too small. */
export function clipBounds(bounds: LonLatBox, clip: LonLatPolygons | undefined): LonLatBox {
  if (clip === undefined) return bounds;
  const { box } = openLonLatArea(clip.flat());
  const south = Math.max(bounds.south, box.south);
  const north = Math.min(bounds.north, box.north);
  if (south >= north) return bounds;
  const arcs = [-360, 0, 360]
    .map((turn) => ({ west: Math.max(bounds.west, box.west + turn), east: Math.min(bounds.east, box.east + turn) }))
    .filter(({ west, east }) => west < east);
  const [arc] = arcs;
  // Two parts that lie apart have no box of their own.
  if (arcs.length !== 1 || arc === undefined) return { ...bounds, south, north };
  const turn = arc.west >= 180 ? 360 : 0;
  return { west: arc.west - turn, east: arc.east - turn, south, north };
}

/** Of areas that lie where no source has tiles of its own. */
export function areaWarnings({ members }: TerrainField, { flats }: LayerAreas): string[] {
  const beyond = flats.filter(({ rings }) => {
    const { box } = openLonLatArea(rings);
    return !members.some(({ info }) => overlap(box, info.bounds));
  });
  return beyond.map(
    ({ name }) =>
      `${name}: this flattened area lies beyond the sources: are its polygons in longitude and latitude? It makes no tiles of its own, so that it may never show.`,
  );
}
