/** Water masks of tiles from polygons, rasters and heights: what they hold, in which order, and that neighbours go on. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField } from '../../tiler/fields/terrain-field.ts';
import type { WaterField } from '../../tiler/fields/water-field.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { type TileOptions, tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { openWater } from '../../tiler/pyramid/water.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Two degrees a side round 10 E 40 N in 241 samples: 0 in the west half, 50 m in the east half. */
const HALF_SEA: MemoryRaster = {
  columns: 241,
  rows: 241,
  affine: { a: 1 / 120, b: 0, c: 9, d: 0, e: -1 / 120, f: 41 },
  values: (column) => (column <= 120 ? 0 : 50),
};

async function waterOf(water: readonly string[], raster = HALF_SEA): Promise<WaterField> {
  const member = await openRasterField(withOverviews(memorySource(raster)), geographic, { maxFill: 8 });
  const field = openTerrainField([{ field: member }], { floor: 'ellipsoid' });
  const options: TileOptions = tileOptionsSchema.parse({ water: [...water] });
  const found = await openWater(options, { field, scheme: geographic, hash: true });
  if (found === undefined) throw new Error('no water was asked for');
  onTestFinished(() => found.close());
  return found;
}

function tileAt(z: number, lon: number, lat: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

/** The mask's value at each of some places of a tile. */
async function valuesAt(water: WaterField, tile: TileId, places: readonly (readonly [number, number])[]) {
  const mask = await water.maskOf(geographic, tile);
  const { west, north, east } = geographic.box(tile);
  const scale = 256 / (east - west);
  return places.map(([lon, lat]) => {
    if (mask.length === 1) return mask[0];
    return mask[Math.floor((north - lat) * scale) * 256 + Math.floor((lon - west) * scale)];
  });
}

async function valueAt(water: WaterField, z: number, lon: number, lat: number): Promise<number> {
  const [value] = await valuesAt(water, tileAt(z, lon, lat), [[lon, lat]]);
  return value;
}

async function uniformOf(water: WaterField, tile: TileId): Promise<number | 'mixed'> {
  const mask = await water.maskOf(geographic, tile);
  return mask.length === 1 ? mask[0] : 'mixed';
}

const square = (west: number, south: number, side: number) => [
  [west, south],
  [west + side, south],
  [west + side, south + side],
  [west, south + side],
  [west, south],
];
const polygon = (...coordinates: number[][][]) => ({
  type: 'Feature',
  properties: {},
  geometry: { type: 'Polygon', coordinates },
});
const collection = (...features: object[]) => ({ type: 'FeatureCollection', features });

/** A lake with an island, 10 E 40 N. */
const LAKE = collection(polygon(square(9.6, 39.6, 0.8), square(9.9, 39.9, 0.2)));

describe('masks of water polygons', () => {
  it('are one byte where all is alike, and know islands in lakes', async () => {
    const folder = temporaryFolder({ 'lake.geojson': LAKE });
    const water = await waterOf([join(folder, 'lake.geojson')]);
    expect(await uniformOf(water, tileAt(11, 9.7, 39.7))).toBe(255);
    expect(await uniformOf(water, tileAt(11, 10, 40.01))).toBe(0);
    expect(await uniformOf(water, tileAt(10, 20, 40))).toBe(0);
    for (const z of [7, 9, 11, 13]) {
      const places = [
        [9.65, 40.3],
        [10, 40],
        [9.5, 40],
        [10.15, 39.95],
      ] as const;
      const values = await Promise.all(places.map(([lon, lat]) => valueAt(water, z, lon, lat)));
      expect(values, `z ${z}`).toEqual([255, 0, 0, 255]);
    }
    expect(water.statements).toEqual([
      { kind: 'polygons', name: 'lake.geojson', because: 'Water is what lies inside the polygons of lake.geojson.' },
    ]);
  });

  it.skipIf(!HAS_GDAL)('are the same from FlatGeobuf, indexed or not', async () => {
    const folder = temporaryFolder({
      'lakes.geojson': collection(...LAKE.features, {
        type: 'Feature',
        properties: { name: 'two' },
        geometry: { type: 'MultiPolygon', coordinates: [[square(10.5, 39.5, 0.1)], [square(10.7, 39.5, 0.1)]] },
      }),
    });
    const source = join(folder, 'lakes.geojson');
    const tile = tileAt(6, 10, 40);
    const expected = await (await waterOf([source])).maskOf(geographic, tile);
    expect(expected).toHaveLength(65536);
    for (const index of ['YES', 'NO']) {
      const file = join(folder, `${index}.fgb`);
      execFileSync('ogr2ogr', ['-f', 'FlatGeobuf', '-lco', `SPATIAL_INDEX=${index}`, file, source]);
      const water = await waterOf([file]);
      expect(Buffer.compare(await water.maskOf(geographic, tile), expected)).toBe(0);
      const bytes = readFileSync(file);
      for (const end of [20, 200, bytes.length - 9]) {
        writeFileSync(join(folder, 'cut.fgb'), bytes.subarray(0, end));
        await expect(waterOf([join(folder, 'cut.fgb')]), `${index} ${end}`).rejects.toMatchObject({
          code: 'input-invalid',
        });
      }
    }
    execFileSync('ogr2ogr', ['-f', 'FlatGeobuf', '-t_srs', 'EPSG:32632', join(folder, 'utm.fgb'), source]);
    await expect(waterOf([join(folder, 'utm.fgb')])).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining('EPSG:32632'),
    });
  });

  it('cross the date line, cut there or going on beyond 180', async () => {
    const folder = temporaryFolder({
      'on.geojson': polygon(square(179, -17, 2)),
      'cut.geojson': collection(
        polygon([
          [179, -17],
          [180, -17],
          [180, -15],
          [179, -15],
          [179, -17],
        ]),
        polygon([
          [-180, -17],
          [-179, -17],
          [-179, -15],
          [-180, -15],
          [-180, -17],
        ]),
      ),
    });
    const [on, cut] = [await waterOf([join(folder, 'on.geojson')]), await waterOf([join(folder, 'cut.geojson')])];
    for (const z of [0, 3, 6, 9]) {
      for (const lon of [179.9, -179.9, 179.02]) {
        const tile = tileAt(z, lon, -16.2);
        expect(Buffer.compare(await on.maskOf(geographic, tile), await cut.maskOf(geographic, tile))).toBe(0);
        if (z > 3) expect(await valueAt(on, z, lon, -16.2)).toBe(255);
      }
    }
  });

  it('of land are the other way round', async () => {
    const folder = temporaryFolder({ 'land.geojson': LAKE });
    const water = await waterOf([`land:${join(folder, 'land.geojson')}`]);
    expect(await valueAt(water, 9, 9.65, 40.3)).toBe(0);
    expect(await valueAt(water, 9, 10, 40)).toBe(255);
    expect(await uniformOf(water, tileAt(9, -100, 0))).toBe(255);
  });

  it('leave what they do not know to the next source', async () => {
    const folder = temporaryFolder({ 'lake.geojson': LAKE });
    const water = await waterOf([join(folder, 'lake.geojson'), 'natural-earth']);
    // 10 E 40 N is sea, west of Sardinia's east coast is land.
    expect(await valueAt(water, 9, 9.65, 40.3)).toBe(255);
    expect(await valueAt(water, 9, 9.1, 40.1)).toBe(0);
    expect(await valueAt(water, 9, 11.5, 40.1)).toBe(255);
    expect(water.statements.map(({ kind }) => kind)).toEqual(['polygons', 'natural-earth']);
  });

  it('are refused with a sentence', async () => {
    const folder = temporaryFolder({ 'text.geojson': 'no', 'line.geojson': { type: 'LineString', coordinates: [] } });
    for (const [name, code] of [
      ['none.geojson', 'input-missing'],
      ['text.geojson', 'input-invalid'],
      ['line.geojson', 'input-invalid'],
    ]) {
      await expect(waterOf([join(folder, name)]), name).rejects.toMatchObject({ code });
    }
    for (const name of ['naturalearth', 'Natural_Earth', 'natural-eath']) {
      await expect(waterOf([name])).rejects.toThrow(/names no file; the coasts .* are called natural-earth/);
    }
  });

  it('go on from tile to tile at every level to 12', async () => {
    const water = await waterOf(['natural-earth']);
    for (let z = 1; z <= 12; z++) {
      const { x, y } = tileAt(z, -156.47, 20.9);
      const mask = async (dx: number, dy: number) => {
        const found = await water.maskOf(geographic, { z, x: x + dx, y: y + dy });
        return found.length === 1 ? new Uint8Array(65536).fill(found[0]) : found;
      };
      const [here, east] = [await mask(0, 0), await mask(1, 0)];
      const step = (a: (k: number) => number, b: (k: number) => number) =>
        Array.from({ length: 256 }, (_, k) => Math.abs(a(k) - b(k))).reduce((sum, one) => sum + one) / 256;
      const across = step(
        (k) => here[k * 256 + 255],
        (k) => east[k * 256],
      );
      const before = step(
        (k) => here[k * 256 + 254],
        (k) => here[k * 256 + 255],
      );
      // A border is no more of a step than the column before it, but for a coast that happens to run along it.
      expect(across, `z ${z}`).toBeLessThan(before + 12);
    }
  });
});

