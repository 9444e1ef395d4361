import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import { readWorldFile } from '../../tiler/sources/sidecars.ts';
import { gdalCorner, gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { openPlacedFiles } from '../support/placed-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';
import { refusal } from '../support/whole-source.ts';
import { describeRasterSource } from './conformance.ts';

/** Writes files into a folder of their own; the path of the first. */
const put = openPlacedFiles('beside');

async function infoOf(path: string, options: Parameters<typeof openSource>[1] = {}) {
  const source = await openSource([path], options);
  await source.close();
  return source.info;
}

const heights = Int16Array.from({ length: 12 }, (_, i) => i + 1);
const plain = { columns: 4, rows: 3, bits: 16, format: 2, blocks: [bytesOf(heights)] } as const;
/** Says neither where it lies nor in which CRS. */
const BARE = tinyTiff({ ...plain, keys: {}, tags: { 33550: [], 33922: [] } });
const PLACED = tinyTiff(plain);
const WORLD = '0.5\n0\n0\n-0.25\n10.25\n49.875\n';
const UTM =
  'PROJCS["WGS 84 / UTM zone 32N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1],AUTHORITY["EPSG","32632"]]';
const GEOGRAPHIC =
  'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]';

describe('a world file', () => {
  it.each(['dem.tfw', 'dem.tifw', 'dem.tif.tfw', 'dem.wld', 'DEM.TFW'])(
    '%s says where the centre of the first sample lies',
    async (name) => {
      const info = await infoOf(put({ 'dem.tif': BARE, [name]: WORLD, 'dem.prj': GEOGRAPHIC }));
      expect(applyAffine(info.affine, 0, 0)).toEqual([10.25, 49.875]);
      expect(applyAffine(info.affine, 1, 1)).toEqual([10.75, 49.625]);
    },
  );

  it('may turn the raster', async () => {
    const found = await readWorldFile(put({ 'dem.tif': BARE, 'dem.tfw': '1\r\n2\r\n3\r\n-4\r\n5\r\n6' }));
    expect(found?.value).toEqual({ a: 1, d: 2, b: 3, e: -4, c: 5, f: 6 });
  });

  it('counts only where the file itself does not say it', async () => {
    const { affine } = await infoOf(put({ 'dem.tif': PLACED, 'dem.tfw': WORLD }));
    expect(applyAffine(affine, 0, 0)).toEqual([10.5, 49.5]);
  });

  it('is refused when it places nothing', async () => {
    const open = (world: string) => infoOf(put({ 'dem.tif': BARE, 'dem.tfw': world, 'dem.prj': GEOGRAPHIC }));
    await expect(open('0\n0\n0\n0\n10\n50\n')).rejects.toEqual(refusal('crs', /no size/));
    await expect(open('1\n0\n0\n-1\n10\n')).rejects.toEqual(refusal('input-invalid', /six numbers/));
    await expect(open('a\nb')).rejects.toEqual(refusal('input-invalid', /six numbers/));
    await expect(open('1 '.repeat(50_000))).rejects.toEqual(refusal('input-invalid', /page of text/));
  });

  it('is not needed where the user gives bounds', async () => {
    const { affine, crs } = await infoOf(put({ 'dem.tif': BARE }), { bounds: '10,40,14,43', sourceCrs: 'EPSG:4326' });
    expect({ affine, crs }).toEqual({ affine: { a: 1, b: 0, c: 10.5, d: 0, e: -1, f: 42.5 }, crs: 'EPSG:4326' });
  });
});

describe('a .prj', () => {
  const metres = '30\n0\n0\n-30\n500000\n5200000\n';
  it('says in which CRS a file lies that does not say it itself', async () => {
    expect((await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': metres, 'dem.prj': UTM }))).crs).toBe('EPSG:32632');
    expect((await infoOf(put({ 'dem.tif': PLACED, 'dem.prj': UTM }))).crs).toBe('EPSG:4326');
  });

  it('gives way to the user, who may name one too', async () => {
    const path = put({ 'dem.tif': BARE, 'dem.tfw': metres, 'dem.prj': UTM });
    expect((await infoOf(path, { sourceCrs: 'EPSG:32633' })).crs).toBe('EPSG:32633');
    const other = put({ 'other.prj': UTM.replace('32632', '32631') });
    expect((await infoOf(path, { sourceCrs: other })).crs).toBe('EPSG:32631');
    await expect(infoOf(path, { sourceCrs: `${other}.prj` })).rejects.toEqual(
      refusal('input-missing', /--source-crs names/),
    );
  });

  it('says what heights are above, too', async () => {
    const compound = `COMPD_CS["both",${GEOGRAPHIC},VERT_CS["EGM2008 height",VERT_DATUM["EGM2008 geoid",2005],UNIT["metre",1],AUTHORITY["EPSG","3855"]]]`;
    const { vertical } = await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': WORLD, 'dem.prj': compound }));
    expect(vertical).toMatchObject({ datum: 'egm2008', known: 'file' });
  });

  it('is refused, by its own name, when it is none', async () => {
    const open = (prj: string) => infoOf(put({ 'dem.tif': BARE, 'dem.tfw': WORLD, 'dem.prj': prj }));
    await expect(open('hello')).rejects.toEqual(refusal('crs', /dem\.prj.*--source-crs/));
    await expect(open(' \n')).rejects.toEqual(refusal('input-invalid', /dem\.prj is empty/));
  });

  it('is named as a remedy where it is missing', async () => {
    await expect(infoOf(put({ 'dem.tif': BARE, 'dem.tfw': WORLD }))).rejects.toEqual(
      refusal('crs', /--source-crs.*\.prj/),
    );
  });

  it('changes the version, as a world file does', async () => {
    const one = await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': metres, 'dem.prj': UTM }));
    const other = await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': metres, 'dem.prj': UTM.replace('32632', '32631') }));
    const moved = await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': metres.replace('500000', '500030'), 'dem.prj': UTM }));
    expect(new Set([one.version, other.version, moved.version]).size).toBe(3);
  });
});

describeWithData('sidecars that GDAL writes', ['geotiff/gabon_utm32_int16.tif'], (gabon) => {
  it.runIf(HAS_GDAL)('a baseline TIFF with .tfw and .prj lies where the GeoTIFF lies', async () => {
    const at = temporaryFolder();
    const path = join(at, 'dem.tif');
    gdalTranslate(gabon, path, ['-co', 'PROFILE=BASELINE', '-co', 'TFW=YES']);
    rmSync(`${path}.aux.xml`, { force: true });
    writeFileSync(join(at, 'dem.prj'), execFileSync('gdalsrsinfo', ['-o', 'wkt_esri', gabon]));
    const [sidecar, whole] = [await infoOf(path), await infoOf(gabon)];
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f'] as const) {
      expect(sidecar.affine[key]).toBeCloseTo(whole.affine[key], 6);
    }
    expect(sidecar.levels).toEqual(whole.levels);
    const [x, y, width, height] = gdalCorner(path);
    expect(applyAffine(sidecar.affine, -0.5, -0.5)).toEqual([expect.closeTo(x, 6), expect.closeTo(y, 6)]);
    expect([sidecar.affine.a, sidecar.affine.e]).toEqual([expect.closeTo(width, 9), expect.closeTo(height, 9)]);
  });

  it.runIf(HAS_GDAL).each(['wkt1', 'wkt2', 'wkt_esri'])('its .prj as %s is the same place', async (form) => {
    const wkt = execFileSync('gdalsrsinfo', ['-o', form, gabon], { encoding: 'utf8' });
    const world = '92\n0\n0\n-92\n600000\n100000\n';
    const info = await infoOf(put({ 'dem.tif': BARE, 'dem.tfw': world, 'dem.prj': wkt }));
    const [x, y] = (await resolveCrs('EPSG:32632')).forward([10.3, 0.9]);
    expect((await resolveCrs(info.crs)).forward([10.3, 0.9])).toEqual([expect.closeTo(x, 4), expect.closeTo(y, 4)]);
  });

  const withOverviews = () => {
    const path = put({ 'dem.tif': readFileSync(gabon) });
    execFileSync('gdaladdo', ['-ro', '-q', '-r', 'average', path, '2', '4', '8']);
    return path;
  };

  if (HAS_GDAL) describeRasterSource('GeoTIFF with external overviews', () => openSource([withOverviews()]));

  it.runIf(HAS_GDAL)('an .ovr is its levels, sample by sample, and part of its version', async () => {
    const path = withOverviews();
    const source = await openSource([path]);
    const { levels } = source.info;
    expect(levels.slice(0, 4).map(({ scaleX }) => Math.round(scaleX))).toEqual([1, 2, 4, 8]);
    for (const level of [1, 2, 3]) {
      const one = join(temporaryFolder(), `level-${level}.tif`);
      gdalTranslate(path, one, ['-oo', `OVERVIEW_LEVEL=${level - 1}`]);
      const { columns = 0, rows = 0 } = levels[level] ?? {};
      const read = await source.read(level, { column: 0, row: 0, columns, rows });
      const nodata = source.info.nodata ?? Number.NaN;
      const expected = gdalSamples(one).map((value) => (value === nodata ? Number.NaN : value));
      expect([...read]).toEqual([...expected]);
    }
    await source.close();
    expect(source.info.version).not.toBe((await infoOf(gabon)).version);
  });
});
