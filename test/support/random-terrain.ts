/**
 * Terrains from a seed, made to be hard on a mesh, and the tiles round one corner of a level over them: what property
 * tests of tiles are made of.
 */
import type { Affine } from '../../tiler/geo/affine.ts';
import { metresPerDegreeNorth } from '../../tiler/geo/ellipsoid.ts';
import { TILE_CELLS } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId, type TilingScheme, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

export const KINDS = [
  'waves',
  'noise',
  'plateaus',
  'spikes',
  'one spike',
  'voids',
  'spikes beside voids',
  'ties',
  'constant',
  'cliffs',
  'checkerboard',
  'ramp',
  'ridges',
] as const;

export interface RandomTerrain {
  readonly seed: number;
  readonly kind: (typeof KINDS)[number];
  readonly scheme: TilingScheme;
  /** Of the tiles; the source's own level lies `above` levels deeper. */
  readonly z: number;
  readonly above: number;
  readonly columns: number;
  readonly rows: number;
  readonly affine: Affine;
  /** Degrees between samples. */
  readonly step: number;
  /** Row-major, metres above the ellipsoid, NaN for void. */
  readonly heights: Float32Array;
  /** Widest void that is filled, in samples. */
  readonly maxFill: number;
  /** Of the four round the corner of tiles that lies in the raster: all, or two that share a border. */
  readonly tiles: readonly TileId[];
}

/** Longer than 256 samples where overviews are wanted, and narrow so that a terrain costs little. */
const SIZES = [
  [40, 40],
  [270, 10],
  [10, 270],
  [300, 12],
  [530, 6],
  [5, 550],
  [1040, 4],
] as const;
const LARGE_SIZES = [
  [100, 100],
  [300, 50],
  [50, 300],
  [300, 120],
  [560, 30],
  [24, 600],
  [1060, 16],
] as const;

/** Of heights: in bounds that a client assumes, and metres, at most. */
const MOST_BOUNDS = 60;
const MOST_METRES = 5000;
/** And by the distance of samples: towers on fine data, mountains on coarse. */
const MOST_METRES_BESIDE = 300;
const STEEPEST = 10;
/** Towards the poles triangles of coarse tiles leave the lines in u and v that they are meshed on, by more than the reserve. */
const MOST_LATITUDE = 70;

/** `large`: some ten times as many samples. */
export function randomTerrain(seed: number, large = false): RandomTerrain {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
  const scheme = random() < 0.6 ? geographic : webMercator;
  const [columns, rows] = pick<readonly [number, number]>(large ? LARGE_SIZES : SIZES);
  const above = Math.floor(random() * 6);
  const native = 9 + Math.floor(random() * 8);
  const z = native - above;
  const spacing = 360 / scheme.columns(native) / TILE_CELLS;
  const step = spacing * (random() < 0.3 ? 1 : 1 + 0.99 * random());
  const x = random() < 0.1 ? 0 : Math.floor(random() * scheme.columns(z));
  const y = Math.max(1, scheme.rowAt(z, MOST_LATITUDE * (2 * random() - 1)));
  const corner = { lon: scheme.extent.west + (x * 360) / scheme.columns(z), lat: scheme.rowEdge(z, y) };
  const [column, row] = [columns, rows].map((size) => {
    const at = size * (0.15 + 0.7 * random());
    return random() < 0.4 ? Math.floor(at) : random() < 0.3 ? Math.floor(at) + 0.5 : at;
  });
  const affine = { a: step, b: 0, c: corner.lon - column * step, d: 0, e: -step, f: corner.lat + row * step };
  const kind = KINDS[seed % KINDS.length];
  const bound = scheme.maxGeometricError(z);
  const shape = shapeOf(kind, random, bound, { columns, rows, column: Math.round(column), row: Math.round(row) });
  const heights = new Float32Array(columns * rows);
  const base = random() < 0.5 ? 0 : 3000 * random();
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) heights[r * columns + c] = shape(c, r);
  const known = heights.filter((height) => !Number.isNaN(height));
  const range = known.reduce((most, height) => Math.max(most, Math.abs(height)), 0);
  const most = Math.min(MOST_METRES, MOST_METRES_BESIDE + STEEPEST * step * metresPerDegreeNorth(corner.lat));
  const scale = Math.min(1, most / range);
  for (let k = 0; k < heights.length; k++) heights[k] = base + heights[k] * scale;
  const across = scheme.columns(z);
  const [west, east] = [(x + across - 1) % across, x];
  const round = [
    { z, x: west, y: y - 1 },
    { z, x: east, y: y - 1 },
    { z, x: west, y },
    { z, x: east, y },
  ];
  // A border is enough for most.
  const tiles = large || random() < 0.1 ? round : [round[0], pick([round[1], round[2]])];
  const maxFill = pick([4, 8, 16]);
  return { seed, kind, scheme, z, above, columns, rows, affine, step, heights, maxFill, tiles };
}

