/** quality.json against the verifier, which shares no code with it: every sample of the source under every tile. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { QualityJson } from '../../tiler/catalog/quality-json.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { type LayerAreas, readAreas } from '../../tiler/pyramid/areas.ts';
import { type BuildOptions, buildTileset } from '../../tiler/pyramid/build.ts';
import type { TileOptions } from '../../tiler/pyramid/options.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { openThreads } from '../../tiler/run/threads.ts';
import { openDem } from '../../tiler/verify/dem.ts';
import type { LevelError } from '../../tiler/verify/report-types.ts';
import { openTileSet } from '../../tiler/verify/tile-set.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

interface Built {
  readonly out: string;
  readonly quality: QualityJson;
}

async function build(
  sources: readonly string[],
  options: Partial<TileOptions>,
  { threads = 1, ...more }: Partial<Pick<BuildOptions, 'measure' | 'threads' | 'signal' | 'onTiles'>> = {},
): Promise<Built> {
  const folder = temporaryFolder();
  const out = join(folder, 'tiles');
  await buildTileset(
    { ...specOf(sources, options), cacheFolder: join(folder, 'cache') },
    { out, threads, openRunner: threads === 1 ? openInProcessRunner : openThreads, ...more },
  );
  return { out, quality: JSON.parse(readFileSync(join(out, 'quality.json'), 'utf8')) };
}

/** By level, from all samples. */
async function measuredOf(
  out: string,
  sources: readonly string[],
  areas?: LayerAreas,
): Promise<(LevelError | undefined)[]> {
  const dem = await openDem(sources, { areas });
  try {
    const { levels } = await verifyTileset(await openTileSet(out), { dem });
    return levels.map(({ error }) => error);
  } finally {
    await dem.close();
  }
}

/** A sample's RMS and p99 lie so near to those of all samples: windows are a hundredth part of them, or a tenth. */
const NEAR = 0.1;

function expectCertified({ quality }: Built, all: readonly (LevelError | undefined)[]): void {
  expect(quality.certified).toBe(true);
  expect(quality.levels.map(({ level }) => level)).toEqual(all.map((_, z) => z));
  for (const { level, bound, maxError, maxErrorRatio } of quality.levels) {
    const true_ = all[level]?.max ?? Number.NaN;
    expect(bound).toBeCloseTo(geographic.maxGeometricError(level), 0);
    expect(maxError, `level ${level}: certified`).toBeGreaterThanOrEqual(true_);
    expect(maxErrorRatio, `level ${level}: ratio`).toBeLessThanOrEqual(1);
    expect(maxErrorRatio).toBeCloseTo((maxError ?? Number.NaN) / bound, 4);
  }
  expect(quality.maxErrorRatio).toBe(Math.max(...quality.levels.map(({ maxErrorRatio }) => maxErrorRatio ?? 9)));
}

describeWithData('quality.json beside what is made level', ['hgt/N42E001.hgt.zip'], (source) => {
  it('has a bound that holds on overviews too, where cells show in part', async () => {
    // A pond and its band in the mountains: cells of overviews round it, and at the sheet's rim, show in part.
    const folder = temporaryFolder();
    const ring = [1.5, 42.55, 1.53, 42.55, 1.53, 42.57, 1.5, 42.57, 1.5, 42.55];
    const corners = Array.from({ length: 5 }, (_, k) => ring.slice(2 * k, 2 * k + 2));
    const pond = join(folder, 'pond.geojson');
    writeFileSync(pond, JSON.stringify({ type: 'Polygon', coordinates: [corners] }));
    const built = await build([source], { maxZoom: 10, flatten: [pond] }, { measure: 'none' });
    const all = await measuredOf(built.out, [source], await readAreas(specOf([], { flatten: [pond] }).options));
    expectCertified(built, all);
    const { levels } = await build([source], { maxZoom: 10 }, { measure: 'none' }).then(({ quality }) => quality);
    // Holding parts costs little.
    const last = (found: QualityJson) => found.levels.at(-1)?.triangles ?? 0;
    expect(last(built.quality) / (levels.at(-1)?.triangles ?? 0)).toBeLessThan(1.1);
  }, 120_000);
});

const PLACES = [
  ['a sheet of the Pyrenees', 'hgt/N42E001.hgt.zip', 11],
  ['Swiss LV95', 'geotiff/swiss_lv95_float32_cog.tif', 13],
] as const;

