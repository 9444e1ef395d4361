/** The sound tileset that is broken: Maui to level 8 with normals, built by the same road as the command. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { specOf } from '../support/build-tileset.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { copyFolder, type TilesetCopy } from './tileset-copy.ts';

export const MAUI = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, 'data/maui', `${name}.hgt.zip`));

export async function buildSoundTileset(): Promise<TilesetCopy> {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  try {
    const out = join(folder, 'tileset');
    await buildTileset(specOf(MAUI, { maxZoom: 8 }), { out, threads: 1, openRunner: openInProcessRunner });
    return copyFolder(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
