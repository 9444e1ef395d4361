/**
 * A window of a source's samples in which voids are filled: by what lies below, raised by the difference that the source's
 * rim shows, which fades out. In windows, or in blocks that are kept where they serve many tiles.
 */
import { undulationsAt } from '../geo/geoid.ts';
import type { Places } from '../geo/places.ts';
import { Origin } from '../geo/post-grid.ts';
import type { SampleWindow } from '../sources/raster-source.ts';
import { type GeoidReach, geoidBeyondGrid } from './datum.ts';
import { fillHalo, fillVoids, MEASURED, OUTSIDE } from './fill.ts';
import type { Ground, Surface } from './height-field.ts';
import type { RasterField } from './raster-field.ts';

/** How a source is read for a level of tiles. */
export interface Stage {
  /** Level of the source. */
  readonly level: number;
  /** How far its difference to what lies below reaches beyond its data, in samples of that level. */
  readonly radius: number;
}

/** The samples of a window with their voids filled; undefined when there are no data within reach of it. */
export async function fillSheet(
  field: RasterField,
  { level, radius }: Stage,
  window: SampleWindow,
  below: Surface,
  z: number,
  signal: AbortSignal | undefined,
): Promise<Sheet | undefined> {
  const { source, grid } = field;
  const halo = fillHalo(radius);
  const wide = {
    column: window.column - halo,
    row: window.row - halo,
    columns: window.columns + 2 * halo,
    rows: window.rows + 2 * halo,
  };
  const evidence = await source.read(level, wide, { signal });
  if (evidence.every(Number.isNaN)) return undefined;
  const indices = samplesAtVoids(evidence, wide, halo);
  const at = grid.placesOf(level, wide, indices);
  const under = await below.groundAt(at, z, { signal });
  const relief = reliefBelow(field, evidence, indices, at, under, geoidReach(field, level, radius));
  return cutInside(fillDifference(evidence, relief, wide, radius, halo, source.info.vertical.unitMetres), wide, halo);
}

/** Samples along the side of a block. */
const BLOCK = 64;
const MAX_BLOCKS = 128;

/**
 * A stage in blocks that are filled once and kept; what lies below is read as level `z` of tiles has it. A sample is filled
 * alike in whatever window, so blocks give what one window would.
 */
export class FilledBlocks {
  readonly #held = new Map<string, Promise<Sheet | undefined>>();
  readonly #field: RasterField;
  readonly #stage: Stage;
  readonly #below: Surface;
  readonly #z: number;

  constructor(field: RasterField, stage: Stage, below: Surface, z: number) {
    this.#field = field;
    this.#stage = stage;
    this.#below = below;
    this.#z = z;
  }

