/**
 * Writes the README's table of options from the option schemas, between two comments: `node scripts/readme-options.ts`,
 * then `npm run format`. A test holds the README to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagTable } from '../tiler/cli/flags.ts';
import { serveOptionsSchema } from '../tiler/cli/serve.ts';
import { buildOptionsSchema, tileOptionsSchema } from '../tiler/pyramid/options.ts';

const README = join(import.meta.dirname, '../README.md');
const MARKS = /(<!-- options -->\n)[\s\S]*?(<!-- \/options -->)/;

export function readmeWithOptions(readme: string): string {
  const shared = Object.keys(tileOptionsSchema.shape);
  const rows = [
    ...flagTable(tileOptionsSchema, ''),
    ...flagTable(buildOptionsSchema, ' (build)', shared),
    ...flagTable(serveOptionsSchema, ' (serve)', shared),
  ];
  const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  const table = ['| option of build and serve | default | |', '| --- | --- | --- |', ...lines].join('\n');
  return readme.replace(MARKS, (_all, start: string, end: string) => `${start}\n${table}\n\n${end}`);
}

if (import.meta.main) writeFileSync(README, readmeWithOptions(readFileSync(README, 'utf8')));
