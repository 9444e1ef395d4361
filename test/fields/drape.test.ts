/** Pictures laid over tiles, against colours worked out at PROJ's coordinates of each texel, and against gdalwarp. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flatten } from '../../tiler/encode/picture.ts';
import { type Canvas, type Drape, emptyCanvas, openDrape } from '../../tiler/fields/drape.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { BlockCache } from '../../tiler/sources/block-cache.ts';
import { openPicture } from '../../tiler/sources/picture.ts';
import { gdalPixels, writeColours } from '../support/colour-raster.ts';
import { gdalProject, HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

const SIZE = 64;
const MAGENTA = [255, 0, 255] as const;

describe.runIf(HAS_GDAL)('a draped picture', () => {
  const columns = 800;
  const rows = 800;
  /** Steep enough for half a pixel to show, and straight, so that means are exact. */
  const rampAt = (column: number, row: number) => [
    240 - Math.abs((column % 160) - 80) * 2.8,
    16 + Math.abs((row % 160) - 80) * 2.8,
    120 + (column - row) / 8,
  ];

  it.each([
    ['UTM', 'EPSG:32632', [399_000, 5_201_000, 405_400, 5_194_600], 8],
    ['web Mercator', 'EPSG:3857', [856_000, 5_880_000, 865_600, 5_870_400], 12],
    ['longitude and latitude', 'EPSG:4326', [7.6, 47, 7.7, 46.9], 0.1 / 800],
  ] as const)('has the colour of the place at every texel: %s', async (_, crs, corners, pixel) => {
    const path = join(temporaryFolder(), 'ramp.tif');
    writeColours(path, { columns, rows, bands: 3, colourAt: (c, r) => rampAt(c, r).map(Math.round) }, [
      ...['-a_srs', crs, '-a_ullr', ...corners.map(String)],
    ]);
    const drape = await open(path);
    const { bounds } = drape;
    const [lon, lat] = [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2];
    // Texels from a third of a pixel to four.
    for (const texel of [0.3, 1, 4]) {
      const z = Math.round(Math.log2(180 / (SIZE - 1) / (texel * drape.spacingDegrees)));
      const id = tileAt(z, lon, lat);
      const canvas = await layOn(drape, id);
      const colours = flatten(canvas, MAGENTA);
      const places = gdalProject(crs, texelPlaces(id));
      let [compared, worst] = [0, 0];
      for (const [k, [x, y]] of places.entries()) {
        const [column, row] = [(x - corners[0]) / pixel - 0.5, (corners[1] - y) / pixel - 0.5];
        // Means bend where the ramp does and at the rim: there nothing is said.
        const bend = Math.min(...[column, row].map((at) => 40 - Math.abs((at % 80) - 40)));
        if (bend < 2 * texel + 4 || Math.min(column, row, columns - column, rows - row) < 8) continue;
        compared++;
        for (const [c, value] of rampAt(column, row).entries()) {
          worst = Math.max(worst, Math.abs(colours[3 * k + c] - value));
        }
      }
      expect(compared).toBeGreaterThan(400);
      // A level for rounding pixels and texels, half of one for each time that pixels are averaged.
      expect(worst).toBeLessThanOrEqual(1.5);
    }
    await drape.source.close();
  });

  it('gives neighbours one side, to the bit', async () => {
    const path = join(temporaryFolder(), 'noise.tif');
    const noise = (column: number, row: number) => [
      (column * 97 + row * 31) % 256,
      (column * row) % 256,
      (row * 57) % 256,
    ];
    writeColours(path, { columns, rows, bands: 3, colourAt: noise }, [
      '-a_srs',
      'EPSG:32632',
      '-a_ullr',
      '399000',
      '5201000',
      '405400',
      '5194600',
    ]);
    const drape = await open(path);
    const { bounds } = drape;
    for (const z of [13, 15, 18]) {
      const id = tileAt(z, (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2);
      const here = flatten(await layOn(drape, id), MAGENTA);
      const east = flatten(await layOn(drape, { ...id, x: id.x + 1 }), MAGENTA);
      const south = flatten(await layOn(drape, { ...id, y: id.y + 1 }), MAGENTA);
      for (let i = 0; i < SIZE; i++) {
        expect(texelOf(east, 0, i)).toEqual(texelOf(here, SIZE - 1, i));
        expect(texelOf(south, i, 0)).toEqual(texelOf(here, i, SIZE - 1));
      }
    }
    await drape.source.close();
  });

  it('has no gap between files that meet, lets the first win, and shows the second through holes', async () => {
    const folder = temporaryFolder();
    const [west, east, below] = ['west.tif', 'east.tif', 'below.tif'].map((name) => join(folder, name));
    const place = (from: number, to: number) => [
      '-a_srs',
      'EPSG:32632',
      '-a_ullr',
      `${from}`,
      '5200000',
      `${to}`,
      '5199000',
    ];
    const plain = (colour: readonly number[]) => ({ columns: 100, rows: 100, bands: 3, colourAt: () => colour });
    writeColours(west, { ...plain([]), bands: 4, colourAt: (_, r) => [200, 0, 0, r < 50 ? 255 : 0] }, [
      ...place(400_000, 401_000),
      '-co',
      'ALPHA=YES',
    ]);
    writeColours(east, plain([0, 200, 0]), place(401_000, 402_000));
    writeColours(below, plain([0, 0, 200]), place(399_000, 403_000));
    const drapes = await Promise.all([west, east, below].map(open));
    const [x, y] = [401_000, 5_199_500];
    const [lon = 0, lat = 0] = lonLatOf('EPSG:32632', x, y);
    const id = tileAt(14, lon, lat);
    const canvas = emptyCanvas(SIZE);
    for (const drape of drapes.slice(0, 2)) await drape.layUnder(canvas, id);
    const places = gdalProject('EPSG:32632', texelPlaces(id));
    const inside = (k: number, west: number, east: number, south: number, north: number) =>
      places[k][0] > west && places[k][0] < east && places[k][1] > south && places[k][1] < north;
    const joint = places.flatMap((_, k) => (inside(k, 400_100, 401_900, 5_199_530, 5_199_970) ? [k] : []));
    expect(joint.length).toBeGreaterThan(100);
    for (const k of joint) expect(canvas.opacity[k]).toBe(1);
    await drapes[2].layUnder(canvas, id);
    const colours = flatten(canvas, MAGENTA);
    for (const k of places.keys()) {
      const colour = [...colours.subarray(3 * k, 3 * k + 3)];
      if (inside(k, 400_040, 400_960, 5_199_540, 5_199_960)) expect(colour).toEqual([200, 0, 0]);
      if (inside(k, 401_040, 401_960, 5_199_040, 5_199_960)) expect(colour).toEqual([0, 200, 0]);
      if (inside(k, 400_040, 400_960, 5_199_040, 5_199_460)) expect(colour).toEqual([0, 0, 200]);
    }
    await Promise.all(drapes.map(({ source }) => source.close()));
  });

  it.each([
    ['longitude and latitude', 'EPSG:4326', [-180, 90, 180, -90]],
    ['longitude from 0', 'EPSG:4326', [0, 90, 360, -90]],
    ['web Mercator', 'EPSG:3857', [-20037508.342789244, 20037508.342789244, 20037508.342789244, -20037508.342789244]],
  ] as const)('goes round the world and over its poles: %s', async (_, crs, corners) => {
    const path = join(temporaryFolder(), 'world.tif');
    const [width, height] = [720, 360];
    const isMercator = crs === 'EPSG:3857';
    const latOf = (row: number) => {
      const share = 1 - (2 * (row + 0.5)) / height;
      return isMercator ? (Math.atan(Math.sinh(Math.PI * share)) * 180) / Math.PI : 90 * share;
    };
    const colourOf = (lon: number, lat: number) => {
      const angle = (lon * Math.PI) / 180;
      return [128 + 100 * Math.cos(angle), 128 + 100 * Math.sin(angle), 128 + lat];
    };
    const colourAt = (column: number, row: number) =>
      colourOf((isMercator ? -180 : corners[0]) + ((column + 0.5) * 360) / width, latOf(row)).map(Math.round);
    writeColours(path, { columns: width, rows: height, bands: 3, colourAt }, [
      '-a_srs',
      crs,
      '-a_ullr',
      ...corners.map(String),
    ]);
    const drape = await open(path);
    const limit = isMercator ? 85 : 90;
    for (const id of [
      { z: 0, x: 0, y: 0 },
      { z: 0, x: 1, y: 0 },
      { z: 2, x: 7, y: 0 },
      { z: 2, x: 0, y: 3 },
      { z: 4, x: 0, y: 7 },
      { z: 4, x: 31, y: 7 },
      { z: 4, x: 16, y: 0 },
    ]) {
      const canvas = await layOn(drape, id);
      const colours = flatten(canvas, MAGENTA);
      let worst = 0;
      for (const [k, [lon, lat]] of texelPlaces(id).entries()) {
        if (Math.abs(lat) > limit) continue;
        const differences = colourOf(lon, lat).map((value, c) => Math.abs(colours[3 * k + c] - value));
        worst = Math.max(worst, ...differences, canvas.opacity[k] === 1 ? 0 : 255);
      }
      expect(worst).toBeLessThanOrEqual(2);
    }
    await drape.source.close();
  });
});

