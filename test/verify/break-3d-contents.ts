/** Ways to break the GLBs of 3D Tiles, for any client and for Cesium3DTilesTerrainProvider. */
import { bytesAt, type Json3d, type OpenedGlb } from './3d-copy.ts';
import {
  accessorOf,
  type Breakage3d,
  bytes,
  EAST_TILE,
  floatsOf,
  glb,
  indicesOf,
  lift,
  of,
  primitiveOf,
  skirtsOf,
  TILE,
  turn,
} from './breakage-3d.ts';

export const BREAK_CONTENTS: readonly Breakage3d[] = [
  of('standard', 'a content that is not there', (files) => void files.delete(TILE), { 'content-missing': [TILE] }),
  of(
    'standard',
    'a content that nobody lists',
    (files) => void files.set('west/content/6/0/0.glb', bytesAt(files, TILE)),
    { 'content-unlisted': ['west/content/6/0/0.glb'] },
  ),
  of(
    'standard',
    'a page in the place of a content',
    bytes(() => new TextEncoder().encode('<!doctype html><title>404</title>')),
    { 'glb-format': [TILE] },
  ),
  of(
    'standard',
    'a GLB that ends early',
    bytes((all) => all.slice(0, -40)),
    { 'glb-format': [TILE] },
  ),
  of(
    'standard',
    'a GLB with bytes behind it',
    bytes((all) => Buffer.concat([all, Buffer.alloc(4)])),
    { 'glb-format': [TILE] },
  ),
  of(
    'standard',
    'a GLB of another version',
    bytes((all) => all.fill(1, 4, 5)),
    { 'glb-format': [TILE] },
  ),
  of('standard', 'the tile of a neighbour', (files) => void files.set(TILE, bytesAt(files, EAST_TILE)), {
    'placed-elsewhere': [TILE],
  }),
  of(
    'standard',
    'no owner',
    glb(({ json }) => delete json.asset.copyright),
    { 'copyright-missing': [TILE] },
  ),
  of(
    'standard',
    'quantised positions without their extension',
    glb(
      ({ json }) =>
        (json.extensionsRequired = json.extensionsRequired.filter((word: string) => word !== 'KHR_mesh_quantization')),
    ),
    { 'extensions-disagree': [TILE] },
  ),
  of(
    'standard',
    'an extension that is not listed',
    glb(
      ({ json }) =>
        (json.extensionsUsed = json.extensionsUsed.filter((word: string) => word !== 'EXT_structural_metadata')),
    ),
    { 'extensions-disagree': [TILE] },
  ),
  of(
    'standard',
    'a packed view with a byte changed',
    glb(
      ({ json }) =>
        (json.bufferViews.find((view: Json3d) => view.extensions).extensions.EXT_meshopt_compression.mode = 'INDICES'),
    ),
    { 'compression-broken': [TILE] },
    ['accessor-bounds', 'index-out-of-range'],
  ),
  of(
    'standard',
    'a maximum that is not that of the data',
    glb((opened) => accessorOf(opened, 'POSITION').max[1]++),
    { 'accessor-bounds': [TILE] },
  ),
  of(
    'standard',
    'positions without bounds',
    glb((opened) => delete accessorOf(opened, 'POSITION').min),
    { 'accessor-bounds': [TILE] },
  ),
  of(
    'standard',
    'an accessor that is too long',
    glb((opened) => (accessorOf(opened, 'POSITION').count += 10)),
    { 'accessor-overrun': [TILE] },
    ['gltf-field'],
  ),
  of(
    'standard',
    'a node without its translation',
    glb(({ json }) => delete json.nodes[0].translation),
    { 'placed-elsewhere': [TILE] },
  ),
  of(
    'gis',
    'positions that were not turned to y-up',
    glb(({ json }) => (json.nodes[0].rotation = [Math.SQRT1_2, 0, 0, Math.SQRT1_2])),
    { 'placed-elsewhere': [TILE] },
  ),
  of(
    'gis',
    'a tile that is a kilometre off',
    glb(({ json }) => (json.nodes[0].translation[1] += 1000)),
    { 'placed-elsewhere': [TILE] },
  ),
  of(
    'gis',
    'a position of NaN',
    glb((opened) => void floatsOf(opened, 'POSITION').fill(Number.NaN, 0, 1)),
    { 'position-not-finite': [TILE] },
    ['accessor-bounds'],
  ),
  of(
    'gis',
    'an index beyond the vertices',
    glb((opened) => void indicesOf(opened).fill(60_000, 0, 1)),
    { 'index-out-of-range': [TILE] },
  ),
  of(
    'gis',
    'triangles that face down',
    glb((opened) => turn(indicesOf(opened), 0, skirtsOf(opened).firstIndex)),
    { 'triangle-clockwise': [TILE] },
  ),
  of(
    'gis',
    'a triangle with two corners in one place',
    glb((opened) => {
      const indices = indicesOf(opened);
      indices[1] = indices[0];
    }),
    { 'triangle-degenerate': [TILE], 'area-not-covered': [TILE] },
  ),
  of(
    'gis',
    'a triangle that is not there',
    glb((opened) => {
      const indices = indicesOf(opened);
      indices.copyWithin(0, indices.length - 3);
    }),
    { 'area-not-covered': [TILE] },
  ),
  of(
    'gis',
    'normals that point into the Earth',
    glb((opened) => {
      const normals = floatsOf(opened, 'NORMAL');
      normals.set(normals.map((value) => -value));
    }),
    { 'normals-inward': [TILE], 'normals-tilted': [TILE], 'border-normals-differ': 'some' },
  ),
  of(
    'gis',
    'normals of half a length',
    glb((opened) => {
      const normals = floatsOf(opened, 'NORMAL');
      normals.set(normals.map((value) => value / 2));
    }),
    { 'normals-not-unit': [TILE] },
  ),
  of(
    'gis',
    'skirts that face inward',
    glb((opened) => turn(indicesOf(opened), skirtsOf(opened).firstIndex, indicesOf(opened).length)),
    { 'skirt-inward': [TILE] },
  ),
  of(
    'gis',
    'skirts that hang almost three times as deep',
    glb((opened) => {
      const { vertices } = skirtsOf(opened);
      lift(opened, -10_000, (vertex) => vertex >= vertices);
    }),
    { 'skirt-deep': [TILE], 'heights-outside': [TILE] },
    ['skirt-inward'],
  ),
  of(
    'gis',
    'skirts that stand up',
    glb((opened) => {
      const { vertices } = skirtsOf(opened);
      lift(opened, 8_000, (vertex) => vertex >= vertices);
    }),
    { 'skirt-upward': [TILE] },
    ['heights-outside', 'skirt-inward'],
  ),
  of(
    'gis',
    'no skirts',
    glb((opened) => (opened.json.accessors[primitiveOf(opened).indices].count = skirtsOf(opened).firstIndex)),
    { 'skirt-missing': [TILE] },
  ),
  of(
    'gis',
    'a border that lies 300 m higher than its neighbour',
    glb((opened) => {
      const texture = floatsOf(opened, 'TEXCOORD_0');
      lift(opened, 300, (vertex) => texture[2 * vertex] === 1);
    }),
    { 'border-heights-differ': [TILE] },
    ['heights-outside', 'placed-elsewhere'],
  ),
  of(
    'gis',
    'a picture that is cut off',
    glb(({ json, views }) => {
      const at = json.images[0].bufferView;
      views[at] = views[at].slice(0, -40);
    }),
    { 'texture-broken': [TILE] },
  ),
  of(
    'gis',
    'a picture of another type',
    glb(({ json }) => (json.images[0].mimeType = 'image/png')),
    { 'texture-broken': [TILE] },
  ),
  of(
    'gis',
    'a picture upside down',
    glb((opened) => {
      const texture = floatsOf(opened, 'TEXCOORD_0');
      for (let i = 1; i < texture.length; i += 2) texture[i] = 1 - texture[i];
    }),
    { 'texture-turned': [TILE] },
  ),
];

