/** What holds for every tile, whatever the ground: seeded terrains, judged from the tiles' bytes. test/soak/terrains.ts runs more. */
import { describe, expect, it } from 'vitest';
import { judgeTerrain } from '../support/judge-terrain.ts';
import { KINDS, randomTerrain } from '../support/random-terrain.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEEDS = 600;
const PER_CASE = 150;

describe('tiles of seeded terrains cover, join their neighbours and keep the bound', () => {
  for (let first = 0; first < SEEDS; first += PER_CASE) {
    it(`seeds ${first} to ${first + PER_CASE - 1}`, async () => {
      const folder = temporaryFolder();
      const faults: string[] = [];
      const kinds = new Set<string>();
      const levels = new Set<number>();
      let samples = 0;
      for (let seed = first; seed < first + PER_CASE; seed++) {
        const terrain = randomTerrain(seed);
        const judged = await judgeTerrain(terrain, folder);
        faults.push(...judged.faults);
        kinds.add(terrain.kind);
        levels.add(judged.level);
        samples += judged.samples;
      }
      expect(faults).toEqual([]);
      // They show something only while samples lie in the tiles, from every kind of ground and level of overview.
      expect(samples).toBeGreaterThan(100 * PER_CASE);
      expect(kinds.size).toBe(KINDS.length);
      expect([0, 1, 2].every((level) => levels.has(level))).toBe(true);
    });
  }
});
