import { describe, expect, it } from 'vitest';
import { CellErrors, type Facet, type Worst } from '../../tiler/mesh/cell-errors.ts';
import type { SourceCells } from '../../tiler/mesh/source-cells.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const SIDE = 8;
const BEND = { x: 0.03, y: 0.02 };

/** Cells side by side over the tile and a little more, each with a plane of its own. */
function randomCells(random: () => number, spacing: number, isBounded: boolean): SourceCells {
  const across = Math.ceil(SIDE / spacing) + 2;
  const count = across * across;
  const take = (make: (k: number) => number) => Float64Array.from({ length: count }, (_, k) => make(k));
  const metres = (most: number) => Float32Array.from(take(() => most * random()));
  return {
    x: take((k) => ((k % across) - 0.5) * spacing),
    y: take((k) => (Math.floor(k / across) - 0.5) * spacing),
    heights: take(() => 20 * random()),
    slopeX: isBounded ? metres(6) : undefined,
    slopeY: isBounded ? metres(-6) : undefined,
    above: isBounded ? metres(3) : undefined,
    below: isBounded ? metres(3) : undefined,
    reachX: isBounded ? spacing * 0.45 : 0,
    reachY: isBounded ? spacing * 0.45 : 0,
  };
}

function randomFacet(random: () => number): Facet {
  const place = () => Math.floor(random() * (SIDE * 4 + 1)) / 4;
  const facet = { ax: place(), ay: place(), bx: place(), by: place(), cx: place(), cy: place() };
  const area = (facet.bx - facet.ax) * (facet.cy - facet.ay) - (facet.cx - facet.ax) * (facet.by - facet.ay);
  if (Math.abs(area) < 0.1) return randomFacet(random);
  return { ...facet, za: 10 * random(), slopeX: 4 * random() - 2, slopeY: 4 * random() - 2 };
}

function holds({ ax, ay, bx, by, cx, cy }: Facet, x: number, y: number): boolean {
  const sides = [
    (bx - ax) * (y - ay) - (by - ay) * (x - ax),
    (cx - bx) * (y - by) - (cy - by) * (x - bx),
    (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
  ];
  return sides.every((side) => side >= 0) || sides.every((side) => side <= 0);
}

/** Greatest error at places on a fine grid of what of the cell lies in the facet; -1 where nothing does. */
function densely(facet: Facet, cells: SourceCells, k: number, steps: number): number {
  const { x, y, heights, slopeX, slopeY, above, below, reachX, reachY } = cells;
  let worst = -1;
  for (let j = -steps; j <= steps; j++) {
    for (let i = -steps; i <= steps; i++) {
      const [east, south] = [(reachX * i) / steps, (reachY * j) / steps];
      if (!holds(facet, x[k] + east, y[k] + south)) continue;
      const drawn = facet.za + facet.slopeX * (x[k] + east - facet.ax) + facet.slopeY * (y[k] + south - facet.ay);
      const bent = heights[k] - BEND.x * (x[k] + east) ** 2 - BEND.y * (y[k] + south) ** 2;
      const gap = drawn - bent - (slopeX?.[k] ?? 0) * east - (slopeY?.[k] ?? 0) * south;
      worst = Math.max(worst, gap + (below?.[k] ?? 0), (above?.[k] ?? 0) - gap);
    }
  }
  return worst;
}

const noWorst = (): Worst => ({ set: -1, cell: -1, error: 0, bound: 0 });

describe('CellErrors', () => {
  it('finds the worst of samples that lie in a triangle', () => {
    const random = seededRandom(1);
    let found = 0;
    for (let round = 0; round < 400; round++) {
      const cells = randomCells(random, 0.3 + random(), false);
      const facet = randomFacet(random);
      const worst = noWorst();
      new CellErrors([cells], SIDE, SIDE, BEND).findWorst(facet, 0.5, worst);
      const errors = Array.from(cells.x.keys(), (k) => densely(facet, cells, k, 1));
      const greatest = Math.max(...errors);
      expect(worst.bound).toBeCloseTo(Math.max(0, greatest), 6);
      expect(worst.cell).toBe(greatest > 0.5 ? errors.indexOf(greatest) : -1);
      if (worst.cell >= 0) found++;
    }
    expect(found).toBeGreaterThan(200);
  });

  it('bounds all samples that can lie under cells, cut by the triangle, and hardly more', () => {
    const random = seededRandom(2);
    let [sum, least] = [0, 0];
    for (let round = 0; round < 200; round++) {
      const cells = randomCells(random, 0.5 + random(), true);
      const facet = randomFacet(random);
      const worst = noWorst();
      new CellErrors([cells], SIDE, SIDE, BEND).findWorst(facet, 0.01, worst);
      const greatest = Math.max(...Array.from(cells.x.keys(), (k) => densely(facet, cells, k, 12)));
      // The Earth bends by so much within a cell, which is taken as flat.
      const bend = (BEND.x + BEND.y) * cells.reachX ** 2;
      if (greatest < 0) continue;
      expect(worst.bound).toBeGreaterThan(greatest - bend - 1e-6);
      expect(worst.error).toBe(worst.bound);
      sum += worst.bound;
      least += greatest;
    }
    expect(sum / least).toBeLessThan(1.1);
  });

  it('leaves out cells that are stuck, and still counts them in the bound', () => {
    const cells = randomCells(seededRandom(3), 1, true);
    const errors = new CellErrors([cells], SIDE, SIDE, BEND);
    const facet = { ax: 0, ay: 0, bx: SIDE, by: 0, cx: 0, cy: SIDE, za: 0, slopeX: 0, slopeY: 0 };
    const first = noWorst();
    errors.findWorst(facet, 0.5, first);
    errors.stuck[first.set][first.cell] = 1;
    const second = noWorst();
    errors.findWorst(facet, 0.5, second);
    expect(second.bound).toBe(first.bound);
    expect(second.error).toBeLessThan(first.error);
    expect(second.cell).not.toBe(first.cell);
  });
});
