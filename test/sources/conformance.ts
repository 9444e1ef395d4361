/** What every RasterSource must do, whatever it reads from. */
import { describe, expect, it } from 'vitest';
import type { RasterSource, SampleWindow } from '../../tiler/sources/raster-source.ts';

/** Registers the suite, for a raster of at least 4 x 3 samples; `open` is called once for each test, which closes what it opened. */
export function describeRasterSource(name: string, open: () => Promise<RasterSource>): void {
  const withSource = (body: (source: RasterSource) => Promise<void>) => async () => {
    const source = await open();
    try {
      await body(source);
    } finally {
      await source.close();
    }
  };

  describe(`RasterSource: ${name}`, () => {
    it(
      'describes itself in full',
      withSource(async ({ info }) => {
        const [first, ...coarser] = info.levels;
        expect(first).toMatchObject({ scaleX: 1, scaleY: 1 });
        expect(info.name).not.toBe('');
        expect(info.crs).toMatch(/^(EPSG:\d+|\+proj=)/);
        expect(info.vertical.unitMetres).toBeGreaterThan(0);
        expect(info.vertical.because).toMatch(/\w/);
        for (const value of Object.values(info.affine)) expect(Number.isFinite(value)).toBe(true);
        let finer = first;
        for (const level of coarser) {
          expect(level.columns).toBeLessThanOrEqual(finer?.columns ?? 0);
          expect(level.scaleX).toBeGreaterThan(finer?.scaleX ?? 0);
          expect(Math.abs((first?.columns ?? 0) / level.scaleX - level.columns)).toBeLessThanOrEqual(1);
          expect(Math.abs((first?.rows ?? 0) / level.scaleY - level.rows)).toBeLessThanOrEqual(1);
          if (info.periodColumns) expect(Number.isInteger(info.periodColumns / level.scaleX)).toBe(true);
          finer = level;
        }
        for (const sheet of info.sheets) {
          expect(sheet.column).toBeGreaterThanOrEqual(0);
          expect(sheet.row).toBeGreaterThanOrEqual(0);
          expect(sheet.column + sheet.columns).toBeLessThanOrEqual(first?.columns ?? 0);
          expect(sheet.row + sheet.rows).toBeLessThanOrEqual(first?.rows ?? 0);
        }
      }),
    );

    it(
      'gives the same samples in whichever window they are asked for',
      withSource(async (source) => {
        for (const [level, { columns, rows }] of source.info.levels.entries()) {
          const window = middle(columns, rows, 70);
          const whole = await source.read(level, window);
          expect(whole).toHaveLength(window.columns * window.rows);
          const [width, height] = [Math.min(7, window.columns - 3), Math.min(4, window.rows - 2)];
          const part = { column: window.column + 3, row: window.row + 2, columns: width, rows: height };
          const cut = await source.read(level, part);
          expect(cut).toHaveLength(width * height);
          for (let r = 0; r < height; r++) {
            const row = whole.subarray((r + 2) * window.columns + 3).subarray(0, width);
            expect([...cut.subarray(r * width, (r + 1) * width)]).toEqual([...row]);
          }
        }
      }),
    );

    it(
      'is void outside, partly or wholly',
      withSource(async (source) => {
        for (const [level, { columns, rows }] of source.info.levels.entries()) {
          const north = await source.read(level, { column: 0, row: -40, columns: 5, rows: 40 });
          expect(north.every(Number.isNaN)).toBe(true);
          const south = await source.read(level, { column: 0, row: rows, columns: 5, rows: 3 });
          expect(south.every(Number.isNaN)).toBe(true);
          const straddling = await source.read(level, { column: columns - 4, row: rows - 3, columns: 4, rows: 6 });
          const inside = await source.read(level, { column: columns - 4, row: rows - 3, columns: 4, rows: 3 });
          expect([...straddling.subarray(0, 12)]).toEqual([...inside]);
          expect(straddling.subarray(12).every(Number.isNaN)).toBe(true);
          if (source.info.periodColumns !== undefined) continue;
          for (const column of [-7, columns]) {
            const beside = await source.read(level, { column, row: 0, columns: 7, rows: 2 });
            expect(beside.every(Number.isNaN)).toBe(true);
          }
          const west = await source.read(level, { column: -2, row: 1, columns: 5, rows: 1 });
          const edge = await source.read(level, { column: 0, row: 1, columns: 3, rows: 1 });
          expect([...west]).toEqual([Number.NaN, Number.NaN, ...edge]);
        }
      }),
    );

    it(
      'repeats after its period, where it has one',
      withSource(async (source) => {
        const { periodColumns, levels } = source.info;
        for (const [level, { rows, scaleX }] of levels.entries()) {
          if (periodColumns === undefined) break;
          const period = periodColumns / scaleX;
          const window = { column: period - 3, row: Math.floor(rows / 3), columns: 8, rows: 2 };
          const across = await source.read(level, window);
          for (const turns of [-2, 1]) {
            const moved = await source.read(level, { ...window, column: window.column + turns * period });
            expect([...moved]).toEqual([...across]);
          }
          const start = await source.read(level, { ...window, column: 0, columns: 5 });
          expect([...across.subarray(3, 8)]).toEqual([...start.subarray(0, 5)]);
        }
      }),
    );

    it(
      'hands out arrays that the caller may write to',
      withSource(async (source) => {
        for (const [level, { columns, rows }] of source.info.levels.entries()) {
          const window = middle(columns, rows, 20);
          const first = await source.read(level, window);
          const kept = [...first];
          first.fill(-12345);
          expect([...(await source.read(level, window))]).toEqual(kept);
        }
      }),
    );

    it(
      'reads nothing once the signal is aborted',
      withSource(async (source) => {
        const reason = new Error('enough');
        for (const level of source.info.levels.keys()) {
          const read = source.read(
            level,
            { column: 0, row: 0, columns: 4, rows: 4 },
            { signal: AbortSignal.abort(reason) },
          );
          await expect(read).rejects.toBe(reason);
        }
      }),
    );

    it(
      'answers many reads at once as it answers them one by one',
      withSource(async (source) => {
        const { columns, rows } = source.info.levels[0] ?? { columns: 0, rows: 0 };
        const windows = Array.from({ length: 12 }, (_, i) => middle(columns, rows, 30 + i));
        const together = await Promise.all(windows.map((window) => source.read(0, window)));
        for (const [i, window] of windows.entries()) expect(await source.read(0, window)).toEqual(together[i]);
      }),
    );

    it(
      'refuses a window or a level that is none',
      withSource(async (source) => {
        const window = { column: 0, row: 0, columns: 2, rows: 2 };
        await expect(source.read(source.info.levels.length, window)).rejects.toThrow(RangeError);
        await expect(source.read(0, { ...window, column: 0.5 })).rejects.toThrow(RangeError);
        await expect(source.read(0, { ...window, columns: -1 })).rejects.toThrow(RangeError);
        await expect(source.read(0, { ...window, columns: 2 ** 20, rows: 2 ** 20 })).rejects.toThrow(RangeError);
      }),
    );

    it('can be closed twice', async () => {
      const source = await open();
      await source.close();
      await expect(source.close()).resolves.toBeUndefined();
    });
  });
}

/** A square of at most `side` samples around the middle of the raster. */
function middle(columns: number, rows: number, side: number): SampleWindow {
  const [width, height] = [Math.min(side, columns), Math.min(side, rows)];
  return { column: (columns - width) >> 1, row: (rows - height) >> 1, columns: width, rows: height };
}
