import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipSource } from '../../tiler/sources/clip-source.ts';
import type { LonLatPolygons } from '../../tiler/sources/mosaic.ts';
import { openFiles } from '../../tiler/sources/open-file.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { gdalProject, gdalSamples, HAS_GDAL } from '../support/gdal.ts';
import { memorySource } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testData } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

type Ring = [number, number][];

/** 1-degree samples whose first has its centre at (west, north). */
function degrees(west: number, north: number, columns: number, rows: number, more: object = {}) {
  const affine = { a: 1, b: 0, c: west, d: 0, e: -1, f: north };
  return memorySource({ columns, rows, affine, values: (c, r) => c + 100 * r, ...more });
}

const box = (west: number, south: number, east: number, north: number): Ring => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

/** Columns and rows that are not void. */
async function placesIn(source: RasterSource): Promise<string[]> {
  const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
  const samples = await source.read(0, { column: 0, row: 0, columns, rows });
  return [...samples].flatMap((value, i) => (Number.isNaN(value) ? [] : [`${i % columns},${Math.floor(i / columns)}`]));
}

const STAR: LonLatPolygons = [
  [
    [
      [9.5, 44],
      [14, 41.3],
      [18.7, 44.2],
      [15.1, 38],
      [11, 36.5],
      [9.5, 44],
    ],
    box(13, 40.5, 14.2, 42.5),
  ],
];
describeRasterSource('a clipped raster', () => clipSource(degrees(5, 50, 20, 30), STAR));
describeRasterSource('a clipped raster round the world', () =>
  clipSource(degrees(-180, 40, 360, 6, { periodColumns: 360 }), [[box(170, 30, 200, 39)], [box(-20, 36, 20, 38.5)]]),
);

describe('clipSource', () => {
  it('keeps samples whose centre lies inside, and none in holes', async () => {
    const clipped = await clipSource(degrees(0, 5, 6, 6), [[box(0.5, 0.5, 4.5, 4.5), box(1.5, 1.5, 3.5, 3.5)]]);
    const ring = ['1,1', '2,1', '3,1', '4,1', '1,2', '4,2', '1,3', '4,3', '1,4', '2,4', '3,4', '4,4'];
    expect(await placesIn(clipped)).toEqual(ring);
    expect(clipped.info.sheets).toEqual([
      { file: 'memory', column: 1, row: 1, columns: 4, rows: 4, origin: { column: 0, row: 0 } },
    ]);
  });

  it('takes polygons that overlap together', async () => {
    const clipped = await clipSource(degrees(0, 3, 4, 4), [[box(-0.5, 1.5, 1.5, 3.5)], [box(0.5, 0.5, 2.5, 2.5)]]);
    expect(await placesIn(clipped)).toEqual(['0,0', '1,0', '0,1', '1,1', '2,1', '1,2', '2,2']);
  });

  it.each([
    ['beyond 180', [[box(178.5, 0.5, 181.5, 1.5)]]],
    ['below -180', [[box(-181.5, 0.5, -178.5, 1.5)]]],
    ['in two parts', [[box(178.5, 0.5, 180, 1.5)], [box(-180, 0.5, -178.5, 1.5)]]],
  ])('finds a polygon across the date line, written %s', async (_, polygons: LonLatPolygons) => {
    const across = await clipSource(degrees(175, 2, 10, 3), polygons);
    expect(await placesIn(across)).toEqual(['4,1', '5,1', '6,1']);
    const world = await clipSource(degrees(-180, 2, 360, 3, { periodColumns: 360 }), polygons);
    expect(await placesIn(world)).toEqual(['0,1', '1,1', '359,1']);
    const eastern = await clipSource(degrees(0, 2, 360, 3, { periodColumns: 360 }), polygons);
    expect(await placesIn(eastern)).toEqual(['179,1', '180,1', '181,1']);
  });

  it('asks nothing of the source outside, and has no sheets where no polygon meets it', async () => {
    const asked: object[] = [];
    const plain = degrees(0, 9, 10, 10);
    const watched: RasterSource = {
      ...plain,
      read: (...args) => {
        asked.push(args[1]);
        return plain.read(...args);
      },
    };
    const clipped = await clipSource(watched, [[box(1.5, 1.5, 3.5, 3.5)]]);
    await clipped.read(0, { column: 6, row: 0, columns: 4, rows: 4 });
    expect(asked).toEqual([]);
    await clipped.read(0, { column: 2, row: 6, columns: 2, rows: 2 });
    expect(asked).toHaveLength(1);
    expect((await clipSource(plain, [[box(50, 50, 60, 60)]])).info.sheets).toEqual([]);
  });

  it('has a version of its own, by its polygons', async () => {
    const versions = [STAR, [[box(1, 1, 3, 3)]]].map(
      async (one) => (await clipSource(degrees(0, 9, 9, 9), one)).info.version,
    );
    expect(new Set([...(await Promise.all(versions)), 'memory']).size).toBe(3);
    const unhashed = await clipSource(degrees(0, 9, 9, 9, { version: '' }), STAR);
    expect(unhashed.info.version).toBe('');
  });
});

