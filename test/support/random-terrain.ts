/**
 * Terrains from a seed, made to be hard on a mesh, and the tiles round one corner of a level over them: what property
 * tests of tiles are made of.
 */
import { metresPerDegreeNorth } from '../../tiler/geo/ellipsoid.ts';
import { TILE_CELLS } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId, type TilingScheme, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import {
  chooseLatitude,
  choosePlacement,
  type Placed,
  type Placement,
  placeRaster,
  placeRoundWorld,
} from './random-placement.ts';

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

/** Heights on a grid of their own. */
export interface RandomRaster extends Placed {
  readonly columns: number;
  readonly rows: number;
  /** Row-major, metres above the ellipsoid, NaN for void. */
  readonly heights: Float32Array;
}

export interface RandomTerrain {
  readonly seed: number;
  readonly kind: (typeof KINDS)[number];
  readonly placement: Placement;
  readonly scheme: TilingScheme;
  /** Of the tiles; the source's own level lies about `above` levels deeper. */
  readonly z: number;
  readonly above: number;
  /** The one on top first. */
  readonly rasters: readonly RandomRaster[];
  /** Widest void that is filled, in samples. */
  readonly maxFill: number;
  /** Of the four round the corner of tiles that lies in the raster: all, or two that share a border. */
  readonly tiles: readonly TileId[];
}

/** Most are small. Longer than 256 samples where overviews are wanted, and narrow so that a terrain costs little. */
const SMALL = [24, 24] as const;
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
const LONG = 0.07;
const WORLD_COLUMNS = [72, 128, 200] as const;

/** Of heights: in bounds that a client assumes, and metres, at most. */
const MOST_BOUNDS = 60;
const MOST_METRES = 5000;
/** And by the distance of samples: towers on fine data, mountains on coarse. */
const MOST_METRES_BESIDE = 300;
const STEEPEST = 10;
const MOST_LATITUDE = { geographic: 89, 'web-mercator': 84 } as const;

/** `large`: some ten times as many samples. */
export async function randomTerrain(seed: number, large = false): Promise<RandomTerrain> {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
  const kind = KINDS[seed % KINDS.length];
  const placement = choosePlacement(random);
  const isWorld = placement === 'world';
  const scheme = random() < 0.6 ? geographic : webMercator;
  const long = large || (random() < LONG && placement !== 'mosaic');
  const [columns, rows] = isWorld
    ? worldSize(pick(WORLD_COLUMNS))
    : long
      ? pick<Size>(large ? LARGE_SIZES : SIZES)
      : SMALL;
  const above = isWorld ? 0 : Math.floor(random() * (long ? 6 : 3));
  const native = isWorld ? 1 + Math.floor(random() * 6) : 9 + Math.floor(random() * 8);
  const z = native - above;
  const step = (360 / scheme.columns(native) / TILE_CELLS) * (random() < 0.3 ? 1 : 1 + 0.99 * random());
  const x = isWorld || random() < 0.1 ? 0 : Math.floor(random() * scheme.columns(z));
  const lat = chooseLatitude(placement, MOST_LATITUDE[scheme.id], random);
  const y = Math.min(scheme.rows(z) - 1, Math.max(1, scheme.rowAt(z, lat)));
  const corner = { lon: scheme.extent.west + (x * 360) / scheme.columns(z), lat: scheme.rowEdge(z, y) };
  const [column, row] = [columns, rows].map((size) => {
    const at = size * (0.15 + 0.7 * random());
    return random() < 0.4 ? Math.floor(at) : random() < 0.3 ? Math.floor(at) + 0.5 : at;
  });
  const placed = isWorld
    ? placeRoundWorld(columns)
    : await placeRaster(placement, { ...corner, column, row }, step, random);
  const bound = scheme.maxGeometricError(z);
  const most = Math.min(MOST_METRES, MOST_METRES_BESIDE + STEEPEST * step * metresPerDegreeNorth(corner.lat));
  const base = random() < 0.5 ? 0 : 3000 * random();
  const heightsOf = (raster: Raster) => {
    const shape = shapeOf(kind, random, bound, raster);
    const heights = Float32Array.from({ length: raster.columns * raster.rows }, (_, k) =>
      shape(k % raster.columns, Math.floor(k / raster.columns)),
    );
    const range = heights.reduce((far, height) => (Number.isNaN(height) ? far : Math.max(far, Math.abs(height))), 0);
    const scale = Math.min(1, most / range);
    return heights.map((height) => base + height * scale);
  };
  const at = { column: Math.round(column), row: Math.round(row) };
  const rasters = [{ ...placed, columns, rows, heights: heightsOf({ columns, rows, ...at }) }];
  if (placement === 'mosaic') {
    const wide = 2 * columns;
    const below = { ...corner, column: wide * (0.2 + 0.6 * random()), row: wide * (0.2 + 0.6 * random()) };
    const lower = await placeRaster(pick(['parallel', 'UTM']), below, step * pick([1, 1.7, 3]), random);
    rasters.push({ ...lower, columns: wide, rows: wide, heights: heightsOf({ columns: wide, rows: wide, ...at }) });
  }
  const across = scheme.columns(z);
  const [west, east] = [(x + across - 1) % across, x];
  const round = [
    { z, x: west, y: y - 1 },
    { z, x: east, y: y - 1 },
    { z, x: west, y },
    { z, x: east, y },
  ].filter((tile, k, all) => all.findIndex((other) => other.x === tile.x && other.y === tile.y) === k);
  // A border is enough for most.
  const tiles = large || random() < 0.1 ? round : [round[0], pick(round.slice(1, 3))];
  const maxFill = pick([4, 8, 16]);
  return { seed, kind, placement, scheme, z, above, rasters, maxFill, tiles };
}

type Size = readonly [columns: number, rows: number];

function worldSize(columns: number): Size {
  return [columns, columns / 2];
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
