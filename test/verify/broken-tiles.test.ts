/** A sound tileset has no finding; each way of breaking it is named by its kind and its place, and nothing else is. */
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { tilesInMemory } from '../../tiler/verify/tile-set.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import type { Where } from './breakage.ts';
import { BREAKAGES } from './broken-tiles.ts';
import { buildSoundTileset } from './sound-tileset.ts';
import { anotherCopy, planOf, type TilesetCopy } from './tileset-copy.ts';
import { writeTile } from './tiny-tile.ts';

/** Paths by kind; `set` for findings without a tile. */
async function findingsOf({ files, layerJson }: TilesetCopy): Promise<Record<string, string[]>> {
  const { findings } = await verifyTileset(tilesInMemory(files, layerJson), { keep: 1000 });
  return Object.fromEntries(
    findings.map(({ kind, places }) => [kind, [...new Set(places.map(({ tile }) => tile ?? 'set'))].sort()]),
  );
}

function pathsOf(where: Where, { files }: TilesetCopy): unknown {
  if (where === 'every tile') return [...files.keys()].sort();
  if (where === 'many tiles') return { length: expect.toSatisfy((length: number) => length >= 10) };
  return where === 'set' ? ['set'] : [...where].sort();
}

describe('verify on tilesets that were broken on purpose', () => {
  let good: TilesetCopy;
  beforeAll(async () => {
    good = await buildSoundTileset();
  });

  it('has more than a hundred ways, each with a name of its own', () => {
    expect(BREAKAGES.length).toBeGreaterThan(100);
    expect(new Set(BREAKAGES.map(({ name }) => name)).size).toBe(BREAKAGES.length);
  });

  it('finds nothing in the set before it is broken', async () => {
    expect(await findingsOf(good)).toEqual({});
  });

  it('breaks nothing by taking a tile apart and writing it again', () => {
    for (const [path, bytes] of good.files) {
      expect(Buffer.compare(writeTile(planOf(bytes)), gunzipSync(bytes)), path).toBe(0);
    }
  });

  it.each(BREAKAGES.map((breakage) => [breakage.name, breakage] as const))('names %s', async (_, breakage) => {
    const set = anotherCopy(good);
    breakage.spoil(set);
    const expected = Object.entries(breakage.faults).map(([kind, where]) => [kind, pathsOf(where, set)]);
    const found = await findingsOf(set);
    expect(found).toMatchObject(Object.fromEntries(expected));
    const besides = Object.keys(found).filter((kind) => !(kind in breakage.faults));
    expect(breakage.mayFollow).toEqual(expect.arrayContaining(besides));
  });
});