/** `column` and `row`: the sample nearest to the corner. */
interface Raster {
  readonly columns: number;
  readonly rows: number;
  readonly column: number;
  readonly row: number;
}

function shapeOf(
  kind: RandomTerrain['kind'],
  random: () => number,
  bound: number,
  { columns, rows, column, row }: Raster,
): (c: number, r: number) => number {
  const size = bound * MOST_BOUNDS ** random();
  const waves = Array.from({ length: 5 }, () => ({
    fx: random() ** 2 * 1.5,
    fy: random() ** 2 * 1.5,
    phase: random() * 7,
    height: size * random() ** 2,
  }));
  const wave = (c: number, r: number) =>
    waves.reduce((sum, { fx, fy, phase, height }) => sum + height * Math.sin(c * fx + r * fy + phase), 0);
  const noise = Array.from({ length: 4096 }, () => random());
  const roll = (c: number, r: number) => noise[(c * 613 + r * 1021 + ((c * r) % 97)) % 4096];
  const rare = 0.002 + 0.05 * random();
  switch (kind) {
    case 'waves':
      return wave;
    case 'noise':
      return (c, r) => size * (roll(c, r) - 0.5);
    case 'plateaus':
      return (c, r) => Math.round(wave(c, r) / (4 * bound)) * 4 * bound;
    case 'spikes':
      return (c, r) => wave(c, r) / 20 + (roll(c, r) < rare ? size * Math.sign(roll(r, c) - 0.3) : 0);
    case 'one spike': {
      const [dc, dr] = [random() < 0.7 ? 0 : 1, random() < 0.7 ? 0 : Math.round(random() * 9)];
      return (c, r) => (c === column + dc && r === row + dr ? size : 0);
    }
    case 'voids':
      return (c, r) => (roll(c >> 2, r >> 1) < 4 * rare ? Number.NaN : wave(c, r));
    case 'spikes beside voids':
      return (c, r) => {
        if (roll(c, r) < 2 * rare) return Number.NaN;
        return roll(c + 1, r) < 2 * rare ? size : wave(c, r) / 20;
      };
    case 'ties':
      return (c, r) => ((c * 7 + r * 13) % 11 === 0 ? size : 0);
    case 'constant':
      return () => 123.5;
    case 'cliffs': {
      const width = 3 + Math.floor(random() * 20);
      const tilt = Math.floor(random() * 3);
      return (c, r) => ((c + tilt * r) % (2 * width) < width ? 0 : size);
    }
    case 'checkerboard': {
      const width = 1 + Math.floor(random() * 6);
      return (c, r) => ((Math.floor(c / width) + Math.floor(r / width)) % 2 === 0 ? 0 : size);
    }
    case 'ramp': {
      const [sx, sy] = [random() - 0.5, random() - 0.5];
      return (c, r) => (size * (sx * c + sy * r)) / 10;
    }
    case 'ridges':
      return (c, r) => size * Math.abs(((c + 2 * r + columns) % 16) / 16 - 0.5) + (r > rows / 2 ? wave(c, r) / 8 : 0);
  }
}
