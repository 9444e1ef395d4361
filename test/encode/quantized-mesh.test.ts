import { BoundingSphere, Cartesian3, QuantizedMeshTerrainData, Rectangle } from 'cesium';
import { describe, expect, it } from 'vitest';
import { encodeOct } from '../../tiler/encode/oct-normal.ts';
import { encodeQuantizedMesh } from '../../tiler/encode/quantized-mesh.ts';
import { withoutHalo } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { meshTile } from '../../tiler/mesh/mesh-tile.ts';
import { computeNormals } from '../../tiler/mesh/normals.ts';
import { checkTile } from '../../tiler/verify/check-tile.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { gridOf } from '../support/height-grid.ts';
import { decodeWithHere } from '../support/here-decoder.ts';
import { decodeWith3dTilesRenderer } from '../support/renderer-decoder.ts';

function encodeTile(id: TileId, terrain: (i: number, j: number) => number, withNormals = true) {
  const read = gridOf(id, terrain, 1);
  const grid = withoutHalo(read, 1);
  const mesh = meshTile(grid, geographic.maxGeometricError(id.z));
  const minHeight = Math.min(...grid.heights);
  const maxHeight = Math.max(...grid.heights);
  const normals = withNormals ? computeNormals(mesh, read) : undefined;
  return { mesh, bytes: encodeQuantizedMesh({ mesh, box: geographic.box(id), normals, minHeight, maxHeight }) };
}

const rough = (i: number, j: number) => 800 * Math.sin(i * 0.31) * Math.cos(j * 0.17) + 300 * Math.sin(i * 1.3 + j);

describe('encodeQuantizedMesh', () => {
  it('passes the strict judge at every level, with and without normals, flat and below the ellipsoid', () => {
    const terrains = [rough, () => 0, () => -4000, (i: number, j: number) => rough(i, j) - 9000, () => 8848];
    for (let z = 0; z <= 16; z++) {
      for (const [k, terrain] of terrains.entries()) {
        const id = { z, x: geographic.columns(z) - 1, y: k % 2 ? 0 : geographic.rows(z) >> 1 };
        const poleSafe = id.y === 0 ? (i: number, j: number) => (j <= 0 ? 0 : terrain(i, j)) : terrain;
        expect(checkTile(encodeTile(id, poleSafe, k % 3 !== 0).bytes, id), `level ${z}, terrain ${k}`).toEqual([]);
      }
    }
  });

  it('is read alike by three foreign decoders', () => {
    const { mesh, bytes } = encodeTile({ z: 11, x: 700, y: 300 }, rough);
    const count = mesh.u.length;
    const here = decodeWithHere(bytes);
    const { minHeight, maxHeight } = here.header;
    const step = (maxHeight - minHeight) / 32767;
    expect(here.triangleIndices.length).toBe(mesh.triangles.length);

    // What was decoded is what was meshed: same places, heights within half a step.
    const heightAt = new Map<string, number>();
    for (let k = 0; k < count; k++) heightAt.set(`${mesh.u[k]} ${mesh.v[k]}`, mesh.heights[k]);
    const plane = (p: number, k: number) => here.vertexData[p * count + k];
    for (let k = 0; k < count; k++) {
      const meshed = heightAt.get(`${plane(0, k)} ${plane(1, k)}`) ?? Number.NaN;
      expect(Math.abs(minHeight + step * plane(2, k) - meshed)).toBeLessThan(step / 2 + 0.002);
    }

    const renderer = decodeWith3dTilesRenderer(bytes);
    expect([...renderer.indices]).toEqual([...here.triangleIndices]);
    for (let k = 0; k < count; k++) {
      const planes = [renderer.vertexData.u[k], renderer.vertexData.v[k], renderer.vertexData.height[k]];
      // It hands out single-precision shares of 32767.
      expect(planes.map((share) => Math.round(share * 32767))).toEqual([0, 1, 2].map((p) => plane(p, k)));
    }

    // CesiumJS interpolates in the decoded triangles: at each vertex it must give the vertex's own height.
    const cesium = new QuantizedMeshTerrainData({
      quantizedVertices: new Uint16Array(here.vertexData),
      indices: new Uint16Array(here.triangleIndices),
      minimumHeight: minHeight,
      maximumHeight: maxHeight,
      boundingSphere: new BoundingSphere(),
      horizonOcclusionPoint: new Cartesian3(),
      westIndices: Array.from(here.westIndices),
      southIndices: Array.from(here.southIndices),
      eastIndices: Array.from(here.eastIndices),
      northIndices: Array.from(here.northIndices),
      westSkirtHeight: 1,
      southSkirtHeight: 1,
      eastSkirtHeight: 1,
      northSkirtHeight: 1,
    });
    const { west, south, east, north } = geographic.box({ z: 11, x: 700, y: 300 });
    const rectangle = Rectangle.fromDegrees(west, south, east, north);
    for (let k = 0; k < count; k++) {
      const lon = rectangle.west + ((rectangle.east - rectangle.west) * mesh.u[k]) / 32767;
      const lat = rectangle.south + ((rectangle.north - rectangle.south) * mesh.v[k]) / 32767;
      expect(Math.abs(cesium.interpolateHeight(rectangle, lon, lat) - mesh.heights[k])).toBeLessThan(step / 2 + 0.002);
    }
  });

  it('has the occlusion point of a hemisphere far out and of small tiles just above the ground', () => {
    const pointOf = (id: TileId) => {
      const view = new DataView(encodeTile(id, () => 500).bytes.buffer);
      return Math.hypot(view.getFloat64(64, true), view.getFloat64(72, true), view.getFloat64(80, true));
    };
    expect(pointOf({ z: 0, x: 0, y: 0 })).toBeGreaterThanOrEqual(1e3);
    // Over the tile's middle, 90 E, wherever its relief draws the sphere's centre: else half the world would be hidden.
    const northern = new DataView(encodeTile({ z: 0, x: 1, y: 0 }, (_, j) => 90 * (64 - j)).bytes.buffer);
    const [x, y, z] = [64, 72, 80].map((at) => northern.getFloat64(at, true));
    expect(y / Math.hypot(x, y, z)).toBeGreaterThan(0.9999);
    // Plausible sizes for 500 m of terrain near the equator.
    expect(pointOf({ z: 3, x: 4, y: 4 })).toBeCloseTo(1.04, 2);
    expect(pointOf({ z: 14, x: 9000, y: 8192 })).toBeCloseTo(1.00008, 5);
  });
});

describe('encodeOct', () => {
  it('keeps directions within its step', () => {
    const random = seededRandom(7);
    const out = new Uint8Array(2);
    for (let k = 0; k < 2000; k++) {
      const v = [random() * 2 - 1, random() * 2 - 1, random() * 2 - 1];
      const length = Math.hypot(...v);
      const [x, y, z] = v.map((c) => c / length);
      encodeOct(x, y, z, out, 0);
      let dx = (out[0] / 255) * 2 - 1;
      let dy = (out[1] / 255) * 2 - 1;
      const dz = 1 - Math.abs(dx) - Math.abs(dy);
      if (dz < 0) {
        const folded = (1 - Math.abs(dy)) * (dx < 0 ? -1 : 1);
        dy = (1 - Math.abs(dx)) * (dy < 0 ? -1 : 1);
        dx = folded;
      }
      const cosine = (dx * x + dy * y + dz * z) / Math.hypot(dx, dy, dz);
      expect(cosine).toBeGreaterThan(Math.cos((1 * Math.PI) / 180));
    }
  });
});
