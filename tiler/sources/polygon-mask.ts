/**
 * Which samples of a raster lie inside polygons of longitude and latitude: edges are brought into (column, row), bent where
 * the projection bends them, and rows are filled between crossings (even-odd within a polygon, so holes stay empty; polygons
 * together). A sample counts by its centre.
 */

import type { Affine } from '../geo/affine.ts';
import { invertAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import type { LonLatPolygons } from './mosaic.ts';
import type { SampleWindow } from './raster-source.ts';

type Point = readonly [number, number];
type Ring = readonly Point[];

export interface PolygonMask {
  /** Samples, level 0, that can lie inside: one window a polygon, cut to the raster. */
  readonly boxes: readonly SampleWindow[];
  /** 1 inside, 0 outside; `none` and `all` where that holds for the whole window. Windows lie within the raster's columns. */
  fill(window: SampleWindow): Uint8Array | 'none' | 'all';
}

interface RasterPlace {
  readonly crs: Crs;
  /** (column, row) of a sample's centre to CRS coordinates. */
  readonly affine: Affine;
  readonly columns: number;
  readonly rows: number;
}

/** Farthest, in samples, that a straight edge between two bends may lie from where it belongs; a tenth is promised. */
const TOLERANCE = 0.05;
const MAX_HALVINGS = 16;
/** Pieces into which an edge is cut at first, so that a bend whose middle lies on the chord is seen. */
const FIRST_PIECES = 4;
/** Rows in which edges are looked up together. */
const BAND = 64;
/** Places along each side of the raster by which its longitudes and latitudes are known. */
const SIDE_PLACES = 64;

export function maskPolygons(polygons: LonLatPolygons, place: RasterPlace): PolygonMask {
  const found = polygons.flatMap((polygon) => placePolygon(polygon, place));
  return {
    boxes: found.map(({ box }) => box),
    fill(window) {
      const touching = found.filter(({ box }) => overlaps(box, window));
      if (touching.length === 0) return 'none';
      const mask = new Uint8Array(window.columns * window.rows);
      for (const polygon of touching) polygon.fill(window, mask);
      const inside = mask.reduce((sum, value) => sum + value, 0);
      return inside === 0 ? 'none' : inside === mask.length ? 'all' : mask;
    },
  };
}

/** The polygon wherever it meets the raster: at most once, but at both ends of one that goes round the world. */
function placePolygon(polygon: LonLatPolygons[number], place: RasterPlace): EdgeTable[] {
  const { columns, rows } = place;
  const toSample = samplesOf(place);
  const around = extentOf(place);
  const tables: EdgeTable[] = [];
  for (const turn of [-720, -360, 0, 360, 720]) {
    const moved = polygon.map((ring) =>
      cutToBox(
        ring.map(([lon, lat]): Point => [lon + turn, lat]),
        around,
      ),
    );
    const edges = moved.flatMap((ring) => edgesOf(ring, toSample, place));
    const table = tableOf(edges, columns, rows);
    if (table !== undefined) tables.push(table);
  }
  return tables;
}

/** Longitude and latitude to column and row; two NaN where there is no answer. */
function samplesOf({ crs, affine }: RasterPlace): (point: Point) => Point {
  const inverse = invertAffine(affine);
  if (inverse === undefined) throw new RangeError('samples have an area');
  return ([lon, lat]) => {
    const turn = Math.abs(lon) > 180 ? 360 * Math.round(lon / 360) : 0;
    const [plainX, y] = crs.forward([lon - turn, lat]);
    // Of angles the turn counts, of projected coordinates it says nothing.
    const x = crs.geographic ? plainX + turn / crs.unitMetres : plainX;
    return [inverse.a * x + inverse.b * y + inverse.c, inverse.d * x + inverse.e * y + inverse.f];
  };
}

interface Extent {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** Longitudes (at most once round) and latitudes that hold the raster with some room. What lies beyond is not projected. */
function extentOf(place: RasterPlace): Extent {
  const { crs, affine, columns, rows } = place;
  const toSample = samplesOf(place);
  const centre = lonLatAt(crs, affine, (columns - 1) / 2, (rows - 1) / 2);
  const midLon = Number.isFinite(centre[0]) ? centre[0] : 0;
  let [west, east, south, north] = [midLon, midLon, 90, -90];
  const see = (column: number, row: number) => {
    const [lon, lat] = lonLatAt(crs, affine, column, row);
    if (!Number.isFinite(lon)) {
      // A corner beyond the projection's world: all of the world may be inside.
      [west, east, south, north] = [midLon - 180, midLon + 180, -90, 90];
      return;
    }
    const near = crs.geographic ? lon : lon - 360 * Math.round((lon - midLon) / 360);
    [west, east] = [Math.min(west, near), Math.max(east, near)];
    [south, north] = [Math.min(south, lat), Math.max(north, lat)];
  };
  for (let i = 0; i <= SIDE_PLACES; i++) {
    const [column, row] = [-1 + ((columns + 1) * i) / SIDE_PLACES, -1 + ((rows + 1) * i) / SIDE_PLACES];
    see(column, -1);
    see(column, rows);
    see(-1, row);
    see(columns, row);
  }
  for (const lat of [-90, 90]) {
    const [column, row] = toSample([midLon, lat]);
    const holdsPole = !crs.geographic && column > -2 && column < columns + 1 && row > -2 && row < rows + 1;
    if (!holdsPole) continue;
    [west, east] = [midLon - 180, midLon + 180];
    [south, north] = [Math.min(south, lat), Math.max(north, lat)];
  }
  const [roomX, roomY] = [(east - west) / 20, (north - south) / 20];
  [west, east] = [west - roomX, east + roomX];
  if (!crs.geographic && east - west > 360) [west, east] = [midLon - 180, midLon + 180];
  return { west, east, south: Math.max(-90, south - roomY), north: Math.min(90, north + roomY) };
}

function lonLatAt(crs: Crs, { a, b, c, d, e, f }: Affine, column: number, row: number): Point {
  const [x, y] = [a * column + b * row + c, d * column + e * row + f];
  if (!crs.geographic) return crs.inverse([x, y]);
  const turn = Math.round((x * crs.unitMetres) / 360);
  const [lon, lat] = crs.inverse([x - (360 * turn) / crs.unitMetres, y]);
  // Outside of the world there is nothing to clip; its edge will do.
  return Number.isFinite(lon) ? [lon + 360 * turn, lat] : [x * crs.unitMetres, Math.sign(y) * 90];
}

/** The part of a ring inside a box, by Sutherland and Hodgman; edges along the box may be drawn to and fro. */
function cutToBox(ring: Ring, { west, east, south, north }: Extent): Ring {
  let points: Ring = ring;
  for (const [axis, limit, sign] of [
    [0, west, 1],
    [0, east, -1],
    [1, south, 1],
    [1, north, -1],
  ] as const) {
    const out: Point[] = [];
    points.forEach((to, i) => {
      const from = points.at(i - 1) ?? to;
      const [a, b] = [(from[axis] - limit) * sign, (to[axis] - limit) * sign];
      if (a >= 0 !== b >= 0) {
        const t = a / (a - b);
        const crossing: [number, number] = [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])];
        crossing[axis] = limit;
        out.push(crossing);
      }
      if (b >= 0) out.push(to);
    });
    points = out;
  }
  return points;
}

