/** GeoTIFFs whose projection is their own, in keys as GDAL writes them, against what GDAL computes. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { gdalProject, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { tinyTiff } from '../support/tiff-writer.ts';

/** Definition, and a place in it. */
const PROJECTIONS: Readonly<Record<string, readonly [definition: string, lon: number, lat: number]>> = {
  LAEA: ['+proj=laea +lat_0=40 +lon_0=-112 +x_0=1000 +y_0=2000 +datum=WGS84', -112.3, 37.4],
  'LCC 1SP': ['+proj=lcc +lat_1=37 +lat_0=37 +lon_0=-113 +k_0=0.9998 +x_0=5e5 +y_0=3e5 +ellps=GRS80', -112.3, 37.4],
  'LCC 2SP in US feet': [
    '+proj=lcc +lat_1=36 +lat_2=38.5 +lat_0=36.5 +lon_0=-113 +x_0=400000 +y_0=100000 +datum=NAD83 +units=us-ft',
    -112.3,
    37.4,
  ],
  Albers: ['+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +datum=WGS84', -112.3, 37.4],
  'polar stereographic': ['+proj=stere +lat_0=90 +lat_ts=71 +lon_0=-100 +x_0=10 +y_0=20 +datum=WGS84', -112.3, 70.4],
  'oblique Mercator, B': [
    '+proj=omerc +lat_0=37 +lonc=-113 +alpha=35 +gamma=35 +k=0.9999 +x_0=500000 +y_0=100000 +datum=WGS84',
    -112.3,
    37.4,
  ],
  'oblique Mercator, A': [
    '+proj=omerc +no_uoff +lat_0=37 +lonc=-113 +alpha=35 +gamma=35 +k=0.9999 +x_0=500000 +y_0=100000 +datum=WGS84',
    -112.3,
    37.4,
  ],
  Krovak: ['+proj=krovak +lat_0=49.5 +lon_0=24.8333333333333 +alpha=30.2881397527778 +k=0.9999 +ellps=WGS84', 15, 49.9],
  'Swiss by code': ['EPSG:2056', 8, 46.9],
  'Swiss by its parameters': [
    '+proj=somerc +lat_0=46.9524055555556 +lon_0=7.43958333333333 +x_0=2600000 +y_0=1200000 +ellps=bessel +towgs84=674.374,15.056,405.346',
    8,
    46.9,
  ],
  'transverse Mercator to west and south, by code': ['EPSG:2053', 29.4, -29.5],
  'transverse Mercator to west and south': ['+proj=tmerc +axis=wsu +lat_0=0 +lon_0=29 +ellps=WGS84', 29.4, -29.5],
  'equidistant cylindrical': ['+proj=eqc +lat_ts=40 +lon_0=-110 +datum=WGS84', -112.3, 37.4],
  Mollweide: ['+proj=moll +lon_0=-90 +datum=WGS84', -112.3, 37.4],
  'sinusoidal on the sphere of MODIS': ['+proj=sinu +R=6371007.181', -112.3, 37.4],
  'Mercator with a true parallel': ['+proj=merc +lat_ts=40 +lon_0=20 +datum=WGS84', -112.3, 37.4],
  polyconic: ['+proj=poly +lat_0=0 +lon_0=-54 +x_0=5000000 +y_0=10000000 +ellps=GRS80', -53, -10],
};

describe.runIf(HAS_GDAL)('projections of the file’s own', () => {
  it.each(Object.entries(PROJECTIONS))('%s', async (_, [definition, lon, lat]) => {
    const blank = tinyTiff({ columns: 3, rows: 3, bits: 8, format: 1, blocks: [new Uint8Array(9)] });
    const folder = temporaryFolder({ 'blank.tif': blank });
    const path = join(folder, 'own.tif');
    const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(definition, [[lon, lat]]);
    const corners = [x - 150, y + 150, x + 150, y - 150].map(String);
    gdalTranslate(join(folder, 'blank.tif'), path, ['-a_srs', definition, '-a_ullr', ...corners]);
    const source = await openGeoTiff(path);
    const crs = await resolveCrs(source.info.crs);
    await source.close();
    const ours = crs.forward([lon, lat]);
    expect(Math.hypot(ours[0] - x, ours[1] - y) * crs.unitMetres).toBeLessThan(0.01);
    const [lonBack, latBack] = crs.inverse([x, y]);
    expect(Math.hypot(lonBack - lon, latBack - lat) * 111320).toBeLessThan(0.01);
  });
});

describeWithData(
  'projections of files as found',
  [
    'geotiff/olinda_utm25s_float32.tif',
    'geotiff/nz_2193_float32_lzw_nan.tif',
    'geotiff/vestfold_3031_float32.tif',
    'geotiff/antarctica_3031_2km_float32.tif',
  ],
  (...paths) => {
    it.runIf(HAS_GDAL).each(paths)('%s: its corners lie where GDAL has them', async (path) => {
      const source = await openGeoTiff(path);
      const crs = await resolveCrs(source.info.crs);
      const { affine, levels } = source.info;
      await source.close();
      const { columns = 0, rows = 0 } = levels[0] ?? {};
      const samples = [
        [0, 0],
        [columns - 1, 0],
        [0, rows - 1],
        [columns - 1, rows - 1],
        [Math.floor(columns / 2), Math.floor(rows / 2)],
      ] as const;
      // GDAL counts at the outer corner of a sample.
      const input = samples.map(([column, row]) => `${column + 0.5} ${row + 0.5}`).join('\n');
      const out = execFileSync('gdaltransform', [path, '-t_srs', 'OGC:CRS84'], { input, encoding: 'utf8' });
      for (const [i, line] of out.trim().split('\n').entries()) {
        const [lon = Number.NaN, lat = Number.NaN] = line.split(' ').map(Number);
        const [column, row] = samples[i] ?? [0, 0];
        const here = crs.inverse([affine.a * column + affine.c, affine.e * row + affine.f]);
        const east = (here[0] - lon) * Math.cos((lat * Math.PI) / 180);
        expect(Math.hypot(east, here[1] - lat) * 111320).toBeLessThan(0.01);
      }
    });
  },
);