function ringOf(opened: OpenedGlb, side: string): Uint16Array {
  const {
    bufferView,
    byteOffset = 0,
    count,
  } = opened.json.accessors[primitiveOf(opened).extensions.CESIUM_tile_edges[side]];
  const view = opened.views[bufferView];
  return new Uint16Array(view.buffer, view.byteOffset + byteOffset, count);
}

export const BREAK_PROFILE: readonly Breakage3d[] = [
  of(
    'cesium-terrain',
    'a ring in the order of the draft',
    glb((opened) => void ringOf(opened, 'left').reverse()),
    { 'edge-order': [TILE] },
  ),
  of(
    'cesium-terrain',
    'an edge that leaves out a vertex',
    glb((opened) => {
      const ring = ringOf(opened, 'top');
      ring[1] = ring[0];
    }),
    { 'edge-incomplete': [TILE], 'edge-repeated-vertex': [TILE] },
  ),
  of(
    'cesium-terrain',
    'an edge of another side',
    glb((opened) => {
      const { CESIUM_tile_edges: edges } = primitiveOf(opened).extensions;
      [edges.left, edges.right] = [edges.right, edges.left];
    }),
    { 'edge-foreign-vertex': [TILE], 'edge-incomplete': [TILE] },
  ),
  of(
    'cesium-terrain',
    'no edges',
    glb((opened) => {
      delete primitiveOf(opened).extensions;
      opened.json.extensionsUsed = opened.json.extensionsUsed.filter((word: string) => word !== 'CESIUM_tile_edges');
    }),
    { 'edges-missing': [TILE] },
  ),
  of(
    'cesium-terrain',
    'edges that are required',
    glb(({ json }) => json.extensionsRequired.push('CESIUM_tile_edges')),
    { 'edges-required': [TILE] },
  ),
  of(
    'cesium-terrain',
    'a translation in the place of the matrix',
    glb(({ json }) => {
      const { matrix: m } = json.nodes[0];
      json.nodes[0] = { mesh: 0, translation: [m[12], m[13], m[14]], scale: [m[0], m[5], m[10]] };
    }),
    { 'terrain-profile': [TILE] },
  ),
  of(
    'cesium-terrain',
    'positions that are not normalised',
    glb((opened) => {
      delete accessorOf(opened, 'POSITION').normalized;
      const { matrix } = opened.json.nodes[0];
      for (const i of [0, 5, 10]) matrix[i] /= 65535;
    }),
    { 'terrain-profile': [TILE] },
  ),
  of(
    'cesium-terrain',
    'positions with a sign',
    glb((opened) => {
      accessorOf(opened, 'POSITION').componentType = 5122;
    }),
    { 'terrain-profile': [TILE] },
    ['accessor-bounds', 'placed-elsewhere'],
  ),
];
