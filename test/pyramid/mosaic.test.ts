/**
 * Mosaics of real data, by their mosaic files: the source on top stands as it is, no join is steeper than its feather, and
 * every height can be explained.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Origin, type PostGrid } from '../../tiler/geo/post-grid.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { countTiles } from '../../tiler/pyramid/plan.ts';
import { openTerrainMaker, type TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

interface Source {
  readonly path: string;
  readonly [key: string]: unknown;
}

async function openMosaic(sources: readonly Source[], options: object = {}): Promise<TerrainMaker> {
  const folder = temporaryFolder();
  const path = join(folder, 'mosaic.yaml');
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ version: 1, sources }));
  return openMaker([path], options);
}

async function openMaker(sources: readonly string[], options: object = {}): Promise<TerrainMaker> {
  const maker = await openTerrainMaker({ sources, options: tileOptionsSchema.parse(options) });
  onTestFinished(() => maker.close());
  return maker;
}

/** Posts of a level in a box of degrees. */
function postsIn(z: number, [west, south, east, north]: readonly [number, number, number, number]): PostGrid {
  const spacing = 180 / 2 ** z / 64;
  const [x0, y0] = [Math.floor((west + 180) / spacing), Math.floor((90 - north) / spacing)];
  const columns = Math.ceil((east + 180) / spacing) - x0 + 1;
  const rows = Math.ceil((90 - south) / spacing) - y0 + 1;
  return { scheme: geographic, z, x0, y0, columns, rows, perTile: 64 };
}

interface Joined {
  /** By how much the steepest join is over the steps of the sources themselves, metres from post to post. */
  readonly excess: number;
  /** Greatest difference of heights on top and below where one becomes the other. */
  readonly gap: number;
  /** Posts that are those of the source on top to the last bit. */
  readonly kept: number;
  /** Posts of the source on top that are not. */
  readonly lost: number;
  /** Posts that are neither on top nor as below. */
  readonly joined: number;
}

/** The joint surface held against the source on top and against what lies below it, each by itself. */
async function judgeJoin(both: TerrainMaker, top: TerrainMaker, below: TerrainMaker, posts: PostGrid): Promise<Joined> {
  const [all, upper, lower] = await Promise.all([both, top, below].map((maker) => maker.field.read(posts)));
  if (!all || !upper || !lower) throw new Error('three fields were read');
  const { columns } = posts;
  const isUpper = (at: number) => upper.origin[at] === Origin.measured;
  let [excess, gap, kept, lost, joined] = [0, 0, 0, 0, 0];
  for (let at = 0; at < all.heights.length; at++) {
    const height = all.heights[at] ?? 0;
    if (isUpper(at)) height === upper.heights[at] ? kept++ : lost++;
    else if (height !== lower.heights[at]) joined++;
    for (const next of [(at + 1) % columns === 0 ? at : at + 1, at + columns]) {
      const other = all.heights[next];
      if (other === undefined) continue;
      const stepOf = (grid: typeof all) => Math.abs((grid.heights[next] ?? 0) - (grid.heights[at] ?? 0));
      const own = Math.max(isUpper(at) && isUpper(next) ? stepOf(upper) : 0, stepOf(lower));
      excess = Math.max(excess, Math.abs(other - height) - own);
      if (isUpper(at) !== isUpper(next)) {
        gap = Math.max(gap, Math.abs((upper.heights[isUpper(at) ? at : next] ?? 0) - (lower.heights[at] ?? 0)));
      }
    }
  }
  return { excess, gap, kept, lost, joined };
}