  /** As `fillSheet`; `samples` are those of the window. */
  async sheet(
    window: SampleWindow,
    samples: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<Sheet | undefined> {
    const sheet = emptySheet(samples);
    let found = false;
    const { column, row, columns, rows } = window;
    for (let y = Math.floor(row / BLOCK); y * BLOCK < row + rows; y++) {
      for (let x = Math.floor(column / BLOCK); x * BLOCK < column + columns; x++) {
        signal?.throwIfAborted();
        const place = { column: x * BLOCK, row: y * BLOCK, columns: BLOCK, rows: BLOCK };
        const isWhole = !hasVoidNear(samples, window, place);
        const block = isWhole ? undefined : await this.#block(x, y);
        if (block !== undefined) copyBlock(block, place, sheet, window);
        if (isWhole || block !== undefined) found = true;
      }
    }
    return found ? sheet : undefined;
  }

  #block(x: number, y: number): Promise<Sheet | undefined> {
    const key = `${x} ${y}`;
    const held = this.#held.get(key);
    // Last used, last out.
    this.#held.delete(key);
    const window = { column: x * BLOCK, row: y * BLOCK, columns: BLOCK, rows: BLOCK };
    // Not under one tile's signal: others may wait for it.
    const block = held ?? fillSheet(this.#field, this.#stage, window, this.#below, this.#z, undefined);
    this.#held.set(key, block);
    block.catch(() => this.#held.delete(key));
    if (this.#held.size > MAX_BLOCKS) for (const oldest of this.#held.keys()) return this.#drop(oldest, block);
    return block;
  }

  #drop<T>(key: string, block: T): T {
    this.#held.delete(key);
    return block;
  }
}

/** Whether any sample of a window in a part of it, or beside that part, is void: others are data, and need no fill. */
function hasVoidNear(samples: Float32Array, window: SampleWindow, part: SampleWindow): boolean {
  const left = Math.max(0, part.column - 1 - window.column);
  const right = Math.min(window.columns, part.column + part.columns + 1 - window.column);
  const top = Math.max(0, part.row - 1 - window.row);
  const bottom = Math.min(window.rows, part.row + part.rows + 1 - window.row);
  for (let row = top; row < bottom; row++) {
    for (let i = row * window.columns + left; i < row * window.columns + right; i++) {
      if (Number.isNaN(samples[i])) return true;
    }
  }
  return false;
}

/** Of samples as they are, with nothing in their voids. */
function emptySheet(samples: Float32Array): Sheet {
  const count = samples.length;
  const values = samples.slice();
  const data = new Float32Array(count).fill(1);
  const state = new Uint8Array(count).fill(MEASURED);
  for (let i = 0; i < count; i++) {
    if (!Number.isNaN(samples[i])) continue;
    values[i] = 0;
    data[i] = 0;
    state[i] = OUTSIDE;
  }
  return { values, relief: new Float64Array(count), carried: new Float32Array(count), data, state };
}

/** The part of `to` that lies in `from`, both windows of one level. */
function copyBlock(block: Sheet, from: SampleWindow, sheet: Sheet, to: SampleWindow): void {
  const left = Math.max(from.column, to.column);
  const right = Math.min(from.column + from.columns, to.column + to.columns);
  const bottom = Math.min(from.row + from.rows, to.row + to.rows);
  for (let row = Math.max(from.row, to.row); row < bottom; row++) {
    const start = (row - from.row) * from.columns + left - from.column;
    const end = start + right - left;
    const target = (row - to.row) * to.columns + left - to.column;
    sheet.values.set(block.values.subarray(start, end), target);
    sheet.relief.set(block.relief.subarray(start, end), target);
    sheet.carried.set(block.carried.subarray(start, end), target);
    sheet.data.set(block.data.subarray(start, end), target);
    sheet.state.set(block.state.subarray(start, end), target);
  }
}

/** What is left of a sheet without its halo. */
function cutInside(sheet: Sheet, wide: SampleWindow, halo: number): Sheet {
  const inside = {
    column: wide.column + halo,
    row: wide.row + halo,
    columns: wide.columns - 2 * halo,
    rows: wide.rows - 2 * halo,
  };
  const count = inside.columns * inside.rows;
  const out: Sheet = {
    values: new Float32Array(count),
    relief: new Float64Array(count),
    carried: new Float32Array(count),
    data: new Float32Array(count),
    state: new Uint8Array(count),
  };
  copyBlock(sheet, wide, out, inside);
  return out;
}

/** Every void inside the halo, and every datum with a void beside it or at its corner, all over the window; ascending. */
function samplesAtVoids(evidence: Float32Array, { columns, rows }: SampleWindow, halo: number): Int32Array {
  const found: number[] = [];
  for (let row = 0, i = 0; row < rows; row++) {
    const inside = row >= halo && row < rows - halo;
    const [up, down] = [row > 0 ? -columns : 0, row < rows - 1 ? columns : 0];
    for (let column = 0; column < columns; column++, i++) {
      if (Number.isNaN(evidence[i])) {
        if (inside && column >= halo && column < columns - halo) found.push(i);
        continue;
      }
      const [left, right] = [column > 0 ? -1 : 0, column < columns - 1 ? 1 : 0];
      // A sum with a NaN is NaN.
      const around =
        evidence[i + up + left] +
        evidence[i + up] +
        evidence[i + up + right] +
        evidence[i + left] +
        evidence[i + right] +
        evidence[i + down + left] +
        evidence[i + down] +
        evidence[i + down + right];
      if (Number.isNaN(around)) found.push(i);
    }
  }
  return Int32Array.from(found);
}

/** What lies below at those samples, metres above the source's own datum, in a window of the evidence's size; 0 elsewhere. */
function reliefBelow(
  field: RasterField,
  evidence: Float32Array,
  indices: Int32Array,
  at: Places,
  under: Ground,
  reach: GeoidReach,
): Relief {
  const heights = new Float64Array(evidence.length);
  const near = new Uint8Array(evidence.length);
  const geoid = geoidUnder(field, at, reach);
  for (let k = 0; k < indices.length; k++) {
    const i = indices[k];
    heights[i] = under.heights[k] - geoid(k, Number.isNaN(evidence[i]) ? undefined : Origin.measured);
    near[i] = 1;
  }
  return { heights, near };
}

interface Relief {
  /** NaN where the source's geoid has no value. */
  readonly heights: Float64Array;
  /** 1 where there is one. */
  readonly near: Uint8Array;
}

/** A window of a source's samples, and what stands in for those that are void. */
export interface Sheet {
  /** In the file's unit, above its own datum; never NaN where it counts. */
  readonly values: Float32Array;
  /** What lies below, likewise but in metres. */
  readonly relief: Float64Array;
  /** Metres of difference carried on into voids; 0 for data. */
  readonly carried: Float32Array;
  /** 1 for data, 0 for voids. */
  readonly data: Float32Array;
  readonly state: Uint8Array;
}

function fillDifference(
  evidence: Float32Array,
  relief: Relief,
  { columns }: SampleWindow,
  radius: number,
  halo: number,
  unitMetres: number,
): Sheet {
  const difference = new Float32Array(evidence.length);
  const data = new Float32Array(evidence.length);
  for (let i = 0; i < evidence.length; i++) {
    const measured = !Number.isNaN(evidence[i]);
    data[i] = measured ? 1 : 0;
    difference[i] = !measured ? NaN : relief.near[i] ? evidence[i] * unitMetres - relief.heights[i] : 0;
  }
  const { values: filled, state } = fillVoids(difference, columns, radius, halo);
  const values = evidence;
  const carried = new Float32Array(evidence.length);
  for (let i = 0; i < evidence.length; i++) {
    if (data[i] === 1) continue;
    carried[i] = relief.near[i] ? filled[i] : 0;
    values[i] = (relief.heights[i] + carried[i]) / unitMetres;
  }
  return { values, relief: relief.heights, carried, data, state };
}

/**
 * Metres that the source's geoid adds at each of the places. Under heights that are measured, or rest on some that are, it
 * must have a value: fails with `datum` where it has none. NaN elsewhere (`origin` undefined).
 */
export function geoidUnder(
  field: RasterField,
  places: Places,
  reach: GeoidReach,
): (at: number, origin?: Origin) => number {
  const { sourceGeoid } = field.datum;
  if (sourceGeoid === undefined) return () => 0;
  const { parallel, across, lons, lats } = places;
  const values = undulationsAt(sourceGeoid, places);
  return (at, origin) => {
    const value = values[at];
    if (!Number.isNaN(value)) return value;
    const lon = lons[parallel ? at % across : at];
    const lat = lats[parallel ? Math.floor(at / across) : at];
    if (origin === undefined) return sourceGeoid.nearest(lon, lat, reach.reach);
    return geoidBeyondGrid(sourceGeoid, lon, lat, { origin, ...reach });
  };
}

/** A coarse sample may stand for data beside it; samples may lie three times as far apart one way as the other. */
export function geoidReach({ source, grid }: RasterField, level: number, radius: number): GeoidReach {
  const { scaleX, scaleY } = source.info.levels[level];
  const sample = 3 * Math.max(scaleX, scaleY) * grid.spacingDegrees;
  return { slack: level === 0 ? 0 : sample, reach: (radius + 2) * sample };
}
