/**
 * Seeded terrains to tiles, judged from their bytes, for as long as wanted: `npm run soak:terrains [-- first count large]`.
 * Prints with its seed what is wrong, and then exits with 1, and tiles that own up to being beyond the client's bound.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeTerrain } from '../support/judge-terrain.ts';
import { randomTerrain } from '../support/random-terrain.ts';

const [first = 0, count = 2000] = process.argv.slice(2, 4).map(Number);
const large = process.argv[4] === 'large';
const folder = mkdtempSync(join(tmpdir(), 'relievo-soak-'));
let wrong = 0;
let samples = 0;
let greatest = 0;
try {
  for (let seed = first; seed < first + count; seed++) {
    const judged = await judgeTerrain(await randomTerrain(seed, large), folder);
    for (const fault of judged.faults) console.log(fault);
    for (const words of judged.told) console.log(`(told) ${words}`);
    if (judged.faults.length > 0) wrong++;
    samples += judged.samples;
    greatest = Math.max(greatest, judged.ratio);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `${wrong} of ${count} terrains are wrong; ${samples} samples, the farthest ${greatest.toFixed(4)} bounds away`,
);
process.exitCode = wrong > 0 ? 1 : 0;
