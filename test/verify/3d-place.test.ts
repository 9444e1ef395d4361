/** Which vertices of a tile are on its sides, where tiles are a few metres wide. */
import { expect, it } from 'vitest';
import type { JudgedMesh } from '../../tiler/verify/3d-mesh.ts';
import { placeMesh } from '../../tiler/verify/3d-place.ts';
import { toEcef } from '../../tiler/verify/wgs84.ts';

it('tells a vertex one place of 4096 off a border of level 22, a millimetre, from those on it', () => {
  const side = 180 / 2 ** 22;
  const [west, south] = [-180 + 2289357 * side, -90 + 3059595 * side];
  const region = { west, south, east: west + side, north: south + side, least: 150, most: 250 };
  const corners = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
    [0.5, 1 / 4096],
  ];
  const mesh: JudgedMesh = {
    positions: corners.map(([u, v]) => toEcef(west + u * side, south + v * side, 200 + 3 * v)),
    normals: undefined,
    texture: undefined,
    triangles: [0, 1, 4, 1, 2, 4, 2, 3, 4, 3, 0, 4],
    rounding: 0.00007,
    normalRounding: 0,
    doubleSided: false,
    edges: undefined,
  };
  const faults: string[] = [];
  const placed = placeMesh(mesh, { kind: 'region', ...region }, (kind) => faults.push(kind));
  expect(placed?.skirts).toEqual([]);
  expect(placed?.sides).toEqual({ west: [0, 3], south: [0, 1], east: [1, 2], north: [3, 2] });
  expect(faults).toEqual([]);
});
