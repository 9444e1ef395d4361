/**
 * One source laid over what lies below it, so that its data stand as they are and the join is a slope: where it is void,
 * the surface below is taken, raised by the difference between both that the source's rim shows, which is carried on into
 * the void and fades out (delta surface fill: G. Grohman, G. Kroenung, J. Strebeck, "Filling SRTM voids: the delta surface
 * fill method", 2006). Worked on the source's own samples, so that a sample is filled alike whichever tile asks.
 */

import { undulationsAt } from '../geo/geoid.ts';
import { countPlaces, type Places } from '../geo/places.ts';
import { Origin } from '../geo/post-grid.ts';
import type { SampleWindow } from '../sources/raster-source.ts';
import { bilinear, type Cells, findCells, forEachNear } from './cells.ts';
import { type GeoidReach, geoidBeyondGrid } from './datum.ts';
import { BLENDED, FILLED, fillHalo, fillVoids, MEASURED, OUTSIDE } from './fill.ts';
import type { Ground, GroundOptions, GroundShare, Surface } from './height-field.ts';
import type { RasterField } from './raster-field.ts';

/** How a source is read for a level of tiles. */
export interface Stage {
  /** Level of the source. */
  readonly level: number;
  /** How far its difference to what lies below reaches beyond its data, in samples of that level. */
  readonly radius: number;
}

export interface LayOptions extends GroundOptions {
  /** The source's place in the stack. */
  readonly index: number;
  /** Where filled blocks are kept; for stages whose samples serve many tiles. */
  readonly blocks?: FilledBlocks | undefined;
}

/** Heights at places, as level z sees them. */
export async function layOver(
  field: RasterField,
  stage: Stage,
  places: Places,
  z: number,
  below: Surface,
  { index, blocks, signal, onShare }: LayOptions,
): Promise<Ground> {
  const { level, radius } = stage;
  const { source, grid } = field;
  const cells = findCells(source.info, level, grid.placeAll(places), fillHalo(radius));
  const { window } = cells;
  if (window === undefined) return below.groundAt(places, z, { signal, onShare });
  const samples = await source.read(level, window, { signal });
  const reach = geoidReach(field, level, radius);
  if (cells.complete && !samples.includes(NaN)) {
    onShare?.({ field: index, level, share: 1, difference: 0, origin: field.dataOrigin });
    return measuredGround(field, samples, window, cells, places, reach);
  }
  const sheet = blocks
    ? await blocks.sheet(window, samples, signal)
    : await fillSheet(field, stage, window, below, z, signal);
  if (sheet === undefined) return below.groundAt(places, z, { signal, onShare });
  const lower: GroundShare[] = [];
  const ground = await below.groundAt(places, z, { signal, onShare: onShare && ((share) => lower.push(share)) });
  const laid = compose(field, sheet, window, cells, places, ground, reach);
  onShare?.({ field: index, level, ...laid.first });
  for (const share of lower) onShare?.(share);
  return laid.ground;
}