describe.skipIf(!HAS_GDAL)('masks of rasters', () => {
  it('follow a raster in UTM, whatever its numbers mean, and say nothing where it is void', async () => {
    const folder = temporaryFolder({ 'lake.geojson': LAKE });
    const geojson = join(folder, 'lake.geojson');
    const [degrees, raster] = [join(folder, 'degrees.tif'), join(folder, 'mask.tif')];
    const extent = ['-te', '9.4', '39.4', '10.6', '40.6', '-tr', '0.002', '0.002', '-ot', 'Byte', '-q'];
    execFileSync('gdal_rasterize', ['-burn', '7', '-init', '0', ...extent, geojson, degrees]);
    const warp = ['-t_srs', 'EPSG:32632', '-tr', '200', '200', '-dstnodata', '255', '-q'];
    execFileSync('gdalwarp', [...warp, degrees, raster]);
    const [ours, truth] = [await waterOf([raster, `land:${geojson}`]), await waterOf([geojson])];
    for (const z of [6, 7, 8, 9, 10, 11]) {
      const tile = tileAt(z, 9.62, 40.38);
      const [a, b] = await Promise.all([ours.maskOf(geographic, tile), truth.maskOf(geographic, tile)]);
      const at = (mask: Uint8Array, i: number) => (mask.length === 1 ? mask[0] : mask[i]);
      const { west, north, east } = geographic.box(tile);
      let [wrong, seen] = [0, 0];
      for (let i = 0; i < 65536; i++) {
        const lon = west + (((i % 256) + 0.5) / 256) * (east - west);
        const lat = north - ((Math.floor(i / 256) + 0.5) / 256) * (east - west);
        if (Math.abs(lon - 10) > 0.58 || Math.abs(lat - 40) > 0.58) continue;
        seen++;
        // Samples of 200 m: within one of them of a shore nothing is certain.
        const shore = Math.min(
          ...[0.4, 0.1].flatMap((half) => [Math.abs(Math.max(Math.abs(lon - 10), Math.abs(lat - 40)) - half)]),
        );
        if (shore > 0.004 + (east - west) / 128 && Math.abs(at(a, i) - at(b, i)) > 2) wrong++;
      }
      expect(seen, `z ${z}`).toBeGreaterThan(100);
      expect(wrong, `z ${z}`).toBe(0);
    }
    // Beyond the raster the next source speaks: land polygons, which leave water outside.
    expect(await valueAt(ours, 8, 12.5, 40)).toBe(255);
    expect(ours.statements[0]).toMatchObject({ kind: 'raster', name: 'mask.tif' });
  });
});

