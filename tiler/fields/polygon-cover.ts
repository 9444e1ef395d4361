/**
 * How much of each of 256 x 256 pixels of a box lies inside polygons, with edges straight in longitude and latitude. Rows of
 * pixels are cut into four lines; along a line the part inside is exact. Even-odd within a polygon (holes, islands in them),
 * polygons together. Edges are found by bands of latitude; of what lies west of the box only the parity counts.
 */
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { RingCollector, type RingSet } from '../sources/ring-set.ts';
import { CrossingList } from './crossing-list.ts';

/** Pixels along the side of a mask. */
export const MASK_SIDE = 256;
/** Lines in a row of pixels. */
const LINES = 4;
const ROWS = MASK_SIDE * LINES;

export interface PolygonCover {
  /**
   * 0 outside to 255 inside, row-major from the north-west, rows linear in latitude; one number where that holds for all
   * of the box, which lies within -180..180.
   */
  coverOf(box: LonLatBox): Uint8Array | 0 | 255;
}

/** From line `line` of a box on, counted from the north, its west side lies on the other side of the polygon. */
interface Turn {
  readonly line: number;
  readonly polygon: number;
}

/** Keeps the arrays of `rings`, which must not change. */
export function openPolygonCover(rings: RingSet): PolygonCover {
  const { lons, lats, ringEnds, ringPolygons, polygons } = withTurns(rings);
  const bands = sortIntoBands(lats, ringEnds);
  const polygonAt = new Uint32Array(lons.length);
  ringEnds.forEach((end, ring) => {
    polygonAt.fill(ringPolygons[ring], ring === 0 ? 0 : ringEnds[ring - 1], end);
  });
  const parity = new Uint8Array(polygons);
  /** Polygons whose parity is odd. */
  let inside = 0;
  const flip = (polygon: number) => {
    parity[polygon] ^= 1;
    inside += parity[polygon] === 1 ? 1 : -1;
  };
  return { coverOf };

  function coverOf(box: LonLatBox): Uint8Array | 0 | 255 {
    const step = (box.north - box.south) / ROWS;
    const crossings = new CrossingList(ROWS);
    const turns = gatherEdges(box, step, crossings);
    parity.fill(0);
    inside = 0;
    enterFromWest(box, step);
    if (crossings.count === 0 && turns.length === 0) return inside > 0 ? 255 : 0;
    return fill(box, crossings, turns);
  }

  /** Lists where edges cross the lines inside the box. */
  function gatherEdges({ west, east, south, north }: LonLatBox, step: number, crossings: CrossingList): Turn[] {
    const turns: Turn[] = [];
    const northmost = bands.of(north);
    bands.visit(south, north, (i, band) => {
      const [x0, y0, x1, y1] = [lons[i], lats[i], lons[i + 1], lats[i + 1]];
      // It stands in every band that it meets and counts in the northernmost of those that are visited.
      if (band !== Math.max(northmost, bands.of(Math.max(y0, y1)))) return;
      if ((x0 < west && x1 < west) || (x0 >= east && x1 >= east)) return;
      const first = Math.max(0, lineBelow(Math.max(y0, y1), north, step));
      const end = Math.min(ROWS, lineBelow(Math.min(y0, y1), north, step));
      const northEndInside = (y0 > y1 ? x0 : x1) >= west;
      let turn = end;
      for (let line = first; line < end; line++) {
        const x = crossingAt(i, north - (line + 0.5) * step);
        if (x >= west) crossings.add(line, x, polygonAt[i]);
        if (turn === end && x >= west !== northEndInside) turn = line;
      }
      if (x0 >= west !== x1 >= west && turn > 0 && turn < ROWS) turns.push({ line: turn, polygon: polygonAt[i] });
    });
    return turns.sort((a, b) => a.line - b.line);
  }

  /** The parity of each polygon where the northernmost line meets the west side. */
  function enterFromWest({ west, north }: LonLatBox, step: number): void {
    const lat = north - 0.5 * step;
    // Rounding may put an edge that ends at the line into the next band.
    const room = step / 1024;
    const northmost = bands.of(lat + room);
    bands.visit(lat - room, lat + room, (i, band) => {
      const [y0, y1] = [lats[i], lats[i + 1]];
      if (band !== Math.max(northmost, bands.of(Math.max(y0, y1)))) return;
      if (lineBelow(Math.max(y0, y1), north, step) > 0 || lineBelow(Math.min(y0, y1), north, step) <= 0) return;
      if (crossingAt(i, lat) < west) flip(polygonAt[i]);
    });
  }

  /** Longitude at which an edge crosses a latitude: never beyond its ends, and never back and forth along it. */
  function crossingAt(i: number, lat: number): number {
    const [x0, y0, x1, y1] = [lons[i], lats[i], lons[i + 1], lats[i + 1]];
    const x = x0 + (lat - y0) * ((x1 - x0) / (y1 - y0));
    return Math.min(Math.max(x0, x1), Math.max(Math.min(x0, x1), x));
  }

  function fill({ west, east }: LonLatBox, crossings: CrossingList, turns: readonly Turn[]): Uint8Array {
    const scale = MASK_SIDE / (east - west);
    const out = new Uint8Array(MASK_SIDE * MASK_SIDE);
    const row = new RowSum();
    crossings.sort();
    let next = 0;
    for (let line = 0; line < ROWS; line++) {
      for (; next < turns.length && turns[next].line <= line; next++) flip(turns[next].polygon);
      let start = 0;
      crossings.visit(line, (x, polygon) => {
        const at = Math.min(MASK_SIDE, (x - west) * scale);
        if (inside > 0) row.add(start, at);
        start = at;
        flip(polygon);
      });
      if (inside > 0) row.add(start, MASK_SIDE);
      // Beyond the east side every ring closes; back at the west side nothing has changed.
      crossings.visit(line, (_, polygon) => flip(polygon));
      if (line % LINES === LINES - 1) row.take(out, ((line - LINES + 1) / LINES) * MASK_SIDE);
    }
    return out;
  }
}

