/** Pictures as they are read, against what was written and against GDAL. */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../../tiler/sources/block-cache.ts';
import { openPicture } from '../../tiler/sources/picture.ts';
import type { PictureSource } from '../../tiler/sources/picture-source.ts';
import { type ColourRaster, gdalPixels, writeColours } from '../support/colour-raster.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const COLUMNS = 300;
const ROWS = 200;
const PLACE = ['-a_srs', 'EPSG:32632', '-a_ullr', '400000', '5200000', '400600', '5199600'];
const TILED = ['-co', 'TILED=YES', '-co', 'BLOCKXSIZE=128', '-co', 'BLOCKYSIZE=64'];

/** No two neighbours alike, every channel of its own. */
const colourAt = (column: number, row: number) => [
  (column * 7 + row * 3) % 256,
  (column * 2 + row * 11) % 256,
  (column + row) % 256,
];
const rgb: ColourRaster = { columns: COLUMNS, rows: ROWS, bands: 3, colourAt };
const grey: ColourRaster = { ...rgb, bands: 1, colourAt: (c, r) => colourAt(c, r).slice(0, 1) };
const opacityAt = (column: number, row: number) => (column < 40 ? 0 : row < 20 ? 100 : 255);
const rgba: ColourRaster = { ...rgb, bands: 4, colourAt: (c, r) => [...colourAt(c, r), opacityAt(c, r)] };

