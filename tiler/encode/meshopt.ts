/**
 * The door to meshoptimizer's encoder: the bitstreams of glTF's EXT_meshopt_compression (vertex codec version 0, which
 * every decoder of that extension reads).
 */
import { MeshoptEncoder } from 'meshoptimizer';

export type MeshoptMode = 'ATTRIBUTES' | 'TRIANGLES' | 'INDICES';

/** Wait for it once, before anything else of this file. */
export const meshoptReady: Promise<void> = MeshoptEncoder.ready;

/** Packs `count` elements of `stride` bytes each; of triangles and indices 2 or 4 bytes. */
export function packMeshopt(bytes: Uint8Array, count: number, stride: number, mode: MeshoptMode): Uint8Array {
  return MeshoptEncoder.encodeGltfBuffer(bytes, count, stride, mode, 0);
}

/** Unit vectors (X, Y, Z each) as the filter OCTAHEDRAL has them: four bytes a vector, of which two tell the direction. */
export function filterNormals(normals: Float32Array): Uint8Array {
  const count = normals.length / 3;
  const padded = new Float32Array(4 * count);
  for (let k = 0; k < count; k++) {
    for (let axis = 0; axis < 3; axis++) padded[4 * k + axis] = normals[3 * k + axis];
  }
  return MeshoptEncoder.encodeFilterOct(padded, count, 4, 8);
}

/**
 * Orders triangles, in place, so that they pack well, and numbers vertices by first use: the new number of each old one
 * (0xffffffff for a vertex that no triangle has), and how many there are.
 */
export function orderMesh(triangles: Uint32Array): [numbers: Uint32Array, count: number] {
  return MeshoptEncoder.reorderMesh(triangles, true, true);
}
