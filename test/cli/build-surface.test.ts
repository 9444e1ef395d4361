/** `relievo build scene.glb --at ...`: the place as it is typed, and what is refused. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlace } from '../../tiler/cli/build-surface.ts';
import { relievo } from '../support/command.ts';
import { expectSentence } from '../support/expect-sentence.ts';
import { makePatch, patchAsGlb } from '../support/surface-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function scene(): { folder: string; path: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'scene.glb');
  writeFileSync(path, patchAsGlb(makePatch(30)));
  return { folder, path };
}

describe('--at', () => {
  it('is a height above the ellipsoid, or with :msl above sea level by EGM96', () => {
    expect(readPlace('6.86,45.83,1035', 'a.glb')).toEqual({ lon: 6.86, lat: 45.83, height: 1035, heading: 0 });
    const { height, heading } = readPlace(' 6.86, 45.83, 1035:msl, -30', 'a.glb');
    // How far the geoid lies above the ellipsoid at Chamonix.
    expect(height - 1035).toBeCloseTo(51.5, 1);
    expect(heading).toBe(-30);
  });

  it.each(['6.86,45.83', '6.86,95,10', 'a,b,c', '6.86,45.83,10,20,30', '6.86,45.83,', '6.86,45.83,10:egm'])(
    'refuses %s',
    (words) => {
      expect(() => readPlace(words, 'a.glb')).toThrow(/is no place: give --at LON,LAT,HEIGHT\[,HEADING\]/);
    },
  );
});

describe('relievo build of a surface', () => {
  it('makes a folder, and an archive', async () => {
    const { folder, path } = scene();
    for (const name of ['out', 'out.3tz']) {
      const out = join(folder, name);
      const { code, stdout, stderr } = await relievo(['build', path, '--at', '7,46,500,90', '--out', out]);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/1 tiles/);
    }
    const { root } = JSON.parse(readFileSync(join(folder, 'out', 'tileset.json'), 'utf8'));
    expect(root.content.uri).toBe('tiles/0/0.glb');
  });

  it('refuses what says nothing of a surface, and leaves nothing', async () => {
    const { folder, path } = scene();
    const out = join(folder, 'out');
    for (const [words, says] of [
      [[path], 'says nothing of its place on Earth: give --at LON,LAT,HEIGHT'],
      [[path, '--at', '7,46,500', '--max-zoom', '3'], '--max-zoom is for rasters'],
      [[path, 'dem.tif', '--at', '7,46,500'], 'is a surface, and those are built one at a time'],
      [['dem.tif', '--at', '7,46,500'], '--at is for surfaces'],
      [[path, '--at', '7,46,500', '--up', 'x'], '--up is y or z, not x'],
    ] as const) {
      const result = await relievo(['build', ...words, '--out', out]);
      expect(result.code).toBe(2);
      expectSentence(result.stderr, says);
    }
    expect(existsSync(out)).toBe(false);
  });
});
