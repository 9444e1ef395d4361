/** Judges the skirts of a terrain tile: below the border that they hang on, not too deep, and facing outward. */
import { faceOf } from './3d-mesh.ts';
import type { PlacedMesh } from './3d-place.ts';
import type { Report } from './3d-volume.ts';
import type { EdgeName } from './decode.ts';
import { cross, DEGREE, dot, length, subtract, upAt, type Vector } from './wgs84.ts';

/** So many bounds deep a skirt may hang. */
const DEEPEST = 10;

export function checkSkirts(placed: PlacedMesh, bound: number, wanted: boolean, report: Report): void {
  const { mesh, lons, lats, heights, sides, skirts, slack } = placed;
  if (skirts.length === 0) {
    if (wanted) report('skirt-missing', 'no triangle hangs from the borders');
    return;
  }
  let inward = 0;
  let upward = 0;
  let deepest = 0;
  for (const { side, at } of skirts) {
    const corners = mesh.triangles.slice(at, at + 3);
    const face = faceOf(mesh, at);
    const size = length(face);
    const along = side === 'west' || side === 'east' ? lats : lons;
    for (const i of corners) {
      const border = sides[side];
      const above = heightOver(border, along, heights, along[i]);
      if (heights[i] - above > slack + 0.01) upward++;
      deepest = Math.max(deepest, above - heights[i]);
    }
    const longest = Math.max(
      ...[0, 1, 2].map((k) => length(subtract(mesh.positions[corners[k]], mesh.positions[corners[(k + 1) % 3]]))),
    );
    if (mesh.doubleSided || size / longest < 2 * slack) continue;
    if (dot(face, outwardOf(side, lons[corners[0]], lats[corners[0]])) < 0) inward++;
  }
  if (inward > 0) report('skirt-inward', `${inward} of ${skirts.length} triangles of the skirts face inward`, inward);
  if (upward > 0) report('skirt-upward', `${upward} corners of skirts lie above the border`, upward);
  if (deepest > DEEPEST * bound + slack)
    report(
      'skirt-deep',
      `a skirt hangs ${deepest.toPrecision(4)} m deep, the error of the level is ${bound.toPrecision(4)} m`,
      deepest,
    );
}

/** Of the border, at a place along it. */
function heightOver(border: readonly number[], along: Float64Array, heights: Float64Array, place: number): number {
  let low = 0;
  let high = border.length - 1;
  if (high < 0) return Number.NaN;
  while (high - low > 1) {
    const half = (low + high) >> 1;
    if (along[border[half]] <= place) low = half;
    else high = half;
  }
  const [a, b] = [border[low], border[high]];
  const span = along[b] - along[a];
  const share = span > 0 ? Math.min(1, Math.max(0, (place - along[a]) / span)) : 0;
  return heights[a] + share * (heights[b] - heights[a]);
}

function outwardOf(side: EdgeName, lon: number, lat: number): Vector {
  const east: Vector = [-Math.sin(lon * DEGREE), Math.cos(lon * DEGREE), 0];
  const north = cross(upAt(lon, lat), east);
  const way = side === 'east' || side === 'west' ? east : north;
  return side === 'east' || side === 'north' ? way : [-way[0], -way[1], -way[2]];
}
