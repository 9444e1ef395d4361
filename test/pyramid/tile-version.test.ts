import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { TILE_VERSION } from '../../tiler/pyramid/make-tile.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';

/** Level, column, row from the north, and the hash of the tile's bytes before compression: root, sea, coast, mountain. */
const PINNED = [
  [0, 0, 0, 'da810d0516e32c86'],
  [5, 4, 12, '44fbd4d245113138'],
  [9, 67, 196, 'a97609c701efa15c'],
  [12, 541, 1576, 'c44a185089c32bef'],
  [14, 2163, 6307, 'f1e2fdfb7bebcaa9'],
  [14, 2094, 6300, 'f2a1574f9a4d2d62'],
] as const;

it('tiles have the bytes that their version stands for (else raise TILE_VERSION and pin the new ones)', async () => {
  expect(TILE_VERSION).toBe(3);
  const maker = await openTerrainMaker(specOf(MAUI_SHEETS), { hash: false });
  try {
    for (const [z, x, y, hash] of PINNED) {
      const { bytes } = await maker.makeTile({ z, x, y });
      expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16), `${z}/${x}/${y}`).toBe(hash);
    }
  } finally {
    await maker.close();
  }
});
