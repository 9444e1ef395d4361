/**
 * How fast the main job is: Maui from level 0 to native with normals, on one thread and on two, in turn with gdalwarp of
 * the native level's grid as the yardstick, so that a slow minute of the machine slows all three. A figure to quote is
 * the ratio within a round; seconds belong to the machine.
 *
 * npm run bench [-- --rounds N] [-- --save]   (--save appends a row for each case to results.csv)
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { LevelReport } from '../../tiler/pyramid/level-report.ts';
import { requireProgram } from '../support/debian.ts';
import { reportResult } from './results.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const SHEETS = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, 'data/maui', `${name}.hgt.zip`));
const NATIVE_SPACING = 180 / 2 ** 14 / 64;

interface Run {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly output: string;
}

interface Case {
  readonly name: string;
  run(): Run;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, save: { type: 'boolean' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1, not ${values.rounds}`);

const time = await requireProgram('time', 'time');
const gdalwarp = await requireProgram('gdalwarp', 'gdal-bin');
const folder = mkdtempSync(join(tmpdir(), 'relievo-bench-'));
try {
  const cases = [buildCase(1), buildCase(2), warpCase()];
  const runs = new Map<string, Run[]>(cases.map(({ name }) => [name, []]));
  for (const { run } of cases) run(); // Warms the disk's cache.
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of cases) runs.get(name)?.push(run());
  }
  report(runs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function buildCase(threads: number): Case {
  const out = join(folder, `maui-${threads}`);
  const command = join(REPOSITORY, 'dist/tiler/cli/main.js');
  return {
    name: `build, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    run() {
      rmSync(out, { recursive: true, force: true });
      return timed(process.execPath, [
        command,
        'build',
        ...SHEETS,
        '--out',
        out,
        '--threads',
        String(threads),
        '--json',
      ]);
    },
  };
}

function warpCase(): Case {
  const mosaic = join(folder, 'maui.vrt');
  const sheets = SHEETS.map((path) => `/vsizip/${path}/${basename(path, '.zip')}`);
  execFileSync('gdalbuildvrt', ['-q', mosaic, ...sheets]);
  const out = join(folder, 'warped.tif');
  const spacing = String(NATIVE_SPACING);
  return {
    name: 'gdalwarp -r bilinear of the native grid',
    run() {
      rmSync(out, { force: true });
      return timed(gdalwarp, ['-q', '-r', 'bilinear', '-tr', spacing, spacing, '-tap', mosaic, out]);
    },
  };
}

/** The command as a whole process, by the system's own accounts. */
function timed(program: string, args: readonly string[]): Run {
  const account = join(folder, 'account');
  const { status, stdout, stderr } = spawnSync(time, ['-f', '%e %U %S %M', '-o', account, program, ...args], {
    encoding: 'utf8',
    maxBuffer: 64e6,
  });
  if (status !== 0) throw new Error(`${program} ended with code ${status}: ${stderr}`);
  const [wall, user, system, kilobytes] = readFileSync(account, 'utf8').trim().split(' ').map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMegabytes: kilobytes / 1024, output: stdout };
}

function report(runs: ReadonlyMap<string, readonly Run[]>): void {
  const yardstick = [...runs.values()].at(-1) ?? [];
  for (const [name, measured] of runs) {
    const levels = levelsOf(measured[0].output);
    const tiles = levels.reduce((sum, level) => sum + level.tiles, 0);
    const bytes = levels.reduce((sum, level) => sum + level.bytes, 0);
    const wall = median(measured.map((run) => run.wallSeconds));
    const ratios = measured.map((run, k) => run.wallSeconds / yardstick[k].wallSeconds);
    const row = {
      case: name,
      rounds: measured.length,
      wall_s_median: wall.toFixed(2),
      wall_s_min: Math.min(...measured.map((run) => run.wallSeconds)).toFixed(2),
      wall_s_max: Math.max(...measured.map((run) => run.wallSeconds)).toFixed(2),
      cpu_s_median: median(measured.map((run) => run.cpuSeconds)).toFixed(2),
      peak_mb: Math.max(...measured.map((run) => run.peakMegabytes)).toFixed(0),
      ratio_to_gdalwarp_median: median(ratios).toFixed(2),
      ratio_min: Math.min(...ratios).toFixed(2),
      ratio_max: Math.max(...ratios).toFixed(2),
      tiles,
      tiles_per_s: tiles ? (tiles / wall).toFixed(0) : '',
      bytes_per_tile: tiles ? (bytes / tiles).toFixed(0) : '',
      native_max_error_m: levels.at(-1)?.maxError.toFixed(2) ?? '',
    };
    reportResult(row, values.save === true);
  }
}

function levelsOf(output: string): readonly LevelReport[] {
  const last = output.trim().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? JSON.parse(last).levels : [];
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
