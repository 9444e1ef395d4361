/**
 * Polygons of a GeoJSON text or object (RFC 7946: degrees, WGS84, edges straight in longitude and latitude). Across the date
 * line they are cut there, as the RFC asks, or go on beyond 180 degrees.
 */
import { readFile, stat } from 'node:fs/promises';
import { RelievoError } from '../error.ts';
import type { LonLatPolygons } from './mosaic.ts';

type Ring = readonly (readonly [lon: number, lat: number])[];

const MAX_BYTES = 2 ** 26;
/** Collections within collections. */
const MAX_DEPTH = 8;
const MAX_LONGITUDE = 540;

/** What one feature of a GeoJSON text says, or a geometry that stands alone. */
export interface PolygonFeature {
  readonly polygons: LonLatPolygons;
  /** Unchecked; empty where there are none. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Refuses with `input-missing` or `input-invalid` what is no file of polygons. */
export async function readPolygonFile(path: string): Promise<LonLatPolygons> {
  return (await readPolygonFeatures(path)).flatMap(({ polygons }) => polygons);
}

/** The same, feature by feature; one without a polygon is left out. */
export async function readPolygonFeatures(path: string): Promise<readonly PolygonFeature[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RelievoError('input-missing', `Cannot open ${path}, a GeoJSON file of polygons; check the name.`, {
      where: path,
      cause,
    });
  });
  if (!found.isFile() || found.size > MAX_BYTES) {
    const what = found.isFile() ? `has ${found.size} bytes, at most ${MAX_BYTES} are read` : 'is no file';
    throw new RelievoError('input-invalid', `${path} ${what}; expected a GeoJSON file of polygons.`, { where: path });
  }
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RelievoError(
      'input-invalid',
      `${path} is no GeoJSON (${(cause as Error).message.slice(0, 120)}); expected polygons in longitude and latitude.`,
      { where: path, cause },
    );
  }
  return featuresOf(value, path);
}

/** Polygons of a GeoJSON object: a geometry, a feature or a collection. `where` begins the sentence of a refusal. */
export function readPolygons(value: unknown, where: string): LonLatPolygons {
  return featuresOf(value, where).flatMap(({ polygons }) => polygons);
}

function featuresOf(value: unknown, where: string): PolygonFeature[] {
  const found: { polygons: Ring[][]; properties: PolygonFeature['properties'] }[] = [];
  const [type, members] = [
    (value as { type?: unknown } | null)?.type,
    (value as { features?: unknown } | null)?.features,
  ];
  if (type === 'FeatureCollection') refuseOtherCrs(value as object, where);
  for (const one of type === 'FeatureCollection' ? list(members, where, 'features') : [value]) {
    const { properties } = (one ?? {}) as { properties?: unknown };
    const polygons: Ring[][] = [];
    collect(one, where, polygons, 0);
    const known = typeof properties === 'object' && properties !== null;
    if (polygons.length > 0)
      found.push({ polygons, properties: known ? (properties as PolygonFeature['properties']) : {} });
  }
  if (found.length === 0) throw invalid(where, 'holds no polygon');
  return found;
}

function collect(value: unknown, where: string, into: Ring[][], depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(where, `has collections nested more than ${MAX_DEPTH} deep`);
  if (typeof value !== 'object' || value === null) throw invalid(where, 'holds something that is no GeoJSON object');
  const { type, features, geometry, geometries, coordinates } = value as Readonly<Record<string, unknown>>;
  refuseOtherCrs(value, where);
  switch (type) {
    case 'FeatureCollection':
      for (const one of list(features, where, 'features')) collect(one, where, into, depth + 1);
      return;
    case 'Feature':
      if (geometry !== null) collect(geometry, where, into, depth + 1);
      return;
    case 'GeometryCollection':
      for (const one of list(geometries, where, 'geometries')) collect(one, where, into, depth + 1);
      return;
    case 'Polygon':
      into.push(readRings(coordinates, where));
      return;
    case 'MultiPolygon':
      for (const one of list(coordinates, where, 'coordinates')) into.push(readRings(one, where));
      return;
    default:
      throw invalid(where, `holds a ${typeof type === 'string' ? type.slice(0, 40) : 'thing without a type'}`);
  }
}

/** GeoJSON of 2008 could name another system; to take its metres for degrees would clip all away. */
function refuseOtherCrs(value: object, where: string): void {
  const name = JSON.stringify((value as { crs?: unknown }).crs) ?? '';
  if (name === '' || name === 'null' || /CRS84|EPSG:{1,2}(4326|4979)\b/i.test(name)) return;
  throw invalid(where, `names the coordinate system ${name.slice(0, 80)}; reproject it with ogr2ogr -t_srs EPSG:4326`);
}

function readRings(value: unknown, where: string): Ring[] {
  const rings = list(value, where, 'a polygon').map((ring) => readRing(ring, where));
  if (rings.length === 0) throw invalid(where, 'holds a polygon without rings');
  return rings;
}

function readRing(value: unknown, where: string): Ring {
  const ring = list(value, where, 'a ring').map((position): readonly [number, number] => {
    const [lon, lat] = list(position, where, 'a position');
    if (typeof lon === 'number' && Math.abs(lon) <= MAX_LONGITUDE && typeof lat === 'number' && Math.abs(lat) <= 90) {
      return [lon, lat];
    }
    const text = JSON.stringify(position) ?? 'nothing';
    throw invalid(where, `has the position ${text.slice(0, 60)}, which is no longitude and latitude in degrees`);
  });
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || last === undefined || ring.length < 3) {
    throw invalid(where, `has a ring of ${ring.length} positions; a ring has four or more`);
  }
  if (first[0] !== last[0] || first[1] !== last[1]) ring.push(first);
  ring.forEach(([lon, lat], i) => {
    const step = Math.abs(lon - (ring[i - 1]?.[0] ?? lon));
    // Which way round the Earth it goes nobody can tell; once round it all is plain.
    if (step <= 180 || Math.abs(step - 360) < 1e-6) return;
    throw invalid(
      where,
      `has an edge of ${step} degrees of longitude that ends at ${lon}, ${lat}: cut the polygon at the date line, write longitudes beyond 180, or add a position in between`,
    );
  });
  return ring;
}

function list(value: unknown, where: string, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(where, `has ${what} that is no list`);
}

function invalid(where: string, what: string): RelievoError {
  return new RelievoError(
    'input-invalid',
    `${where} ${what}; expected GeoJSON of Polygon or MultiPolygon in longitude and latitude.`,
    { where },
  );
}
