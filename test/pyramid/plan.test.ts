import { describe, expect, it } from 'vitest';
import { geographic, type LonLatBox, nativeLevel } from '../../tiler/geo/tiling-scheme.ts';
import { cutShards } from '../../tiler/pyramid/build.ts';
import { countTiles, isPlanned, type PlannedData, planTiles, rangesUnder } from '../../tiler/pyramid/plan.ts';

/** A field whose data fill a box. */
const dataIn = (data: LonLatBox, lastLevel: number): PlannedData => ({
  lastLevel,
  touches: (box) => {
    if (!(box.west < data.east && box.east > data.west && box.south < data.north && box.north > data.south)) {
      return 'none';
    }
    const inside = box.west >= data.west && box.east <= data.east && box.south >= data.south && box.north <= data.north;
    return inside ? 'all' : 'some';
  },
});

describe('nativeLevel', () => {
  it('is the least level whose posts are at least as dense as the samples', () => {
    const arcSecond = 1 / 3600;
    expect([1, 3, 10, 30, 1 / 3].map((s) => nativeLevel(geographic, s * arcSecond, 64))).toEqual([14, 12, 10, 9, 15]);
    expect(nativeLevel(geographic, 180 / 64, 64)).toBe(0);
    expect(nativeLevel(geographic, 90 / 64, 64)).toBe(1);
    expect(nativeLevel(geographic, 50, 64)).toBe(0);
  });
});

describe('planTiles', () => {
  const plan = planTiles([dataIn({ west: 10.1, south: 46.2, east: 11.3, north: 46.9 }, 11)], geographic);

  it('has both roots, all ancestors and all four children of every refined tile', () => {
    expect(plan).toHaveLength(12);
    expect(countTiles(plan[0])).toBe(2);
    for (let z = 1; z < plan.length; z++) {
      expect(countTiles(plan[z]) % 4).toBe(0);
      for (const { x0, x1, y0, y1 } of plan[z]) {
        for (let y = y0; y <= y1; y++) {
          for (let x = x0; x <= x1; x++) {
            expect(isPlanned(plan, { z: z - 1, x: x >> 1, y: y >> 1 })).toBe(true);
            expect(isPlanned(plan, { z, x: x ^ 1, y: y ^ 1 })).toBe(true);
          }
        }
      }
    }
  });

  it('holds every tile that data touch, and few others', () => {
    const z = 11;
    const { touches } = dataIn({ west: 10.1, south: 46.2, east: 11.3, north: 46.9 }, 11);
    let touched = 0;
    for (let y = 450; y < 520; y++) {
      for (let x = 2150; x < 2200; x++) {
        if (touches(geographic.box({ z, x, y }), z) === 'none') continue;
        touched++;
        expect(isPlanned(plan, { z, x, y })).toBe(true);
      }
    }
    expect(touched).toBeGreaterThan(80);
    expect(countTiles(plan[z])).toBeLessThan(touched * 1.6);
  });

  it('is cut into shards that hold each tile once', () => {
    const shards = cutShards(plan, 12, { folder: 'out' });
    const all = shards.flatMap((shard) => shard.ranges);
    expect(countTiles(all)).toBe(plan.reduce((sum, ranges) => sum + countTiles(ranges), 0));
    const seen = new Set<string>();
    for (const { z, x0, x1, y0, y1 } of all) {
      for (let y = y0; y <= y1; y++) for (let x = x0; x <= x1; x++) seen.add(`${z}/${x}/${y}`);
    }
    expect(seen.size).toBe(countTiles(all));
    expect(shards.length).toBeGreaterThan(12);
  });

  it('cuts ranges by ancestor', () => {
    const range = { z: 5, x0: 3, x1: 20, y0: 7, y1: 9 };
    expect(rangesUnder([range], { z: 3, x: 1, y: 2 })).toEqual([{ z: 5, x0: 4, x1: 7, y0: 8, y1: 9 }]);
    expect(rangesUnder([range], { z: 3, x: 6, y: 2 })).toEqual([]);
  });

  it('gives each source its own depth, and nothing to what lies between two', () => {
    const fine = { west: 10.1, south: 46.2, east: 10.2, north: 46.3 };
    const far = { west: 140, south: -36, east: 140.1, north: -35.9 };
    const coarse = { west: 5, south: 44, east: 15, north: 50 };
    const alone = (data: PlannedData) => planTiles([data], geographic);
    const both = planTiles([dataIn(fine, 14), dataIn(far, 14)], geographic);
    const [one, other] = [alone(dataIn(fine, 14)), alone(dataIn(far, 14))];
    for (let z = 2; z <= 14; z++) {
      expect(countTiles(both[z] ?? [])).toBe(countTiles(one[z] ?? []) + countTiles(other[z] ?? []));
    }
    const mixed = planTiles([dataIn(fine, 14), dataIn(coarse, 9)], geographic);
    expect(mixed).toHaveLength(15);
    expect(countTiles(mixed[9] ?? [])).toBe(countTiles(alone(dataIn(coarse, 9))[9] ?? []));
    expect(countTiles(mixed[14] ?? [])).toBe(countTiles(one[14] ?? []));
  });

  it('holds a million tiles as a few ranges, each tile once', () => {
    const world = planTiles([dataIn({ west: -180, south: -90, east: 180, north: 90 }, 20)], geographic);
    expect(world.map((ranges) => ranges.length)).toEqual(Array.from({ length: 21 }, () => 1));
    const tilted = planTiles([dataIn({ west: 3.3, south: 40.7, east: 31.9, north: 59.2 }, 16)], geographic);
    expect(countTiles(tilted[16] ?? [])).toBeGreaterThan(70_000_000);
    expect((tilted[16] ?? []).length).toBeLessThan(200);
  });
});
