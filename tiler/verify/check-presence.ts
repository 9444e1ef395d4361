/** What layer.json promises against what is there, and the tree of tiles: roots, parents, all four children. */
import type { LayerDocument } from './check-layer.ts';
import type { Ledger } from './ledger.ts';
import type { TileIndex } from './tile-index.ts';
import { inGrid, type JudgedTile, type Tiling, tilePath } from './tiling.ts';

/** Every tile that `available` lists, each as often as it is listed. */
export function* advertisedTiles({ available = [], tiling }: LayerDocument): Generator<JudgedTile> {
  for (const [z, ranges] of available.entries()) {
    for (const { startX, startY, endX, endY } of ranges) {
      for (let south = startY; south <= endY; south++) {
        for (let x = startX; x <= endX; x++) yield { z, x, y: tiling.rows(z) - 1 - south };
      }
    }
  }
}

/** Judges a set whose tiles can be listed; `advertised` undefined when layer.json names none. */
export function checkPresence(
  there: TileIndex,
  advertised: TileIndex | undefined,
  tiling: Tiling,
  ledger: Ledger,
): void {
  for (const id of there.outside) ledger.add('tile-outside-grid', `level ${id.z} has no such tile`, id);
  if (advertised === undefined) return;
  for (let z = 0; z < Math.max(there.depth, advertised.depth); z++) {
    for (const id of advertised.tiles(z)) {
      if (!there.has(id)) ledger.add('tile-missing', 'layer.json lists the tile, but it is not there', id);
    }
    for (const id of there.tiles(z)) {
      if (!advertised.has(id)) ledger.add('tile-unlisted', 'the tile is there, but layer.json does not list it', id);
    }
  }
  checkRoots(there, tiling, ledger);
}

function checkRoots(there: TileIndex, tiling: Tiling, ledger: Ledger): void {
  for (let x = 0; x < tiling.columns(0); x++) {
    const root = { z: 0, x, y: 0 };
    if (!there.has(root)) ledger.add('root-missing', 'there is no such root tile: its part never appears', root);
  }
}

/** Judges whether clients get from the roots to every tile. */
export function checkTree(there: TileIndex, tiling: Tiling, ledger: Ledger): void {
  for (let z = 1; z < there.depth; z++) {
    for (const { x, y } of there.tiles(z)) {
      const parent = { z: z - 1, x: x >> 1, y: y >> 1 };
      if (!there.has(parent)) {
        const message = `no client gets to the tile: its parent ${tilePath(parent, tiling)} is not there`;
        ledger.add('parent-missing', message, { z, x, y });
      }
      const siblings = [0, 1, 2, 3]
        .map((i) => ({ z, x: (x & ~1) + (i & 1), y: (y & ~1) + (i >> 1) }))
        .filter((tile) => inGrid(tile, tiling));
      const first = siblings.find((tile) => there.has(tile));
      if (first === undefined || first.x !== x || first.y !== y) continue;
      const missing = siblings.filter((tile) => !there.has(tile));
      if (missing.length === 0) continue;
      const names = missing.map((tile) => tilePath(tile, tiling)).join(', ');
      ledger.add('siblings-incomplete', `of four children, ${names} are not there`, { z, x, y }, missing.length);
    }
  }
}

/** Judges whether the bounds that layer.json gives meet any tile of the deepest level. */
export function checkBounds(there: TileIndex, { bounds, tiling }: LayerDocument, ledger: Ledger): void {
  const z = there.depth - 1;
  if (bounds === undefined || z < 0) return;
  const [west, south, east, north] = bounds;
  const width = east > west ? east - west : east - west + 360;
  for (const id of there.tiles(z)) {
    const box = tiling.box(id);
    const offset = (((box.west - west) % 360) + 360) % 360;
    const meets = offset <= width || offset + box.width >= 360;
    if (meets && box.south <= north && box.south + box.height >= south) return;
  }
  ledger.add('layer-bounds', `the bounds are ${bounds.join(', ')}, and no tile of level ${z} lies there`);
}
