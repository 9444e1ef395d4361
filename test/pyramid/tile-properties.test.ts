/** What holds for every tile, whatever the ground: seeded terrains, judged from the tiles' bytes. test/soak/terrains.ts runs more. */
import { describe, expect, it } from 'vitest';
import { judgeTerrain } from '../support/judge-terrain.ts';
import { PLACEMENTS } from '../support/random-placement.ts';
import { KINDS, randomTerrain } from '../support/random-terrain.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEEDS = 2000;
const PER_CASE = 500;

describe('tiles of seeded terrains cover, join their neighbours and keep the bound', () => {
  for (let first = 0; first < SEEDS; first += PER_CASE) {
    it(`seeds ${first} to ${first + PER_CASE - 1}`, async () => {
      const folder = temporaryFolder();
      const faults: string[] = [];
      const kinds = new Set<string>();
      const placements = new Set<string>();
      const levels = new Set<number>();
      let samples = 0;
      let told = 0;
      let toldFromBorder = 0;
      for (let seed = first; seed < first + PER_CASE; seed++) {
        const terrain = await randomTerrain(seed);
        const judged = await judgeTerrain(terrain, folder);
        faults.push(...judged.faults);
        if (judged.told.length > 0) told++;
        toldFromBorder = Math.max(toldFromBorder, judged.toldFromBorder);
        kinds.add(terrain.kind);
        placements.add(terrain.placement);
        levels.add(judged.level);
        samples += judged.samples;
      }
      // Cliffs right beside a border cannot all be drawn: it has vertices of its own. Then the certified error has to say so.
      expect(faults).toEqual([]);
      expect(told).toBeLessThanOrEqual(MOST_TOLD);
      expect(toldFromBorder).toBeLessThan(BESIDE);
      // They show something only while samples lie in the tiles, from every kind of ground and level of overview.
      expect(samples).toBeGreaterThan(100 * PER_CASE);
      expect(kinds.size).toBe(KINDS.length);
      expect(placements.size).toBe(PLACEMENTS.length);
      expect([0, 1, 2].every((level) => levels.has(level))).toBe(true);
    });
  }
});

/** Of the seeds of a case. */
const MOST_TOLD = 8;
/** In 1/4096 of a tile's side. */
const BESIDE = 12;
