/** Ways to break what holds 3D Tiles together: tileset.json, external tilesets and subtrees (formats of 3D Tiles 1.1). */
import { bytesAt, changeJson, DEEPEST, type Json3d } from './3d-copy.ts';
import {
  BELOW,
  type Breakage3d,
  bytes,
  changeDoubles,
  clearBit,
  EXTERNAL,
  of,
  ROOT,
  root,
  SUBTREE,
  subtree,
  TILE,
  valuesAt,
  WEST,
} from './breakage-3d.ts';

export const BREAK_TILESET: readonly Breakage3d[] = [
  of('standard', 'no tileset.json', (files) => void files.delete(ROOT), { 'tileset-unreadable': [ROOT] }),
  of(
    'standard',
    'a tileset.json that ends early',
    bytes((all) => all.slice(0, -9), ROOT),
    { 'tileset-unreadable': [ROOT] },
  ),
  of(
    'standard',
    'another version',
    root((json) => Object.assign(json.asset, { version: '2.0' })),
    { 'tileset-field': [ROOT] },
  ),
  of(
    'standard',
    'a root without refine',
    root((json) => delete json.root.refine),
    { 'tileset-field': ['tileset.json root'] },
  ),
  of(
    'standard',
    'no geometric error at the top',
    root((json) => delete json.geometricError),
    { 'tileset-field': [ROOT] },
  ),
  of(
    'standard',
    'an error that is less than a child has',
    root((json) => Object.assign(json.root, { geometricError: 1 })),
    { 'error-not-monotone': ['tileset.json root/0', 'tileset.json root/1'] },
  ),
  of(
    'standard',
    'a region in degrees',
    root((json) => (json.root.children[0].boundingVolume.region = [-180, -90, 0, 90, 0, 9])),
    { 'volume-invalid': [WEST] },
  ),
  of(
    'standard',
    'heights of a region upside down',
    root((json) => json.root.boundingVolume.region.splice(4, 2, 9, 0)),
    { 'volume-invalid': ['tileset.json root'] },
  ),
  of(
    'standard',
    'hemispheres that change their places',
    root((json) => {
      const [west, east] = json.root.children;
      [west.boundingVolume, east.boundingVolume] = [east.boundingVolume, west.boundingVolume];
    }),
    { 'placed-elsewhere': 'some' },
    ['volume-not-nested', 'heights-outside'],
  ),
  of(
    'standard',
    'a root region that leaves out the children',
    root((json) => json.root.boundingVolume.region.splice(0, 1, -1)),
    { 'volume-not-nested': 'some' },
  ),
  of(
    'standard',
    'availableLevels as the deepest level',
    root((json) => (json.root.children[0].implicitTiling.availableLevels = DEEPEST)),
    { 'levels-miscounted': [WEST] },
  ),
  of(
    'standard',
    'availableLevels beyond what there is',
    root((json) => (json.root.children[0].implicitTiling.availableLevels = DEEPEST + 3)),
    { 'levels-miscounted': [WEST] },
  ),
  of(
    'standard',
    'no subtreeLevels',
    root((json) => delete json.root.children[0].implicitTiling.subtreeLevels),
    { 'tileset-field': [WEST] },
    ['content-unlisted', 'subtree-unlisted'],
  ),
  of(
    'standard',
    'an implicit root with children',
    root((json) => (json.root.children[0].children = [])),
    { 'tileset-field': [WEST] },
  ),
  of(
    'standard',
    'a template of contents without y',
    root((json) => (json.root.children[0].content.uri = 'west/content/{level}/{x}.glb')),
    { 'template-broken': [WEST] },
    ['content-missing', 'content-unlisted'],
  ),
  of(
    'standard',
    'rows and columns of a template swapped',
    root((json) => (json.root.children[0].content.uri = 'west/content/{level}/{y}/{x}.glb')),
    { 'content-missing': 'some', 'content-unlisted': 'some', 'placed-elsewhere': 'some' },
    ['heights-outside', 'sphere-open', 'occlusion-hides'],
  ),
  of(
    'standard',
    'no schema',
    root((json) => delete json.schema),
    { 'schema-invalid': 'some' },
    ['heights-outside', 'volume-not-nested'],
  ),
  of(
    'standard',
    'a semantic of another type',
    root((json) => (json.schema.classes.tile.properties.horizonOcclusionPoint.type = 'VEC2')),
    { 'schema-invalid': 'some' },
  ),
  of(
    'standard',
    'an extension required and not used',
    root((json) => (json.extensionsRequired = ['3DTILES_x'])),
    { 'extensions-disagree': [ROOT] },
  ),
  of('gis', 'an external tileset that is not there', (files) => void files.delete(EXTERNAL), {
    'content-missing': [EXTERNAL],
    'content-unlisted': 'some',
  }),
  of(
    'gis',
    'an external tileset whose error is greater than its parent says',
    (files) =>
      changeJson(files, EXTERNAL, (json) => {
        json.geometricError *= 4;
        json.root.geometricError *= 4;
      }),
    { 'error-not-monotone': 'some' },
  ),
  of(
    'gis',
    'a tile whose region leaves that of its parent',
    (files) => changeJson(files, EXTERNAL, (json) => (json.root.children[0].boundingVolume.region[5] += 1e6)),
    { 'volume-not-nested': 'some' },
  ),
  of(
    'gis',
    'a tile that reaches a centimetre above its parent',
    (files) =>
      changeJson(files, EXTERNAL, ({ root: { boundingVolume, children } }) => {
        children[0].boundingVolume.region[5] = boundingVolume.region[5] + 0.01;
      }),
    { 'volume-not-nested': 'some' },
  ),
  of(
    'gis',
    'a tile without content below one that has some',
    (files) =>
      changeJson(
        files,
        BELOW.replace('subtrees', 'tilesets').replace('.subtree', '.json'),
        (json) => delete json.root.content,
      ),
    { 'tile-without-content': 'some', 'content-unlisted': [TILE] },
  ),
];

