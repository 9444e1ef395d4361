/** A cache folder for this test run alone: nothing is kept in the home folder, and nothing of an earlier run is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function useOwnCache(): (() => void) | undefined {
  if (process.env.RELIEVO_CACHE_OF_TESTS) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'relievo-test-cache-'));
  // The second name tells that the first is ours, however many projects begin.
  process.env.RELIEVO_CACHE_OF_TESTS = folder;
  process.env.RELIEVO_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
