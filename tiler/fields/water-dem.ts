/**
 * Water masks derived from the heights themselves: posts that lie exactly at sea level of their source, in flats of at least
 * seven by seven posts. Worked on posts twice as dense as a mesh's, which is as dense as the samples that a level is read
 * from; between posts the mask is linear, so the coast runs midway between the last wet and the first dry one.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import { egm96, type Geoid, undulationsAt } from '../geo/geoid.ts';
import { placesOfPosts } from '../geo/places.ts';
import { type HeightGrid, Origin, postsOfTile } from '../geo/post-grid.ts';
import { MASK_SIDE } from './polygon-cover.ts';
import { openTerrainField, type TerrainField } from './terrain-field.ts';
import { MASK_PIXELS, WATER_RULES, type WaterPixels, type WaterSource } from './water-source.ts';

const CELLS = MASK_SIDE / 2;
/** A flat is made of blocks of posts that reach so far from their middle. */
const REACH = 3;
/** Posts round the tile that say whether its border posts lie in a flat. */
const HALO = 2 * REACH;
/** Metres: heights pass through single precision. */
const SLACK = 0.001;
/** Metres above sea level: a filled post below it may be sea, brought off its level at the edge of the data. */
const JOIN_HEIGHT = 30;

const BEYOND_DATA: readonly number[] = [Origin.outside, Origin.base, Origin.blended];

/** Beyond the data it knows nothing, or, where no other source does, what lies below them. Refuses with `usage` when no source counts its heights from a sea level. */
export function openDemWater(field: TerrainField): WaterSource {
  const geoids = [...new Set(field.members.map(({ datum }) => datum.sourceGeoid))].filter((one) => one !== undefined);
  if (geoids.length === 0) {
    throw new RelievoError(
      'usage',
      '--water dem looks for ground at sea level, but these heights are above the ellipsoid, where the sea has no one height; name another source, such as natural-earth.',
    );
  }
  const levels: readonly Geoid[] = [...new Set([...geoids, egm96()])];
  const ground = field.base && openTerrainField([{ field: field.base }], { floor: field.floor });
  return {
    statement: {
      kind: 'dem',
      name: 'elevation data',
      because: 'Derived from the elevation data: flat ground exactly at sea level counts as water.',
    },
    version: createHash('sha256').update(`dem ${WATER_RULES}`).digest('hex').slice(0, 32),
    rasters: [],
    async pixelsOf(scheme, id, { signal, last }) {
      const posts = postsOfTile(scheme, id, HALO, CELLS);
      const grid = await field.read(posts, { signal });
      const wet = atSeaLevel(grid, levels);
      const known = grid.origin.map((origin, i) => {
        if (BEYOND_DATA.includes(origin)) return 0;
        const low = grid.heights[i] - grid.undulation[i] < JOIN_HEIGHT;
        return origin === Origin.filled && wet[i] === 0 && low ? 0 : 1;
      });
      if (!last) {
        // What lies beyond the data must not make the flats at their edge too small.
        known.forEach((one, i) => {
          if (one === 0) wet[i] = 1;
        });
        return { water: interpolate(keepFlats(wet)), weight: interpolate(known) };
      }
      if (known.includes(0)) {
        // In the join of data to what lies below them the sea is off its level by what both differ: what lies below knows.
        const below = ground ? atSeaLevel(await ground.read(posts, { signal }), levels) : undefined;
        known.forEach((one, i) => {
          if (one === 0) wet[i] = below?.[i] ?? (field.floor === 'sea-level' ? 1 : 0);
        });
      }
      return { water: interpolate(keepFlats(wet)), weight: 255 };
    },
    close: async () => {},
  };
}

function atSeaLevel({ posts, heights }: HeightGrid, geoids: readonly Geoid[]): Uint8Array {
  const places = placesOfPosts(posts);
  const out = new Uint8Array(heights.length);
  for (const geoid of geoids) {
    const sea = undulationsAt(geoid, places);
    for (let i = 0; i < out.length; i++) if (Math.abs(heights[i] - sea[i]) <= SLACK) out[i] = 1;
  }
  return out;
}

const SIDE = CELLS + 1 + 2 * HALO;

/** 1 for posts of some block that is all 1; posts at the rim of the halo are not judged. */
function keepFlats(wet: Uint8Array): Uint8Array {
  const whole = (2 * REACH + 1) ** 2;
  const middles = countInBlocks(wet).map((count) => (count === whole ? 1 : 0));
  return countInBlocks(middles).map((count) => (count > 0 ? 1 : 0));
}

/** How many posts of the block round each post are 1. */
function countInBlocks(marks: Uint8Array): Uint8Array {
  return sumAlong(sumAlong(marks, 1), SIDE);
}

/** Sums of each post and those up to REACH before and after it, `step` being the way from one to the next. */
function sumAlong(values: Uint8Array, step: 1 | typeof SIDE): Uint8Array {
  const out = new Uint8Array(values.length);
  const across = step === 1 ? SIDE : 1;
  for (let line = 0; line < SIDE; line++) {
    const at = (k: number) => line * across + k * step;
    let sum = 0;
    for (let k = -REACH; k < SIDE; k++) {
      if (k + REACH < SIDE) sum += values[at(k + REACH)];
      if (k - REACH > 0) sum -= values[at(k - REACH - 1)];
      if (k >= 0) out[at(k)] = sum;
    }
  }
  return out;
}

/** 0 and 1 at posts to 0..255 at the centres of pixels, two for each cell: a quarter of a cell beside its posts. */
function interpolate(marks: Uint8Array): WaterPixels['water'] {
  const out = new Uint8Array(MASK_PIXELS);
  let [least, most] = [255, 0];
  for (let row = 0; row < MASK_SIDE; row++) {
    const fy = row % 2 === 0 ? 0.25 : 0.75;
    for (let column = 0; column < MASK_SIDE; column++) {
      const fx = column % 2 === 0 ? 0.25 : 0.75;
      const p = (HALO + (row >> 1)) * SIDE + HALO + (column >> 1);
      const north = marks[p] * (1 - fx) + marks[p + 1] * fx;
      const south = marks[p + SIDE] * (1 - fx) + marks[p + SIDE + 1] * fx;
      const value = Math.round(255 * (north * (1 - fy) + south * fy));
      out[row * MASK_SIDE + column] = value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  return least === most ? least : out;
}
