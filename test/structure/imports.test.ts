/** Holds "Who may import whom" of docs/design.md over every file of tiler, server and viewer. */
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/test-data.ts';
import { judgeImport, readImports } from './imports.ts';

const files = globSync('{tiler,server,viewer}/**/*.ts', { cwd: REPOSITORY }).map((path) => path.split(sep).join('/'));
const imports = files.flatMap((path) => readImports(path, readFileSync(join(REPOSITORY, path), 'utf8')));

describe('who may import whom', () => {
  it('holds in every file', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.map(judgeImport).filter((sentence) => sentence !== undefined)).toEqual([]);
  });

  it('leads only to files that are there', () => {
    const missing = imports.filter(({ to }) => /^(tiler|server|viewer)\/.*\.ts$/.test(to) && !files.includes(to));
    expect(missing.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('takes at run time only packages that are installed with relievo', () => {
    const { dependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    const shipped = imports.filter(
      ({ from, to, typeOnly }) => !typeOnly && !from.startsWith('viewer/') && !/^(node:|tiler\/|server\/)/.test(to),
    );
    expect([...new Set(shipped.map(({ to }) => to))].filter((name) => !(name in dependencies))).toEqual([]);
  });
});

describe('reading imports', () => {
  const read = (text: string) => readImports('tiler/geo/a.ts', text).map(({ to, typeOnly }) => [to, typeOnly]);

  it.each([
    [`import { a } from './b.ts';`, [['tiler/geo/b.ts', false]]],
    [`import {\n  a,\n  type B,\n} from '../c.ts';`, [['tiler/c.ts', false]]],
    [`import type { B } from '../sources/c.ts';`, [['tiler/sources/c.ts', true]]],
    [`import { type B, type C } from './c.ts';`, [['tiler/geo/c.ts', true]]],
    [`import a, * as b from "node:fs";`, [['node:fs', false]]],
    [`import 'cesium/Build/Widgets.css';`, [['cesium', false]]],
    [`export * from '@scope/name/deep';`, [['@scope/name', false]]],
    [`export type { A } from './d.ts';`, [['tiler/geo/d.ts', true]]],
    [`const { a } = await import('proj4');`, [['proj4', false]]],
    [`export function from(a: string) {}\nconst b = 'c';`, []],
    [
      `import { a } from './b.ts';\nimport { c } from './d.ts';`,
      [
        ['tiler/geo/b.ts', false],
        ['tiler/geo/d.ts', false],
      ],
    ],
  ])('understands %j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});

describe('judging imports', () => {
  const judge = (from: string, text: string) => readImports(from, text).map(judgeImport);

  it.each([
    ['tiler/mesh/a.ts', `import { read } from '../sources/hgt.ts';`, 'tiler/mesh may not import tiler/sources'],
    ['tiler/mesh/a.ts', `import type { Info } from '../sources/hgt.ts';`, 'tiler/mesh may not import tiler/sources'],
    ['tiler/mesh/a.ts', `import { readFileSync } from 'node:fs';`, 'tiler/mesh uses nothing of Node'],
    ['tiler/geo/a.ts', `import { warp } from '../fields/warp.ts';`, 'tiler/geo may not import tiler/fields'],
    ['tiler/fields/a.ts', `import { build } from '../pyramid/build.ts';`, 'tiler/fields may not import tiler/pyramid'],
    ['tiler/verify/a.ts', `import type { Mesh } from '../mesh/a.ts';`, 'judges tiler/mesh and shares no code with it'],
    [
      'tiler/verify/a.ts',
      `import { gzip } from '../encode/gzip.ts';`,
      'judges tiler/encode and shares no code with it',
    ],
    ['tiler/verify/a.ts', `import { build } from '../pyramid/build.ts';`, 'tiler/verify may not import tiler/pyramid'],
    ['tiler/encode/a.ts', `import { decode } from '../verify/decode.ts';`, 'tiler/encode may not import tiler/verify'],
    ['tiler/pyramid/a.ts', `import { app } from '../../server/app.ts';`, 'tiler/pyramid may not import server'],
    ['tiler/cli/build.ts', `import { app } from '../../server/app.ts';`, 'tiler/cli may not import server'],
    ['server/app.ts', `import { main } from '../tiler/cli/main.ts';`, 'server may not import tiler/cli'],
    ['viewer/main.ts', `import { box } from '../tiler/geo/box.ts';`, 'the viewer takes types only from the tiler'],
    ['viewer/main.ts', `import { app } from '../server/app.ts';`, 'viewer may not import server'],
    ['viewer/main.ts', `import { join } from 'node:path';`, 'viewer uses nothing of Node'],
    ['tiler/sources/hgt.ts', `import { fromFile } from 'geotiff';`, 'whose only door is'],
    ['tiler/run/a.ts', `const e = await import('express');`, 'whose only door is'],
    ['server/app.ts', `import leftPad from 'left-pad';`, 'a package that has no door'],
    ['tiler/attic/a.ts', `import { box } from '../geo/box.ts';`, 'a room that the rule does not know'],
  ])('%s: %s', (from, text, expected) => {
    expect(judge(from, text)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ['tiler/cli/serve.ts', `import { start } from '../../server/start.ts';`],
    ['viewer/main.ts', `import type { Box } from '../tiler/geo/box.ts';`],
    ['tiler/mesh/a.ts', `import { box } from '../geo/box.ts';`],
    ['tiler/pyramid/a.ts', `import { decode } from '../verify/decode.ts';`],
    ['tiler/geo/crs.ts', `import proj4 from 'proj4';`],
    ['viewer/vite.config.ts', `import { resolve } from 'node:path';`],
  ])('%s: %s is right', (from, text) => {
    expect(judge(from, text)).toEqual([undefined]);
  });
});
