/** PROJ's cs2cs as a judge of coordinates and heights, with grids from a folder of the test's choice. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';

export const HAS_CS2CS = spawnSync('cs2cs', ['-lp'], { stdio: 'ignore' }).status === 0;

/** Where Debian, Homebrew and conda keep PROJ's own files. */
const PROJ_FOLDERS = ['/usr/share/proj', '/usr/local/share/proj', '/opt/homebrew/share/proj'].filter(existsSync);

/**
 * Coordinates in CRS `to` of points in CRS `from`, in the order of the definitions' own axes; height is the third. Without
 * a grid PROJ hands heights back unchanged and says nothing: the caller must see that they changed.
 */
export function cs2cs(from: string, to: string, points: readonly (readonly number[])[], grids?: string): number[][] {
  const folders = [process.env.PROJ_DATA, ...PROJ_FOLDERS, grids].filter((folder) => folder !== undefined);
  const search = folders.join(delimiter);
  const out = execFileSync('cs2cs', ['-d', '9', from, to], {
    input: points.map((point) => point.join(' ')).join('\n'),
    encoding: 'utf8',
    env: { ...process.env, PROJ_DATA: search, PROJ_LIB: search, PROJ_NETWORK: 'OFF' },
  });
  return out
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}
