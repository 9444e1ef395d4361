/**
 * Measures the drawn surface of a level against full-resolution samples of the source: the difference of height (drawn
 * minus source, metres along the ellipsoid's normal) at every sample under the tiles at hand.
 */
import type { DecodedTile } from './decode.ts';
import type { BlockPlace, Dem, DemBlock, DemPart } from './dem.ts';
import {
  addSums,
  type DifferenceSums,
  Differences,
  quantileOf,
  RATIO_EDGES,
  ratioCounts,
  shareWithin,
} from './differences.ts';
import { forEachRun } from './drawn-surface.ts';
import type { Ledger } from './ledger.ts';
import { pickSome } from './random.ts';
import type { ErrorMap, LevelError, WorstTile } from './report-types.ts';
import type { Sheet } from './sheet.ts';
import { addShift, addShiftSums, isShifted, noShift, type ShiftSums, shiftOf } from './shift.ts';
import { type JudgedTile, type TileBox, type Tiling, tilePath } from './tiling.ts';
import { TriangleFinder } from './triangle-finder.ts';

export interface OpenedTile {
  readonly id: JudgedTile;
  readonly tile: DecodedTile;
}

export interface MeasureOptions {
  /** Positions of the shift test at each level, about. */
  readonly shiftPositions?: number | undefined;
  /** Share of the level's tiles that are opened: fewer positions of each are then left out. */
  readonly share?: number | undefined;
  /** Blocks of the source that are read for a chunk of tiles, at most; picked by `seed`. */
  readonly mostBlocks?: number | undefined;
  readonly seed?: number | undefined;
}

/** What the tiles of a level add up to, as plain data. */
export interface MeasureSums {
  tilesThere: number;
  tilesMeasured: number;
  readonly differences: DifferenceSums;
  readonly shift: ShiftSums;
  worst: WorstTile[];
  readonly map: Float64Array;
}

const WORST = 10;
const MAP_CELLS = 64;
const CELLS = 64;

/** One level's measurement; chunks of tiles may come in any order. */
export class LevelMeasure {
  readonly sums: MeasureSums;
  readonly z: number;
  private readonly dem: Dem;
  private readonly tiling: Tiling;
  private readonly options: MeasureOptions;
  private readonly differences: Differences;
  private readonly bound: number;

  constructor(dem: Dem, tiling: Tiling, z: number, options: MeasureOptions = {}) {
    this.dem = dem;
    this.tiling = tiling;
    this.z = z;
    this.options = options;
    this.bound = tiling.bound(z);
    this.differences = new Differences(this.bound);
    this.sums = {
      tilesThere: 0,
      tilesMeasured: 0,
      differences: this.differences.sums,
      shift: noShift(),
      worst: [],
      map: new Float64Array(MAP_CELLS * MAP_CELLS).fill(Number.NaN),
    };
  }

  /** Degrees in a step of the shift test. */
  get step(): number {
    return Math.max(...this.dem.parts.map(({ step }) => step), 360 / this.tiling.columns(this.z) / CELLS);
  }

  /** Tiles that lie side by side are best given together: their blocks of the source are read once. */
  async addChunk(tiles: readonly OpenedTile[], signal?: AbortSignal): Promise<void> {
    const chunk = new Chunk(tiles, this.tiling, this.z);
    const over = new Set<OpenedTile>();
    for (const part of this.dem.parts) {
      const blocks = [...blocksUnder(part, chunk, over)];
      const { mostBlocks = Infinity, seed = 1 } = this.options;
      for (const [place, below] of pickSome(blocks, mostBlocks, seed)) {
        signal?.throwIfAborted();
        const block = await part.read(place, signal);
        if (block.sheet) this.addSheet(block, block.sheet, below, chunk);
        else this.addPlaces(block, place, chunk);
        const stride = this.strideOf(part, mostBlocks < blocks.length ? mostBlocks / blocks.length : 1);
        const heightAt = (lon: number, lat: number) => chunk.flatHeight(lon, lat);
        addShift(this.sums.shift, block, place, heightAt, { step: this.step, stride });
      }
    }
    this.sums.tilesThere += over.size;
    this.close(chunk);
  }

