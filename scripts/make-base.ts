/**
 * Makes the bundled base relief from ETOPO5, and is run by hand: the sea flat at 0, lakes at their water level instead of
 * their floor, and the land moved to where it is (`moveLand`). Whole metres on a grid of 5 arc-minutes whose samples lie on
 * the degree lines; data/SOURCES.md tells the rules in words. The same source gives the same heights; the packed bytes hang
 * on the version of zlib as well.
 *
 *   node scripts/make-base.ts <etopo5.tif> [--out data/base/relief-5min.tif]
 */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openSource } from '../tiler/sources/open-source.ts';
import { writeTiledTiff } from './tiled-tiff.ts';

export const PER_DEGREE = 12;
export const COLUMNS = 360 * PER_DEGREE;
export const ROWS = 180 * PER_DEGREE + 1;

/** Degrees, edges inclusive. */
export type Box = readonly [west: number, south: number, east: number, north: number];

/** Land below the sea. Closed basins that reach into one of these boxes keep their heights. */
export const DEPRESSIONS: readonly { readonly name: string; readonly box: Box }[] = [
  { name: 'Caspian depression', box: [46, 36, 56, 50] },
  { name: 'Jordan rift with the Dead Sea', box: [35, 30.5, 36, 33.3] },
  { name: 'Qattara, Siwa, Wadi Natrun', box: [25, 28.5, 31, 30.7] },
  { name: 'sabkhas of eastern Libya', box: [19.5, 29.5, 22, 30.7] },
  { name: 'chotts of Algeria and Tunisia', box: [5, 33.3, 9, 34.7] },
  { name: 'Danakil', box: [39.5, 11.3, 42, 15] },
  { name: 'Lake Eyre and Lake Frome', box: [136, -31.5, 141, -27.5] },
  { name: 'Death Valley', box: [-117.3, 35.8, -116.5, 36.9] },
  { name: 'Salton trough', box: [-116.5, 32.5, -115, 34] },
  { name: 'Lake Enriquillo', box: [-72.2, 18.3, -71.3, 18.7] },
];

/**
 * Lakes of which ETOPO5 has the floor (at least in part), with the height of their water in metres: what lies lower and is
 * connected with `seed` inside the box is filled. The last is no lake but a fault of the source, a pit of 1000 m in hills.
 */
export const LAKES: readonly {
  readonly name: string;
  readonly level: number;
  readonly seed: readonly [lon: number, lat: number];
  readonly box: Box;
}[] = [
  { name: 'Superior', level: 183, seed: [-87.5, 47.5], box: [-92.25, 46.5, -84.25, 49] },
  { name: 'Michigan', level: 176, seed: [-87, 43.5], box: [-88.25, 41.5, -84.75, 46.25] },
  { name: 'Huron', level: 176, seed: [-82.25, 45], box: [-84.75, 43, -79.5, 46.5] },
  { name: 'Erie', level: 174, seed: [-81.5, 42.25], box: [-83.5, 41.25, -78.75, 43] },
  { name: 'Ontario', level: 74, seed: [-77.75, 43.5], box: [-80, 43, -76, 44.25] },
  { name: 'Great Bear Lake', level: 156, seed: [-121, 66], box: [-125, 64.75, -117, 67] },
  { name: 'Great Slave Lake', level: 156, seed: [-114, 61.5], box: [-117.25, 60.75, -108.75, 63] },
  { name: 'Ladoga', level: 5, seed: [31.5, 60.75], box: [29.75, 59.75, 33, 62] },
  { name: 'Onega', level: 33, seed: [35.5, 61.75], box: [34.25, 60.75, 36.5, 63] },
  { name: 'Iliamna', level: 15, seed: [-154.75, 59.5], box: [-156, 59.25, -153.5, 60] },
  { name: 'Towuti', level: 318, seed: [121.5, -2.75], box: [121, -3, 121.75, -2.25] },
  { name: 'Caspian Sea', level: -28, seed: [51, 39], box: [46, 36, 56, 50] },
  { name: 'Dead Sea', level: -430, seed: [35.4, 31.75], box: [35, 30.5, 36, 33.25] },
  { name: 'Salton Sea', level: -71, seed: [-115.9, 33.3], box: [-116.5, 32.5, -115.25, 34] },
  { name: 'pit in the hills of Laos', level: 320, seed: [101.75, 18.75], box: [101.5, 18.5, 102, 18.75] },
];

/** The deep Atlantic. */
const OCEAN_SEED = [-30, 0] as const;

export interface Base {
  /** Row-major from 90 N, 180 W. */
  readonly heights: Int16Array;
  /** Square kilometres of what was filled, by the name of the lake. */
  readonly filled: ReadonlyMap<string, number>;
  /** Samples of ocean, of closed basins that were set to 0, and of depressions. */
  readonly counts: { readonly ocean: number; readonly closed: number; readonly kept: number };
}

/** The base from heights and depths that begin at 90 N, 180 W; these are left as they are. */
export function flattenSea(relief: Int16Array): Base {
  const heights = relief.slice();
  const seen = new Uint8Array(relief.length);
  const isLow = (i: number) => (relief[i] ?? 0) <= 0;
  const ocean = collect(indexOf(OCEAN_SEED), isLow, seen);
  for (const i of ocean) heights[i] = 0;
  const counts = { ocean: ocean.length, closed: 0, kept: 0 };
  for (let i = 0; i < relief.length; i++) {
    if (seen[i] || !isLow(i)) continue;
    const basin = collect(i, isLow, seen);
    const kept = basin.some((each) => DEPRESSIONS.some(({ box }) => isInside(each, box)));
    counts[kept ? 'kept' : 'closed'] += basin.length;
    if (!kept) for (const each of basin) heights[each] = 0;
  }
  const filled = new Map<string, number>();
  for (const { name, level, seed, box } of LAKES) {
    const isLake = (i: number) => (relief[i] ?? 0) <= level && isInside(i, box);
    const lake = collect(indexOf(seed), isLake, new Uint8Array(relief.length));
    if (lake.length === 0) throw new Error(`${name}: the place from which it is filled lies above ${level} m`);
    for (const i of lake) heights[i] = level;
    filled.set(
      name,
      lake.reduce((sum, i) => sum + areaOf(i), 0),
    );
  }
  return { heights, filled, counts };
}