/** Edges of a ring in samples, as x0, y0, x1, y1, bent within the tolerance. */
function edgesOf(
  ring: Ring,
  toSample: (point: Point) => Point,
  { columns, rows }: Pick<RasterPlace, 'columns' | 'rows'>,
): number[][] {
  const placed: Point[] = [];
  const add = (point: Point) => {
    if (Number.isFinite(point[0]) && Number.isFinite(point[1])) placed.push(point);
  };
  const bend = (from: Point, to: Point, start: Point, end: Point, halvings: number): void => {
    const middle: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    const at = toSample(middle);
    const off = Math.hypot(at[0] - (start[0] + end[0]) / 2, at[1] - (start[1] + end[1]) / 2);
    const far = (axis: 0 | 1, last: number) =>
      Math.max(start[axis], at[axis], end[axis]) < -1 - off ||
      Math.min(start[axis], at[axis], end[axis]) > last + 1 + off;
    const nowhere = Number.isNaN(start[0]) && Number.isNaN(at[0]) && Number.isNaN(end[0]);
    // What has a place at one end only is halved, to where it ends.
    if (off <= TOLERANCE || halvings === 0 || nowhere || far(0, columns) || far(1, rows)) {
      add(end);
      return;
    }
    bend(from, middle, start, at, halvings - 1);
    bend(middle, to, at, end, halvings - 1);
  };
  ring.forEach((to, i) => {
    const from = ring.at(i - 1) ?? to;
    let [last, start] = [from, toSample(from)];
    for (let piece = 1; piece <= FIRST_PIECES; piece++) {
      const t = piece / FIRST_PIECES;
      const next: Point =
        piece === FIRST_PIECES ? to : [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])];
      const end = toSample(next);
      bend(last, next, start, end, MAX_HALVINGS);
      [last, start] = [next, end];
    }
  });
  return placed.map(([x1, y1], i) => {
    const [x0, y0] = placed.at(i - 1) ?? [x1, y1];
    return [x0, y0, x1, y1];
  });
}

