import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGeoidFile } from '../../tiler/fields/geoid-file.ts';
import { egm96, type Geoid, undulationAt } from '../../tiler/geo/geoid.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { cs2cs, HAS_CS2CS } from '../support/cs2cs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';
import { bytesOf, type TinyTiff, tinyTiff } from '../support/tiff-writer.ts';

/** 5 x 4 nodes of a quarter of a degree, the first at 7 E, 47 N. */
const COLUMNS = 5;
const ROWS = 4;
const [WEST, NORTH, STEP] = [7, 47, 0.25];
const undulation = (row: number, column: number) => 48 + column * 0.5 - row * 0.25;
const NODES = Float32Array.from({ length: COLUMNS * ROWS }, (_, i) => undulation(Math.floor(i / COLUMNS), i % COLUMNS));

function write(name: string, bytes: Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

function tiff(more: Partial<TinyTiff> = {}): Uint8Array {
  return tinyTiff({
    columns: COLUMNS,
    rows: ROWS,
    blocks: [bytesOf(NODES)],
    bits: 32,
    format: 3,
    keys: { 1024: 2, 1025: 2, 2048: 4326 },
    tie: { x: WEST, y: NORTH, step: STEP },
    ...more,
  });
}

function metadata(...items: string[]): Record<number, string> {
  return { 42112: `<GDALMetadata>${items.join('')}</GDALMetadata>` };
}

function describes(band: number, text: string): string {
  return `<Item name="DESCRIPTION" sample="${band}" role="description">${text}</Item>`;
}

function gtx(values: Float32Array = NODES, west = WEST): Buffer {
  const bytes = Buffer.alloc(40 + 4 * values.length);
  bytes.writeDoubleBE(NORTH - (ROWS - 1) * STEP, 0);
  bytes.writeDoubleBE(west, 8);
  bytes.writeDoubleBE(STEP, 16);
  bytes.writeDoubleBE(STEP, 24);
  bytes.writeInt32BE(ROWS, 32);
  bytes.writeInt32BE(COLUMNS, 36);
  for (const [i, value] of values.entries()) {
    const fromSouth = ROWS - 1 - Math.floor(i / COLUMNS);
    bytes.writeFloatBE(value, 40 + 4 * (fromSouth * COLUMNS + (i % COLUMNS)));
  }
  return bytes;
}

/** The world in 24 x 13 nodes, as GeographicLib lays it out; `height(lat, lon)` in steps of 3 mm. */
function pgm(height: (lat: number, lon: number) => number, header = ''): Buffer {
  const head = Buffer.from(
    `P5\n# Geoid file in PGM format\n# Description WGS84 EGM2008, 15-degree grid\n# Offset -108\n# Scale 0.003\n# Origin 90N 0E\n${header}24  13\n65535\n`,
  );
  const data = Buffer.alloc(2 * 24 * 13);
  for (let row = 0; row < 13; row++) {
    for (let column = 0; column < 24; column++) {
      const value = Math.round((height(90 - 15 * row, 15 * column) + 108) / 0.003);
      data.writeUInt16BE(value, 2 * (row * 24 + column));
    }
  }
  return Buffer.concat([head, data]);
}

/** The nodes' plane between them, and nothing beyond. */
function expectPlane(geoid: Geoid): void {
  for (const [lon, lat] of [
    [7, 47],
    [7.1, 46.9],
    [7.9, 46.3],
    [8, 46.25],
  ]) {
    expect(undulationAt(geoid, lon, lat)).toBeCloseTo(undulation((NORTH - lat) / STEP, (lon - WEST) / STEP), 4);
  }
  for (const [lon, lat] of [
    [6.99, 46.5],
    [8.01, 46.5],
    [7.5, 47.01],
    [7.5, 46.24],
    [7.5, -46.5],
  ]) {
    expect(undulationAt(geoid, lon, lat)).toBeNaN();
  }
}

describe('geoid grids in GeoTIFF', () => {
  it('are read at the nodes, for points and for areas', async () => {
    expectPlane(await readGeoidFile(write('point.tif', tiff())));
    const corner = { x: WEST - STEP / 2, y: NORTH + STEP / 2, step: STEP };
    expectPlane(await readGeoidFile(write('area.tif', tiff({ keys: { 1024: 2, 1025: 1, 2048: 4326 }, tie: corner }))));
  });

  it('say which datum is theirs, in PROJ’s metadata or in a key', async () => {
    const tags = metadata('<Item name="target_crs_epsg_code">5728</Item>');
    expect((await readGeoidFile(write('a.tif', tiff({ tags })))).datum).toBe('ln02');
    expect((await readGeoidFile(write('b.tif', tiff({ keys: { 1024: 2, 1025: 2, 4096: 5709 } })))).datum).toBe('nap');
    expect((await readGeoidFile(write('c.tif', tiff()))).datum).toBeUndefined();
  });

  it('undo scale and offset, and know centimetres', async () => {
    const packed = Int16Array.from(NODES, (value) => Math.round((value - 40) * 100));
    const scaled = metadata(
      '<Item name="SCALE" sample="0" role="scale">0.01</Item>',
      '<Item name="OFFSET" sample="0" role="offset">40</Item>',
    );
    expectPlane(
      await readGeoidFile(write('s.tif', tiff({ blocks: [bytesOf(packed)], bits: 16, format: 2, tags: scaled }))),
    );
    const centimetres = Float32Array.from(NODES, (value) => value * 100);
    const tags = metadata('<Item name="UNITTYPE" sample="0" role="unittype">cm</Item>');
    expectPlane(await readGeoidFile(write('cm.tif', tiff({ blocks: [bytesOf(centimetres)], tags }))));
  });

  it('give the band of undulations, interleaved or apart', async () => {
    const names = metadata(describes(0, 'geoid_undulation_accuracy'), describes(1, 'geoid_undulation'));
    const accuracy = new Float32Array(NODES.length).fill(0.02);
    const both = Float32Array.from({ length: 2 * NODES.length }, (_, i) => (i % 2 === 0 ? accuracy : NODES)[i >> 1]);
    const two = { 277: [2], 258: [32, 32], 339: [3, 3], ...names };
    expectPlane(await readGeoidFile(write('mixed.tif', tiff({ blocks: [bytesOf(both)], tags: two }))));
    const apart = { ...two, 284: [2], 278: [ROWS] };
    const blocks = [bytesOf(accuracy), bytesOf(NODES)];
    expectPlane(await readGeoidFile(write('apart.tif', tiff({ blocks, tags: apart }))));
    const unnamed = { ...two, ...metadata(describes(0, 'a'), describes(1, 'b')) };
    await expect(readGeoidFile(write('unnamed.tif', tiff({ blocks, tags: unnamed })))).rejects.toThrow(
      /geoid_undulation \(a, b\)/,
    );
  });

  it('have no value where they say nodata', async () => {
    const holed = NODES.slice();
    holed[1 * COLUMNS + 2] = -9999;
    const geoid = await readGeoidFile(write('h.tif', tiff({ blocks: [bytesOf(holed)], tags: { 42113: '-9999' } })));
    expect(undulationAt(geoid, 7.5, 46.75)).toBeNaN();
    expect(undulationAt(geoid, 7.25, 46.75)).toBe(undulation(1, 1));
  });

  it('refuse what is no geoid', async () => {
    const refusal = (more: Partial<TinyTiff>) => readGeoidFile(write('x.tif', tiff(more)));
    await expect(refusal({ keys: { 1024: 1, 1025: 2, 3072: 32632 } })).rejects.toMatchObject({ code: 'datum' });
    await expect(refusal({ tie: { x: 7000, y: 47000, step: 25 } })).rejects.toThrow(/not on Earth/);
    const horizontal = metadata('<Item name="TYPE">HORIZONTAL_OFFSET</Item>', describes(0, 'latitude_offset'));
    await expect(refusal({ tags: horizontal })).rejects.toThrow(/HORIZONTAL_OFFSET/);
    await expect(refusal({ tags: metadata(describes(0, 'latitude_offset')) })).rejects.toThrow(/latitude_offset/);
    const feet = metadata('<Item name="UNITTYPE" sample="0" role="unittype">foot</Item>');
    await expect(refusal({ tags: feet })).rejects.toThrow(/in foot; expected metres/);
  });
});

describe('geoid grids in other formats', () => {
  it('reads GTX, rows from the south, holes as such', async () => {
    expectPlane(await readGeoidFile(write('plane.gtx', gtx())));
    expectPlane(await readGeoidFile(write('turned.gtx', gtx(NODES, WEST - 360))));
    expectPlane(await readGeoidFile(write('without-its-name.bin', gtx())));
    const holed = NODES.slice();
    holed[2 * COLUMNS] = -88.8888;
    expect(undulationAt(await readGeoidFile(write('h.gtx', gtx(holed))), 7, 46.5)).toBeNaN();
  });

  it('reads PGM, from Greenwich round the world', async () => {
    const geoid = await readGeoidFile(
      write(
        'egm2008-15.pgm',
        pgm((lat, lon) => lat / 10 + Math.cos((lon * Math.PI) / 180)),
      ),
    );
    expect(geoid.datum).toBe('egm2008');
    expect(undulationAt(geoid, 0, 45)).toBeCloseTo(4.5 + 1, 2);
    expect(undulationAt(geoid, 180, 45)).toBeCloseTo(4.5 - 1, 2);
    expect(undulationAt(geoid, -7.5, 37.5)).toBeCloseTo(3.75 + (1 + Math.cos(Math.PI / 12)) / 2, 2);
    expect(undulationAt(geoid, 33, -90)).toBeCloseTo(-9 + undulationAt(geoid, 33, 0), 1);
  });

  it('refuses what is cut off, or something else', async () => {
    await expect(readGeoidFile(write('cut.gtx', gtx().subarray(0, 70)))).rejects.toThrow(/not a sound GTX/);
    await expect(readGeoidFile(write('cut.pgm', pgm(() => 1).subarray(0, 300)))).rejects.toThrow(/cut off/);
    const picture = Buffer.concat([Buffer.from('P5\n4 3\n255\n'), Buffer.alloc(12)]);
    await expect(readGeoidFile(write('photo.pgm', picture))).rejects.toThrow(/Offset and Scale/);
    await expect(readGeoidFile(write('notes.txt', Buffer.from('the geoid is wavy')))).rejects.toMatchObject({
      code: 'input-unsupported',
    });
    await expect(readGeoidFile('no-such-datum')).rejects.toMatchObject({ code: 'usage' });
    await expect(readGeoidFile('no-such-datum')).rejects.toThrow(/egm2008.*no such file/);
  });
});

describe('the part round the data', () => {
  it('gives what the whole grid gives, wherever the seam lies', async () => {
    const path = write(
      'world.pgm',
      pgm((lat, lon) => lat / 9 + (lon % 100) / 10),
    );
    const whole = await readGeoidFile(path);
    for (const around of [
      { west: -20, east: 35, south: -10, north: 20 },
      { west: 170, east: 200, south: 50, north: 70 },
      { west: -180, east: 180, south: -90, north: 90 },
      { west: 359, east: 361, south: 80, north: 90 },
      { west: 10, east: 10.001, south: -90, north: -89 },
    ]) {
      const part = await readGeoidFile(path, { around });
      for (let k = 0; k <= 100; k++) {
        const lon = around.west + ((around.east - around.west) * (k % 11)) / 10;
        const lat = around.south + ((around.north - around.south) * Math.floor(k / 11)) / 9.1;
        expect(undulationAt(part, lon, lat)).toBeCloseTo(undulationAt(whole, lon, lat), 4);
      }
    }
    const region = write('region.tif', tiff());
    expectPlane(await readGeoidFile(region, { around: { west: 6, east: 9, south: 46, north: 48 } }));
    const beside = await readGeoidFile(region, { around: { west: 100, east: 101, south: 0, north: 1 } });
    expect(undulationAt(beside, 100.5, 0.5)).toBeNaN();
  });

  it('is hashed as a whole, or not at all', async () => {
    const path = write('world.gtx', gtx());
    const { version } = await readGeoidFile(path);
    expect(version).toMatch(/^[0-9a-f]{32}$/);
    expect((await readGeoidFile(path, { around: { west: 7, east: 7.1, south: 46.5, north: 46.6 } })).version).toBe(
      version,
    );
    expect((await readGeoidFile(path, { hash: false })).version).toBe('');
  });
});

describeWithData(
  'PROJ’s grids of national height systems',
  ['grids/ch_swisstopo_chgeo2004_ETRS89_LN02.tif', 'grids/nl_nsgi_nlgeo2018.tif', 'grids/fr_ign_RAF20.tif'],
  (...paths) => {
    // Inside the areas of use: beyond them PROJ falls back to no shift at all.
    it.runIf(HAS_CS2CS).each([
      [paths[0], 'ln02', 'EPSG:4258+5728', 'EPSG:4937', [6.2, 45.9, 10.3, 47.7]],
      [paths[1], 'nap', 'EPSG:4258+5709', 'EPSG:4937', [3.4, 50.8, 7.1, 53.4]],
      [paths[2], 'ngf-ign69', 'EPSG:9782+5720', 'EPSG:9781', [-4.8, 42.4, 8.1, 51]],
    ] as const)('%s agrees with cs2cs within 2 mm at 200 places', async (path, datum, from, to, [w, s, e, n]) => {
      const geoid = await readGeoidFile(path);
      expect(geoid.datum).toBe(datum);
      const random = seededRandom(200);
      const places = Array.from({ length: 200 }, () => [w + (e - w) * random(), s + (n - s) * random()] as const);
      const judged = cs2cs(
        from,
        to,
        places.map(([lon, lat]) => [lat, lon, 100]),
        dirname(path),
      );
      expect(judged).toHaveLength(200);
      for (const [k, [lon, lat]] of places.entries()) {
        const height = judged[k][2];
        // 100 m given back unchanged would mean that PROJ had no grid.
        expect(Math.abs(height - 100)).toBeGreaterThan(5);
        expect(Math.abs(100 + undulationAt(geoid, lon, lat) - height), `${lon} ${lat}`).toBeLessThan(0.002);
      }
    });
  },
);

const PROJ_GTX = ['/usr/share/proj/egm96_15.gtx', '/usr/local/share/proj/egm96_15.gtx'].find(existsSync);

describeWithData('EGM96 as a GeoTIFF', ['geotiff/geoid_egm96_15min.tif'], (path) => {
  it('is the EGM96 that is built in, and the GTX of PROJ where that is installed', async () => {
    const geoids = await Promise.all([path, PROJ_GTX].flatMap((file) => (file ? readGeoidFile(file) : [])));
    expect(geoids.map(({ id }) => id)[0]).toBe(basename(path));
    expect(geoids[0].datum).toBe('egm96');
    const random = seededRandom(96);
    for (let k = 0; k < 500; k++) {
      const [lon, lat] = [random() * 360 - 180, random() * 180 - 90];
      for (const geoid of geoids) {
        expect(Math.abs(undulationAt(geoid, lon, lat) - undulationAt(egm96(), lon, lat))).toBeLessThan(0.01);
      }
    }
  });
});
