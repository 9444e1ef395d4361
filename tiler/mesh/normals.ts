/**
 * Unit normals of the terrain at a mesh's vertices, from central differences over the neighbouring posts (two tiles see
 * the same posts, so they agree), in ECEF, as quantized-mesh and glTF renderers want them.
 */
import { metresPerDegreeEast, metresPerDegreeNorth, RADIANS_PER_DEGREE } from '../geo/ellipsoid.ts';
import { type HeightGrid, postLatitudes, postLongitudes, postSpacing } from '../geo/post-grid.ts';
import type { TerrainMesh } from './terrain-mesh.ts';

/** X, Y, Z for each vertex. `grid` holds the posts that were meshed with one more row and column on every side. */
export function computeNormals(
  { columns, rows }: Pick<TerrainMesh, 'columns' | 'rows'>,
  grid: HeightGrid,
): Float32Array {
  const { posts, heights } = grid;
  const stride = posts.columns;
  const spacing = postSpacing(posts);
  const lons = postLongitudes(posts);
  const lats = postLatitudes(posts);
  const normals = new Float32Array(3 * columns.length);
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] + 1;
    const row = rows[i] + 1;
    const lat = lats[row];
    if (Math.abs(lat) === 90) {
      // One place, one normal, whatever the longitude it is drawn at.
      normals[3 * i + 2] = Math.sign(lat);
      continue;
    }
    const at = row * stride + column;
    const east = (heights[at + 1] - heights[at - 1]) / (2 * spacing * metresPerDegreeEast(lat));
    const north = (heights[at - stride] - heights[at + stride]) / (2 * spacing * metresPerDegreeNorth(lat));
    const lonRad = lons[column] * RADIANS_PER_DEGREE;
    const latRad = lat * RADIANS_PER_DEGREE;
    const sinLon = Math.sin(lonRad);
    const cosLon = Math.cos(lonRad);
    const sinLat = Math.sin(latRad);
    const cosLat = Math.cos(latRad);
    const length = Math.sqrt(east * east + north * north + 1);
    // East (-sinLon, cosLon, 0), north (-sinLat cosLon, -sinLat sinLon, cosLat), up (cosLat cosLon, cosLat sinLon, sinLat).
    normals[3 * i] = (east * sinLon + north * sinLat * cosLon + cosLat * cosLon) / length;
    normals[3 * i + 1] = (-east * cosLon + north * sinLat * sinLon + cosLat * sinLon) / length;
    normals[3 * i + 2] = (-north * cosLat + sinLat) / length;
  }
  return normals;
}
