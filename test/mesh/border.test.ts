import { describe, expect, it } from 'vitest';
import {
  type BorderLine,
  type BorderProfile,
  bendLine,
  chooseBorderPoints,
  measureBorder,
  SIDE,
} from '../../tiler/mesh/border.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

function randomLine(random: () => number, size: number, isBounded: boolean): BorderLine {
  const inner = Array.from({ length: 60 }, () => 1 + Math.floor(random() * (SIDE - 1)));
  const positions = Int32Array.from(new Set([0, SIDE, SIDE / 2, SIDE / 4, (3 * SIDE) / 4, ...inner])).sort();
  const metres = (most: number) => Float32Array.from(positions, () => most * random());
  return {
    positions,
    heights: metres(size),
    undulation: new Float32Array(positions.length).fill(-1),
    ...(isBounded && { above: metres(2), below: metres(2) }),
  };
}

function profileOf(line: BorderLine, maxError: number, maxSampleError: number): BorderProfile {
  const weights = new Float32Array(line.positions.length).fill(1);
  return { line, bent: bendLine(line, 20_000), weights, maxError, maxSampleError };
}

/** The chord of chosen points at every point. */
function chords({ line: { positions }, bent }: BorderProfile, chosen: Uint8Array): Float64Array {
  const kept = Array.from(positions.keys()).filter((k) => chosen[k]);
  return Float64Array.from(positions, (position) => {
    const after = kept.findIndex((k) => positions[k] >= position);
    const [b, a] = [kept[after], kept[Math.max(0, after - 1)]];
    const share = a === b ? 0 : (position - positions[a]) / (positions[b] - positions[a]);
    return bent[a] + share * (bent[b] - bent[a]);
  });
}

describe('chooseBorderPoints', () => {
  it('leaves no point, and no sample next to one, beyond its bound, and keeps the lattice', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 300; round++) {
      const profile = profileOf(randomLine(random, 30 * random(), round % 2 === 0), 4, 6);
      const { line } = profile;
      const chosen = chooseBorderPoints(profile, 4);
      const drawn = chords(profile, chosen);
      let worst = 0;
      for (const [k, position] of line.positions.entries()) {
        if (position % (SIDE / 4) === 0) expect(chosen[k]).toBe(1);
        if (chosen[k]) continue;
        const rise = drawn[k] - profile.bent[k];
        worst = Math.max(worst, Math.abs(rise));
        expect(Math.abs(rise)).toBeLessThanOrEqual(4);
        expect(rise + (line.below?.[k] ?? 0)).toBeLessThanOrEqual(6);
        expect((line.above?.[k] ?? 0) - rise).toBeLessThanOrEqual(6);
      }
      expect(measureBorder(profile, chosen)).toBeCloseTo(worst, 6);
    }
  });

  it('takes two points of a straight line, and the first of equal errors', () => {
    const positions = Int32Array.of(0, 1024, 2048, 3072, SIDE);
    const line = (heights: readonly number[]): BorderLine => ({
      positions,
      heights: Float32Array.from(heights),
      undulation: new Float32Array(5).fill(-1),
    });
    const choose = (heights: readonly number[]) => {
      const profile = { ...profileOf(line(heights), 1, 1), bent: Float64Array.from(heights) };
      return [...chooseBorderPoints(profile, 1)];
    };
    expect(choose([0, 2, 4, 6, 8])).toEqual([1, 0, 0, 0, 1]);
    // After the first of the two, the second lies within the bound of no chord.
    expect(choose([0, 5, 0, 5, 0])).toEqual([1, 1, 1, 1, 1]);
    expect(choose([0, 3, 3, 3, 0])).toEqual([1, 1, 0, 1, 1]);
  });

  it('looks the same from the other end, but for ties', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 50; round++) {
      const line = randomLine(random, 20, false);
      const profile = { ...profileOf(line, 2, 2), bent: Float64Array.from(line.heights) };
      const turned = {
        ...profile,
        line: { ...line, positions: line.positions.map((position) => SIDE - position).reverse() },
        bent: profile.bent.slice().reverse(),
      };
      expect([...chooseBorderPoints(turned, 4)].reverse()).toEqual([...chooseBorderPoints(profile, 4)]);
    }
  });
});
