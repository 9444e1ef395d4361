/** Folders of tiles: layouts, both row orders, and nothing read that lies outside. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TileId } from '../../tiler/geo/tiling-scheme.ts';
import { type DirectoryReader, openDirectory } from '../../tiler/store/directory-reader.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

const LAYER = { format: 'quantized-mesh-1.0', version: '1.2', tiles: ['{z}/{x}/{y}.terrain?v={version}'] };

async function textAt(reader: DirectoryReader, z: number, x: number, y: number): Promise<string | undefined> {
  const bytes = await reader.read({ z, x, y });
  return bytes && new TextDecoder().decode(bytes);
}

async function listed(reader: DirectoryReader): Promise<TileId[]> {
  const ids: TileId[] = [];
  for await (const id of reader.entries()) ids.push(id);
  return ids;
}

describe('openDirectory', () => {
  it('counts the rows of TMS files from the south and hands them out from the north', async () => {
    const files = { 'layer.json': LAYER, '2/5/0.terrain': 'south', '2/5/3.terrain': 'north' };
    const reader = await openDirectory(temporaryFolder(files));
    expect(await textAt(reader, 2, 5, 0)).toBe('north');
    expect(await textAt(reader, 2, 5, 3)).toBe('south');
    expect(await textAt(reader, 2, 5, 1)).toBeUndefined();
    expect(reader.stamp({ z: 2, x: 5, y: 0 })?.bytes).toBe(5);
    expect(reader.stamp({ z: 2, x: 5, y: 1 })).toBeUndefined();
    expect(await listed(reader)).toEqual([
      { z: 2, x: 5, y: 3 },
      { z: 2, x: 5, y: 0 },
    ]);
  });

  it('takes slippyMap rows as they are', async () => {
    const files = { 'layer.json': { ...LAYER, scheme: 'slippyMap' }, '2/5/0.terrain': 'north' };
    const reader = await openDirectory(temporaryFolder(files));
    expect(await textAt(reader, 2, 5, 0)).toBe('north');
    expect(await listed(reader)).toEqual([{ z: 2, x: 5, y: 0 }]);
  });

  it.each([
    ['{z}/{x}/{y}.terrain', '1/3/1.terrain'],
    ['./{z}/{x}/{y}.terrain?v={version}&k=1', '1/3/1.terrain'],
    ['tiles/{z}/{x}/{y}.qm', 'tiles/1/3/1.qm'],
    ['{version}/L{level}/{z}_{x}_{y}.terrain', '1.2/L1/1_3_1.terrain'],
    ['{y}/{x}.{z}', '1/3.1'],
    [['{z}/{x}/{y}.terrain', '../{z}/{x}/{y}.terrain'], '1/3/1.terrain'],
    ['https://tiles.example/{z}/{x}/{y}.terrain', '1/3/1.terrain'],
    ['/somewhere/{z}/{x}/{y}.terrain', '1/3/1.terrain'],
    [undefined, '1/3/1.terrain'],
  ])('follows the template %s', async (tiles, file) => {
    const reader = await openDirectory(temporaryFolder({ 'layer.json': { ...LAYER, tiles }, [file]: 'here' }));
    expect(await textAt(reader, 1, 3, 0)).toBe('here');
    expect(await listed(reader)).toEqual([{ z: 1, x: 3, y: 0 }]);
  });

  it.each([
    '../{z}/{x}/{y}.terrain',
    '{z}/../{x}/{y}.terrain',
    '{z}/{x}/{y}/..',
    '{z}//{x}/{y}.terrain',
    '{z}/{x}/{y}.terrain/.',
    '..\\{z}/{x}/{y}.terrain',
    '%2e%2e/{z}/{x}/{y}.terrain',
    '{z}/{x}/{y}\0.terrain',
    '{z}/{x}.terrain',
    '{z}/{x}/{-y}.terrain',
    '{z}/{x}/{y',
    '',
  ])('refuses the template %j', async (template) => {
    const folder = temporaryFolder({ 'layer.json': { ...LAYER, tiles: [template] } });
    await expect(openDirectory(folder)).rejects.toMatchObject({ code: 'input-invalid' });
  });

  it('refuses a version that would lead out of the folder', async () => {
    const tiles = ['{version}/{z}/{x}/{y}.terrain'];
    for (const version of ['..', '../..', 'a/b', '']) {
      const folder = temporaryFolder({ 'layer.json': { ...LAYER, tiles, version } });
      await expect(openDirectory(folder), version).rejects.toMatchObject({ code: 'input-invalid' });
    }
  });

  it('answers nothing for ids that are no tiles', async () => {
    const reader = await openDirectory(temporaryFolder({ 'layer.json': LAYER, '0/0/0.terrain': 'root' }));
    for (const [z, x, y] of [
      [0, 2, 0],
      [0, 0, 1],
      [-1, 0, 0],
      [0, 0.5, 0],
      [Number.NaN, 0, 0],
      [31, 0, 0],
    ] as const) {
      expect(await textAt(reader, z, x, y)).toBeUndefined();
      expect(reader.stamp({ z, x, y })).toBeUndefined();
    }
    expect(await textAt(reader, 0, 0, 0)).toBe('root');
  });

  it('lists only canonical file names', async () => {
    const extra = ['0/00/0.terrain', '0/1/+0.terrain', '0/1/0.terrain.bak', '0/9/0.terrain', 'x/0/0.terrain', '7'];
    const files = Object.fromEntries(extra.map((name) => [name, 'no']));
    const reader = await openDirectory(temporaryFolder({ 'layer.json': LAYER, '0/1/0.terrain': 'yes', ...files }));
    expect(await listed(reader)).toEqual([{ z: 0, x: 1, y: 0 }]);
  });

  it('follows symbolic links inside the folder and refuses those that lead out', async () => {
    const outside = temporaryFolder({ 'secret.terrain': 'secret', '0/0.terrain': 'secret' });
    const folder = temporaryFolder({ 'layer.json': LAYER, '1/0/0.terrain': 'own' });
    symlinkSync(join(folder, '1/0/0.terrain'), join(folder, '1/0/1.terrain'));
    mkdirSync(join(folder, '1/1'));
    symlinkSync(join(outside, 'secret.terrain'), join(folder, '1/1/0.terrain'));
    symlinkSync(join(outside, '0'), join(folder, '1/2'));
    symlinkSync(join(outside, 'secret.terrain'), join(folder, 'other.json'));
    const reader = await openDirectory(folder);
    expect(await textAt(reader, 1, 0, 0)).toBe('own');
    expect(await textAt(reader, 1, 1, 1)).toBeUndefined();
    expect(await textAt(reader, 1, 2, 1)).toBeUndefined();
    expect(await reader.readDocument('other.json')).toBeUndefined();
    expect((await listed(reader)).some(({ x }) => x === 2)).toBe(false);
  });

  it('opens no neighbour whose name begins like the folder', async () => {
    const parent = temporaryFolder({ 'a/layer.json': LAYER, 'ab/0.terrain': 'secret' });
    mkdirSync(join(parent, 'a/0/0'), { recursive: true });
    symlinkSync('../../../ab/0.terrain', join(parent, 'a/0/0/0.terrain'));
    const reader = await openDirectory(join(parent, 'a'));
    expect(await textAt(reader, 0, 0, 0)).toBeUndefined();
  });

  it('may itself be named by a symbolic link', async () => {
    const folder = temporaryFolder({ 'real/layer.json': LAYER, 'real/0/0/0.terrain': 'root' });
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    expect(await textAt(await openDirectory(join(folder, 'link')), 0, 0, 0)).toBe('root');
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe, and takes no folder for a tile', async () => {
    const folder = temporaryFolder({ 'layer.json': LAYER });
    mkdirSync(join(folder, '0/0/0.terrain'), { recursive: true });
    mkdirSync(join(folder, '0/1'), { recursive: true });
    execFileSync('mkfifo', [join(folder, '0/1/0.terrain')]);
    const reader = await openDirectory(folder);
    expect(await textAt(reader, 0, 0, 0)).toBeUndefined();
    expect(await textAt(reader, 0, 1, 0)).toBeUndefined();
    expect(reader.stamp({ z: 0, x: 1, y: 0 })).toBeUndefined();
  });

  it('says what is missing or broken', async () => {
    const nowhere = join(temporaryFolder(), 'nowhere');
    await expect(openDirectory(nowhere)).rejects.toMatchObject({ code: 'input-missing', where: nowhere });
    const empty = temporaryFolder();
    await expect(openDirectory(empty)).rejects.toMatchObject({ code: 'input-missing' });
    writeFileSync(join(empty, 'file'), '');
    await expect(openDirectory(join(empty, 'file'))).rejects.toMatchObject({ code: 'input-missing' });
    for (const text of ['', '{', '[]', 'null', '"x"', '3', Uint8Array.of(0x22, 0xff, 0x22)]) {
      const folder = temporaryFolder({ 'layer.json': text });
      await expect(openDirectory(folder), String(text)).rejects.toMatchObject({ code: 'input-invalid' });
    }
  });

  it('reads documents by plain names only', async () => {
    const reader = await openDirectory(temporaryFolder({ 'layer.json': LAYER, 'sub/x.json': '{}' }));
    expect(await reader.readDocument('layer.json')).toBeDefined();
    expect(await reader.readDocument('none.json')).toBeUndefined();
    for (const name of ['../layer.json', 'sub/x.json', '/etc/hosts', '..', '.', '', '.hidden', 'a\0b']) {
      await expect(reader.readDocument(name), name).rejects.toMatchObject({ code: 'address-invalid' });
    }
  });

  it('sees a tile that comes and goes', async () => {
    const folder = temporaryFolder({ 'layer.json': LAYER });
    const reader = await openDirectory(folder);
    expect(await textAt(reader, 0, 0, 0)).toBeUndefined();
    mkdirSync(join(folder, '0/0'), { recursive: true });
    writeFileSync(join(folder, '0/0/0.terrain'), 'now');
    expect(await textAt(reader, 0, 0, 0)).toBe('now');
    rmSync(join(folder, '0/0/0.terrain'));
    expect(await textAt(reader, 0, 0, 0)).toBeUndefined();
  });

  it('stops when it is told to', async () => {
    const reader = await openDirectory(temporaryFolder({ 'layer.json': LAYER, '0/0/0.terrain': 'root' }));
    const signal = AbortSignal.abort();
    await expect(reader.read({ z: 0, x: 0, y: 0 }, { signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describeWithData('openDirectory on the Maastricht tileset', ['quantized-mesh/maastricht'], (folder) => {
  it('finds every file, each once', async () => {
    const reader = await openDirectory(folder);
    const ids = await listed(reader);
    expect(ids).toHaveLength(226);
    expect(new Set(ids.map(({ z, x, y }) => `${z}/${x}/${y}`)).size).toBe(226);
    for (const { z, x, y } of ids) {
      expect(existsSync(join(folder, `${z}/${x}/${2 ** z - 1 - y}.terrain`))).toBe(true);
      expect(reader.stamp({ z, x, y })?.bytes).toBe((await reader.read({ z, x, y }))?.length);
    }
  });
});
