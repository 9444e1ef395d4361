/** Rows and posts of both tiling schemes: the same bits whoever asks, and where CesiumJS has them. */
import { Cartographic, GeographicTilingScheme, TerrainProvider, WebMercatorTilingScheme } from 'cesium';
import { describe, expect, it } from 'vitest';
import {
  cellAround,
  type PostGrid,
  postLatitudes,
  postLongitudes,
  postSpacing,
  postsOfTile,
  rowSpacing,
} from '../../tiler/geo/post-grid.ts';
import { flipRow, geographic, type TileId, webMercator } from '../../tiler/geo/tiling-scheme.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const SCHEMES = [
  [geographic, new GeographicTilingScheme({ numberOfLevelZeroTilesX: 2 })],
  [webMercator, new WebMercatorTilingScheme()],
] as const;

describe.each(SCHEMES)('$id', (scheme, theirs) => {
  const random = seededRandom(3857);
  const someTile = (z: number): TileId => ({
    z,
    x: Math.floor(random() * scheme.columns(z)),
    y: Math.floor(random() * scheme.rows(z)),
  });

  it('has the boxes and errors of CesiumJS', () => {
    for (let z = 0; z <= 24; z++) {
      expect([scheme.columns(z), scheme.rows(z)]).toEqual([
        theirs.getNumberOfXTilesAtLevel(z),
        theirs.getNumberOfYTilesAtLevel(z),
      ]);
      for (let k = 0; k < 20; k++) {
        const tile = someTile(z);
        const box = scheme.box(tile);
        const { west, south, east, north } = theirs.tileXYToRectangle(tile.x, tile.y, z);
        const apart = [box.west, box.south, box.east, box.north].map(
          (degrees, i) => (degrees * Math.PI) / 180 - [west, south, east, north][i],
        );
        expect(Math.max(...apart.map(Math.abs)), `${z}/${tile.x}/${tile.y}`).toBeLessThan(2e-15);
        // The middle of the box lies in the tile, for them too.
        const middle = Cartographic.fromDegrees((box.west + box.east) / 2, (box.south + box.north) / 2);
        expect(theirs.positionToTileXY(middle, z)).toMatchObject({ x: tile.x, y: tile.y });
        expect(scheme.rowAt(z, (box.south + box.north) / 2)).toBe(tile.y);
      }
    }
    const root = TerrainProvider.getEstimatedLevelZeroGeometricErrorForAHeightmap(
      theirs.ellipsoid,
      65,
      theirs.getNumberOfXTilesAtLevel(0),
    );
    for (const z of [0, 7, 14]) expect(scheme.maxGeometricError(z)).toBeCloseTo(root / 2 ** z, 9);
  });

  it('has the same bits for a row edge at every level, and for neighbours', () => {
    for (let z = 0; z <= 20; z++) {
      for (let k = 0; k < 30; k++) {
        const { x, y } = someTile(z);
        const edge = scheme.rowEdge(z, y);
        for (let deeper = z + 1; deeper <= 30; deeper++) {
          expect(Object.is(scheme.rowEdge(deeper, y * 2 ** (deeper - z)), edge)).toBe(true);
        }
        expect(scheme.box({ z, x, y }).north).toBe(edge);
        expect(scheme.box({ z, x, y }).south).toBe(scheme.rowEdge(z, y + 1));
        expect(scheme.box({ z, x, y: y - 1 }).south).toBe(edge);
        // An edge and the one that mirrors it at the equator.
        expect(scheme.rowEdge(z, y) + scheme.rowEdge(z, scheme.rows(z) - y)).toBe(0);
        expect(scheme.rowAt(z, edge)).toBe(y);
        expect(flipRow(scheme, z, flipRow(scheme, z, y))).toBe(y);
      }
    }
    expect(scheme.rowEdge(9, 0)).toBe(scheme.extent.north);
    expect(scheme.rowEdge(9, 512)).toBe(scheme.extent.south);
  });

  it.each([64, 1024])('lays %i posts a side at equal steps of latitude inside a tile', (perTile) => {
    for (let z = 0; z <= 20; z++) {
      const tile = someTile(z);
      const box = scheme.box(tile);
      const posts = postsOfTile(scheme, tile, 0, perTile);
      const lats = postLatitudes(posts);
      expect([lats[0], lats[perTile]]).toEqual([box.north, box.south]);
      const steps = Array.from({ length: perTile }, (_, j) => lats[j] - lats[j + 1]);
      expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(1e-13);
      expect(steps[perTile / 2]).toBeCloseTo(rowSpacing(posts), 12);
      // v of the format is linear between the edges: every vertex code of a post lies within half a step of its latitude.
      const quarter = box.south + ((box.north - box.south) * 3) / 4;
      expect(lats[perTile / 4]).toBeCloseTo(quarter, 12);
      const lons = postLongitudes(posts);
      expect(lons[1] - lons[0]).toBeCloseTo(postSpacing(posts), 12);
    }
  });

  it('gives a post one place, in tiles with and without a halo, in single rows and columns', () => {
    for (let z = 2; z <= 22; z += 4) {
      const tile = { ...someTile(z), y: 1 + Math.floor(random() * (scheme.rows(z) - 2)) };
      const below = { ...tile, y: tile.y + 1 };
      const wide = postLatitudes(postsOfTile(scheme, tile, 1));
      const plain = postLatitudes(postsOfTile(scheme, tile));
      expect(wide.subarray(1, 66)).toEqual(plain);
      const next = postLatitudes(postsOfTile(scheme, below, 1));
      expect([next[0], next[1], next[2]]).toEqual([plain[63], plain[64], wide[66]]);
      const border: PostGrid = { ...postsOfTile(scheme, below), rows: 1 };
      expect(postLatitudes(border)[0]).toBe(plain[64]);
      // A step of a lattice sixteen times as dense falls on each post.
      const dense = postLatitudes({ ...postsOfTile(scheme, tile, 0, 1024), columns: 1 });
      plain.forEach((lat, j) => {
        expect(Object.is(dense[16 * j], lat)).toBe(true);
      });
    }
  });

  it('finds the cell round a place', () => {
    for (let z = 0; z <= 18; z += 3) {
      for (let k = 0; k < 50; k++) {
        const lon = random() * 360 - 180;
        const lat = (random() * 2 - 1) * scheme.extent.north;
        const cell = cellAround({ scheme, z, perTile: 64 }, lon, lat);
        expect(cell.west <= lon && lon < cell.east && cell.south < lat && lat <= cell.north).toBe(true);
        const y = Math.min(scheme.rows(z) - 1, scheme.rowAt(z, lat));
        const height = rowSpacing(postsOfTile(scheme, { z, x: 0, y }));
        expect(cell.north - cell.south).toBeCloseTo(height, 12);
      }
    }
  });
});

it('web-mercator ends at 85.0511 degrees, and rows of posts beyond go on towards the pole', () => {
  expect(webMercator.extent.north).toBeCloseTo(85.0511287798066, 12);
  const lats = postLatitudes(postsOfTile(webMercator, { z: 3, x: 0, y: 0 }, 2));
  expect(lats[2]).toBe(webMercator.extent.north);
  expect(lats[0]).toBeGreaterThan(lats[1]);
  expect(lats[1]).toBeGreaterThan(lats[2]);
  expect(lats[0]).toBeLessThan(90);
});
