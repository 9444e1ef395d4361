/** One suite for every back end of the JobRunner seam. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { JobRunner, OpenRunner } from '../../tiler/pyramid/job.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { openThreads } from '../../tiler/run/threads.ts';
import { checkTile } from '../../tiler/verify/check-tile.ts';
import { specOf } from '../support/build-tileset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';

const SPEC = specOf([join(REPOSITORY, 'data/maui/N20W156.hgt.zip')], { maxZoom: 11 });
const RANGES = [
  { z: 10, x0: 140, x1: 143, y0: 394, y1: 395 },
  { z: 9, x0: 70, x1: 71, y0: 197, y1: 197 },
];

describe.each<[name: string, open: OpenRunner]>([
  ['in process', openInProcessRunner],
  ['threads', openThreads],
])('runner %s', (_name, open) => {
  async function withRunner(use: (runner: JobRunner) => Promise<void>): Promise<void> {
    const runner = await open(SPEC, 2);
    try {
      await use(runner);
    } finally {
      await runner.close();
    }
  }

  it('makes one tile', () =>
    withRunner(async (runner) => {
      const { tile } = await runner.run({ kind: 'tile', id: { z: 10, x: 141, y: 394 } });
      expect(checkTile(tile ?? new Uint8Array(), { z: 10, x: 141, y: 394 })).toEqual([]);
    }));

  it('writes a shard, counts it, and tells of each tile once', () =>
    withRunner(async (runner) => {
      const folder = temporaryFolder();
      let told = 0;
      const report = await runner.run({ kind: 'shard', ranges: RANGES, folder }, { onTiles: (n) => (told += n) });
      expect(told).toBe(10);
      expect(report.levels.map(({ z, tiles }) => [z, tiles])).toEqual([
        [10, 8],
        [9, 2],
      ]);
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.terrain'),
      );
      expect(files).toHaveLength(10);
    }));

  it('gives the same bytes whoever else is at work', () =>
    withRunner(async (runner) => {
      await runner.run({ kind: 'prepare' });
      const id = { z: 9, x: 70, y: 197 };
      const tiles = await Promise.all(Array.from({ length: 6 }, () => runner.run({ kind: 'tile', id })));
      const unpacked = new Set(tiles.map(({ tile }) => gunzipSync(tile ?? new Uint8Array()).toString('base64')));
      expect(unpacked.size).toBe(1);
    }));

  it('gives up when told to, and goes on with the next job', () =>
    withRunner(async (runner) => {
      const stop = new AbortController();
      const running = runner.run(
        { kind: 'shard', ranges: [{ z: 11, x0: 270, x1: 290, y0: 780, y1: 800 }], folder: temporaryFolder() },
        { signal: stop.signal, onTiles: () => stop.abort(new Error('enough')) },
      );
      await expect(running).rejects.toThrow('enough');
      await expect(runner.run({ kind: 'tile', id: { z: 0, x: 0, y: 0 } }, { signal: stop.signal })).rejects.toThrow(
        'enough',
      );
      expect((await runner.run({ kind: 'tile', id: { z: 0, x: 0, y: 0 } })).tile).toBeDefined();
    }));

  it('hands a failure on as it was: code, sentence, place', () =>
    withRunner(async (runner) => {
      const folder = join(temporaryFolder({ file: 'in the way' }), 'file');
      const failed = runner.run({ kind: 'shard', ranges: RANGES, folder });
      await expect(failed).rejects.toMatchObject({ name: 'RelievoError', code: 'output-unwritable' });
      await expect(failed).rejects.toThrow('part of the path is a file');
    }));

  it('fails to open as the source does', async () => {
    const missing = specOf([join(temporaryFolder(), 'N00E000.hgt')]);
    await expect(open(missing, 2)).rejects.toMatchObject({ code: 'input-missing' });
  });
});
