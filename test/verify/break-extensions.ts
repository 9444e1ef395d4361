/**
 * Ways to break a set that has water masks and metadata besides normals (formats.md 1.4 and 2.4): both are put into the
 * sound set by hand first, so that this needs no option of the tiler.
 */
import { type Breakage, breakage, TILE } from './breakage.ts';
import { changeLayer, changePlan, type TilesetCopy } from './tileset-copy.ts';

interface Range {
  readonly startX: number;
  readonly startY: number;
  readonly endX: number;
  readonly endY: number;
}

const AT = [TILE];
/** Tiles of every fourth level that have children, and the ranges below them. */
const EVERY = 4;
const WITH_METADATA = ['0/0/0.terrain', '4/2/9.terrain'];

/** A mask of 256 x 256 in the tile with the island, one byte in all others. */
export function addWaterMasks(set: TilesetCopy): void {
  changeLayer(set, (layer) => (layer.extensions as string[]).push('watermask'));
  const coast = Uint8Array.from({ length: 65536 }, (_, i) => (i % 256 < 100 ? 255 : 0));
  for (const path of set.files.keys()) {
    changePlan(set, path, (p) => p.extensions.push({ id: 2, payload: path === TILE ? coast : Uint8Array.of(255) }));
  }
}

/** What layer.json says of the descendants, in the tiles of every fourth level. */
export function addMetadata(set: TilesetCopy, change: (lists: Range[][]) => void = () => {}): void {
  const { available } = JSON.parse(set.layerJson ?? '') as { available: Range[][] };
  changeLayer(set, (layer) => {
    (layer.extensions as string[]).push('metadata');
    layer.metadataAvailability = EVERY;
  });
  for (const path of WITH_METADATA) {
    const z = Number.parseInt(path, 10);
    const lists = structuredClone(available.slice(z + 1, z + 1 + EVERY));
    if (z > 0) change(lists);
    const json = Buffer.from(JSON.stringify({ available: lists }));
    const payload = Buffer.concat([Buffer.alloc(4), json]);
    payload.writeUInt32LE(json.length);
    changePlan(set, path, (p) => p.extensions.push({ id: 4, payload }));
  }
}

const masked = (change: (set: TilesetCopy) => void) => (set: TilesetCopy) => {
  addWaterMasks(set);
  change(set);
};
const described = (change: (set: TilesetCopy) => void) => (set: TilesetCopy) => {
  addMetadata(set);
  change(set);
};
const payload =
  (path: string, id: number, change: (bytes: Uint8Array) => Uint8Array | undefined) => (set: TilesetCopy) =>
    changePlan(set, path, (p) => {
      p.extensions = p.extensions.flatMap((extension) => {
        if (extension.id !== id) return [extension];
        const changed = change(extension.payload);
        return changed ? [{ id, payload: changed }] : [];
      });
    });

export const BREAK_MASKS: readonly Breakage[] = [
  breakage('a tile without the mask that the others have', masked(payload(TILE, 2, () => undefined)), {
    'extension-missing': AT,
  }),
  breakage('a mask of 128 x 128', masked(payload(TILE, 2, () => new Uint8Array(16384))), { 'watermask-length': AT }),
  breakage('a mask of 257 x 257', masked(payload(TILE, 2, () => new Uint8Array(66049))), { 'watermask-length': AT }),
  breakage(
    'masks that layer.json does not list',
    masked((set) => changeLayer(set, (layer) => (layer.extensions as string[]).pop())),
    { 'extension-unlisted': 'every tile' },
  ),
  breakage('extensions listed as one text', masked(joinNames), {
    'layer-habit': 'set',
    'extension-unlisted': 'every tile',
  }),
];

export const BREAK_METADATA: readonly Breakage[] = [
  breakage('metadata that leave out a level', (set) => addMetadata(set, (lists) => lists.splice(2, 1, [])), {
    'metadata-disagrees': ['4/2/9.terrain'],
  }),
  breakage('metadata that leave out a column', (set) => addMetadata(set, ([first]) => narrow(first)), {
    'metadata-disagrees': ['4/2/9.terrain'],
  }),
  breakage('metadata with rows from the north', (set) => addMetadata(set, turnRows), {
    'metadata-disagrees': ['4/2/9.terrain'],
  }),
  breakage('a tile without the metadata of its descendants', described(payload('4/2/9.terrain', 4, () => undefined)), {
    'metadata-missing': ['4/2/9.terrain'],
  }),
  breakage('metadata cut off', described(payload('4/2/9.terrain', 4, (bytes) => bytes.slice(0, -5))), {
    'extension-length': ['4/2/9.terrain'],
  }),
  breakage('metadata in Latin-1', described(payload('4/2/9.terrain', 4, latin)), {
    'metadata-not-json': ['4/2/9.terrain'],
  }),
  breakage(
    'a metadataAvailability of zero',
    described((set) => changeLayer(set, (l) => Object.assign(l, { metadataAvailability: 0 }))),
    { 'layer-field': 'set', 'extension-missing': 'many tiles' },
  ),
];

function joinNames(set: TilesetCopy): void {
  changeLayer(set, (layer) => {
    layer.extensions = (layer.extensions as string[]).join('-');
  });
}

function narrow(list: Range[]): void {
  list.splice(0, 1, { ...list[0], endX: list[0].endX - 1 });
}

function turnRows(lists: Range[][]): void {
  for (const [k, list] of lists.entries()) {
    const top = 2 ** (5 + k) - 1;
    lists[k] = list.map(({ startX, endX, startY, endY }) => ({ startX, endX, startY: top - endY, endY: top - startY }));
  }
}

function latin(): Uint8Array {
  const json = Buffer.from('{"name":"Höhe"}', 'latin1');
  const payload = Buffer.concat([Buffer.alloc(4), json]);
  payload.writeUInt32LE(json.length);
  return payload;
}
