/**
 * A source with all the levels that coarse tiles need, made once and kept in a folder: half after half from its full
 * resolution, on its own indices, with a bound on what each cell leaves out; of a source that can only be read from its
 * first row on, full resolution too. Readers open the file when they need it, so whoever makes it makes it for all.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RelievoError } from '../error.ts';
import { BlockCache } from './block-cache.ts';
import { readCellsInto } from './cell-grid.ts';
import { type PreparableSource, type PrepareOptions, withOverviews } from './decimate.ts';
import { quantumOf } from './halve.ts';
import { firstMade, makeOverviews, reachOf } from './make-overviews.ts';
import { DamagedOverviews, type OverviewFile, openOverviewFile } from './overview-file.ts';
import { OVERVIEW_FORMAT } from './overview-index.ts';
import { addedLevels, BLOCK, blocksWithSheets } from './overview-levels.ts';
import { openOverviewWriter } from './overview-writer.ts';
import type { RasterLevel, RasterSource, ReadOptions, SampleWindow } from './raster-source.ts';
import { reachCodes } from './reach-codes.ts';
import { checkWindow } from './sample-window.ts';
import { makeShared } from './shared-work.ts';
import { slopeCodes } from './slope-codes.ts';

export interface PreparedOptions {
  /** Absolute; overviews go to a file in it. Without one the file's own are used, and others computed in memory. */
  readonly folder?: string | undefined;
  /** Samples that overviews may be computed from in memory; default 2^28. */
  readonly maxSamples?: number | undefined;
}

/**
 * What the cells of a window leave out, row-major, in the file's unit; 0 where a cell is void. Under a cell with mean m, a
 * sample that lies u cells east and v cells south of its middle is at most `above` higher, and `below` lower, than the plane
 * m + u east + v south.
 */
export interface CellBounds {
  readonly east: Float32Array;
  readonly south: Float32Array;
  readonly above: Float32Array;
  readonly below: Float32Array;
  /** How far the outermost samples lie from the middle, in cells: 0 at full resolution, else up to 0.5. */
  readonly reach: number;
}

export interface PreparedSource extends PreparableSource {
  /** Undefined where nothing says what an overview leaves out. Fails as `read` does. */
  readBounds?(level: number, window: SampleWindow, options?: ReadOptions): Promise<CellBounds>;
}

/** Of decoded blocks of all prepared sources of this thread. */
const CACHE_BYTES = 48 * 2 ** 20;
const decoded = new BlockCache<Float32Array>(CACHE_BYTES);
const decodedBounds = new BlockCache<Uint32Array>(CACHE_BYTES);

/** The folder inside the cache folder. */
const FOLDER = 'overviews';

/**
 * With a folder the source must be hashed (`info.version`), and reads of coarser levels fail with `busy` until it is
 * prepared, and so do all reads of a source that can only be read from its first row on. The version then names the
 * preparation as well. Without a folder such a source is refused (`input-unsupported`), unless `maxSamples` is Infinity,
 * which is for who will not read it.
 */