/** Real rasters, each with a polygon of longitudes and latitudes over its middle, and one round all of it. */
const RASTERS = [
  'geotiff/swiss_lv95_float32_cog.tif',
  'geotiff/antarctica_3031_2km_float32.tif',
  'geotiff/nz_2193_float32_lzw_nan.tif',
  'geotiff/sfbay_3857_float32_lzw.tif',
  'geotiff/gabon_utm32_int16.tif',
  'geotiff/oregon_4269_w123.tif',
  'geotiff/baltoro_4326_int16.tif',
];

describe.skipIf(!HAS_GDAL)('the samples inside, as gdal_rasterize has them', () => {
  for (const name of RASTERS) {
    const path = testData(name);
    it.skipIf(path === undefined)(name, async () => {
      if (path === undefined) return;
      const folder = temporaryFolder();
      const source = await (await openFiles(1, { hash: false })).open(path);
      const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
      const corners = [
        [0.1, 0.3],
        [0.55, 0.05],
        [0.93, 0.42],
        [0.62, 0.55],
        [0.7, 0.96],
        [0.21, 0.81],
      ].map(([x = 0, y = 0]): [number, number] => [x * columns, y * rows]);
      const ring = lonLatOf(path, [...corners, corners[0] ?? [0, 0]]);
      const inside = join(folder, 'inside.tif');
      const edges = burn(path, ring, inside);
      const expected = gdalSamples(inside);
      const all = memorySource({ columns, rows, affine: source.info.affine, crs: source.info.crs, values: () => 1 });
      const clipped = await clipSource(all, [[ring]]);
      const samples = await clipped.read(0, { column: 0, row: 0, columns, rows });
      expect(expected.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(100);
      const differing = [...samples.keys()].filter((i) => (samples[i] === 1) !== (expected[i] === 1));
      for (const i of differing) {
        const centre = [(i % columns) + 0.5, Math.floor(i / columns) + 0.5] as const;
        expect(distanceTo(edges, centre)).toBeLessThan(0.1);
      }
      await source.close();
    });
  }
});

/** Longitude and latitude of places in samples, counted from the outer corner. */
function lonLatOf(path: string, places: readonly (readonly [number, number])[]): Ring {
  const info = JSON.parse(execFileSync('gdalinfo', ['-json', path], { encoding: 'utf8' }));
  const [x0, ax, bx, y0, ay, by] = info.geoTransform;
  const input = places.map(([c, r]) => `${x0 + ax * c + bx * r} ${y0 + ay * c + by * r}`).join('\n');
  const args = ['-s_srs', info.coordinateSystem.wkt, '-t_srs', 'OGC:CRS84'];
  const out = execFileSync('gdaltransform', args, { input, encoding: 'utf8' });
  return out
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number]);
}

/** Writes 1 in the samples of `path`'s grid inside the ring; the ring in samples from the outer corner, in short pieces. */
function burn(path: string, ring: Ring, out: string): Ring {
  const folder = temporaryFolder();
  const pieces = ring.slice(1).flatMap((to, i) => {
    const from = ring[i] ?? to;
    const at = (k: number, axis: 0 | 1) => from[axis] + ((to[axis] - from[axis]) * k) / 2000;
    return Array.from({ length: 2000 }, (_, k): [number, number] => [at(k, 0), at(k, 1)]);
  });
  const closed = [...pieces, pieces[0] ?? [0, 0]] satisfies Ring;
  const info = JSON.parse(execFileSync('gdalinfo', ['-json', path], { encoding: 'utf8' }));
  const placed = gdalProject(info.coordinateSystem.wkt, closed);
  const geojson = join(folder, 'ring.geojson');
  writeFileSync(geojson, JSON.stringify({ type: 'Polygon', coordinates: [placed] }));
  const blank = ['-q', '-ot', 'Byte', '-b', '1', '-scale', '0', '1', '0', '0', '-a_nodata', 'none', path, out];
  execFileSync('gdal_translate', blank);
  const polygon = join(folder, 'ring.gpkg');
  execFileSync('ogr2ogr', ['-a_srs', info.coordinateSystem.wkt, polygon, geojson]);
  execFileSync('gdal_rasterize', ['-q', '-burn', '1', polygon, out]);
  const [x0, width, , y0, , height] = info.geoTransform;
  return placed.map(([x, y]) => [(x - x0) / width, (y - y0) / height]);
}

function distanceTo(ring: Ring, [x, y]: readonly [number, number]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const [i, [x1, y1]] of ring.entries()) {
    const [x0, y0] = ring[i - 1] ?? [x1, y1];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const t = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(x0 + t * dx - x, y0 + t * dy - y));
  }
  return least;
}
