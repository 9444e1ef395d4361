/**
 * Finds the shared real data: the folder named by RELIEVO_TEST_DATA, else `../shared` beside the checkout. A clone
 * without it leaves those suites out and says so; with CI set, leaving one out is a failure.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'vitest';

export const REPOSITORY = resolve(import.meta.dirname, '../..');
const SHARED = process.env.RELIEVO_TEST_DATA ?? resolve(REPOSITORY, '../shared');

/** Absolute path of a file or folder below the shared `data` folder; undefined when it is not there. */
export function testData(relative: string): string | undefined {
  const path = resolve(SHARED, 'data', relative);
  return existsSync(path) ? path : undefined;
}

/** A suite that needs shared files; `paths` are theirs in the order given. */
export function describeWithData<const T extends readonly string[]>(
  name: string,
  relatives: T,
  define: (...paths: { [K in keyof T]: string }) => void,
): void {
  const found = relatives.map(testData);
  const missing = relatives.filter((_, i) => found[i] === undefined);
  if (missing.length === 0) {
    describe(name, () => define(...(found as { [K in keyof T]: string })));
    return;
  }
  const sentence = `needs ${missing.join(', ')}: set RELIEVO_TEST_DATA to the folder that holds data/${missing[0]}`;
  if (process.env.CI) {
    describe(name, () => {
      it(sentence, () => {
        throw new Error(`left out although CI is set: ${sentence}`);
      });
    });
  } else {
    describe.skip(`${name} (left out: ${sentence})`, () => {
      it('needs shared data', () => {});
    });
  }
}
