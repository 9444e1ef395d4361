import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import type { LabelOptions } from '../../tiler/pyramid/options.ts';
import { openSourceLayer, type SourceLayerOptions } from '../../tiler/pyramid/source-layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyTiff } from '../support/tiff-writer.ts';

const [SHEET] = MAUI_SHEETS;
const VARIANT = { extensions: [], coding: 'identity' } as const;

function openLayer(cacheFolder: string, more: Partial<SourceLayerOptions> = {}) {
  const spec = { ...specOf([SHEET]), cacheFolder };
  return openSourceLayer(spec, { name: 'maui', labels: {}, width: 1, openRunner: openInProcessRunner, ...more });
}

function tileAt(z: number, lon: number, lat: number) {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

describe('a layer made on demand', () => {
  it('while it is prepared, has tiles at the edge of its data wait for the overviews they read', async () => {
    const layer = await openLayer(temporaryFolder(), { patienceMs: 120_000 });
    const corner = tileAt(13, -156.9995, 20.9995);
    const preparing = layer.prepare();
    const early = await layer.make(corner, VARIANT);
    await preparing;
    expect(early?.length).toBeGreaterThan(0);
    expect(await layer.make(corner, VARIANT)).toEqual(early);
    await layer.close();
  });

  it('whose overviews cannot be made tries again only after a while', async () => {
    const coarse = tileAt(8, -156.5, 20.5);
    const cache = temporaryFolder({ overviews: 'in the way' });
    const faults: string[] = [];
    const layer = await openLayer(cache, { retryMs: 3_600_000, onFault: (sentence) => faults.push(sentence) });
    for (let k = 0; k < 3; k++) await expect(layer.make(coarse, VARIANT)).rejects.toMatchObject({ code: 'busy' });
    expect(faults).toEqual([expect.stringMatching(/^the overviews cannot be made: /)]);
    // Who asks for it need not wait.
    rmSync(join(cache, 'overviews'));
    await layer.prepare();
    expect((await layer.make(coarse, VARIANT))?.length).toBeGreaterThan(0);
    await layer.close();
  });

  it('whose overviews cannot be made tries again after a while, even if nobody asks for a tile', async () => {
    const cache = temporaryFolder({ overviews: 'in the way' });
    const faults: string[] = [];
    const layer = await openLayer(cache, { retryMs: 20, onFault: (sentence) => faults.push(sentence) });
    const coarse = tileAt(8, -156.5, 20.5);
    await expect(layer.make(coarse, VARIANT)).rejects.toMatchObject({ code: 'busy' });
    await expect.poll(() => faults.length, { timeout: 20_000 }).toBeGreaterThan(2);
    expect(layer.prepared).toBeLessThan(1);
    rmSync(join(cache, 'overviews'));
    await expect.poll(() => layer.prepared, { timeout: 20_000 }).toBe(1);
    expect((await layer.make(coarse, VARIANT))?.length).toBeGreaterThan(0);
    await layer.close();
  });
});

describe.runIf(existsSync('/proc/self/fd'))('a layer that cannot be described', () => {
  const labels: LabelOptions = {
    get title(): string {
      throw new Error('no title');
    },
  };

  it('leaves no file open, neither built nor made on demand', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.tif');
    writeFileSync(file, tinyTiff({ columns: 16, rows: 16, bits: 16, format: 2, blocks: [Buffer.alloc(512)] }));
    const spec = specOf([file], { verticalDatum: 'egm96' });
    const common = { openRunner: openInProcessRunner, labels };
    await expect(openSourceLayer(spec, { ...common, name: 'a', width: 1 })).rejects.toThrow('no title');
    expect(openFiles(file)).toBe(0);
    await expect(buildTileset(spec, { ...common, out: join(folder, 'out'), threads: 1 })).rejects.toThrow('no title');
    expect(openFiles(file)).toBe(0);
  });
});

/** How often this process has the file open. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}
