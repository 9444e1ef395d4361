/** Ways to break what holds tiles together: layer.json and the tree (formats.md 1.8 and 2). */
import { type Breakage, breakage, PARENT, SOUTH, TILE, WEST } from './breakage.ts';
import { changeLayer, changePlan, storedOf, type TilesetCopy } from './tileset-copy.ts';

type Json = Record<string, unknown>;
type Rectangle = readonly [startX: number, startY: number, endX: number, endY: number];

const layer = (change: (layer: Json) => void) => (set: TilesetCopy) => changeLayer(set, change);
const field = (name: string, value: unknown) => layer((document) => Object.assign(document, { [name]: value }));
const files = (change: (files: Map<string, Uint8Array>) => void) => (set: TilesetCopy) => change(set.files);

/** Puts other ranges in place of a level's. */
const ranges = (z: number, ...rectangles: readonly Rectangle[]) =>
  layer((document) => {
    (document.available as unknown[])[z] = rectangles.map(([startX, startY, endX, endY]) => ({
      startX,
      startY,
      endX,
      endY,
    }));
  });

/** Paths of the tiles that the sound set has at a level. */
function level(z: number): string[] {
  const [startX, startY, endX, endY] = LEVELS[z];
  const paths: string[] = [];
  for (let x = startX; x <= endX; x++) for (let y = startY; y <= endY; y++) paths.push(`${z}/${x}/${y}.terrain`);
  return paths;
}

const LEVELS: Readonly<Record<number, Rectangle>> = { 1: [0, 0, 1, 1], 5: [4, 18, 5, 19], 8: [32, 156, 35, 157] };

/** The same columns, rows from the other side. */
function flipped(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const [z, x, y] = path.split(/[/.]/).map(Number);
    return `${z}/${x}/${2 ** z - 1 - y}.terrain`;
  });
}

const BORDERS = ['border-posts-differ', 'border-heights-differ', 'border-normals-differ'] as const;

export const BREAK_LAYER: readonly Breakage[] = [
  breakage('no layer.json', (set) => Object.assign(set, { layerJson: undefined }), { 'layer-unreadable': 'set' }),
  breakage('a layer.json that ends early', (set) => Object.assign(set, { layerJson: set.layerJson?.slice(0, -9) }), {
    'layer-unreadable': 'set',
  }),
  breakage('a layer.json that is a list', (set) => Object.assign(set, { layerJson: '[]' }), {
    'layer-unreadable': 'set',
  }),
  breakage('another format', field('format', 'heightmap-1.0'), { 'layer-field': 'set' }),
  breakage('a format without its version', field('format', 'quantized-mesh'), { 'layer-field': 'set' }),
  breakage('no version for {version}', field('version', undefined), { 'layer-field': 'set' }),
  breakage(
    'scheme written as `schema`',
    layer((l) => Object.assign(l, { scheme: undefined, schema: 'tms' })),
    {
      'layer-field': 'set',
    },
  ),
  breakage('a scheme of unknown name', field('scheme', 'xyz'), { 'layer-field': 'set' }),
  breakage('no projection', field('projection', undefined), { 'layer-field': 'set' }),
  breakage('a projection of unknown name', field('projection', 'EPSG:900913'), { 'layer-field': 'set' }),
  breakage('no templates', field('tiles', []), { 'layer-field': 'set' }),
  breakage('a template without y', field('tiles', ['{z}/{x}.terrain']), { 'layer-field': 'set' }),
  breakage('a template with rows and columns swapped', field('tiles', ['{z}/{y}/{x}.terrain']), {
    'layer-template': 'set',
  }),
  breakage('a template for another ending', field('tiles', ['{z}/{x}/{y}.mesh?v={version}']), {
    'layer-template': 'set',
  }),
  breakage('no bounds', field('bounds', undefined), { 'layer-field': 'set' }),
  breakage('bounds upside down', field('bounds', [-157, 21, -155, 20]), { 'layer-field': 'set' }),
  breakage('bounds in metres', field('bounds', [-17477160, 2273030, -17254520, 2391900]), { 'layer-field': 'set' }),
  breakage('bounds of another place', field('bounds', [5.6, 50.8, 5.8, 50.9]), { 'layer-bounds': 'set' }),
  breakage('bounds with latitude first', field('bounds', [20, -89, 21, -88]), { 'layer-bounds': 'set' }),
  breakage('a maxzoom that is text', field('maxzoom', '8'), { 'layer-field': 'set' }),
  breakage('a maxzoom that is too low', field('maxzoom', 7), { 'layer-available': 'set' }),
  breakage('minzoom without maxzoom', field('maxzoom', undefined), { 'layer-field': 'set' }),
  breakage('an extension name misspelt', field('extensions', ['octvertexnormal']), {
    'layer-habit': 'set',
    'extension-unlisted': 'every tile',
  }),
  breakage('the old name of normals', field('extensions', ['vertexnormals']), {
    'layer-field': 'set',
    'extension-unlisted': 'every tile',
  }),
  breakage('no extensions listed', field('extensions', undefined), { 'extension-unlisted': 'every tile' }),
  breakage('an extension that no tile has', field('extensions', ['octvertexnormals', 'watermask']), {
    'extension-missing': 'every tile',
  }),
  breakage('metadata listed without metadataAvailability', field('extensions', ['octvertexnormals', 'metadata']), {
    'layer-field': 'set',
    'extension-missing': 'every tile',
  }),
  breakage('metadataAvailability without metadata', field('metadataAvailability', 4), {
    'metadata-missing': ['0/0/0.terrain', '4/2/9.terrain'],
  }),
  breakage(
    'rows said to count from the north',
    field('scheme', 'slippyMap'),
    {
      'tile-missing': 'many tiles',
      'tile-unlisted': 'many tiles',
      'sphere-open': 'many tiles',
      'occlusion-hides': 'many tiles',
      'layer-bounds': 'set',
      'layer-habit': 'set',
    },
    [...BORDERS, 'normals-inward', 'normals-tilted'],
  ),
  breakage(
    'another projection than the tiles have',
    field('projection', 'EPSG:3857'),
    {
      'sphere-open': 'many tiles',
      'occlusion-hides': 'many tiles',
      'layer-available': 'set',
      'layer-bounds': 'set',
      'root-missing': 'set',
      'tile-outside-grid': ['0/1/0.terrain'],
      'tile-unlisted': ['0/0/0.terrain'],
    },
    [...BORDERS, 'normals-inward', 'normals-tilted'],
  ),
];

