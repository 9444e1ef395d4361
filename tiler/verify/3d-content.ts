/** Judges the content of one tile of a 3D Tiles set: the file, the glTF in it, its mesh, and the mesh in its place. */
import { type Gltf, readGlb } from './3d-glb.ts';
import { faceOf, type JudgedMesh, readMesh } from './3d-mesh.ts';
import { checkPictures } from './3d-picture.ts';
import { type PlacedMesh, placeMesh } from './3d-place.ts';
import { checkProfile, checkRing } from './3d-profile.ts';
import { checkTerrain } from './3d-terrain.ts';
import { checkExtensions } from './3d-tileset.ts';
import { isObject, outside, type Report, sizeOf } from './3d-volume.ts';
import type { TileNode } from './3d-walk.ts';
import { type DecodedTile, QUANTUM } from './decode.ts';
import type { FaultCode } from './fault.ts';
import { GEOGRAPHIC } from './tiling.ts';
import { dot } from './wgs84.ts';

export interface JudgedContent {
  readonly vertices: number;
  readonly triangles: number;
  /** Of terrain that lies in its place. */
  readonly placed: PlacedMesh | undefined;
}

const NOTHING: JudgedContent = { vertices: 0, triangles: 0, placed: undefined };
/** Of 3D Tiles 1.0. */
const OLD_MAGIC = new Set(['b3dm', 'i3dm', 'pnts', 'cmpt']);

/** `isProfile`: whether the set is for Cesium3DTilesTerrainProvider. */
export async function judgeContent(
  bytes: Uint8Array,
  node: TileNode,
  isProfile: boolean,
  report: Report,
): Promise<JudgedContent> {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (OLD_MAGIC.has(magic) || bytes[0] === 0x7b) {
    report('content-unjudged', `the content is ${bytes[0] === 0x7b ? 'JSON' : magic}`);
    return NOTHING;
  }
  // A mistake that shows in many accessors or views is named once.
  const said = new Set<string>();
  const once: Report = (code, message, size) => {
    if (said.has(`${code} ${message}`)) return;
    said.add(`${code} ${message}`);
    report(code, message, size);
  };
  const gltf = await readGlb(bytes, once);
  if (gltf === undefined) return NOTHING;
  checkDocument(gltf, once);
  if (isProfile) checkProfile(gltf, node.facts, once);
  checkPictures(gltf, once);
  const mesh = readMesh(gltf, node.transform, once);
  if (mesh === undefined) return NOTHING;
  const counts = { vertices: mesh.positions.length, triangles: mesh.triangles.length / 3 };
  const broken: FaultCode[] = ['index-out-of-range', 'position-not-finite', 'accessor-overrun', 'compression-broken'];
  if (broken.some((code) => [...said].some((words) => words.startsWith(code)))) return { ...counts, placed: undefined };
  return { ...counts, placed: placeIn(mesh, node, isProfile, once) };
}

function checkDocument({ json }: Gltf, report: Report): void {
  const { copyright } = isObject(json.asset) ? json.asset : {};
  if (typeof copyright !== 'string' || copyright.trim() === '')
    report('copyright-missing', 'asset.copyright is missing');
  const { required } = checkExtensions(json, 'the glTF', report);
  const views = Array.isArray(json.bufferViews) ? json.bufferViews : [];
  const packed = views.some(
    (view) => isObject(view) && isObject(view.extensions) && view.extensions.EXT_meshopt_compression,
  );
  if (packed && !required.includes('EXT_meshopt_compression') && hasFallbackOnly(json)) {
    report(
      'extensions-disagree',
      'EXT_meshopt_compression packs buffer views without another copy, and does not stand in extensionsRequired',
    );
  }
  const webp =
    Array.isArray(json.images) && json.images.some((image) => isObject(image) && image.mimeType === 'image/webp');
  if (webp && !(Array.isArray(json.extensionsUsed) && json.extensionsUsed.includes('EXT_texture_webp'))) {
    report('extensions-disagree', 'an image is WebP, and EXT_texture_webp does not stand in extensionsUsed');
  }
}

/** Buffers without an address after the first hold nothing. */
function hasFallbackOnly({ buffers }: Gltf['json']): boolean {
  return Array.isArray(buffers) && buffers.some((buffer, i) => i > 0 && isObject(buffer) && buffer.uri === undefined);
}

function placeIn(mesh: JudgedMesh, node: TileNode, isProfile: boolean, report: Report): PlacedMesh | undefined {
  const { volume, grid, facts } = node;
  if (volume === undefined) return undefined;
  if (volume.kind !== 'region') {
    const far = Math.max(...mesh.positions.map((position) => outside(volume, position)));
    const slack = 2 * mesh.rounding + 0.005 + 1e-6 * sizeOf(volume);
    if (far > slack)
      report('placed-elsewhere', `a vertex lies ${far.toPrecision(4)} m outside of the tile's ${volume.kind}`, far);
    checkSurface(mesh, report);
    return undefined;
  }
  const placed = placeMesh(mesh, volume, report);
  if (grid === undefined) checkSurface(mesh, report);
  if (placed === undefined || grid === undefined) return undefined;
  checkTerrain(placed, facts, GEOGRAPHIC.bound(grid.z), !isProfile, report);
  if (isProfile) checkRing(placed, report);
  return placed;
}

/** Of any shape: what draws nothing, and normals on the wrong side of their triangles. */
function checkSurface(mesh: JudgedMesh, report: Report): void {
  let empty = 0;
  let along = 0;
  for (let at = 0; at < mesh.triangles.length; at += 3) {
    const face = faceOf(mesh, at);
    if (face[0] === 0 && face[1] === 0 && face[2] === 0) empty++;
    for (let k = 0; mesh.normals && k < 3; k++) along += dot(face, mesh.normals[mesh.triangles[at + k]]);
  }
  if (empty > 0) report('triangle-empty', `${empty} of ${mesh.triangles.length / 3} triangles have no area`, empty);
  if (along < 0) report('normals-inward', 'the normals as a whole point to the back of their triangles', -along);
}

/** As a quantized-mesh tile, for who measures it: heights to a millimetre, places to 1/32767 of the tile. */
export function asTile({ lons, lats, heights, region, surface, mesh }: PlacedMesh): DecodedTile {
  const codes = (values: Float64Array, from: number, to: number) =>
    Int32Array.from(values, (value) =>
      Math.min(QUANTUM, Math.max(0, Math.round((QUANTUM * (value - from)) / (to - from)))),
    );
  const least = heights.reduce((a, b) => Math.min(a, b), Infinity);
  const none = new Uint32Array();
  return {
    centre: [0, 0, 0],
    minimumHeight: least,
    maximumHeight: least + QUANTUM / 1000,
    sphereCentre: [0, 0, 0],
    sphereRadius: 0,
    occlusionPoint: [0, 0, 0],
    vertexCount: mesh.positions.length,
    u: codes(lons, region.west, region.east),
    v: codes(lats, region.south, region.north),
    h: Int32Array.from(heights, (height) => Math.round(1000 * (height - least))),
    indexBytes: 4,
    triangles: Uint32Array.from(surface),
    edges: { west: none, south: none, east: none, north: none },
    extensions: [],
    gzipped: false,
    storedBytes: 0,
    plainBytes: 0,
  };
}