describe.runIf(HAS_GDAL)('pictures', () => {
  const opaque = (c: number, r: number) => [...colourAt(c, r), 255];
  const greyOpaque = (c: number, r: number) => {
    const [value] = colourAt(c, r);
    return [value, value, value, 255];
  };
  const withOpacity = (c: number, r: number) =>
    opacityAt(c, r) === 0 ? [0, 0, 0, 0] : [...colourAt(c, r), opacityAt(c, r)];

  it.each<[string, ColourRaster, string[], (c: number, r: number) => number[]]>([
    ['strips', rgb, [], opaque],
    ['deflated tiles with predictor', rgb, [...TILED, '-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=2'], opaque],
    ['bands that lie apart', rgb, ['-co', 'INTERLEAVE=BAND', '-co', 'COMPRESS=LZW'], opaque],
    ['big-endian BigTIFF', rgb, ['-co', 'BIGTIFF=YES', '-co', 'ENDIANNESS=BIG'], opaque],
    ['opacity', rgba, [...TILED, '-co', 'ALPHA=YES'], withOpacity],
    ['opacity apart', rgba, ['-co', 'ALPHA=YES', '-co', 'INTERLEAVE=BAND'], withOpacity],
    ['four bands, the last not opacity', rgba, ['-co', 'PHOTOMETRIC=RGB', '-co', 'ALPHA=NO'], opaque],
    ['grey', grey, ['-co', 'COMPRESS=PACKBITS'], greyOpaque],
    [
      'grey, white is 0',
      grey,
      ['-co', 'PHOTOMETRIC=MINISWHITE'],
      (c, r) => {
        const value = 255 - colourAt(c, r)[0];
        return [value, value, value, 255];
      },
    ],
    [
      'nodata',
      { ...rgb, colourAt: (c, r) => (c < 40 ? [1, 1, 1] : colourAt(c, r)) },
      ['-a_nodata', '1'],
      (c, r) => (c < 40 ? [0, 0, 0, 0] : opaque(c, r)),
    ],
    [
      'lossless WebP',
      rgba,
      [...TILED, '-co', 'BLOCKYSIZE=128', '-co', 'COMPRESS=WEBP', '-co', 'WEBP_LOSSLESS=YES'],
      withOpacity,
    ],
    [
      'an internal mask',
      rgba,
      [...TILED, '-b', '1', '-b', '2', '-b', '3', '-mask', '4', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'YES'],
      (c, r) => (c < 40 ? [0, 0, 0, 0] : opaque(c, r)),
    ],
    [
      'a mask beside it',
      rgba,
      [...TILED, '-b', '1', '-b', '2', '-b', '3', '-mask', '4', '--config', 'GDAL_TIFF_INTERNAL_MASK', 'NO'],
      (c, r) => (c < 40 ? [0, 0, 0, 0] : opaque(c, r)),
    ],
  ])('reads %s as written', async (_, raster, args, expected) => {
    const path = join(temporaryFolder(), 'picture.tif');
    writeColours(path, raster, [...PLACE, ...args]);
    const source = await open(path);
    const words = await readAll(source);
    let wrong = 0;
    for (let i = 0; i < words.length; i++) {
      const [r = 0, g = 0, b = 0, a = 0] = expected(i % COLUMNS, Math.floor(i / COLUMNS));
      if (words[i] !== (r | (g << 8) | (b << 16) | (a << 24)) >>> 0) wrong++;
    }
    expect(wrong).toBe(0);
    await source.close();
  });

  it.each([
    ['JPEG of YCbCr', [...TILED, '-co', 'BLOCKYSIZE=128', '-co', 'COMPRESS=JPEG', '-co', 'PHOTOMETRIC=YCBCR']],
    ['JPEG of RGB in strips', ['-co', 'COMPRESS=JPEG', '-co', 'PHOTOMETRIC=RGB']],
  ])('reads %s as GDAL does', async (_, args) => {
    const path = join(temporaryFolder(), 'picture.tif');
    writeColours(path, rgb, [...PLACE, ...args]);
    const source = await open(path);
    expect(await worstDifference(source, gdalPixels(path))).toBeLessThanOrEqual(2);
    await source.close();
  });

  it('reads a palette as GDAL expands it', async () => {
    const folder = temporaryFolder();
    const [path, full] = [join(folder, 'picture.tif'), join(folder, 'full.tif')];
    writeColours(full, rgb, PLACE);
    const palette = Array.from({ length: 256 }, (_, i) => `<Entry c1="${i}" c2="${255 - i}" c3="${(i * 5) % 256}"/>`);
    const vrt = join(folder, 'palette.vrt');
    writeFileSync(
      vrt,
      `<VRTDataset rasterXSize="${COLUMNS}" rasterYSize="${ROWS}"><SRS>EPSG:32632</SRS><GeoTransform>400000,2,0,5200000,0,-2</GeoTransform><VRTRasterBand dataType="Byte" band="1"><ColorInterp>Palette</ColorInterp><ColorTable>${palette.join('')}</ColorTable><SimpleSource><SourceFilename>${full}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`,
    );
    execFileSync('gdal_translate', ['-q', vrt, path]);
    const source = await open(path);
    expect(await worstDifference(source, gdalPixels(path, ['-expand', 'rgb']))).toBe(0);
    await source.close();
  });

  it('stretches 16 bits from the 2nd to the 98th percentile', async () => {
    const path = join(temporaryFolder(), 'picture.tif');
    // All values from 1000 to 1599, each as often.
    const ramp = { ...grey, bits: 16 as const, colourAt: (c: number, r: number) => [1000 + 2 * c + (r % 2)] };
    writeColours(path, ramp, [...PLACE, ...TILED]);
    const source = await open(path);
    const words = await readAll(source);
    for (const column of [0, 5, 6, 50, 150, 250, 293, 299]) {
      const expected = Math.min(255, Math.max(0, ((1000 + 2 * column - 1012) / (1587 - 1012)) * 255));
      expect(Math.abs((words[column] & 255) - expected)).toBeLessThanOrEqual(1);
    }
    await source.close();
  });

  it('takes levels from the file and makes further ones by halves, without what is transparent', async () => {
    const path = join(temporaryFolder(), 'picture.tif');
    // Transparent pixels are bright green, which no mean may show.
    const island = {
      ...rgba,
      columns: 1100,
      rows: 700,
      colourAt: (c: number) => (c % 2 ? [0, 255, 0, 0] : [200, 40, 90, 255]),
    };
    writeColours(path, island, [
      '-a_srs',
      'EPSG:32632',
      '-a_ullr',
      '400000',
      '5200000',
      '401100',
      '5199300',
      '-co',
      'ALPHA=YES',
      ...TILED,
    ]);
    const made = await open(path);
    const { columns, rows } = made.info.levels[3] ?? { columns: 0, rows: 0 };
    expect([columns, rows]).toEqual([138, 88]);
    const words = await made.read(3, { column: 0, row: 0, columns, rows });
    expect(new Set(words)).toEqual(new Set([(200 | (40 << 8) | (90 << 16) | (128 << 24)) >>> 0]));
    await made.close();

    // A mean would be half transparent.
    execFileSync('gdaladdo', ['-q', '-r', 'nearest', path, '2']);
    const brought = await open(path);
    expect(brought.info.levels.map((level) => level.columns)).toEqual([1100, 550, 275, 138]);
    const own = await brought.read(1, { column: 0, row: 0, columns: 550, rows: 350 });
    expect([...new Set(own)].map((word) => word >>> 24)).not.toContain(128);
    await brought.close();
  });

  it('reads PNG, JPEG and WebP with a world file', async () => {
    const folder = temporaryFolder();
    const full = join(folder, 'full.tif');
    writeColours(full, rgb, PLACE);
    for (const [format, ending, world, args] of [
      ['PNG', 'png', 'pgw', []],
      ['JPEG', 'jpg', 'jgw', ['-co', 'QUALITY=90']],
      ['WEBP', 'webp', 'wld', ['-co', 'LOSSLESS=YES']],
    ] as const) {
      const path = join(folder, `picture.${ending}`);
      execFileSync('gdal_translate', ['-q', '-of', format, ...args, full, path]);
      writeFileSync(join(folder, `picture.${world}`), '2\n0\n0\n-2\n400001\n5199999\n');
      await expect(open(path)).rejects.toThrow(/--texture-crs/);
      const source = await openPicture(path, { cache: new BlockCache(2 ** 24), sourceCrs: 'EPSG:32632' });
      expect(source.info.affine).toEqual({ a: 2, b: 0, c: 400001, d: 0, e: -2, f: 5199999 });
      expect(await worstDifference(source, gdalPixels(path))).toBeLessThanOrEqual(format === 'JPEG' ? 2 : 0);
      await source.close();
    }
    await expect(open(join(folder, 'picture.hdr'))).rejects.toMatchObject({ code: 'input-missing' });
  });

  it('refuses what it cannot use with a sentence', async () => {
    const folder = temporaryFolder({ 'no.jpg': 'words', 'no.png': Buffer.from('\x89PNG\r\n\x1a\nwords', 'latin1') });
    await expect(open(join(folder, 'no.jpg'))).rejects.toMatchObject({ code: 'input-unsupported' });
    await expect(open(join(folder, 'no.png'))).rejects.toMatchObject({ code: 'input-invalid' });
    const path = join(folder, 'float.tif');
    writeColours(path, grey, [...PLACE, '-ot', 'Float32']);
    await expect(open(path)).rejects.toThrow(/8 or 16 bits/);
    const unplaced = join(folder, 'unplaced.tif');
    writeColours(unplaced, rgb, []);
    await expect(open(unplaced)).rejects.toMatchObject({ code: 'crs' });
    const cut = join(folder, 'cut.tif');
    writeColours(cut, rgb, [...PLACE, ...TILED, '-co', 'COMPRESS=DEFLATE']);
    truncateSync(cut, 40_000);
    await expect(open(cut)).rejects.toMatchObject({ code: 'input-invalid' });
  });
});

function open(path: string): Promise<PictureSource> {
  return openPicture(path, { cache: new BlockCache(2 ** 26) });
}

function readAll(source: PictureSource): Promise<Uint32Array> {
  const { columns, rows } = source.info.levels[0];
  return source.read(0, { column: 0, row: 0, columns, rows });
}

/** Of red, green and blue. */
async function worstDifference(source: PictureSource, pixels: Uint8Array): Promise<number> {
  const words = await readAll(source);
  expect(pixels.length).toBe(3 * words.length);
  let worst = 0;
  for (let i = 0; i < words.length; i++) {
    for (let c = 0; c < 3; c++) {
      worst = Math.max(worst, Math.abs(((words[i] >>> (8 * c)) & 255) - pixels[3 * i + c]));
    }
  }
  return worst;
}
