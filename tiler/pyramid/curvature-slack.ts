/**
 * What meshing does not know of the Earth's shape. It lowers heights by one paraboloid for a whole tile, whose curvature
 * is the greatest that the tile has; where the Earth is bent less, the drawn surface sags less, and lies higher above
 * samples than was counted.
 */
import { metresPerDegreeEast, metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import { TILE_CELLS } from '../geo/post-grid.ts';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import { chordSag, latticeCells } from '../mesh/curvature.ts';

/** Share of the sag by which radii of curvature differ from the one that counts. */
const RADII = 0.005;

/** Metres to be added to an error bound that meshing gives, over a cell of the lattice that the tile starts from. */
export function curvatureSlack(scheme: TilingScheme, id: TileId): number {
  const cells = latticeCells(scheme, id.z, TILE_CELLS);
  const { west, south, east, north } = scheme.box(id);
  const far = Math.max(Math.abs(south), Math.abs(north));
  const near = south < 0 && north > 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
  const [width, height] = [(east - west) / cells, (north - south) / cells];
  const acrossNear = chordSag(width * metresPerDegreeEast(near));
  const acrossFar = chordSag(width * metresPerDegreeEast(far));
  const downMost = chordSag(height * metresPerDegreeNorth(90));
  const downLeast = chordSag(height * metresPerDegreeNorth(0));
  return acrossNear - acrossFar + downMost - downLeast + RADII * (acrossNear + downMost);
}
