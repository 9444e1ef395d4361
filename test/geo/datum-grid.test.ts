import { describe, expect, it } from 'vitest';
import type { DatumGrid, DatumSubgrid } from '../../tiler/geo/datum-grid.ts';
import { gridsOfKey, keyOfGrids, shiftByGrids } from '../../tiler/geo/datum-grid.ts';

/** Nodes whose shift is a plane in longitude and latitude, which bilinear interpolation gives back exactly. */
function plane(west: number, north: number, spacing: number, side: number, base: number): DatumSubgrid {
  const shiftLon = new Float32Array(side * side);
  const shiftLat = new Float32Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      shiftLon[row * side + column] = base + column / 1024;
      shiftLat[row * side + column] = -base + row / 2048;
    }
  }
  return { west, north, spacingLon: spacing, spacingLat: spacing, columns: side, rows: side, shiftLat, shiftLon };
}

const grid = (name: string, ...subgrids: DatumSubgrid[]): DatumGrid => ({
  name,
  version: '0123456789abcdef',
  interpolationMetres: 0,
  subgrids,
});

describe('shiftByGrids', () => {
  it('is bilinear between nodes and comes back to where it began', () => {
    const shift = shiftByGrids([grid('a', plane(10, 50, 1, 5, 0.001))]);
    const [lon, lat] = shift.toWgs84(11.25, 48.5);
    expect(lon).toBeCloseTo(11.25 + 0.001 + 1.25 / 1024, 8);
    expect(lat).toBeCloseTo(48.5 - 0.001 + 1.5 / 2048, 8);
    const back = shift.fromWgs84(lon, lat);
    expect(back[0]).toBeCloseTo(11.25, 8);
    expect(back[1]).toBeCloseTo(48.5, 8);
  });

  it('takes the finest of nested grids, in whatever order, and the first file that holds the place', () => {
    const coarse = plane(0, 50, 5, 5, 0.001);
    const fine = plane(5, 45, 0.5, 5, 0.1);
    for (const nested of [grid('n', coarse, fine), grid('n', fine, coarse)]) {
      expect(shiftByGrids([nested]).toWgs84(5, 45)[0]).toBeCloseTo(5.1, 6);
      expect(shiftByGrids([nested]).toWgs84(10, 45)[0]).toBeCloseTo(10.001 + 2 / 1024, 6);
    }
    const first = shiftByGrids([grid('fine', fine), grid('coarse', coarse)]);
    expect(first.toWgs84(6, 44)[0]).toBeCloseTo(6.1 + 2 / 1024, 6);
    expect(first.toWgs84(0, 50)[0]).toBeCloseTo(0.001, 6);
  });

  it('has no answer outside, holds its edges, and counts longitudes round the world', () => {
    const shift = shiftByGrids([grid('a', plane(178, 50, 1, 5, 0))]);
    expect(shift.toWgs84(177.9, 48)).toEqual([Number.NaN, Number.NaN]);
    expect(shift.fromWgs84(0, 0)).toEqual([Number.NaN, Number.NaN]);
    expect(shift.toWgs84(178, 50)).toEqual([178, 50]);
    expect(shift.toWgs84(182, 46)[0]).toBeCloseTo(182 + 4 / 1024, 6);
    expect(shift.toWgs84(-178.5, 48)[0]).toBeCloseTo(-178.5 + 3.5 / 1024, 6);
  });

  it('knows its grids again by key, and no others', () => {
    const one = grid('my grid, really.gsb', plane(0, 1, 1, 2, 0));
    const key = keyOfGrids([one]);
    expect(key).not.toMatch(/\s/);
    expect(gridsOfKey(key)).toEqual([one]);
    expect(() => gridsOfKey('other.gsb@000')).toThrow(/--crs-grids/);
  });
});
