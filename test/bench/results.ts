/** The table of measurements, results.csv: a row for each case, its columns fixed here. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const RESULTS = join(import.meta.dirname, 'results.csv');

export interface ResultRow {
  readonly case: string;
  readonly rounds: number;
  readonly wall_s_median: string;
  readonly wall_s_min?: string;
  readonly wall_s_max?: string;
  readonly cpu_s_median?: string;
  readonly peak_mb?: string;
  readonly ratio_to_gdalwarp_median?: string;
  readonly ratio_min?: string;
  readonly ratio_max?: string;
  readonly tiles?: number;
  readonly tiles_per_s?: string;
  readonly bytes_per_tile?: string;
  readonly native_max_error_m?: string;
  readonly most_open_files?: number;
  readonly native_rms_error_m?: string;
}

const COLUMNS: readonly (keyof ResultRow | 'date' | 'version' | 'commit' | 'processors')[] = [
  'date',
  'version',
  'commit',
  'case',
  'rounds',
  'processors',
  'wall_s_median',
  'wall_s_min',
  'wall_s_max',
  'cpu_s_median',
  'peak_mb',
  'ratio_to_gdalwarp_median',
  'ratio_min',
  'ratio_max',
  'tiles',
  'tiles_per_s',
  'bytes_per_tile',
  'native_max_error_m',
  'most_open_files',
  'native_rms_error_m',
];

/** Says the row, and adds it to the table when `save` is true. */
export function reportResult(measured: ResultRow, save: boolean): void {
  const row: Readonly<Record<string, string | number | undefined>> = {
    ...measured,
    date: new Date().toISOString().slice(0, 10),
    version: JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version,
    commit: execFileSync('git', ['-C', REPOSITORY, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    processors: availableParallelism(),
  };
  const cells = COLUMNS.map((column) => String(row[column] ?? ''));
  process.stdout.write(
    `${COLUMNS.map((column, i) => `${column} ${cells[i]}`)
      .filter((_, i) => cells[i] !== '')
      .join('  ')}\n`,
  );
  if (!save) return;
  if (!existsSync(RESULTS)) writeFileSync(RESULTS, `${COLUMNS.join(',')}\n`);
  appendFileSync(RESULTS, `${cells.map((cell) => (cell.includes(',') ? `"${cell}"` : cell)).join(',')}\n`);
}
