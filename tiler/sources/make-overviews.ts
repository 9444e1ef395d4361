/**
 * Makes all overviews of a source in one pass over its full resolution, in bounded memory: from north to south in stripes
 * of blocks, and whenever the four blocks (or those of them that have data) under a coarser one are there, that one too.
 * Of a source that can only be read from its first row on, full resolution is kept as well.
 */

import { type CellPlanes, fitToCells, fitToSamples } from './cell-planes.ts';
import { type Corner, type Extent, halveMeans } from './halve.ts';
import { packBounds, packHeights } from './overview-block.ts';
import { BLOCK, blocksAcross, blocksWithSheets } from './overview-levels.ts';
import type { OverviewWriter, PackedBlock } from './overview-writer.ts';
import type { RasterInfo, RasterLevel, RasterSource, ReadOptions } from './raster-source.ts';
import { type ReachCodes, reachCodes } from './reach-codes.ts';
import { type RowBand, rowBands } from './row-bands.ts';
import { type SlopeCodes, slopeCodes } from './slope-codes.ts';

export interface MakeOptions extends ReadOptions {
  /** Power of two that heights are multiples of, in the file's unit. */
  readonly quantum: number;
  /** Full resolution first, each level half of the one before. */
  readonly levels: readonly RasterLevel[];
  /** Blocks made so far, and of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const CELLS = BLOCK * BLOCK;
/** Full-resolution samples under a side of a block of level 1. */
const SIDE = 2 * BLOCK;
/** Samples that are read at a time. */
const MAX_READ = 2 ** 22;
/** Blocks of level 1 in a row of a stripe: of a source that says nothing of its pieces, and at most. */
const STRIPE = 32;
const MAX_STRIPE = 192;
/** Full resolution leaves nothing out. */
const NO_BYTES = new Uint8Array(0);

/** A block whose cells are still being found. */
interface OpenBlock extends CellPlanes {
  /** Cells that are not all void. */
  found: number;
  /** Blocks under it that are not done yet. */
  awaited: number;
}

export async function makeOverviews(
  source: RasterSource,
  writer: OverviewWriter,
  { levels, quantum, signal, onProgress }: MakeOptions,
): Promise<void> {
  const { rows } = source;
  const builder = new Builder(source.info, levels, firstMade(source), quantum, writer, onProgress);
  if (rows !== undefined) {
    for await (const band of rowBands(source.info, rows({ signal }))) {
      signal?.throwIfAborted();
      await builder.addBand(band);
    }
    return;
  }
  for (const stripe of builder.stripes(stripeBlocks(source))) {
    for (const window of readsOf(stripe, source)) {
      signal?.throwIfAborted();
      const samples = await source.read(0, window, { signal });
      builder.lay(samples, window.column, window.row, window.columns, window.rows);
    }
    await builder.finishRow(stripe);
  }
}

/** The finest level that is made: full resolution itself, where no reader can have it from anywhere else. */
export function firstMade({ rows }: RasterSource): 0 | 1 {
  return rows === undefined ? 1 : 0;
}

/** Neighbouring blocks of a row of level 1. */
interface Stripe {
  readonly y: number;
  readonly x: number;
  readonly blocks: number;
}

function stripeBlocks({ piece }: RasterSource): number {
  // A strip is decoded in its whole width; of narrower pieces a few side by side are kept until the next row needs them.
  return Math.min(MAX_STRIPE, Math.max(STRIPE, Math.ceil((piece?.columns ?? 0) / SIDE)));
}

/** The stripe's samples in windows: whole blocks, or few rows in the width of strips, each of which is then read once. */
function* readsOf({ x, y, blocks }: Stripe, { piece }: RasterSource) {
  const isWide = (piece?.columns ?? 0) > STRIPE * SIDE;
  const across = isWide ? blocks : Math.min(blocks, Math.floor(MAX_READ / SIDE / SIDE));
  const wanted = 2 ** Math.floor(Math.log2(MAX_READ / (across * SIDE)));
  const rows = Math.min(SIDE, Math.max(2, wanted));
  for (let row = 0; row < SIDE; row += rows) {
    for (let from = 0; from < blocks; from += across) {
      const columns = Math.min(across, blocks - from) * SIDE;
      yield { column: (x + from) * SIDE, row: y * SIDE + row, columns, rows };
    }
  }
}

class Builder {
  readonly #levels: readonly RasterLevel[];
  readonly #quantum: number;
  readonly #reaches: ReachCodes;
  readonly #slopes: SlopeCodes;
  readonly #writer: OverviewWriter;
  readonly #onProgress: MakeOptions['onProgress'];
  /** By level: the blocks that sheets reach into, ascending, and those of them that have been begun. */
  readonly #ids: readonly Float64Array[];
  readonly #open: readonly Map<number, OpenBlock>[];
  /** Arrays to be used again. */
  readonly #idle: OpenBlock[] = [];
  readonly #total: number;
  #done = 0;

