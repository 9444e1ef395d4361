import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chooseDatum } from '../../tiler/fields/datum.ts';
import { egm96, undulationAt } from '../../tiler/geo/geoid.ts';
import { Origin, type PostGrid, postLongitudes, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import type { VerticalReference } from '../../tiler/sources/raster-source.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { cs2cs, HAS_CS2CS } from '../support/cs2cs.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';
import { openOneField } from '../support/one-field.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

const KNOWN = { known: 'file', unitMetres: 1, unit: 'metre', because: 'The file says so.' } as const;

/** A geoid grid as a file: nodes from the north-west, NaN for none. */
function geoidTiff(west: number, north: number, step: number, columns: number, rows: number, value: number[] | number) {
  const nodes = Float32Array.from({ length: columns * rows }, (_, i) => (typeof value === 'number' ? value : value[i]));
  const path = join(temporaryFolder(), 'geoid.tif');
  const blocks = [bytesOf(nodes)];
  const keys = { 1024: 2, 1025: 2, 2048: 4326 };
  writeFileSync(path, tinyTiff({ columns, rows, blocks, bits: 32, format: 3, keys, tie: { x: west, y: north, step } }));
  return path;
}

/** 200 x 200 samples of 3" from 8 E, 50 N to about 8.166 E, 49.834 N. */
const STEP = 1 / 1200;
function raster(datum: string, more: Partial<MemoryRaster> = {}): MemoryRaster {
  const vertical: VerticalReference = { ...KNOWN, known: 'option', datum };
  const affine = { a: STEP, b: 0, c: 8, d: 0, e: -STEP, f: 50 };
  return { columns: 200, rows: 200, affine, values: () => 100, vertical, ...more };
}

function open(memory: MemoryRaster, maxFill = 8) {
  return openOneField(withOverviews(memorySource(memory)), { maxFill });
}

describe('chooseDatum', () => {
  it('adds nothing to ellipsoidal heights, and EGM96 where it is known', async () => {
    const ellipsoid = await chooseDatum({ ...KNOWN, datum: 'ellipsoid' }, 'dem.tif');
    expect(ellipsoid.statement).toMatchObject({ known: 'file', geoid: 'none', expectedErrorMetres: 0 });
    const known = await chooseDatum({ ...KNOWN, datum: 'egm96' }, 'dem.tif', { strict: true });
    expect(known.statement).toMatchObject({ known: 'file', geoid: 'egm96', expectedErrorMetres: 0 });
  });

  it('lets EGM96 stand in for a datum without a grid, says what that costs, and refuses it under strict', async () => {
    for (const [datum, metres] of [
      ['egm2008', 1],
      ['navd88', 1.5],
      ['nap', 0.6],
      ['epsg:9999', 3],
    ] as const) {
      const { statement } = await chooseDatum({ ...KNOWN, datum }, 'dem.tif');
      expect(statement).toMatchObject({ source: datum, known: 'assumed', geoid: 'egm96', expectedErrorMetres: metres });
      expect(statement.because).toContain('EGM96 stands in');
      const strict = chooseDatum({ ...KNOWN, datum }, 'dem.tif', { strict: true });
      await expect(strict).rejects.toMatchObject({ code: 'datum', where: 'dem.tif' });
      await expect(strict).rejects.toThrow(/--vertical-datum FILE/);
    }
    // A name that the user gives is no grid either.
    const named = await chooseDatum({ ...KNOWN, known: 'option', datum: 'egm2008' }, 'dem.tif');
    expect(named.statement).toMatchObject({ known: 'assumed', geoid: 'egm96' });
  });

  it('refuses an unknown datum under strict', async () => {
    const unknown = { ...KNOWN, known: 'assumed', datum: 'egm96' } as const;
    expect((await chooseDatum(unknown, 'dem.tif')).statement.expectedErrorMetres).toBeGreaterThan(0);
    await expect(chooseDatum(unknown, 'dem.tif', { strict: true })).rejects.toMatchObject({ code: 'datum' });
  });

  it('takes a grid for the datum that it is of, or for the one that the file names', async () => {
    const datum = geoidTiff(7, 51, 0.5, 6, 6, 47);
    const reference = { ...KNOWN, known: 'option', datum, fileSays: 'navd88' } as const;
    const { statement, geoidVersion } = await chooseDatum(reference, 'dem.tif', { strict: true });
    expect(statement).toMatchObject({ source: 'navd88', known: 'option', geoid: 'geoid.tif', expectedErrorMetres: 0 });
    expect(geoidVersion).not.toBe('');
  });
});

describe('a geoid grid under the data', () => {
  it('adds its own heights, and the layer’s version names its content', async () => {
    const first = await open(raster(geoidTiff(7, 51, 0.5, 6, 6, 47)));
    const second = await open(raster(geoidTiff(7, 51, 0.5, 6, 6, 48)));
    const { height, contributors, undulation } = await first.sampleAt(8.05, 49.95);
    expect(contributors[0]?.geoidHeight).toBeCloseTo(47, 4);
    expect(height).toBeCloseTo(147, 4);
    expect(undulation).toBeCloseTo(undulationAt(egm96(), 8.05, 49.95), 4);
    expect(first.info.version).not.toBe(second.info.version);
    expect(first.datum.warnings).toEqual([]);
  });

  it('is refused before the first tile when it ends inside the data, or lies elsewhere', async () => {
    await expect(open(raster(geoidTiff(8, 50, 0.05, 3, 5, 47)))).rejects.toMatchObject({ code: 'datum' });
    await expect(open(raster(geoidTiff(8, 50, 0.05, 3, 5, 47)))).rejects.toThrow(/geoid.tif has no value at longitude/);
    await expect(open(raster(geoidTiff(100, 50, 0.5, 4, 4, 47)))).rejects.toMatchObject({ code: 'datum' });
  });

  it('may end at the last samples, and its last values go on beyond them', async () => {
    // Nodes on the samples themselves, and no more.
    const tilted = Array.from({ length: 200 * 200 }, (_, i) => 47 + (i % 200) / 100);
    const field = await open(raster(geoidTiff(8, 50, STEP, 200, 200, tilted)));
    const z = 12;
    const side = 180 / 2 ** z;
    const [x, y] = [Math.floor((8 + 180) / side), Math.floor((90 - 50) / side)];
    const seen = new Set<number>();
    for (const id of [
      { z, x, y },
      { z, x: x + 1, y },
      { z, x: x - 1, y },
      { z, x, y: y - 1 },
    ]) {
      const posts = postsOfTile(geographic, id, 1);
      const { heights, origin } = await field.read(posts);
      expect(heights.every(Number.isFinite)).toBe(true);
      const lons = postLongitudes(posts);
      for (const [i, height] of heights.entries()) {
        seen.add(origin[i]);
        const expected = 147 + (lons[i % lons.length] - 8) / STEP / 100;
        if (origin[i] === Origin.measured) expect(height).toBeCloseTo(expected, 2);
        if (origin[i] === Origin.filled) expect(Math.abs(height - expected)).toBeLessThan(0.1);
      }
    }
    expect(seen).toEqual(new Set([Origin.measured, Origin.filled, Origin.blended, Origin.outside]));
  });

  it('is never met without a value where there are heights, even in a hole between the places tried', async () => {
    // Nodes of 3" as well; a hole of 3 x 3 nodes at samples 100..102, which no probe of the opening hits.
    const holed = Array.from({ length: 200 * 200 }, (_, i) => {
      const [column, row] = [i % 200, Math.floor(i / 200)];
      return column >= 100 && column <= 102 && row >= 100 && row <= 102 ? Number.NaN : 47;
    });
    const hole = { z: 14, side: 180 / 2 ** 14, lon: 8 + 101 * STEP, lat: 50 - 101 * STEP };
    const tile = {
      z: hole.z,
      x: Math.floor((hole.lon + 180) / hole.side),
      y: Math.floor((90 - hole.lat) / hole.side),
    };
    const path = geoidTiff(8, 50, STEP, 200, 200, holed);
    const field = await open(raster(path));
    await expect(field.read(postsOfTile(geographic, tile))).rejects.toMatchObject({ code: 'datum' });
    await expect(field.sampleAt(hole.lon, hole.lat)).rejects.toThrow(/where there are heights/);
    // The same hole under a void hurts nobody.
    const voided = raster(path, {
      values: (column, row) => (Math.abs(column - 101) < 20 && Math.abs(row - 101) < 20 ? Number.NaN : 100),
    });
    const around = await (await open(voided, 4)).read(postsOfTile(geographic, tile));
    expect(around.heights.every(Number.isFinite)).toBe(true);
  });

  it('covers a raster that is wider than it, where that is void', async () => {
    const path = geoidTiff(8, 50, 0.02, 6, 12, 47);
    const half = raster(path, { values: (column) => (column > 100 ? Number.NaN : 100) });
    const field = await open(half);
    expect((await field.sampleAt(8.05, 49.9)).height).toBeCloseTo(147, 3);
  });

  it('gives neighbouring tiles the same posts beyond its end', async () => {
    const tilted = Array.from({ length: 40 * 40 }, (_, i) => 47 + (i % 40) / 20 + Math.floor(i / 40) / 30);
    const field = await open(raster(geoidTiff(8 - 2 * STEP, 50 + 2 * STEP, 0.0045, 40, 40, tilted)), 16);
    for (const z of [9, 11, 12, 13]) {
      const side = 180 / 2 ** z;
      const [x, y] = [Math.floor((8 + 180) / side), Math.floor((90 - 50) / side)];
      const wide: PostGrid = { ...postsOfTile(geographic, { z, x, y }), columns: 129, rows: 65 };
      const both = await field.read(wide);
      const east = await field.read(postsOfTile(geographic, { z, x: x + 1, y }));
      for (let row = 0; row < 65; row++) {
        for (let i = 0; i < 65; i++) expect(east.heights[row * 65 + i]).toBe(both.heights[row * 129 + 64 + i]);
      }
    }
  });

  it('is doubted when it lies far from EGM96, above all when its sign is turned', async () => {
    const here = undulationAt(egm96(), 8.08, 49.92);
    const turned = await open(raster(geoidTiff(7, 51, 0.5, 6, 6, -here)));
    expect(turned.datum.warnings.join()).toMatch(/sign seems to be turned/);
    const centimetres = await open(raster(geoidTiff(7, 51, 0.5, 6, 6, here * 10)));
    expect(centimetres.datum.warnings.join()).toMatch(/m from EGM96/);
  });
});

describeWithData(
  'Los Angeles in two editions, above the geoid EGM2008 and above the ellipsoid',
  ['geotiff/losangeles_4326_glo30_geoid.tif', 'geotiff/losangeles_4326_glo30_ellipsoid.tif'],
  (geoidEdition, ellipsoidEdition) => {
    async function make(path: string, verticalDatum?: string) {
      const options = { ...tileOptionsSchema.parse({}), verticalDatum };
      const maker = await openTerrainMaker({ sources: [path], options });
      onTestFinished(() => maker.close());
      return maker;
    }

    async function greatestDifference(path: string, verticalDatum?: string) {
      const [own, truth] = [await make(path, verticalDatum), await make(ellipsoidEdition)];
      expect(truth.members[0]?.field.datum.statement).toMatchObject({ source: 'ellipsoid', known: 'format' });
      let worst = 0;
      let compared = 0;
      for (let z = 11; z <= 14; z++) {
        const side = 180 / 2 ** z;
        const id = { z, x: Math.floor((180 - 118) / side), y: Math.floor((90 - 34) / side) };
        const posts = postsOfTile(geographic, id);
        const [a, b] = [await own.field.read(posts), await truth.field.read(posts)];
        for (const [i, height] of a.heights.entries()) {
          if (a.origin[i] !== Origin.measured) continue;
          compared++;
          worst = Math.max(worst, Math.abs(height - b.heights[i]));
        }
      }
      expect(compared).toBeGreaterThan(5000);
      return { worst, maker: own };
    }

    it('agree within 0.8 m by EGM96, with the expected difference reported', async () => {
      const { worst, maker } = await greatestDifference(geoidEdition);
      expect(worst).toBeLessThan(0.8);
      expect(worst).toBeGreaterThan(0.05);
      const { datum, warnings = [] } = maker.document('la').relievo;
      expect(datum).toMatchObject({ source: 'egm2008', known: 'assumed', geoid: 'egm96', expectedErrorMetres: 1 });
      expect(warnings.join()).toMatch(/EGM96 stands in for EGM2008.*us_nga_egm08_25\.tif/);
    });

    it('agree within 1 cm by a grid made from the two', async () => {
      const [a, b] = [await openSource([geoidEdition]), await openSource([ellipsoidEdition])];
      onTestFinished(async () => {
        await Promise.all([a.close(), b.close()]);
      });
      const { affine, levels } = a.info;
      const { columns, rows } = levels[0];
      const whole = { column: 0, row: 0, columns, rows };
      const [above, below] = [await a.read(0, whole), await b.read(0, whole)];
      const nodes = Array.from(below, (height, i) => height - above[i]);
      const grid = geoidTiff(affine.c, affine.f, affine.a, columns, rows, nodes);
      const { worst, maker } = await greatestDifference(geoidEdition, grid);
      expect(worst).toBeLessThan(0.01);
      expect(maker.document('la').relievo.datum).toMatchObject({
        source: 'egm2008',
        known: 'option',
        geoid: 'geoid.tif',
      });
      expect(maker.warnings).toEqual([]);
    });
  },
);

describeWithData('Swiss coordinates and heights', ['grids/ch_swisstopo_chgeo2004_ETRS89_LN02.tif'], (grid) => {
  it.runIf(HAS_CS2CS)('LV95 + LN02 gives the heights of cs2cs within 2 mm at 200 places', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'plateau.tif');
    const [columns, rows, step] = [110, 50, 1000];
    const [west, north] = [2_560_000, 1_230_000];
    const blocks = [bytesOf(new Float32Array(columns * rows).fill(500))];
    const keys = { 1024: 1, 1025: 1, 3072: 2056, 4096: 5728 };
    const tie = { x: west, y: north, step };
    writeFileSync(path, tinyTiff({ columns, rows, blocks, bits: 32, format: 3, keys, tie }));
    const options = { ...tileOptionsSchema.parse({}), verticalDatum: grid };
    const maker = await openTerrainMaker({ sources: [path], options });
    onTestFinished(() => maker.close());
    expect(maker.members[0]?.field.datum.statement).toMatchObject({ source: 'ln02', known: 'option' });
    expect(maker.members[0]?.field.datum.warnings).toEqual([]);
    const random = seededRandom(95);
    const places = Array.from({ length: 200 }, () => [
      west + (1 + random() * (columns - 2)) * step,
      north - (1 + random() * (rows - 2)) * step,
      500,
    ]);
    const judged = cs2cs('EPSG:2056+5728', 'EPSG:4937', places, dirname(grid));
    for (const [lat, lon, height] of judged) {
      expect(height).toBeGreaterThan(540);
      const sample = await maker.field.sampleAt(lon, lat);
      expect(sample.origin).toBe(Origin.measured);
      expect(Math.abs(sample.height - height)).toBeLessThan(0.002);
    }
  });
});