describeWithData('an orthophoto', ['imagery/aukerman_odm_ortho_3857_rgba.tif'], (path) => {
  it.runIf(HAS_GDAL).each([
    [21, 'bilinear', 0.02],
    [19, 'average', 0.02],
    [17, 'average', 1.5],
  ] as const)('is laid as gdalwarp lays it, level %i (%s)', async (z, how, most) => {
    const drape = await open(path);
    const id = tileAt(z, -81.75159, 41.3036);
    const [size, side] = [256, 180 / 2 ** z];
    const canvas = emptyCanvas(size);
    await drape.layUnder(canvas, id);
    const { west, south, east, north } = geographic.box(id);
    const half = side / (size - 1) / 2;
    const box = [west - half, south - half, east + half, north + half].map(String);
    const warped = join(temporaryFolder(), 'warped.tif');
    const sides = ['-ts', String(size), String(size), '-te', ...box];
    execFileSync('gdalwarp', ['-q', '-t_srs', 'OGC:CRS84', ...sides, '-r', how, '-et', '0', path, warped]);
    const expected = gdalPixels(warped);
    const colours = flatten(canvas, MAGENTA);
    let [sum, count] = [0, 0];
    for (let k = 0; k < size * size; k++) {
      if (expected[4 * k + 3] < 255 || canvas.opacity[k] < 1) continue;
      for (let c = 0; c < 3; c++, count++) sum += Math.abs(colours[3 * k + c] - expected[4 * k + c]);
    }
    expect(count).toBeGreaterThan(40_000);
    expect(sum / count).toBeLessThan(most);
    await drape.source.close();
  });
});

