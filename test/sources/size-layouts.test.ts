/** The size cases when they are small: four layouts of one relief and its sheets with gaps, read to the same heights as GDAL's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSource } from '../../tiler/sources/open-source.ts';
import type { RasterSource, SampleWindow } from '../../tiler/sources/raster-source.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { cutSheets, LAYOUTS, makeRelief, type Relief, SHEET_SIDE, VOID, writeLayout } from '../soak/size-data.ts';
import { gdalSamples } from '../support/gdal.ts';
import { describeWithData } from '../support/test-data.ts';

const SIDE = 1500;
const WINDOWS = 20;

describeWithData('a relief in many layouts', ['hgt'], (hgt) => {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-layouts-'));
  let relief: Relief;
  let truth: Float64Array;
  beforeAll(() => {
    relief = makeRelief(hgt, folder, SIDE);
    truth = gdalSamples(relief.vrt);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const truthAt = (column: number, row: number) => {
    const value = truth[row * SIDE + column] ?? VOID;
    return value === VOID ? Number.NaN : value;
  };
  const expectSame = async (source: RasterSource, window: SampleWindow, at: (c: number, r: number) => number) => {
    const read = await source.read(0, window);
    const expected = read.map((_, i) =>
      at(window.column + (i % window.columns), window.row + Math.floor(i / window.columns)),
    );
    expect(read).toEqual(expected);
  };
  const randomWindow = (random: () => number, side: number): SampleWindow => {
    const column = Math.floor(random() * (SIDE - side));
    return { column, row: Math.floor(random() * (SIDE - side)), columns: side, rows: side };
  };

  it('is real relief with voids', () => {
    const known = [...truth].filter((height) => height !== VOID);
    expect(known.length).toBeGreaterThan(0.9 * SIDE * SIDE);
    expect(known.length).toBeLessThan(SIDE * SIDE);
    expect(Math.max(...known.slice(0, 1e5)) - Math.min(...known.slice(0, 1e5))).toBeGreaterThan(500);
  });

  it.each(LAYOUTS)('%s: any window has the samples that GDAL reads', async (layout) => {
    const path = join(folder, `${layout}.tif`);
    await writeLayout(relief, layout, path);
    const [mine, random] = [gdalSamples(path), seededRandom(3)];
    expect(mine.findIndex((value, i) => value !== truth[i])).toBe(-1);
    const source = await openSource([path], { hash: false });
    for (let k = 0; k < WINDOWS; k++) await expectSame(source, randomWindow(random, 150), truthAt);
    await expectSame(source, { column: 0, row: SIDE - 3, columns: SIDE, rows: 3 }, truthAt);
    await source.close();
  });

  it('sheets: as the relief where there are any, void in the gaps', async () => {
    const places = cutSheets(relief, join(folder, 'sheets'), 150);
    expect(places).toHaveLength(150);
    const source = await openSource(
      places.map(({ file }) => join(folder, 'sheets', file)),
      { hash: false },
    );
    const [west = 0, north = 0] = [Math.min(...places.map((p) => p.column)), Math.min(...places.map((p) => p.row))];
    const covered = new Set(places.map(({ column, row }) => `${column / SHEET_SIDE} ${row / SHEET_SIDE}`));
    const at = (c: number, r: number) => {
      const [column, row] = [c + west, r + north];
      const isThere = covered.has(`${Math.floor(column / SHEET_SIDE)} ${Math.floor(row / SHEET_SIDE)}`);
      return isThere ? truthAt(column, row) : Number.NaN;
    };
    const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
    expect(columns * rows).toBeGreaterThan(150 * SHEET_SIDE ** 2);
    await expectSame(source, { column: 0, row: 0, columns, rows }, at);
    await source.close();
  });
});
