import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { openHgt } from '../../tiler/sources/hgt.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { joinSheets } from '../../tiler/sources/sheets.ts';
import { memorySource } from '../support/memory-source.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

const affine = { a: 0.01, b: 0, c: 10, d: 0, e: -0.01, f: 50 };
const V = Number.NaN;

/** Hills with scattered voids and a void quarter, the same in each run. */
function hills(columns: number, rows: number): RasterSource {
  const isVoid = (c: number, r: number) => (c * 7919 + r * 104729) % 31 === 0 || (c > columns / 2 && r > rows / 2);
  const values = (c: number, r: number) =>
    isVoid(c, r) ? V : Math.fround(500 * Math.sin(c / 40) * Math.cos(r / 33) + c / 3);
  return memorySource({ columns, rows, affine, values });
}

async function readAll(source: RasterSource, level: number): Promise<Float32Array> {
  const { columns = 0, rows = 0 } = source.info.levels[level] ?? {};
  return source.read(level, { column: 0, row: 0, columns, rows });
}

/** Means of 2 x 2 without voids, to the nearest 1/128 metre, written for clarity. */
function halved(finer: Float32Array, columns: number, rows: number): Float32Array {
  const across = Math.ceil(columns / 2);
  return Float32Array.from({ length: across * Math.ceil(rows / 2) }, (_, i) => {
    const [c, r] = [2 * (i % across), 2 * Math.floor(i / across)];
    const four = [
      [c, r],
      [c + 1, r],
      [c, r + 1],
      [c + 1, r + 1],
    ] as const;
    const held = four
      .flatMap(([x, y]) => (x < columns && y < rows ? [finer[y * columns + x] ?? V] : []))
      .filter((v) => !Number.isNaN(v));
    const mean = held.reduce((sum, v) => sum + v, 0) / held.length;
    return Math.floor(mean * 128 + 0.5) / 128;
  });
}

describeRasterSource('decimated', async () => withOverviews(hills(701, 530)));
describeRasterSource('decimated, round the world', async () =>
  withOverviews(
    memorySource({
      columns: 721,
      rows: 361,
      affine: { a: 0.5, b: 0, c: -180, d: 0, e: -0.5, f: 90 },
      values: (c, r) => (c % 720) + r / 1000,
      periodColumns: 720,
    }),
  ),
);

