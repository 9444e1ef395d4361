/**
 * Many polygons in few arrays: positions in degrees (longitude, latitude on WGS84), rings one after another, each closed
 * (its last position is its first). What a coast of the whole world fits into, where lists of lists would not.
 */
import type { LonLatPolygons } from './mosaic.ts';

export interface RingSet {
  readonly lons: Float64Array;
  readonly lats: Float64Array;
  /** One past the last position of each ring. */
  readonly ringEnds: Uint32Array;
  /** The polygon of each ring, from 0, not falling: rings of one polygon are its outside and its holes (even-odd). */
  readonly ringPolygons: Uint32Array;
  readonly polygons: number;
}

const FIRST_CAPACITY = 4096;

/** Collects rings; arrays grow by doubling. */
export class RingCollector {
  #lons = new Float64Array(FIRST_CAPACITY);
  #lats = new Float64Array(FIRST_CAPACITY);
  #count = 0;
  #polygons = 0;
  readonly #ends: number[] = [];
  readonly #owners: number[] = [];

  /** The rings that follow belong to a new polygon. */
  beginPolygon(): void {
    this.#polygons++;
  }

  add(lon: number, lat: number): void {
    if (this.#count === this.#lons.length) {
      this.#lons = grown(this.#lons);
      this.#lats = grown(this.#lats);
    }
    this.#lons[this.#count] = lon;
    this.#lats[this.#count++] = lat;
  }

  /** Closes the ring of the positions added since the last one. */
  endRing(): void {
    const start = this.#ends.at(-1) ?? 0;
    if (this.#count === start) return;
    const last = this.#count - 1;
    if (this.#lons[start] !== this.#lons[last] || this.#lats[start] !== this.#lats[last]) {
      this.add(this.#lons[start], this.#lats[start]);
    }
    this.#ends.push(this.#count);
    this.#owners.push(this.#polygons - 1);
  }

  finish(): RingSet {
    return {
      lons: this.#lons.slice(0, this.#count),
      lats: this.#lats.slice(0, this.#count),
      ringEnds: Uint32Array.from(this.#ends),
      ringPolygons: Uint32Array.from(this.#owners),
      polygons: this.#polygons,
    };
  }
}

export function collectPolygons(polygons: LonLatPolygons, into: RingCollector): void {
  for (const rings of polygons) {
    into.beginPolygon();
    for (const ring of rings) {
      for (const [lon, lat] of ring) into.add(lon, lat);
      into.endRing();
    }
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const out = new Float64Array(2 * array.length);
  out.set(array);
  return out;
}
