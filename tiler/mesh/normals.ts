/**
 * Unit normals of the terrain at a mesh's vertices, from central differences over the neighbouring posts (two tiles see
 * the same posts, so they agree), between posts interpolated; in ECEF, as quantized-mesh and glTF renderers want them.
 */
import { metresPerDegreeEast, metresPerDegreeNorth, RADIANS_PER_DEGREE } from '../geo/ellipsoid.ts';
import { type HeightGrid, postLatitudes, postLongitudes, postSpacing } from '../geo/post-grid.ts';
import type { TerrainMesh } from './terrain-mesh.ts';

/** X, Y, Z for each vertex. `grid` holds the posts that were meshed with one more row and column on every side. */
export function computeNormals(
  { columns, rows }: Pick<TerrainMesh, 'columns' | 'rows'>,
  { posts, heights }: HeightGrid,
): Float32Array {
  const stride = posts.columns;
  const spacing = postSpacing(posts);
  const lons = postLongitudes(posts);
  const lats = postLatitudes(posts);
  const normals = new Float32Array(3 * columns.length);
  for (let i = 0; i < columns.length; i++) {
    const column = Math.floor(columns[i]) + 1;
    const row = Math.floor(rows[i]) + 1;
    const fx = columns[i] + 1 - column;
    const fy = rows[i] + 1 - row;
    const lat = fy === 0 ? lats[row] : lats[row] + fy * (lats[row + 1] - lats[row]);
    if (Math.abs(lat) === 90) {
      // One place, one normal, whatever the longitude it is drawn at.
      normals[3 * i + 2] = Math.sign(lat);
      continue;
    }
    const east = between(eastSlope, column, row, fx, fy);
    const north = between(northSlope, column, row, fx, fy);
    const lonRad = (fx === 0 ? lons[column] : lons[column] + fx * spacing) * RADIANS_PER_DEGREE;
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

  /** Metres for each metre on the ground, at a post. */
  function eastSlope(column: number, row: number): number {
    const at = row * stride + column;
    return (heights[at + 1] - heights[at - 1]) / (2 * spacing * metresPerDegreeEast(lats[row]));
  }

  function northSlope(column: number, row: number): number {
    const at = row * stride + column;
    const lat = lats[row];
    const above = lats[row - 1] - lat;
    const below = lat - lats[row + 1];
    const rise = heights[at - stride] - heights[at];
    const fall = heights[at] - heights[at + stride];
    // The slope at the middle one of three posts at unequal steps: 0 is added where the steps are equal.
    const skew = (above - below) * (fall / below - rise / above);
    return (heights[at - stride] - heights[at + stride] + skew) / ((above + below) * metresPerDegreeNorth(lat));
  }

  /** Posts without weight have no part: a tile may not have them. Nor has a pole, where there is no east. */
  function between(
    slope: (column: number, row: number) => number,
    column: number,
    row: number,
    fx: number,
    fy: number,
  ) {
    const along = (j: number) =>
      fx === 0 ? slope(column, j) : slope(column, j) * (1 - fx) + slope(column + 1, j) * fx;
    if (fy === 0 || Math.abs(lats[row + 1]) === 90) return along(row);
    if (Math.abs(lats[row]) === 90) return along(row + 1);
    return along(row) * (1 - fy) + along(row + 1) * fy;
  }
}