export const BREAK_AVAILABLE: readonly Breakage[] = [
  breakage('no available', field('available', undefined), { 'layer-available': 'set' }),
  breakage('rows of available from the north', ranges(8, [32, 98, 35, 99]), {
    'tile-missing': flipped(level(8)),
    'tile-unlisted': level(8),
  }),
  breakage('a range that goes on too far', ranges(8, [32, 156, 35, 158]), {
    'tile-missing': ['8/32/158.terrain', '8/33/158.terrain', '8/34/158.terrain', '8/35/158.terrain'],
  }),
  breakage('a range that ends too early', ranges(8, [32, 156, 34, 157]), {
    'tile-unlisted': ['8/35/156.terrain', '8/35/157.terrain'],
  }),
  breakage('ranges that overlap', ranges(8, [32, 156, 33, 157], [33, 156, 35, 157]), { 'layer-available': 'set' }),
  breakage('a range whose start is after its end', ranges(8, [35, 156, 32, 157]), {
    'layer-available': 'set',
    'tile-unlisted': level(8),
  }),
  breakage('a range outside the level', ranges(1, [0, 0, 4, 1]), {
    'layer-available': 'set',
    'tile-unlisted': level(1),
  }),
  breakage('a level without ranges', ranges(5), { 'layer-available': 'set', 'tile-unlisted': level(5) }),
  breakage('one root in available', ranges(0, [0, 0, 0, 0]), {
    'root-missing': 'set',
    'tile-unlisted': ['0/1/0.terrain'],
  }),
];

export const BREAK_TREE: readonly Breakage[] = [
  breakage(
    'a listed tile that is not there',
    files((f) => f.delete('8/35/156.terrain')),
    { 'tile-missing': ['8/35/156.terrain'], 'siblings-incomplete': ['8/34/157.terrain'] },
  ),
  breakage(
    'a root that is not there',
    files((f) => f.delete('0/1/0.terrain')),
    { 'root-missing': ['0/1/0.terrain'], 'tile-missing': ['0/1/0.terrain'] },
  ),
  breakage(
    'a parent that is not there',
    files((f) => f.delete(PARENT)),
    {
      'parent-missing': ['8/32/156.terrain', WEST, SOUTH, TILE],
      'tile-missing': [PARENT],
      'siblings-incomplete': ['7/16/79.terrain'],
    },
  ),
  breakage(
    'a child without its siblings',
    (set) => {
      for (const path of ['8/32/156.terrain', '8/32/157.terrain', SOUTH]) set.files.delete(path);
      ranges(8, [33, 157, 35, 157], [34, 156, 35, 156])(set);
    },
    { 'siblings-incomplete': [TILE] },
  ),
  breakage('a tile that nobody lists', ranges(8, [32, 156, 34, 157], [35, 156, 35, 156]), {
    'tile-unlisted': ['8/35/157.terrain'],
  }),
  breakage('a tile outside the grid', (set) => set.files.set('1/4/0.terrain', storedOf(set, '1/0/0.terrain')), {
    'tile-outside-grid': ['1/4/0.terrain'],
  }),
  breakage(
    'rows of files from the north',
    turnRows,
    {
      'tile-missing': level(8),
      'tile-unlisted': flipped(level(8)),
      'parent-missing': flipped(level(8)),
      'sphere-open': flipped(level(8)),
      'occlusion-hides': flipped(level(8)),
      'normals-tilted': flipped(level(8)),
      'layer-bounds': 'set',
    },
    BORDERS,
  ),
  breakage(
    'heights of a child far from those of its parent',
    (set) => {
      for (const path of set.files.keys()) {
        if (path.startsWith('8/')) {
          changePlan(set, path, (p) => {
            p.minimumHeight += 5000;
            p.maximumHeight += 5000;
          });
        }
      }
    },
    { 'height-range-strays': level(8), 'sphere-open': level(8), 'occlusion-hides': level(8) },
  ),
];

function turnRows(set: TilesetCopy): void {
  const stored = level(8).map((path) => storedOf(set, path));
  for (const path of level(8)) set.files.delete(path);
  for (const [i, path] of flipped(level(8)).entries()) set.files.set(path, stored[i]);
}
