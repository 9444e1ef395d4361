/** What `--clip` and `--flatten` do to a layer, with GDAL as the judge of what lies inside. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Origin } from '../../tiler/geo/post-grid.ts';
import { type TileOptions, tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker, type TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { gdalSamples, HAS_GDAL } from '../support/gdal.ts';
import { gdalRaster } from '../support/gdal-raster.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testData } from '../support/test-data.ts';

type Ring = [number, number][];

async function open(sources: readonly string[], options: Partial<TileOptions> = {}): Promise<TerrainMaker> {
  const maker = await openTerrainMaker({ sources, options: tileOptionsSchema.parse(options) });
  onTestFinished(() => maker.close());
  return maker;
}

function write(content: object, name = 'area.geojson'): string {
  return join(temporaryFolder({ [name]: content }), name);
}

const polygon = (...coordinates: readonly Ring[]) => ({ type: 'Polygon', coordinates });
const box = (west: number, south: number, east: number, north: number): Ring => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

/** Straight between corners in longitude and latitude, in pieces so short that projections hardly bend them. */
function inPieces(corners: readonly (readonly [number, number])[], pieces = 400): Ring {
  const ring = corners.flatMap(([x0, y0], i): Ring => {
    const [x1, y1] = corners[(i + 1) % corners.length];
    return Array.from({ length: pieces }, (_, k) => [x0 + ((x1 - x0) * k) / pieces, y0 + ((y1 - y0) * k) / pieces]);
  });
  return [...ring, ring[0]];
}

/** Corners of a star with a hole, as shares of a raster's columns and rows. */
const STAR = [
  [0.1, 0.3],
  [0.55, 0.06],
  [0.93, 0.42],
  [0.6, 0.55],
  [0.7, 0.94],
  [0.2, 0.8],
] as const;
const HOLE = [
  [0.4, 0.35],
  [0.5, 0.4],
  [0.42, 0.5],
] as const;

const RASTERS = [
  'geotiff/swiss_lv95_float32_cog.tif',
  'geotiff/gabon_utm32_int16.tif',
  'geotiff/baltoro_4326_int16.tif',
] as const;

describe.skipIf(!HAS_GDAL)('--clip', () => {
  for (const name of RASTERS) {
    const path = testData(name);
    it.skipIf(path === undefined)(`cuts ${name} as gdalwarp -cutline does, and the world lies round it`, async () => {
      if (path === undefined) return;
      const raster = gdalRaster(path);
      const { columns, rows } = raster;
      const rings = [STAR, HOLE].map((ring) =>
        inPieces(raster.placesAt(ring.map(([x, y]) => [Math.round(x * columns) + 0.31, Math.round(y * rows) + 0.17]))),
      );
      const clip = write(polygon(...rings));
      const cut = join(temporaryFolder(), 'cut.tif');
      const args = ['-q', '-ot', 'Float64', '-dstnodata', '-99999', '-cutline', clip];
      execFileSync('gdalwarp', [...args, path, cut], { stdio: ['ignore', 'pipe', 'ignore'] });
      const expected = gdalSamples(cut);
      const whole = gdalSamples(path);
      // Without a join, what lies outside is the world as it is.
      const mosaic = write({ version: 1, sources: [{ path, feather: 'none' }] }, 'mosaic.yaml');
      const maker = await open([mosaic], { clip });
      const [{ source }] = maker.members;
      const samples = await source.read(0, { column: 0, row: 0, columns, rows });
      let [inside, differing] = [0, 0];
      for (let i = 0; i < samples.length; i++) {
        if (!(Math.abs(whole[i]) < 9000)) continue;
        if (Number.isNaN(samples[i]) !== (expected[i] === -99999)) differing++;
        else if (expected[i] !== -99999) {
          inside++;
          if (samples[i] !== Math.fround(expected[i])) expect(samples[i], `sample ${i}`).toBe(Math.fround(expected[i]));
        }
      }
      expect(inside).toBeGreaterThan(columns * rows * 0.1);
      // Centres on the very edge fall to either side.
      expect(differing).toBeLessThanOrEqual(3);
      const world = await open([write({ version: 1, sources: [{ path: 'base' }] }, 'world.yaml')]);
      const corners = raster.placesAt([
        [Math.round(0.45 * columns), Math.round(0.42 * rows)],
        [Math.round(0.95 * columns), Math.round(0.95 * rows)],
        [Math.round(0.03 * columns), Math.round(0.05 * rows)],
      ]);
      for (const [lon, lat] of corners) {
        const [clipped, base] = [await maker.field.sampleAt(lon, lat), await world.field.sampleAt(lon, lat)];
        expect([clipped.height, clipped.origin]).toEqual([base.height, Origin.base]);
      }
      const [middle] = raster.placesAt([[Math.round(0.3 * columns), Math.round(0.6 * rows)]]);
      expect((await maker.field.sampleAt(...middle)).origin).toBe(Origin.measured);
    });
  }
});

