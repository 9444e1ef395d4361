/**
 * An area of the globe inside rings of longitude and latitude (even-odd, so holes are outside): whether a place lies in it,
 * how far it is from its outline, and places along that. Edges are straight in longitude and latitude. An answer hangs on the
 * place alone, to the last bit, whoever asks.
 */
import { metresPerDegreeEast, metresPerDegreeNorth } from './ellipsoid.ts';
import type { LonLatBox } from './tiling-scheme.ts';

export type LonLatRing = readonly (readonly [lon: number, lat: number])[];

export interface LonLatArea {
  /** `east` may lie beyond 180, `west` below -180. */
  readonly box: LonLatBox;
  /** Metres of its outline, holes included. */
  readonly outlineMetres: number;
  /** Metres from a place to the area: 0 inside, Infinity from `within` on. */
  distance(lon: number, lat: number, within: number): number;
  /** `count` places at equal steps along the outline; one list for each ring. */
  alongOutline(count: number): readonly { readonly lons: Float64Array; readonly lats: Float64Array }[];
}

/** Edges, or nodes of the tree over them, in one node. */
const FAN = 8;

/** Rings are closed. Those of several polygons may be one area, such as the two halves of one that is cut at the date line. */
export function openLonLatArea(rings: readonly LonLatRing[]): LonLatArea {
  const { ends, seam, firsts } = edgesOf(rings);
  const count = seam.length;
  const tree = treeOf(ends);
  const top = tree.length - 1;
  const [west, south, east, north] = tree[top];
  const lengths = Float64Array.from(seam, (isSeam, i) => (isSeam ? 0 : lengthOf(ends.subarray(4 * i, 4 * i + 4))));
  const outlineMetres = lengths.reduce((sum, length) => sum + length, 0);
  const holdsPole = { north: touchesPole(ends, 90), south: touchesPole(ends, -90) };
  return { box: { west, south, east, north }, outlineMetres, distance, alongOutline };

  function distance(lon: number, lat: number, within: number): number {
    // All longitudes of a pole are one place.
    if (lat === 90 && holdsPole.north) return 0;
    if (lat === -90 && holdsPole.south) return 0;
    const perEast = metresPerDegreeEast(lat);
    const perNorth = metresPerDegreeNorth(lat);
    const reach = perEast > 0 ? Math.min(180, within / perEast) : 180;
    const most = within * within;
    let least = most;
    const last = Math.floor((east + reach - lon) / 360);
    for (let turn = Math.ceil((west - reach - lon) / 360); turn <= last; turn++) {
      const x = lon + 360 * turn;
      if (isInside(x, lat)) return 0;
      least = nearest(x, lat, perEast, perNorth, least);
    }
    return least < most ? Math.sqrt(least) : Number.POSITIVE_INFINITY;
  }

  /** By the edges that cross the parallel further east. */
  function isInside(x: number, y: number): boolean {
    let odd = false;
    const visit = (level: number, index: number) => {
      const at = 4 * index;
      const boxes = tree[level];
      if (boxes[at + 2] <= x || boxes[at + 1] > y || boxes[at + 3] <= y) return;
      if (level > 0) {
        forEachBelow(level, index, visit);
        return;
      }
      for (let i = FAN * index; i < Math.min(count, FAN * (index + 1)); i++) {
        const [y0, y1] = [ends[4 * i + 1], ends[4 * i + 3]];
        if (y0 <= y === y1 <= y) continue;
        const [x0, x1] = [ends[4 * i], ends[4 * i + 2]];
        if (x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) > x) odd = !odd;
      }
    };
    visit(top, 0);
    return odd;
  }

  /** Square metres to the nearest edge, at most `most`. */
  function nearest(x: number, y: number, perEast: number, perNorth: number, most: number): number {
    let least = most;
    const visit = (level: number, index: number) => {
      const at = 4 * index;
      const boxes = tree[level];
      const dx = Math.max(0, boxes[at] - x, x - boxes[at + 2]) * perEast;
      const dy = Math.max(0, boxes[at + 1] - y, y - boxes[at + 3]) * perNorth;
      if (dx * dx + dy * dy >= least) return;
      if (level > 0) {
        forEachBelow(level, index, visit);
        return;
      }
      for (let i = FAN * index; i < Math.min(count, FAN * (index + 1)); i++) {
        if (seam[i]) continue;
        const ax = (ends[4 * i] - x) * perEast;
        const ay = (ends[4 * i + 1] - y) * perNorth;
        const bx = (ends[4 * i + 2] - x) * perEast - ax;
        const by = (ends[4 * i + 3] - y) * perNorth - ay;
        const length = bx * bx + by * by;
        const t = length > 0 ? Math.min(1, Math.max(0, -(ax * bx + ay * by) / length)) : 0;
        const [px, py] = [ax + t * bx, ay + t * by];
        least = Math.min(least, px * px + py * py);
      }
    };
    visit(top, 0);
    return least;
  }

  function forEachBelow(level: number, index: number, visit: (level: number, index: number) => void): void {
    const nodes = tree[level - 1].length / 4;
    for (let i = FAN * index; i < Math.min(nodes, FAN * (index + 1)); i++) visit(level - 1, i);
  }

  function alongOutline(places: number) {
    const step = outlineMetres / places;
    let walked = 0;
    let next = 0;
    return firsts.map((first, ring) => {
      const [lons, lats]: [number[], number[]] = [[], []];
      for (let i = first; i < (firsts[ring + 1] ?? count); i++) {
        for (; next < places && (next + 0.5) * step < walked + lengths[i]; next++) {
          const t = ((next + 0.5) * step - walked) / lengths[i];
          lons.push(within180(ends[4 * i] + t * (ends[4 * i + 2] - ends[4 * i])));
          lats.push(ends[4 * i + 1] + t * (ends[4 * i + 3] - ends[4 * i + 1]));
        }
        walked += lengths[i];
      }
      return { lons: Float64Array.from(lons), lats: Float64Array.from(lats) };
    });
  }
}

