/** Whole builds of 3D Tiles: the same bytes from any number of threads, in a folder and in an archive; and every tile is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tiles3DArchiveFileLoader } from '@loaders.gl/3d-tiles';
import { parse } from '@loaders.gl/core';
import { describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import { GLB_PROFILES, type GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { openThreads } from '../../tiler/run/threads.ts';
import { preparedSpecOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { readGlb } from '../support/read-glb.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Without the relief of the world, which takes as long again. */
const OPTIONS = { maxZoom: 9, outside: 'sea-level' } as const;

async function build(profile: GlbProfile, out: string, threads: number) {
  const report = await buildTileset(preparedSpecOf(MAUI_SHEETS, OPTIONS), {
    out,
    threads,
    openRunner: threads === 1 ? openInProcessRunner : openThreads,
    labels: { title: 'maui' },
    measure: 'none',
    tiles3d: { profile, pictures: [] },
  });
  return report;
}

/** Metres. */
async function statedError(glb: Uint8Array): Promise<number> {
  const { json, view } = await readGlb(glb);
  const [{ properties }] = json.extensions?.EXT_structural_metadata?.propertyTables ?? [];
  return new Float32Array(Uint8Array.from(view(properties.maximumErrorMetres.values)).buffer)[0];
}

type Files = ReadonlyMap<string, Buffer>;

function filesIn(folder: string): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}

async function filesOfArchive(path: string): Promise<Files> {
  const zip = await openPromise(path, { autoClose: false });
  const found = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    const parts: Buffer[] = [];
    for await (const part of await zip.openReadStreamPromise(entry)) parts.push(part as Buffer);
    found.set(entry.fileName, Buffer.concat(parts));
  }
  zip.close();
  return found;
}

function sameFiles(a: Files, b: Files): void {
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  for (const [path, bytes] of a) expect(bytes.equals(b.get(path) ?? Buffer.alloc(0)), path).toBe(true);
}

describe.each(GLB_PROFILES)('a build of 3D Tiles, profile %s', (profile) => {
  it('gives the same files with one thread and two, in a folder and in an archive', async () => {
    const work = temporaryFolder();
    const report = await build(profile, join(work, 'one'), 1);
    await build(profile, join(work, 'two.3tz'), 2);
    const folder = filesIn(join(work, 'one'));
    const archive = new Map(await filesOfArchive(join(work, 'two.3tz')));
    expect([...archive.keys()].at(-1)).toBe('@3dtilesIndex1@');
    archive.delete('@3dtilesIndex1@');
    sameFiles(folder, archive);
    const bytes = Uint8Array.from(readFileSync(join(work, 'two.3tz'))).buffer;
    const deepest = [...folder.keys()].filter((path) => path.startsWith('west/content/9/'));
    for (const path of ['tileset.json', deepest[0]]) {
      const read = await parse(bytes, Tiles3DArchiveFileLoader, { '3d-tiles-archive': { path } });
      expect(Buffer.from(read as ArrayBuffer).equals(folder.get(path) ?? Buffer.alloc(0)), path).toBe(true);
    }
    expect(readdirSync(work).sort()).toEqual(['one', 'two.3tz']);

    const tiles = report.levels.reduce((sum, level) => sum + level.tiles, 0);
    const glbs = [...folder].filter(([path]) => path.endsWith('.glb'));
    expect(glbs).toHaveLength(tiles);
    expect(report.levels.reduce((sum, level) => sum + level.bytes, 0)).toBe(
      glbs.reduce((sum, [, bytes]) => sum + bytes.length, 0),
    );
    const roots = report.document.available.filter((_, level) => level % 3 === 0).flat();
    const subtrees = roots.reduce((sum, r) => sum + (r.endX - r.startX + 1) * (r.endY - r.startY + 1), 0);
    const kept = profile === 'gis' ? /\/tilesets\/\d+\/\d+\/\d+\.json$/ : /\/subtrees\/\d+\/\d+\/\d+\.subtree$/;
    expect([...folder.keys()].filter((path) => kept.test(path))).toHaveLength(subtrees);

    const quality = JSON.parse(String(folder.get('quality.json')));
    const tileset = JSON.parse(String(folder.get('tileset.json')));
    expect(quality.certified).toBe(true);
    if (profile !== 'cesium-terrain') {
      for (const { level, maxError } of quality.levels) {
        const ofLevel = glbs.filter(([path]) => path.split('/')[2] === String(level));
        const errors = await Promise.all(ofLevel.map(([, bytes]) => statedError(bytes)));
        // quality.json is rounded up.
        expect(Math.max(...errors) / maxError).toBeGreaterThan(0.99);
        expect(Math.max(...errors) / maxError).toBeLessThan(1 + 1e-6);
      }
    }
    expect(tileset.asset.tilesetVersion).toMatch(new RegExp(`^${quality.layer.version}-.*-${profile}$`));
    expect(tileset.asset.extras.relievo).toMatchObject({ title: 'maui', profile, maxLevel: 9 });
  });
});
