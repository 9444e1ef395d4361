/**
 * Areas laid level over a surface: inside, a height above sea level (EGM96) or above the ellipsoid; round them a band in which
 * it runs into the ground. What is changed hangs on the place alone, so all tiles and levels agree on it.
 */

import { RelievoError } from '../error.ts';
import { metresPerDegreeEast } from '../geo/ellipsoid.ts';
import { egm96, undulationsAt } from '../geo/geoid.ts';
import { type LonLatArea, openLonLatArea } from '../geo/lon-lat-area.ts';
import { countPlaces, type Places } from '../geo/places.ts';
import { Origin, postSpacing, TILE_CELLS } from '../geo/post-grid.ts';
import { geographic, type LonLatBox } from '../geo/tiling-scheme.ts';
import type { FlattenArea } from '../sources/flatten-areas.ts';
import type { Ground, Surface } from './height-field.ts';

/** One area, opened. */
export interface Flat {
  readonly area: FlattenArea & { readonly featherMetres: number };
  readonly shape: LonLatArea;
  /** Metres between samples of the finest source there. */
  readonly spacingMetres: number;
}

/** What one area gives to the height at a place. */
export interface FlatShare {
  readonly area: Flat['area'];
  /** Metres above the area's datum: given, or found along the outline. */
  readonly height: number;
  /** Of the height at the place; 1 inside. */
  readonly share: number;
}

export interface FlatSurface extends Surface {
  /** In the order given, the one on top last. */
  readonly areas: readonly Flat['area'][];
  /** Metres of an area, counted as in `areas`, above its datum: given, or found along its outline. */
  heightOf(area: number): Promise<number>;
  /** Whether an area, or the band round it, can change a height in a box. Never wrongly false. */
  changes(box: LonLatBox): boolean;
  /** What the areas give at a place, the one on top first; only those that have a share. */
  sharesAt(lon: number, lat: number, signal?: AbortSignal): Promise<readonly FlatShare[]>;
}

/** Samples across the band round an area of which nobody says how wide it is. */
const FEATHER_SAMPLES = 4;

/** `spacingAt`: metres between samples of the finest source in a box. */
export function openFlat(area: FlattenArea, spacingAt: (box: LonLatBox) => number): Flat {
  const shape = openLonLatArea(area.rings);
  const spacingMetres = spacingAt(shape.box);
  const { featherMetres = FEATHER_SAMPLES * spacingMetres } = area;
  return { area: { ...area, featherMetres }, shape, spacingMetres };
}

/** Equal for areas that change heights alike. */
export function identityOf({ area: { rings, height, datum, featherMetres } }: Flat): unknown {
  return [rings, height ?? null, datum, featherMetres];
}

/** Later areas lie over earlier ones. */
export function layFlat(flats: readonly Flat[], below: Surface): FlatSurface {
  const found = new Map<Flat, Promise<number>>();
  return {
    areas: flats.map(({ area }) => area),
    heightOf: (area) => heightOf(flats[area]),
    groundAt,
    changes,
    sharesAt,
  };

  async function groundAt(places: Places, z: number, { signal, onShare }: Parameters<Surface['groundAt']>[2] = {}) {
    const box = boxOf(places);
    const near = flats.filter((flat) => isNear(flat, box));
    const shares = near.map((flat) => sharesOf(flat, places)).filter((one) => one !== undefined);
    if (shares.length === 0) return below.groundAt(places, z, { signal, onShare });
    const ground = isWhole(shares, places)
      ? { heights: new Float64Array(countPlaces(places)), origin: new Uint8Array(countPlaces(places)) }
      : await below.groundAt(places, z, { signal, onShare });
    const undulations = undulationsAt(egm96(), places);
    for (const share of shares) {
      const { datum } = share.flat.area;
      flatten(ground, share, await heightOf(share.flat), datum === 'sea-level' ? undulations : undefined);
    }
    return ground;
  }

  function changes(box: LonLatBox): boolean {
    return flats.some((flat) => isNear(flat, box));
  }

  async function sharesAt(lon: number, lat: number, signal?: AbortSignal): Promise<readonly FlatShare[]> {
    const out: FlatShare[] = [];
    let left = 1;
    for (const flat of flats.toReversed()) {
      const weight = weightAt(flat, lon, lat);
      if (weight === 0 || left === 0) continue;
      signal?.throwIfAborted();
      out.push({ area: flat.area, height: await heightOf(flat), share: left * weight });
      left *= 1 - weight;
    }
    return out;
  }

  /** Not under one tile's signal: others may wait for it. What failed is tried again. */
  function heightOf(flat: Flat): Promise<number> {
    const { height } = flat.area;
    if (height !== undefined) return Promise.resolve(height);
    const known = found.get(flat);
    if (known) return known;
    const finding = findHeight(flat, below);
    found.set(flat, finding);
    finding.catch(() => found.delete(flat));
    return finding;
  }
}

function flatten(
  { heights, origin }: Ground,
  { at, weights }: PlacedShares,
  height: number,
  undulations: Float32Array | undefined,
): void {
  for (const [k, i] of at.entries()) {
    const weight = weights[k];
    const level = height + (undulations?.[i] ?? 0);
    // Inside it is the height itself, to the last bit.
    heights[i] = weight === 1 ? level : heights[i] + weight * (level - heights[i]);
    if (weight === 1) origin[i] = Origin.flattened;
    else if (origin[i] !== Origin.flattened) origin[i] = Origin.feathered;
  }
}

interface PlacedShares {
  readonly flat: Flat;
  /** Indices of the places in which it has one, ascending. */
  readonly at: readonly number[];
  readonly weights: readonly number[];
}

