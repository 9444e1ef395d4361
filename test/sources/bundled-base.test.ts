/** The relief of the world that comes with the package: what it says of itself, known places, and ETOPO5 and ETOPO1 beside it. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  COLUMNS,
  DEPRESSIONS,
  flattenSea,
  indexOf,
  isInside,
  LAKES,
  moveLand,
  ROWS,
  readRelief,
} from '../../scripts/make-base.ts';
import { bundledBasePath } from '../../tiler/sources/bundled-base.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { gdalSamples } from '../support/gdal.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

/** Longitude, latitude, what is there, and metres between which the sample lies: 5 arc-minutes cut summits off. */
const PLACES: readonly (readonly [lon: number, lat: number, name: string, least: number, most: number])[] = [
  [86.925, 27.988, 'Everest', 5000, 7500],
  [6.865, 45.833, 'Mont Blanc', 1800, 3500],
  [-151.007, 63.069, 'Denali', 2500, 5000],
  [-70.011, -32.653, 'Aconcagua', 3500, 5500],
  [37.355, -3.076, 'Kilimanjaro', 2200, 4500],
  [-118.292, 36.578, 'Mount Whitney', 2500, 4000],
  [-155.468, 19.821, 'Mauna Kea', 1500, 3500],
  [-85.617, -78.525, 'Vinson Massif', 2000, 4000],
  [88, 34, 'Tibet', 4700, 5500],
  [-68, -17.5, 'Altiplano', 3500, 4000],
  [-104.9, 39.7, 'Denver', 1500, 1800],
  [28, -26.2, 'Johannesburg', 1500, 1850],
  [33, 39, 'Anatolia', 850, 1250],
  [54, 33, 'Iran', 900, 1600],
  [-98, 38.5, 'Kansas', 420, 560],
  [2.35, 48.85, 'Paris', 25, 150],
  [37.6, 55.75, 'Moscow', 100, 220],
  [-60, -3.1, 'Manaus', 5, 110],
  [106.8, -78.46, 'Vostok, Antarctica', 3300, 3600],
  [-38.5, 72.58, 'the summit of Greenland', 3050, 3300],
  [0, -90, 'the South Pole', 2750, 2850],
  [0, 90, 'the North Pole', 0, 0],
  [-30, 0, 'the Atlantic', 0, 0],
  [180, 0, 'the Pacific at 180', 0, 0],
  [142.2, 11.35, 'the Mariana Trench', 0, 0],
  [18, 35, 'the Mediterranean', 0, 0],
  [35, 43, 'the Black Sea', 0, 0],
  [37, 46, 'the Sea of Azov', 0, 0],
  [20, 58, 'the Baltic', 0, 0],
  [-85, 60, 'Hudson Bay', 0, 0],
  [51, 39, 'the Caspian Sea', -28, -28],
  [35.5, 31.5, 'the Dead Sea', -430, -380],
  [27.2, 29.7, 'the Qattara Depression', -133, -40],
  [6.3, 34.3, 'Chott Melrhir', -60, -10],
  [40.4, 14.2, 'Danakil', -125, -40],
  [137.4, -28.6, 'Lake Eyre', -30, -5],
  [-115.85, 33.3, 'the Salton Sea', -71, -60],
  [-116.92, 36.5, 'Death Valley', -100, -10],
  [-87.5, 47.6, 'Lake Superior', 183, 183],
  [-77.7, 43.6, 'Lake Ontario', 74, 74],
  [31.5, 60.8, 'Lake Ladoga', 5, 5],
  [108, 53.3, 'Lake Baikal', 440, 475],
];

let source: RasterSource;
let heights: Float32Array;
beforeAll(async () => {
  source = await openSource([bundledBasePath()]);
  heights = await source.read(0, { column: 0, row: 0, columns: COLUMNS, rows: ROWS });
});
afterAll(() => source.close());

describeRasterSource('the bundled base', () => openSource([bundledBasePath()], { hash: false }));

