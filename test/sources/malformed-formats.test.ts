/**
 * Hostile and broken files of the further formats: each ends in one sentence of ours, in at most two seconds of the
 * processor's time and with at most 256 MB more of memory, in a child process that is ended when it takes longer.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostileOpener } from '../support/hostile.ts';
import { hostileOpener } from '../support/hostile.ts';
import { FORMAT_FAULTS } from './format-faults.ts';

const MAX_SECONDS = 2;
const MAX_GROWTH = 256 * 2 ** 20;

let folder = '';
let opener: HostileOpener;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-malformed-'));
  opener = hostileOpener();
});
afterAll(() => {
  opener.close();
  rmSync(folder, { recursive: true });
});

let made = 0;
/** Writes the files into a folder of their own; the path of the first. */
function place(files: Readonly<Record<string, Uint8Array>>): string {
  const own = join(folder, String(made++));
  mkdirSync(own);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(own, name), bytes);
  return join(own, Object.keys(files)[0] ?? '');
}

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
