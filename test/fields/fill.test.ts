import { describe, expect, it } from 'vitest';
import { BLENDED, FILLED, fillHalo, fillVoids, MEASURED, OUTSIDE } from '../../tiler/fields/fill.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

/** A square of samples from a formula (NaN for void), `side` long, and what filling makes of its inside. */
function fill(side: number, radius: number, value: (column: number, row: number) => number) {
  const samples = new Float32Array(side * side);
  for (let k = 0; k < samples.length; k++) samples[k] = value(k % side, Math.floor(k / side));
  const halo = fillHalo(radius);
  const filled = fillVoids(samples, side, radius, halo);
  const at = (column: number, row: number) => {
    const k = row * side + column;
    return { value: filled.values[k], weight: filled.outsideWeight[k], state: filled.state[k] };
  };
  return { at, halo, samples, filled };
}

describe('fillVoids', () => {
  it('leaves data as they are and closes a void as wide as the radius completely', () => {
    const inVoid = (c: number, r: number) => c >= 60 && c < 68 && r >= 60 && r < 68;
    const { at } = fill(128, 8, (c, r) => (inVoid(c, r) ? Number.NaN : 500));
    expect(at(59, 60)).toEqual({ value: 500, weight: 0, state: MEASURED });
    for (let c = 60; c < 68; c++) {
      for (let r = 60; r < 68; r++) {
        expect(at(c, r).state).toBe(FILLED);
        expect(at(c, r).value).toBeCloseTo(500, 3);
      }
    }
  });

  it('stays between the least and the greatest of the rim', () => {
    const random = seededRandom(3);
    const { at, samples } = fill(100, 10, (c, r) =>
      Math.hypot(c - 50, r - 50) < 4.5 ? Number.NaN : 100 + 50 * random(),
    );
    const data = samples.filter((v) => !Number.isNaN(v));
    for (let c = 46; c <= 54; c++) {
      expect(at(c, 50).value).toBeGreaterThanOrEqual(data.reduce((a, b) => Math.min(a, b)));
      expect(at(c, 50).value).toBeLessThanOrEqual(data.reduce((a, b) => Math.max(a, b)));
    }
  });

  it('lets a wide void slope into outside without a step', () => {
    const radius = 16;
    const { at, halo } = fill(160, radius, (c) => (c < 60 ? 1600 : Number.NaN));
    let last = at(59, 80).value;
    for (let c = 60; c < 160 - halo; c++) {
      const { value, weight, state } = at(c, 80);
      // Beyond the sample beside the edge the slope is even: one (radius / 2)-th of the height at each sample.
      expect(last - value).toBeLessThanOrEqual(1600 / (radius / 2) + 0.01);
      expect(value).toBeLessThanOrEqual(last);
      expect(weight).toBeCloseTo(Math.min(1, (c - 60) / (radius / 2)), 5);
      expect(state).toBe(weight === 1 ? OUTSIDE : weight > 0 ? BLENDED : FILLED);
      last = value;
    }
    expect(last).toBe(0);
  });

  it('gives a sample the same fill, to the last bit, in whatever window it is seen', () => {
    const random = seededRandom(11);
    const side = 220;
    const world = Float32Array.from({ length: side * side }, () => (random() < 0.02 ? Number.NaN : 1000 * random()));
    for (const [c, r, w] of [
      [40, 50, 30],
      [120, 90, 45],
      [100, 130, 9],
    ]) {
      for (let k = 0; k < side * side; k++)
        if (Math.hypot((k % side) - c, Math.floor(k / side) - r) < w) world[k] = Number.NaN;
    }
    const radius = 24;
    const halo = fillHalo(radius);
    const whole = fillVoids(world, side, radius, halo);
    for (let k = 0; k < 12; k++) {
      const width = 2 * halo + 10 + Math.floor(random() * 40);
      const height = 2 * halo + 10 + Math.floor(random() * 40);
      const c0 = Math.floor(random() * (side - width));
      const r0 = Math.floor(random() * (side - height));
      const window = new Float32Array(width * height);
      for (let r = 0; r < height; r++)
        window.set(world.subarray((r0 + r) * side + c0, (r0 + r) * side + c0 + width), r * width);
      const part = fillVoids(window, width, radius, halo);
      for (let r = halo; r < height - halo; r++) {
        for (let c = halo; c < width - halo; c++) {
          if (c0 + c < halo || r0 + r < halo || c0 + c >= side - halo || r0 + r >= side - halo) continue;
          const here = r * width + c;
          const there = (r0 + r) * side + c0 + c;
          if (Number.isNaN(world[there]) && part.values[here] !== whole.values[there])
            throw new Error(`differs at ${c0 + c}, ${r0 + r}`);
          expect(part.outsideWeight[here]).toBe(whole.outsideWeight[there]);
        }
      }
    }
  });

  it('with radius 0 fills nothing', () => {
    const { at } = fill(32, 0, (c) => (c === 16 ? Number.NaN : 7));
    expect(at(16, 16)).toEqual({ value: 0, weight: 1, state: OUTSIDE });
    expect(at(15, 16)).toEqual({ value: 7, weight: 0, state: MEASURED });
  });
});