describe('the bundled base', () => {
  it('says where it lies and what its heights are above, and goes round the world from pole to pole', () => {
    const { crs, vertical, periodColumns, affine, levels } = source.info;
    expect(crs).toBe('EPSG:4326');
    expect(vertical).toMatchObject({ datum: 'egm96', known: 'file', unitMetres: 1 });
    expect(periodColumns).toBe(COLUMNS);
    expect(levels[0]).toMatchObject({ columns: COLUMNS, rows: ROWS });
    expect([affine.c, affine.f]).toEqual([-180, 90]);
    expect(affine.f + affine.e * (ROWS - 1)).toBeCloseTo(-90, 9);
  });

  it('is small', ({ annotate }) => {
    const { size } = statSync(bundledBasePath());
    annotate(`${(size / 1e6).toFixed(2)} MB`);
    expect(size).toBeLessThan(3e6);
  });

  it('is the file that data/SOURCES.md describes', () => {
    const hash = createHash('sha256').update(readFileSync(bundledBasePath())).digest('hex');
    expect(readFileSync(join(REPOSITORY, 'data/SOURCES.md'), 'utf8')).toContain(hash);
  });

  it('has no voids, whole metres, nothing below the Dead Sea, and one height at each pole', () => {
    expect(heights.every(Number.isInteger)).toBe(true);
    expect(heights.reduce((least, height) => Math.min(least, height), 0)).toBe(-430);
    for (const row of [0, ROWS - 1]) {
      expect(new Set(heights.subarray(row * COLUMNS, (row + 1) * COLUMNS)).size).toBe(1);
    }
  });

  it.each(PLACES)('at %d, %d: %s', (lon, lat, _name, least, most) => {
    const height = heights[indexOf([lon, lat])] ?? Number.NaN;
    expect(height).toBeGreaterThanOrEqual(least);
    expect(height).toBeLessThanOrEqual(most);
  });

  it('is below the sea in known depressions only', () => {
    const low = [...heights.keys()].filter((i) => (heights[i] ?? 0) < 0);
    expect(low.length).toBeGreaterThan(5000);
    // A closed basin belongs to a box that it reaches into; Lake Eyre's and the Caspian's go a little further.
    const near = DEPRESSIONS.map(
      ({ box: [west, south, east, north] }) => [west - 1, south - 1, east + 2, north + 1] as const,
    );
    expect(low.filter((i) => !near.some((box) => isInside(i, box)))).toEqual([]);
  });

  it('is read by GDAL to the same heights', () => {
    const samples = gdalSamples(bundledBasePath());
    let different = samples.length - heights.length;
    for (const [i, height] of heights.entries()) if (samples[i] !== height) different++;
    expect(different).toBe(0);
  });
});

describeWithData('the bundled base beside ETOPO5', ['derived/etopo5_global_lon0-360_int16.tif'], (path) => {
  let relief: Int16Array;
  beforeAll(async () => {
    relief = await readRelief(path);
  });

  it('is what the script makes of it', () => {
    const made = moveLand(flattenSea(relief).heights);
    expect(made.findIndex((height, i) => height !== heights[i])).toBe(-1);
  });

  it('is 0 in all of the ocean, and inland the mean of the four samples round where the land was taken from', () => {
    const isLake = (i: number) =>
      LAKES.some(({ box: [w, s, e, n] }) => isInside(i, [w - 0.5, s - 0.5, e + 0.5, n + 0.5]));
    let [ocean, land, wrong] = [0, 0, 0];
    for (let row = 1; row < ROWS - 1; row++) {
      for (let column = 2; column < COLUMNS; column += 3) {
        const i = row * COLUMNS + column;
        const four = [i - 1, i - 2, i - 1 - COLUMNS, i - 2 - COLUMNS].map((k) => relief[k] ?? 0);
        const [own = 0, height] = [relief[i], heights[i]];
        if (own < -200 && four.every((each) => each < -200)) {
          ocean++;
          if (height !== 0 && !isLake(i)) wrong++;
        } else if (own > 0 && four.every((each) => each > 0) && !isLake(i)) {
          land++;
          if (height !== Math.round(four.reduce((sum, each) => sum + each) / 4)) wrong++;
        }
      }
    }
    expect(ocean).toBeGreaterThan(1e6);
    expect(land).toBeGreaterThan(8e5);
    expect(wrong).toBe(0);
  });
});

describeWithData('the bundled base beside ETOPO1', ['geotiff/etopo1_1deg_global_gridreg.tif'], (path) => {
  // At whole degrees; ETOPO1 is of 2009, has a twenty-fifth of the cell, and nothing was fitted to it but one shift.
  const REGIONS: readonly (readonly [
    name: string,
    most: number,
    west: number,
    south: number,
    east: number,
    north: number,
  ])[] = [
    ['the United States', 90, -125, 26, -70, 49],
    ['Europe', 130, -10, 36, 40, 70],
    ['Africa', 130, -18, -35, 50, 36],
    ['South America', 220, -82, -56, -34, 12],
    ['Asia', 210, 40, 5, 140, 75],
    ['Australia', 60, 113, -39, 154, -11],
    ['all land north of 60 S', 180, -180, -60, 180, 75],
  ];
  let truth: Float32Array;
  beforeAll(async () => {
    const etopo1 = await openSource([path], { hash: false });
    truth = await etopo1.read(0, { column: 0, row: 0, columns: 361, rows: 181 });
    await etopo1.close();
  });

  it.each(REGIONS)('in %s lies within %d m (rms)', (_name, most, west, south, east, north) => {
    let [squares, count] = [0, 0];
    for (let lat = south; lat <= north; lat++) {
      for (let lon = west; lon <= east; lon++) {
        const other = truth[(90 - lat) * 361 + lon + 180] ?? 0;
        const height = heights[indexOf([lon, lat])] ?? 0;
        if (other <= 0 || height === 0) continue;
        squares += (height - other) ** 2;
        count++;
      }
    }
    expect(count).toBeGreaterThan(500);
    expect(Math.sqrt(squares / count)).toBeLessThan(most);
  });

  it('parts land and sea where ETOPO1 does, but for one place in a hundred', () => {
    let [count, different] = [0, 0];
    for (let lat = -69; lat <= 80; lat++) {
      for (let lon = -180; lon < 180; lon++) {
        const isSea = (heights[indexOf([lon, lat])] ?? 0) === 0;
        count++;
        if (isSea !== (truth[(90 - lat) * 361 + lon + 180] ?? 0) <= 0) different++;
      }
    }
    expect(different / count).toBeLessThan(0.01);
  });
});
