import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { resolveCrs } from '../../tiler/geo/crs.ts';
import type { OpenOptions } from '../../tiler/sources/open-source.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { describeWithData } from '../support/test-data.ts';
import type { Tile } from '../support/tile-archives.ts';
import { pmtilesOf, writeMbtiles } from '../support/tile-archives.ts';
import { describeRasterSource } from './conformance.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-tree-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SIDE = 32;
const DEEPEST = 9;
/** 3 x 2 tiles of level 9 over the Alps, whose first is no corner of its parent; and their parents. */
const WEST = 267;
const NORTH = 181;
const HALF_WORLD = Math.PI * 6378137;

/** Metres at a place, in pixels of the deepest level, on steps that both encodings hold. */
const heightAt = (x: number, y: number) => Math.round(2000 + 1500 * Math.sin(x / 20) * Math.cos(y / 15)) / 2;

function pictureOf(encoding: string, height: (column: number, row: number) => number, side = SIDE): Uint8Array {
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const metres = height(i % side, Math.floor(i / side));
    const code = encoding === 'terrarium' ? (metres + 32768) * 256 : Math.round((metres + 10000) * 10);
    data.set([(code >> 16) & 255, (code >> 8) & 255, code & 255], 3 * i);
  }
  return encode({ width: side, height: side, channels: 3, depth: 8, data });
}

function tilesOf(encoding: string): Tile[] {
  const tiles: Tile[] = [];
  for (let z = 7; z <= DEEPEST; z++) {
    const scale = 2 ** (DEEPEST - z);
    for (let x = Math.floor(WEST / scale); x <= Math.floor((WEST + 2) / scale); x++) {
      for (let y = Math.floor(NORTH / scale); y <= Math.floor((NORTH + 1) / scale); y++) {
        // One of the six is missing.
        if (z === DEEPEST && x === WEST + 1 && y === NORTH) continue;
        const at = (tile: number, pixel: number) => (tile * SIDE + pixel + 0.5) * scale - 0.5;
        tiles.push({ z, x, y, bytes: pictureOf(encoding, (c, r) => heightAt(at(x, c), at(y, r))) });
      }
    }
  }
  return tiles;
}

