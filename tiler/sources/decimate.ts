/**
 * Coarser levels for a source that has too few: each sample is the mean of the 2 x 2 finer ones that are not void. On
 * the source's own indices: sample i of a level of scale s covers level-0 samples i * s to (i + 1) * s, exclusive.
 * Computed in memory, in blocks, once each, at the first read that needs them or all by `prepare`.
 */
import { RelievoError } from '../error.ts';
import type { CellGrid } from './cell-grid.ts';
import { readCells } from './cell-grid.ts';
import { halveMeans, quantumOf } from './halve.ts';
import { addedLevels, BLOCK, blocksAcross, blocksWithSheets } from './overview-levels.ts';
import type { RasterInfo, RasterLevel, RasterSource, ReadOptions } from './raster-source.ts';
import { checkWindow } from './sample-window.ts';

export interface OverviewOptions {
  /** Samples of all sheets together beyond which a source without overviews is refused; default 2^28. */
  readonly maxSamples?: number | undefined;
}

export interface PrepareOptions extends ReadOptions {
  /** Blocks computed so far, and of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told when another process is found to make the same, which is then waited for. */
  readonly onWait?: ((who: string) => void) | undefined;
}

export interface PreparableSource extends RasterSource {
  /** The file that overviews are kept in; undefined where there are none, or where they are in memory. */
  readonly file?: string | undefined;
  /** How many of the levels can be read at once; those after them have to be computed first, or 0: all of them. */
  readonly storedLevels: number;
  /** Blocks that `prepare` counts in all; 0 when there is nothing to compute. */
  readonly blocksToPrepare: number;
  /** Whether every overview says how far the full resolution departs from it. */
  readonly certified: boolean;
  /** Computes every overview now. Reads do without it; they then compute what they need. */
  prepare(options?: PrepareOptions): Promise<void>;
}

const DEFAULT_MAX_SAMPLES = 2 ** 28;

/** The source with levels down to 256 samples. Refuses with `input-unsupported` one too large to decimate in memory. */
export function withOverviews(
  source: RasterSource,
  { maxSamples = DEFAULT_MAX_SAMPLES }: OverviewOptions = {},
): PreparableSource {
  const own = source.info.levels;
  const added = addedLevels(own, source.info.periodColumns);
  if (added.length > 0 && own.length === 1) refuseTooLarge(source, maxSamples);
  const levels = [...own, ...added];
  const overviews: Overview[] = [];
  const read: RasterSource['read'] = async (level, window, options = {}) => {
    if (level < own.length) return source.read(level, window, options);
    options.signal?.throwIfAborted();
    checkWindow(window);
    const overview = overviews[level - own.length];
    const scale = levels[level]?.scaleX;
    if (overview === undefined || scale === undefined) {
      throw new RangeError(`levels are 0 to ${levels.length - 1}; got ${level}`);
    }
    const { periodColumns } = source.info;
    return readCells(overview, window, periodColumns && periodColumns / scale, options.signal);
  };
  for (const [i, level] of added.entries()) {
    const finer = own.length + i - 1;
    const side = 2 * BLOCK;
    const readFiner = (column: number, row: number) => read(finer, { column, row, columns: side, rows: side });
    overviews.push(new Overview(level, readFiner, source.info));
  }
  return {
    info: { ...source.info, levels },
    storedLevels: source.rows === undefined ? own.length : 0,
    blocksToPrepare: overviews.reduce((sum, { blocks }) => sum + blocks.length, 0),
    certified: false,
    read,
    async prepare({ signal, onProgress } = {}) {
      const total = overviews.reduce((sum, { blocks }) => sum + blocks.length, 0);
      let done = 0;
      for (const overview of overviews) {
        for (const [x, y] of overview.blocks) {
          signal?.throwIfAborted();
          await overview.cell(x, y);
          onProgress?.(++done, total);
        }
      }
    },
    close: () => source.close(),
  };
}

function refuseTooLarge({ info }: RasterSource, maxSamples: number): void {
  const samples = info.sheets.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  if (samples <= maxSamples) return;
  throw new RelievoError(
    'input-unsupported',
    `${info.name} has ${samples} samples and no overviews; without them at most ${maxSamples} can be held in memory. Add overviews with gdaladdo, or convert it with gdal_translate -of COG.`,
    { where: info.name },
  );
}

/** A level in blocks, each computed once and kept; blocks without data are neither computed nor kept. */
class Overview implements CellGrid {
  readonly columns: number;
  readonly rows: number;
  readonly cellColumns = BLOCK;
  readonly cellRows = BLOCK;
  /** Where data can be: column and row of blocks, north-west first. */
  readonly blocks: readonly (readonly [x: number, y: number])[];
  readonly #quantum: number;
  readonly #across: number;
  readonly #withData: ReadonlySet<number>;
  readonly #readFiner: (column: number, row: number) => Promise<Float32Array>;
  readonly #computed = new Map<number, Promise<Float32Array | undefined>>();

  constructor(level: RasterLevel, readFiner: (column: number, row: number) => Promise<Float32Array>, info: RasterInfo) {
    this.columns = level.columns;
    this.rows = level.rows;
    this.#readFiner = readFiner;
    this.#quantum = quantumOf(info.vertical.unitMetres);
    this.#across = blocksAcross(level);
    const ids = [...blocksWithSheets(level, info)];
    this.#withData = new Set(ids);
    this.blocks = ids.map((id) => [id % this.#across, Math.floor(id / this.#across)]);
  }

  cell(x: number, y: number): Promise<Float32Array | undefined> {
    const id = y * this.#across + x;
    const known = this.#computed.get(id);
    if (known !== undefined) return known;
    if (!this.#withData.has(id)) return NO_DATA;
    const computed = this.#readFiner(2 * BLOCK * x, 2 * BLOCK * y).then((finer) => halve(finer, this.#quantum));
    this.#computed.set(id, computed);
    // A failed read is tried again by the next who asks.
    computed.catch(() => this.#computed.delete(id));
    return computed;
  }
}

const NO_DATA = Promise.resolve(undefined);

/** Means of 2 x 2 of a square of 2 * BLOCK samples a side, without the void ones; undefined when all are void. */
function halve(finer: Float32Array, quantum: number): Float32Array | undefined {
  const out = new Float32Array(BLOCK * BLOCK);
  const extent = { columns: BLOCK, rows: BLOCK };
  const found = halveMeans(finer, { at: 0, stride: 2 * BLOCK }, out, { at: 0, stride: BLOCK }, extent, quantum);
  return found === 0 ? undefined : out;
}