/** The samples of a window with their voids filled; undefined when there are no data within reach of it. */
async function fillSheet(
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
 * A stage in blocks that are filled once and kept. What lies below is read at one level, that of the stage's own spacing,
 * whatever tile asks. A sample is filled alike in whatever window, so blocks give what one window would.
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
        const block = await this.#block(x, y);
        if (block === undefined) continue;
        found = true;
        copyBlock(block, { column: x * BLOCK, row: y * BLOCK, columns: BLOCK, rows: BLOCK }, sheet, window);
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

function emptySheet(samples: Float32Array): Sheet {
  const data = Float32Array.from(samples, (value) => (Number.isNaN(value) ? 0 : 1));
  return {
    values: samples.map((value) => (Number.isNaN(value) ? 0 : value)),
    relief: new Float64Array(samples.length),
    carried: new Float32Array(samples.length),
    data,
    state: Uint8Array.from(data, (one) => (one === 1 ? MEASURED : OUTSIDE)),
  };
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

function measuredGround(
  field: RasterField,
  samples: Float32Array,
  window: SampleWindow,
  cells: Cells,
  places: Places,
  reach: GeoidReach,
): Ground {
  const { unitMetres } = field.source.info.vertical;
  const heights = new Float64Array(countPlaces(places));
  const geoid = geoidUnder(field, places, reach);
  forEachNear(cells, window, (at, p, fx, fy) => {
    heights[at] = bilinear(samples, p, window.columns, fx, fy) * unitMetres + geoid(at, Origin.measured);
  });
  return { heights, origin: new Uint8Array(heights.length).fill(field.dataOrigin) };
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
interface Sheet {
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

/** A place so close to a row or column of samples lies on it: the next one has no part in it. */
const NEGLIGIBLE = 1e-6;

const STATE_ORIGIN = new Uint8Array(4);
STATE_ORIGIN[MEASURED] = Origin.measured;
STATE_ORIGIN[FILLED] = Origin.filled;
STATE_ORIGIN[BLENDED] = Origin.blended;
STATE_ORIGIN[OUTSIDE] = Origin.outside;

/**
 * Between data: the data. Between voids: what lies below, at the place itself, plus the difference carried on. In a cell of
 * both: the samples' interpolation, to which the detail of what lies below comes back in the measure of the void.
 */
function compose(
  field: RasterField,
  { values, relief, carried, data, state }: Sheet,
  window: SampleWindow,
  cells: Cells,
  places: Places,
  below: Ground,
  reach: GeoidReach,
): { ground: Ground; first: Pick<GroundShare, 'share' | 'difference' | 'origin'> } {
  const { columns } = window;
  const { unitMetres } = field.source.info.vertical;
  const heights = below.heights.slice();
  const origin = below.origin.slice();
  const geoid = geoidUnder(field, places, reach);
  let first = { share: 0, difference: 0, origin: below.origin[0] as Origin };
  forEachNear(cells, window, (at, p, fx, fy) => {
    const measured = bilinear(data, p, columns, fx, fy);
    const difference = bilinear(carried, p, columns, fx, fy);
    if (measured === 0) {
      heights[at] += difference;
      const came = worstState(state, p, columns, fx > NEGLIGIBLE, fy > NEGLIGIBLE);
      if (came !== OUTSIDE) origin[at] = STATE_ORIGIN[came];
    } else {
      const around = isWhole(data, p, columns, fx > NEGLIGIBLE, fy > NEGLIGIBLE);
      const here = geoid(at, around ? Origin.measured : Origin.filled);
      let height = bilinear(values, p, columns, fx, fy) * unitMetres + here;
      if (!around) height += (1 - measured) * (below.heights[at] - here - interpolate(relief, p, columns, fx, fy));
      heights[at] = height;
      const came = worstState(state, p, columns, fx > NEGLIGIBLE, fy > NEGLIGIBLE);
      origin[at] = around ? field.dataOrigin : came === OUTSIDE ? Origin.blended : STATE_ORIGIN[came];
    }
    if (at === 0) first = { share: measured, difference, origin: origin[0] as Origin };
  });
  return { ground: { heights, origin }, first };
}

/** Whether all samples that count are data: those east and south only where the place lies beyond the first. */
function isWhole(data: Float32Array, p: number, columns: number, east: boolean, south: boolean): boolean {
  return (
    data[p] === 1 &&
    (!east || data[p + 1] === 1) &&
    (!south || data[p + columns] === 1) &&
    (!(east && south) || data[p + columns + 1] === 1)
  );
}

/** The least certain of the samples that count; OUTSIDE among others counts as BLENDED. */
function worstState(state: Uint8Array, p: number, columns: number, east: boolean, south: boolean): number {
  let most = state[p];
  let least = state[p];
  const take = (at: number) => {
    most = Math.max(most, state[at]);
    least = Math.min(least, state[at]);
  };
  if (east) take(p + 1);
  if (south) take(p + columns);
  if (east && south) take(p + columns + 1);
  return most === OUTSIDE && least !== OUTSIDE ? BLENDED : most;
}

/** `bilinear` for doubles, leaving out samples without weight. */
function interpolate(data: Float64Array, p: number, columns: number, fx: number, fy: number): number {
  const north = fx > 0 ? data[p] * (1 - fx) + data[p + 1] * fx : data[p];
  if (fy === 0) return north;
  const south = fx > 0 ? data[p + columns] * (1 - fx) + data[p + columns + 1] * fx : data[p + columns];
  return north * (1 - fy) + south * fy;
}

/**
 * Metres that the source's geoid adds at each of the places. Under heights that are measured, or rest on some that are, it
 * must have a value: fails with `datum` where it has none. NaN elsewhere (`origin` undefined).
 */
function geoidUnder(field: RasterField, places: Places, reach: GeoidReach): (at: number, origin?: Origin) => number {
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
function geoidReach({ source, grid }: RasterField, level: number, radius: number): GeoidReach {
  const { scaleX, scaleY } = source.info.levels[level];
  const sample = 3 * Math.max(scaleX, scaleY) * grid.spacingDegrees;
  return { slack: level === 0 ? 0 : sample, reach: (radius + 2) * sample };
}
