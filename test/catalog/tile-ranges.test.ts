/** Ranges of `available`: every tile once, none besides, few rectangles. */
import { describe, expect, it } from 'vitest';
import { tileRanges } from '../../tiler/catalog/tile-ranges.ts';

describe('tileRanges', () => {
  it('makes one range of a full rectangle, in any order, with repeats', () => {
    const cells = [5, 3, 4].flatMap((x) => [9, 8, 7, 7].map((y) => ({ x, y })));
    expect(tileRanges(cells)).toEqual([{ startX: 3, startY: 7, endX: 5, endY: 9 }]);
    expect(tileRanges([])).toEqual([]);
  });

  it('covers seeded scatterings exactly', () => {
    let state = 12345;
    const random = () => {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      return state / 0x80000000;
    };
    for (let round = 0; round < 50; round++) {
      const density = random();
      const cells = new Set<string>();
      for (let x = 0; x < 12; x++) for (let y = 0; y < 9; y++) if (random() < density) cells.add(`${x}/${y}`);
      const ranges = tileRanges(
        [...cells].map((cell) => ({ x: Number(cell.split('/')[0]), y: Number(cell.split('/')[1]) })),
      );
      const covered: string[] = [];
      for (const { startX, startY, endX, endY } of ranges) {
        for (let x = startX; x <= endX; x++) for (let y = startY; y <= endY; y++) covered.push(`${x}/${y}`);
      }
      expect(covered.sort()).toEqual([...cells].sort());
      expect(ranges.length).toBeLessThanOrEqual(Math.max(1, cells.size));
    }
  });
});
