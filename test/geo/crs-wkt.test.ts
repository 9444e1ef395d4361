/** WKT1, WKT2, Esri's WKT and PROJJSON of many projections, as GDAL writes them, against what GDAL computes. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { gdalProject, HAS_GDAL } from '../support/gdal.ts';

/** Definition, longitude, latitude. */
const SYSTEMS: Readonly<Record<string, readonly [definition: string, lon: number, lat: number]>> = {
  'transverse Mercator': ['EPSG:32755', 147, -40],
  'northing first': ['EPSG:2193', 173, -42],
  'axes west and south': ['EPSG:2053', 29.4, -29.5],
  LAEA: ['+proj=laea +lat_0=40 +lon_0=-112 +x_0=1000 +y_0=2000 +datum=WGS84', -112.3, 37.4],
  'LCC 1SP': ['+proj=lcc +lat_1=37 +lat_0=37 +lon_0=-113 +k_0=0.9998 +x_0=5e5 +y_0=3e5 +ellps=GRS80', -112.3, 37.4],
  'LCC 2SP in feet': [
    '+proj=lcc +lat_1=36 +lat_2=38.5 +lat_0=36.5 +lon_0=-113 +x_0=400000 +y_0=100000 +datum=NAD83 +units=us-ft',
    -112.3,
    37.4,
  ],
  Albers: ['+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +datum=WGS84', -112.3, 37.4],
  'polar, south': ['EPSG:3031', 100, -80],
  'polar, north': ['+proj=stere +lat_0=90 +lat_ts=71 +lon_0=-100 +x_0=10 +y_0=20 +datum=WGS84', -112.3, 70.4],
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
  'Swiss, with the shift of its datum': ['EPSG:2056', 8, 46.9],
  'Dutch, with the shift of its datum': ['EPSG:28992', 5, 52],
  Krovak: ['+proj=krovak +lat_0=49.5 +lon_0=24.8333333333333 +alpha=30.2881397527778 +k=0.9999 +ellps=WGS84', 15, 49.9],
  'equidistant cylindrical': ['+proj=eqc +lat_ts=40 +lon_0=-110 +datum=WGS84', -112.3, 37.4],
  Mollweide: ['+proj=moll +lon_0=-90 +datum=WGS84', -112.3, 37.4],
  'sinusoidal on a sphere': ['+proj=sinu +lon_0=0 +R=6371007.181', -112.3, 37.4],
  Mercator: ['EPSG:3395', 30, 50],
  'Web Mercator': ['EPSG:3857', 30, 50],
  'equal-area cylinder': ['EPSG:6933', 30, 50],
  geographic: ['EPSG:4326', 30, 50],
};

describe.runIf(HAS_GDAL)('WKT and PROJJSON as GDAL writes them', () => {
  for (const [name, [definition, lon, lat]] of Object.entries(SYSTEMS)) {
    it.each(['wkt1', 'wkt2', 'wkt_esri', 'projjson'])(`${name}, %s`, async (form) => {
      const text = withoutCode(
        execFileSync('gdalsrsinfo', ['-o', form, definition], { encoding: 'utf8' }).trim(),
        form,
      );
      const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(definition, [[lon, lat]]);
      const crs = await resolveCrs(text);
      const ours = crs.forward([lon, lat]);
      expect(Math.hypot(ours[0] - x, ours[1] - y) * (crs.geographic ? 1e5 : crs.unitMetres)).toBeLessThan(0.01);
      const back = crs.inverse([x, y]);
      expect(Math.hypot(back[0] - lon, back[1] - lat) * 111320).toBeLessThan(0.02);
      expect((await resolveCrs(crs.definition)).forward([lon, lat])).toEqual(ours);
    });
  }

  it('takes the code that ends it for the whole', async () => {
    for (const form of ['wkt1', 'wkt2', 'projjson']) {
      const text = execFileSync('gdalsrsinfo', ['-o', form, 'EPSG:32632'], { encoding: 'utf8' }).trim();
      expect((await resolveCrs(text)).definition).toBe('EPSG:32632');
    }
  });

  it('reads the horizontal part of a compound, and the shift of a bound system', async () => {
    const compound = execFileSync('gdalsrsinfo', ['-o', 'wkt1', 'EPSG:32632+5773'], { encoding: 'utf8' }).trim();
    expect((await resolveCrs(compound)).definition).toBe('EPSG:32632');
    const shifted = '+proj=utm +zone=33 +ellps=bessel +towgs84=570.8,85.7,462.8,4.998,1.587,5.261,3.56';
    for (const form of ['wkt1', 'wkt2', 'projjson']) {
      const crs = await resolveCrs(execFileSync('gdalsrsinfo', ['-o', form, shifted], { encoding: 'utf8' }).trim());
      const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(shifted, [[15, 50]]);
      const ours = crs.forward([15, 50]);
      expect(Math.hypot(ours[0] - x, ours[1] - y)).toBeLessThan(0.01);
      expect(crs).toMatchObject({ accuracyMetres: undefined, note: expect.stringMatching(/shift in its definition/) });
    }
  });
});

describe('WKT that is not sound', () => {
  const utm = (projection: string, parameter = 'false_easting') =>
    `PROJCS["x",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]],PROJECTION["${projection}"],PARAMETER["${parameter}",500000],PARAMETER["central_meridian",9],UNIT["Meter",1]]`;

  it.each([
    ['cut off', utm('Transverse_Mercator').slice(0, -20), /cut off/],
    ['an unknown projection', utm('Mystery_Projection'), /Mystery_Projection is not known/],
    ['an unknown parameter', utm('Transverse_Mercator', 'mystery'), /parameter mystery/],
    ['a vertical system', 'VERT_CS["EGM96",VERT_DATUM["EGM96",2005],UNIT["m",1]]', /VERT_CS.*nothing of where/],
    ['no ellipsoid', 'GEOGCS["x",DATUM["y"],PRIMEM["Greenwich",0],UNIT["degree",0.01745]]', /names no ellipsoid/],
    ['brackets without end', `GEOGCS[${'A['.repeat(5000)}`, /brackets deep/],
    ['a quote without end', 'GEOGCS["WGS 84', /cut off/],
    ['JSON that is cut off', '{"type": "GeographicCRS"', /PROJJSON cannot be used/],
    ['JSON of something else', '{"type": "VerticalCRS", "name": "x"}', /VerticalCRS/],
    [
      'an old datum that has no name',
      utm('Transverse_Mercator').replace('"WGS_1984",6378137', '"b",6377397.155').replace('GCS_WGS_1984', 'unknown'),
      /hundreds of metres/,
    ],
  ])('refuses %s', async (_, text, sentence) => {
    await expect(resolveCrs(text)).rejects.toMatchObject({ code: 'crs', message: expect.stringMatching(sentence) });
  });

  it("finds the datum by Esri's name, and refuses it where its grid is missing", async () => {
    const old = utm('Transverse_Mercator')
      .replace('GCS_WGS_1984', 'GCS_North_American_1927')
      .replace('"WGS_1984",6378137,298.257223563', '"Clarke_1866",6378206.4,294.9786982');
    await expect(resolveCrs(old)).rejects.toMatchObject({ message: expect.stringMatching(/NAD27.*--crs-grids/s) });
  });
});

/** The text without the code of the whole, so that its own words have to be read. */
function withoutCode(text: string, form: string): string {
  if (form !== 'projjson') {
    return text.replace(/,\s*(AUTHORITY|ID)\s*\[\s*"EPSG"\s*,\s*"?\d+"?\s*\]\s*\]\s*$/, ']');
  }
  const { id: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(rest);
}
