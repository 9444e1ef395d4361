/** When packages are installed and when not: every way in which node_modules can be out of step, on a small made-up tree. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/test-data.ts';

const { findFault } = await import(join(REPOSITORY, 'scripts/setup.mjs'));

const LOCK = {
  '': { name: 'x' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
  'node_modules/other-platform': { version: '3.0.0', optional: true },
};
const { '': _root, 'node_modules/other-platform': _optional, ...INSTALLED } = LOCK;

let root: string;

const write = (place: string, content: unknown) => {
  mkdirSync(dirname(join(root, place)), { recursive: true });
  writeFileSync(join(root, place), JSON.stringify(content));
};
const remove = (place: string) => rmSync(join(root, place), { recursive: true });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'relievo-setup-'));
  write('package-lock.json', { packages: LOCK });
  write('node_modules/.package-lock.json', { packages: INSTALLED });
  for (const place of Object.keys(INSTALLED)) write(`${place}/package.json`, {});
  write('node_modules/.bin/vitest', {});
  mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('node_modules', () => {
  it('is left alone when it is whole and in step, without optional packages of other platforms', () => {
    expect(findFault(root)).toBeUndefined();
  });

  it.each([
    ['nothing was installed', () => remove('node_modules'), 'node_modules is missing'],
    ['npm was cut off', () => remove('node_modules/.package-lock.json'), 'was not installed to its end'],
    [
      'a package was added',
      () => write('package-lock.json', { packages: { ...LOCK, 'node_modules/c': { version: '1.0.0' } } }),
      'node_modules/c is not installed',
    ],
    [
      'a package was changed',
      () => write('package-lock.json', { packages: { ...LOCK, 'node_modules/a': { version: '1.0.1' } } }),
      'node_modules/a is 1.0.0 where package-lock.json says 1.0.1',
    ],
    [
      'a package has other content under the same version',
      () =>
        write('package-lock.json', { packages: { ...LOCK, 'node_modules/a': { version: '1.0.0', integrity: 'z' } } }),
      'node_modules/a differs from what package-lock.json says',
    ],
    [
      'a package was deleted',
      () => remove('node_modules/a/node_modules/b'),
      'node_modules/a/node_modules/b is damaged',
    ],
    ['the links were deleted', () => remove('node_modules/.bin'), 'node_modules/.bin is damaged'],
    ['its Node is gone', () => remove('node_modules/node/bin'), 'node_modules/node does not run here'],
  ])('is installed when %s', (_when, damage, fault) => {
    damage();
    expect(findFault(root)).toContain(fault);
  });

  it('cannot be judged without a lock file, and says so', () => {
    remove('package-lock.json');
    expect(() => findFault(root)).toThrow('package-lock.json is missing or broken');
  });
});
