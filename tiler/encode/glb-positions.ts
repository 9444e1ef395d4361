/**
 * Positions and normals of a tile of terrain in a GLB, and the node that places them: whole steps of a grid that all
 * tiles of a level share (KHR_mesh_quantization), or float32 metres from the tile's centre. Axes are glTF's (X, Z, -Y).
 */
import { RelievoError } from '../error.ts';
import type { GlbMesh } from './glb-mesh.ts';
import { bytesOf, COMPONENT, type GlbParts, rangeOf, TARGET } from './glb-parts.ts';
import { filterNormals } from './meshopt.ts';
import type { GlbProfile, TerrainTile } from './terrain-glb.ts';

export interface PlacedMesh {
  /** Accessors. */
  readonly position: number;
  readonly normal: number;
  /** What the node says of its place. */
  readonly node: object;
}

/**
 * Steps of positions at level 0, in metres; half of that at each further level: 1/240 of the error that clients assume
 * of a level. Seen along any axis of ECEF a tile is no longer than its side on a meridian, which is 62 600 steps; where
 * relief makes it longer, the steps are doubled. Steps count from the Earth's centre, so that the tiles of a level, and
 * of all coarser ones, lie on one grid and share the vertices of their borders to the bit.
 */
const ROOT_STEP = 320;
const MOST_STEPS = 65535;

/** The step of a tile, and where its own steps begin: a whole number of them from the Earth's centre, y-up. */
function chooseGrid({ positions }: GlbMesh, { box }: TerrainTile): { step: number; start: number[] } {
  const level = Math.max(0, Math.round(Math.log2(180 / (box.north - box.south))));
  const { min: least, max: most } = rangeOf(positions, 3);
  if (![...least, ...most].every(Number.isFinite)) throw new RelievoError('internal', 'A vertex has no place');
  for (let step = ROOT_STEP / 2 ** level; ; step *= 2) {
    const start = least.map((value) => Math.round(value / step));
    if (start.every((value, axis) => Math.round(most[axis] / step) - value <= MOST_STEPS)) return { step, start };
  }
}

export function placeQuantised(parts: GlbParts, mesh: GlbMesh, tile: TerrainTile, profile: GlbProfile): PlacedMesh {
  parts.useExtension('KHR_mesh_quantization', 'required');
  const { count, positions, normals } = mesh;
  const { step, start } = chooseGrid(mesh, tile);
  // Four numbers a vertex, of which the last is padding.
  const steps = new Uint16Array(4 * count);
  for (let k = 0; k < count; k++) {
    for (let axis = 0; axis < 3; axis++) {
      steps[4 * k + axis] = Math.round(positions[3 * k + axis] / step) - start[axis];
    }
  }
  const [x, y, z] = start.map((value) => value * step);
  // CesiumJS's terrain reads a matrix alone, and takes positions as parts of 65535 whatever the accessor says.
  const unit = MOST_STEPS * step;
  const forCesium = profile === 'cesium-terrain';
  return {
    position: parts.addAccessor({
      bufferView: addVertices(parts, bytesOf(steps), count, 8),
      componentType: COMPONENT.uint16,
      normalized: forCesium ? true : undefined,
      count,
      type: 'VEC3',
      ...rangeOf(steps, 4),
    }),
    normal: parts.addAccessor({
      bufferView: addVertices(parts, filterNormals(normals), count, 4, 'OCTAHEDRAL'),
      componentType: COMPONENT.int8,
      normalized: true,
      count,
      type: 'VEC3',
    }),
    node: forCesium
      ? { matrix: [unit, 0, 0, 0, 0, unit, 0, 0, 0, 0, unit, 0, x, y, z, 1] }
      : { translation: [x, y, z], scale: [step, step, step] },
  };
}

export function placePlain(
  parts: GlbParts,
  { count, positions, normals }: GlbMesh,
  { sphere }: TerrainTile,
): PlacedMesh {
  const centre = [sphere.x, sphere.z, -sphere.y];
  const local = new Float32Array(positions.length);
  for (let i = 0; i < local.length; i++) local[i] = positions[i] - centre[i % 3];
  const add = (values: Float32Array, range: { min: number[]; max: number[] } | undefined): number =>
    parts.addAccessor({
      bufferView: parts.addView(bytesOf(values), { target: TARGET.vertices }),
      componentType: COMPONENT.float32,
      count,
      type: 'VEC3',
      ...range,
    });
  return { position: add(local, rangeOf(local, 3)), normal: add(normals, undefined), node: { translation: centre } };
}

/** Packed values of vertices, `byteStride` bytes each. */
export function addVertices(
  parts: GlbParts,
  bytes: Uint8Array,
  count: number,
  byteStride: number,
  filter?: 'OCTAHEDRAL',
) {
  return parts.addPacked(bytes, {
    count,
    byteStride,
    mode: 'ATTRIBUTES',
    ...(filter ? { filter } : {}),
    target: TARGET.vertices,
  });
}
