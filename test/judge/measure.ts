/**
 * Measures the drawn surface of each level against full-resolution source samples: the difference of height (drawn minus
 * source, metres along the ellipsoid's normal) at every sample, beside the error that clients assume of the level.
 */
import { decodeTile, indicesInRange } from './decode.ts';
import { type ColumnTable, forEachRun, type Run } from './drawn-surface.ts';
import { boxOf, type Fault, type JudgedTile, tilePath } from './fault.ts';
import { measureOwnPosts, type PostMeasure } from './own-posts.ts';
import { pickSome } from './random.ts';
import type { Sheet } from './reference.ts';
import { measureShift, type ShiftMeasure } from './shift.ts';
import type { TileSet } from './tile-folder.ts';

/** CesiumJS: a quarter of the spacing of 65 posts on two roots round the equator, in metres at level 0. */
const ROOT_BOUND = (2 * Math.PI * 6378137 * 0.25) / (65 * 2);

/** Metres that a client takes the surface of level z to be off. */
export function clientBound(z: number): number {
  return ROOT_BOUND / 2 ** z;
}

export interface LevelMeasure {
  readonly z: number;
  readonly bound: number;
  /** Tiles that were laid under the source, of those of the level that meet it. */
  readonly tiles: number;
  readonly tilesThere: number;
  /** Samples measured, and samples that the source has. */
  readonly n: number;
  readonly expected: number;
  /** Metres; all of the absolute difference but `mean`, which keeps its sign (positive: drawn too high). */
  readonly max: number;
  readonly p99: number;
  readonly rms: number;
  readonly mean: number;
  /** Share of samples within the bound, 0..1. */
  readonly within: number;
  readonly ratioMax: number;
  readonly ratioP99: number;
  readonly worst: { readonly lon: number; readonly lat: number; readonly tile: string } | undefined;
  readonly shift: ShiftMeasure;
  /** Against the tiles' own posts; undefined for levels coarser than the source. */
  readonly posts: PostMeasure | undefined;
}

export interface MeasureOptions {
  /**
   * Tiles to measure at each level, picked by `seed`; all when absent. Where that is most of the level, about a million
   * samples of the source are used.
   */
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
  /** Positions of the shift test at each level. */
  readonly shiftPositions?: number | undefined;
  readonly levels?: readonly number[] | undefined;
}

/** Measures every level of the set that has tiles under the sheets, coarsest first. */
export function measureLevels(set: TileSet, sheets: readonly Sheet[], options: MeasureOptions = {}): LevelMeasure[] {
  const levels = options.levels ?? [...new Set(set.tiles.map((tile) => tile.z))];
  const thin = options.sample === undefined ? sheets : sheets.map((sheet) => thinSheet(sheet, thinning(sheets)));
  const valid = new Map([...sheets, ...thin].map((sheet): [Sheet, number] => [sheet, countValid(sheet)]));
  const measures: LevelMeasure[] = [];
  for (const z of levels) {
    const there = set.tiles.filter((tile) => tile.z === z && sheets.some((sheet) => turnsOnto(tile, sheet).length > 0));
    if (there.length === 0) continue;
    const seed = (options.seed ?? 1) + z;
    const tiles = options.sample === undefined ? there : pickSome(there, options.sample, seed);
    // A few tiles of a deep level have few samples: there all of them count.
    const samples = there.length > tiles.length * 8 ? sheets : thin;
    measures.push({
      ...measureTiles(set, tiles, samples, z),
      tilesThere: there.length,
      expected: samples.reduce((sum, sheet) => sum + (valid.get(sheet) ?? 0), 0),
      shift: measureShift(set, tiles, sheets, z, options.shiftPositions ?? 20000),
      posts: measureOwnPosts(set, tiles, sheets, z),
    });
  }
  return measures;
}

const FEW_SAMPLES = 1e6;

function thinning(sheets: readonly Sheet[]): number {
  const all = sheets.reduce((sum, sheet) => sum + sheet.heights.length, 0);
  return Math.max(1, Math.ceil(Math.sqrt(all / FEW_SAMPLES)));
}

