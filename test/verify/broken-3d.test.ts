/** Sound 3D Tiles of every profile have no finding; each way of breaking them is named by its kind and file, and nothing else is. */
import { beforeAll, describe, expect, it } from 'vitest';
import { GLB_PROFILES, type GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { filesInMemory } from '../../tiler/verify/3d-files.ts';
import { verifyTiles3d } from '../../tiler/verify/3d-verify.ts';
import { anotherCopy3d, buildSound3d, changeGlb, type Files3d } from './3d-copy.ts';
import { TILE } from './breakage-3d.ts';
import { BREAKAGES_3D } from './broken-3d.ts';

async function findingsOf(files: Files3d): Promise<Record<string, string[]>> {
  const { findings } = await verifyTiles3d(filesInMemory(files), { keep: 1000 });
  return Object.fromEntries(
    findings.map(({ kind, places }) => [kind, [...new Set(places.map(({ tile }) => tile ?? 'set'))].sort()]),
  );
}

describe('verify on 3D Tiles that were broken on purpose', () => {
  let sound: Record<GlbProfile, Files3d>;
  beforeAll(async () => {
    sound = await buildSound3d();
  }, 60_000);

  it('has more than sixty ways, each with a name of its own', () => {
    expect(BREAKAGES_3D.length).toBeGreaterThan(60);
    expect(new Set(BREAKAGES_3D.map(({ name }) => name)).size).toBe(BREAKAGES_3D.length);
  });

  it.each(GLB_PROFILES)('finds nothing in %s before it is broken, and opens every tile', async (profile) => {
    const report = await verifyTiles3d(filesInMemory(sound[profile]));
    expect(report.findings).toEqual([]);
    const contents = [...sound[profile].keys()].filter((path) => path.endsWith('.glb')).length;
    expect(report.sampled.tiles).toBe(contents);
    expect(report.levels.every(({ triangles }) => triangles > 0)).toBe(true);
    expect(report.levels.reduce((sum, { borders }) => sum + borders, 0)).toBeGreaterThan(15);
  });

  it.each(GLB_PROFILES)('breaks nothing of %s by taking a tile apart and writing it again', async (profile) => {
    const files = anotherCopy3d(sound[profile]);
    await changeGlb(files, TILE, ({ views }) => void views.reverse().reverse());
    expect(await findingsOf(files)).toEqual({});
  });

  it.each(BREAKAGES_3D.map((breakage) => [breakage.name, breakage] as const))('names %s', async (_, breakage) => {
    const files = anotherCopy3d(sound[breakage.profile]);
    await breakage.spoil(files);
    const found = await findingsOf(files);
    for (const [kind, where] of Object.entries(breakage.faults)) {
      expect(found[kind], `${kind} of ${JSON.stringify(found)}`).toEqual(
        where === 'some' ? expect.any(Array) : [...where].sort(),
      );
    }
    const besides = Object.keys(found).filter((kind) => !(kind in breakage.faults));
    expect(breakage.mayFollow).toEqual(expect.arrayContaining(besides));
  });
});