/** Undefined where the area has no share in any place. */
function sharesOf(flat: Flat, places: Places): PlacedShares | undefined {
  const { across, parallel, lons, lats } = places;
  // Of thousands of areas most come near to few places: only those are looked at.
  const near = grownBox(flat, extremes(lats));
  const columns = indicesOf(lons, (lon) => modulo(lon - near.west, 360) <= near.east - near.west);
  const isRow = (lat: number) => lat >= near.south && lat <= near.north;
  const at: number[] = [];
  const weights: number[] = [];
  const take = (i: number, lon: number, lat: number) => {
    const weight = weightAt(flat, lon, lat);
    if (weight === 0) return;
    at.push(i);
    weights.push(weight);
  };
  if (parallel) {
    for (const row of indicesOf(lats, isRow)) {
      for (const column of columns) take(row * across + column, lons[column], lats[row]);
    }
  } else for (const i of columns) if (isRow(lats[i])) take(i, lons[i], lats[i]);
  return at.length > 0 ? { flat, at, weights } : undefined;
}

/** 1 inside, 0 from the feather's end on; level at both ends (Hermite's cubic), so that neither shows as a crease. */
function weightAt({ area: { featherMetres }, shape }: Flat, lon: number, lat: number): number {
  const distance = shape.distance(lon, lat, featherMetres);
  if (distance === 0) return 1;
  if (distance === Number.POSITIVE_INFINITY) return 0;
  const t = distance / featherMetres;
  return 1 - t * t * (3 - 2 * t);
}

/** Whether nothing of what lies below can show. */
function isWhole(shares: readonly PlacedShares[], places: Places): boolean {
  const whole = new Uint8Array(countPlaces(places));
  for (const { at, weights } of shares) {
    for (const [k, i] of at.entries()) if (weights[k] === 1) whole[i] = 1;
  }
  return !whole.includes(0);
}

/** Of a degree of latitude, at least. */
const METRES_PER_DEGREE = 110_500;
/** Degrees. */
const HAIR = 1e-9;

function isNear(flat: Flat, { west, south, east, north }: LonLatBox): boolean {
  const near = grownBox(flat, [south, north]);
  if (north < near.south || south > near.north) return false;
  // The turn that brings the one's west to the other's or just east of it.
  const offset = modulo(west - near.west, 360);
  return offset <= near.east - near.west || offset + (east - west) >= 360;
}

/** What holds the area and the band round it between two latitudes; all longitudes at a pole, and a hair for rounding. */
function grownBox(
  { area: { featherMetres }, shape: { box } }: Flat,
  [south, north]: readonly [number, number],
): LonLatBox {
  const up = featherMetres / METRES_PER_DEGREE + HAIR;
  const perEast = metresPerDegreeEast(Math.max(Math.abs(south), Math.abs(north)));
  const aside = perEast > 0 ? featherMetres / perEast + HAIR : 360;
  return { west: box.west - aside, south: box.south - up, east: box.east + aside, north: box.north + up };
}

function indicesOf(values: Float64Array, test: (value: number) => boolean): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (test(values[i])) found.push(i);
  return found;
}

/** Longitudes -180 and 180 are one: places on both sides of it count as if they lay all round the world. */
function boxOf({ lons, lats }: Places): LonLatBox {
  const [west, east] = extremes(lons);
  const [south, north] = extremes(lats);
  return { west, south, east, north };
}

function extremes(values: Float64Array): [least: number, greatest: number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

function modulo(value: number, period: number): number {
  return ((value % period) + period) % period;
}

/** Places along an outline at which the ground is asked for, at most; and of these at a time. */
const MAX_PLACES = 4096;
const MIN_PLACES = 16;
const TOGETHER = 32;
/** Finer than any source. */
const FINEST = 40;

/**
 * The median of the ground along the outline, holes included: half of the shore lies above it and half below, and a bridge, a
 * tree or a cliff does not move it, as it would a mean. From full resolution, or for an outline of more than `MAX_PLACES`
 * samples from the overview that has as many: the same whichever tile asks.
 */
async function findHeight({ area, shape, spacingMetres }: Flat, below: Surface): Promise<number> {
  const wanted = Math.ceil(shape.outlineMetres / spacingMetres);
  const rings = shape.alongOutline(Math.min(MAX_PLACES, Math.max(MIN_PLACES, wanted)));
  const z = wanted > MAX_PLACES ? levelOf(shape.outlineMetres / MAX_PLACES) : FINEST;
  const heights: number[] = [];
  for (const { lons, lats } of rings) {
    for (let first = 0; first < lons.length; first += TOGETHER) {
      const [x, y] = [lons.subarray(first, first + TOGETHER), lats.subarray(first, first + TOGETHER)];
      const places = { across: x.length, down: 1, parallel: false, lons: x, lats: y };
      const ground = await below.groundAt(places, z);
      const undulations = undulationsAt(egm96(), places);
      ground.heights.forEach((height, i) => {
        heights.push(area.datum === 'sea-level' ? height - undulations[i] : height);
      });
    }
  }
  if (heights.length === 0) {
    const message = `${area.name} has no outline along which the ground could be read: give it a height.`;
    throw new RelievoError('input-invalid', message, { where: area.name });
  }
  heights.sort((a, b) => a - b);
  return (heights[(heights.length - 1) >> 1] + heights[heights.length >> 1]) / 2;
}

/** The level of tiles whose posts lie that many metres apart, or a little more. */
function levelOf(metres: number): number {
  const degrees = metres / METRES_PER_DEGREE;
  return Math.max(0, Math.floor(Math.log2(postSpacing({ scheme: geographic, z: 0, perTile: TILE_CELLS }) / degrees)));
}
