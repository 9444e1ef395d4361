/** A stored quantized-mesh tile as what 3D Tiles are made from, by the judge's own decoder: ours or another tool's. */
import type { TerrainTile } from '../encode/terrain-glb.ts';
import { RelievoError } from '../error.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type DecodedTile, decodeOct, decodeTile, indicesInRange, vertexHeights } from '../verify/decode.ts';

/** Extension ids of quantized-mesh-1.0. */
const NORMALS = 1;

/**
 * Throws `input-invalid` for bytes that no client could draw; faults that leave the mesh as it is (bytes at the end, an
 * extension written big-endian) are passed over. `bytes` may be gzipped; `box` in degrees.
 */
export function decodeTerrainTile(bytes: Uint8Array, box: LonLatBox): TerrainTile {
  const { tile, faults } = decodeTile(bytes);
  const broken = faults.find(({ code }) => code === 'code-out-of-range' || code === 'index-out-of-range');
  if (tile === undefined || broken !== undefined) {
    const told = (broken ?? faults[0])?.message ?? 'nothing in it can be read';
    throw new RelievoError('input-invalid', `A sound quantized-mesh tile was expected, but ${told}`);
  }
  if (tile.vertexCount > 65535 || tile.triangles.length === 0 || !indicesInRange(tile)) {
    throw new RelievoError(
      'input-unsupported',
      `Tiles of 3 to 65535 vertices can become 3D Tiles; this one has ${tile.vertexCount} and ` +
        `${tile.triangles.length / 3} triangles`,
    );
  }
  const { u, v, minimumHeight, maximumHeight, sphereCentre, sphereRadius, occlusionPoint } = tile;
  const header = [minimumHeight, maximumHeight, ...sphereCentre, sphereRadius, ...occlusionPoint];
  if (!header.every(Number.isFinite)) {
    throw new RelievoError('input-invalid', `A sound quantized-mesh tile was expected, but its header has ${header}`);
  }
  const [x, y, z] = sphereCentre;
  const [ox, oy, oz] = occlusionPoint;
  return {
    box,
    u: Uint16Array.from(u),
    v: Uint16Array.from(v),
    heights: vertexHeights(tile),
    triangles: tile.triangles,
    edges: {
      west: sortAlong(tile.edges.west, v),
      south: sortAlong(tile.edges.south, u),
      east: sortAlong(tile.edges.east, v),
      north: sortAlong(tile.edges.north, u),
    },
    normals: readNormals(tile),
    minHeight: minimumHeight,
    maxHeight: maximumHeight,
    sphere: { x, y, z, radius: sphereRadius },
    occlusion: { x: ox, y: oy, z: oz },
  };
}

/** Other tools list the vertices of a border in any order. */
function sortAlong(edge: Uint32Array, along: Int32Array): Uint16Array {
  return Uint16Array.from(edge).sort((a, b) => along[a] - along[b]);
}

function readNormals({ extensions, vertexCount }: DecodedTile): Float32Array | undefined {
  const payload = extensions.find(({ id }) => id === NORMALS)?.payload;
  if (payload === undefined || payload.length < 2 * vertexCount) return undefined;
  const normals = new Float32Array(3 * vertexCount);
  for (let k = 0; k < vertexCount; k++) normals.set(decodeOct(payload[2 * k], payload[2 * k + 1]), 3 * k);
  return normals;
}
