import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { TILE_VERSION } from '../../tiler/pyramid/make-tile.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';

/** Level, column, row from the north, and the hash of the tile's bytes before compression: root, sea, coast, mountain. */
const PINNED = [
  [0, 0, 0, 'afa3a6d03ab7739a'],
  [5, 4, 12, '646402e568bea93e'],
  [9, 67, 196, 'fe88adf2884e3d12'],
  [12, 541, 1576, '890648eb74ff9856'],
  [14, 2163, 6307, '15d8c9bcb87e5b81'],
  [14, 2094, 6300, '55f97c8d32d2da3b'],
] as const;

it('tiles have the bytes that their version stands for (else raise TILE_VERSION and pin the new ones)', async () => {
  expect(TILE_VERSION).toBe(5);
  const maker = await openTerrainMaker({ ...specOf(MAUI_SHEETS), cacheFolder: process.env.RELIEVO_CACHE });
  try {
    await maker.prepare();
    for (const [z, x, y, hash] of PINNED) {
      const { bytes } = await maker.makeTile({ z, x, y });
      expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16), `${z}/${x}/${y}`).toBe(hash);
    }
  } finally {
    await maker.close();
  }
});
