/** Archives held against three readers that share no code with ours: yauzl, unzip, and one written here from the 3TZ text. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import { openArchive3tz } from '../../tiler/store/archive-3tz-reader.ts';
import { openArchive3tzWriter } from '../../tiler/store/archive-3tz-writer.ts';
import { requireProgram } from '../support/debian.ts';
import { startRangeServer } from '../support/range-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILES: Readonly<Record<string, Buffer>> = {
  'tileset.json': Buffer.from(JSON.stringify({ asset: { version: '1.1' }, words: Array(200).fill('again') })),
  'west/content/0/0/0.glb': randomBytes(5000),
  'empty.bin': Buffer.alloc(0),
  'Länge/größe.json': Buffer.from('[]'),
};

async function pack(files: Readonly<Record<string, Buffer>>, start?: number): Promise<string> {
  const path = join(temporaryFolder(), 'tiles.3tz');
  const writer = await openArchive3tzWriter(path, { start });
  for (const [name, bytes] of Object.entries(files)) await writer.add(name, bytes);
  await writer.finish();
  return path;
}

/** As the text says: order of two little-endian 64-bit numbers, then the local header at the offset. */
function checkIndex(zip: Buffer, index: Buffer, names: readonly string[]): void {
  const rows = Array.from({ length: index.length / 24 }, (_, k) => index.subarray(24 * k, 24 * k + 24));
  const keys = rows.map((row) => [row.readBigUInt64LE(0), row.readBigUInt64LE(8)] as const);
  for (let k = 1; k < keys.length; k++) {
    const [[a, b], [c, d]] = [keys[k - 1], keys[k]];
    expect(a < c || (a === c && b < d)).toBe(true);
  }
  const found = new Map(rows.map((row) => [row.toString('hex', 0, 16), Number(row.readBigUInt64LE(16))]));
  expect(found.size).toBe(names.length);
  for (const name of names) {
    const at = found.get(createHash('md5').update(name).digest('hex'));
    if (at === undefined) throw new Error(`${name} is not in the index`);
    expect(zip.toString('latin1', at, at + 4)).toBe('PK\x03\x04');
    expect(zip.toString('utf8', at + 30, at + 30 + zip.readUInt16LE(at + 26))).toBe(name);
  }
}

async function readByYauzl(path: string): Promise<[string, Buffer][]> {
  const zip = await openPromise(path, { autoClose: false });
  const found: [string, Buffer][] = [];
  for await (const entry of zip.eachEntry()) {
    const parts: Buffer[] = [];
    for await (const part of await zip.openReadStreamPromise(entry)) parts.push(part as Buffer);
    found.push([entry.fileName, Buffer.concat(parts)]);
  }
  zip.close();
  return found;
}

describe('a 3D Tiles archive', () => {
  it('is read by yauzl and unzip, its index by the rules of 3TZ, and all of it by our reader', async () => {
    const path = await pack(FILES);
    const found = await readByYauzl(path);
    expect(found.map(([name]) => name)).toEqual([...Object.keys(FILES), '@3dtilesIndex1@']);
    expect(Object.fromEntries(found.slice(0, -1))).toEqual(FILES);
    checkIndex(readFileSync(path), found.at(-1)?.[1] ?? Buffer.alloc(0), Object.keys(FILES));
    expect(execFileSync(await requireProgram('unzip', 'unzip'), ['-t', path], { encoding: 'utf8' })).toContain(
      'No errors detected',
    );

    const files = await openArchive3tz(path);
    for (const [name, bytes] of Object.entries(FILES)) expect(await (await files.find(name))?.read()).toEqual(bytes);
    const packed = await (await files.find('/tileset.json'))?.readGzip?.();
    expect(packed?.length).toBeLessThan(FILES['tileset.json'].length / 4);
    expect(gunzipSync(packed ?? '')).toEqual(FILES['tileset.json']);
    expect((await files.find('west/content/0/0/0.glb'))?.readGzip).toBeUndefined();
    expect(await files.find('west/content/0/0/1.glb')).toBeUndefined();
    await files.close();
  });

  it('has the same bytes for the same files', async () => {
    expect(readFileSync(await pack(FILES))).toEqual(readFileSync(await pack(FILES)));
  });

  it('goes beyond 65 535 files', async () => {
    const names = Array.from({ length: 66_000 }, (_, k) => `east/content/9/${k}/0.glb`);
    const path = await pack(Object.fromEntries(names.map((name) => [name, Buffer.from(name)])));
    expect(
      execFileSync(await requireProgram('unzip', 'unzip'), ['-Z1', path], {
        encoding: 'utf8',
        maxBuffer: 2 ** 24,
      }).split('\n'),
    ).toHaveLength(66_002);
    const files = await openArchive3tz(path);
    expect(files.files).toBe(66_000);
    for (const name of [names[0], names[33_333], names[65_999]]) {
      expect(String(await (await files.find(name))?.read())).toBe(name);
    }
    await files.close();
  });

  it('goes beyond 4 GiB', async () => {
    const path = await pack(FILES, 2 ** 32 + 5);
    expect(execFileSync(await requireProgram('unzip', 'unzip'), ['-t', path], { encoding: 'utf8' })).toContain(
      'No errors detected',
    );
    const files = await openArchive3tz(path);
    for (const [name, bytes] of Object.entries(FILES)) expect(await (await files.find(name))?.read()).toEqual(bytes);
    await files.close();
  });

  it('is read by ranges over HTTP', async () => {
    const path = await pack({ ...FILES, 'far.bin': randomBytes(3_000_000) });
    const server = await startRangeServer({ '/tiles.3tz': { bytes: readFileSync(path) } });
    try {
      const files = await openArchive3tz(`${server.url}/tiles.3tz`);
      expect(await (await files.find('tileset.json'))?.read()).toEqual(FILES['tileset.json']);
      await files.close();
      expect(server.asked.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(1_500_000);
    } finally {
      await server.close();
    }
  });

  it('says in a sentence what is wrong', async () => {
    const path = await pack(FILES);
    const whole = readFileSync(path);
    const broken = join(temporaryFolder(), 'broken.3tz');
    const at = whole.indexOf('again');
    expect(at).toBe(-1);
    const faults: readonly [Buffer, RegExp][] = [
      [whole.subarray(0, whole.length - 30), /whose last entry is @3dtilesIndex1@/],
      [Buffer.from('no zip at all'), /whose last entry is @3dtilesIndex1@/],
      [flipped(whole, whole.lastIndexOf('@3dtilesIndex1@', whole.length - 100) + 40), /checksum|no file|beyond/],
    ];
    for (const [bytes, sentence] of faults) {
      writeFileSync(broken, bytes);
      await expect(openArchive3tz(broken)).rejects.toMatchObject({ code: 'input-invalid' });
      await expect(openArchive3tz(broken)).rejects.toThrow(sentence);
    }
    writeFileSync(broken, flipped(whole, 60));
    const files = await openArchive3tz(broken);
    await expect(files.find('tileset.json').then((file) => file?.read())).rejects.toThrow(/get the file again/);
    await files.close();
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] ^= 0xff;
  return copy;
}
