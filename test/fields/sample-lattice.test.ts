/** Places in a lattice against the exact ones. */
import { describe, expect, it } from 'vitest';
import { type LatticeBox, SampleLattice, type Spot } from '../../tiler/fields/sample-lattice.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const BOX: LatticeBox = { west: -3.5, north: 17.5, width: 80, height: 48 };
const SQUARES = 16;
/** Post spacings round the world. */
const TURN = 4096;

type Exactly = (column: number, row: number) => Spot;

function latticeOf(exactly: Exactly, squares = SQUARES): SampleLattice {
  return new SampleLattice(BOX, { squares, turn: TURN, exactly });
}

/** Positions all over the box, its rim included. */
function* positions(count: number): Generator<[column: number, row: number]> {
  const random = seededRandom(7);
  for (let k = 0; k < count; k++) {
    const [u, v] = k < 4 ? [k % 2, k >> 1] : [random(), random()];
    yield [BOX.west + u * BOX.width, BOX.north + v * BOX.height];
  }
}

const LEVEL: Exactly = (column, row) => ({
  x: 5 + 0.25 * column - 0.125 * row,
  y: -9 + 0.0625 * column + 0.5 * row,
  geoid: 40 + column / 64 - row / 32,
});

/** As a projection bends: by a tenth of a sample and more over a square of the lattice. */
const BENT: Exactly = (column, row) => ({
  x: 0.5 * column + 0.0008 * column * column - 0.0005 * row * column,
  y: 0.5 * row + 0.001 * column * column,
  geoid: 40 + Math.sin(column / 50),
});

/** Where columns pass 180 degrees at 40: x falls by a turn from there on. */
const JUMPING: Exactly = (column, row) => ({ ...LEVEL(column, row), x: column / 4 - (column >= 40.2 ? TURN : 0) });

/** Columns of the lattice's square that holds a column. */
function squareOf(column: number): number {
  return Math.min(SQUARES - 1, Math.floor(((column - BOX.west) / BOX.width) * SQUARES));
}

describe('SampleLattice', () => {
  it('gives places, geoid and slopes of even ground everywhere', () => {
    for (const squares of [0, 1, SQUARES]) {
      const lattice = latticeOf(LEVEL, squares);
      for (const [column, row] of positions(300)) {
        lattice.find(column, row);
        const { x, y, geoid } = LEVEL(column, row);
        const { spot } = lattice;
        expect([spot.x - x, spot.y - y, spot.geoid - geoid].every((off) => Math.abs(off) < 1e-11)).toBe(true);
        for (const [slope, expected] of [
          [spot.xc, 0.25],
          [spot.xr, -0.125],
          [spot.yc, 0.0625],
          [spot.yr, 0.5],
        ]) {
          expect(slope).toBeCloseTo(expected, 10);
        }
      }
      expect(lattice.worstOff(1, 1)).toBeLessThan(1e-10);
    }
  });

  it('is exact at the corners of its squares, and carries on straight beyond its box', () => {
    const lattice = latticeOf(BENT);
    for (let j = 0; j <= SQUARES; j++) {
      for (let i = 0; i <= SQUARES; i++) {
        const [column, row] = [BOX.west + (BOX.width * i) / SQUARES, BOX.north + (BOX.height * j) / SQUARES];
        lattice.find(column, row);
        expect(lattice.spot.x).toBeCloseTo(BENT(column, row).x, 10);
        expect(lattice.spot.y).toBeCloseTo(BENT(column, row).y, 10);
        expect(lattice.spot.geoid).toBeCloseTo(BENT(column, row).geoid, 10);
      }
    }
    const even = latticeOf(LEVEL);
    even.find(BOX.west - 2, BOX.north + BOX.height + 3);
    expect(even.spot.x).toBeCloseTo(LEVEL(BOX.west - 2, BOX.north + BOX.height + 3).x, 10);
    expect(even.spot.y).toBeCloseTo(LEVEL(BOX.west - 2, BOX.north + BOX.height + 3).y, 10);
  });

  it('says how far off it is, in samples of the level that is placed', () => {
    const lattice = latticeOf(BENT);
    const off = lattice.worstOff(1, 1);
    let worst = 0;
    for (const [column, row] of positions(4000)) {
      lattice.find(column, row);
      const { x, y } = BENT(column, row);
      const { spot } = lattice;
      const sample = Math.min(Math.hypot(spot.xc, spot.yc), Math.hypot(spot.xr, spot.yr));
      worst = Math.max(worst, Math.hypot(spot.x - x, spot.y - y) / sample);
    }
    expect(worst).toBeGreaterThan(0.01);
    expect(off).toBeGreaterThan(0.9 * worst);
    expect(off).toBeLessThan(1.1 * worst);
    expect(lattice.worstOff(4, 4)).toBeCloseTo(off / 4, 10);
    // By the shorter side of a sample.
    expect(lattice.worstOff(1, 4)).toBeGreaterThan(lattice.worstOff(4, 4));
    expect(latticeOf(BENT, 2 * SQUARES).worstOff(1, 1)).toBeLessThan(off / 3);
  });

  it('has exact places, and slopes the short way round, where the world begins anew', () => {
    const lattice = latticeOf(JUMPING);
    for (const [column, row] of positions(2000)) {
      lattice.find(column, row);
      expect(lattice.spot.x).toBeCloseTo(JUMPING(column, row).x, 9);
      expect(lattice.spot.xc).toBeCloseTo(0.25, 9);
      expect(lattice.spot.xr).toBeCloseTo(0, 9);
    }
    // The slope is measured across the jump itself.
    lattice.find(40, 30);
    expect(lattice.spot.x).toBe(10);
    expect(lattice.spot.xc).toBeCloseTo(0.25, 9);
    expect(lattice.worstOff(1, 1)).toBeLessThan(1e-9);
  });

  it('has exact places in squares of which a corner is nowhere, and NaN where there is none', () => {
    const nowhere = { x: Number.NaN, y: Number.NaN, geoid: Number.NaN };
    const exactly: Exactly = (column, row) => (column > 50 ? nowhere : BENT(column, row));
    const lattice = latticeOf(exactly);
    const partly = squareOf(50);
    for (const [column, row] of positions(2000)) {
      lattice.find(column, row);
      if (column > 50) expect(lattice.spot.x).toBeNaN();
      else if (squareOf(column) === partly) expect(lattice.spot.x).toBe(BENT(column, row).x);
      else expect(Math.abs(lattice.spot.x - BENT(column, row).x)).toBeLessThan(0.02);
    }
  });

  it('works every place out where it has no squares', () => {
    let asked = 0;
    const exactly: Exactly = (column, row) => {
      asked++;
      return BENT(column, row);
    };
    const lattice = latticeOf(exactly, 0);
    expect(asked).toBe(0);
    for (const [column, row] of positions(50)) {
      lattice.find(column, row);
      const { x, y, geoid } = lattice.spot;
      expect({ x, y, geoid }).toEqual(BENT(column, row));
      expect(lattice.spot.xc).toBeCloseTo(0.5 + 0.0016 * column - 0.0005 * row, 2);
    }
    expect(asked).toBeGreaterThan(0);
  });
});