  private strideOf(part: DemPart, share: number): number {
    const { shiftPositions = 20_000, share: opened = 1 } = this.options;
    return Math.max(1, Math.floor(Math.sqrt((part.samples * share * opened) / shiftPositions)));
  }

  /** Along rows of samples: exact, and fast. */
  private addSheet(block: DemBlock, sheet: Sheet, below: readonly OpenedTile[], chunk: Chunk): void {
    const { differences } = this;
    for (const opened of below) {
      const box = chunk.boxOf(opened);
      for (const turn of turnsOnto(box, sheet)) {
        differences.restart();
        const before = differences.sums.n;
        forEachRun(opened.tile, box, sheet, turn, (run, columns) => differences.addRun(run, columns, sheet));
        this.note(opened, block, differences.sums.n - before, chunk);
      }
    }
  }

  /** Sample by sample. */
  private addPlaces(block: DemBlock, place: BlockPlace, chunk: Chunk): void {
    const { columns, heights, lons, lats } = block;
    const { differences } = this;
    const found = new Map<OpenedTile, { n: number; latest: number; at: number }>();
    for (let row = place.top; row < Math.min(place.bottom, block.rows); row++) {
      for (let column = place.left; column < Math.min(place.right, columns); column++) {
        const at = row * columns + column;
        if (Number.isNaN(heights[at])) continue;
        const drawn = chunk.heightInSpace(lons[at], lats[at]);
        if (Number.isNaN(drawn) || chunk.last === undefined) continue;
        const difference = drawn - heights[at];
        differences.add(difference, at);
        const tally = found.get(chunk.last);
        const absolute = Math.abs(difference);
        if (tally === undefined) found.set(chunk.last, { n: 1, latest: absolute, at });
        else {
          tally.n++;
          if (absolute > tally.latest) Object.assign(tally, { latest: absolute, at });
        }
      }
    }
    for (const [opened, { n, latest, at }] of found) {
      Object.assign(differences, { latest, latestAt: at });
      this.note(opened, block, n, chunk);
    }
  }

  /** Keeps the greatest difference of a tile in a block, with its place. */
  private note(opened: OpenedTile, block: DemBlock, samples: number, chunk: Chunk): void {
    if (samples === 0) return;
    const { latest: error, latestAt: at } = this.differences;
    const { columns, sheet } = block;
    const place =
      at < 0
        ? undefined
        : sheet
          ? {
              lon: sheet.west + (at % columns) * sheet.stepX,
              lat: sheet.north - Math.floor(at / columns) * sheet.stepY,
            }
          : { lon: block.lons[at], lat: block.lats[at] };
    const worst = chunk.worst.get(opened);
    if (worst === undefined || error > worst.error) chunk.worst.set(opened, { error, lon: 0, lat: 0, ...place });
    if (place === undefined) return;
    const cell = mapCell(this.dem.bounds, place.lon, place.lat);
    const known = this.sums.map[cell];
    if (!(known >= error)) this.sums.map[cell] = error;
  }

  private close(chunk: Chunk): void {
    const { sums, bound } = this;
    sums.tilesMeasured += chunk.worst.size;
    const fresh = [...chunk.worst].map(([{ id }, { error, lon, lat }]) => ({
      tile: tilePath(id, this.tiling),
      error,
      ratio: error / bound,
      lon,
      lat,
    }));
    sums.worst = keepWorst([...sums.worst, ...fresh]);
  }
}

function keepWorst(tiles: readonly WorstTile[]): WorstTile[] {
  return [...tiles].sort((a, b) => b.error - a.error).slice(0, WORST);
}