interface EdgeTable {
  readonly box: SampleWindow;
  /** Writes 1 for the samples inside. */
  fill(window: SampleWindow, mask: Uint8Array): void;
}

/** Edges by bands of rows; undefined when they enclose no sample of the raster. */
function tableOf(edges: readonly number[][], columns: number, rows: number): EdgeTable | undefined {
  const bounds = { west: columns, east: -1, north: rows, south: -1 };
  const kept = edges.filter(([, y0 = 0, , y1 = 0]) => y0 !== y1 && Math.max(y0, y1) >= 0 && Math.min(y0, y1) < rows);
  for (const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] of edges) {
    bounds.west = Math.min(bounds.west, Math.ceil(x0), Math.ceil(x1));
    bounds.east = Math.max(bounds.east, Math.floor(x0), Math.floor(x1));
    bounds.north = Math.min(bounds.north, Math.ceil(y0), Math.ceil(y1));
    bounds.south = Math.max(bounds.south, Math.floor(y0), Math.floor(y1));
  }
  const [column, row] = [Math.max(0, bounds.west), Math.max(0, bounds.north)];
  const [width, height] = [Math.min(columns - 1, bounds.east) - column + 1, Math.min(rows - 1, bounds.south) - row + 1];
  if (kept.length === 0 || width <= 0 || height <= 0) return undefined;
  const bands = new Map<number, number[][]>();
  for (const edge of kept) {
    const [, y0 = 0, , y1 = 0] = edge;
    const last = Math.floor(Math.min(rows - 1, Math.max(y0, y1)) / BAND);
    for (let band = Math.floor(Math.max(0, Math.min(y0, y1)) / BAND); band <= last; band++) {
      const there = bands.get(band);
      if (there === undefined) bands.set(band, [edge]);
      else there.push(edge);
    }
  }
  return {
    box: { column, row, columns: width, rows: height },
    fill(window, mask) {
      for (let r = 0; r < window.rows; r++) {
        const y = window.row + r;
        const crossings = crossingsOf(bands.get(Math.floor(y / BAND)) ?? [], y);
        for (let i = 0; i + 1 < crossings.length; i += 2) {
          const first = Math.max(0, Math.ceil(crossings[i] ?? 0) - window.column);
          const end = Math.min(window.columns, Math.ceil(crossings[i + 1] ?? 0) - window.column);
          if (first < end) mask.fill(1, r * window.columns + first, r * window.columns + end);
        }
      }
    },
  };
}

/** Where edges cross a row, west to east; the lower end of an edge belongs to it and the upper does not. */
function crossingsOf(edges: readonly number[][], y: number): number[] {
  const found: number[] = [];
  for (const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] of edges) {
    if (y0 <= y !== y1 <= y) found.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  }
  return found.sort((a, b) => a - b);
}

function overlaps(a: SampleWindow, b: SampleWindow): boolean {
  return (
    a.column < b.column + b.columns &&
    b.column < a.column + a.columns &&
    a.row < b.row + b.rows &&
    b.row < a.row + a.rows
  );
}
