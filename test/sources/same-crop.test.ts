/** One crop of the Pyrenees in thirteen encodings: the same heights and the same tiles, to the last bit. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTerrainMaker, type TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { specOf } from '../support/build-tileset.ts';
import { describeWithData } from '../support/test-data.ts';

const WEST = 1;
const NORTH = 42.93;
/** Degrees; data reach a little further each way. */
const SIDE = 0.53;
/** The native level, where tiles are made from the samples themselves. */
const NATIVE = 12;

describeWithData('thirteen encodings of one crop', ['derived/pyrenees'], (folder) => {
  const files = readdirSync(folder).sort();
  const makers = new Map<string, TerrainMaker>();
  const cacheFolder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  beforeAll(async () => {
    for (const file of files) {
      const maker = await openTerrainMaker({ ...specOf([join(folder, file)]), cacheFolder });
      await maker.prepare();
      makers.set(file, maker);
    }
  });
  afterAll(async () => {
    for (const maker of makers.values()) await maker.close();
    rmSync(cacheFolder, { recursive: true, force: true });
  });

  it('are thirteen, and are thirteen different files', () => {
    expect(files).toHaveLength(13);
    expect(new Set([...makers.values()].map(({ field }) => field.info.version)).size).toBe(13);
  });

  it('have the same heights, filled ones too', async () => {
    const random = seededRandom(13);
    const places = Array.from({ length: 400 }, () => [WEST + SIDE * random(), NORTH - SIDE * random()] as const);
    const heights = new Map<string, readonly [height: number, origin: number][]>();
    for (const [file, { field }] of makers) {
      const found: [number, number][] = [];
      for (const [lon, lat] of places) {
        const { height, origin } = await field.sampleAt(lon, lat);
        // Two files may give the same corner in numbers that differ in the last bit.
        found.push([Math.round(height * 1e6), origin]);
      }
      heights.set(file, found);
    }
    const [first = '', ...others] = files;
    const expected = heights.get(first);
    expect(new Set(expected?.map(([, origin]) => origin)).size).toBeGreaterThan(1);
    for (const file of others) expect(heights.get(file), file).toEqual(expected);
  });

  const tileAt = (z: number) => {
    const side = 180 / 2 ** z;
    return { z, x: Math.floor((WEST + SIDE / 2 + 180) / side), y: Math.floor((90 - NORTH + SIDE / 2) / side) };
  };
  const bytesOf = async (z: number, of: readonly string[]) => {
    const hashes = new Set<string>();
    for (const file of of) {
      const tile = await makers.get(file)?.makeTile(tileAt(z));
      expect(tile?.vertices ?? 0).toBeGreaterThan(200);
      hashes.add(
        createHash('sha256')
          .update(tile?.bytes ?? '')
          .digest('hex'),
      );
    }
    return hashes.size;
  };

  it('give the same native tile, byte for byte', async () => {
    expect(await bytesOf(NATIVE, files)).toBe(1);
  });

  it('give the same coarser tile: prepared, though one of them brings overviews of another program', async () => {
    expect(await bytesOf(NATIVE - 2, files)).toBe(1);
  });
});
