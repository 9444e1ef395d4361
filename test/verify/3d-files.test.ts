/** What verify reads of 3D Tiles and what it leaves alone: the folder, archive or host that was named, within limits. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openArchive3tzWriter } from '../../tiler/store/archive-3tz-writer.ts';
import { MAX_FILE_BYTES } from '../../tiler/store/tileset-files.ts';
import { filesInMemory, isTileset3d, openJudgedFiles } from '../../tiler/verify/3d-files.ts';
import { verifyTiles3d } from '../../tiler/verify/3d-verify.ts';
import { fetchOnce } from '../../tiler/verify/web-tiles.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { wordsOf } from './judged.ts';

const VOLUME = { region: [0.1, 0.1, 0.2, 0.2, 0, 9] };
const EMPTY = { asset: { version: '1.1' }, geometricError: 1, root: { boundingVolume: VOLUME, geometricError: 1 } };

/** One tile that names `uri`. */
const naming = (uri: string): string =>
  JSON.stringify({ ...EMPTY, root: { ...EMPTY.root, refine: 'REPLACE', content: { uri } } });

const implicit = (levels: object): Map<string, Uint8Array> => {
  const implicitTiling = {
    subdivisionScheme: 'QUADTREE',
    subtreeLevels: 1,
    availableLevels: 1,
    subtrees: { uri: '{level}/{x}/{y}.subtree' },
    ...levels,
  };
  const availability = {
    tileAvailability: { constant: 1 },
    contentAvailability: [{ constant: 0 }],
    childSubtreeAvailability: { constant: 0 },
  };
  const root = { ...EMPTY.root, refine: 'REPLACE', content: { uri: '{level}/{x}/{y}.glb' }, implicitTiling };
  return new Map([
    ['tileset.json', Buffer.from(JSON.stringify({ ...EMPTY, root }))],
    ['0/0/0.subtree', Buffer.from(JSON.stringify(availability))],
  ]);
};

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('files of a folder', () => {
  it.each(['../secret.json', '../secret.glb', 'link/secret.json', '/../secret.glb'])(
    'takes %s, which lies outside, for missing',
    async (uri) => {
      const outside = temporaryFolder();
      const folder = join(outside, 'set');
      mkdirSync(folder);
      for (const name of ['secret.json', 'secret.glb']) writeFileSync(join(outside, name), naming('a.glb'));
      symlinkSync(outside, join(folder, 'link'));
      writeFileSync(join(folder, 'tileset.json'), naming(uri));
      const words = wordsOf(await verifyTiles3d(await openJudgedFiles(folder)));
      expect(words).toEqual([expect.stringMatching(/^content-missing \(1\)(?!.*a\.glb)/)]);
    },
  );

  it('names what does not unpack, or unpacks to more than a file may have', async () => {
    const bomb = gzipSync(Buffer.alloc(MAX_FILE_BYTES + 1), { level: 1 });
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'tileset.json'), naming('a.glb'));
    writeFileSync(join(folder, 'a.glb'), bomb);
    const files = await openJudgedFiles(folder);
    const refusal = { name: 'RelievoError', message: expect.stringMatching(/gzip.* 256 MiB/) };
    await expect(files.read('a.glb')).rejects.toMatchObject(refusal);
    expect(wordsOf(await verifyTiles3d(files)).join()).toMatch(/tile-unreadable \(1\) a\.glb/);
    const cut = filesInMemory(new Map([['tileset.json', gzipSync(naming('a.glb')).subarray(0, -9)]]));
    await expect(verifyTiles3d(cut)).rejects.toMatchObject(refusal);
  });
});

it.each(['set.3tz', 'set.3dtiles.zip'])('takes %s for an archive of 3D Tiles', async (name) => {
  const path = join(temporaryFolder(), name);
  const writer = await openArchive3tzWriter(path);
  await writer.add('tileset.json', Buffer.from(naming('a.glb')));
  await writer.finish();
  await writer.close();
  expect(await isTileset3d(path)).toBe(true);
  const files = await openJudgedFiles(path);
  onTestFinished(() => files.close());
  expect(wordsOf(await verifyTiles3d(files)).join()).toMatch(/content-missing \(1\) a\.glb/);
});

describe('files behind an address', () => {
  it('asks no other host, named or redirected to, and follows a redirect within the host', async () => {
    const asked: string[] = [];
    const other = await serve(({ url = '' }, answer) => {
      asked.push(url);
      answer.end('{}');
    });
    const own = await serve(({ url }, answer) => {
      if (url === '/named/tileset.json') answer.end(naming(`${other}/named.json`));
      else if (url === '/bad/tileset.json') answer.end(naming('http://[/a.glb'));
      else if (url === '/moved.json') answer.writeHead(301, { location: '/named/tileset.json' }).end();
      else answer.writeHead(302, { location: `${other}/moved.json` }).end();
    });
    for (const path of ['named', 'bad']) {
      const report = await verifyTiles3d(await openJudgedFiles(`${own}/${path}/tileset.json`));
      expect(wordsOf(report).join()).toMatch(/tile-unreadable/);
    }
    const moved = await openJudgedFiles(`${own}/moved.json`);
    expect(Buffer.from((await moved.read(moved.root)) ?? []).toString()).toContain('named.json');
    const away = await openJudgedFiles(`${own}/away.json`);
    await expect(verifyTiles3d(away)).rejects.toMatchObject({
      code: 'input-missing',
      message: expect.stringMatching(/302 and leads to .*moved\.json, which is not followed/),
    });
    expect(asked).toEqual([]);
  });

  it('stops reading a body that does not end', async () => {
    const own = await serve((_, answer) => {
      const block = Buffer.alloc(2 ** 22);
      const more = () => {
        while (!answer.destroyed && answer.write(block));
      };
      answer.on('drain', more);
      more();
    });
    await expect(fetchOnce(new URL(own), {})).rejects.toMatchObject({ code: 'input-unsupported' });
  });
});

it.each([
  [{ subtreeLevels: 11 }, /subtreeLevels is 11, expected a whole number from 1 to 10/],
  [{ subtreeLevels: 1000 }, /subtreeLevels is 1000/],
  [{ subtreeLevels: 0 }, /subtreeLevels is 0/],
  [{ availableLevels: 31 }, /availableLevels is 31, expected a whole number from 1 to 30/],
  [{ availableLevels: 1e300 }, /availableLevels is 1e\+300/],
])('names implicit tiling with %j as a fault', async (levels, sentence) => {
  expect(wordsOf(await verifyTiles3d(filesInMemory(implicit({}))))).toEqual([]);
  const { findings } = await verifyTiles3d(filesInMemory(implicit(levels)));
  const fields = findings.filter(({ kind }) => kind === 'tileset-field').flatMap(({ places }) => places);
  expect(fields.map(({ message }) => message)).toEqual([expect.stringMatching(sentence)]);
});
