import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RelievoError } from '../../tiler/error.ts';
import { openByteFile } from '../../tiler/sources/byte-file.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { readTiffHeader } from '../../tiler/sources/tiff-header.ts';
import { describeWithData } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relievo-header-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function outcomeOf(path: string): Promise<unknown> {
  try {
    const source = await openGeoTiff(path);
    try {
      const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
      return await source.read(0, { column: 0, row: 0, columns, rows });
    } finally {
      await source.close();
    }
  } catch (error) {
    return error;
  }
}

async function outcomeOfBytes(bytes: Uint8Array): Promise<unknown> {
  const path = join(folder, 'x.tif');
  await writeFile(path, bytes);
  return outcomeOf(path);
}

const GOOD = tinyTiff({
  columns: 20,
  rows: 10,
  bits: 16,
  format: 2,
  blocks: [bytesOf(Int16Array.from({ length: 100 }, (_, i) => i)), bytesOf(new Int16Array(100))],
});

describe('readTiffHeader', () => {
  it('reads what the file says', async () => {
    const path = join(folder, 'good.tif');
    await writeFile(path, GOOD);
    const file = await openByteFile(path);
    const images = await readTiffHeader(file);
    await file.close();
    expect(images).toHaveLength(1);
    expect(images[0]).toMatchObject({
      columns: 20,
      rows: 10,
      tiled: false,
      blockRows: 5,
      blocksDown: 2,
      sampleType: 'int16',
    });
    expect([...(images[0]?.offsets ?? [])]).toEqual([8, 208]);
  });

  it('refuses the file cut off at any byte, and says where the data should end', async () => {
    for (let length = 1; length < GOOD.length; length += 3) {
      const error = await outcomeOfBytes(GOOD.subarray(0, length));
      expect(error, `cut at ${length}`).toBeInstanceOf(RelievoError);
      expect(error).toMatchObject({ code: 'input-invalid' });
    }
    const error = await outcomeOfBytes(GOOD.subarray(0, GOOD.length - 5));
    expect(error).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`should reach byte ${GOOD.length}, but the file is ${GOOD.length - 5} bytes long`),
      ),
    });
  });

  it('answers every single damaged byte with samples or with one sentence', async () => {
    let refused = 0;
    for (let at = 0; at < GOOD.length; at += 1) {
      if (at >= 8 && at < 408) continue;
      for (const value of [0, 0xff, (GOOD[at] ?? 0) ^ 0x10]) {
        const bytes = Buffer.from(GOOD);
        bytes[at] = value;
        const outcome = await outcomeOfBytes(bytes);
        if (outcome instanceof Float32Array) continue;
        expect(outcome, `byte ${at} = ${value}`).toBeInstanceOf(RelievoError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

describeWithData('the malformed files', ['malformed'], (malformed) => {
  // good.tif and the three like it hold no coordinates at all, which is their first fault here.
  it.each([
    ['empty.tif', /is empty \(0 bytes\)/],
    ['not_tiff.tif', /does not begin as a TIFF/],
    ['truncated_half.tif', /should reach byte 16394, but the file is 8259 bytes long/],
    ['bad_strip_offset.tif', /should reach byte \d+, but the file is 16518 bytes long/],
    ['bps_1000.tif', /1000 bits a sample/],
    ['cyclic_ifd.tif', /run in a circle/],
    ['huge_dims_2e31.tif', /samples need|expected 1 to|million samples/],
    ['ifd_past_eof.tif', /should reach byte/],
    ['n_entries_65535.tif', /should reach byte/],
    ['strips_missing.tif', /does not say where its samples lie/],
    ['zero_dims.tif', /0 x 0 samples/],
    ['deflate_bomb.tif', /does not say where its samples lie/],
    ['deflate_garbage.tif', /does not say where its samples lie/],
    ['nan_inf.tif', /does not say where its samples lie/],
    ['good.tif', /does not say where its samples lie/],
  ])('%s', async (name, sentence) => {
    const error = await outcomeOf(join(malformed, name));
    expect(error).toBeInstanceOf(RelievoError);
    expect(error).toMatchObject({ message: expect.stringMatching(sentence), where: join(malformed, name) });
  });

  it.each([
    ['deflate_bomb.tif', /more than the \d+ bytes/],
    ['deflate_garbage.tif', /is damaged/],
  ])('%s, once it has coordinates', async (name, sentence) => {
    const bytes = await readFile(join(malformed, name));
    const error = await outcomeOfBytes(withCoordinates(bytes));
    expect(error).toMatchObject({ code: 'input-invalid', message: expect.stringMatching(sentence) });
  });
});

/** The same little-endian TIFF with a directory that also has a place: copied to the end, three tags longer. */
function withCoordinates(tiff: Buffer): Buffer {
  const at = tiff.readUInt32LE(4);
  const entries = tiff.readUInt16LE(at);
  const place = Buffer.alloc(24 + 48 + 32);
  const doubles = [0.001, 0.001, 0, 0, 0, 0, 10, 50, 0];
  for (const [i, value] of doubles.entries()) place.writeDoubleLE(value, 8 * i);
  const keys = [1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326];
  for (const [i, value] of keys.entries()) place.writeUInt16LE(value, 72 + 2 * i);
  const extra = Buffer.alloc(36);
  const tags = [
    [33550, 12, 3, 0],
    [33922, 12, 6, 24],
    [34735, 3, 16, 72],
  ] as const;
  for (const [i, [tag, type, count, offset]] of tags.entries()) {
    extra.writeUInt16LE(tag, 12 * i);
    extra.writeUInt16LE(type, 12 * i + 2);
    extra.writeUInt32LE(count, 12 * i + 4);
    extra.writeUInt32LE(tiff.length + offset, 12 * i + 8);
  }
  const head = Buffer.alloc(2);
  head.writeUInt16LE(entries + 3);
  const out = Buffer.concat([tiff, place, head, tiff.subarray(at + 2, at + 2 + 12 * entries), extra, Buffer.alloc(4)]);
  out.writeUInt32LE(tiff.length + place.length, 4);
  return out;
}