export function addMeasureSums(to: MeasureSums, from: MeasureSums): void {
  to.tilesThere += from.tilesThere;
  to.tilesMeasured += from.tilesMeasured;
  addSums(to.differences, from.differences);
  addShiftSums(to.shift, from.shift);
  to.worst = keepWorst([...to.worst, ...from.worst]);
  from.map.forEach((error, cell) => {
    if (!(to.map[cell] >= error) && !Number.isNaN(error)) to.map[cell] = error;
  });
}

/** The level in figures; undefined when no sample lies under its tiles. */
export function levelError({ sums, step }: LevelMeasure, bound: number, dem: Dem): LevelError | undefined {
  const { differences: d } = sums;
  if (d.n === 0) return undefined;
  const p99 = quantileOf(d, 0.99, bound);
  return {
    tilesThere: sums.tilesThere,
    tilesMeasured: sums.tilesMeasured,
    samples: d.n,
    max: d.max,
    p99,
    rms: Math.sqrt(d.squares / d.n),
    mean: d.sum / d.n,
    ratio: d.max / bound,
    ratioP99: p99 / bound,
    within: shareWithin(d),
    histogram: { edges: RATIO_EDGES, counts: ratioCounts(d) },
    worst: sums.worst,
    shift: shiftOf(sums.shift, step),
    map: mapOf(dem.bounds, sums.map, bound),
  };
}

export interface JudgeOptions {
  /** What the greatest error may be, in bounds. */
  readonly factor: number;
  readonly nativeLevel: number;
  /** Levels before it are flat on purpose. */
  readonly firstRelief: number;
  /** Whether all tiles of the level were measured: among a few, chance moves the best place. */
  readonly whole: boolean;
}

/** Names what is wrong with a measured level. */
export function judgeLevel(z: number, error: LevelError, bound: number, options: JudgeOptions, ledger: Ledger): void {
  const { factor, nativeLevel, firstRelief, whole } = options;
  const allowed = bound * Math.max(1, factor);
  if (error.max > allowed) {
    const [worst] = error.worst;
    const share = percentText(1 - error.within);
    const where = `at ${worst.lon.toFixed(5)}, ${worst.lat.toFixed(5)}`;
    const message = `level ${z}: ${error.max.toFixed(3)} m from the source ${where}; the bound is ${allowed.toFixed(3)} m (${share} % of the samples lie beyond it)`;
    const kind = z < firstRelief ? 'bound-before-relief' : z <= nativeLevel ? 'bound' : 'bound-beyond-native';
    ledger.addLevel(kind, message, z, worst, error.ratio);
  }
  const { shift } = error;
  if (whole && isShifted(shift, bound)) {
    const [east, north] = [Number(shift.eastMetres.toPrecision(3)), Number(shift.northMetres.toPrecision(3))];
    const message = `level ${z}: the surface lies ${east} m east and ${north} m north of the source (RMS ${shift.rmsLeast.toFixed(3)} m when moved back, ${shift.rmsUnmoved.toFixed(3)} m as it is)`;
    ledger.add('level-shifted', message, undefined, shift.rmsUnmoved / shift.rmsLeast);
  }
}

/** Two figures, without an exponent. */
function percentText(share: number): string {
  const percent = share * 100;
  return percent < 1e-4 ? 'less than 0.0001' : String(Number(percent.toPrecision(2)));
}

/** Tiles at hand, found by place. */
class Chunk {
  readonly tiles: readonly OpenedTile[];
  readonly worst = new Map<OpenedTile, { error: number; lon: number; lat: number }>();
  /** The tile that the latest height was found in. */
  last: OpenedTile | undefined;
  private readonly tiling: Tiling;
  private readonly z: number;
  private readonly byKey: ReadonlyMap<number, OpenedTile>;
  private readonly finders = new Map<OpenedTile, TriangleFinder>();
  private readonly boxes = new Map<OpenedTile, TileBox>();

