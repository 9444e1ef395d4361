/** The two quadtrees of 3D Tiles terrain: which tiles there are, against a plain list of them, and the boxes of tiles. */
import { describe, expect, it } from 'vitest';
import {
  globeTile,
  HEMISPHERES,
  type Hemisphere,
  openAvailability,
  regionOf,
} from '../../tiler/catalog/hemispheres.ts';
import type { AvailableRange } from '../../tiler/catalog/layer-json.ts';
import { tileRanges } from '../../tiler/catalog/tile-ranges.ts';
import { mortonIndex, SUBTREE_LEVELS, subtreeBit } from '../../tiler/encode/subtree.ts';

const HEIGHTS = { minHeight: -1, maxHeight: 2 };

/** A pyramid over a few tiles of level 7, all four children of each refined tile there; both sides of the date line. */
function pyramidOver(deep: readonly (readonly [number, number])[]): {
  names: Set<string>;
  available: AvailableRange[][];
} {
  const levels = Array.from({ length: 8 }, () => new Map<string, { x: number; y: number }>());
  const add = (z: number, x: number, y: number) => levels[z]?.set(`${z}/${x}/${y}`, { x, y });
  add(0, 0, 0);
  add(0, 1, 0);
  for (const [x, y] of deep) {
    for (let z = 1; z <= 7; z++) {
      const [px, py] = [(x >> (8 - z)) * 2, (y >> (8 - z)) * 2];
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const)
        add(z, px + dx, py + dy);
    }
  }
  return {
    names: new Set(levels.flatMap((level) => [...level.keys()])),
    available: levels.map((level) => tileRanges([...level.values()])),
  };
}

describe('availability', () => {
  const { names, available } = pyramidOver([
    [16, 78],
    [17, 79],
    [0, 3],
    [255, 127],
    [129, 64],
  ]);
  const availability = openAvailability({ available });
  const nameOf = (hemisphere: Hemisphere, level: number, x: number, y: number) =>
    `${level}/${hemisphere === 'east' ? x + 2 ** level : x}/${y}`;

  it('has the tiles of the list and no others, and subtrees say the same', () => {
    let seen = 0;
    const wrong: string[] = [];
    for (const hemisphere of HEMISPHERES) {
      expect(availability.levels(hemisphere)).toBe(8);
      for (let level = 0; level <= 8; level++) {
        for (let x = 0; x < 2 ** level; x++) {
          for (let y = 0; y < 2 ** level; y++) {
            const there = names.has(nameOf(hemisphere, level, x, y));
            if (there) seen++;
            if (availability.has({ hemisphere, level, x, y }) !== there) wrong.push(nameOf(hemisphere, level, x, y));
            if (level < SUBTREE_LEVELS) continue;
            const local = level % SUBTREE_LEVELS;
            const side = 2 ** local;
            const root = { hemisphere, level: level - local, x: Math.floor(x / side), y: Math.floor(y / side) };
            const bit = subtreeBit(local, x % side, y % side);
            if ((availability.subtree(root)?.tiles[bit] ?? false) !== there)
              wrong.push(`bit ${bit} of ${level}/${x}/${y}`);
            if (local > 0) continue;
            const above = { ...root, level: level - 3, x: x >> 3, y: y >> 3 };
            const follows = availability.subtree(above)?.children[mortonIndex(3, x & 7, y & 7)] ?? false;
            if (follows !== there) wrong.push(`subtree at ${level}/${x}/${y}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBe(names.size);
  });

  it('leaves out tiles that no parent leads to, and a hemisphere without a root', () => {
    const gap = openAvailability({
      available: [
        [{ startX: 1, startY: 0, endX: 1, endY: 0 }],
        [{ startX: 2, startY: 1, endX: 2, endY: 1 }],
        [{ startX: 4, startY: 2, endX: 7, endY: 3 }],
      ],
    });
    expect([gap.levels('west'), gap.levels('east')]).toEqual([0, 3]);
    expect(gap.subtree({ hemisphere: 'west', level: 0, x: 0, y: 0 })).toBeUndefined();
    const { tiles = [] } = gap.subtree({ hemisphere: 'east', level: 0, x: 0, y: 0 }) ?? {};
    expect(tiles.flatMap((there, bit) => (there ? [bit] : []))).toEqual([0, 3, 5 + 8, 5 + 9, 5 + 10, 5 + 11]);
    expect(gap.has({ hemisphere: 'east', level: 2, x: 2, y: 2 })).toBe(false);
  });

  it('answers addresses far outside any tileset at once', () => {
    for (const level of [31, 999_999_999])
      expect(availability.has({ hemisphere: 'east', level, x: 0, y: 0 })).toBe(false);
  });
});

describe('regions', () => {
  it('share the bits of common borders, between levels and hemispheres too, and stay within the globe', () => {
    const at = (hemisphere: Hemisphere, level: number, x: number, y: number) =>
      regionOf({ hemisphere, level, x, y }, HEIGHTS);
    expect(at('west', 0, 0, 0)).toEqual([-Math.PI, -Math.PI / 2, 0, Math.PI / 2, -1, 2]);
    expect(at('east', 0, 0, 0)).toEqual([0, -Math.PI / 2, Math.PI, Math.PI / 2, -1, 2]);
    for (let level = 1; level <= 20; level++) {
      const last = 2 ** level - 1;
      expect(at('west', level, last, 0)[2]).toBe(0);
      expect(at('east', level, last, last).slice(2, 4)).toEqual([Math.PI, Math.PI / 2]);
      const [x, y] = [Math.floor(last * 0.137), Math.floor(last * 0.61)];
      const tile = at('west', level, x, y);
      expect(at('west', level, x + 1, y)[0]).toBe(tile[2]);
      expect(at('west', level, x, y + 1)[1]).toBe(tile[3]);
      const parent = at('west', level - 1, x >> 1, y >> 1);
      expect(parent[x & 1 ? 2 : 0]).toBe(tile[x & 1 ? 2 : 0]);
    }
  });

  it('name the tile of the geographic scheme, whose rows count from the north', () => {
    expect(globeTile({ hemisphere: 'west', level: 7, x: 16, y: 78 })).toEqual({ z: 7, x: 16, y: 49 });
    expect(globeTile({ hemisphere: 'east', level: 0, x: 0, y: 0 })).toEqual({ z: 0, x: 1, y: 0 });
  });
});
