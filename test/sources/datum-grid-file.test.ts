/** Datum grids by file: NTv2 and PROJ's GeoTIFF, sound ones against PROJ and broken ones against their sentences. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { shiftByGrids } from '../../tiler/geo/datum-grid.ts';
import { readDatumGrids } from '../../tiler/sources/datum-grid-file.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import { HAS_PROJ } from '../support/proj.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { tinyTiff } from '../support/tiff-writer.ts';

interface Part {
  readonly name: string;
  readonly parent: string;
  readonly west: number;
  readonly south: number;
  readonly step: number;
  readonly side: number;
  readonly shift: (lon: number, lat: number) => readonly [east: number, north: number];
}

/** An NTv2 file; degrees in, seconds of arc out, longitudes positive to the west, from the south-east. */
function ntv2(parts: readonly Part[], little: boolean): Buffer {
  const records: Buffer[] = [];
  const record = (name: string, value: number | string, real = true) => {
    const bytes = Buffer.alloc(16);
    bytes.write(name.padEnd(8), 'latin1');
    if (typeof value === 'string') bytes.write(value.padEnd(8), 8, 'latin1');
    else if (real) little ? bytes.writeDoubleLE(value, 8) : bytes.writeDoubleBE(value, 8);
    else little ? bytes.writeInt32LE(value, 8) : bytes.writeInt32BE(value, 8);
    records.push(bytes);
  };
  record('NUM_OREC', 11, false);
  record('NUM_SREC', 11, false);
  record('NUM_FILE', parts.length, false);
  record('GS_TYPE', 'SECONDS');
  record('VERSION', 'TEST');
  record('SYSTEM_F', 'OLD');
  record('SYSTEM_T', 'WGS84');
  record('MAJOR_F', 6377397.155);
  record('MINOR_F', 6356078.963);
  record('MAJOR_T', 6378137);
  record('MINOR_T', 6356752.314);
  for (const { name, parent, west, south, step, side, shift } of parts) {
    record('SUB_NAME', name);
    record('PARENT', parent);
    record('CREATED', '');
    record('UPDATED', '');
    record('S_LAT', south * 3600);
    record('N_LAT', (south + step * (side - 1)) * 3600);
    record('E_LONG', -(west + step * (side - 1)) * 3600);
    record('W_LONG', -west * 3600);
    record('LAT_INC', step * 3600);
    record('LONG_INC', step * 3600);
    record('GS_COUNT', side * side, false);
    for (let row = 0; row < side; row++) {
      for (let column = side - 1; column >= 0; column--) {
        const [east, north] = shift(west + step * column, south + step * row);
        const bytes = Buffer.alloc(16);
        for (const [i, value] of [north * 3600, -east * 3600, 0.1, 0.1].entries()) {
          little ? bytes.writeFloatLE(value, i * 4) : bytes.writeFloatBE(value, i * 4);
        }
        records.push(bytes);
      }
    }
  }
  record('END', '');
  return Buffer.concat(records);
}

const COARSE: Part = {
  name: 'COARSE',
  parent: 'NONE',
  west: 4,
  south: 50,
  step: 1,
  side: 6,
  shift: (lon, lat) => [0.001 + Math.sin(lon) / 2000, -0.002 + Math.cos(lat) / 3000],
};
const FINE: Part = { ...COARSE, name: 'FINE', parent: 'COARSE', west: 6, south: 51, step: 0.25, side: 9 };