describe('masks derived from heights', () => {
  it('hold flats at sea level, with the coast midway between the last wet and the first dry sample', async () => {
    const water = await waterOf(['dem']);
    for (const z of [8, 10, 11]) {
      expect(await valueAt(water, z, 9.6, 40.02), `z ${z}`).toBe(255);
      expect(await valueAt(water, z, 10.3, 40.02), `z ${z}`).toBe(0);
    }
    const tile = tileAt(10, 10.01, 40.02);
    const { west, east } = geographic.box(tile);
    const row = (await water.maskOf(geographic, tile)).subarray(128 * 256, 129 * 256);
    const coast = west + (row.findIndex((value) => value < 128) / 256) * (east - west);
    expect(Math.abs(coast - (10 + 0.5 / 120))).toBeLessThan(0.6 / 120);
    expect(water.statements[0]).toMatchObject({ kind: 'dem', because: expect.stringContaining('Derived') });
  });

  it('leave out specks, and take nothing else for the sea', async () => {
    const speck = await waterOf(['dem'], {
      ...HALF_SEA,
      values: (c, r) => ((c === 120 || c === 121) && (r === 120 || r === 121) ? 0 : 3),
    });
    expect(await uniformOf(speck, tileAt(9, 10.001, 39.999))).toBe(0);
    const low = await waterOf(['dem'], { ...HALF_SEA, values: () => 0.01 });
    expect(await uniformOf(low, tileAt(10, 10, 40))).toBe(0);
  });

  it('are refused for heights above the ellipsoid', async () => {
    const vertical = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;
    await expect(waterOf(['dem'], { ...HALF_SEA, vertical })).rejects.toMatchObject({ code: 'usage' });
  });

  it('show the coast of Maui, and the sea beyond its sheets without a line between', async () => {
    const options = tileOptionsSchema.parse({ water: ['dem', 'natural-earth'] });
    const maker = await openTerrainMaker({ sources: MAUI_SHEETS, options });
    onTestFinished(() => maker.close());
    const { field, scheme } = maker;
    const water = await openWater(options, { field, scheme, hash: false });
    if (water === undefined) throw new Error('no water');
    expect(await valueAt(water, 13, -156.35, 20.95)).toBe(255);
    expect(await valueAt(water, 13, -156.2533, 20.7097)).toBe(0);
    expect(await valueAt(water, 13, -156.4305, 20.8985)).toBe(0);
    // North of Maui the sheets end at 21 degrees, amid the sea.
    for (const z of [8, 9, 10, 11, 12, 13, 14]) {
      for (const lon of [-156.3, -156.2, -156.05, -155.9]) {
        for (const side of [-1, 1]) {
          const places = Array.from({ length: 40 }, (_, k) => [lon, 21 + (side * (k + 0.5)) / 5000] as const);
          const tile = tileAt(z, ...places[0]);
          const inTile = places.filter((place) => tileAt(z, ...place).y === tile.y);
          expect([...new Set(await valuesAt(water, tile, inTile))], `z ${z}, ${lon} E, side ${side}`).toEqual([255]);
        }
      }
    }
  });
});