async function open(path: string): Promise<Drape> {
  return openDrape(await openPicture(path, { cache: new BlockCache(2 ** 27) }), geographic);
}

async function layOn(drape: Drape, id: TileId): Promise<Canvas> {
  const canvas = emptyCanvas(SIZE);
  expect(await drape.layUnder(canvas, id)).toBe(true);
  return canvas;
}

function tileAt(z: number, lon: number, lat: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

/** Longitude and latitude of the centres of texels: the outermost lie on the tile's sides. */
function texelPlaces(id: TileId): [number, number][] {
  const { west, south, east, north } = geographic.box(id);
  return Array.from({ length: SIZE * SIZE }, (_, k) => [
    west + ((east - west) * (k % SIZE)) / (SIZE - 1),
    north - ((north - south) * Math.floor(k / SIZE)) / (SIZE - 1),
  ]);
}

function texelOf(colours: Uint8Array, column: number, row: number): number[] {
  const at = 3 * (row * SIZE + column);
  return [...colours.subarray(at, at + 3)];
}

function lonLatOf(crs: string, x: number, y: number): number[] {
  const out = execFileSync('gdaltransform', ['-s_srs', crs, '-t_srs', 'OGC:CRS84'], {
    input: `${x} ${y}\n`,
    encoding: 'utf8',
  });
  return out.split(' ').map(Number);
}
