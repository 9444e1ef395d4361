import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readmeWithOptions } from '../../scripts/readme-options.ts';
import { REPOSITORY } from '../support/test-data.ts';

it('the README tells the options as the schemas have them (else: node scripts/readme-options.ts)', () => {
  const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  expect(readme).toContain('`--max-zoom number`');
  expect(withoutPadding(readmeWithOptions(readme))).toBe(withoutPadding(readme));
});

/** The formatter pads the cells of tables. */
function withoutPadding(markdown: string): string {
  return markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
}