for (const [name, path, maxZoom] of PLACES) {
  describeWithData(`quality.json of ${name}`, [path], (source) => {
    it('has a bound that holds for every sample, and an RMS and a p99 near those of all samples', async () => {
      const built = await build([source], { maxZoom });
      const all = await measuredOf(built.out, [source]);
      expectCertified(built, all);
      const { sample, levels } = built.quality;
      expect(sample).toMatchObject({ kind: 'sample', seed: 1, windows: 1024, windowSide: 8 });
      for (const { level, measured } of levels) {
        const exact = all[level];
        if (measured === undefined || exact === undefined) throw new Error(`level ${level} was not measured`);
        expect(measured.samples).toBeGreaterThan(60_000);
        expect(measured.samples).toBeLessThan(exact.samples);
        expect(Math.abs(measured.rms / exact.rms - 1), `RMS of level ${level}`).toBeLessThan(NEAR);
        expect(Math.abs(measured.p99 / exact.p99 - 1), `p99 of level ${level}`).toBeLessThan(NEAR);
        expect(Math.abs(measured.mean - exact.mean), `mean of level ${level}`).toBeLessThan(NEAR * exact.rms);
        expect(measured.max).toBeUndefined();
      }
    }, 240_000);

    it('has with --exact what the verifier finds', async () => {
      const { out, quality } = await build([source], { maxZoom: maxZoom - 2 }, { measure: 'exact' });
      const all = await measuredOf(out, [source]);
      expect(quality.sample.kind).toBe('exact');
      for (const { level, measured, maxError } of quality.levels) {
        const exact = all[level];
        if (measured?.max === undefined || exact === undefined) throw new Error(`level ${level} was not measured`);
        expect(measured.samples, `samples of level ${level}`).toBe(exact.samples);
        expect(measured.tiles).toBe(exact.tilesMeasured);
        expect(measured.rms / exact.rms).toBeCloseTo(1, 4);
        expect(measured.max / exact.max).toBeCloseTo(1, 3);
        // Steps of the two histograms.
        expect(Math.abs(measured.p99 / exact.p99 - 1)).toBeLessThan(0.01);
        expect(Math.abs(measured.mean - exact.mean)).toBeLessThan(1e-4 * exact.rms);
        expect(maxError).toBeGreaterThanOrEqual(measured.max);
      }
    }, 240_000);
  });
}

describe('quality.json', () => {
  it('is the same from one thread and from two, byte for byte', async () => {
    const one = await build(MAUI_SHEETS, { maxZoom: 10 });
    const two = await build(MAUI_SHEETS, { maxZoom: 10 }, { threads: 2 });
    const text = (built: Built) => readFileSync(join(built.out, 'quality.json'), 'utf8');
    expect(text(two)).toBe(text(one));
    const document = JSON.parse(readFileSync(join(one.out, 'layer.json'), 'utf8'));
    expect(one.quality.layer.version).toBe(document.version);
    const bytes = one.quality.levels.map(({ level }) => {
      const files = readdirSync(join(one.out, String(level)), { recursive: true, withFileTypes: true });
      const tiles = files.filter((entry) => entry.isFile());
      return tiles.reduce((sum, { parentPath, name }) => sum + readFileSync(join(parentPath, name)).length, 0);
    });
    expect(one.quality.levels.map((level) => level.bytes)).toEqual(bytes);
  }, 120_000);

  it('certifies nothing of what was made from overviews that nothing bounds', async () => {
    const { quality } = await build(MAUI_SHEETS, { maxZoom: 9, prepare: false });
    expect(quality.certified).toBe(false);
    expect(quality.maxErrorRatio).toBeNull();
    for (const { certified, maxError, maxErrorRatio, measured } of quality.levels) {
      expect({ certified, maxError, maxErrorRatio }).toEqual({ certified: false, maxError: null, maxErrorRatio: null });
      expect(measured?.samples).toBeGreaterThan(60_000);
    }
  }, 60_000);

  it('measures nothing where that is not wanted', async () => {
    const { quality } = await build(MAUI_SHEETS, { maxZoom: 7 }, { measure: 'none' });
    expect(quality.sample).toEqual({ kind: 'none' });
    expect(quality.certified).toBe(true);
    expect(quality.levels.every(({ measured }) => measured === undefined)).toBe(true);
  }, 60_000);

  it('is not there when the build was given up', async () => {
    const folder = temporaryFolder();
    const stop = new AbortController();
    const running = buildTileset(specOf(MAUI_SHEETS, { maxZoom: 10 }), {
      out: folder,
      threads: 1,
      openRunner: openInProcessRunner,
      signal: stop.signal,
      onTiles: (count) => count > 0 && stop.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(existsSync(join(folder, 'quality.json'))).toBe(false);
  }, 60_000);
});
