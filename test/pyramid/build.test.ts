import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { buildTileset } from '../../tiler/pyramid/build.ts';
import { openSourceLayer } from '../../tiler/pyramid/source-layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { openThreads } from '../../tiler/run/threads.ts';
import { decodeTile } from '../../tiler/verify/decode.ts';
import { buildForTest, preparedSpecOf, specOf } from '../support/build-tileset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData, REPOSITORY, testData } from '../support/test-data.ts';
import { AS_EXPECTED, expectationsOf, measuredOf, verifyFolder } from '../verify/judged.ts';

const MAUI = ['N20W157', 'N20W156'].map((name) => join(REPOSITORY, 'data/maui', `${name}.hgt.zip`));

/** Path below the folder to unpacked bytes, for every tile. */
function tilesOf(folder: string): Map<string, string> {
  const tiles = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.terrain')) continue;
    const path = join(entry.parentPath, entry.name);
    tiles.set(relative(folder, path), gunzipSync(readFileSync(path)).toString('base64'));
  }
  return tiles;
}

/** Nothing found, and where sources are given 99 % of them within the bound. */
async function expectSound(folder: string, sources: readonly string[] = []): Promise<void> {
  expect(expectationsOf(await verifyFolder(folder, { sources }))).toEqual(AS_EXPECTED);
}

describe('a tileset of Maui to level 11', () => {
  it('has the same bytes from one thread, from two, and made on demand', async () => {
    const options = { maxZoom: 11 };
    const one = await buildForTest(MAUI, { options });
    const two = await buildForTest(MAUI, { options, threads: 2 });
    const tiles = tilesOf(one.out);
    expect(tiles.size).toBe(one.report.levels.reduce((sum, level) => sum + level.tiles, 0));
    expect(tilesOf(two.out)).toEqual(tiles);
    expect({ ...two.report.document, name: '' }).toEqual({ ...one.report.document, name: '' });

    const layer = await openSourceLayer(preparedSpecOf([...MAUI].reverse(), options), {
      name: 'maui',
      labels: {},
      width: 2,
      openRunner: openThreads,
    });
    try {
      // The order of arguments changes nothing, so it changes no version either.
      expect(layer.document.version).toBe(one.report.document.version);
      const asked = [...tiles].filter((_, k) => k % 7 === 0 || k < 40);
      for (const [path, bytes] of asked) {
        const [z, x, row] = path.split(/[/.]/).map(Number);
        const id = { z, x, y: geographic.rows(z) - 1 - row };
        const made = await layer.make(id, { extensions: ['octvertexnormals'], coding: 'identity' });
        expect(Buffer.from(made ?? []).toString('base64'), path).toBe(bytes);
      }
      expect(await layer.make({ z: 11, x: 0, y: 0 }, { extensions: [], coding: 'identity' })).toBeUndefined();
    } finally {
      await layer.close();
    }
  });

  it('passes the judge, keeps the bound for 99 % of the source and sits where it should', async () => {
    const { out, report } = await buildForTest(MAUI, { options: { maxZoom: 11 } });
    await expectSound(out, MAUI);
    for (const level of report.levels) {
      expect(level.maxError).toBeLessThanOrEqual(geographic.maxGeometricError(level.z));
    }
  });

  it('stops at min-zoom with flat ancestors, and leaves extensions out', async () => {
    const { out, report } = await buildForTest(MAUI, { options: { minZoom: 9, maxZoom: 10, extensions: [] } });
    await expectSound(out);
    const low = decodeTile(readFileSync(join(out, '8/33/157.terrain'))).tile;
    const high = decodeTile(readFileSync(join(out, '9/67/315.terrain'))).tile;
    if (!low || !high) throw new Error('not decoded');
    // Flat, but its range holds its children: by it clients decide what may be seen.
    expect((Math.max(...low.h) - Math.min(...low.h)) * ((low.maximumHeight - low.minimumHeight) / 32767)).toBeLessThan(
      20,
    );
    expect(low.maximumHeight).toBeGreaterThanOrEqual(high.maximumHeight - 151);
    expect(high.maximumHeight - high.minimumHeight).toBeGreaterThan(1000);
    expect(low.extensions).toEqual([]);
    expect(report.document.extensions).toEqual([]);
    expect(report.document.minzoom).toBe(0);
  });
});

describeWithData('real pairs', ['hgt/N42E001.hgt.zip', 'hgt/N41E001.hgt.zip'], (north, south) => {
  it('joins the Pyrenees pair without a seam', async () => {
    const { out } = await buildForTest([north, south], { options: { maxZoom: 11 }, threads: 2 });
    await expectSound(out, [north, south]);
    // Tiles on both sides of the 42nd parallel hold relief right up to it, and no cliff along it.
  });
});

