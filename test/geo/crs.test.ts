import { describe, expect, it } from 'vitest';
import { RelievoError } from '../../tiler/error.ts';
import { crsFromGeoKeys, resolveCrs } from '../../tiler/geo/crs.ts';
import { gdalProject, HAS_GDAL } from '../support/gdal.ts';

const refusal = (text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code: 'crs', message: expect.stringMatching(text) });

describe('resolveCrs', () => {
  it('is the identity, to the bit and beyond 180 degrees, for longitude and latitude', async () => {
    for (const definition of [
      'EPSG:4326',
      'urn:ogc:def:crs:EPSG::4326',
      'epsg:4979',
      'EPSG:4269',
      'EPSG:4258',
      '+proj=longlat +datum=WGS84',
    ]) {
      const crs = await resolveCrs(definition);
      expect(crs).toMatchObject({ geographic: true, unitMetres: 1 });
      expect(crs.forward([12.345678901234567, -45.1])).toEqual([12.345678901234567, -45.1]);
      expect(crs.forward([359.5, 90.04])).toEqual([359.5, 90.04]);
      expect(crs.inverse([-200, 0.1])).toEqual([-200, 0.1]);
    }
    expect((await resolveCrs('EPSG:4326')).name).toBe('WGS 84 (EPSG:4326)');
  });

  it('knows UTM and Pseudo-Mercator by closed form', async () => {
    const utm = await resolveCrs('EPSG:32632');
    expect(utm).toMatchObject({ name: 'WGS 84 / UTM zone 32N (EPSG:32632)', geographic: false, unitMetres: 1 });
    expect(utm.forward([9, 0])[0]).toBeCloseTo(500000, 6);
    expect(utm.forward([9, 0])[1]).toBeCloseTo(0, 6);
    expect((await resolveCrs('EPSG:32732')).forward([9, 0])[1]).toBeCloseTo(10000000, 6);
    const mercator = await resolveCrs('EPSG:3857');
    expect(mercator.forward([180, 45])[0]).toBeCloseTo(Math.PI * 6378137, 6);
    expect(mercator.forward([180, 45])[1]).toBeCloseTo(6378137 * Math.asinh(1), 6);
  });

  // Those that need a datum grid are held against PROJ with it, in crs-grids.test.ts.
  it.runIf(HAS_GDAL).each([
    ['EPSG:2056', 7.1, 45.92],
    ['EPSG:31370', 4.4, 50.8],
    ['EPSG:2263', -73.9, 40.7],
    ['EPSG:5186', 127.4, 34.9],
    ['EPSG:2193', 172.5, -43.5],
    ['EPSG:2049', 21.4, -33.6],
    ['EPSG:2053', 29.3, -29.5],
    ['EPSG:3031', 101, -86],
    ['EPSG:3413', -40, 72],
    ['EPSG:3035', 10, 50],
    ['EPSG:2154', 3, 46],
    ['EPSG:5070', -100, 40],
    ['EPSG:26918', -77, 38.8],
    ['EPSG:26931', -134, 57],
    ['EPSG:32661', 100, 85],
    ['EPSG:5041', 100, 85],
    ['EPSG:6933', 30, 50],
  ])('%s agrees with GDAL, axes and all', async (code, lon, lat) => {
    const crs = await resolveCrs(code);
    const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(code, [[lon, lat]]);
    const ours = crs.forward([lon, lat]);
    expect(Math.hypot(ours[0] - x, ours[1] - y) * crs.unitMetres).toBeLessThan(0.01);
    const back = crs.inverse([x, y]);
    expect(back[0]).toBeCloseTo(lon, 6);
    expect(back[1]).toBeCloseTo(lat, 6);
  });

  // A northing comes first by definition, and east and north in a raster; west and south stay what they are.
  it.runIf(HAS_GDAL).each([
    ['EPSG:31467', 9.3, 48.5],
    ['EPSG:5513', 14.5, 50],
    ['EPSG:5514', 14.5, 50],
    ['EPSG:2065', 14.5, 50],
  ])('%s, whose datum is refused, has its axes as GDAL has them', async (code, lon, lat) => {
    const crs = await resolveCrs(code, { unjudged: true });
    const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(code, [[lon, lat]]);
    const ours = crs.forward([lon, lat]);
    expect(Math.hypot(ours[0] - x, ours[1] - y)).toBeLessThan(20);
  });

  it('converts units: US survey feet, grads from Paris', async () => {
    const longIsland = await resolveCrs('EPSG:2263');
    expect(longIsland.unitMetres).toBeCloseTo(1200 / 3937, 9);
    expect(longIsland.forward([-74, 40.7])[0] * longIsland.unitMetres).toBeCloseTo(300000, 3);
    const paris = await resolveCrs('EPSG:4807');
    expect(paris).toMatchObject({ geographic: true, unitMetres: 0.9 });
    const [x, y] = paris.forward([2.5, 48]);
    expect(x).toBeCloseTo((2.5 - 2.33722917) / 0.9, 2);
    expect(y).toBeCloseTo(48 / 0.9, 2);
    const feet = await resolveCrs('+proj=utm +zone=32 +ellps=WGS84 +units=ft');
    expect(feet.forward([9, 0])[0]).toBeCloseTo(500000 / 0.3048, 4);
    expect(feet.unitMetres).toBe(0.3048);
  });

  it('keeps x east and y north whatever order of axes is named', async () => {
    const plain = await resolveCrs('+proj=utm +zone=32 +ellps=WGS84');
    const turned = await resolveCrs('+proj=utm +zone=32 +ellps=WGS84 +axis=neu');
    expect(turned.forward([9.5, 1])).toEqual(plain.forward([9.5, 1]));
  });

  it('reads WKT, by its code where it ends in one', async () => {
    const wkt =
      'PROJCS["WGS 84 / UTM zone 32N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]';
    const plain = await resolveCrs(wkt);
    const known = await resolveCrs('EPSG:32632');
    expect(plain.name).toBe('WGS 84 / UTM zone 32N');
    expect(plain.forward([10, 45])[0]).toBeCloseTo(known.forward([10, 45])[0], 3);
    expect(plain.forward([10, 45])[1]).toBeCloseTo(known.forward([10, 45])[1], 3);
    expect((await resolveCrs(`${wkt.slice(0, -1)},AUTHORITY["EPSG","32632"]]`)).definition).toBe('EPSG:32632');
  });

  it('answers NaN, and never throws, where a projection has no answer', async () => {
    const nowhere = [Number.NaN, Number.NaN];
    for (const definition of ['EPSG:32632', 'EPSG:3857', 'EPSG:2056', 'EPSG:4326', 'EPSG:4807']) {
      const crs = await resolveCrs(definition);
      for (const point of [
        [Number.NaN, 0],
        [0, Number.NaN],
        [Number.POSITIVE_INFINITY, 0],
      ] as const) {
        expect(crs.forward(point)).toEqual(nowhere);
        expect(crs.inverse(point)).toEqual(nowhere);
      }
    }
    const utm = await resolveCrs('EPSG:32632');
    expect(utm.forward([9, 91])).toEqual(nowhere);
    expect((await resolveCrs('EPSG:3857')).forward([0, 90])[1]).not.toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses what it cannot compute, in a sentence', async () => {
    await expect(resolveCrs('EPSG:99999')).rejects.toEqual(refusal(/EPSG:99999 is not known/));
    await expect(resolveCrs('EPSG:5773')).rejects.toBeInstanceOf(RelievoError);
    await expect(resolveCrs('EPSG:4978')).rejects.toEqual(refusal(/geocentric/));
    await expect(resolveCrs('WGS 84')).rejects.toEqual(refusal(/EPSG:4326, as a proj4 string/));
    await expect(resolveCrs('+proj=longlat +ellps=airy +nadgrids=@OSTN15.gsb')).rejects.toEqual(
      refusal(/datum grid @OSTN15.gsb.*--crs-grids/),
    );
    await expect(resolveCrs('+proj=notaprojection +ellps=WGS84')).rejects.toEqual(
      refusal(/not one that Relievo can compute/),
    );
    await expect(resolveCrs('+proj=utm +zone=32 +units=cubits')).rejects.toEqual(refusal(/cubits/));
    await expect(resolveCrs('PROJCS["broken"')).rejects.toEqual(refusal(/WKT cannot be used.*cut off/));
  });

  it('refuses a datum of before satellites without a shift, and says what to do', async () => {
    await expect(resolveCrs('+proj=utm +zone=32 +ellps=intl')).rejects.toEqual(
      refusal(/hundreds of metres.*--source-crs.*--crs-grids.*gdalwarp/s),
    );
    await expect(resolveCrs('EPSG:2327')).rejects.toEqual(refusal(/Xian 1980.*hundreds of metres/));
    const spherical = await resolveCrs('+proj=sinu +R=6371007.181');
    expect(spherical.forward([0, 10])[1]).toBeCloseTo((6371007.181 * Math.PI) / 18, 3);
    expect((await resolveCrs('+proj=longlat +datum=NAD27')).forward([-100, 40])[0]).not.toBe(-100);
  });

  it('refuses a code whose grid is missing, naming the file, the option and the way to accept the error', async () => {
    for (const [code, file] of [
      ['EPSG:21781', 'ch_swisstopo_CHENyx06_ETRS.tif'],
      ['EPSG:31467', 'de_adv_BETA2007.tif'],
      ['EPSG:27700', 'uk_os_OSTN15_NTv2_OSGBtoETRS.tif'],
      ['EPSG:26711', ''],
    ]) {
      const error: unknown = await resolveCrs(code ?? '').catch((caught: unknown) => caught);
      expect(error).toEqual(refusal(new RegExp(`up to \\d+ m.*--crs-grids ${file}.*gdalwarp`, 's')));
      // The proj4 string at the end of the sentence is one that is taken.
      const accepted = /--source-crs "([^"]+)"/.exec((error as Error).message)?.[1];
      const crs = await resolveCrs(accepted ?? '');
      expect(crs.forward(crs.inverse([650000, 250000]))[0]).toBeCloseTo(650000, 1);
      expect(crs.accuracyMetres).toBeUndefined();
    }
  });

  it('says how accurate it is, and what is taken as WGS 84', async () => {
    const of = async (code: string) => {
      const { accuracyMetres, note } = await resolveCrs(code);
      return { accuracyMetres, note };
    };
    expect(await of('EPSG:32632')).toEqual({ accuracyMetres: 0, note: '' });
    expect(await of('EPSG:25832')).toEqual({
      accuracyMetres: 0.9,
      note: expect.stringMatching(/^ETRS89 is taken as WGS 84: up to 0.9 m in 2026/),
    });
    expect(await of('EPSG:26918')).toMatchObject({ accuracyMetres: 2, note: expect.stringMatching(/NAD83 is taken/) });
    expect(await of('EPSG:28355')).toMatchObject({
      accuracyMetres: 1.8,
      note: expect.stringMatching(/GDA94 is taken/),
    });
    expect(await of('EPSG:2154')).toMatchObject({ accuracyMetres: 0.9, note: expect.stringMatching(/RGF93/) });
    expect(await of('EPSG:28992')).toMatchObject({ note: expect.stringMatching(/Amersfoort.*one shift/) });
  });
});