/** The lines of a box, counted from the north, that lie at a latitude or north of it. Lines of an edge run from that of its
 * north end to that of its south end, exclusive: so edges that meet share no line and leave none out. */
function lineBelow(lat: number, north: number, step: number): number {
  return Math.floor((north - lat) / step + 0.5);
}

/** What of each pixel of a row is covered, summed over its lines. */
class RowSum {
  /** Of pixels covered in part. */
  readonly #parts = new Float64Array(MASK_SIDE + 1);
  /** Where runs of whole pixels begin (1) and end (-1). */
  readonly #runs = new Int32Array(MASK_SIDE + 1);

  /** From and to, in pixels. */
  add(from: number, to: number): void {
    const [first, last] = [Math.floor(from), Math.floor(to)];
    if (first === last) {
      this.#parts[first] += to - from;
      return;
    }
    this.#parts[first] += first + 1 - from;
    this.#parts[last] += to - last;
    this.#runs[first + 1]++;
    this.#runs[last]--;
  }

  /** Writes the row as 0..255 and begins anew. */
  take(out: Uint8Array, at: number): void {
    let whole = 0;
    for (let i = 0; i < MASK_SIDE; i++) {
      whole += this.#runs[i];
      out[at + i] = Math.round((255 * (whole + this.#parts[i])) / LINES);
    }
    this.#parts.fill(0);
    this.#runs.fill(0);
  }
}

const EDGES_PER_BAND = 64;
const MAX_BANDS = 16384;

interface Bands {
  /** The band of a latitude, counted from the north. */
  of(lat: number): number;
  /** The edges of all bands between two latitudes: the index of the first position, and the band. */
  visit(south: number, north: number, edge: (i: number, band: number) => void): void;
}

function sortIntoBands(lats: Float64Array, ringEnds: Uint32Array): Bands {
  const [south, north] = lats.reduce(([least, most], lat) => [Math.min(least, lat), Math.max(most, lat)], [90, -90]);
  const count = Math.min(MAX_BANDS, Math.max(1, Math.ceil(lats.length / EDGES_PER_BAND)));
  const scale = north > south ? count / (north - south) : 0;
  const of = (lat: number) => Math.min(count - 1, Math.max(0, Math.floor((north - lat) * scale)));
  const each = (edge: (i: number, from: number, to: number) => void) => {
    let i = 0;
    for (const end of ringEnds) {
      for (; i < end - 1; i++) {
        const [from, to] = [of(Math.max(lats[i], lats[i + 1])), of(Math.min(lats[i], lats[i + 1]))];
        edge(i, from, to);
      }
      i = end;
    }
  };
  const starts = new Uint32Array(count + 1);
  each((_, from, to) => {
    for (let band = from; band <= to; band++) starts[band + 1]++;
  });
  for (let band = 0; band < count; band++) starts[band + 1] += starts[band];
  const edges = new Uint32Array(starts[count]);
  const used = starts.slice();
  each((i, from, to) => {
    for (let band = from; band <= to; band++) edges[used[band]++] = i;
  });
  return {
    of,
    visit(from, to, edge) {
      if (to < south || from > north) return;
      for (let band = of(to); band <= of(from); band++) {
        for (let k = starts[band]; k < starts[band + 1]; k++) edge(edges[k], band);
      }
    },
  };
}

/** The same within -180..180: polygons that go on beyond are there again a turn away, as polygons of their own. */
function withTurns(rings: RingSet): RingSet {
  const { lons, lats, ringEnds, ringPolygons } = rings;
  if (lons.every((lon) => Math.abs(lon) <= 180)) return rings;
  const out = new RingCollector();
  for (let first = 0; first < ringEnds.length; ) {
    let end = first;
    while (end < ringEnds.length && ringPolygons[end] === ringPolygons[first]) end++;
    const [from, to] = [first === 0 ? 0 : ringEnds[first - 1], ringEnds[end - 1]];
    const around = lons.subarray(from, to);
    const west = around.reduce((a, b) => Math.min(a, b), Infinity);
    const east = around.reduce((a, b) => Math.max(a, b), -Infinity);
    for (const turn of [0, -360, 360, -720, 720]) {
      if (turn !== 0 && (west + turn >= 180 || east + turn <= -180)) continue;
      out.beginPolygon();
      let i = from;
      for (let ring = first; ring < end; ring++) {
        for (; i < ringEnds[ring]; i++) out.add(lons[i] + turn, lats[i]);
        out.endRing();
      }
    }
    first = end;
  }
  return out.finish();
}
