/** Before any test: the programs that tests hold results against, installed where that can be done without asking. */
import { requireProgram } from './debian.ts';

export default async function installJudges(): Promise<void> {
  for (const [program, package_] of [
    ['gdal_translate', 'gdal-bin'],
    ['cs2cs', 'proj-bin'],
  ]) {
    try {
      await requireProgram(program, package_);
    } catch (error) {
      if (process.env.CI) throw error;
      process.stderr.write(`Suites that need ${program} are left out: ${(error as Error).message}\n`);
    }
  }
}