describe('the polygons of a layer', () => {
  const west = MAUI_SHEETS[0];

  it('cut sources that have a clip of their own to what both leave', async () => {
    const own = polygon(box(-156.6, 20.6, -156.3, 20.9));
    const mosaic = write({ version: 1, sources: [{ path: west, clip: own, feather: 'none' }] }, 'mosaic.yaml');
    const maker = await open([mosaic], { clip: write(polygon(box(-156.45, 20.7, -156.1, 21))) });
    const origins = await Promise.all(
      [
        [-156.4, 20.8],
        [-156.5, 20.8],
        [-156.4, 20.65],
        [-156.2, 20.8],
      ].map(async ([lon, lat]) => (await maker.field.sampleAt(lon, lat)).origin),
    );
    expect(origins).toEqual([Origin.measured, Origin.base, Origin.base, Origin.base]);
  });

  it('leave fewer tiles', async () => {
    const [whole, cut] = [
      await open([west]),
      await open([west], { clip: write(polygon(box(-156.4, 20.7, -156.3, 20.8))) }),
    ];
    const [before, after] = [whole, cut].map((maker) => maker.plan().at(-1) ?? []);
    const count = (ranges: typeof before) => ranges.reduce((sum, r) => sum + (r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1), 0);
    expect(count(after)).toBeLessThan(count(before) / 20);
    expect(count(after)).toBeGreaterThan(50);
  });

  it.each([
    ['inside the data', box(-156.4, 20.7, -156.3, 20.8), [-156.4, 20.7, -156.3, 20.8]],
    ['beyond their edge', box(-156.4, 20.7, -155, 20.8), [-156.4, 20.7, expect.closeTo(-156, 3), 20.8]],
    ['named once more round the Earth', box(203.6, 20.7, 203.7, 20.8), [-156.4, 20.7, -156.3, 20.8]],
  ])('are its bounds: %s', async (_, ring, bounds) => {
    const { document } = await open([west], { clip: write(polygon(ring)) });
    expect(document('x').bounds.map((degrees) => Number(degrees.toFixed(9)))).toEqual(bounds);
  });

  it('are part of its version by their content, not by their name', async () => {
    const versionOf = async (options: Partial<TileOptions>) => (await open([west], options)).document('x').version;
    const square = polygon(box(-156.4, 20.7, -156.3, 20.8));
    const other = polygon(box(-156.4, 20.7, -156.3, 20.81));
    const versions = await Promise.all([
      versionOf({}),
      versionOf({ clip: write(square) }),
      versionOf({ clip: write(other) }),
      versionOf({ flatten: [write(square)] }),
      versionOf({ flatten: [write(other)] }),
      versionOf({ flatten: [`${write(square)}:5`] }),
      versionOf({ flatten: [`${write(square)}:5`], flattenFeather: 3 }),
    ]);
    expect(new Set(versions).size).toBe(versions.length);
    expect(await versionOf({ clip: write(square, 'other name.json') })).toBe(versions[1]);
    expect(await versionOf({ flatten: [write(square, 'other name.json')] })).toBe(versions[3]);
  });

  it('travel with the layer: who opens it again reads no file', async () => {
    const flat = write(polygon(box(-156.4, 20.7, -156.3, 20.8)));
    const first = await open([west], { clip: flat, flatten: [flat] });
    const id = { z: 12, x: Math.floor((-156.35 + 180) / (180 / 4096)), y: Math.floor((90 - 20.75) / (180 / 4096)) };
    const { bytes } = await first.makeTile(id);
    writeFileSync(flat, '{}');
    const again = await openTerrainMaker(structuredClone(first.spec));
    onTestFinished(() => again.close());
    expect(again.field.info.version).toBe(first.field.info.version);
    expect((await again.makeTile(id)).bytes).toEqual(bytes);
  });

  it('make tiles level: a pond in the crater, alike on both sides of a border', async () => {
    const ring = box(-156.23, 20.71, -156.2, 20.73);
    const maker = await open([west], { flatten: [`${write(polygon(ring))}:2500:ellipsoid`] });
    const side = 180 / 2 ** 13;
    const id = { z: 13, x: Math.floor((-156.215 + 180) / side), y: Math.floor((90 - 20.72) / side) };
    const { maxError, triangles } = await maker.makeTile(id);
    const bare = await (await open([west])).makeTile(id);
    expect(triangles).toBeLessThan(bare.triangles);
    expect(maxError).toBeLessThan(maker.scheme.maxGeometricError(13));
    const sample = await maker.field.sampleAt(-156.215, 20.72);
    expect([sample.height, sample.origin]).toEqual([2500, Origin.flattened]);
  });

  it.each<[string, Partial<TileOptions>, RegExp]>([
    ['a clip that meets no data', { clip: 'far' }, /Nothing of N20W157.hgt.zip lies inside the polygons/],
    ['a clip that slips through between samples', { clip: 'tiny' }, /Nothing of N20W157.hgt.zip lies inside/],
    ['a clip that is no GeoJSON', { clip: 'text' }, /is no GeoJSON .*expected polygons in longitude and latitude/],
    ['a clip without polygons', { clip: 'empty' }, /holds no polygon/],
    ['a clip in metres', { clip: 'metres' }, /no longitude and latitude in degrees/],
    ['a clip that is not there', { clip: 'nowhere' }, /Cannot open .*nowhere/],
    ['a feather without an area', { flattenFeather: 5 }, /--flatten-feather .* give both/],
  ])('are refused: %s', async (_, { clip, ...options }, sentence) => {
    const folder = temporaryFolder({
      far: polygon(box(7, 46, 8, 47)),
      tiny: polygon(box(-156.29999, 20.70001, -156.29995, 20.70005)),
      text: 'POLYGON ((7 46, 8 46, 8 47, 7 46))',
      empty: { type: 'FeatureCollection', features: [] },
      metres: polygon(box(2_600_000, 1_200_000, 2_601_000, 1_201_000)),
    });
    await expect(open([west], { ...options, clip: clip && join(folder, clip) })).rejects.toThrow(sentence);
  });

  it('warn of an area where there are no sources', async () => {
    const maker = await open([west], { flatten: [write(polygon(box(7, 46, 8, 47)), 'pond.geojson')] });
    expect(maker.warnings).toContainEqual(
      expect.stringMatching(/^pond.geojson: this flattened area lies beyond .*in longitude and latitude\?/),
    );
    const near = await open([west], { flatten: [write(polygon(box(-156.4, 20.7, -156.3, 20.8)))] });
    expect(near.warnings).toEqual([]);
  });
});
