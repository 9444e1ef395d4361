/** Where longitude and latitude fall in rasters of degrees: on either side of the date line, from 0 to 360, on old datums. */
import { describe, expect, it } from 'vitest';
import { postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { requireProgram } from '../support/debian.ts';
import { gdalProject } from '../support/gdal.ts';
import { memorySource } from '../support/memory-source.ts';
import { openOneField } from '../support/one-field.ts';

const ELLIPSOID = {
  datum: 'ellipsoid',
  known: 'option',
  unitMetres: 1,
  unit: 'metre',
  because: 'the test says so',
} as const;
const STEP = 0.01;
/** NAD27 by its mean shift over the contiguous United States (EPSG:1173). */
const SHIFTED = '+proj=longlat +ellps=clrk66 +towgs84=-8,160,176';

/** A square of 2 degrees, north-west sample at (west, north); its heights are its columns, or its rows. */
function square(west: number, north: number, crs: string, height: 'column' | 'row') {
  const source = memorySource({
    columns: 201,
    rows: 201,
    affine: { a: STEP, b: 0, c: west, d: 0, e: -STEP, f: north },
    crs,
    values: (column, row) => (height === 'column' ? column : row),
    vertical: ELLIPSOID,
  });
  return openOneField(source, { maxFill: 0 });
}

describe('a raster in degrees', () => {
  it.each([
    ['west of the date line', 178, 179.25],
    ['east of it', -180, -178.75],
    ['east of it, counted on from 180', 180, -178.75],
    ['across it', 179, -179.75],
    ['across it from the other side', -181, -179.75],
    ['in the west, counted from 0 to 360', 250, -108.75],
    ['in the east', 20, 21.25],
  ])('%s is found', async (_, west, lon) => {
    const field = await square(west, 46, 'EPSG:4326', 'column');
    for (const turn of [-360, 0, 360]) {
      const { height, contributors } = await field.sampleAt(lon + turn, 45.5);
      expect(height).toBeCloseTo(125, 6);
      expect(contributors[0]?.row).toBeCloseTo(50, 6);
    }
  });

  it('lies where its datum puts it', async () => {
    await requireProgram('gdaltransform', 'gdal-bin');
    const places = [
      [-99.3, 39.4],
      [-98.6, 38.7],
    ] as const;
    const stored = gdalProject(SHIFTED, places);
    const byColumn = await square(-100, 40, SHIFTED, 'column');
    const byRow = await square(-100, 40, SHIFTED, 'row');
    for (const [i, [lon, lat]] of places.entries()) {
      const [x, y] = stored[i] ?? [Number.NaN, Number.NaN];
      expect(Math.abs(x - lon)).toBeGreaterThan(1e-4);
      expect((await byColumn.sampleAt(lon, lat)).height).toBeCloseTo((x + 100) / STEP, 4);
      expect((await byRow.sampleAt(lon, lat)).height).toBeCloseTo((40 - y) / STEP, 4);
    }
  });

  it('gives posts the heights that single places have', async () => {
    const field = await square(-100, 40, SHIFTED, 'column');
    const posts = postsOfTile(geographic, { z: 8, x: 115, y: 71 });
    const grid = await field.read(posts);
    for (const [i, j] of [
      [8, 20],
      [40, 33],
    ] as const) {
      const spacing = 180 / 2 ** 8 / 64;
      const [lon, lat] = [-180 + (posts.x0 + i) * spacing, 90 - (posts.y0 + j) * spacing];
      const { height, origin } = await field.sampleAt(lon, lat);
      expect(origin).toBe(1);
      expect(Math.abs((grid.heights[j * posts.columns + i] ?? 0) - height)).toBeLessThan(0.01);
    }
  });
});
