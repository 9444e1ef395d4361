/**
 * Is a level registered? The surface is read at positions moved by quarters of the level's own sample spacing, and where
 * it fits the unmoved source best is where it lies. Heights are interpolated in u and v here, not in space: the sag of
 * flat triangles under a curved Earth, up to half a bound at low levels, changes with every move and would drown the
 * relief, and it is no matter of registration.
 */
import type { BlockPlace, DemBlock } from './dem.ts';
import type { LevelShift } from './report-types.ts';

const QUARTERS = [-2, -1, 0, 1, 2];
const MOVES = QUARTERS.length ** 2;
const UNMOVED = (MOVES - 1) / 2;

/** Sums over positions, as plain data. */
export interface ShiftSums {
  n: number;
  sum: number;
  sumOfSquares: number;
  differences: number;
  /** Cosines of the latitudes. */
  cosines: number;
  /** Squared differences of each move, row by row: north from -1/2 to 1/2, within a row east from -1/2 to 1/2. */
  readonly squares: Float64Array;
}

export function noShift(): ShiftSums {
  return { n: 0, sum: 0, sumOfSquares: 0, differences: 0, cosines: 0, squares: new Float64Array(MOVES) };
}

/** Metres at a place; NaN where there is no tile at hand. */
export type HeightAt = (lon: number, lat: number) => number;

export interface ShiftOptions {
  /** Degrees in a step: the coarser of the source's samples and a tile's 64 cells. */
  readonly step: number;
  /** Every how many samples a position is taken, each way. */
  readonly stride: number;
}

/** Adds the positions of a block, those left out whose moves leave the tiles at hand, and those at the rim of the data. */
export function addShift(
  sums: ShiftSums,
  block: DemBlock,
  place: BlockPlace,
  heightAt: HeightAt,
  { step, stride }: ShiftOptions,
): void {
  const { columns, heights, sheet } = block;
  const drawn = new Float64Array(MOVES);
  // On one grid over all blocks, whatever part of them is wanted.
  const first = (from: number, start: number): number => Math.ceil((from + start) / stride) * stride - from;
  for (let j = first(place.row, place.top); j < place.bottom; j += stride) {
    for (let i = first(place.column, place.left); i < place.right; i += stride) {
      if (i >= columns || j >= block.rows) continue;
      const at = j * columns + i;
      const height = heights[at];
      if (Number.isNaN(height) || atRim(block, i, j, step)) continue;
      const lon = sheet ? sheet.west + i * sheet.stepX : block.lons[at];
      const lat = sheet ? sheet.north - j * sheet.stepY : block.lats[at];
      let whole = true;
      for (let move = 0; move < MOVES && whole; move++) {
        const east = (QUARTERS[move % 5] / 4) * step;
        const north = (QUARTERS[Math.floor(move / 5)] / 4) * step;
        drawn[move] = heightAt(lon + east, lat + north);
        whole = Number.isFinite(drawn[move]);
      }
      if (!whole) continue;
      sums.n++;
      sums.sum += height;
      sums.sumOfSquares += height * height;
      sums.differences += drawn[UNMOVED] - height;
      sums.cosines += Math.cos((lat * Math.PI) / 180);
      for (let move = 0; move < MOVES; move++) sums.squares[move] += (drawn[move] - height) ** 2;
    }
  }
}

const RIM = 16;

/**
 * Whether data end within half a step, or 16 samples where that is less. There a right surface falls to the sea, and as
 * it does so differently on either side of the data, moving it would seem to help.
 */
function atRim({ columns, rows, heights, sheet }: DemBlock, column: number, row: number, step: number): boolean {
  const reachX = sheet ? Math.min(RIM, Math.ceil(step / 2 / sheet.stepX)) : RIM;
  const reachY = sheet ? Math.min(RIM, Math.ceil(step / 2 / sheet.stepY)) : RIM;
  for (const y of [row - reachY, row, row + reachY]) {
    for (const x of [column - reachX, column, column + reachX]) {
      if (x < 0 || y < 0 || x >= columns || y >= rows || Number.isNaN(heights[y * columns + x])) return true;
    }
  }
  return false;
}

/**
 * Share of the source's variance below which, even at its best place, that place is chance: a coarse mesh leaves out what
 * would tell. Tiles that are right one level deeper lay best a quarter or half a step off at 52 % (Maui, level 6), 68 %
 * (Pyrenees, level 6) and 78 % (Aleutians, level 8), exact posts of Maui at 13 % (level 3).
 */
const CLEAR_RELIEF = 0.9;

/** Positions below which chance moves the best place. */
const FEW_POSITIONS = 500;

/** A move that brings the RMS down by less than this share is rounding, or a plane that lies as well a step along it. */
const LEAST_GAIN = 0.01;

/** Nor is one that gains so little of the bound: flat ground on coarse levels lies as well anywhere. Half a post is 0.2 and more. */
const LEAST_GAIN_OF_BOUND = 0.02;

const METRES_PER_DEGREE = 111_320;

/** Where the surface fits best. */
export function shiftOf(sums: ShiftSums, step: number): LevelShift {
  const { n, squares } = sums;
  const rms = Array.from(squares, (total) => Math.sqrt(total / n));
  let least = UNMOVED;
  for (let move = 0; move < MOVES; move++) if (rms[move] < rms[least]) least = move;
  const variance = sums.sumOfSquares / n - (sums.sum / n) ** 2;
  const left = squares[UNMOVED] / n - (sums.differences / n) ** 2;
  const best = variance > 0 ? 1 - rms[least] ** 2 / variance : 0;
  const east = QUARTERS[least % 5] / 4;
  const north = QUARTERS[Math.floor(least / 5)] / 4;
  return {
    east,
    north,
    eastMetres: n === 0 ? 0 : (east * step * METRES_PER_DEGREE * sums.cosines) / n,
    northMetres: north * step * METRES_PER_DEGREE,
    rmsLeast: rms[least],
    rmsUnmoved: rms[UNMOVED],
    relief: variance > 0 ? 1 - left / variance : 0,
    clear: n >= FEW_POSITIONS && best >= CLEAR_RELIEF,
  };
}

/** Whether the level lies beside its place, as far as can be told; `bound` in metres. */
export function isShifted({ clear, rmsLeast, rmsUnmoved }: LevelShift, bound: number): boolean {
  const gain = rmsUnmoved - rmsLeast;
  return clear && gain > LEAST_GAIN * rmsUnmoved && gain > LEAST_GAIN_OF_BOUND * bound;
}

export function addShiftSums(to: ShiftSums, from: ShiftSums): void {
  to.n += from.n;
  to.sum += from.sum;
  to.sumOfSquares += from.sumOfSquares;
  to.differences += from.differences;
  to.cosines += from.cosines;
  for (let move = 0; move < MOVES; move++) to.squares[move] += from.squares[move];
}
