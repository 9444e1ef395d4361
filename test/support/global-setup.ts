/** Before the first test that needs it: a build in `dist/` that is in step with the sources. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from './test-data.ts';

export default function buildIfStale(): void {
  const build = spawnSync(process.execPath, [join(REPOSITORY, 'scripts/build.mjs')], { encoding: 'utf8' });
  if (build.status !== 0) {
    throw new Error(`these tests need a build, and building failed:\n${build.stdout}${build.stderr}`);
  }
}
