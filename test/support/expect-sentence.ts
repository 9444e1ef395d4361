/** What the command says on standard error when it cannot go on: one sentence, no stack, and a name for what is wrong. */
import { expect } from 'vitest';

export function expectSentence(stderr: string, ...words: string[]): void {
  expect(
    stderr
      .trim()
      .split('\n')
      .filter((line) => line !== '(see --help)'),
  ).toHaveLength(1);
  expect(stderr).not.toMatch(/\n\s+at /);
  for (const word of words) expect(stderr).toContain(word);
}
