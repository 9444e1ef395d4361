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
      // Steps that are closer to a border than a position cannot be drawn; then the certified error has to say so.
      const told = faults.filter((fault) => TOLD.test(fault));
      const untold = faults.filter((fault) => !TOLD.test(fault) && !isTold(fault));
      expect(untold).toEqual([]);
      expect(new Set(told.map(seedOf)).size).toBeLessThanOrEqual(MOST_TOLD);
      // They show something only while samples lie in the tiles, from every kind of ground and level of overview.
      expect(samples).toBeGreaterThan(100 * PER_CASE);
      expect(kinds.size).toBe(KINDS.length);
      expect([0, 1, 2].every((level) => levels.has(level))).toBe(true);
    });
  }
});

/** A certified error beyond the bound; and a sample as far away as its tile says. */
const TOLD = /: certified [\d.]+ m, bound/;
const SAMPLE = /lies ([\d.]+) m from the surface; certified ([\d.]+) m/;
/** Of the seeds of a case. */
const MOST_TOLD = 3;

function isTold(fault: string): boolean {
  const [, far, certified] = SAMPLE.exec(fault) ?? [];
  return far !== undefined && Number(far) <= Number(certified);
}

function seedOf(fault: string): string {
  return fault.split(' (')[0];
}
