/**
 * Hostile and broken files of the further formats: each ends in one sentence of ours, in at most two seconds of the
 * processor's time and with at most 256 MB more of memory, in a child process that is ended when it takes longer.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostileOpener } from '../support/hostile.ts';
import { hostileOpener } from '../support/hostile.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { FORMAT_FAULTS } from './format-faults.ts';

const MAX_SECONDS = 2;
const MAX_GROWTH = 256 * 2 ** 20;

let opener: HostileOpener;
beforeAll(() => {
  opener = hostileOpener();
});
afterAll(() => opener.close());

/** Writes the files into a folder of their own; the path of the first. */
const place = openPlacedFiles('malformed');

for (const [what, faults] of Object.entries(FORMAT_FAULTS)) {
  describe(`${what} with`, () => {
    it.each(faults.map((fault) => [fault.name, fault] as const))('%s', async (_, { files, says, options }) => {
      const ending = await opener.open({ sources: [place(files())], options });
      expect(ending).toMatchObject({ kind: 'refused', message: expect.stringMatching(says) });
      if (ending.kind !== 'refused') return;
      expect(ending.message).toMatch(/^[^\p{Cc}]{20,700}$/u);
      expect(ending.message).not.toMatch(/\b(undefined|NaN|null|Infinity|TypeError|RangeError)\b|\[object/);
      expect(ending.code).not.toBe('internal');
      expect(ending.cpuSeconds).toBeLessThan(MAX_SECONDS);
      expect(ending.grownBytes).toBeLessThan(MAX_GROWTH);
    });
  });
}