/** Every `stride`-th sample each way, at the places where they are. */
function thinSheet(sheet: Sheet, stride: number): Sheet {
  const columns = Math.floor((sheet.columns - 1) / stride) + 1;
  const rows = Math.floor((sheet.rows - 1) / stride) + 1;
  const heights = new Float32Array(columns * rows);
  for (let i = 0; i < heights.length; i++) {
    const column = i % columns;
    heights[i] = sheet.heights[((i - column) / columns) * stride * sheet.columns + column * stride];
  }
  return { ...sheet, stepX: sheet.stepX * stride, stepY: sheet.stepY * stride, columns, rows, heights };
}

function measureTiles(
  set: TileSet,
  tiles: readonly JudgedTile[],
  sheets: readonly Sheet[],
  z: number,
): Omit<LevelMeasure, 'tilesThere' | 'expected' | 'shift' | 'posts'> {
  const bound = clientBound(z);
  const statistics = new HeightDifferences(bound);
  let worst: LevelMeasure['worst'];
  for (const id of tiles) {
    const bytes = set.read(id);
    const tile = bytes === undefined ? undefined : decodeTile(bytes).tile;
    if (tile === undefined || !indicesInRange(tile)) continue;
    for (const sheet of sheets) {
      for (const turn of turnsOnto(id, sheet)) {
        const before = statistics.max;
        forEachRun(tile, id, sheet, turn, (run, columns) => statistics.add(run, columns, sheet));
        if (statistics.max > before) {
          worst = {
            lon: sheet.west + statistics.maxColumn * sheet.stepX,
            lat: sheet.north - statistics.maxRow * sheet.stepY,
            tile: tilePath(id),
          };
        }
      }
    }
  }
  const { n, max } = statistics;
  const p99 = statistics.quantile(0.99);
  return {
    z,
    bound,
    tiles: tiles.length,
    n,
    max,
    p99,
    rms: n === 0 ? Number.NaN : Math.sqrt(statistics.squares / n),
    mean: n === 0 ? Number.NaN : statistics.sum / n,
    within: statistics.shareWithin(),
    ratioMax: max / bound,
    ratioP99: p99 / bound,
    worst,
  };
}

/** Whole turns to add to the sheet's longitudes so that it meets the tile (with room for the bulge of its sides). */
export function turnsOnto(id: JudgedTile, sheet: Sheet): number[] {
  const box = boxOf(id);
  const room = box.side / 8;
  const east = sheet.west + (sheet.columns - 1) * sheet.stepX;
  const south = sheet.north - (sheet.rows - 1) * sheet.stepY;
  if (south > box.south + box.side + room || sheet.north < box.south - room) return [];
  return [-360, 0, 360].filter((turn) => sheet.west + turn < box.west + box.side && east + turn >= box.west - 1e-9);
}

function countValid(sheet: Sheet): number {
  let count = 0;
  for (const height of sheet.heights) if (!Number.isNaN(height)) count++;
  return count;
}

const BINS_PER_BOUND = 2000;
const BINS = 32 * BINS_PER_BOUND;

/** Running sums and a histogram of absolute differences, with bins of 1/2000 of the bound up to 32 bounds. */
class HeightDifferences {
  n = 0;
  sum = 0;
  squares = 0;
  max = 0;
  maxRow = 0;
  maxColumn = 0;
  private readonly bound: number;
  private readonly bins = new Float64Array(BINS + 1);

  constructor(bound: number) {
    this.bound = bound;
  }

