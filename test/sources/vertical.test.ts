import { describe, expect, it } from 'vitest';
import { recogniseFamily } from '../../tiler/sources/known-families.ts';
import { overrideVertical, verticalFromKeys, verticalFromWkt, verticalUnknown } from '../../tiler/sources/vertical.ts';
import { datumOfCrs, datumOfText, gridOf, standInError, VERTICAL_DATUMS } from '../../tiler/sources/vertical-datums.ts';

const keys = (vertical: number, more: Record<string, number | string> = {}) =>
  verticalFromKeys({ GTModelTypeGeoKey: 2, GeographicTypeGeoKey: 4326, VerticalGeoKey: vertical, ...more }, undefined);

describe('vertical keys', () => {
  it.each([
    [5773, 'egm96'],
    [3855, 'egm2008'],
    [5703, 'navd88'],
    [5103, 'navd88'],
    [5728, 'ln02'],
    [5709, 'nap'],
    [5720, 'ngf-ign69'],
    [5783, 'dhhn92'],
    [7837, 'dhhn2016'],
    [5701, 'odn'],
    [5711, 'ahd'],
    [7839, 'nzvd2016'],
    [4979, 'ellipsoid'],
    [5030, 'ellipsoid'],
    [9999, 'epsg:9999'],
  ])('EPSG:%i is %s, and known by the file', (code, datum) => {
    expect(keys(code)).toMatchObject({ datum, known: 'file', unit: 'metre', unitMetres: 1 });
    expect(keys(code).because).toContain(String(code));
  });

  it('counts feet and US survey feet', () => {
    const usFoot = 1200 / 3937;
    expect(keys(6360)).toMatchObject({ datum: 'navd88', unitMetres: usFoot });
    expect(keys(8228)).toMatchObject({ datum: 'navd88', unitMetres: 0.3048 });
    expect(keys(5703, { VerticalUnitsGeoKey: 9003 })).toMatchObject({ datum: 'navd88', unitMetres: usFoot });
    expect(keys(8052)).toMatchObject({ datum: 'egm96', known: 'assumed', unitMetres: usFoot });
    expect(verticalFromKeys({}, 'US survey foot')).toMatchObject({ unitMetres: usFoot, known: 'assumed' });
  });

  it('takes mean sea level for EGM96 and says that this is assumed', () => {
    expect(keys(5714)).toMatchObject({ datum: 'egm96', known: 'assumed' });
    expect(keys(5714).because).toContain('mean sea level');
  });

  it('reads the datum alone, and what a citation names', () => {
    const own = { VerticalGeoKey: 32767 };
    expect(verticalFromKeys({ ...own, VerticalDatumGeoKey: 5109 }, undefined)).toMatchObject({ datum: 'nap' });
    expect(verticalFromKeys({ VerticalCitationGeoKey: 'NAVD88 height (ftUS)' }, undefined)).toMatchObject({
      datum: 'navd88',
      known: 'file',
    });
    expect(verticalFromKeys({ VerticalCitationGeoKey: 'EGM08_Geoid' }, undefined)).toMatchObject({ datum: 'egm2008' });
    expect(verticalFromKeys({ VerticalCitationGeoKey: 'lidar' }, undefined)).toMatchObject({ known: 'assumed' });
  });

  it('refuses depths and foreign ellipsoids', () => {
    expect(() => keys(5715)).toThrow(/depths, counted downwards/);
    expect(() => keys(5001)).toThrow(/another ellipsoid/);
  });

  it('needs a unit that it knows, from the file or from the user', () => {
    const odd = keys(5703, { VerticalUnitsGeoKey: 9096 });
    expect(() => overrideVertical(odd, {})).toThrow(/--vertical-unit/);
    expect(overrideVertical(odd, { unit: '0.9144' })).toMatchObject({ datum: 'navd88', unitMetres: 0.9144 });
    expect(() => overrideVertical(odd, { unit: 'ell' })).toThrow(/metre, foot/);
  });
});

describe('the vertical part of a compound CRS in WKT', () => {
  const wkt1 = (vertical: string) =>
    `COMPD_CS["x",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],AUTHORITY["EPSG","4326"]],${vertical}]`;

  it('is known by its code, else by its name', () => {
    const navd88 = `VERT_CS["NAVD88 height (ftUS)",VERT_DATUM["NAVD 1988",2005,AUTHORITY["EPSG","5103"]],UNIT["US survey foot",0.304800609601219,AUTHORITY["EPSG","9003"]],AUTHORITY["EPSG","6360"]]`;
    expect(verticalFromWkt(wkt1(navd88))).toMatchObject({ datum: 'navd88', known: 'file', unit: 'US survey foot' });
    const esri = 'VERTCS["EGM2008_Geoid",VDATUM["EGM2008_Geoid"],PARAMETER["Direction",1.0],UNIT["Meter",1.0]]';
    expect(verticalFromWkt(wkt1(esri))).toMatchObject({ datum: 'egm2008', unitMetres: 1 });
    const wkt2 =
      'VERTCRS["LN02 height",VDATUM["Landesnivellement 1902"],CS[vertical,1],AXIS["up",up,LENGTHUNIT["metre",1]],ID["EPSG",5728]]';
    expect(verticalFromWkt(`COMPOUNDCRS["x",GEOGCRS["y",ID["EPSG",4258]],${wkt2}]`)).toMatchObject({ datum: 'ln02' });
  });

  it('is not there in a horizontal one', () => {
    expect(verticalFromWkt('GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]]')).toBeUndefined();
  });
});

