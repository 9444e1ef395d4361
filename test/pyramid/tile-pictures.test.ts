/** Pictures of tiles as clients get them: size, coding, what lies outside, what neighbours share. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NEUTRAL_COLOUR } from '../../tiler/encode/colour.ts';
import type { TileId } from '../../tiler/geo/tiling-scheme.ts';
import { checkPlaces, openTilePictures, sizeFor, type TilePictures } from '../../tiler/pyramid/tile-pictures.ts';
import { gdalPixels, writeColours } from '../support/colour-raster.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

const HERE = { lon: -81.75159, lat: 41.3036 };

describeWithData('pictures of tiles', ['imagery/aukerman_odm_ortho_3857_rgba.tif'], (path) => {
  it.runIf(HAS_GDAL).each([
    ['jpeg', 512],
    ['webp', 256],
  ] as const)('are %s that others decode, neutral where there is nothing', async (format, size) => {
    const pictures = await openTilePictures([path], { format, size });
    const made = await pictures.pictureOf(tileAt(17));
    expect(made).toMatchObject({ type: `image/${format}`, inset: 0.5 / size });
    const pixels = decode(made?.bytes, format);
    expect(pixels.length).toBe(3 * size * size);
    for (const [column, row] of [
      [2, 2],
      [size - 3, 2],
      [size - 3, size - 3],
    ]) {
      const at = 3 * (row * size + column);
      for (const [c, value] of NEUTRAL_COLOUR.entries())
        expect(Math.abs(pixels[at + c] - value)).toBeLessThanOrEqual(3);
    }
    // In its middle it is a meadow.
    const middle = 3 * ((size / 2) * size + size / 2);
    expect(pixels[middle + 1] - pixels[middle + 2]).toBeGreaterThan(30);
    await pictures.close();
  });

  it.runIf(HAS_GDAL)('differ along a common side by what the coding loses alone', async () => {
    const pictures = await openTilePictures([path], { size: 256 });
    const id = tileAt(20);
    const [here, east] = await Promise.all([pixelsOf(pictures, id), pixelsOf(pictures, { ...id, x: id.x + 1 })]);
    const between = (a: Uint8Array, i: number, b: Uint8Array, j: number) => {
      let sum = 0;
      for (let row = 0; row < 256; row++) {
        for (let c = 0; c < 3; c++) sum += Math.abs(a[3 * (256 * row + i) + c] - b[3 * (256 * row + j) + c]);
      }
      return sum / 768;
    };
    const seam = between(here, 255, east, 0);
    const step = (between(here, 254, here, 255) + between(east, 0, east, 1)) / 2;
    expect(seam).toBeLessThan(0.75 * step);
    await pictures.close();
  });

  it('are as fine as the picture from its native level on', async () => {
    const pictures = await openTilePictures([path]);
    // 0.056 m on the ground: 512 texels a tile lie 0.037 m apart at level 20 and 0.075 m at level 19.
    expect(pictures.nativeLevel).toBe(20);
    await pictures.close();
    const metre = 1 / 111_320;
    expect([18, 19, 20, 21, 22].map((z) => sizeFor(z, 0.056 * metre))).toEqual([512, 512, 512, 256, 256]);
  });

  it('are left out where no file has anything, and when nobody waits for them', async () => {
    const pictures = await openTilePictures([path]);
    const { x, y } = tileAt(17);
    expect(await pictures.pictureOf({ z: 17, x: x + 1, y: y + 1 })).toBeUndefined();
    expect(await pictures.pictureOf({ z: 0, x: 1, y: 0 })).toBeUndefined();
    await expect(pictures.pictureOf(tileAt(17), { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    await pictures.close();
  });
});

describe.runIf(HAS_GDAL)('pictures of tiles, their files', () => {
  it('have a version of content and options, and the owners that files name', async () => {
    const folder = temporaryFolder();
    const [one, two] = ['one.tif', 'two.tif'].map((name) => join(folder, name));
    const raster = (red: number) => ({ columns: 30, rows: 30, bands: 3, colourAt: () => [red, 0, 0] });
    const place = ['-a_srs', 'EPSG:32632', '-a_ullr', '400000', '5200000', '400300', '5199700'];
    writeColours(one, raster(1), [...place, '-mo', 'TIFFTAG_COPYRIGHT=Swiss Air']);
    writeColours(two, raster(2), [...place, '-mo', 'TIFFTAG_COPYRIGHT=Town Hall']);
    const open = async (...args: Parameters<typeof openTilePictures>) => {
      const pictures = await openTilePictures(...args);
      await pictures.close();
      return pictures;
    };
    const first = await open([one, two]);
    expect(first.attribution).toBe('Swiss Air; Town Hall');
    expect((await open([one, two], { attribution: 'Me' })).attribution).toBe('Me');
    expect((await open([one, two])).version).toBe(first.version);
    const others = await Promise.all([
      open([two, one]),
      open([one]),
      open([one, two], { quality: 50 }),
      open([one, two], { format: 'webp' }),
      open([one, two], { size: 256 }),
      open([one, two], { background: [0, 0, 0] }),
    ]);
    expect(new Set([first, ...others].map(({ version }) => version)).size).toBe(7);
    await expect(open([one], { quality: 0 })).rejects.toMatchObject({ code: 'usage' });
    await expect(open([one, join(folder, 'none.tif')])).rejects.toMatchObject({ code: 'input-missing' });
    await expect(open([])).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('pictures that lie elsewhere', () => {
  const place = (name: string, west: number, south: number) => ({
    name,
    bounds: { west, south, east: west + 1, north: south + 1 },
  });
  const maui = { west: -156.7, south: 20.5, east: -155.9, north: 21.1 };

  it('are refused when there are no others, with both boxes, and named when there are', () => {
    const [here, ohio] = [place('here.tif', -156.5, 20), place('ohio.tif', -82, 41)];
    expect(checkPlaces([here], maui)).toBeUndefined();
    expect(checkPlaces([ohio, here], maui)).toMatch(/^Pictures that do not meet .*: ohio\.tif \(-82, 41, -81, 42\)\.$/);
    const refused = expect(() => checkPlaces([ohio], maui));
    refused.toThrow(/\(-156\.7, 20\.5, -155\.9, 21\.1; .*: ohio\.tif \(-82, 41, -81, 42\)\..*--texture-crs/);
    expect(() => checkPlaces([ohio], maui)).toThrow(expect.objectContaining({ code: 'input-unsupported' }));
  });

  it('are found on the circle of longitudes', () => {
    const dateLine = { west: 179.5, south: -18, east: 181, north: -17 };
    expect(checkPlaces([place('fiji.tif', -180, -17.5)], dateLine)).toBeUndefined();
    expect(() => checkPlaces([place('fiji.tif', 178, -17.5)], dateLine)).toThrow(/elsewhere: fiji/);
  });
});

function tileAt(z: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((HERE.lon + 180) / side), y: Math.floor((90 - HERE.lat) / side) };
}

async function pixelsOf(pictures: TilePictures, id: TileId): Promise<Uint8Array> {
  return decode((await pictures.pictureOf(id))?.bytes, 'jpeg');
}

function decode(bytes: Uint8Array | undefined, ending: string): Uint8Array {
  if (bytes === undefined) throw new Error('there is no picture');
  const path = join(temporaryFolder(), `picture.${ending}`);
  writeFileSync(path, bytes);
  return gdalPixels(path);
}
