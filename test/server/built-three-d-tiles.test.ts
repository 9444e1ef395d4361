/** Built 3D Tiles over a real socket, from a folder and from an archive: the same answers, by ranges, and nothing beside them. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openBuiltTileset } from '../../tiler/pyramid/built-tileset.ts';
import { openArchive3tzWriter } from '../../tiler/store/archive-3tz-writer.ts';
import { isTileset3d } from '../../tiler/store/open-tileset-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { errorOf, handMadeLayer, layersOf, sendRaw, serve } from './serve.ts';

const TILESET = {
  asset: { version: '1.1' },
  geometricError: 1,
  root: { boundingVolume: { sphere: [0, 0, 0, 1] }, geometricError: 0, content: { uri: 'some%20tile%2B1.glb' } },
};
const FILES: Readonly<Record<string, Buffer>> = {
  'tileset.json': Buffer.from(JSON.stringify(TILESET)),
  'some tile+1.glb': Buffer.from(`glTF${'again '.repeat(500)}`),
  'west/subtrees/0/0/0.subtree': Buffer.from('subt'),
  'packed.b3dm': gzipSync('b3dm and so on'),
  'picture.jpg': Buffer.from([0xff, 0xd8, 0xff]),
};

async function openBoth() {
  const folder = join(
    temporaryFolder(Object.fromEntries(Object.entries(FILES).map(([k, v]) => [`tiles/${k}`, v]))),
    'tiles',
  );
  const archive = join(temporaryFolder(), 'tiles.3tz');
  const writer = await openArchive3tzWriter(archive);
  for (const [path, bytes] of Object.entries(FILES)) await writer.add(path, bytes);
  await writer.finish();
  const tilesets = new Map([
    ['folder', await openBuiltTileset(folder, { name: 'folder' })],
    ['archive', await openBuiltTileset(archive, { name: 'archive' })],
  ]);
  return { folder, tilesets };
}

it.each(['folder', 'archive'])('serves every file of a %s with its type, coding and tag', async (id) => {
  const { tilesets } = await openBoth();
  const { url } = await serve({ layers: layersOf(handMadeLayer()), tilesets });
  const base = `/layers/${id}/3dtiles/`;
  const types: Readonly<Record<string, string>> = {
    'tileset.json': 'application/json',
    'some%20tile%2B1.glb': 'model/gltf-binary',
    'west/subtrees/0/0/0.subtree': 'application/octet-stream',
    'picture.jpg': 'image/jpeg',
  };
  for (const [path, type] of Object.entries(types)) {
    const plain = FILES[decodeURIComponent(path)];
    const bare = await sendRaw(url, base + path);
    expect([bare.status, bare.headers['content-type'], bare.headers['content-encoding']]).toEqual([
      200,
      type,
      undefined,
    ]);
    expect(bare.body).toEqual(plain);
    const zipped = await sendRaw(url, base + path, { headers: { 'accept-encoding': 'gzip' } });
    if (type.startsWith('image/')) expect(zipped.body).toEqual(plain);
    else {
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.body)).toEqual(plain);
      expect(zipped.headers.etag).not.toBe(bare.headers.etag);
    }
    const again = await sendRaw(url, base + path, { headers: { 'if-none-match': String(bare.headers.etag) } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  }
  const packed = await sendRaw(url, `${base}packed.b3dm`, { headers: { 'accept-encoding': 'gzip' } });
  expect([packed.headers['content-encoding'], String(gunzipSync(packed.body))]).toEqual(['gzip', 'b3dm and so on']);
  expect(String((await sendRaw(url, `${base}packed.b3dm`)).body)).toBe('b3dm and so on');
});

it('lists built tilesets, and leaves the layers theirs', async () => {
  const { tilesets } = await openBoth();
  const { url } = await serve({ layers: layersOf(handMadeLayer()), tilesets });
  const listed = JSON.parse(await (await fetch(`${url}/tilesets`)).text());
  expect(listed.map(({ id, kind, version }: Record<string, string>) => [id, kind, version])).toEqual([
    ['folder', '3dtiles', '1.1'],
    ['archive', '3dtiles', '1.1'],
  ]);
  for (const { addresses } of listed) expect(await (await fetch(addresses.tileset)).json()).toEqual(TILESET);
  expect((await fetch(`${url}/layers/small/3dtiles/tileset.json`)).status).toBe(200);
  expect((await fetch(`${url}/layers/nobody/3dtiles/tileset.json`)).status).toBe(404);
});

it('hands out nothing from beside the tileset', async () => {
  const { folder, tilesets } = await openBoth();
  writeFileSync(join(folder, '../secret.json'), '{}');
  symlinkSync('../secret.json', join(folder, 'link.json'));
  mkdirSync(join(folder, '.git'));
  for (const path of ['.env', '.git/config', 'west/.hidden.glb']) writeFileSync(join(folder, path), 'hidden');
  const { url } = await serve({ layers: layersOf(), tilesets });
  for (const path of [
    '../secret.json',
    '..%2fsecret.json',
    '%2e%2e/secret.json',
    'a\\..\\secret.json',
    'link.json',
    '.env',
    '%2eenv',
    '.git/config',
    'west/.hidden.glb',
    'west',
  ]) {
    for (const id of ['folder', 'archive']) {
      const answer = await sendRaw(url, `/layers/${id}/3dtiles/${path}`);
      expect([400, 404], path).toContain(answer.status);
      expect(errorOf(answer).message).not.toContain(folder);
    }
  }
});

it("opens a folder by its tileset.json, under the folder's name", async () => {
  const { folder } = await openBoth();
  const tileset = await openBuiltTileset(join(folder, 'tileset.json'));
  expect([tileset.name, tileset.title, tileset.document]).toEqual(['tiles', 'tiles', TILESET]);
  expect(isTileset3d(join(folder, 'tileset.json'))).toBe(true);
  expect(isTileset3d(join(folder, 'west/tileset.json'))).toBe(false);
});

it('tells a changed file from the one before', async () => {
  const { folder, tilesets } = await openBoth();
  const { url } = await serve({ layers: layersOf(), tilesets });
  const address = '/layers/folder/3dtiles/west/subtrees/0/0/0.subtree';
  const before = await sendRaw(url, address);
  writeFileSync(join(folder, 'west/subtrees/0/0/0.subtree'), 'subtree');
  const after = await sendRaw(url, address, { headers: { 'if-none-match': String(before.headers.etag) } });
  expect([after.status, String(after.body)]).toEqual([200, 'subtree']);
});
