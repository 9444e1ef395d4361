/** How deep sources go in both schemes: the least level whose posts lie nowhere further apart than the samples. */
import { expect, it } from 'vitest';
import { nativeLevelOf, type PlacedSource, readingAspect } from '../../tiler/fields/native-level.ts';
import { postLatitudes, postSpacing, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, webMercator } from '../../tiler/geo/tiling-scheme.ts';

const SECOND = 1 / 3600;

/** Samples in longitude and latitude, degrees apart. */
function lonLat(east: number, north: number, [south, top]: readonly [number, number]): PlacedSource {
  return {
    crs: { geographic: true, unitMetres: 1 },
    grid: { bounds: { west: 0, east: 1, south, north: top }, spacingDegrees: Math.min(east, north) },
    source: { info: { affine: { a: east, b: 0, c: 0, d: 0, e: -north, f: top } } },
  };
}

/** Samples on a map, as far apart both ways. */
function onMap(metres: number, [south, top]: readonly [number, number]): PlacedSource {
  return {
    crs: { geographic: false, unitMetres: 1 },
    grid: { bounds: { west: 0, east: 1, south, north: top }, spacingDegrees: metres / 111_200 },
    source: { info: { affine: { a: metres, b: 0, c: 0, d: 0, e: -metres, f: 0 } } },
  };
}

it.each([
  ['SRTM of Maui', lonLat(SECOND, SECOND, [20, 21]), 14, 15],
  // Half as dense on the ground from west to east, but every sample is met.
  ['SRTM of Oslo', lonLat(SECOND, SECOND, [59, 60]), 14, 15],
  ['Copernicus 30 m of Finland, thinned towards the pole', lonLat(2 * SECOND, SECOND, [65, 66]), 14, 14],
  ['2 m of Switzerland', onMap(2, [46, 47]), 18, 18],
  ['10 m at the equator', onMap(10, [-1, 1]), 15, 16],
  ['10 m of Svalbard', onMap(10, [77, 80]), 15, 14],
  ['a map of the world every 5 minutes', lonLat(300 * SECOND, 300 * SECOND, [-90, 90]), 6, 7],
])('%s', (_, source, inGeographic, inMercator) => {
  expect(nativeLevelOf(source, geographic)).toBe(inGeographic);
  const level = nativeLevelOf(source, webMercator);
  expect(level).toBe(inMercator);
  const { south, north } = source.grid.bounds;
  const nearest = Math.max(south, 0);
  const spacing = postSpacing({ scheme: webMercator, z: level, perTile: 64 });
  // The posts themselves, at the latitude that rules: as close as the samples, and not all at the level before.
  const lats = postLatitudes(postsOfTile(webMercator, { z: level, x: 0, y: webMercator.rowAt(level, nearest) }));
  expect(lats[0] - lats[1]).toBeLessThanOrEqual(source.grid.spacingDegrees * 1.03);
  const east = source.crs.geographic ? source.source.info.affine.a : Infinity;
  expect(spacing).toBeLessThanOrEqual(east * (1 + 1e-6));
  expect(2 * spacing > east || 2 * (lats[0] - lats[1]) > source.grid.spacingDegrees * 0.97).toBe(true);
  expect(readingAspect(geographic, source.grid.bounds)).toBe(1);
  const aspect = readingAspect(webMercator, source.grid.bounds);
  const [far, near] = [Math.min(85.05, Math.max(Math.abs(south), north)), nearest].map((lat) =>
    webMercator.aspect(lat),
  );
  expect(aspect).toBeGreaterThanOrEqual(far);
  expect(aspect).toBeGreaterThanOrEqual(near / 2);
  expect(aspect).toBeLessThanOrEqual(near);
});
