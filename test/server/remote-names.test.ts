/** No text of a request is ever opened as a source: the server has no road to files and addresses, and none is found. */
import { globSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, sep } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readImports } from '../structure/imports.ts';
import { startRangeServer } from '../support/range-server.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { handMadeLayer, serve } from './serve.ts';

/** Files of the repository that a file has imported once it runs, itself included. */
function reach(from: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const next = [...from];
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    const imports = readImports(file, readFileSync(join(REPOSITORY, file), 'utf8'));
    next.push(...imports.filter(({ to, typeOnly }) => !typeOnly && /^(tiler|server)\//.test(to)).map(({ to }) => to));
  }
  return reached;
}

it('nothing of the server imports a reader of sources, at any remove', () => {
  const files = globSync('server/**/*.ts', { cwd: REPOSITORY }).map((path) => path.split(sep).join('/'));
  const reached = reach(files);
  expect(reached.has('tiler/error.ts')).toBe(true);
  expect([...reached].filter((file) => file.startsWith('tiler/sources/'))).toEqual([]);
  // The same question has another answer where sources are opened.
  expect(reach(['tiler/pyramid/source-layer.ts']).has('tiler/sources/byte-file.ts')).toBe(true);
});

it('addresses in paths, queries and headers lead nowhere', async () => {
  const target = await startRangeServer({ '/dem.tif': { bytes: Buffer.alloc(1000), etag: '"1"' } });
  onTestFinished(() => target.close());
  const server = await serve({ layers: new Map([['small', handMadeLayer()]]) });
  const address = `${target.url}/dem.tif`;
  const [plain, packed] = [address, encodeURIComponent(address)];
  const paths = [
    `/${plain}`,
    `/${packed}`,
    `//127.0.0.1:${target.port}/dem.tif`,
    `/layers/${packed}`,
    `/layers/${packed}/layer.json`,
    `/layers/small/${packed}`,
    `/layers/small/0/0/${packed}`,
    `/layers/small/0/0/0.terrain?url=${packed}&source=${packed}&v=${packed}`,
    `/layers/small/layer.json?sources=${packed}&sources=${packed}`,
    `/layers?url=${packed}`,
    `/?url=${packed}`,
    address,
  ];
  for (const path of paths) {
    const status = await new Promise<number>((answered, failed) => {
      const headers = { Referer: address, Origin: target.url, 'X-Forwarded-Host': `127.0.0.1:${target.port}` };
      const { hostname, port } = new URL(server.url);
      request({ hostname, port, path, headers }, (res) => {
        res.resume().on('end', () => answered(res.statusCode ?? 0));
      })
        .on('error', failed)
        .end();
    });
    expect(status).toBeLessThan(500);
  }
  expect(target.asked).toEqual([]);
});