describe('crsFromGeoKeys', () => {
  it('takes the code and the name that the file gives', async () => {
    const crs = await crsFromGeoKeys({
      GTModelTypeGeoKey: 1,
      ProjectedCSTypeGeoKey: 2056,
      GTCitationGeoKey: 'CH1903+ / LV95',
      ProjLinearUnitsGeoKey: 9001,
    });
    expect(crs).toMatchObject({ definition: 'EPSG:2056', name: 'CH1903+ / LV95 (EPSG:2056)' });
  });

  it('counts a unit once, where both the code and the file name it', async () => {
    const crs = await crsFromGeoKeys({
      GTModelTypeGeoKey: 1,
      ProjectedCSTypeGeoKey: 2263,
      ProjLinearUnitsGeoKey: 9003,
    });
    const plain = await resolveCrs('EPSG:2263');
    expect(crs.forward([-74, 40.7])[1]).toBeCloseTo(plain.forward([-74, 40.7])[1], 3);
  });

  it('gives a unit of the file precedence, in a definition that resolves to the same', async () => {
    const crs = await crsFromGeoKeys({
      GTModelTypeGeoKey: 1,
      ProjectedCSTypeGeoKey: 32632,
      ProjLinearUnitsGeoKey: 9002,
    });
    expect(crs.forward([9, 0])[0]).toBeCloseTo(500000 / 0.3048, 3);
    const again = await resolveCrs(crs.definition);
    expect(again.forward([10, 45])).toEqual(crs.forward([10, 45]));
    expect(again.unitMetres).toBe(crs.unitMetres);
  });

  it('builds a projection of the file from its parameters', async () => {
    const keys = {
      GTModelTypeGeoKey: 1,
      GeographicTypeGeoKey: 4326,
      ProjectedCSTypeGeoKey: 32767,
      ProjectionGeoKey: 32767,
      ProjLinearUnitsGeoKey: 9001,
    };
    const tmerc = await crsFromGeoKeys({
      ...keys,
      ProjCoordTransGeoKey: 1,
      ProjNatOriginLongGeoKey: 9,
      ProjNatOriginLatGeoKey: 0,
      ProjFalseEastingGeoKey: 500000,
      ProjFalseNorthingGeoKey: 0,
      ProjScaleAtNatOriginGeoKey: 0.9996,
    });
    const utm = await resolveCrs('EPSG:32632');
    expect(tmerc.forward([10, 45])[0]).toBeCloseTo(utm.forward([10, 45])[0], 3);
    expect((await resolveCrs(tmerc.definition)).forward([10, 45])).toEqual(tmerc.forward([10, 45]));

    const polar = await crsFromGeoKeys({
      ...keys,
      ProjCoordTransGeoKey: 15,
      ProjNatOriginLatGeoKey: 70,
      ProjStraightVertPoleLongGeoKey: -45,
      ProjFalseEastingGeoKey: 0,
      ProjFalseNorthingGeoKey: 0,
      ProjScaleAtNatOriginGeoKey: 1,
    });
    const greenland = await resolveCrs('EPSG:3413');
    expect(polar.forward([-40, 72])[0]).toBeCloseTo(greenland.forward([-40, 72])[0], 3);
    expect(polar.forward([-40, 72])[1]).toBeCloseTo(greenland.forward([-40, 72])[1], 3);
  });

  it('refuses a file that does not say where it is', async () => {
    await expect(crsFromGeoKeys({})).rejects.toEqual(refusal(/does not say in which coordinate reference system/));
    await expect(crsFromGeoKeys({ GTModelTypeGeoKey: 1 })).rejects.toEqual(
      refusal(/does not say|not by which projection/),
    );
    await expect(crsFromGeoKeys({ GTModelTypeGeoKey: 3 })).rejects.toEqual(refusal(/geocentric/));
    await expect(crsFromGeoKeys({ GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 29999 })).rejects.toEqual(
      refusal(/EPSG:29999/),
    );
  });
});