describeWithData('N49W121, three quarters void', ['hgt/N49W121.hgt.zip'], (file) => {
  it('is sound, and ends in a slope where its data end', async () => {
    const { out } = await buildForTest([file], { options: { maxZoom: 10 } });
    await expectSound(out, [file]);
  });
});

describeWithData('the date line', ['hgt/N51E179.hgt.zip', 'hgt/N51W180.hgt.zip'], (west, east) => {
  it('is crossed without a wall, and only tiles near the data are made', async () => {
    const { out, report } = await buildForTest([west, east], { options: { maxZoom: 11 } });
    await expectSound(out, [west, east]);
    expect(report.document.bounds[0]).toBeGreaterThan(178);
    expect(report.document.bounds[2]).toBeLessThan(-178);
    expect(report.levels[11].tiles).toBeLessThan(1000);
    const columns = readdirSync(join(out, '11')).map(Number);
    expect(Math.min(...columns)).toBe(0);
    expect(Math.max(...columns)).toBe(4095);
  });
});

describeWithData('one place in two CRSs', ['hgt/N00E010.hgt', 'geotiff/gabon_utm32_int16.tif'], (hgt, utm) => {
  it('has the same heights from .hgt and from UTM', async () => {
    const a = await buildForTest([hgt], { options: { minZoom: 0, maxZoom: 12 } });
    // SRTM reprojected by others, whole metres; the file does not say its datum.
    const b = await buildForTest([utm], { options: { maxZoom: 12, verticalDatum: 'egm96' } });
    await expectSound(b.out);
    const measured = measuredOf(await verifyFolder(b.out, { sources: [hgt], sample: 8 }));
    const own = measuredOf(await verifyFolder(a.out, { sources: [hgt], sample: 8 }));
    const native = measured.find(({ z }) => z === 12);
    const ownNative = own.find(({ z }) => z === 12);
    if (!native || !ownNative) throw new Error('level 12 was not measured');
    // 92 m cells resampled and rounded to metres by others: metres, but no shift and no bias.
    expect(native.rms).toBeLessThan(ownNative.rms + 8);
    expect(Math.abs(native.mean)).toBeLessThan(1);
  });
});

describe('buildTileset', () => {
  const hgt = testData('hgt/N00E010.hgt') ?? MAUI[0];
  const build = (sources: string[], out: string, signal?: AbortSignal) =>
    buildTileset(specOf(sources, { maxZoom: 8 }), { out, threads: 1, openRunner: openInProcessRunner, signal });

  it('touches nothing in a folder that holds something else', async () => {
    const out = temporaryFolder({ 'thesis.txt': 'three years of work' });
    await expect(build([hgt], out)).rejects.toMatchObject({ code: 'output-refused' });
    expect(readdirSync(out)).toEqual(['thesis.txt']);
    const foreign = temporaryFolder({ 'layer.json': { format: 'quantized-mesh-1.0' }, '0/0/0.terrain': 'x' });
    await expect(build([hgt], foreign)).rejects.toMatchObject({ code: 'output-refused' });
    expect(existsSync(join(foreign, '0/0/0.terrain'))).toBe(true);
  });

  it('replaces an older tileset of ours as a whole, and keeps it when the new build fails', async () => {
    const out = temporaryFolder();
    await build([hgt], out);
    writeFileSync(join(out, '8/old.txt'), 'left from the old one');
    const broken = join(temporaryFolder({ 'N10E010.hgt': 'text' }), 'N10E010.hgt');
    await expect(build([broken], out)).rejects.toMatchObject({ code: 'input-invalid' });
    expect(readdirSync(out).includes('.relievo-building')).toBe(false);
    await expectSound(out);
    expect(existsSync(join(out, '8/old.txt'))).toBe(true);
    await build([hgt], out);
    expect(existsSync(join(out, '8/old.txt'))).toBe(false);
    await expectSound(out);
  });

  it('leaves nothing when it is given up half way', async () => {
    const parent = temporaryFolder();
    const out = join(parent, 'new');
    const stop = new AbortController();
    const running = buildTileset(specOf(MAUI, { maxZoom: 13 }), {
      out,
      threads: 2,
      openRunner: openThreads,
      signal: stop.signal,
      onTiles: (done) => done > 100 && stop.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('refuses a second build in the same folder, and sweeps up after one that died', async () => {
    const out = temporaryFolder();
    mkdirSync(join(out, '.relievo-building/new/0/0'), { recursive: true });
    writeFileSync(join(out, '.relievo-building/owner.json'), JSON.stringify({ pid: 1, host: hostname() }));
    await expect(build([hgt], out)).rejects.toMatchObject({ code: 'output-refused' });
    // No process has this number: the largest that Linux gives is 2^22.
    writeFileSync(join(out, '.relievo-building/owner.json'), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    await build([hgt], out);
    await expectSound(out);
    expect(existsSync(join(out, '.relievo-building'))).toBe(false);
  });
});
