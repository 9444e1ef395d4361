/**
 * Hostile and broken inputs: each ends in one sentence of ours, in at most two seconds of the processor's time and with
 * at most 256 MB more of memory, in a child process that is ended when it takes longer.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../tiler/verify/random.ts';
import type { Ending, HostileOpener } from '../support/hostile.ts';
import { hostileOpener } from '../support/hostile.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { GRID_FAULTS } from './grid-faults.ts';
import { HGT_FAULTS, SOUND_SHEETS } from './hgt-faults.ts';
import type { Fault } from './tiff-faults.ts';
import { TIFF_FAULTS, variedTiff } from './tiff-faults.ts';

const MAX_SECONDS = 2;
const MAX_GROWTH = 256 * 2 ** 20;

let opener: HostileOpener;
beforeAll(() => {
  opener = hostileOpener();
});
afterAll(() => opener.close());

/** Writes the files into a folder of their own; the path of the first. */
const place = openPlacedFiles('malformed');

function expectRefused(ending: Ending, says: RegExp): void {
  expect(ending).toMatchObject({ kind: 'refused', message: expect.stringMatching(says) });
  if (ending.kind !== 'refused') return;
  expectSentence(ending.message);
  expect(ending.code).not.toBe('internal');
  expectCheap(ending);
}

