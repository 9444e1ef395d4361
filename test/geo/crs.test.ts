import { describe, expect, it } from 'vitest';
import { RelievoError } from '../../tiler/error.ts';
import { crsFromGeoKeys, resolveCrs } from '../../tiler/geo/crs.ts';
import { gdalProject, HAS_GDAL } from '../support/gdal.ts';

const refusal = (text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code: 'crs', message: expect.stringMatching(text) });

describe('resolveCrs', () => {
  it('is the identity, to the bit and beyond 180 degrees, for longitude and latitude', async () => {
    for (const definition of ['EPSG:4326', 'epsg:4979', 'EPSG:4269', 'EPSG:4258', '+proj=longlat +datum=WGS84']) {
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

  // GDAL may use better datum grids than our single shifts; where it has none the two are the same.
  it.runIf(HAS_GDAL).each([
    ['EPSG:2056', 7.1, 45.92, 0.01],
    ['EPSG:21781', 8.2, 46.5, 1],
    ['EPSG:27700', -2, 53, 0.01],
    ['EPSG:28992', 5.2, 52, 0.02],
    ['EPSG:31370', 4.4, 50.8, 0.01],
    ['EPSG:2263', -73.9, 40.7, 0.01],
    ['EPSG:5186', 127.4, 34.9, 0.01],
    ['EPSG:2193', 172.5, -43.5, 0.01],
    ['EPSG:3031', 101, -86, 0.01],
    ['EPSG:3413', -40, 72, 0.01],
    ['EPSG:3035', 10, 50, 0.01],
    ['EPSG:2154', 3, 46, 0.01],
    ['EPSG:27572', 2.5, 48, 0.01],
    ['EPSG:5070', -100, 40, 0.01],
    ['EPSG:26918', -77, 38.8, 0.01],
    ['EPSG:31467', 9, 48, 3],
  ])('%s agrees with PROJ', async (code, lon, lat, metres) => {
    const crs = await resolveCrs(code);
    const [[x, y] = [Number.NaN, Number.NaN]] = gdalProject(code, [[lon, lat]]);
    const [ours, theirs] = [crs.forward([lon, lat]), [x, y]];
    expect(Math.hypot(ours[0] - (theirs[0] ?? 0), ours[1] - (theirs[1] ?? 0)) * crs.unitMetres).toBeLessThan(metres);
    const back = crs.inverse(ours);
    expect(back[0]).toBeCloseTo(lon, 6);
    expect(back[1]).toBeCloseTo(lat, 6);
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
      refusal(/datum grid @OSTN15.gsb/),
    );
    await expect(resolveCrs('+proj=notaprojection +ellps=WGS84')).rejects.toEqual(
      refusal(/not one that Relievo can compute/),
    );
    await expect(resolveCrs('+proj=utm +zone=32 +units=cubits')).rejects.toEqual(refusal(/cubits/));
    await expect(resolveCrs('PROJCS["broken"')).rejects.toEqual(refusal(/WKT cannot be used/));
  });

  it('says so when a datum of before satellites has no known shift', async () => {
    expect((await resolveCrs('+proj=utm +zone=32 +ellps=intl')).name).toMatch(/without a shift/);
    expect((await resolveCrs('EPSG:27700')).name).toBe('EPSG:27700');
    expect((await resolveCrs('+proj=longlat +datum=NAD27')).forward([-100, 40])[0]).not.toBe(-100);
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
