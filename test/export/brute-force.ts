/**
 * Area and heights of a box of quantized-mesh tiles the long way: HERE's decoder, triangles that cross a side cut into 256,
 * and of those that still do the share of their map of longitudes and latitudes. Nothing of the exporter.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeWithHere } from '../support/here-decoder.ts';
import { triangleArea } from './read-scene.ts';

type Point = readonly [number, number, number];
type Bounds = readonly [west: number, south: number, east: number, north: number];

const A = 6378137;
const E2 = 0.00669437999014;
const RADIAN = Math.PI / 180;

export function ecefOf(lon: number, lat: number, h: number): Point {
  const n = A / Math.sqrt(1 - E2 * Math.sin(lat * RADIAN) ** 2);
  const across = (n + h) * Math.cos(lat * RADIAN);
  return [
    across * Math.cos(lon * RADIAN),
    across * Math.sin(lon * RADIAN),
    (n * (1 - E2) + h) * Math.sin(lat * RADIAN),
  ];
}

/** East, north and up of a place, metres. */
export function localOf([x, y, z]: Point, lon: number, lat: number): Point {
  const [x0, y0, z0] = ecefOf(lon, lat, 0);
  const [dx, dy, dz] = [x - x0, y - y0, z - z0];
  const [sl, cl, sp, cp] = [
    Math.sin(lon * RADIAN),
    Math.cos(lon * RADIAN),
    Math.sin(lat * RADIAN),
    Math.cos(lat * RADIAN),
  ];
  const outward = dx * cl + dy * sl;
  return [dy * cl - dx * sl, dz * cp - outward * sp, dz * sp + outward * cp];
}

/** Longitude and latitude in degrees (Bowring). */
export function placeOf([x, y, z]: Point): [number, number] {
  const b = A * Math.sqrt(1 - E2);
  const across = Math.hypot(x, y);
  const t = Math.atan2(z * A, across * b);
  const lat = Math.atan2(z + (E2 / (1 - E2)) * b * Math.sin(t) ** 3, across - E2 * A * Math.cos(t) ** 3);
  return [Math.atan2(y, x) / RADIAN, lat / RADIAN];
}

/** `tiles`: level, x and y from the south, of EPSG:4326. */
export function measureTiles(folder: string, tiles: readonly (readonly [number, number, number])[], bounds: Bounds) {
  const [west, south, east, north] = bounds;
  const [lon, lat] = [(west + east) / 2, (south + north) / 2];
  let area = 0;
  let low = Infinity;
  let high = -Infinity;
  const inside = (point: Point) => {
    const [px, py] = placeOf(point);
    return px >= west && px <= east && py >= south && py <= north;
  };
  const count = (a: Point, b: Point, c: Point, depth: number): void => {
    const corners = [a, b, c];
    const within = corners.filter(inside).length;
    if (within < 3 && depth > 0) {
      const middle = (p: Point, q: Point): Point => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2];
      const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
      if (within === 0 && !mayCross(corners.map(placeOf), bounds)) return;
      for (const [p, q, r] of [
        [a, ab, ca],
        [ab, b, bc],
        [ca, bc, c],
        [ab, bc, ca],
      ] as const)
        count(p, q, r, depth - 1);
      return;
    }
    area += triangleArea(a, b, c) * (within === 3 ? 1 : shareWithin(corners.map(placeOf), bounds));
    for (const point of corners.filter(inside)) {
      const [, , up] = localOf(point, lon, lat);
      low = Math.min(low, up);
      high = Math.max(high, up);
    }
  };
  for (const [z, x, y] of tiles) {
    const stored = readFileSync(join(folder, `${z}/${x}/${y}.terrain`));
    const tile = decodeWithHere(stored[0] === 0x1f ? gunzipSync(stored) : stored);
    const n = tile.vertexData.length / 3;
    const side = 180 / 2 ** z;
    const { minHeight, maxHeight } = tile.header;
    const at = (i: number) =>
      ecefOf(
        x * side - 180 + (tile.vertexData[i] / 32767) * side,
        y * side - 90 + (tile.vertexData[n + i] / 32767) * side,
        minHeight + (tile.vertexData[2 * n + i] / 32767) * (maxHeight - minHeight),
      );
    const { triangleIndices: t } = tile;
    for (let i = 0; i < t.length; i += 3) count(at(t[i]), at(t[i + 1]), at(t[i + 2]), 4);
  }
  return { area, low, high };
}

/** Of a triangle of longitudes and latitudes, the share of its area in the box. */
function shareWithin(triangle: readonly (readonly number[])[], [west, south, east, north]: Bounds): number {
  const inside = triangle.filter(([x, y]) => x >= west && x <= east && y >= south && y <= north).length;
  let polygon = triangle;
  for (const [axis, limit, sign] of [
    [0, west, 1],
    [0, east, -1],
    [1, south, 1],
    [1, north, -1],
  ] as const) {
    const depth = (p: readonly number[]) => sign * (p[axis] - limit);
    polygon = polygon.flatMap((p, i) => {
      const q = polygon[(i + 1) % polygon.length];
      const t = depth(p) / (depth(p) - depth(q));
      const cut = depth(p) * depth(q) < 0 ? [[p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]] : [];
      return depth(p) >= 0 ? [p, ...cut] : cut;
    });
  }
  const areaOf = (points: readonly (readonly number[])[]) =>
    points.reduce((sum, p, i) => {
      const q = points[(i + 1) % points.length];
      return (
        sum + (p[0] - triangle[0][0]) * (q[1] - triangle[0][1]) - (q[0] - triangle[0][0]) * (p[1] - triangle[0][1])
      );
    }, 0);
  const whole = areaOf(triangle);
  // An upright one has no area on the map.
  return whole === 0 ? inside / 3 : areaOf(polygon) / whole;
}

function mayCross(places: readonly (readonly number[])[], [west, south, east, north]: Bounds): boolean {
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  const slack = 0.001;
  return (
    Math.max(...lons) > west - slack &&
    Math.min(...lons) < east + slack &&
    Math.max(...lats) > south - slack &&
    Math.min(...lats) < north + slack
  );
}

/** Those of a level that touch a box. */
export function tilesOf(z: number, [west, south, east, north]: Bounds): [number, number, number][] {
  const side = 180 / 2 ** z;
  const tiles: [number, number, number][] = [];
  for (let x = Math.floor((west + 180) / side); x * side - 180 < east; x++) {
    for (let y = Math.floor((south + 90) / side); y * side - 90 < north; y++) tiles.push([z, x, y]);
  }
  return tiles;
}
