/** `relievo prepare` as a process: what it says, and that kills, stops, other processes and other content leave nothing wrong. */
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { type RunningCommand, relievo, startRelievo } from '../support/command.ts';
import { expectSentence } from '../support/expect-sentence.ts';
import { gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

const [SHEET] = MAUI_SHEETS;
/** Over sea level: the base would be prepared as well, first. */
const ARGS = ['prepare', SHEET, '--outside', 'sea-level', '--json'];

interface Line {
  readonly event: string;
  readonly done: number;
  readonly total: number;
  readonly made: number;
  readonly files: readonly { readonly file: string; readonly bytes: number }[];
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Resolves when so much of the work is done, 0..1; rejects when the command ends before. */
function untilShare({ child, ended }: RunningCommand, share: number): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, done, total }: Line = JSON.parse(line);
      if (event === 'prepare' && done >= share * total) resolve();
    });
    void ended.then(({ stderr }) => reject(new Error(`ended too early: ${stderr}`)));
  });
}

function overviewsIn(cache: string): string[] {
  const folder = join(cache, 'overviews');
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Prepares in `cache` and gives the name and the bytes of the one file that is there then. */
async function prepareIn(cache: string): Promise<{ name: string; bytes: Buffer; made: number }> {
  const { code, stdout, stderr } = await relievo([...ARGS, '--cache', cache]);
  expect(code, stderr).toBe(0);
  const [name, ...others] = overviewsIn(cache);
  expect(others).toEqual([]);
  return { name, bytes: readFileSync(join(cache, 'overviews', name)), made: linesOf(stdout).at(-1)?.made ?? -1 };
}

describe('relievo prepare', () => {
  it('says what it made, and the second time that it was there', async () => {
    const cache = temporaryFolder();
    const args = ['prepare', SHEET, '--outside', 'sea-level', '--cache', cache];
    const first = await relievo(args);
    expect(first.code, first.stderr).toBe(0);
    const [name] = overviewsIn(cache);
    const path = join(cache, 'overviews', name);
    expect(first.stdout).toMatch(/^N20W157\.hgt\.zip is prepared \(.* bytes a sample\): /);
    expect(first.stdout).toContain(path);
    const made = statSync(path).mtimeMs;
    const second = await relievo(args);
    expect(second.stdout).toMatch(/^N20W157\.hgt\.zip was already prepared /);
    expect(second.stderr).toBe('');
    expect([overviewsIn(cache), statSync(path).mtimeMs]).toEqual([[name], made]);
  });

  it('speaks JSON lines to machines', async () => {
    const cache = temporaryFolder();
    const { stdout } = await relievo([...ARGS, '--cache', cache]);
    const lines = linesOf(stdout);
    const steps = lines.filter(({ event }) => event === 'prepare').map(({ done }) => done);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.at(-1)).toBe(lines[0].total);
    const { event, made, files } = lines.at(-1) as Line;
    expect([event, made, files.length]).toEqual(['done', 1, 1]);
    expect(files[0].bytes).toBe(statSync(files[0].file).size);
  });

  it('says how many of very many files it has looked at', async () => {
    const folder = temporaryFolder();
    const blocks = [bytesOf(Float32Array.from({ length: 16 }, (_, k) => 100 + k))];
    for (let i = 0; i < 1024; i++) {
      const tie = { x: 10 + (i % 32) / 8, y: 50 - Math.floor(i / 32) / 8, step: 1 / 32 };
      const bytes = tinyTiff({ columns: 4, rows: 4, blocks, bits: 32, format: 3, tie });
      writeFileSync(join(folder, `${i}.tif`), bytes);
    }
    const cache = temporaryFolder();
    const args = ['prepare', join(folder, '*.tif'), '--outside', 'sea-level', '--cache', cache];
    const { code, stdout, stderr } = await relievo(args);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^100 % {2}1 024 of 1 024 files looked at /m);
    expect(stdout).toContain('so small that there is nothing to prepare');
  });

  it('says what to change where nothing can be kept, as do those that prepare by themselves', async () => {
    const folder = temporaryFolder({ file: 'in the way' });
    // Not even root may write below /proc.
    for (const cache of [join(folder, 'file'), '/proc/relievo']) {
      const prepared = await relievo(['prepare', SHEET, '--cache', cache]);
      expect(prepared.code).toBe(1);
      expectSentence(prepared.stderr, cache, '--cache', '--no-prepare');
      const built = await relievo(['build', SHEET, '--cache', cache, '--out', join(folder, 'out'), '--json']);
      expect(built.code).toBe(1);
      expectSentence(built.stderr, cache, '--cache', '--no-prepare');
    }
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('relievo prepare, disturbed', () => {
  it('and killed three times, ends right at the next start', async () => {
    const { name, bytes } = await prepareIn(temporaryFolder());
    const cache = temporaryFolder();
    for (const share of [0, 0.5, 0.9]) {
      const running = startRelievo([...ARGS, '--cache', cache]);
      await untilShare(running, share);
      running.child.kill('SIGKILL');
      expect((await running.ended).code).toBe(null);
      // What the one before left has been swept.
      expect(overviewsIn(cache)).toEqual([`${name}${overviewsIn(cache)[0].slice(name.length)}`]);
      expect(overviewsIn(cache)[0]).toMatch(new RegExp(`\\.${running.child.pid}\\.[^.]*\\.part$`));
    }
    const after = await prepareIn(cache);
    expect([after.name, after.made]).toEqual([name, 1]);
    expect(after.bytes.equals(bytes)).toBe(true);
  });

  it('stops when told to, and leaves nothing half made', async () => {
    const cache = temporaryFolder();
    const running = startRelievo([...ARGS, '--cache', cache]);
    await untilShare(running, 0.2);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expectSentence(stderr, 'SIGINT', 'nothing half made');
    expect(overviewsIn(cache)).toEqual([]);
  });

  it('twice at the same time, makes one file, and both end well', async () => {
    const { name, bytes } = await prepareIn(temporaryFolder());
    const cache = temporaryFolder();
    const both = await Promise.all([0, 1].map(() => relievo([...ARGS, '--cache', cache])));
    for (const { code, stderr } of both) expect(code, stderr).toBe(0);
    expect(overviewsIn(cache)).toEqual([name]);
    expect(readFileSync(join(cache, 'overviews', name)).equals(bytes)).toBe(true);
  });

  it('waits for another process that is at it, and says for which', async () => {
    const cache = temporaryFolder();
    const first = startRelievo([...ARGS, '--cache', cache]);
    await untilShare(first, 0.1);
    // Alive, but still, until the second has seen it.
    first.child.kill('SIGSTOP');
    const second = startRelievo([...ARGS, '--cache', cache]);
    await new Promise((said) => second.child.stderr.once('data', said));
    first.child.kill('SIGCONT');
    const [one, two] = await Promise.all([first.ended, second.ended]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expectSentence(two.stderr, `process ${first.child.pid}`, 'waiting');
    expect(linesOf(two.stdout).map(({ event }) => event)).toEqual(['done']);
    expect(overviewsIn(cache)).toHaveLength(1);
  });

  it.runIf(HAS_GDAL)('takes nothing of a source that has other content under the same name', async () => {
    const folder = temporaryFolder();
    const source = join(folder, 'maui.tif');
    gdalTranslate(`/vsizip/${SHEET}/${basename(SHEET, '.zip')}`, source, []);
    const cache = join(folder, 'cache');
    const args = ['prepare', source, '--outside', 'sea-level', '--json', '--cache', cache];
    const build = async (out: string, cacheFolder: string) => {
      const flags = ['--max-zoom', '7', '--outside', 'sea-level', '--cache', cacheFolder, '--out', join(folder, out)];
      const { code, stderr } = await relievo(['build', source, ...flags]);
      expect(code, stderr).toBe(0);
      const tiles = readdirSync(join(folder, out), { recursive: true, encoding: 'utf8' });
      return tiles.filter((name) => name.endsWith('.terrain')).map((name) => readFileSync(join(folder, out, name)));
    };
    await relievo(args);
    const before = await build('before', cache);
    expect(linesOf((await relievo(args)).stdout).at(-1)?.made).toBe(0);
    const [old] = overviewsIn(cache);

    const { atime, mtime } = statSync(source);
    const bytes = readFileSync(source);
    new Int16Array(bytes.buffer, bytes.byteOffset + (bytes.length >> 2) * 2, 2 ** 20).fill(3000);
    writeFileSync(source, bytes);
    // As large and as old as it was.
    utimesSync(source, atime, mtime);
    expect(linesOf((await relievo(args)).stdout).at(-1)?.made).toBe(1);
    expect(overviewsIn(cache)).toHaveLength(2);
    expect(overviewsIn(cache)).toContain(old);
    const after = await build('after', cache);
    expect(after).not.toEqual(before);
    expect(after).toEqual(await build('fresh', join(folder, 'other-cache')));
  });
});
