/** Globs and folders of many files: what is found, and in which order. */
import { mkdirSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandName } from '../../tiler/sources/expand-names.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PATTERNS = [
  '*.tif',
  't*.tif',
  '*',
  't?.tif',
  '*1*',
  't.tif*',
  '*.t*',
  '**.tif',
  '{t,u}*.tif',
  '[tu]*.tif',
  '*a+b*',
];

describe('a glob', () => {
  it('finds the files that Node finds, whatever stands in the pattern', async () => {
    const names = [
      't1.tif',
      't10.tif',
      't2.tif',
      'T3.tif',
      't.tif.tif',
      'tXtif',
      '.t.tif',
      'u 1.tif',
      'a+b.tif',
      'ü.tif',
    ];
    const folder = temporaryFolder(Object.fromEntries(names.map((name) => [name, ''])));
    mkdirSync(join(folder, 't4.tif'));
    for (const pattern of PATTERNS) {
      const expected: string[] = [];
      for await (const name of glob(pattern, { cwd: folder })) expected.push(join(folder, name));
      const found = await expandName(pattern, folder);
      const isRaster = (path: string) => /\.(tif)$/.test(path) && !path.endsWith('t4.tif') && !/\/\.[^/]*$/.test(path);
      expect([...found].sort(), pattern).toEqual(expected.filter(isRaster).sort());
    }
  });

  it('gives them as people count, in the order of numbers padded to one length', async () => {
    const next = seededRandom(5);
    const letters = '0012ab_.-A~';
    const names = new Set([
      't1.tif',
      't10.tif',
      't2.tif',
      't02.tif',
      't002.tif',
      't2a.tif',
      '20.tif',
      '100000000000000000000.tif',
    ]);
    while (names.size < 400) {
      const length = 1 + Math.floor(next() * 7);
      names.add(`x${Array.from({ length }, () => letters[Math.floor(next() * letters.length)]).join('')}.tif`);
    }
    const folder = temporaryFolder(Object.fromEntries([...names].map((name) => [name, ''])));
    const padded = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(30, '0'));
    const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
    const expected = [...names].sort((a, b) => compare(padded(a), padded(b)) || compare(a, b));
    expect(await expandName('*.tif', folder)).toEqual(expected.map((name) => join(folder, name)));
    expect(await expandName(folder, '/')).toEqual(expected.map((name) => join(folder, name)));
  });
});