describe('withOverviews', () => {
  it('adds halves on the indices of the source, down to 256 samples', async () => {
    const { info } = withOverviews(hills(701, 1300));
    expect(info.levels).toEqual([
      { columns: 701, rows: 1300, scaleX: 1, scaleY: 1 },
      { columns: 351, rows: 650, scaleX: 2, scaleY: 2 },
      { columns: 176, rows: 325, scaleX: 4, scaleY: 4 },
      { columns: 88, rows: 163, scaleX: 8, scaleY: 8 },
    ]);
    expect(withOverviews(hills(256, 200)).info.levels).toHaveLength(1);
  });

  it('means four, and fewer where some are void or outside', async () => {
    const source = withOverviews(hills(1301, 777));
    for (let level = 1; level < source.info.levels.length; level++) {
      const { columns = 0, rows = 0 } = source.info.levels[level - 1] ?? {};
      const expected = halved(await readAll(source, level - 1), columns, rows);
      expect(expected.some(Number.isNaN)).toBe(true);
      expect(await readAll(source, level)).toEqual(expected);
    }
  });

  it('stops where the period would no longer be whole', () => {
    const round = memorySource({
      columns: 3000,
      rows: 1500,
      affine: { ...affine, a: 0.12 },
      values: () => 0,
      periodColumns: 3000,
    });
    expect(withOverviews(round).info.levels.map(({ columns }) => columns)).toEqual([3000, 1500, 750, 375]);
  });

  it('repeats the first meridian the same at every level', async () => {
    const grid = { a: 0.5, b: 0, c: -180, d: 0, e: -0.5, f: 90 };
    const source = withOverviews(
      memorySource({ columns: 721, rows: 361, affine: grid, values: (c) => c % 720, periodColumns: 720 }),
    );
    expect(source.info.levels.map(({ columns }) => columns)).toEqual([721, 361, 181]);
    const [last, first] = await source.read(1, { column: 359, row: 10, columns: 2, rows: 1 });
    expect([last, first]).toEqual([718.5, 0.5]);
  });

  it('computes each block once, whoever asks, and none where no sheet is', async () => {
    const base = hills(1024, 1024);
    let reads = 0;
    const sheets = [{ file: 'corner', column: 0, row: 0, columns: 500, rows: 500 }];
    const counted = {
      ...base,
      info: { ...base.info, sheets },
      read: (...args: Parameters<typeof base.read>) => {
        reads++;
        return base.read(...args);
      },
    };
    const source = withOverviews(counted);
    await Promise.all([1, 2, 1, 2, 2].map((level) => readAll(source, level)));
    expect(reads).toBe(1);
    const seen: [number, number][] = [];
    await source.prepare({ onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(reads).toBe(1);
  });

  it('tries again after a read that failed', async () => {
    const base = hills(600, 300);
    let fails = 1;
    const read: typeof base.read = (...args) => (fails-- > 0 ? Promise.reject(new Error('disk')) : base.read(...args));
    const source = withOverviews({ ...base, read });
    await expect(readAll(source, 1)).rejects.toThrow('disk');
    expect(await readAll(source, 1)).toEqual(await readAll(withOverviews(base), 1));
  });

  it('stops preparing when told to', async () => {
    const control = new AbortController();
    const source = withOverviews(hills(2000, 2000));
    const prepared = source.prepare({
      signal: control.signal,
      onProgress: (done) => done === 3 && control.abort(new Error('enough')),
    });
    await expect(prepared).rejects.toThrow('enough');
  });

  it('refuses more samples than fit, by the sheets and not by the space between, naming the remedy', () => {
    const base = hills(600, 300);
    expect(() => withOverviews(base, { maxSamples: 179_999 })).toThrow(
      expect.objectContaining({
        code: 'input-unsupported',
        message: expect.stringMatching(/180000 samples.*gdaladdo.*gdal_translate -of COG/),
      }),
    );
    expect(() => withOverviews(base, { maxSamples: 180_000 })).not.toThrow();
    const levels = [...base.info.levels, { columns: 300, rows: 150, scaleX: 2, scaleY: 2 }];
    expect(() => withOverviews({ ...base, info: { ...base.info, levels } }, { maxSamples: 1 })).not.toThrow();
  });
});

describe('overviews of Maui', () => {
  it('keep the mean of the land', async () => {
    const sheets = ['N20W157', 'N20W156'].map((name) => openHgt(join(REPOSITORY, `data/maui/${name}.hgt.zip`)));
    const source = withOverviews(await joinSheets(await Promise.all(sheets)));
    await source.prepare();
    expect(source.info.levels.map(({ columns, rows }) => [columns, rows])).toEqual([
      [7201, 3601],
      [3601, 1801],
      [1801, 901],
      [901, 451],
      [451, 226],
      [226, 113],
    ]);
    // Around Haleakala, without voids and on whole blocks of the coarsest level.
    const side = 256;
    const mean = async (level: number, scale: number) => {
      const window = { column: 2432 / scale, row: 960 / scale, columns: side / scale, rows: side / scale };
      const samples = await source.read(level, window);
      return samples.reduce((sum, v) => sum + v, 0) / samples.length;
    };
    const full = await mean(0, 1);
    expect(full).toBeCloseTo(2152.1516, 3);
    for (let level = 1; level < 6; level++) expect(await mean(level, 2 ** level)).toBeCloseTo(full, 2);
    await source.close();
  });
});

describeWithData('a file with overviews of its own', ['derived/maui_srtm1_int16_cog_bigtiff.tif'], (cog) => {
  it('keeps them and goes on below the coarsest', async () => {
    const source = withOverviews(await openGeoTiff(cog));
    expect(source.info.levels.map(({ columns }) => columns)).toEqual([7201, 3600, 1800, 900, 450, 225]);
    expect(source.info.levels[5]?.scaleX).toBeCloseTo((2 * 7201) / 450, 9);
    const expected = halved(await readAll(source, 4), 450, 225);
    expect(await readAll(source, 5)).toEqual(expected);
    await source.close();
  });
});
