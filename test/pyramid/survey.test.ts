import { describe, expect, it, onTestFinished } from 'vitest';
import { gzipBytesSync } from '../../tiler/encode/gzip.ts';
import { estimateLevels } from '../../tiler/pyramid/estimate.ts';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { surveyHeights } from '../../tiler/pyramid/survey.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { joinSheets } from '../../tiler/sources/sheets.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';
import { describeWithData } from '../support/test-data.ts';

const FEET = { datum: 'egm96', known: 'option', unitMetres: 0.3048, unit: 'foot', because: 'test' } as const;

function slope(size: number, more: Partial<MemoryRaster> = {}): MemoryRaster {
  const affine = { a: 0.01, b: 0, c: 10, d: 0, e: -0.01, f: 50 };
  return { columns: size, rows: size, affine, values: (column, row) => 100 + column - row / 2, ...more };
}

describe('surveyHeights', () => {
  it('finds the extremes and the share of voids from all samples, in metres', async () => {
    const values = (column: number, row: number) => (row < 10 ? Number.NaN : 100 + column);
    const source = withOverviews(memorySource(slope(100, { values, vertical: FEET })));
    const survey = await surveyHeights(source);
    expect(survey).toMatchObject({ basis: 'all', level: 0, samplesRead: 10_000, voidShare: 0.1 });
    expect(survey.minMetres).toBeCloseTo(30.48, 6);
    expect(survey.maxMetres).toBeCloseTo(199 * 0.3048, 4);
  });

  it('says when there is nothing but void', async () => {
    const survey = await surveyHeights(memorySource(slope(20, { values: () => Number.NaN })));
    expect(survey).toMatchObject({ voidShare: 1, minMetres: Number.NaN, maxMetres: Number.NaN });
  });

  it('counts no gap between sheets as void', async () => {
    const east = slope(50, { affine: { a: 0.01, b: 0, c: 11, d: 0, e: -0.01, f: 50 }, name: 'east' });
    const sheets = await joinSheets([memorySource(slope(50)), memorySource(east)]);
    expect(sheets.info.levels[0].columns).toBe(150);
    expect(await surveyHeights(sheets)).toMatchObject({ voidShare: 0, samplesRead: 5000 });
  });

  it('reads an overview, or parts, of what is too much', async () => {
    const source = withOverviews(memorySource(slope(1024)));
    const overview = await surveyHeights(source, { maxSamples: 512 * 512 });
    expect(overview).toMatchObject({ basis: 'overview', level: 1, samplesRead: 512 * 512 });
    // Overviews that would have to be computed first are left alone.
    const parts = await surveyHeights(source, { maxSamples: 512 * 512, storedLevels: 1 });
    expect(parts).toMatchObject({ basis: 'parts', level: 0 });
    expect(parts.samplesRead).toBeLessThanOrEqual(512 * 512);
    expect(parts.minMetres).toBeGreaterThanOrEqual(100 - 1023 / 2);
    expect(parts.maxMetres).toBeLessThanOrEqual(100 + 1023);
    expect(parts.maxMetres - parts.minMetres).toBeGreaterThan(300);
  });
});

describeWithData('estimateLevels', ['geotiff/zion_4326_uint16_deflate.tif'], (path) => {
  it('is exact where all tiles are made, and near where some are', async () => {
    const options = { ...tileOptionsSchema.parse({}), maxZoom: 11 };
    const maker = await openTerrainMaker({ sources: [path], options });
    onTestFinished(() => maker.close());
    const some = await estimateLevels(maker, { tilesPerLevel: 8 });
    const all = await estimateLevels(maker, { tilesPerLevel: 1000 });
    expect(some.map(({ z, tiles }) => [z, tiles])).toEqual(all.map(({ z, tiles }) => [z, tiles]));
    for (const [k, level] of all.entries()) {
      expect(level.tilesMade).toBe(level.tiles);
      if (some[k].tilesMade === some[k].tiles) expect(some[k]).toEqual(level);
    }
    const root = await Promise.all([0, 1].map((x) => maker.makeTile({ z: 0, x, y: 0 })));
    const packed = root.map(({ bytes }) => gzipBytesSync(bytes).length);
    expect(all[0].bytes).toBe(packed[0] + packed[1]);
    const total = (levels: typeof all) => levels.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(some.some(({ tiles, tilesMade }) => tilesMade < tiles)).toBe(true);
    expect(Math.abs(total(some) / total(all) - 1)).toBeLessThan(0.3);
  });

  it('computes no overviews that are too much, and takes the next level’s size instead', async () => {
    const maker = await openTerrainMaker({ sources: [path], options: { ...tileOptionsSchema.parse({}), maxZoom: 11 } });
    onTestFinished(() => maker.close());
    const levels = await estimateLevels(maker, { maxComputed: 1000 });
    const made = levels.filter(({ tilesMade }) => tilesMade > 0).map(({ z }) => z);
    expect(made).toEqual(levels.map(({ z }) => z).filter((z) => maker.members[0]?.field.levelFor(z) === 0));
    expect(levels.every(({ bytes }) => bytes > 0)).toBe(true);
  });
});