describeWithData(
  'SRTM of Swellendam over ETOPO5',
  ['imagery/swellendam_srtm_4326_float32.tif', 'derived/etopo5_global_lon0-360_int16.tif'],
  (srtm, etopo) => {
    // A frame of zeros runs round the file; its own no-data value is never used.
    const upper = { path: srtm, nodata: 0, verticalDatum: 'egm96' };
    const lower = { path: etopo, verticalDatum: 'egm96' };

    it('stands as it is and runs out without a step', async () => {
      const mosaic = await openMosaic([upper, lower]);
      const [top, below] = [await openMosaic([upper], { outside: 'sea-level' }), await openMosaic([lower])];
      const feather = mosaic.field.featherMetres(0);
      expect(feather).toBeGreaterThan(10_000);
      const posts = postsIn(12, [20.55, -34.6, 21.05, -34.05]);
      const found = await judgeJoin(mosaic, top, below, posts);
      expect(found.lost).toBe(0);
      expect(found.kept).toBeGreaterThan(10_000);
      expect(found.gap).toBeGreaterThan(100);
      // Near the data detail is carried on over 32 samples (2.9 km); the rest over the feather.
      const spacing = 76;
      expect(found.excess).toBeLessThan(3 * ((300 * spacing) / 1450 + (found.gap * spacing) / feather));
    });

    it('plans the coarse source to its own level only, and explains each height by both', async () => {
      const mosaic = await openMosaic([upper, lower]);
      expect(mosaic.members.map(({ lastLevel }) => lastLevel)).toEqual([12, 6]);
      const plan = mosaic.plan();
      expect(plan).toHaveLength(13);
      expect(plan[6]).toEqual([{ z: 6, x0: 0, y0: 0, x1: 127, y1: 63 }]);
      expect(plan[12]?.every(({ x0, x1 }) => x0 >= 4540 && x1 <= 4580)).toBe(true);
      const inside = await mosaic.field.sampleAt(20.5, -34);
      expect(inside.contributors.map(({ field, share }) => [field.info.name, share])).toEqual([
        ['swellendam_srtm_4326_float32.tif', 1],
      ]);
      const beside = await mosaic.field.sampleAt(20.4, -33.73);
      expect(beside.contributors.map(({ field }) => field.info.name)).toEqual([
        'swellendam_srtm_4326_float32.tif',
        'etopo5_global_lon0-360_int16.tif',
      ]);
      expect(Math.abs(beside.contributors[0]?.difference ?? 0)).toBeGreaterThan(1);
    });
  },
);

describeWithData(
  'on the relief of the world that comes with Relievo',
  ['hgt/N20W156.hgt.zip', 'hgt/N20W157.hgt.zip'],
  (...maui) => {
    it('Maui stands as it is, with its neighbours round it and the sea at sea level', async () => {
      const [mosaic, top] = [await openMaker(maui), await openMaker(maui, { outside: 'sea-level' })];
      const posts = postsIn(12, [-157.3, 20.5, -156.7, 21.4]);
      const [all, alone] = await Promise.all([mosaic.field.read(posts), top.field.read(posts)]);
      let base = 0;
      for (let at = 0; at < all.heights.length; at++) {
        if (alone.origin[at] === Origin.measured) expect(all.heights[at]).toBe(alone.heights[at]);
        else if (all.origin[at] === Origin.base) base++;
      }
      expect(base).toBeGreaterThan(1000);
      // Molokai lies beyond the sheets, beyond the northern edge.
      const molokai = await mosaic.field.sampleAt(-157.1, 21.17);
      expect(molokai.height - molokai.undulation).toBeGreaterThan(20);
      const sea = await mosaic.field.sampleAt(-158, 19.5);
      expect(sea.height).toBeCloseTo(sea.undulation, 3);
    });

    it('a plateau of 1600 m slopes down to it over the feather', async () => {
      const folder = temporaryFolder();
      const grid = join(folder, 'plateau.asc');
      const rows = Array.from({ length: 300 }, () => Array(300).fill(1600).join(' ')).join('\n');
      const header = 'ncols 300\nnrows 300\nxllcorner 12.5\nyllcorner 52.1\ncellsize 0.001\nNODATA_value -9999\n';
      writeFileSync(grid, `${header}${rows}\n`);
      const options = { sourceCrs: 'EPSG:4326', verticalDatum: 'egm96' };
      const mosaic = await openMaker([grid], options);
      const feather = mosaic.field.featherMetres(0);
      expect(feather).toBeGreaterThan(3000);
      const posts = postsIn(11, [12.2, 51.9, 13.1, 52.7]);
      const { heights, undulation, origin } = await mosaic.field.read(posts);
      const spacing = (180 / 2 ** 11 / 64) * 111_300;
      let steepest = 0;
      for (let at = 0; at < heights.length; at++) {
        if (origin[at] === Origin.measured) expect((heights[at] ?? 0) - (undulation[at] ?? 0)).toBeCloseTo(1600, 2);
        for (const next of [(at + 1) % posts.columns === 0 ? at : at + 1, at + posts.columns]) {
          steepest = Math.max(steepest, Math.abs((heights[next] ?? heights[at] ?? 0) - (heights[at] ?? 0)));
        }
      }
      // Brandenburg lies at about 40 m.
      expect(steepest).toBeLessThan((2.5 * 1560 * spacing) / feather);
      expect(steepest).toBeGreaterThan((1560 * spacing) / feather / 2);
      const far = await mosaic.field.sampleAt(14, 52.2);
      expect(far.origin).toBe(Origin.base);
      expect(far.height - far.undulation).toBeLessThan(150);
    });
  },
);

