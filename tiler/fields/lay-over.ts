/**
 * One source laid over what lies below it, so that its data stand as they are and the join is a slope: where it is void,
 * the surface below is taken, raised by the difference between both that the source's rim shows, which is carried on into
 * the void and fades out (delta surface fill: G. Grohman, G. Kroenung, J. Strebeck, "Filling SRTM voids: the delta surface
 * fill method", 2006). Worked on the source's own samples, so that a sample is filled alike whichever tile asks.
 */

import { countPlaces, type Places } from '../geo/places.ts';
import { Origin } from '../geo/post-grid.ts';
import type { SampleWindow } from '../sources/raster-source.ts';
import { bilinear, type Cells, findCells, forEachNear } from './cells.ts';
import type { GeoidReach } from './datum.ts';
import { BLENDED, FILLED, fillHalo, MEASURED, OUTSIDE } from './fill.ts';
import { type FilledBlocks, geoidReach, geoidUnder, type Sheet, type Stage } from './filled-sheet.ts';
import type { Ground, GroundOptions, GroundShare, Surface } from './height-field.ts';
import type { RasterField } from './raster-field.ts';

export interface LayOptions extends GroundOptions {
  /** The source's place in the stack. */
  readonly index: number;
  /** Where what was filled is kept: the sides of a tile and its neighbours need it again. */
  readonly blocks: FilledBlocks;
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
  const sheet = await blocks.sheet(window, samples, signal);
  if (sheet === undefined) return below.groundAt(places, z, { signal, onShare });
  const lower: GroundShare[] = [];
  const ground = await below.groundAt(places, z, { signal, onShare: onShare && ((share) => lower.push(share)) });
  const laid = compose(field, sheet, window, cells, places, ground, reach);
  onShare?.({ field: index, level, ...laid.first });
  for (const share of lower) onShare?.(share);
  return laid.ground;
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
