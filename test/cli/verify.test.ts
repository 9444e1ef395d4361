/** `relievo verify` as a user types it: exit codes, table, JSON, report, folders and addresses. */
import { readFileSync } from 'node:fs';
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

  it('ends with 2 where the words are wrong, and with 1 where there is nothing', async () => {
    for (const [args, code, said] of [
      [['nowhere'], 1, /is not there; expected a folder/],
      [[import.meta.filename], 1, /is a file; expected a folder/],
      [['nowhere', '--sample', '0'], 2, /--sample must be at least 1/],
      [['nowhere', '--sample', 'some'], 2, /whole number/],
      [[], 2, /missing required argument 'tileset'/],
      [['.', '--datum', 'egm96', '--vertical-datum', 'egm96'], 2, /say the same/],
    ] as const) {
      const outcome = await relievo(['verify', ...args]);
      expect(outcome.stderr).toMatch(said);
      expect(outcome.code).toBe(code);
    }
  });
});

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