describeWithData(
  'three coordinate systems in one',
  ['geotiff/swiss_lv95_float32_cog.tif', 'derived/etopo5_global_lon0-360_int16.tif'],
  (swiss, etopo) => {
    it('joins Swiss, UTM and geographic sources, each with its own datum', async () => {
      const folder = temporaryFolder();
      const utm = join(folder, 'utm.tif');
      const warp = ['-q', '-t_srs', 'EPSG:32632', '-te', '330000', '5070000', '380000', '5110000', '-tr', '400', '400'];
      execFileSync('gdalwarp', [...warp, '-r', 'cubicspline', '-ot', 'Float32', '-s_srs', 'EPSG:4326', etopo, utm]);
      // Real relief stands above the geoid in one, above the ellipsoid in another.
      const sources = [
        { path: swiss, verticalDatum: 'egm96', name: 'Val Ferret' },
        { path: utm, verticalDatum: 'ellipsoid', feather: 3000 },
        { path: etopo, verticalDatum: 'egm96' },
      ] as const;
      const mosaic = await openMosaic(sources);
      expect(mosaic.members.map(({ field }) => field.crs.name)).toEqual([
        'EPSG:2056',
        expect.stringContaining('32632'),
        expect.stringContaining('4326'),
      ]);
      const [swissAlone, below] = [
        await openMosaic([sources[0]], { outside: 'sea-level' }),
        await openMosaic(sources.slice(1)),
      ];
      const posts = postsIn(15, [7.06, 45.9, 7.14, 45.945]);
      const found = await judgeJoin(mosaic, swissAlone, below, posts);
      expect(found.lost).toBe(0);
      expect(found.kept).toBeGreaterThan(5000);
      expect(found.joined).toBeGreaterThan(5000);
      const feather = mosaic.field.featherMetres(0);
      // Its own slopes reach 50 degrees, and go on for the first samples beyond its edge.
      expect(found.excess).toBeLessThan(12 + (3 * found.gap * 9.6) / feather);
      const named = new Set<string>();
      for (const [lon, lat] of [
        [7.098, 45.922],
        [7.09, 45.922],
        [7.11, 45.92],
        [6.9, 45.8],
        [8.2, 45.9],
      ] as const) {
        const { contributors, floorShare } = await mosaic.field.sampleAt(lon, lat);
        expect(contributors.reduce((sum, { share }) => sum + share, floorShare)).toBeCloseTo(1, 6);
        for (const { field } of contributors) named.add(field.info.name);
      }
      expect(named).toEqual(new Set(['Val Ferret', 'utm.tif', 'etopo5_global_lon0-360_int16.tif']));
    });
  },
);

it('closes every file that it opened, those that were prepared too', async () => {
  const cacheFolder = temporaryFolder();
  const open = () => readdirSync('/proc/self/fd').length;
  const make = () => openTerrainMaker({ sources: MAUI_SHEETS, options: tileOptionsSchema.parse({}), cacheFolder });
  const first = await make();
  await first.prepare();
  await first.close();
  const before = open();
  for (let round = 0; round < 3; round++) {
    const maker = await make();
    await maker.makeTile({ z: 6, x: 8, y: 24 });
    await maker.close();
  }
  expect(open()).toBeLessThanOrEqual(before);
});

it('plans nothing between two clip polygons far apart', async () => {
  const folder = temporaryFolder();
  const grid = join(folder, 'wide.asc');
  const rows = Array.from({ length: 300 }, () => Array(600).fill(100).join(' ')).join('\n');
  writeFileSync(grid, `ncols 600\nnrows 300\nxllcorner 0\nyllcorner 0\ncellsize 0.05\n${rows}\n`);
  const squareAt = (lon: number, lat: number) => [
    [
      [lon, lat],
      [lon + 0.4, lat],
      [lon + 0.4, lat + 0.4],
      [lon, lat + 0.4],
      [lon, lat],
    ],
  ];
  const clipped = (coordinates: number[][][][]) =>
    openMosaic([{ path: grid, crs: 'EPSG:4326', verticalDatum: 'egm96', clip: { type: 'MultiPolygon', coordinates } }]);
  const tilesOf = async (coordinates: number[][][][]) => countTiles((await clipped(coordinates)).plan().at(-1) ?? []);
  const [one, other] = [squareAt(1, 1), squareAt(28, 13)];
  expect(await tilesOf([one, other])).toBe((await tilesOf([one])) + (await tilesOf([other])));
});
