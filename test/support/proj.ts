/** PROJ's cs2cs and cct as judges of positions (proj-bin), in a folder of their own with the grids that are wanted. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findProgram } from './debian.ts';

const DATABASE = ['/usr/share/proj/proj.db', '/usr/local/share/proj/proj.db'].find((path) => existsSync(path));

export const HAS_PROJ = findProgram('cs2cs') !== undefined && DATABASE !== undefined;

export interface Judge {
  /** Coordinates as cs2cs writes them: those of the second CRS, in its own order of axes; undefined where it has none. */
  transform(from: string, to: string, points: readonly (readonly number[])[]): (number[] | undefined)[];
  /** What projinfo says of the operations between two CRSs. */
  operations(from: string, to: string): string;
  close(): void;
}

/** PROJ with its database and these grids, and not one more: it falls back in silence on what it finds. */
export function openJudge(grids: readonly string[]): Judge {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-proj-'));
  if (DATABASE !== undefined) symlinkSync(DATABASE, join(folder, 'proj.db'));
  for (const grid of grids) symlinkSync(grid, join(folder, basename(grid)));
  const env = { ...process.env, PROJ_DATA: folder, PROJ_LIB: folder, PROJ_NETWORK: 'OFF' };
  return {
    transform(from, to, points) {
      const input = points.map((point) => point.join(' ')).join('\n');
      const out = execFileSync('cs2cs', ['-f', '%.9f', from, to], { input, encoding: 'utf8', env });
      const lines = out.trim().split('\n');
      return points.map((_, i) => {
        const numbers = (lines[i] ?? '').trim().split(/\s+/).map(Number);
        return numbers.length >= 2 && numbers.slice(0, 2).every(Number.isFinite) ? numbers : undefined;
      });
    },
    operations(from, to) {
      const args = [
        '-s',
        from,
        '-t',
        to,
        '--spatial-test',
        'intersects',
        '--grid-check',
        'discard_missing',
        '-o',
        'PROJ',
      ];
      return execFileSync('projinfo', args, { encoding: 'utf8', env });
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