describe('NTv2', () => {
  it.runIf(HAS_PROJ).each([
    ['little-endian', true, [COARSE, FINE]],
    ['big-endian', false, [COARSE, FINE]],
    ['a single grid', true, [COARSE]],
  ] as const)('%s, with nested grids where it has them, is read as PROJ reads it', async (_, little, parts) => {
    const path = join(temporaryFolder({ 'old.gsb': ntv2(parts, little) }), 'old.gsb');
    const shift = shiftByGrids(await readDatumGrids([path]));
    const points = Array.from(
      { length: 100 },
      (_, i) => [4 + 5 * ((i * 0.618) % 1), 50 + 5 * ((i * 0.7549) % 1)] as const,
    );
    const pipeline = '+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=hgridshift';
    const out = execFileSync(
      'cct',
      [
        '-d',
        '11',
        '-z',
        '0',
        '-t',
        '2026',
        ...`${pipeline} +grids=${path} +step +proj=unitconvert +xy_in=rad +xy_out=deg`.split(' '),
      ],
      { input: points.map((point) => point.join(' ')).join('\n'), encoding: 'utf8' },
    );
    for (const [i, line] of out.trim().split('\n').entries()) {
      const [lon = Number.NaN, lat = Number.NaN] = line.trim().split(/\s+/).map(Number);
      const ours = shift.toWgs84(...(points[i] ?? [0, 0]));
      expect(Math.hypot(ours[0] - lon, ours[1] - lat) * 111320).toBeLessThan(0.001);
    }
  });

  it('serves a CRS on the ellipsoid that it starts from, and no other', async () => {
    const path = join(temporaryFolder({ 'mine.gsb': ntv2([COARSE, FINE], true) }), 'mine.gsb');
    const grids = await readDatumGrids([path]);
    const own = await resolveCrs('+proj=longlat +ellps=bessel', { grids });
    expect(own.grids).toEqual(['mine.gsb']);
    const [east, north] = COARSE.shift(5, 52);
    expect(own.inverse([5, 52])[0]).toBeCloseTo(5 + east, 7);
    expect(own.inverse([5, 52])[1]).toBeCloseTo(52 + north, 7);
    await expect(resolveCrs('+proj=longlat +ellps=clrk66', { grids })).rejects.toMatchObject({ code: 'crs' });
  });

  const sound = ntv2([COARSE], true);
  const changed = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(sound);
    copy.set(bytes, at);
    return copy;
  };
  it.each([
    ['cut off in its nodes', sound.subarray(0, 600), 'input-invalid', /should reach byte/],
    ['cut off in the header of a grid', sound.subarray(0, 200), 'input-invalid', /ends at byte 200/],
    ['a count of grids that cannot be', changed(40, 255, 255, 255, 127), 'input-invalid', /at least one grid/],
    ['an unknown unit', changed(56, 0x58), 'input-invalid', /unit is "XECONDS"/],
    ['nodes that do not fit the sides', changed(176 + 168, 9, 0, 0, 0), 'input-invalid', /has 9 nodes in 6 columns/],
    ['a header of another length', changed(8, 12), 'input-invalid', /11 records/],
    ['text', Buffer.from('no grid at all, but long enough to be one'), 'input-unsupported', /no datum grid/],
    ['empty', Buffer.alloc(0), 'input-invalid', /empty/],
  ])('refuses a file that is broken: %s', async (_, bytes, code, sentence) => {
    const path = join(temporaryFolder({ 'bad.gsb': bytes }), 'bad.gsb');
    await expect(readDatumGrids([path])).rejects.toMatchObject({ code, message: expect.stringMatching(sentence) });
  });
});

describe('GeoTIFF grids', () => {
  it('refuses a GeoTIFF that is none, and one that is not there', async () => {
    const dem = tinyTiff({ columns: 3, rows: 3, bits: 32, format: 3, blocks: [new Uint8Array(36)] });
    const folder = temporaryFolder({ 'dem.tif': dem });
    await expect(readDatumGrids([join(folder, 'dem.tif')])).rejects.toMatchObject({
      code: 'input-unsupported',
      message: expect.stringMatching(/no bands latitude_offset/),
    });
    await expect(readDatumGrids([join(folder, 'none.tif')])).rejects.toMatchObject({ code: 'input-missing' });
  });
});

