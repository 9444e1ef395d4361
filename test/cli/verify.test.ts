/** `relievo verify` as a user types it: exit codes, table, JSON, report, folders and addresses. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../tiler/verify/report-types.ts';
import { relievo, relievoServe } from '../support/command.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

describe('relievo verify', () => {
  it('measures what was built, from a folder by threads and from a server alike', async () => {
    const out = join(temporaryFolder(), 'maui');
    expect((await relievo(['build', ...MAUI_SHEETS, '--out', out, '--max-zoom', '9'])).code).toBe(0);
    const file = join(temporaryFolder(), 'report.html');
    const told = await relievo([
      'verify',
      out,
      '--json',
      '--threads',
      '2',
      '--report',
      file,
      '--source',
      ...MAUI_SHEETS,
    ]);
    const report: VerifyReport = JSON.parse(told.stdout);
    expect(told.code).toBe(report.sound ? 0 : 1);
    expect(report.findings.filter(({ kind }) => kind !== 'bound')).toEqual([]);
    expect(report.levels.map(({ error }) => error?.samples)).toEqual(Array(10).fill(report.levels[0].error?.samples));
    expect(report.source?.nativeLevel).toBe(14);
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/);

    const alone = await relievo(['verify', out, '--json', '--threads', '1', '--source', ...MAUI_SHEETS]);
    expect(withoutClock(JSON.parse(alone.stdout))).toEqual(withoutClock(report));

    const server = await relievoServe([out]);
    try {
      const far = await relievo(['verify', `${server.url}/layers/maui`, '--sample', '3']);
      expect(far.stderr).not.toMatch(/fault of Relievo/);
      expect(far.stdout).toMatch(/No faults/);
      expect(far.code).toBe(0);
    } finally {
      await server.stop();
    }
  });

  it('ends with 2 where the words are wrong, and with 3 where nothing can be judged', async () => {
    for (const [args, code, said] of [
      [['nowhere'], 3, /is not there; expected a folder/],
      [[import.meta.filename], 3, /is a file; expected a folder/],
      [['nowhere', '--sample', '0'], 2, /--sample must be at least 1/],
      [['nowhere', '--sample', 'some'], 2, /whole number/],
      [[], 2, /missing required argument 'tileset'/],
      [['.', '--datum', 'egm96', '--vertical-datum', 'egm96'], 2, /say the same/],
      [['.', '--clip', 'area.geojson'], 2, /--clip .* give --source too/],
      [['.', '--flatten', 'area.geojson'], 2, /--flatten .* give --source too/],
      [['.', '--flatten-feather', '20'], 2, /--flatten-feather .* give --source too/],
      [['.', '--source', ...MAUI_SHEETS, '--flatten-feather', '20'], 2, /give both/],
      [['.', '--source', ...MAUI_SHEETS, '--clip', 'nowhere.geojson'], 3, /Cannot open .*nowhere\.geojson/],
      [['.', '--source', ...MAUI_SHEETS, '--flatten', 'nowhere.geojson'], 3, /Cannot open .*nowhere\.geojson/],
      [['ftp://x'], 3, /Only http and https addresses and folders are read/],
      [['.', '--report', join('nowhere', 'report.html')], 3, /the folder \S*nowhere is not there/],
      [['.', '--report', '.'], 3, /this is a folder/],
    ] as const) {
      const outcome = await relievo(['verify', ...args]);
      expect(outcome.stderr).toMatch(said);
      expect(outcome.code).toBe(code);
    }
  });
});

describe('relievo verify of places', () => {
  it('measures nothing outside of --clip and nothing where the ground was made level', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'maui');
    const area = writeBox(join(folder, 'area.geojson'), -156.5, 20.6, -156.2, 20.9);
    const pond = writeBox(join(folder, 'pond.geojson'), -156.4, 20.7, -156.3, 20.8);
    const how = ['--clip', area, '--flatten', `${pond}:2000`];
    const built = await relievo(['build', ...MAUI_SHEETS, '--out', out, '--max-zoom', '9', ...how]);
    expect(built.stderr).not.toMatch(/fault of Relievo/);
    expect(built.code).toBe(0);
    const samplesWith = async (words: readonly string[], threads: string): Promise<[number, number, string[]]> => {
      const told = await relievo(['verify', out, '--json', '--threads', threads, ...words, '--source', ...MAUI_SHEETS]);
      const { levels, findings }: VerifyReport = JSON.parse(told.stdout);
      const { samples = 0, max = 0 } = levels[9].error ?? {};
      return [samples, max, findings.map(({ kind }) => kind)];
    };
    // Samples lie a second of an arc apart.
    const [clipped, wrong] = await samplesWith(['--clip', area], '2');
    expect(clipped / 1080 ** 2).toBeCloseTo(1, 2);
    expect(wrong).toBeGreaterThan(1000);
    const [left] = await samplesWith([...how, '--flatten-feather', '0'], '1');
    expect((clipped - left) / 360 ** 2).toBeCloseTo(1, 1);
    const [banded, right] = await samplesWith(how, '1');
    expect(banded).toBeLessThan(left);
    expect(right).toBeLessThan(wrong / 3);
    expect((await samplesWith(how, '2'))[0]).toBe(banded);
    const [, , elsewhere] = await samplesWith(
      ['--clip', writeBox(join(folder, 'far.geojson'), -155.9, 20.1, -155.8, 20.2)],
      '1',
    );
    expect(elsewhere).toContain('source-elsewhere');
  });

  it('says of an empty folder that it has no tiles', async () => {
    const folder = join(temporaryFolder(), 'empty');
    mkdirSync(folder);
    const { code, stdout } = await relievo(['verify', folder]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/: no tiles\n/);
    expect(stdout).not.toMatch(/-1|level {2}/);
  });
});

function writeBox(path: string, west: number, south: number, east: number, north: number): string {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  writeFileSync(path, JSON.stringify({ type: 'Polygon', coordinates: [ring] }));
  return path;
}

describeWithData("relievo verify on another tool's tiles", ['quantized-mesh/maastricht'], (folder) => {
  it('names faults and ends with 1', async () => {
    const { code, stdout } = await relievo(['verify', folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/border-normals-differ: 251\./);
    expect(stdout).toMatch(/scheme is missing: QGIS needs it/);
    expect(stdout).toMatch(/and 246 more/);
  });
});

function withoutClock(report: VerifyReport): VerifyReport {
  return { ...report, seconds: 0 };
}