const BITS = [
  'subtree-count',
  'content-unlisted',
  'subtree-unlisted',
  'metadata-table',
  'levels-miscounted',
  'heights-outside',
  'sphere-open',
  'occlusion-hides',
  'content-without-tile',
  'sphere-loose',
] as const;

export const BREAK_SUBTREES: readonly Breakage3d[] = [
  of(
    'standard',
    'a subtree with another magic',
    bytes((all) => all.fill(0, 0, 4), SUBTREE),
    { 'subtree-format': [SUBTREE] },
    ['content-unlisted', 'subtree-unlisted', 'levels-miscounted'],
  ),
  of(
    'standard',
    'a subtree of another version',
    bytes((all) => all.fill(2, 4, 5), SUBTREE),
    { 'subtree-format': [SUBTREE] },
  ),
  of(
    'standard',
    'a subtree that ends early',
    bytes((all) => all.slice(0, -8), SUBTREE),
    { 'subtree-format': [SUBTREE] },
    ['content-unlisted', 'subtree-unlisted'],
  ),
  of(
    'standard',
    'a buffer view that is not aligned to 8',
    subtree((json) => (json.bufferViews.at(-1).byteOffset -= 4)),
    { 'subtree-format': [SUBTREE] },
    BITS,
  ),
  of(
    'standard',
    'contentAvailability that is no list',
    subtree((json) => (json.contentAvailability = json.contentAvailability[0])),
    { 'subtree-format': [SUBTREE] },
    ['content-unlisted', 'tile-without-content'],
  ),
  of(
    'standard',
    'an availableCount that is not counted',
    subtree((json) => json.tileAvailability.availableCount++),
    { 'subtree-count': [SUBTREE] },
  ),
  of(
    'standard',
    'a tile without its parent',
    subtree((json, binary) => clearBit(json, binary, json.tileAvailability, parentBit(json, binary))),
    { 'subtree-parent': [SUBTREE] },
    BITS,
  ),
  of(
    'standard',
    'content where there is no tile',
    subtree((json) => (json.contentAvailability = [{ constant: 1, availableCount: 21 }])),
    { 'content-without-tile': [SUBTREE] },
  ),
  of(
    'standard',
    'a child subtree that is not listed',
    subtree((json, binary) =>
      clearBit(json, binary, json.childSubtreeAvailability, firstBit(json, binary, json.childSubtreeAvailability)),
    ),
    { 'subtree-unlisted': 'some', 'content-unlisted': 'some' },
  ),
  of('standard', 'a child subtree that is not there', (files) => void files.delete(BELOW), {
    'subtree-missing': [BELOW],
    'content-unlisted': [TILE],
  }),
  of(
    'standard',
    'a subtree that nobody lists',
    (files) => void files.set('west/subtrees/6/0/0.subtree', bytesAt(files, BELOW)),
    { 'subtree-unlisted': ['west/subtrees/6/0/0.subtree'] },
  ),
  of(
    'standard',
    'a property table that is too short',
    subtree((json) => json.propertyTables[0].count--),
    { 'metadata-table': [SUBTREE] },
  ),
  of(
    'standard',
    'values that are too few',
    subtree((json) => (json.bufferViews[json.propertyTables[0].properties.minimumHeight.values].byteLength -= 16)),
    { 'metadata-table': [SUBTREE] },
    ['heights-outside', 'volume-not-nested'],
  ),
  of(
    'standard',
    'a class that the schema lacks',
    subtree((json) => (json.propertyTables[0].class = 'tiles')),
    { 'schema-invalid': [SUBTREE] },
  ),
  of(
    'standard',
    'heights of a tile upside down',
    subtree(
      (json, binary) => changeDoubles(binary, valuesAt(json, 'minimumHeight'), (values) => values.fill(90_000), 1),
      BELOW,
    ),
    { 'height-range-inverted': [TILE], 'heights-outside': [TILE] },
    ['volume-not-nested'],
  ),
  of(
    'standard',
    'heights that do not hold the mesh',
    subtree(
      (json, binary) => changeDoubles(binary, valuesAt(json, 'maximumHeight'), (values) => values.fill(10), 1),
      BELOW,
    ),
    { 'heights-outside': [TILE] },
  ),
  of(
    'standard',
    'a sphere that is too small',
    subtree(
      (json, binary) =>
        changeDoubles(binary, valuesAt(json, 'boundingSphere'), (values) => values.fill(values[3] / 2, 3), 4),
      BELOW,
    ),
    { 'sphere-open': [TILE] },
  ),
  of(
    'standard',
    'an occlusion point on the ellipsoid',
    subtree(
      (json, binary) =>
        changeDoubles(
          binary,
          valuesAt(json, 'horizonOcclusionPoint'),
          (values) => {
            const size = Math.hypot(...values);
            for (let i = 0; i < 3; i++) values[i] /= size;
          },
          3,
        ),
      BELOW,
    ),
    { 'occlusion-hides': [TILE] },
  ),
  of(
    'standard',
    'an occlusion point of NaN',
    subtree(
      (json, binary) =>
        changeDoubles(binary, valuesAt(json, 'horizonOcclusionPoint'), (values) => values.fill(Number.NaN), 3),
      BELOW,
    ),
    { 'metadata-table': [BELOW] },
  ),
  of(
    'cesium-terrain',
    'tiles without metadata',
    subtree((json) => delete json.tileMetadata, BELOW),
    { 'terrain-profile': [TILE] },
    ['volume-not-nested'],
  ),
];

function bitsOf(json: Json3d, binary: Uint8Array, { bitstream }: Json3d): number[] {
  const { byteOffset, byteLength } = json.bufferViews[bitstream];
  return Array.from({ length: 8 * byteLength }, (_, bit) => bit).filter(
    (bit) => (binary[byteOffset + (bit >> 3)] >> (bit & 7)) % 2 === 1,
  );
}

const firstBit = (json: Json3d, binary: Uint8Array, availability: Json3d): number =>
  bitsOf(json, binary, availability)[0];

/** A tile that has children in the subtree and is not its root. */
function parentBit(json: Json3d, binary: Uint8Array): number {
  return (Math.max(...bitsOf(json, binary, json.tileAvailability)) - 1) >> 2;
}