/**
 * Heights with the land moved by one and a half columns to the east and half a row to the south. In ETOPO5 it stands that far
 * off: against ETOPO1 and SRTM the errors of Europe and North America halve, and those of every other continent fall. A
 * sample becomes the mean of the four that lie there (`flattenSea` has made all water 0); the sea stays where it is, but for
 * samples that get land from three of the four. Each pole keeps its one height.
 */
export function moveLand(flat: Int16Array): Int16Array {
  const moved = flat.slice();
  for (let i = COLUMNS; i < flat.length - COLUMNS; i++) {
    const start = i - (i % COLUMNS);
    const [one, two] = [1, 2].map((columns) => start + ((i - start - columns + COLUMNS) % COLUMNS));
    let sum = 0;
    let count = 0;
    for (const from of [one ?? 0, two ?? 0]) {
      for (const height of [flat[from] ?? 0, flat[from - COLUMNS] ?? 0]) {
        sum += height;
        if (height !== 0) count++;
      }
    }
    if (count >= 3 || (count > 0 && flat[i] !== 0)) moved[i] = Math.round(sum / count);
  }
  return moved;
}

/** All that is connected with `start` over the four sides of samples, round the world, and `belongs`. */
function collect(start: number, belongs: (i: number) => boolean, seen: Uint8Array): number[] {
  const found = belongs(start) ? [start] : [];
  seen[start] = 1;
  for (let next = 0; next < found.length; next++) {
    const i = found[next] ?? 0;
    const column = i % COLUMNS;
    const east = column === COLUMNS - 1 ? i - column : i + 1;
    const west = column === 0 ? i + COLUMNS - 1 : i - 1;
    for (const other of [east, west, i - COLUMNS, i + COLUMNS]) {
      if (other < 0 || other >= seen.length || seen[other] || !belongs(other)) continue;
      seen[other] = 1;
      found.push(other);
    }
  }
  return found;
}

/** Of the nearest sample. */
export function indexOf([lon, lat]: readonly [lon: number, lat: number]): number {
  const column = Math.round((lon + 180) * PER_DEGREE) % COLUMNS;
  return Math.round((90 - lat) * PER_DEGREE) * COLUMNS + column;
}

export function isInside(i: number, [west, south, east, north]: Box): boolean {
  const lon = (i % COLUMNS) / PER_DEGREE - 180;
  const lat = 90 - Math.floor(i / COLUMNS) / PER_DEGREE;
  return lon >= west && lon <= east && lat >= south && lat <= north;
}

/** Square kilometres, on a sphere. */
function areaOf(i: number): number {
  const side = (6371 * Math.PI) / 180 / PER_DEGREE;
  return side * side * Math.cos(((90 - Math.floor(i / COLUMNS) / PER_DEGREE) * Math.PI) / 180);
}

/** ETOPO5's heights and depths, turned to begin at 180 W. Refuses a raster of another shape. */
export async function readRelief(path: string): Promise<Int16Array> {
  const source = await openSource([path], { hash: false });
  try {
    const { affine, levels } = source.info;
    const [{ columns, rows } = { columns: 0, rows: 0 }] = levels;
    const isGrid = Math.abs(affine.a - 1 / PER_DEGREE) < 1e-9 && Math.abs(affine.f - 90) < 1e-6;
    if (columns !== COLUMNS || rows !== ROWS || !isGrid) {
      throw new Error(
        `${path} has ${columns} x ${rows} samples; expected ETOPO5, ${COLUMNS} x ${ROWS} from pole to pole`,
      );
    }
    const first = Math.round((-180 - affine.c) * PER_DEGREE);
    const relief = new Int16Array(COLUMNS * ROWS);
    for (let row = 0; row < ROWS; row++) {
      relief.set(await source.read(0, { column: first, row, columns: COLUMNS, rows: 1 }), row * COLUMNS);
    }
    return relief;
  } finally {
    await source.close();
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', default: join(import.meta.dirname, '../data/base/relief-5min.tif') } },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error('name the file that holds ETOPO5: node scripts/make-base.ts <etopo5.tif>');
  const { heights: flat, filled, counts } = flattenSea(await readRelief(path));
  const bytes = writeTiledTiff({
    columns: COLUMNS,
    rows: ROWS,
    heights: moveLand(flat),
    west: -180,
    north: 90,
    perDegree: PER_DEGREE,
    description:
      'ETOPO5 (NOAA NGDC, 1988, public domain): sea at 0, lakes at their level, land moved; by scripts/make-base.ts',
  });
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(`${values.out}.new`, bytes);
  renameSync(`${values.out}.new`, values.out);
  for (const [name, area] of filled) process.stdout.write(`${name}: ${area.toFixed(0)} km2\n`);
  process.stdout.write(
    `${counts.ocean} samples of ocean, ${counts.closed} of closed basins at 0, ${counts.kept} below it\n`,
  );
  process.stdout.write(
    `${values.out}: ${bytes.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}\n`,
  );
}

if (import.meta.main) await main();
