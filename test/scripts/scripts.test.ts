/** The small parts of the scripts: counting tests for the last line of .ci/run, the lock, the hash of a tree. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/test-data.ts';

const { countTests } = await import(join(REPOSITORY, 'scripts/count-tests.mjs'));
const { withLock } = await import(join(REPOSITORY, 'scripts/lock.mjs'));
const { hashFiles } = await import(join(REPOSITORY, 'scripts/build.mjs'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-scripts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('counting tests', () => {
  const file = (status: string, ...statuses: string[]) => ({
    status,
    assertionResults: statuses.map((each) => ({ status: each })),
  });

  it.each([
    ['all passed', [file('passed', 'passed', 'passed')], 0, { passed: 2, failed: 0, skipped: 0 }],
    ['some failed', [file('failed', 'passed', 'failed')], 1, { passed: 1, failed: 1, skipped: 0 }],
    [
      'some left out',
      [file('passed', 'passed', 'skipped', 'todo', 'pending')],
      0,
      { passed: 1, failed: 0, skipped: 3 },
    ],
    [
      'a file that could not be loaded',
      [file('failed'), file('passed', 'passed')],
      1,
      { passed: 1, failed: 1, skipped: 0 },
    ],
    ['a hook that failed after tests that passed', [file('failed', 'passed')], 1, { passed: 1, failed: 1, skipped: 0 }],
    ['an error outside any test', [file('passed', 'passed')], 1, { passed: 1, failed: 1, skipped: 0 }],
    ['nothing ran', [], 0, { passed: 0, failed: 1, skipped: 0 }],
  ])('%s', (_what, testResults, exitCode, expected) => {
    expect(countTests({ testResults }, exitCode)).toEqual(expected);
  });

  it('takes a missing report as a failure', () => {
    expect(countTests(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('the lock', () => {
  it('lets one at a time work, and goes when the work fails', async () => {
    const path = join(folder, 'locks/a.lock');
    await expect(
      withLock(path, async () => {
        expect(existsSync(path)).toBe(true);
        throw new Error('no luck');
      }),
    ).rejects.toThrow('no luck');
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a process that died', async () => {
    const path = join(folder, 'a.lock');
    // Above the greatest process id of Linux, 2^22.
    writeFileSync(path, '4194305');
    expect(await withLock(path, async () => 'done')).toBe('done');
  });
});

describe('the hash of sources', () => {
  beforeEach(() => {
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    writeFileSync(join(folder, 'a/b/c.ts'), 'one');
    writeFileSync(join(folder, 'd.json'), 'two');
  });
  const hash = () => hashFiles(folder, ['a', 'd.json', 'not-there']);

  it('does not look at the clock', () => {
    const before = hash();
    utimesSync(join(folder, 'd.json'), 1, 1);
    expect(hash()).toBe(before);
  });

  it.each([
    ['content', () => writeFileSync(join(folder, 'a/b/c.ts'), 'onE')],
    ['a new file', () => writeFileSync(join(folder, 'a/b/e.ts'), '')],
    ['a lost file', () => rmSync(join(folder, 'd.json'))],
    [
      'a boundary between files',
      () => {
        writeFileSync(join(folder, 'a/b/c.ts'), 'onet');
        writeFileSync(join(folder, 'd.json'), 'wo');
      },
    ],
  ])('sees %s', (_what, change) => {
    const before = hash();
    change();
    expect(hash()).not.toBe(before);
  });
});
