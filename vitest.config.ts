/** How the tests run: every *.test.ts below test/, at most two files at a time, those that need a build after one. */
import { defineConfig } from 'vitest/config';

/** Folders whose tests run the built command or page; a run that has none of them builds nothing. */
const BUILT = [
  'test/cli/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/run/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/viewer/**/*.test.ts',
];

// Limits only against a hang: no test measures the clock.
const limits = { testTimeout: 300_000, hookTimeout: 900_000, teardownTimeout: 60_000 };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...limits,
          name: 'source',
          include: ['test/**/*.test.ts'],
          exclude: BUILT,
          globalSetup: ['test/support/own-cache.ts', 'test/support/programs.ts'],
        },
      },
      {
        test: {
          ...limits,
          name: 'built',
          include: BUILT,
          globalSetup: ['test/support/own-cache.ts', 'test/support/programs.ts', 'test/support/global-setup.ts'],
        },
      },
    ],
  },
});
