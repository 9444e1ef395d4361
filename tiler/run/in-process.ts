/** Runs jobs in this process, one at a time: no thread to start, the same results. */
import { executeJob, type JobRunner } from '../pyramid/job.ts';
import { closeSubtrees } from '../pyramid/subtree-job.ts';
import { openTerrainMaker, type TerrainSpec } from '../pyramid/terrain-maker.ts';

export async function openInProcessRunner(asked: TerrainSpec | Promise<TerrainSpec>): Promise<JobRunner> {
  const spec = await asked;
  const maker = await openTerrainMaker(spec, { hash: spec.version !== undefined });
  return {
    width: 1,
    run: (job, options) => executeJob(maker, job, options),
    async close() {
      await closeSubtrees(maker);
      await maker.close();
    },
  };
}