/** x0, y0, x1, y1 of each edge; whether it is only where the map is cut; and the first edge of each ring. */
function edgesOf(rings: readonly LonLatRing[]): { ends: Float64Array; seam: Uint8Array; firsts: number[] } {
  const joined = joinOverDateLine(rings);
  const edges: (readonly [number, number, number, number])[] = [];
  const firsts: number[] = [];
  for (const ring of joined.rings) {
    firsts.push(edges.length);
    for (let i = 1; i < ring.length; i++) edges.push([...ring[i - 1], ...ring[i]]);
  }
  const seam = edges.map(([x0, y0, x1, y1]) =>
    (x0 === x1 && joined.seams.includes(x0)) || (Math.abs(y0) === 90 && y0 === y1) ? 1 : 0,
  );
  return { ends: Float64Array.from(edges.flat()), seam: Uint8Array.from(seam), firsts };
}

/**
 * Where rings run along the date line on both sides of it, that is no outline: the eastern ones move round the Earth to lie
 * beside the western ones, unless the area goes round it.
 */
function joinOverDateLine(rings: readonly LonLatRing[]): { rings: readonly LonLatRing[]; seams: readonly number[] } {
  const runsAlong = (ring: LonLatRing, meridian: number) =>
    ring.some(([lon], i) => i > 0 && lon === meridian && ring[i - 1][0] === meridian);
  const [before, after] = [180, -180].map((meridian) => rings.some((ring) => runsAlong(ring, meridian)));
  if (!before || !after) return { rings, seams: [] };
  if (rings.some((ring) => runsAlong(ring, 180) && runsAlong(ring, -180))) return { rings, seams: [180, -180] };
  // What lies nearer to -180 belongs to the part that moves.
  const moved = rings.map((ring) =>
    ring.every(([lon]) => lon <= 0) ? ring.map(([lon, lat]): [number, number] => [lon + 360, lat]) : ring,
  );
  return { rings: moved, seams: [180] };
}

/** West, south, east, north of groups of edges, of groups of these, and so on up to one. */
function treeOf(ends: Float64Array): readonly Float64Array[] {
  const levels: Float64Array[] = [];
  let below: Float64Array = Float64Array.from({ length: ends.length }, (_, i) => {
    const [k, axis] = [i - (i % 4), i % 2];
    return i % 4 < 2 ? Math.min(ends[k + axis], ends[k + 2 + axis]) : Math.max(ends[k + axis], ends[k + 2 + axis]);
  });
  do {
    below = unite(below);
    levels.push(below);
  } while (below.length > 4);
  return levels;
}

function unite(boxes: Float64Array): Float64Array {
  const count = Math.ceil(boxes.length / 4 / FAN);
  const out = new Float64Array(4 * count);
  for (let k = 0; k < count; k++) {
    const group = boxes.subarray(4 * FAN * k, 4 * FAN * (k + 1));
    out.set([Infinity, Infinity, -Infinity, -Infinity], 4 * k);
    for (let i = 0; i < group.length; i++) {
      const at = 4 * k + (i % 4);
      out[at] = i % 4 < 2 ? Math.min(out[at], group[i]) : Math.max(out[at], group[i]);
    }
  }
  return out;
}

function lengthOf([x0, y0, x1, y1]: Float64Array): number {
  const middle = (y0 + y1) / 2;
  return Math.hypot((x1 - x0) * metresPerDegreeEast(middle), (y1 - y0) * metresPerDegreeNorth(middle));
}

function touchesPole(ends: Float64Array, lat: number): boolean {
  for (let i = 0; i < ends.length; i += 4) if (ends[i + 1] === lat && ends[i + 3] === lat) return true;
  return false;
}

function within180(lon: number): number {
  const turned = lon - 360 * Math.floor((lon + 180) / 360);
  return turned >= 180 ? -180 : turned;
}
