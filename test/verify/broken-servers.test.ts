/** A good server of a sound tileset has no finding; each way of answering badly is named, and nothing else is. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openTileSet } from '../../tiler/verify/tile-set.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import { BREAK_HTTP } from './break-http.ts';
import { buildSoundTileset } from './sound-tileset.ts';
import { type SpoilAnswer, serveSpoiled } from './spoiled-server.ts';
import type { TilesetCopy } from './tileset-copy.ts';

describe('verify on servers that answer badly', () => {
  let good: TilesetCopy;
  beforeAll(async () => {
    good = await buildSoundTileset();
  });

  async function findingsOf(spoil?: SpoilAnswer) {
    const server = await serveSpoiled(good, spoil);
    try {
      return (await verifyTileset(await openTileSet(server.url))).findings;
    } finally {
      await server.close();
    }
  }

  it('finds nothing wrong with a good server', async () => {
    expect(await findingsOf()).toEqual([]);
  });

  it.each(BREAK_HTTP.map((breakage) => [breakage.name, breakage] as const))('names %s', async (_, breakage) => {
    const findings = await findingsOf(breakage.spoil);
    expect(findings.map(({ kind }) => kind).sort()).toEqual([...breakage.kinds].sort());
    if (breakage.tiles === undefined) return;
    const [places = []] = findings.filter(({ kind }) => kind === breakage.kinds[0]).map((finding) => finding.places);
    expect(places.map(({ tile }) => tile)).toEqual(breakage.tiles);
  });
});
