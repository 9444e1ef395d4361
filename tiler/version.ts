/** The package's version, from its package.json: beside `tiler` in a checkout, beside `dist` in the package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const VERSION: string = readVersion();

function readVersion(): string {
  for (const up of ['..', '../..']) {
    const path = join(import.meta.dirname, up, 'package.json');
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')).version;
  }
  return 'unknown';
}