function expectSentence(text: string): void {
  expect(text).toMatch(/^[^\p{Cc}]{20,700}$/u);
  expect(text).not.toMatch(/\b(undefined|NaN|null|Infinity|TypeError|RangeError)\b|\[object|\bat \S+:\d+/);
}

function expectCheap({ cpuSeconds, grownBytes }: Ending): void {
  expect(cpuSeconds).toBeLessThan(MAX_SECONDS);
  expect(grownBytes).toBeLessThan(MAX_GROWTH);
}

describe('the files that the faults are made from', () => {
  it.each([
    ['classic', {}],
    ['big-endian', { bigEndian: true }],
    ['BigTIFF', { big: true }],
    ['big-endian BigTIFF', { big: true, bigEndian: true }],
  ])('%s is sound', async (_, variation) => {
    const ending = await opener.open({ sources: [place({ 'x.tif': variedTiff(variation) })] });
    expect(ending).toMatchObject({ kind: 'opened', data: 4096, notFinite: 0 });
    expectCheap(ending);
  });
});

describe('sheets that the faults are made from', () => {
  it.each(Object.entries(SOUND_SHEETS))('%s is sound', async (name, make) => {
    const ending = await opener.open({ sources: [place({ [name]: make() })] });
    expect(ending).toMatchObject({ kind: 'opened', data: 1201 * 1201, notFinite: 0 });
    expectCheap(ending);
  });
});

const refuses = (faults: readonly Fault[]) =>
  it.each(faults.map((fault) => [fault.name, fault] as const))('%s', async (_, { files, says, options, beside }) => {
    const path = place(files());
    const named = Object.entries(beside ?? {}).map(([key, name]) => {
      const file = join(dirname(path), name);
      return [key, key === 'crsGrids' ? [file] : file];
    });
    expectRefused(await opener.open({ sources: [path], options: { ...options, ...Object.fromEntries(named) } }), says);
  });

describe('a TIFF with', () => {
  refuses(TIFF_FAULTS);
});

describe('an SRTM sheet with', () => {
  refuses(HGT_FAULTS);
});

describe('a sound TIFF beside a', () => {
  refuses(GRID_FAULTS);
});

describe('cut off', () => {
  /** Every structural boundary and the bytes beside it, and bytes in between. */
  function cutsOf(bytes: Buffer, boundaries: readonly number[], between: number): number[] {
    const random = seededRandom(bytes.length);
    const cuts = boundaries.flatMap((at) => [at - 1, at, at + 1]);
    for (let i = 0; i < between; i++) cuts.push(Math.floor(random() * bytes.length));
    return [...new Set(cuts)].filter((at) => at >= 0 && at < bytes.length).sort((a, b) => a - b);
  }

  async function expectRefusedAnywhere(name: string, bytes: Buffer, boundaries: readonly number[], between = 24) {
    for (const length of cutsOf(bytes, boundaries, between)) {
      const ending = await opener.open({ sources: [place({ [name]: bytes.subarray(0, length) })] });
      expect(ending, `cut at ${length} of ${bytes.length}`).toMatchObject({ kind: 'refused' });
      if (ending.kind === 'refused') expectSentence(ending.message);
      expectCheap(ending);
    }
  }

  it.each([
    ['a classic TIFF', { tags: {} }, 8],
    ['a BigTIFF', { big: true }, 16],
    ['a big-endian TIFF', { bigEndian: true }, 8],
  ])('%s is refused wherever it ends', async (_, variation, header) => {
    const bytes = variedTiff(variation);
    const [countBytes, entryBytes] = header === 16 ? [8, 20] : [2, 12];
    const directory = header + 8192;
    const entries = Array.from({ length: 14 }, (_, i) => directory + countBytes + i * entryBytes);
    await expectRefusedAnywhere('x.tif', bytes, [0, 2, 4, header, directory, ...entries, bytes.length]);
  });

  it.each(Object.entries(SOUND_SHEETS))('%s is refused wherever it ends', async (name, make) => {
    const bytes = make();
    const directory = bytes.lastIndexOf('PK\x01\x02', undefined, 'latin1');
    const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
    await expectRefusedAnywhere(name, bytes, [2, 30, 41, directory, end, bytes.length], 8);
  });
});

describeWithData('the malformed files', ['malformed'], (malformed) => {
  it.each(readdirSync(malformed))('%s', async (name) => {
    expectRefused(await opener.open({ sources: [join(malformed, name)] }), /./);
  });
});

describe('real files, cut off', () => {
  it('the bundled demo', async () => {
    const path = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');
    const bytes = readFileSync(path);
    for (const share of [0.1, 0.5, 0.999]) {
      const cut = place({ [basename(path)]: bytes.subarray(0, Math.floor(bytes.length * share)) });
      expectRefused(await opener.open({ sources: [cut] }), /not a sound zip/);
    }
  });
});

describeWithData('real files with some bytes damaged', ['derived/pyrenees'], (folder) => {
  it.each(readdirSync(folder))('%s is refused, or read without a value that is no height', async (name) => {
    const sound = readFileSync(join(folder, name));
    const random = seededRandom(sound.length);
    const big = sound.readUInt16LE(2) === 43;
    const directory = big
      ? Number(sound.readBigUInt64LE(8))
      : sound[0] === 0x49
        ? sound.readUInt32LE(4)
        : sound.readUInt32BE(4);
    for (let round = 0; round < 4; round++) {
      const bytes = Buffer.from(sound);
      for (let i = 0; i < 4; i++) {
        const at = i < 3 ? directory + Math.floor(random() * 400) : Math.floor(random() * bytes.length);
        bytes[Math.min(at, bytes.length - 1)] = Math.floor(random() * 256);
      }
      const ending = await opener.open({ sources: [place({ 'x.tif': bytes })] });
      expect(ending).toMatchObject(ending.kind === 'opened' ? { notFinite: 0 } : { kind: 'refused' });
      if (ending.kind === 'refused') expectSentence(ending.message);
      expectCheap(ending);
    }
  });
});

describe('relievo info', () => {
  const sample = /circle of three|claimed by|overlap|is a word|1e-300|CRS that does not|backslashes|one byte too many/;
  const sampled = [...TIFF_FAULTS, ...HGT_FAULTS].filter(({ name }) => sample.test(name));
  it.each(sampled.map((fault) => [fault.name, fault] as const))(
    'says in one line, and ends with 1: %s',
    (_, { files }) => {
      const main = join(REPOSITORY, 'tiler/cli/main.ts');
      const ran = spawnSync(process.execPath, [main, 'info', place(files())], { encoding: 'utf8' });
      expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 1, stdout: '' });
      expect(ran.stderr).toMatch(/^relievo: [^\n]+\n$/);
      expectSentence(ran.stderr.trimEnd());
    },
  );
});
