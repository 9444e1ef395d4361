/** Sources laid one over the other: priority, joins without steps, and the same heights whichever tile asks. */
import { describe, expect, it } from 'vitest';
import { openRasterField } from '../../tiler/fields/raster-field.ts';
import { type Floor, type Member, openTerrainField, type TerrainField } from '../../tiler/fields/terrain-field.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import { egm96 } from '../../tiler/geo/geoid.ts';
import { Origin, type PostGrid, postLatitudes, postLongitudes, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { bundledBasePath } from '../../tiler/sources/bundled-base.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openSources } from '../../tiler/sources/open-source.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';

const ELLIPSOIDAL = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;
/** Where everything lies: longitude and latitude of the middle. */
const [LON, LAT] = [9, 47];

/** A raster round the middle: `size` samples a side, `step` metres or degrees apart, in a CRS. */
async function square(crs: string, size: number, step: number, values: MemoryRaster['values']): Promise<MemoryRaster> {
  const { forward } = await resolveCrs(crs);
  const [x, y] = forward([LON, LAT]);
  const half = ((size - 1) / 2) * step;
  const affine = { a: step, b: 0, c: x - half, d: 0, e: -step, f: y + half };
  return { columns: size, rows: size, affine, crs, values, vertical: ELLIPSOIDAL, name: `${crs} ${size} x ${step}` };
}

type Layer = readonly [raster: MemoryRaster, options?: { maxFill?: number; featherMetres?: number | undefined }];

async function stack(layers: readonly Layer[], floor: Floor = 'ellipsoid'): Promise<TerrainField> {
  const members: Member[] = [];
  for (const [raster, { maxFill = 16, featherMetres } = {}] of layers) {
    const field = await openRasterField(withOverviews(memorySource(raster)), geographic, { maxFill });
    members.push({ field, featherMetres });
  }
  return openTerrainField(members, { floor });
}

function tileAt(z: number, lon: number, lat: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

/** Posts of a level round the middle, `reach` each way. */
function postsRound(z: number, reach: number): PostGrid {
  const spacing = 180 / 2 ** z / 64;
  const [i, j] = [Math.round((LON + 180) / spacing), Math.round((90 - LAT) / spacing)];
  const side = 2 * reach + 1;
  return { scheme: geographic, z, x0: i - reach, y0: j - reach, columns: side, rows: side, perTile: 64 };
}

/** Greatest difference between neighbouring posts, east and south. */
function greatestStep(heights: Float32Array, columns: number): number {
  let worst = 0;
  heights.forEach((height, at) => {
    if ((at + 1) % columns !== 0) worst = Math.max(worst, Math.abs((heights[at + 1] ?? height) - height));
    worst = Math.max(worst, Math.abs((heights[at + columns] ?? height) - height));
  });
  return worst;
}

const FINE = 1 / 3600;

describe('two sources that differ by 30 m', () => {
  it('keeps the upper one as it is, and spreads the difference over the feather', async () => {
    const upper = await square('EPSG:4326', 61, FINE, () => 130);
    const lower = await square('EPSG:4326', 601, FINE, () => 100);
    const featherMetres = 600;
    const field = await stack([[upper, { featherMetres }], [lower]]);
    const { heights, origin, posts } = await field.read(postsRound(14, 120));
    const lons = postLongitudes(posts);
    const lats = postLatitudes(posts);
    for (let at = 0; at < heights.length; at++) {
      const column = (lons[at % posts.columns] ?? 0) - LON;
      const row = (lats[Math.floor(at / posts.columns)] ?? 0) - LAT;
      const beyond = Math.max(Math.abs(column), Math.abs(row)) / FINE - 30;
      if (beyond <= 0) {
        expect(heights[at]).toBe(130);
        expect(origin[at]).toBe(Origin.measured);
      } else if (beyond * 30.9 > 2 * featherMetres) expect(heights[at]).toBe(100);
      else expect(heights[at]).toBeGreaterThanOrEqual(100);
    }
    // 30 m over 600 m, with posts 19 m apart, and some room for the shape of the blend.
    expect(greatestStep(heights, posts.columns)).toBeLessThan(30 * (19.1 / 600) * 2.5);
    expect(new Set(origin)).toEqual(new Set([Origin.measured, Origin.blended]));
  });

  it('fills a void of the upper one with the shape of the lower, lifted to the rim', async () => {
    const shape = (column: number, row: number) => 200 + 40 * Math.sin(column / 7) * Math.cos(row / 9);
    const size = 201;
    const isVoid = (column: number, row: number) => Math.hypot(column - 100, row - 100) < 7;
    const upper = await square('EPSG:4326', size, FINE, (c, r) => (isVoid(c, r) ? Number.NaN : shape(c, r) + 30));
    const lower = await square('EPSG:4326', size, FINE, shape);
    const field = await stack([[upper], [lower]]);
    const { heights, origin, posts } = await field.read(postsRound(15, 60));
    const [lons, lats] = [postLongitudes(posts), postLatitudes(posts)];
    const middle = (size - 1) / 2;
    for (let at = 0; at < heights.length; at++) {
      const column = ((lons[at % posts.columns] ?? 0) - LON) / FINE + middle;
      const row = (LAT - (lats[Math.floor(at / posts.columns)] ?? 0)) / FINE + middle;
      // Bilinear samples of a surface that bends by 40/49 m a sample squared.
      expect(Math.abs((heights[at] ?? 0) - shape(column, row) - 30)).toBeLessThan(0.4);
    }
    expect(origin).toContain(Origin.filled);
  });

  it('fills as wide a void as it is told to, in full', async () => {
    const isVoid = (column: number) => column >= 150 && column < 350;
    const plateau = await square('EPSG:4326', 500, FINE, (c) => (isVoid(c) ? Number.NaN : 1000));
    const field = await stack([[plateau, { maxFill: 512 }]]);
    const { heights } = await field.read(postsRound(14, 150));
    for (const height of heights) expect(height).toBeCloseTo(1000, 2);
  });

  it('ends in the same heights where the lower one is the finer', async () => {
    const upper = await square('EPSG:4326', 21, 9 * FINE, (c, r) => 500 + c + r);
    const lower = await square('EPSG:4326', 801, FINE, (c, r) => 480 + 3 * ((c + r) % 5));
    const field = await stack([[upper], [lower]]);
    const { heights, posts } = await field.read(postsRound(14, 250));
    // The lower one's own steps are 12 m and the join must not add a wall to them.
    expect(greatestStep(heights, posts.columns)).toBeLessThan(16);
    const far = await (await stack([[lower]])).read(postsRound(14, 250));
    expect(heights[0]).toBe(far.heights[0]);
    const sample = await field.sampleAt(LON, LAT);
    expect(sample.height).toBeCloseTo(520, 3);
  });
});

describe('one height for one place', () => {
  it('is the same on both sides of 180 degrees and of any border, with the world below', async () => {
    const hole = (c: number, r: number) => Math.sin(c * 0.37) * Math.cos(r * 0.23) > 0.4;
    const columns = 1440;
    const world: MemoryRaster = {
      columns,
      rows: 720,
      affine: { a: 0.25, b: 0, c: -179.875, d: 0, e: -0.25, f: 89.875 },
      periodColumns: columns,
      values: (c, r) => (hole(c, r) || hole(c - columns, r) ? Number.NaN : 300 + 50 * Math.sin(c / 3)),
    };
    const utm: MemoryRaster = {
      columns: 700,
      rows: 700,
      affine: { a: 700, b: 30, c: 500000, d: -20, e: -700, f: -1800000 },
      crs: '+proj=utm +zone=60 +south +datum=WGS84 +units=m',
      values: (c, r) => (hole(c / 9, r / 9) ? Number.NaN : 800 + 20 * Math.sin(c / 9)),
    };
    const [relief] = await openSources([bundledBasePath()], { hash: false });
    if (!relief) throw new Error('the base is a source');
    const base = await openRasterField(withOverviews(relief), geographic, { maxFill: 0, isBase: true });
    let compared = 0;
    for (const [raster, last] of [
      [world, 6],
      [utm, 9],
    ] as const) {
      const field = await openRasterField(withOverviews(memorySource(raster)), geographic, { maxFill: 12 });
      const terrain = openTerrainField([{ field }], { base, floor: 'sea-level' });
      for (let z = 0; z <= last; z += 3) {
        const end = geographic.columns(z);
        const y = tileAt(z, 0, -17.3).y;
        for (const west of [end - 1, tileAt(z, 177.4, 0).x - 1]) {
          if (west < 0) continue;
          const left = await terrain.read(postsOfTile(geographic, { z, x: west, y }, 1));
          const right = await terrain.read(postsOfTile(geographic, { z, x: (west + 1) % end, y }, 1));
          const width = left.posts.columns;
          // The halo of one tile is the second row of posts of the other.
          for (let row = 0; row < left.posts.rows; row++) {
            for (const k of [0, 1, 2]) {
              compared++;
              expect(left.heights[row * width + width - 3 + k], `${z}/${west}/${y} row ${row}`).toBe(
                right.heights[row * width + k],
              );
            }
          }
        }
      }
    }
    await base.close();
    expect(compared).toBeGreaterThan(2000);
  });

  it('does not hang on the tile that asks: random stacks of three CRSs with voids', async () => {
    const random = seededRandom(41);
    for (let round = 0; round < 12; round++) {
      const layers: Layer[] = [];
      const kinds = [
        ['EPSG:4326', FINE * (1 + 2 * random())],
        ['EPSG:32632', 20 + 60 * random()],
        ['EPSG:2056', 20 + 60 * random()],
      ] as const;
      const order = kinds.toSorted(() => random() - 0.5);
      for (const [crs, step] of order) {
        const holes = Array.from({ length: 6 }, () => [100 * random(), 100 * random(), 25 * random()] as const);
        const offset = 200 * random();
        const raster = await square(crs, 60 + Math.floor(60 * random()), step, (c, r) =>
          holes.some(([x, y, size]) => Math.hypot(c - x, r - y) < size)
            ? Number.NaN
            : offset + 30 * Math.sin(c / 8) * Math.cos(r / 5),
        );
        layers.push([
          raster,
          { maxFill: Math.floor(20 * random()), featherMetres: random() < 0.5 ? undefined : 2500 * random() },
        ]);
      }
      const field = await stack(layers, random() < 0.5 ? 'sea-level' : 'ellipsoid');
      const z = 11 + Math.floor(4 * random());
      const whole = postsRound(z, 110);
      const all = await field.read(whole);
      const { x, y } = tileAt(z, LON, LAT);
      for (const tile of [
        { z, x, y },
        { z, x: x - 1, y },
        { z, x, y: y - 1 },
      ]) {
        const part = await field.read(postsOfTile(geographic, tile, 1));
        let compared = 0;
        for (let at = 0; at < part.heights.length; at++) {
          const i = part.posts.x0 + (at % part.posts.columns) - whole.x0;
          const j = part.posts.y0 + Math.floor(at / part.posts.columns) - whole.y0;
          if (i < 0 || j < 0 || i >= whole.columns || j >= whole.rows) continue;
          compared++;
          if (all.heights[j * whole.columns + i] !== part.heights[at]) {
            expect({ round, z, i, j, height: part.heights[at], origin: part.origin[at] }).toEqual({
              round,
              z,
              i,
              j,
              height: all.heights[j * whole.columns + i],
              origin: all.origin[j * whole.columns + i],
            });
          }
        }
        expect(compared).toBeGreaterThan(1000);
      }
      expect(all.heights.every(Number.isFinite)).toBe(true);
    }
  });

  it('is explained by its sources, whose shares add up to 1', async () => {
    const upper = await square('EPSG:32632', 81, 30, (c) => (c > 40 ? Number.NaN : 300));
    const middle = await square('EPSG:2056', 141, 30, (_, r) => (r > 70 ? Number.NaN : 250));
    const lower = await square('EPSG:4326', 301, FINE, () => 200);
    const field = await stack([[upper], [middle], [lower]]);
    const named = new Set<string>();
    for (let i = -40; i <= 40; i++) {
      const sample = await field.sampleAt(LON + i * FINE, LAT - (i * FINE) / 2);
      const shares = sample.contributors.reduce((sum, { share }) => sum + share, sample.floorShare);
      expect(shares).toBeCloseTo(1, 6);
      const height = sample.contributors.reduce((sum, { share, difference, field }) => {
        const own = field.info.name.startsWith('EPSG:32632')
          ? 300
          : field.info.name.startsWith('EPSG:2056')
            ? 250
            : 200;
        return sum + share * own + difference;
      }, 0);
      expect(sample.height).toBeCloseTo(height, 1);
      for (const { field } of sample.contributors) named.add(field.info.name.split(' ')[0] ?? '');
    }
    expect(named).toEqual(new Set(['EPSG:32632', 'EPSG:2056', 'EPSG:4326']));
  });

  it('joins heights above a geoid and above the ellipsoid where they mean the same', async () => {
    const undulation = egm96().at(LON, LAT);
    const above = await square('EPSG:4326', 41, FINE, () => 100);
    const geoid = { ...ELLIPSOIDAL, datum: 'egm96' } as const;
    const lower = await square('EPSG:4326', 201, FINE, () => 100 + undulation);
    const field = await stack([[{ ...above, vertical: geoid }], [lower]]);
    const { heights, posts } = await field.read(postsRound(14, 80));
    // The geoid's own slope is all that is left.
    for (const height of heights) expect(Math.abs(height - 100 - undulation)).toBeLessThan(0.2);
    expect(greatestStep(heights, posts.columns)).toBeLessThan(0.05);
  });
});
