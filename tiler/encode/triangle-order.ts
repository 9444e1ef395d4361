/** The order in which a tile's triangles are written: what it does to the size after gzip is all that it is for. */
import type { TerrainMesh } from '../mesh/terrain-mesh.ts';

export function orderTriangles({ triangles }: TerrainMesh): Uint16Array {
  return triangles;
}
