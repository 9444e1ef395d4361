/**
 * The land of the world that comes with the package: Natural Earth 1:10m (public domain) as TopoJSON from the package
 * world-atlas, degrees on WGS84, on a grid of 0.0036 x 0.0017 degrees. Lakes are land in it, the Caspian is not. Its rings
 * are those of a sphere: they cross the date line without a cut, and Antarctica's goes round the pole.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { RelievoError } from '../error.ts';
import { RingCollector, type RingSet } from './ring-set.ts';

const NAME = 'world-atlas/land-10m.json';

/** Absolute path. Refuses with `input-missing`. */
export function naturalEarthPath(): string {
  try {
    return createRequire(import.meta.url).resolve(NAME);
  } catch (cause) {
    throw new RelievoError(
      'input-missing',
      `The coasts of the world that come with Relievo are missing (${NAME}): install the package again, or name a file of polygons instead of natural-earth.`,
      { where: NAME, cause },
    );
  }
}

interface Topology {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] };
  /** Steps on the grid, the first from its corner. */
  readonly arcs: readonly (readonly (readonly [number, number])[])[];
  readonly objects: { readonly land: { readonly geometries: readonly Geometry[] } };
}

interface Geometry {
  readonly type: string;
  /** Of a MultiPolygon: polygons, rings, arcs; the arc ~i is arc i backwards. */
  readonly arcs: readonly (readonly (readonly number[])[])[];
}

/** `bytes` of the file at `naturalEarthPath`. */
export function decodeNaturalEarth(bytes: Uint8Array): RingSet {
  const { transform, arcs, objects } = JSON.parse(new TextDecoder().decode(bytes)) as Topology;
  const [scaleX, scaleY] = transform.scale;
  const [west, south] = transform.translate;
  const placed = arcs.map((arc) => {
    const points = new Float64Array(2 * arc.length);
    let [x, y] = [0, 0];
    arc.forEach(([dx, dy], i) => {
      x += dx;
      y += dy;
      points[2 * i] = x * scaleX + west;
      points[2 * i + 1] = y * scaleY + south;
    });
    return points;
  });
  const rings = new RingCollector();
  for (const { arcs: polygons } of objects.land.geometries) {
    for (const polygon of polygons) {
      rings.beginPolygon();
      let middle: number | undefined;
      for (const ring of polygon) middle = addRing(joinArcs(ring, placed), middle, rings);
    }
  }
  return rings.finish();
}

/** Longitude and latitude in turn; each arc without its last position, which the next one begins with. */
function joinArcs(ring: readonly number[], placed: readonly Float64Array[]): number[] {
  const out: number[] = [];
  for (const index of ring) {
    const points = placed[index < 0 ? ~index : index];
    const count = points.length / 2;
    for (let i = 0; i < count - 1; i++) {
      const at = 2 * (index < 0 ? count - 1 - i : i);
      out.push(points[at], points[at + 1]);
    }
  }
  return out;
}

/**
 * Lays a ring out flat: longitudes go on beyond 180 where it crosses the date line, and one that goes round the Earth is
 * closed over the South Pole. Holes are laid round the middle of the outside, which is returned.
 */
function addRing(points: number[], middle: number | undefined, into: RingCollector): number {
  let [turn, west, east] = [0, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const before = i > 0 ? points[i - 2] : points[0];
    turn -= 360 * Math.round((points[i] + turn - before) / 360);
    points[i] += turn;
    [west, east] = [Math.min(west, points[i]), Math.max(east, points[i])];
  }
  const here = (west + east) / 2;
  const shift = middle === undefined ? 0 : 360 * Math.round((middle - here) / 360);
  for (let i = 0; i < points.length; i += 2) into.add(points[i] + shift, points[i + 1]);
  const around = 360 * Math.round(((points.at(-2) ?? 0) - points[0]) / 360);
  if (around !== 0) {
    into.add(points[0] + shift + around, points[1]);
    into.add(points[0] + shift + around, -90);
    into.add(points[0] + shift, -90);
  }
  into.endRing();
  return middle ?? here;
}

export async function readNaturalEarth(): Promise<Uint8Array> {
  return readFile(naturalEarthPath());
}
