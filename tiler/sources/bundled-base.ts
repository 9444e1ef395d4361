/**
 * The relief of the whole world that comes with the package and lies below all other data: ETOPO5 with the sea at 0, whole
 * metres above EGM96, 5 arc-minutes (data/SOURCES.md says how it was made).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RelievoError } from '../error.ts';

const NAME = 'data/base/relief-5min.tif';

/** Absolute path; the file lies beside `tiler` in a checkout, beside `dist` in the package. Refuses with `input-missing`. */
export function bundledBasePath(): string {
  const paths = ['../..', '../../..'].map((up) => join(import.meta.dirname, up, NAME));
  const path = paths.find((each) => existsSync(each));
  if (path !== undefined) return path;
  throw new RelievoError(
    'input-missing',
    `The relief of the world that comes with Relievo is missing (${NAME}): install the package again, or do without it with --outside sea-level.`,
    { where: paths.at(-1) },
  );
}
