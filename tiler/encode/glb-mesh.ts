/**
 * A terrain tile as the vertices and triangles of a glTF mesh: ECEF metres in doubles, turned to y-up (X, Z, -Y), with
 * skirts where they are wanted. Normals are turned alike; texture coordinates run from the north-west corner.
 */
import { toEcef } from '../geo/ellipsoid.ts';
import { UV_MAX } from '../mesh/terrain-mesh.ts';
import type { TerrainTile } from './terrain-glb.ts';

export interface GlbMesh {
  readonly count: number;
  /** Y-up metres from the Earth's centre, three a vertex. */
  readonly positions: Float64Array;
  /** Y-up unit vectors, three a vertex. */
  readonly normals: Float32Array;
  /** For each vertex its u and 32767 - v: 0 at the west and the north border .. 32767. */
  readonly texture: Uint16Array;
  readonly triangles: Uint16Array | Uint32Array;
}

/** `skirtMetres` 0 makes none. */
export function layOutMesh(tile: TerrainTile, skirtMetres: number): GlbMesh {
  const surface = tile.u.length;
  const skirt = skirtMetres > 0 ? hangSkirts(tile) : { above: [], triangles: [] };
  const count = surface + skirt.above.length;
  const positions = new Float64Array(3 * count);
  const normals = new Float32Array(3 * count);
  const texture = new Uint16Array(2 * count);
  const ecefNormals = tile.normals ?? averageNormals(tile);
  for (let k = 0; k < count; k++) {
    const from = k < surface ? k : skirt.above[k - surface];
    placeVertex(tile, from, k < surface ? 0 : -skirtMetres, positions, 3 * k);
    turnToYUp(positions, 3 * k);
    normals.set(ecefNormals.subarray(3 * from, 3 * from + 3), 3 * k);
    turnToYUp(normals, 3 * k);
    texture[2 * k] = tile.u[from];
    texture[2 * k + 1] = UV_MAX - tile.v[from];
  }
  // 65535 restarts a primitive in 16 bits, and glTF forbids it.
  const triangles = new (count > 65535 ? Uint32Array : Uint16Array)(tile.triangles.length + skirt.triangles.length);
  triangles.set(tile.triangles);
  triangles.set(skirt.triangles, tile.triangles.length);
  return { count, positions, normals, texture, triangles };
}

/** ECEF metres, X, Y, Z for each vertex of the tile. */
export function placeVertices(tile: TerrainTile): Float64Array {
  const positions = new Float64Array(3 * tile.u.length);
  for (let k = 0; k < tile.u.length; k++) placeVertex(tile, k, 0, positions, 3 * k);
  return positions;
}

function placeVertex({ box, u, v, heights }: TerrainTile, k: number, lift: number, out: Float64Array, at: number) {
  const lon = box.west + ((box.east - box.west) * u[k]) / UV_MAX;
  const lat = box.south + ((box.north - box.south) * v[k]) / UV_MAX;
  toEcef(lon, lat, heights[k] + lift, out, at);
}

/** (X, Y, Z) with Z up becomes (X, Z, -Y). */
function turnToYUp(values: Float64Array | Float32Array, at: number): void {
  const y = values[at + 1];
  values[at + 1] = values[at + 2];
  values[at + 2] = -y;
}

/**
 * Triangles from each border down to a second row of vertices, front side outwards. `above` names the vertex over each
 * new one, which are numbered from the tile's last on. A border that is a pole is one point and needs none.
 */
function hangSkirts({ box, edges, u }: TerrainTile): { above: number[]; triangles: number[] } {
  const above: number[] = [];
  const below = new Map<number, number>();
  const triangles: number[] = [];
  const lower = (vertex: number): number => {
    const known = below.get(vertex);
    if (known !== undefined) return known;
    const made = u.length + above.push(vertex) - 1;
    below.set(vertex, made);
    return made;
  };
  for (const border of walkAround(edges, box)) {
    for (let k = 1; k < border.length; k++) {
      const [a, b] = [border[k - 1], border[k]];
      triangles.push(b, lower(b), lower(a), b, lower(a), a);
    }
  }
  return { above, triangles };
}

/** The borders clockwise as seen from above, from the south-west corner; poles left out. */
function walkAround({ west, north, east, south }: TerrainTile['edges'], box: TerrainTile['box']): Uint16Array[] {
  const borders = [west];
  if (box.north < 90) borders.push(north);
  borders.push(east.toReversed());
  if (box.south > -90) borders.push(south.toReversed());
  return borders;
}

/** For tiles that bring no normals: the mean over a vertex's triangles, by area. */
function averageNormals(tile: TerrainTile): Float32Array {
  const positions = placeVertices(tile);
  const sums = new Float64Array(positions.length);
  const { triangles } = tile;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    const [px, py, pz] = [0, 1, 2].map((axis) => positions[b + axis] - positions[a + axis]);
    const [qx, qy, qz] = [0, 1, 2].map((axis) => positions[c + axis] - positions[a + axis]);
    const cross = [py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx];
    for (const corner of [a, b, c]) {
      for (let axis = 0; axis < 3; axis++) sums[corner + axis] += cross[axis];
    }
  }
  const normals = new Float32Array(positions.length);
  for (let i = 0; i < sums.length; i += 3) {
    const flat = Math.hypot(sums[i], sums[i + 1], sums[i + 2]) === 0;
    const [x, y, z] = (flat ? positions : sums).subarray(i, i + 3);
    const size = Math.hypot(x, y, z);
    normals.set([x / size, y / size, z / size], i);
  }
  return normals;
}