let made = 0;
function putFolder(tiles: readonly Tile[], metadata?: object, more: { tms?: boolean; ending?: string } = {}): string {
  const path = join(folder, `tree-${made++}`);
  mkdirSync(path);
  if (metadata) writeFileSync(join(path, 'tiles.json'), JSON.stringify(metadata));
  for (const { z, x, y, bytes } of tiles) {
    const file = join(path, `${z}/${x}/${more.tms ? 2 ** z - 1 - y : y}.${more.ending ?? 'png'}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  return path;
}

function putMbtiles(tiles: readonly Tile[], metadata: Readonly<Record<string, string>>): string {
  const path = join(folder, `${made++}.mbtiles`);
  writeMbtiles(path, tiles, metadata);
  return path;
}

const lonOf = (x: number) => (x / 2 ** DEEPEST) * 360 - 180;
const latOf = (y: number) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / 2 ** DEEPEST))) * 180) / Math.PI;
const BOUNDS = [lonOf(WEST), latOf(NORTH + 2), lonOf(WEST + 3), latOf(NORTH)] as const;

function putPmtiles(tiles: readonly Tile[], metadata: object): string {
  const path = join(folder, `${made++}.pmtiles`);
  writeFileSync(path, pmtilesOf(tiles, { metadata, minZoom: 7, maxZoom: DEEPEST, bounds: BOUNDS }));
  return path;
}

async function read(path: string, options: OpenOptions = {}, level = 0) {
  const source = await openSource([path], options);
  try {
    const { columns, rows } = source.info.levels[level] ?? { columns: 0, rows: 0 };
    return { info: source.info, heights: await source.read(level, { column: 0, row: 0, columns, rows }) };
  } finally {
    await source.close();
  }
}

const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });

const stores: readonly [string, (tiles: readonly Tile[], encoding: string) => string][] = [
  ['a folder', (tiles, encoding) => putFolder(tiles, { encoding, attribution: 'A & B' })],
  ['MBTiles', (tiles, encoding) => putMbtiles(tiles, { format: 'png', encoding, attribution: 'A & B' })],
  ['PMTiles', (tiles, encoding) => putPmtiles(tiles, { encoding, attribution: 'A & B' })],
];
const encodings = [
  ['terrarium', 'terrarium'],
  ['terrain-rgb', 'mapbox'],
] as const;

describe.each(stores)('a tree of tiles in %s', (name, put) => {
  describeRasterSource(`tiles in ${name}`, () => openSource([put(tilesOf('terrarium'), 'terrarium')]));

  it.each(encodings)('of %s has its heights and its place in web Mercator', async (encoding, word) => {
    const { info, heights } = await read(put(tilesOf(encoding), word));
    expect(info).toMatchObject({
      crs: 'EPSG:3857',
      attribution: 'A & B',
      vertical: { datum: 'egm96', known: 'assumed' },
      levels: [
        { columns: 96, rows: 64, scaleX: 1 },
        { columns: 48, rows: 32, scaleX: 2 },
        { columns: 24, rows: 16, scaleX: 4 },
      ],
    });
    const spacing = (2 * HALF_WORLD) / (SIDE * 2 ** DEEPEST);
    const [x, y] = applyAffine(info.affine, -0.5, -0.5);
    expect(x).toBeCloseTo(WEST * SIDE * spacing - HALF_WORLD, 6);
    expect(y).toBeCloseTo(HALF_WORLD - NORTH * SIDE * spacing, 6);
    const [lon, lat] = (await resolveCrs(info.crs)).inverse([x, y]);
    expect([lon, lat]).toEqual([expect.closeTo(lonOf(WEST), 9), expect.closeTo(latOf(NORTH), 9)]);
    for (let row = 0; row < 64; row++) {
      for (let column = 0; column < 96; column++) {
        const missing = row < SIDE && column >= SIDE && column < 2 * SIDE;
        const expected = missing ? Number.NaN : heightAt(WEST * SIDE + column, NORTH * SIDE + row);
        expect(heights[row * 96 + column]).toBe(expected);
      }
    }
  });

  it('has the coarser zoom levels as overviews, shifted by where the raster begins in their tiles', async () => {
    const path = put(tilesOf('terrarium'), 'terrarium');
    for (const [level, scale] of [2, 4].entries()) {
      const { heights } = await read(path, {}, level + 1);
      const columns = 96 / scale;
      for (let i = 0; i < heights.length; i++) {
        const place = (tile: number, pixel: number) => tile * SIDE + (pixel + 0.5) * scale - 0.5;
        const expected = heightAt(place(WEST, i % columns), place(NORTH, Math.floor(i / columns)));
        expect(heights[i]).toBe(expected);
      }
    }
  });

  it('has a version of its tiles and of how they are understood', async () => {
    const version = async (path: string, options: OpenOptions = {}) => (await read(path, options)).info.version;
    const one = await version(put(tilesOf('terrarium'), 'terrarium'));
    const other = await version(put(tilesOf('terrain-rgb'), 'mapbox'));
    const taken = await version(put(tilesOf('terrarium'), 'terrarium'), { heightEncoding: 'terrain-rgb' });
    expect(new Set([one, other, taken]).size).toBe(3);
    expect(one).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is refused where nobody says how colours hold heights, and takes the word of the user', async () => {
    const path = put(tilesOf('terrarium'), '');
    await expect(read(path)).rejects.toEqual(refusal('input-unsupported', /--height-encoding/));
    const { heights } = await read(path, { heightEncoding: 'terrarium' });
    expect(heights[0]).toBe(heightAt(WEST * SIDE, NORTH * SIDE));
  });

  it('is refused when its tiles differ in size', async () => {
    const [last, ...rest] = tilesOf('terrarium').reverse();
    const odd = { ...(last as Tile), bytes: pictureOf('terrarium', () => 1, 16) };
    await expect(read(put([...rest, odd], 'terrarium'))).rejects.toEqual(refusal('input-invalid', /16 x 16 pixels/));
  });

  it('is refused when its tiles are of another format', async () => {
    const webp = Buffer.from('RIFF\x10\0\0\0WEBPVP8L', 'latin1');
    const jpeg = Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF', 'latin1');
    const all = (bytes: Uint8Array) =>
      put(
        tilesOf('terrarium').map((tile) => ({ ...tile, bytes })),
        'terrarium',
      );
    await expect(read(all(webp))).rejects.toEqual(refusal('input-unsupported', /WebP.*convert them to PNG/));
    await expect(read(all(jpeg))).rejects.toEqual(refusal('input-unsupported', /JPEG/));
  });
});

describe('a folder of tiles', () => {
  it('may count rows from the south, where its metadata say so', async () => {
    const tiles = tilesOf('terrarium');
    const path = putFolder(tiles, { encoding: 'terrarium', scheme: 'tms' }, { tms: true });
    const [south, north] = [await read(path), await read(putFolder(tiles, { encoding: 'terrarium' }))];
    expect(south.info.affine).toEqual(north.info.affine);
    expect([...south.heights]).toEqual([...north.heights]);
  });

  it('leaves out a level that does not cover the deepest one', async () => {
    const tiles = tilesOf('terrarium').filter(({ z, x }) => z !== 8 || x === Math.floor(WEST / 2));
    const { info } = await read(putFolder(tiles, { encoding: 'terrarium' }));
    expect(info.levels.map(({ scaleX }) => scaleX)).toEqual([1, 4]);
  });

  it('is refused when its tiles or its metadata are none', async () => {
    const webp = putFolder(tilesOf('terrarium'), undefined, { ending: 'webp' });
    await expect(read(webp)).rejects.toEqual(refusal('input-unsupported', /WebP/));
    const path = putFolder(tilesOf('terrarium'));
    writeFileSync(join(path, 'metadata.json'), '{');
    await expect(read(path)).rejects.toEqual(refusal('input-invalid', /metadata\.json cannot be read as JSON/));
    const other = join(folder, 'plain');
    mkdirSync(other);
    await expect(read(other)).rejects.toEqual(refusal('input-invalid', /is a folder/));
  });
});

describeWithData(
  'real tiles',
  ['terrain-rgb/mapbox_rgb_tile.png', 'terrain-rgb/terrarium_tile.png'],
  (mapbox, terrarium) => {
    it.each([
      ['mapbox', mapbox, [704.6, 3497.3]],
      ['terrarium', terrarium, [852.1, 2475.1]],
    ])('%s is as high as its makers state', async (encoding, picture, range) => {
      const path = putFolder([{ z: 10, x: 300, y: 400, bytes: readFileSync(picture) }], { encoding });
      const sorted = (await read(path)).heights.toSorted();
      expect([sorted[0]?.toFixed(1), sorted.at(-1)?.toFixed(1)]).toEqual(range.map((height) => height.toFixed(1)));
    });

    it.runIf(HAS_GDAL)('GDAL reads the same colours at the same places of an MBTiles', async () => {
      const path = putMbtiles([{ z: 10, x: 300, y: 400, bytes: readFileSync(terrarium) }], {
        format: 'png',
        encoding: 'terrarium',
        minzoom: '10',
        maxzoom: '10',
      });
      const { info, heights } = await read(path);
      const places = [
        [0, 0],
        [255, 255],
        [17, 200],
        [128, 3],
      ] as const;
      const input = places.map(([c, r]) => applyAffine(info.affine, c, r).join(' ')).join('\n');
      const colours = execFileSync('gdallocationinfo', ['-valonly', '-geoloc', path], { input, encoding: 'utf8' })
        .trim()
        .split(/\s+/)
        .map(Number);
      expect(colours.length % places.length).toBe(0);
      const bands = colours.length / places.length;
      for (const [i, [column, row]] of places.entries()) {
        const [red = 0, green = 0, blue = 0] = colours.slice(i * bands);
        expect(heights[row * 256 + column]).toBe(red * 256 + green + blue / 256 - 32768);
      }
    });
  },
);
