/**
 * quantized-mesh-1.0: one tile's mesh to bytes, uncompressed. All little-endian; u, v and height are differences to the
 * vertex before, zig-zag coded; indices are high-water-mark coded, which needs vertices numbered by first use.
 */

import { RelievoError } from '../error.ts';
import { boundSphere } from '../geo/bounding-sphere.ts';
import { toEcef } from '../geo/ellipsoid.ts';
import { findOcclusionPoint } from '../geo/horizon.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type TerrainMesh, UV_MAX } from '../mesh/terrain-mesh.ts';
import { EXTENSION_IDS } from './extension-name.ts';
import { encodeOct } from './oct-normal.ts';
import { orderTriangles } from './order-triangles.ts';
import { roundOcclusionPoint, roundSphere } from './round-header.ts';

const HEADER_BYTES = 88;

export interface QuantizedMeshInput {
  readonly mesh: TerrainMesh;
  /** Degrees. */
  readonly box: LonLatBox;
  /** ECEF unit normals, X, Y, Z for each vertex; written as extension 1 when given. */
  readonly normals?: Float32Array | undefined;
  /** Ellipsoidal metres, as single-precision numbers; must take in all of the mesh's heights. */
  readonly minHeight: number;
  readonly maxHeight: number;
}

/** Fails when the mesh has more vertices than 16-bit indices reach (65536 itself makes CesiumJS throw). */
export function encodeQuantizedMesh({ mesh, box, normals, minHeight, maxHeight }: QuantizedMeshInput): Uint8Array {
  const count = mesh.u.length;
  if (count > 65535) {
    throw new RelievoError('internal', `A tile may have at most 65535 vertices, this one has ${count}`);
  }
  const { triangles, order, rank } = numberByFirstUse(orderTriangles(mesh), count);
  const quantised = quantiseHeights(mesh.heights, minHeight, maxHeight);
  const positions = placeVertices(mesh, quantised, box, minHeight, maxHeight);
  const sphere = roundSphere(boundSphere(positions));
  const middle = new Float64Array(3);
  toEcef((box.west + box.east) / 2, (box.south + box.north) / 2, 0, middle, 0);
  const occlusion = roundOcclusionPoint(
    findOcclusionPoint(positions, sphere, { x: middle[0], y: middle[1], z: middle[2] }),
  );

  const edges = [mesh.edges.west, mesh.edges.south, mesh.edges.east, mesh.edges.north];
  const edgeBytes = edges.reduce((sum, edge) => sum + 4 + 2 * edge.length, 0);
  const normalBytes = normals ? 5 + 2 * count : 0;
  const bytes = new Uint8Array(HEADER_BYTES + 4 + 6 * count + 4 + 2 * triangles.length + edgeBytes + normalBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const number of [sphere.x, sphere.y, sphere.z]) at = putFloat64(number);
  at = putFloat32(minHeight);
  at = putFloat32(maxHeight);
  for (const number of [sphere.x, sphere.y, sphere.z, sphere.radius]) at = putFloat64(number);
  for (const number of [occlusion.x, occlusion.y, occlusion.z]) at = putFloat64(number);
  at = putUint32(count);
  for (const plane of [mesh.u, mesh.v, quantised]) at = putDeltas(plane);
  at = putUint32(triangles.length / 3);
  at = putHighWater();
  for (const edge of edges) {
    at = putUint32(edge.length);
    for (const vertex of edge) at = putUint16(rank[vertex]);
  }
  if (normals) {
    bytes[at] = EXTENSION_IDS.octvertexnormals;
    at += 1;
    at = putUint32(2 * count);
    for (let k = 0; k < count; k++, at += 2) {
      const i = 3 * order[k];
      encodeOct(normals[i], normals[i + 1], normals[i + 2], bytes, at);
    }
  }
  return bytes;

  function putFloat64(value: number): number {
    view.setFloat64(at, value, true);
    return at + 8;
  }
  function putFloat32(value: number): number {
    view.setFloat32(at, value, true);
    return at + 4;
  }
  function putUint32(value: number): number {
    view.setUint32(at, value, true);
    return at + 4;
  }
  function putUint16(value: number): number {
    view.setUint16(at, value, true);
    return at + 2;
  }
  function putDeltas(plane: Uint16Array): number {
    let last = 0;
    let to = at;
    for (let k = 0; k < count; k++, to += 2) {
      const value = plane[order[k]];
      const delta = value - last;
      view.setUint16(to, (delta << 1) ^ (delta >> 31), true);
      last = value;
    }
    return to;
  }
  function putHighWater(): number {
    let next = 0;
    let to = at;
    for (let k = 0; k < triangles.length; k++, to += 2) {
      view.setUint16(to, next - triangles[k], true);
      if (triangles[k] === next) next++;
    }
    return to;
  }
}

/** `order` lists the vertices by first use; `rank` is its inverse; `triangles` are in the new numbers. */
function numberByFirstUse(triangles: Uint16Array, count: number) {
  const rank = new Int32Array(count).fill(-1);
  const order = new Uint16Array(count);
  const renumbered = new Uint16Array(triangles.length);
  let next = 0;
  for (let k = 0; k < triangles.length; k++) {
    const vertex = triangles[k];
    if (rank[vertex] < 0) {
      order[next] = vertex;
      rank[vertex] = next++;
    }
    renumbered[k] = rank[vertex];
  }
  return { triangles: renumbered, order, rank };
}

function quantiseHeights(heights: Float32Array, minHeight: number, maxHeight: number): Uint16Array {
  const range = maxHeight - minHeight;
  const out = new Uint16Array(heights.length);
  if (range === 0) return out;
  for (let i = 0; i < heights.length; i++) out[i] = Math.round(((heights[i] - minHeight) / range) * UV_MAX);
  return out;
}

/** Where clients will draw the vertices: from the quantised numbers, ECEF metres. */
function placeVertices(
  { u, v }: TerrainMesh,
  quantised: Uint16Array,
  box: LonLatBox,
  minHeight: number,
  maxHeight: number,
): Float64Array {
  const positions = new Float64Array(3 * u.length);
  for (let i = 0; i < u.length; i++) {
    const lon = box.west + ((box.east - box.west) * u[i]) / UV_MAX;
    const lat = box.south + ((box.north - box.south) * v[i]) / UV_MAX;
    const height = minHeight + ((maxHeight - minHeight) * quantised[i]) / UV_MAX;
    toEcef(lon, lat, height, positions, 3 * i);
  }
  return positions;
}
