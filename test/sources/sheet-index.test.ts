import { describe, expect, it } from 'vitest';
import type { SampleWindow, SheetWindow } from '../../tiler/sources/raster-source.ts';
import { intersect } from '../../tiler/sources/sample-window.ts';
import { overlapsOf, placesTouching, sheetsTouching, touchesSheets } from '../../tiler/sources/sheet-index.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const sheetOf = (column: number, row: number, columns: number, rows: number): SheetWindow => ({
  file: `${column},${row}`,
  column,
  row,
  columns,
  rows,
});

/** The same by looking at every sheet in every turn. */
function byHand(sheets: readonly SheetWindow[], period: number | undefined, window: SampleWindow) {
  const turns = period === undefined ? [0] : [3, 2, 1, 0, -1, -2, -3].map((turn) => turn * period);
  return sheets.flatMap((sheet, index) =>
    turns
      .map((shift) => ({ ...sheet, column: sheet.column + shift }))
      .filter((moved) => intersect(moved, window) !== undefined)
      .map(({ column }) => ({ index, column })),
  );
}

describe('the index of sheets', () => {
  it('finds what a look at every sheet finds, in the order of the sheets, in any layout', () => {
    const next = seededRandom(4);
    const whole = (below: number) => Math.floor(next() * below);
    for (let round = 0; round < 150; round++) {
      const period = round % 3 === 0 ? 1000 + whole(200) : undefined;
      // Of one size, of many sizes, and a few giants among them.
      const size = () => 1 + whole(round % 2 === 0 ? 30 : next() < 0.05 ? 900 : 12);
      const sheets = Array.from({ length: 1 + whole(round < 20 ? 10 : 200) }, () =>
        sheetOf(whole(1000), whole(800), size(), size()),
      );
      const info = { sheets, periodColumns: period };
      for (let k = 0; k < 30; k++) {
        const side = 1 + whole(k < 25 ? 60 : 2500);
        const window = { column: whole(2600) - 1200, row: whole(1000) - 100, columns: side, rows: 1 + whole(side) };
        const expected = byHand(sheets, period, window);
        expect(placesTouching(info, window)).toEqual(expected);
        expect(sheetsTouching(info, window)).toEqual([...new Set(expected.map(({ index }) => sheets[index]))]);
        expect(touchesSheets(info, window)).toBe(expected.length > 0);
      }
    }
  });

  it('finds each pair of sheets that overlap once, across the end of the world too', () => {
    const next = seededRandom(6);
    const whole = (below: number) => Math.floor(next() * below);
    for (let round = 0; round < 60; round++) {
      const period = round % 2 === 0 ? 1000 : undefined;
      const sheets = Array.from({ length: 2 + whole(80) }, () =>
        sheetOf(whole(1000), whole(300), 1 + whole(90), 1 + whole(90)),
      );
      const info = { sheets, periodColumns: period };
      const expected = sheets.flatMap((sheet, upper) =>
        [...new Set(byHand(sheets, period, sheet).map(({ index }) => index))]
          .filter((lower) => lower > upper)
          .map((lower) => `${upper} ${lower}`),
      );
      const pairs = overlapsOf(info);
      const found = Array.from({ length: pairs.length / 2 }, (_, k) => `${pairs[2 * k]} ${pairs[2 * k + 1]}`);
      expect(found.sort()).toEqual(expected.sort());
    }
  });

  it('keeps two sheets at the ends of the widest raster and those in one place alike', () => {
    const far = [sheetOf(0, 0, 2, 2), sheetOf(2 ** 31 - 2, 2 ** 31 - 2, 2, 2)];
    const many = [...far, ...Array.from({ length: 50 }, () => sheetOf(5, 5, 1, 1))];
    for (const sheets of [far, many]) {
      const info = { sheets, periodColumns: undefined };
      expect(sheetsTouching(info, { column: 2 ** 31 - 3, row: 2 ** 31 - 3, columns: 2, rows: 2 })).toEqual([far[1]]);
      expect(touchesSheets(info, { column: 100, row: 100, columns: 2 ** 28, rows: 2 })).toBe(false);
    }
    const all = { sheets: many, periodColumns: undefined };
    expect(sheetsTouching(all, { column: 5, row: 5, columns: 1, rows: 1 })).toHaveLength(50);
    expect(sheetsTouching(all, { column: 5, row: 5, columns: 0, rows: 1 })).toEqual([]);
  });
});