export function openPrepared(source: RasterSource, { folder, maxSamples }: PreparedOptions = {}): PreparedSource {
  const { info } = source;
  if (folder === undefined) {
    if (source.rows !== undefined && maxSamples !== Infinity) throw neverPrepared(info.name);
    return withOverviews(source, { maxSamples });
  }
  if (info.version === '') throw new RangeError(`${info.name} was opened without its version`);
  const [full] = info.levels;
  const levels: readonly RasterLevel[] = [full, ...addedLevels([full], info.periodColumns)];
  const quantum = quantumOf(info.vertical.unitMetres);
  const version = digest(info.version, 'overviews', OVERVIEW_FORMAT);
  const first = firstMade(source);
  const about = { version, levels, quantum, periodColumns: info.periodColumns ?? null };
  const subject = JSON.stringify(first === 0 ? { ...about, first } : about);
  const path = join(folder, FOLDER, `${digest(subject)}.overviews`);
  const { reaches } = reachCodes(quantum);
  const { slopes } = slopeCodes(quantum);
  let opening: Promise<OverviewFile | undefined> | undefined;

  return {
    info: { ...info, levels, version },
    file: levels.length > first ? path : undefined,
    piece: source.piece,
    get storedLevels() {
      return levels.length > first && !existsSync(path) ? first : levels.length;
    },
    get blocksToPrepare() {
      if (existsSync(path)) return 0;
      return levels.slice(first).reduce((sum, level) => sum + blocksWithSheets(level, info).length, 0);
    },
    certified: true,
    read,
    readBounds,
    prepare,
    async close() {
      const file = await opening?.catch(() => undefined);
      await file?.close();
      await source.close();
    },
  };

  async function read(level: number, window: SampleWindow, options: ReadOptions = {}): Promise<Float32Array> {
    if (level < first) return source.read(0, window, options);
    checkWindow(window);
    const out = new Float32Array(window.columns * window.rows).fill(Number.NaN);
    return readLevel(out, level, window, options, (file, x, y) =>
      decoded.get(`${path}\n${level}\n${x}\n${y}`, async () => (await file.heights(level, x, y)) ?? NOTHING),
    );
  }

  async function readBounds(level: number, window: SampleWindow, options: ReadOptions = {}): Promise<CellBounds> {
    checkWindow(window);
    const count = window.columns * window.rows;
    const words = new Uint32Array(count);
    if (level > 0) {
      await readLevel(words, level, window, options, (file, x, y) =>
        decodedBounds.get(`${path}\n${level}\n${x}\n${y}`, async () => (await file.bounds(level, x, y)) ?? NO_WORDS),
      );
    }
    const planes = { above: new Float32Array(count), below: new Float32Array(count) };
    const tilts = { east: new Float32Array(count), south: new Float32Array(count) };
    for (let i = 0; i < count; i++) {
      const word = words[i];
      planes.above[i] = reaches[word & 255];
      planes.below[i] = reaches[(word >>> 8) & 255];
      tilts.east[i] = slopes[(word >>> 16) & 255];
      tilts.south[i] = slopes[word >>> 24];
    }
    return { ...planes, ...tilts, reach: reachOf(levels[level]) };
  }

  async function prepare({ signal, onProgress, onWait }: PrepareOptions = {}): Promise<void> {
    const make = async (part: string) => {
      const writer = await openOverviewWriter(part);
      try {
        await makeOverviews(source, writer, { levels, quantum, signal, onProgress });
        await writer.finish(subject);
      } finally {
        await writer.close();
      }
    };
    try {
      if (levels.length === first || (await isSound(signal))) return;
      await makeShared(path, { signal, onWait, make });
    } catch (error) {
      throw unwritable(error, folder as string);
    }
  }

  /** Whether all is there and whole. What is not is removed. */
  async function isSound(signal: AbortSignal | undefined): Promise<boolean> {
    const file = await openStored();
    if (file === undefined) return false;
    try {
      if (file.size <= MAX_VERIFIED) await file.verify(signal);
      return true;
    } catch (error) {
      if (!(error instanceof DamagedOverviews)) throw error;
      await discard(file);
      return false;
    }
  }

  /** The file, opened once; undefined while there is none. */
  async function openStored(): Promise<OverviewFile | undefined> {
    opening ??= openOverviewFile(path, subject, quantum).catch((error) => {
      if (!(error instanceof DamagedOverviews)) throw error;
      return undefined;
    });
    const mine = opening;
    try {
      const file = await mine;
      if (file === undefined && opening === mine) opening = undefined;
      return file;
    } catch (error) {
      if (opening === mine) opening = undefined;
      throw error;
    }
  }

  async function discard(file: OverviewFile): Promise<void> {
    const mine = opening;
    if ((await mine?.catch(() => undefined)) === file && opening === mine) opening = undefined;
    decoded.drop(`${path}\n`);
    await file.discard();
  }

  async function readLevel<T extends Float32Array | Uint32Array>(
    out: T,
    level: number,
    window: SampleWindow,
    { signal }: ReadOptions,
    cell: (file: OverviewFile, x: number, y: number) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const shape = levels[level];
    if (shape === undefined) throw new RangeError(`levels are 0 to ${levels.length - 1}; got ${level}`);
    const file = await openStored();
    if (file === undefined) throw notPrepared(info.name);
    const grid = {
      columns: shape.columns,
      rows: shape.rows,
      cellColumns: BLOCK,
      cellRows: BLOCK,
      cell: async (x: number, y: number) => {
        const found = await cell(file, x, y);
        return found.length === 0 ? undefined : found;
      },
    };
    const period = info.periodColumns && info.periodColumns / shape.scaleX;
    try {
      return await readCellsInto(out, grid, window, period, signal);
    } catch (error) {
      if (error instanceof DamagedOverviews) await discard(file);
      else if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
      throw new RelievoError(
        'busy',
        `What was prepared of ${info.name} has been damaged on the disk and is removed; relievo serve prepares it anew by itself, other commands at their next start.`,
        { where: path, cause: error },
      );
    }
  }
}

/** Of a block where all is void. */
const NOTHING = new Float32Array(0);
const NO_WORDS = new Uint32Array(0);

/** Larger files are checked block by block as these are read, and not before. */
const MAX_VERIFIED = 2 ** 32;

function notPrepared(name: string): RelievoError {
  return new RelievoError(
    'busy',
    `${name} is being prepared, or has still to be: coarse levels cannot be read before (relievo prepare does it).`,
    { where: name },
  );
}

function neverPrepared(name: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${name} can only be unpacked from its beginning, and its heights be read only when it is prepared: leave out --no-prepare, or rewrite it with gdal_translate -co TILED=YES.`,
    { where: name },
  );
}

function unwritable(error: unknown, folder: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof RelievoError || syscall === undefined || syscall === 'read') return error;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    EACCES: 'permission is missing',
    EPERM: 'permission is missing',
    EROFS: 'the disk can only be read',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'a part of the path is a file',
    ENOENT: 'no folder can be made there',
  };
  const reason = (code && reasons[code]) ?? (error as Error).message;
  return new RelievoError(
    'output-unwritable',
    `Prepared data cannot be kept there: ${reason}. Name another folder with --cache, or do without them with --no-prepare.`,
    { where: folder, cause: error },
  );
}

function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
