/**
 * Prints `passed failed skipped` from vitest's JSON report (first argument) and exit code (second). A file that could not
 * be loaded counts as a failure, and so does a run that failed otherwise, or ran nothing: never "0 failed" by accident.
 */
import { readFileSync } from 'node:fs';
import { runScript } from './child.mjs';

/** Counts of tests; `report` is undefined when vitest wrote none. */
export function countTests(report, exitCode) {
  const files = report?.testResults ?? [];
  const statuses = files.flatMap((file) => file.assertionResults.map(({ status }) => status));
  const count = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  const passed = count('passed');
  const broken = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  );
  const failed = count('failed') + broken.length;
  const silent = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: silent ? 1 : failed, skipped: statuses.length - passed - count('failed') };
}

await runScript(import.meta.url, () => {
  const [path = '', exitCode = '1'] = process.argv.slice(2);
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // No report: vitest did not get as far, which countTests takes as a failure.
  }
  const { passed, failed, skipped } = countTests(report, Number(exitCode));
  process.stdout.write(`${passed} ${failed} ${skipped}\n`);
});
