/** Which samples all tiles of a level are held against together: each that shows, once, wherever the raster begins. */
import { describe, expect, it } from 'vitest';
import { openTerrainField } from '../../tiler/fields/terrain-field.ts';
import { geographic, type TilingScheme, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { newSketch } from '../../tiler/pyramid/error-sketch.ts';
import { makeTile } from '../../tiler/pyramid/make-tile.ts';
import { openMeasure } from '../../tiler/pyramid/measure-tiles.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import type { MemoryRaster } from '../support/memory-source.ts';
import { openPreparedField } from '../support/prepared-field.ts';

const METRES = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;

interface Extent {
  readonly west: number;
  readonly north: number;
  readonly columns: number;
  readonly rows: number;
  readonly periodColumns?: number;
}

/** Samples a degree apart, in the middle of their degree: none lies on a border of a coarse tile. */
function degrees({ west, north, columns, rows, periodColumns }: Extent): MemoryRaster {
  const random = seededRandom(11);
  const around = periodColumns ?? columns;
  const heights = Float32Array.from({ length: around * rows }, () => (random() < 0.1 ? Number.NaN : 3000 * random()));
  const affine = { a: 1, b: 0, c: west + 0.5, d: 0, e: -1, f: north - 0.5 };
  const values = (c: number, r: number) => heights[r * around + (c % around)];
  return { columns, rows, affine, values, vertical: METRES, periodColumns };
}

const WHOLE = { north: 90, rows: 180, columns: 360, periodColumns: 360 };
const RASTERS: readonly (readonly [name: string, extent: Extent])[] = [
  ['the world from -180', { ...WHOLE, west: -180 }],
  ['the world from 0', { ...WHOLE, west: 0 }],
  ['the world from -60, with a column twice', { ...WHOLE, west: -60, columns: 361 }],
  ['half the world across 180', { north: 90, rows: 180, west: 70, columns: 180 }],
  ['nearly all the world', { north: 80, rows: 150, west: -179, columns: 358 }],
  ['nearly all the world, its gap inside a tile', { north: 80, rows: 150, west: 30, columns: 357 }],
  ['most of the world, its gap inside a tile', { north: 80, rows: 150, west: -100, columns: 270 }],
];

/** Tiles of a level that a raster of degrees reaches. */
function* tilesOf(scheme: TilingScheme, z: number) {
  for (let y = 0; y < scheme.rows(z); y++) for (let x = 0; x < scheme.columns(z); x++) yield { z, x, y };
}

describe('openMeasure, of all samples', () => {
  for (const scheme of [geographic, webMercator]) {
    for (const [name, extent] of RASTERS) {
      it(`holds each of them against the surface once: ${name}, ${scheme.id}`, async () => {
        const raster = degrees(extent);
        const field = await openPreparedField(raster, scheme);
        const terrain = openTerrainField([{ field }], { floor: 'ellipsoid' });
        const layer = { field: terrain, terrain, scheme, extensions: [], maxErrorFactor: 1 };
        const measure = openMeasure(layer, 'exact');
        const all = await field.source.read(0, { column: 0, row: 0, columns: raster.columns, rows: raster.rows });
        const shown = all.filter((height, k) => {
          const lat = extent.north - 0.5 - Math.floor(k / raster.columns);
          const isSecond = k % raster.columns >= (extent.periodColumns ?? Infinity);
          return !Number.isNaN(height) && !isSecond && Math.abs(lat) < scheme.extent.north;
        });
        for (let z = 0; z <= 2; z++) {
          const sketch = newSketch();
          for (const id of tilesOf(scheme, z)) {
            const { bytes } = await makeTile(layer, id);
            await measure(id, bytes, sketch);
          }
          expect([z, sketch.samples]).toEqual([z, shown.length]);
        }
      });
    }
  }
});