describe('what the user says', () => {
  it('goes by name, by code, or by a grid file, and remembers what the file said', () => {
    const file = keys(5703);
    expect(overrideVertical(file, { datum: 'EGM2008' })).toMatchObject({
      datum: 'egm2008',
      known: 'option',
      fileSays: 'navd88',
    });
    expect(overrideVertical(file, { datum: 'EPSG:5728' })).toMatchObject({ datum: 'ln02' });
    expect(overrideVertical(file, { datum: 'EPSG:9999' })).toMatchObject({ datum: 'epsg:9999' });
    for (const text of ['Ellipsoid', 'WGS84', 'EPSG:4979', 'EPSG:7931']) {
      expect(overrideVertical(file, { datum: text })).toMatchObject({ datum: 'ellipsoid', known: 'option' });
    }
    expect(() => overrideVertical(file, { datum: 'EPSG:5715' })).toThrow(/depths/);
    expect(overrideVertical(file, { datum: 'grids/g2018.tif' })).toMatchObject({ datum: 'grids/g2018.tif' });
    expect(overrideVertical(verticalUnknown(), { datum: 'egm96' }).fileSays).toBeUndefined();
  });
});

describe('known kinds of files', () => {
  it.each([
    ['srtm_38_03.tif', 'egm96'],
    ['n37_w123_1arc_v3.tif', 'egm96'],
    ['swellendam_srtm_4326_float32.tif', 'egm96'],
    ['NASADEM_HGT_n20w157.tif', 'egm96'],
    ['ASTGTMV003_N20W157_dem.tif', 'egm96'],
    ['ALPSMLC30_N036E138_DSM.tif', 'egm96'],
    ['N036E138_AVE_DSM.tif', 'egm96'],
    ['Copernicus_DSM_COG_10_N34_00_W119_00_DEM.tif', 'egm2008'],
    ['losangeles_4326_glo30_geoid.tif', 'egm2008'],
    ['area-GLO-90.tif', 'egm2008'],
    ['N51W001_FABDEM_V1-2.tif', 'egm2008'],
    ['losangeles_4326_glo30_ellipsoid.tif', 'ellipsoid'],
    ['arcticdem_mosaic_500m_v4.1.tif', 'ellipsoid'],
    ['REMA_100m_dem.tif', 'ellipsoid'],
    ['TDM1_DEM__30_N45E007_DEM.tif', 'ellipsoid'],
    ['USGS_13_n38w123.tif', 'navd88'],
  ])('%s is %s', (name, datum) => {
    const found = recogniseFamily(verticalUnknown('foot'), name);
    expect(found).toMatchObject({ datum, known: 'format', unitMetres: 0.3048 });
    expect(found.because).toContain(name);
  });

  it.each(['dem.tif', 'lago-di-como.tif', 'glo3.tif', 'remarkable.tif', 'merits.tif', 'swissalti3d_2019.tif'])(
    '%s tells nothing',
    (name) => {
      const unknown = verticalUnknown();
      expect(recogniseFamily(unknown, name)).toBe(unknown);
    },
  );

  it('leaves what the file says', () => {
    const said = keys(5703);
    expect(recogniseFamily(said, 'srtm.tif')).toBe(said);
  });
});

describe('the table of datums', () => {
  it('has each id, code and text once, and says what EGM96 in its place costs', () => {
    const ids = VERTICAL_DATUMS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const codes = VERTICAL_DATUMS.flatMap(({ crs }) => crs);
    expect(new Set(codes).size).toBe(codes.length);
    for (const { id, crs } of VERTICAL_DATUMS) {
      expect(datumOfText(id.toUpperCase())?.id).toBe(id);
      for (const code of crs) expect(datumOfCrs(code)?.id).toBe(id);
      expect(standInError(id).metres > 0).toBe(id !== 'egm96');
    }
    expect(gridOf('egm2008')).toBe('us_nga_egm08_25.tif');
    expect(datumOfText('dem.tif')).toBeUndefined();
    expect(standInError('epsg:9999').metres).toBeGreaterThan(0);
  });
});
