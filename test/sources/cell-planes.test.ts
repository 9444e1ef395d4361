/** Planes of cells against every full-resolution sample under them, one by one. */
import { describe, expect, it } from 'vitest';
import { type CellPlanes, fitToCells, fitToSamples } from '../../tiler/sources/cell-planes.ts';
import { halveMeans, quantumOf } from '../../tiler/sources/halve.ts';
import { type SlopeCodes, slopeCodes } from '../../tiler/sources/slope-codes.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const QUANTUM = quantumOf(1);
const CODES = slopeCodes(QUANTUM);
/** Samples along a side, and how often that is halved. */
const SIDE = 64;
const LEVELS = 6;

type Ground = (column: number, row: number) => number;

/** Means, planes and reaches of level after level, from samples at level 0. */
function planesOver(samples: Float32Array, codes: SlopeCodes = CODES): CellPlanes[] {
  const planes: CellPlanes[] = [];
  let [finer, side] = [samples, SIDE];
  for (let level = 1; level <= LEVELS; level++) {
    const half = side / 2;
    const count = half * half;
    const out = {
      means: new Float32Array(count),
      east: new Float32Array(count),
      south: new Float32Array(count),
      above: new Float32Array(count),
      below: new Float32Array(count),
    };
    const [from, to] = [
      { at: 0, stride: side },
      { at: 0, stride: half },
    ];
    const extent = { columns: half, rows: half };
    halveMeans(finer, from, out.means, to, extent, QUANTUM);
    if (level === 1) fitToSamples(samples, from, out, to, extent, codes);
    else fitToCells(planes[level - 2], from, out, to, extent, codes, 0.5 - 0.5 ** level);
    planes.push(out);
    [finer, side] = [out.means, half];
  }
  return planes;
}

/** How far samples under a cell reach above and below its plane. */
function reachUnder(samples: Float32Array, planes: CellPlanes, level: number, cell: number): [number, number] {
  const scale = 2 ** level;
  const across = SIDE / scale;
  const [column, row] = [cell % across, Math.floor(cell / across)];
  let [above, below] = [0, 0];
  for (let j = 0; j < scale; j++) {
    for (let i = 0; i < scale; i++) {
      const sample = samples[(row * scale + j) * SIDE + column * scale + i];
      if (Number.isNaN(sample)) continue;
      const [u, v] = [(i + 0.5) / scale - 0.5, (j + 0.5) / scale - 0.5];
      const off = sample - (planes.means[cell] + u * planes.east[cell] + v * planes.south[cell]);
      above = Math.max(above, off);
      below = Math.max(below, -off);
    }
  }
  return [above, below];
}

function samplesOf(ground: Ground): Float32Array {
  return Float32Array.from({ length: SIDE * SIDE }, (_, k) => ground(k % SIDE, Math.floor(k / SIDE)));
}

/** Random grounds; `voids` is the share of samples that are void. */
function grounds(seed: number, voids: number): [name: string, samples: Float32Array][] {
  const random = seededRandom(seed);
  const [a, b, size] = [random() - 0.5, random() - 0.5, 1 + 4000 * random() ** 3];
  const shapes: [string, Ground][] = [
    ['noise', () => size * (random() - 0.5)],
    ['hills', (c, r) => size * Math.sin(c * a) * Math.cos(r * b)],
    ['a ramp with noise', (c, r) => size * (a * c + b * r) + random()],
    ['spikes', () => (random() < 0.02 ? size * (random() - 0.5) : 0)],
    ['far below', (c) => -9000 + c * b],
  ];
  const holed = (ground: Ground) => (c: number, r: number) => (random() < voids ? Number.NaN : ground(c, r));
  return shapes.map(([name, ground]) => [name, samplesOf(holed(ground))]);
}

/** Numbers are kept as floats. */
const room = (height: number) => 1e-3 + 1e-6 * Math.abs(height);