describeWithData('a raster whose CRS needs a grid', ['grids/de_adv_BETA2007.tif'], (grid) => {
  const file = () => {
    const keys = { 1024: 1, 1025: 1, 3072: 31467 };
    const tie = { x: 3500000, y: 5400000, step: 25 };
    const tiff = tinyTiff({ columns: 4, rows: 4, bits: 8, format: 1, blocks: [new Uint8Array(16)], keys, tie });
    return join(temporaryFolder({ 'dem.tif': tiff, 'dem.prj.txt': '' }), 'dem.tif');
  };

  it('is refused until the grid is given, and says so with the name of the file', async () => {
    await expect(openSource([file()])).rejects.toMatchObject({
      code: 'crs',
      message: expect.stringMatching(/dem\.tif.*DHDN.*--crs-grids de_adv_BETA2007\.tif/s),
    });
    const source = await openSource([file()], { crsGrids: [grid] });
    const crs = await resolveCrs(source.info.crs);
    expect(crs.grids).toEqual(['de_adv_BETA2007.tif']);
    await source.close();
  });

  it('is refused where the grid ends inside the data', async () => {
    const keys = { 1024: 1, 1025: 1, 3072: 31467 };
    const tie = { x: 3200000, y: 6100000, step: 100000 };
    const tiff = tinyTiff({ columns: 4, rows: 4, bits: 8, format: 1, blocks: [new Uint8Array(16)], keys, tie });
    const path = join(temporaryFolder({ 'wide.tif': tiff }), 'wide.tif');
    await expect(openSource([path], { crsGrids: [grid] })).rejects.toMatchObject({
      code: 'crs',
      message: expect.stringMatching(/de_adv_BETA2007\.tif has no value at x \d+, y \d+.*inside the data/),
    });
  });

  it('takes --source-crs before the file: a code, a proj4 string, WKT, or a file with one of them', async () => {
    const wkt =
      'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]';
    const utm = wkt
      .replace('GEOGCS', 'PROJCS["own UTM",GEOGCS')
      .replace(
        /$/,
        ',PROJECTION["Transverse_Mercator"],PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",3500000],UNIT["metre",1]]',
      );
    const folder = temporaryFolder({ 'own.prj': utm, 'own.wkt': utm });
    for (const sourceCrs of [
      '+proj=tmerc +lon_0=9 +k_0=0.9996 +x_0=3500000 +ellps=WGS84',
      utm,
      join(folder, 'own.prj'),
      join(folder, 'own.wkt'),
    ]) {
      const source = await openSource([file()], { sourceCrs });
      const crs = await resolveCrs(source.info.crs);
      expect(crs.inverse([3500000, 5000000])[0]).toBeCloseTo(9, 9);
      expect(crs.forward([9, 0])[1]).toBeCloseTo(0, 6);
      expect(crs.forward([10, 45])[1]).toBeCloseTo((await resolveCrs('EPSG:32632')).forward([10, 45])[1], 3);
      await source.close();
    }
    const byCode = await openSource([file()], { sourceCrs: 'EPSG:25832' });
    expect(byCode.info.crs).toBe('EPSG:25832');
    await byCode.close();
    await expect(openSource([file()], { sourceCrs: 'EPSG:99999' })).rejects.toMatchObject({ code: 'crs' });
    await expect(openSource([file()], { sourceCrs: join(folder, 'none.prj') })).rejects.toMatchObject({
      code: 'input-missing',
    });
  });

  it('reads the grid alike from GeoTIFF and from the file given twice', async () => {
    const [one, two] = await readDatumGrids([grid, grid]);
    expect(one).toEqual(two);
    expect(one).toMatchObject({ sourceCode: 4314, targetCode: 4258 });
    const cut = join(temporaryFolder({ 'cut.tif': readFileSync(grid).subarray(0, 9000) }), 'cut.tif');
    await expect(readDatumGrids([cut])).rejects.toMatchObject({ name: 'RelievoError' });
  });
});