  add(run: Run, columns: ColumnTable, sheet: Sheet): void {
    const { slopeX, slopeY, rise, flat, prime, offset, row, from, to } = run;
    const { cos, sin, first } = columns;
    const { heights } = sheet;
    const { bins } = this;
    const perMetre = BINS_PER_BOUND / this.bound;
    const start = row * sheet.columns;
    let n = 0;
    let sum = 0;
    let squares = 0;
    let max = this.max;
    for (let column = from; column < to; column++) {
      const height = heights[start + column];
      if (Number.isNaN(height)) continue;
      const q = slopeX * cos[column - first] + slopeY * sin[column - first];
      const difference = (offset - prime * (q + flat)) / (q + rise) - height;
      const absolute = Math.abs(difference);
      n++;
      sum += difference;
      squares += difference * difference;
      if (absolute > max) {
        max = absolute;
        this.maxRow = row;
        this.maxColumn = column;
      }
      const bin = absolute * perMetre;
      bins[bin < BINS ? bin | 0 : BINS]++;
    }
    this.n += n;
    this.sum += sum;
    this.squares += squares;
    this.max = max;
  }

  /** The difference that the share of samples stays within: the upper end of its bin, so never too small. */
  quantile(share: number): number {
    if (this.n === 0) return Number.NaN;
    let count = 0;
    for (let bin = 0; bin < BINS; bin++) {
      count += this.bins[bin];
      if (count >= share * this.n) return Math.min(this.max, ((bin + 1) / BINS_PER_BOUND) * this.bound);
    }
    return this.max;
  }

  shareWithin(): number {
    let count = 0;
    for (let bin = 0; bin < BINS_PER_BOUND; bin++) count += this.bins[bin];
    return count / this.n;
  }
}

/** Share of the source's variance below which a level is said to carry no relief. */
export const LEAST_RELIEF = 0.05;

/**
 * And below which, even at its best place, that place is chance: a coarse mesh leaves out what would tell. Tiles that are
 * right one level deeper lay best a quarter or half a step off at 52 % (Maui, level 6), 68 % (Pyrenees, level 6) and 78 %
 * (Aleutians, level 8), exact posts of Maui at 13 % (level 3).
 */
export const CLEAR_RELIEF = 0.9;

/** A move that brings the RMS down by less than this share is rounding, or a plane that lies as well a step along it. */
export const LEAST_GAIN = 0.01;

/**
 * What is wrong with the measured levels: fewer than 99 % of the samples within the bound times `factor`, one of a tile's
 * own posts beyond it, samples that no tile or two tiles draw, a surface that fits better when moved.
 */
export function judgeMeasures(measures: readonly LevelMeasure[], factor = 1): Fault[] {
  const faults: Fault[] = [];
  for (const level of measures) {
    if (!(level.p99 <= level.bound * factor)) {
      faults.push({
        code: 'error-over-bound',
        message: `level ${level.z}: 99 % of the samples lie within ${level.p99.toFixed(3)} m of the drawn surface, the bound is ${(level.bound * factor).toFixed(3)} m`,
        tile: level.worst?.tile,
      });
    }
    const { posts } = level;
    if (posts !== undefined && posts.max > level.bound * factor) {
      faults.push({
        code: 'posts-over-bound',
        message: `level ${level.z}: a post lies ${posts.max.toFixed(3)} m from the drawn surface, the bound is ${(level.bound * factor).toFixed(3)} m`,
        tile: posts.tile,
      });
    }
    const whole = level.tiles === level.tilesThere;
    if (level.n === 0 || (whole && Math.abs(level.n - level.expected) > 1e-5 * level.expected)) {
      faults.push({
        code: 'samples-uncovered',
        message: `level ${level.z}: ${level.n} samples lie over a triangle, the source has ${level.expected}`,
      });
    }
    const { shift } = level;
    // Among a few tiles, chance moves the best place.
    if (whole && shift.reliefBest >= CLEAR_RELIEF && shift.rmsLeast < (1 - LEAST_GAIN) * shift.rmsUnmoved) {
      faults.push({
        code: 'level-shifted',
        message: `level ${level.z}: the surface lies ${shift.east} steps east and ${shift.north} north of the source (RMS ${shift.rmsLeast.toFixed(3)} m there, ${shift.rmsUnmoved.toFixed(3)} m unmoved)`,
      });
    }
  }
  return faults;
}
