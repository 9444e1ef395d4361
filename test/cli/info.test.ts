import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSource, shareText } from '../../tiler/cli/describe-source.ts';
import { infoPage } from '../../tiler/cli/info-page.ts';
import { openPaint, wrapText } from '../../tiler/cli/paint.ts';
import { type TileOptions, tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { relievo } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { bytesOf, type TinyTiff, tinyTiff } from '../support/tiff-writer.ts';

const PLAIN = openPaint({ isTTY: false }, {});

async function factsOf(path: string, options: Partial<TileOptions> = {}) {
  const maker = await openTerrainMaker({ sources: [path], options: { ...tileOptionsSchema.parse({}), ...options } });
  try {
    return { ...(await describeSource(maker)), document: maker.document('x') };
  } finally {
    await maker.close();
  }
}

/** 40 x 40 samples of 0.01 degree from 10 E, 50 N. */
function tiffOf(values: Float32Array | Uint8Array, more: Partial<TinyTiff> = {}, name = 'dem.tif'): string {
  const path = join(temporaryFolder(), name);
  const tiff = { columns: 40, rows: 40, blocks: [bytesOf(values)], bits: 32, format: 3, ...more } as const;
  writeFileSync(path, tinyTiff({ ...tiff, tie: { x: 10, y: 50, step: 0.01 } }));
  return path;
}

const hill = (height: number) =>
  Float32Array.from({ length: 1600 }, (_, i) => height * Math.exp(-((((i % 40) - 20) / 15) ** 2)));

describe('what relievo info says', () => {
  it('counts and measures', async () => {
    const values = hill(1000);
    values.fill(Number.NaN, 0, 160);
    const facts = await factsOf(tiffOf(values, { keys: { 1024: 2, 1025: 1, 2048: 4326, 4096: 5773 } }));
    expect(facts).toMatchObject({
      name: 'dem.tif',
      columns: 40,
      rows: 40,
      crs: { definition: 'EPSG:4326', accuracyMetres: 0 },
      bounds: [10, expect.closeTo(49.6, 9), expect.closeTo(10.4, 9), 50],
      vertical: { datum: 'egm96', known: 'file', geoid: 'egm96', expectedErrorMetres: 0, unitMetres: 1 },
      heights: { maxMetres: 1000, voidShare: 0.1, basis: 'all', samplesRead: 1600 },
      overviews: 0,
    });
    // 0.4 degrees at 49.8 N: 28.8 by 44.5 km.
    expect(facts.extentMetres.east).toBeCloseTo(28_809, -2);
    expect(facts.extentMetres.north).toBeCloseTo(44_487, -2);
    expect(facts.areaSquareMetres / (facts.extentMetres.east * facts.extentMetres.north)).toBeCloseTo(1, 2);
    expect(facts.spacingArcSeconds.east).toBeCloseTo(36, 6);
    expect(facts.spacingArcSeconds.north).toBeCloseTo(36, 6);
    const deepest = facts.levels.at(-1);
    expect(deepest?.z).toBe(facts.nativeLevel);
    expect(deepest?.postSpacingMetres).toBeLessThanOrEqual(facts.spacingMetres.north * 1.001);
    expect(facts.tiles).toBe(facts.levels.reduce((sum, { tiles }) => sum + tiles, 0));
    expect(facts.estimatedBytes).toBeGreaterThan(1000);
    expect(facts.warnings).toEqual([expect.stringMatching(/^10 % of the samples are void/)]);
    expect(facts.document.relievo.warnings).toEqual([]);
  });

  it('warns of what may be wrong, in layer.json as well where that is known without reading heights', async () => {
    const feet = await factsOf(tiffOf(hill(14_000)));
    expect(feet.warnings).toEqual([
      expect.stringMatching(/^Nobody says what the heights are above/),
      expect.stringMatching(/reach 14000 m.*are they feet\? Then say --vertical-unit foot/),
    ]);
    expect(feet.document.relievo.warnings).toEqual([feet.warnings[0]]);
    expect(feet.document.relievo.crs).toMatchObject({ name: 'WGS 84 (EPSG:4326)', accuracyMetres: 0 });
    const told = await factsOf(tiffOf(hill(14_000)), { verticalUnit: 'foot', verticalDatum: 'egm96' });
    expect(told.warnings).toEqual([]);
    expect(told.heights.maxMetres).toBeCloseTo(14_000 * 0.3048, 1);
    const bytes = Uint8Array.from({ length: 1600 }, (_, i) => i % 200);
    const coarse = await factsOf(tiffOf(bytes, { bits: 8, format: 1 }), { verticalDatum: 'ellipsoid' });
    expect(coarse.warnings).toEqual([expect.stringMatching(/8 bits.*256 different heights/)]);
    const empty = await factsOf(tiffOf(new Float32Array(1600).fill(Number.NaN)), { verticalDatum: 'egm96' });
    expect(empty.warnings).toEqual([expect.stringMatching(/All samples that were read are void/)]);
    expect(empty.heights).toMatchObject({ minMetres: null, maxMetres: null, voidShare: 1 });
  });
});

describe('the page', () => {
  it('has at most 96 columns, and every fact that people look for', async () => {
    const facts = await factsOf(tiffOf(hill(900), {}, 'copernicus_dsm_with_quite_a_long_name_for_a_file.tif'));
    const page = infoPage(facts, PLAIN);
    for (const line of page.split('\n')) expect(line.length, line).toBeLessThanOrEqual(96);
    for (const words of [
      'WGS 84 (EPSG:4326)',
      '10.00000 E to 10.40000 E',
      'arc seconds',
      'above EGM2008 (worldwide geoid): EGM96 STANDS IN',
      'expected error about 1 m',
      'all 1 600 samples read',
      `Native level  ${facts.nativeLevel}`,
      'error bound (m)',
      'full resolution',
      '1 warning\n  ! EGM96 stands in for EGM2008',
    ]) {
      expect(page).toContain(words);
    }
    expect(page).not.toContain('\u001b');
  });

  it('is coloured on a terminal only, and never against the user’s wish', async () => {
    const facts = await factsOf(tiffOf(hill(900)));
    const coloured = infoPage(facts, openPaint({ isTTY: true }, {}));
    expect(coloured).toContain('\u001b[33m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes of colours are what is looked for
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(infoPage(facts, PLAIN));
    for (const [stream, env] of [
      [{ isTTY: true }, { NO_COLOR: '1' }],
      [{ isTTY: true }, { TERM: 'dumb' }],
      [{ isTTY: false }, {}],
      [{}, {}],
    ] as const) {
      expect(infoPage(facts, openPaint(stream, env))).not.toContain('\u001b');
    }
  });

  it('wraps words and rounds shares without making them nothing', () => {
    expect(wrapText('one two three four', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrapText('incomprehensibilities are long', 5)).toEqual(['incomprehensibilities', 'are', 'long']);
    expect([0, 1e-7, 0.00012, 0.0123, 0.5, 1].map(shareText)).toEqual([
      '0 %',
      'under 0.01 %',
      '0.012 %',
      '1.2 %',
      '50 %',
      '100 %',
    ]);
  });
});

describeWithData('relievo info on real files', ['geotiff/losangeles_4326_glo30_geoid.tif'], (path) => {
  it('prints the page, or everything as JSON', async () => {
    const page = await relievo(['info', path]);
    expect(page.code, page.stderr).toBe(0);
    expect(page.stdout).toContain('EGM96 STANDS IN');
    const json = await relievo(['info', path, '--json']);
    const facts = JSON.parse(json.stdout);
    expect(Object.keys(facts)).toEqual([
      'name',
      'files',
      'fileCount',
      'format',
      'columns',
      'rows',
      'sampleType',
      'nodata',
      'crs',
      'bounds',
      'extentMetres',
      'areaSquareMetres',
      'spacingMetres',
      'spacingArcSeconds',
      'spacingDegrees',
      'vertical',
      'heights',
      'featherMetres',
      'overviews',
      'storedOverviews',
      'sourceLevels',
      'nativeLevel',
      'version',
      'sources',
      'sourceCount',
      'maxFillSamples',
      'outside',
      'clipped',
      'flattened',
      'flattenedCount',
      'levels',
      'tiles',
      'estimatedBytes',
      'tilesMadeForEstimate',
      'warnings',
    ]);
    expect(facts.sources).toHaveLength(1);
    expect(facts.vertical).toMatchObject({
      datum: 'egm2008',
      known: 'assumed',
      geoid: 'egm96',
      expectedErrorMetres: 1,
    });
    const refused = await relievo(['info', path, '--strict']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/us_nga_egm08_25\.tif/);
  });

  it('names the geoid of each sample', async () => {
    const { stdout, stderr } = await relievo(['sample', path, '--json'], { input: '-118,34\n' });
    expect(JSON.parse(stdout), stderr).toMatchObject({ geoid: 'egm96', sourceDatum: 'egm2008', datumKnown: 'assumed' });
  });
});