describe('planes of cells', () => {
  for (const voids of [0, 0.01, 0.3, 0.9]) {
    it(`bound every sample under them, at every level, with ${100 * voids} % of them void`, () => {
      for (let seed = 1; seed <= 12; seed++) {
        for (const [name, samples] of grounds(seed, voids)) {
          for (const [k, planes] of planesOver(samples).entries()) {
            for (const cell of planes.means.keys()) {
              const [above, below] = reachUnder(samples, planes, k + 1, cell);
              const about = `seed ${seed}, ${name}, level ${k + 1}, cell ${cell}`;
              const spare = room(planes.means[cell]);
              if (Number.isNaN(planes.means[cell])) {
                expect([above, below], about).toEqual([0, 0]);
              } else if (planes.above[cell] + spare < above || planes.below[cell] + spare < below) {
                expect.fail(`${about}: ${above} ${below}; said ${planes.above[cell]} ${planes.below[cell]}`);
              }
            }
          }
        }
      }
    });
  }

  it('say no more at the first level than what the samples reach', () => {
    for (const voids of [0, 0.3]) {
      for (const [name, samples] of grounds(3, voids)) {
        const [planes] = planesOver(samples);
        for (const [cell, mean] of planes.means.entries()) {
          if (Number.isNaN(mean)) continue;
          const [above, below] = reachUnder(samples, planes, 1, cell);
          expect(Math.abs(planes.above[cell] - above), name).toBeLessThan(room(mean));
          expect(Math.abs(planes.below[cell] - below), name).toBeLessThan(room(mean));
        }
      }
    }
  });

  it('leave nothing out of even ground, as steep as it may be', () => {
    // Slopes that codes hold exactly, so that halves of them do too: 4 codes are an octave.
    const [east, south] = [CODES.slopes[41], -CODES.slopes[53]];
    const samples = samplesOf((c, r) => 100 + (c * east) / 2 + (r * south) / 2);
    for (const [k, planes] of planesOver(samples).entries()) {
      const scale = 2 ** k;
      for (const [cell] of planes.means.entries()) {
        expect(planes.east[cell]).toBe(east * scale);
        expect(planes.south[cell]).toBe(south * scale);
        // Means are rounded at each level, and no other error adds to that.
        expect(planes.above[cell]).toBeLessThanOrEqual(((k + 1) * QUANTUM) / 2);
        expect(planes.below[cell]).toBeLessThanOrEqual(((k + 1) * QUANTUM) / 2);
      }
    }
  });

  it('take the slope of one pair where another is void, and none where each is', () => {
    const V = Number.NaN;
    const slopesOf = (four: readonly number[]) => {
      const samples = new Float32Array(SIDE * SIDE).fill(V);
      [samples[0], samples[1], samples[SIDE], samples[SIDE + 1]] = four;
      const [{ east, south, above, below }] = planesOver(samples);
      return { east: east[0], south: south[0], left: Math.max(above[0], below[0]) };
    };
    const step = CODES.slopes[61];
    const nearest = (slope: number) => CODES.slopes[CODES.codeOf(slope)];
    expect(slopesOf([0, step, V, V])).toMatchObject({ east: nearest(2 * step), south: 0 });
    expect(slopesOf([V, V, 0, -step])).toMatchObject({ east: nearest(-2 * step), south: 0 });
    expect(slopesOf([0, V, step, V])).toMatchObject({ east: 0, south: nearest(2 * step) });
    expect(slopesOf([0, V, V, step])).toMatchObject({ east: 0, south: 0 });
    expect(slopesOf([7, V, V, V])).toEqual({ east: 0, south: 0, left: 0 });
  });

  it('hold with slopes that cannot be told: those of the nearest code', () => {
    const level = { slopes: new Float32Array(256), codeOf: () => 0 };
    const random = seededRandom(9);
    const samples = samplesOf((c, r) => 30 * c - 50 * r + random());
    for (const [k, planes] of planesOver(samples, level).entries()) {
      for (const [cell, mean] of planes.means.entries()) {
        const [above, below] = reachUnder(samples, planes, k + 1, cell);
        expect(planes.east[cell]).toBe(0);
        expect(planes.above[cell]).toBeGreaterThanOrEqual(above - room(mean));
        expect(planes.below[cell]).toBeGreaterThanOrEqual(below - room(mean));
      }
    }
  });

  it('are laid into a part of larger arrays and touch nothing beside it', () => {
    const [samples] = grounds(5, 0.1).map(([, found]) => found);
    const whole = planesOver(samples)[0];
    const stride = 50;
    const at = 3 * stride + 7;
    const fresh = () => new Float32Array(stride * 40).fill(-1);
    const out = { means: fresh(), east: fresh(), south: fresh(), above: fresh(), below: fresh() };
    const [from, to] = [
      { at: 2 * (5 * SIDE + 4), stride: SIDE },
      { at, stride },
    ];
    const extent = { columns: 11, rows: 9 };
    halveMeans(samples, from, out.means, to, extent, QUANTUM);
    fitToSamples(samples, from, out, to, extent, CODES);
    for (const key of ['means', 'east', 'south', 'above', 'below'] as const) {
      for (let k = 0; k < out[key].length; k++) {
        const [column, row] = [(k % stride) - 7, Math.floor(k / stride) - 3];
        const inside = column >= 0 && column < extent.columns && row >= 0 && row < extent.rows;
        const cell = (row + 5) * (SIDE / 2) + column + 4;
        const isVoid = inside && Number.isNaN(whole.means[cell]) && key !== 'means';
        expect(out[key][k], `${key} ${column} ${row}`).toBe(inside && !isVoid ? whole[key][cell] : -1);
      }
    }
  });
});
