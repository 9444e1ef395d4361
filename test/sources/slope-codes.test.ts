import { describe, expect, it } from 'vitest';
import { quantumOf } from '../../tiler/sources/halve.ts';
import { slopeCodes } from '../../tiler/sources/slope-codes.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

describe('slopeCodes', () => {
  for (const unitMetres of [1, 0.3048, 0.01]) {
    const quantum = quantumOf(unitMetres);
    const { slopes, codeOf } = slopeCodes(quantum);

    it(`every code comes back from its slope (unit of ${unitMetres} m)`, () => {
      for (let code = 0; code < 256; code++) {
        if (code === 128) continue;
        expect(codeOf(slopes[code])).toBe(code);
      }
      expect([slopes[0], slopes[128]]).toEqual([0, 0]);
    });

    it(`a slope is at most 9.5 % off, whatever its sign (unit of ${unitMetres} m)`, () => {
      const random = seededRandom(5);
      const most = slopes[127];
      for (let k = 0; k < 20_000; k++) {
        const slope = quantum * (most / quantum) ** random();
        expect(Math.abs(slopes[codeOf(slope)] / slope - 1)).toBeLessThan(0.095);
        expect(slopes[codeOf(-slope)]).toBe(-slopes[codeOf(slope)]);
      }
    });

    it(`has none for next to nothing, and the greatest for more than that (unit of ${unitMetres} m)`, () => {
      for (const slope of [0, -0, quantum / 4, -quantum / 4]) expect(slopes[codeOf(slope)]).toBe(0);
      expect(slopes[codeOf(1e12)]).toBe(slopes[127]);
      expect(slopes[codeOf(-1e12)]).toBe(-slopes[127]);
    });
  }
});