  constructor(tiles: readonly OpenedTile[], tiling: Tiling, z: number) {
    this.tiles = tiles;
    this.tiling = tiling;
    this.z = z;
    this.byKey = new Map(tiles.map((opened) => [this.keyOf(opened.id), opened]));
  }

  boxOf(opened: OpenedTile): TileBox {
    const known = this.boxes.get(opened);
    if (known) return known;
    const box = this.tiling.box(opened.id);
    this.boxes.set(opened, box);
    return box;
  }

  flatHeight(lon: number, lat: number): number {
    if (lat < -90 || lat > 90) return Number.NaN;
    const opened = this.byKey.get(this.keyOf(this.tiling.tileAt(this.z, lon, lat)));
    return opened ? this.finderOf(opened).flatHeight(lon, lat) : Number.NaN;
  }

  /** Of the tile under the place, or of that beside it over whose border the drawn side bulges. */
  heightInSpace(lon: number, lat: number): number {
    const id = this.tiling.tileAt(this.z, lon, lat);
    for (const dy of [0, -1, 1]) {
      const opened = this.byKey.get(this.keyOf({ ...id, y: id.y + dy }));
      if (!opened) continue;
      const height = this.finderOf(opened).heightInSpace(lon, lat);
      if (Number.isNaN(height)) continue;
      this.last = opened;
      return height;
    }
    return Number.NaN;
  }

  private keyOf({ x, y }: JudgedTile): number {
    return y * this.tiling.columns(this.z) + x;
  }

  private finderOf(opened: OpenedTile): TriangleFinder {
    const known = this.finders.get(opened);
    if (known) return known;
    const finder = new TriangleFinder(opened.tile, this.boxOf(opened));
    this.finders.set(opened, finder);
    return finder;
  }
}

/** Blocks that may have samples under tiles of the chunk, each once, with those tiles; `over` gathers the tiles. */
function blocksUnder(part: DemPart, chunk: Chunk, over: Set<OpenedTile>): Iterable<[BlockPlace, OpenedTile[]]> {
  const found = new Map<string, [BlockPlace, OpenedTile[]]>();
  for (const opened of chunk.tiles) {
    for (const place of part.blocksUnder(chunk.boxOf(opened))) {
      over.add(opened);
      const key = `${place.column},${place.row}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, [place, [opened]]);
      else found.set(key, [joined(known[0], place), [...known[1], opened]]);
    }
  }
  return found.values();
}

function joined(a: BlockPlace, b: BlockPlace): BlockPlace {
  return {
    column: a.column,
    row: a.row,
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** Whole turns to add to the sheet's longitudes so that it meets the tile (with room for the bulge of its sides). */
function turnsOnto(box: TileBox, sheet: Sheet): number[] {
  const room = box.height / 8;
  const east = sheet.west + (sheet.columns - 1) * sheet.stepX;
  const south = sheet.north - (sheet.rows - 1) * sheet.stepY;
  if (south > box.south + box.height + room || sheet.north < box.south - room) return [];
  return [-360, 0, 360].filter((turn) => sheet.west + turn < box.west + box.width && east + turn >= box.west - 1e-9);
}

function mapCell({ west, south, east, north }: Dem['bounds'], lon: number, lat: number): number {
  const x = ((((lon - west) % 360) + 360) % 360) / (east - west);
  const column = Math.min(MAP_CELLS - 1, Math.max(0, Math.floor(x * MAP_CELLS)));
  const row = Math.min(MAP_CELLS - 1, Math.max(0, Math.floor(((north - lat) / (north - south)) * MAP_CELLS)));
  return row * MAP_CELLS + column;
}

function mapOf(bounds: Dem['bounds'], errors: Float64Array, bound: number): ErrorMap {
  return {
    ...bounds,
    columns: MAP_CELLS,
    rows: MAP_CELLS,
    ratios: Array.from(errors, (error) => (Number.isNaN(error) ? null : Number((error / bound).toPrecision(4)))),
  };
}