  constructor(
    info: RasterInfo,
    levels: readonly RasterLevel[],
    first: 0 | 1,
    quantum: number,
    writer: OverviewWriter,
    onProgress: MakeOptions['onProgress'],
  ) {
    this.#levels = levels;
    this.#quantum = quantum;
    this.#reaches = reachCodes(quantum);
    this.#slopes = slopeCodes(quantum);
    this.#writer = writer;
    this.#onProgress = onProgress;
    this.#ids = levels.map((level, k) => (k < first ? new Float64Array(0) : blocksWithSheets(level, info)));
    this.#open = levels.map(() => new Map());
    this.#total = this.#ids.reduce((sum, { length }) => sum + length, 0);
  }

  /** Runs of blocks of level 1 side by side, at most `width`: stripe after stripe, each from north to south. */
  *stripes(width: number): Generator<Stripe> {
    const across = blocksAcross(this.#levels[1]);
    const ids = this.#ids[1];
    for (let left = 0; left < across; left += width) {
      const right = Math.min(across, left + width);
      for (let i = 0; i < ids.length; i++) {
        const [x, y] = [ids[i] % across, Math.floor(ids[i] / across)];
        if (x < left || x >= right) continue;
        let blocks = 1;
        while (x + blocks < right && ids[i + blocks] === ids[i] + blocks) blocks++;
        yield { x, y, blocks };
        i += blocks - 1;
      }
    }
  }

  /** All columns of a row of blocks of full resolution; bands must come from north to south. */
  async addBand({ samples, stride, row }: RowBand): Promise<void> {
    const y = row / BLOCK;
    for (const x of this.#blocksInRow(0, y)) {
      const block = new Float32Array(CELLS);
      for (let r = 0; r < BLOCK; r++) {
        const from = r * stride + x * BLOCK;
        block.set(samples.subarray(from, from + BLOCK), r * BLOCK);
      }
      this.#onProgress?.(++this.#done, this.#total);
      if (block.every(Number.isNaN)) continue;
      const packed = packHeights(block, this.#quantum);
      await this.#writer.add(packed.then((heights) => ({ level: 0, x, y, heights, bounds: NO_BYTES })));
    }
    if (this.#levels.length === 1) return;
    this.lay(samples, 0, row, stride, BLOCK);
    const isLast = row + BLOCK >= this.#levels[0].rows;
    if (y % 2 === 0 && !isLast) return;
    const down = Math.floor(y / 2);
    for (const x of this.#blocksInRow(1, down)) await this.#finish(1, down * blocksAcross(this.#levels[1]) + x);
  }

  /** Columns of the blocks of a row that sheets reach into, ascending. */
  #blocksInRow(level: number, y: number): number[] {
    const across = blocksAcross(this.#levels[level]);
    return Array.from({ length: across }, (_, x) => x).filter((x) => holds(this.#ids[level], y * across + x));
  }

  /** Full-resolution samples whose window begins at whole blocks across, and ends there. */
  lay(samples: Float32Array, column: number, row: number, columns: number, rows: number): void {
    const across = blocksAcross(this.#levels[1]);
    const y = Math.floor(row / SIDE);
    const extent = { columns: BLOCK, rows: rows / 2 };
    const to = { at: ((row - y * SIDE) / 2) * BLOCK, stride: BLOCK };
    for (let at = 0; at < columns; at += SIDE) {
      const id = y * across + (column + at) / SIDE;
      if (!holds(this.#ids[1], id)) continue;
      const block = this.#blockOf(1, id);
      const from = { at, stride: columns };
      block.found += halveMeans(samples, from, block.means, to, extent, this.#quantum);
      fitToSamples(samples, from, block, to, extent, this.#slopes);
    }
  }

  async finishRow({ x, y, blocks }: Stripe): Promise<void> {
    const across = blocksAcross(this.#levels[1]);
    for (let k = 0; k < blocks; k++) await this.#finish(1, y * across + x + k);
  }

  async #finish(level: number, id: number): Promise<void> {
    const block = this.#blockOf(level, id);
    this.#open[level].delete(id);
    const across = blocksAcross(this.#levels[level]);
    const [x, y] = [id % across, Math.floor(id / across)];
    const packed = block.found > 0 ? this.#pack(block, level, x, y) : undefined;
    const above = level + 1 < this.#levels.length ? this.#carryUp(block, level, x, y) : undefined;
    this.#idle.push(block);
    this.#onProgress?.(++this.#done, this.#total);
    if (packed) await this.#writer.add(packed);
    if (above !== undefined) await this.#finish(level + 1, above);
  }

  /** Gives the coarser block's number once nothing more is awaited for it. */
  #carryUp(block: OpenBlock, level: number, x: number, y: number): number | undefined {
    const id = (y >> 1) * blocksAcross(this.#levels[level + 1]) + (x >> 1);
    const coarser = this.#blockOf(level + 1, id);
    if (block.found > 0) {
      const from: Corner = { at: 0, stride: BLOCK };
      const to: Corner = { at: ((y & 1) * BLOCK + (x & 1)) * (BLOCK / 2), stride: BLOCK };
      const extent: Extent = { columns: BLOCK / 2, rows: BLOCK / 2 };
      coarser.found += halveMeans(block.means, from, coarser.means, to, extent, this.#quantum);
      fitToCells(block, from, coarser, to, extent, this.#slopes, reachOf(this.#levels[level]));
    }
    return --coarser.awaited === 0 ? id : undefined;
  }

  #blockOf(level: number, id: number): OpenBlock {
    const known = this.#open[level].get(id);
    if (known) return known;
    const block = this.#idle.pop() ?? newBlock();
    block.means.fill(Number.NaN);
    block.found = 0;
    block.awaited = level > 1 ? this.#countUnder(level, id) : 0;
    this.#open[level].set(id, block);
    return block;
  }

  /** How many of the four blocks under a block have data. */
  #countUnder(level: number, id: number): number {
    const across = blocksAcross(this.#levels[level]);
    const finer = blocksAcross(this.#levels[level - 1]);
    const [x, y] = [2 * (id % across), 2 * Math.floor(id / across)];
    let count = 0;
    for (const [i, j] of [
      [x, y],
      [x + 1, y],
      [x, y + 1],
      [x + 1, y + 1],
    ]) {
      if (i < finer && holds(this.#ids[level - 1], j * finer + i)) count++;
    }
    return count;
  }

  #pack(block: OpenBlock, level: number, x: number, y: number): Promise<PackedBlock> {
    const { means } = block;
    const above = new Uint8Array(CELLS);
    const below = new Uint8Array(CELLS);
    const east = new Uint8Array(CELLS);
    const south = new Uint8Array(CELLS);
    for (let i = 0; i < CELLS; i++) {
      if (Number.isNaN(means[i])) continue;
      above[i] = this.#reaches.codeOf(block.above[i]);
      below[i] = this.#reaches.codeOf(block.below[i]);
      east[i] = this.#slopes.codeOf(block.east[i]);
      south[i] = this.#slopes.codeOf(block.south[i]);
    }
    // What is packed later must not be the arrays that go on to the next block.
    const heights = packHeights(means, this.#quantum);
    const bounds = packBounds({ east, south, above, below });
    return Promise.all([heights, bounds]).then(([heights, bounds]) => ({ level, x, y, heights, bounds }));
  }
}

function newBlock(): OpenBlock {
  return {
    means: new Float32Array(CELLS),
    east: new Float32Array(CELLS),
    south: new Float32Array(CELLS),
    above: new Float32Array(CELLS),
    below: new Float32Array(CELLS),
    found: 0,
    awaited: 0,
  };
}

/** How far from the middle of a cell the outermost samples under it lie, in cells. */
export function reachOf({ scaleX, scaleY }: RasterLevel): number {
  return (1 - 1 / Math.max(scaleX, scaleY)) / 2;
}

/** Whether an ascending list holds the number. */
function holds(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
