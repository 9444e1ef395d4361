/**
 * What CesiumJS's Cesium3DTilesTerrainProvider needs of a tile besides being sound: nodes[0].matrix, positions whose coding it
 * knows, and CESIUM_tile_edges as a ring: left from south to north, bottom to the west, right to the south, top to the east.
 */
import { BYTE, type Gltf, itemOf, UNSIGNED_BYTE, UNSIGNED_INT, UNSIGNED_SHORT } from './3d-glb.ts';
import { RING_SIDES } from './3d-mesh.ts';
import type { TileFacts } from './3d-metadata.ts';
import type { PlacedMesh } from './3d-place.ts';
import { isNumbers, isObject, type Json, type Report } from './3d-volume.ts';
import type { EdgeName } from './decode.ts';

export const TILE_EDGES = 'CESIUM_tile_edges';

export function hasEdges({ json }: Gltf): boolean {
  const extensions = firstPrimitive(json)?.extensions;
  return isObject(extensions) && isObject(extensions[TILE_EDGES]);
}

function firstPrimitive(json: Json): Json | undefined {
  return itemOf(itemOf(json.meshes, 0)?.primitives, 0);
}

export function checkProfile(gltf: Gltf, facts: TileFacts | undefined, report: Report): void {
  const { json } = gltf;
  const wrong = (why: string) => report('terrain-profile', why);
  if (!isNumbers(itemOf(json.nodes, 0)?.matrix, 16))
    wrong('nodes[0].matrix is missing; translation, rotation and scale are not read');
  const missing = [
    ['TILE_MINIMUM_HEIGHT', facts?.leastHeight],
    ['TILE_MAXIMUM_HEIGHT', facts?.mostHeight],
    ['TILE_BOUNDING_SPHERE', facts?.sphere],
    ['TILE_HORIZON_OCCLUSION_POINT', facts?.occlusion],
  ].filter(([, value]) => value === undefined);
  if (missing.length > 0) wrong(`the metadata of the tile lack ${missing.map(([name]) => String(name)).join(', ')}`);
  const primitive = firstPrimitive(json);
  if (!hasEdges(gltf)) report('edges-missing', 'the first primitive has no CESIUM_tile_edges');
  const required = Array.isArray(json.extensionsRequired) ? json.extensionsRequired : [];
  if (required.includes(TILE_EDGES)) report('edges-required', 'CESIUM_tile_edges stands in extensionsRequired');
  const attributes = isObject(primitive?.attributes) ? primitive.attributes : {};
  const indices = itemOf(json.accessors, primitive?.indices)?.componentType;
  if (indices !== UNSIGNED_SHORT && indices !== UNSIGNED_INT)
    wrong(`indices have the componentType ${String(indices)}, expected 5123 or 5125`);
  if (!required.includes('EXT_meshopt_compression')) return;
  const position = itemOf(json.accessors, attributes.POSITION);
  const unsigned = position?.componentType === UNSIGNED_SHORT || position?.componentType === UNSIGNED_BYTE;
  if (position && !(unsigned && position.normalized === true))
    wrong(
      `POSITION has the componentType ${String(position.componentType)}, normalized ${String(position.normalized ?? false)}: only unsigned normalised numbers are read right`,
    );
  const normal = itemOf(json.accessors, attributes.NORMAL);
  if (normal && normal.componentType !== BYTE)
    wrong(`NORMAL has the componentType ${String(normal.componentType)}, expected 5120, oct-coded`);
}

const SIDE_OF: Readonly<Record<(typeof RING_SIDES)[number], { side: EdgeName; ascending: boolean }>> = {
  left: { side: 'west', ascending: true },
  bottom: { side: 'south', ascending: false },
  right: { side: 'east', ascending: false },
  top: { side: 'north', ascending: true },
};

/** Against the vertices that lie on the sides. */
export function checkRing({ mesh, lons, lats, sides, atPole }: PlacedMesh, report: Report): void {
  if (mesh.edges === undefined || atPole) return;
  for (const name of RING_SIDES) {
    const { side, ascending } = SIDE_OF[name];
    const listed = mesh.edges[name];
    const on = new Set(sides[side]);
    const foreign = listed.filter((i) => !on.has(i)).length;
    const left = [...on].filter((i) => !listed.includes(i)).length;
    if (foreign > 0)
      report('edge-foreign-vertex', `${name} names ${foreign} vertices that do not lie on the ${side} side`, foreign);
    if (left > 0) report('edge-incomplete', `${name} leaves out ${left} of ${on.size} vertices`, left);
    if (new Set(listed).size < listed.length) report('edge-repeated-vertex', `${name} names a vertex twice`);
    if (foreign > 0) continue;
    const along = side === 'west' || side === 'east' ? lats : lons;
    const turned = listed
      .slice(1)
      .filter((i, k) => along[i] > along[listed[k]] !== ascending && i !== listed[k]).length;
    if (turned > 0)
      report(
        'edge-order',
        `${name} does not run as the ring does: ${turned} of ${listed.length - 1} steps go the other way`,
        turned,
      );
  }
}
