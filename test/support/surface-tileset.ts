/** A tileset of a surface read back: its tiles level by level, and how far two triangle soups lie apart, by brute force. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReadGlb, readGlb } from './read-glb.ts';

export interface TileJson {
  readonly boundingVolume: { readonly box: readonly number[] };
  readonly geometricError: number;
  readonly content: { readonly uri: string };
  readonly children?: readonly TileJson[];
  readonly extras: { readonly triangles: number; readonly errorMetres: number; readonly texelMetres?: number };
  readonly transform?: readonly number[];
}

export interface SurfaceTileRead {
  readonly json: TileJson;
  readonly level: number;
  readonly bytes: Uint8Array;
  readonly glb: ReadGlb;
  readonly children: readonly SurfaceTileRead[];
}

export async function readSurfaceTileset(folder: string): Promise<{ root: SurfaceTileRead; tiles: SurfaceTileRead[] }> {
  const document = JSON.parse(readFileSync(join(folder, 'tileset.json'), 'utf8')) as { root: TileJson };
  const tiles: SurfaceTileRead[] = [];
  const read = async (json: TileJson, level: number): Promise<SurfaceTileRead> => {
    const children: SurfaceTileRead[] = [];
    for (const child of json.children ?? []) children.push(await read(child, level + 1));
    const bytes = readFileSync(join(folder, json.content.uri));
    const tile = { json, level, bytes, glb: await readGlb(bytes), children };
    tiles.push(tile);
    return tile;
  };
  return { root: await read(document.root, 0), tiles };
}

/** Three corners a triangle, three numbers a corner. */
export function cornersOf(tiles: readonly SurfaceTileRead[]): Float64Array {
  return Float64Array.from(
    tiles.flatMap(({ glb }) =>
      Array.from(glb.triangles).flatMap((vertex) => Array.from(glb.positions.subarray(3 * vertex, 3 * vertex + 3))),
    ),
  );
}

export function areaOf(corners: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < corners.length; i += 9) {
    const [ux, uy, uz] = [0, 1, 2].map((k) => corners[i + 3 + k] - corners[i + k]);
    const [vx, vy, vz] = [0, 1, 2].map((k) => corners[i + 6 + k] - corners[i + k]);
    sum += Math.hypot(uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx) / 2;
  }
  return sum;
}

/** Greatest distance of points from triangles; those further than `reach` count as Infinity. */
export function openDistances(corners: Float64Array, reach: number): (points: Float64Array) => number {
  const cells = new Map<number, number[]>();
  const cellOf = (value: number) => Math.floor(value / reach);
  const keyOf = (x: number, y: number) => x * 2 ** 20 + y;
  for (let i = 0; i < corners.length; i += 9) {
    const [[x0, x1], [y0, y1]] = [0, 1].map((axis) => {
      const values = [corners[i + axis], corners[i + 3 + axis], corners[i + 6 + axis]];
      return [cellOf(Math.min(...values) - reach), cellOf(Math.max(...values) + reach)];
    });
    for (let x = x0; x <= x1; x++) {
      for (let y = y0; y <= y1; y++) {
        const own = cells.get(keyOf(x, y));
        if (own) own.push(i);
        else cells.set(keyOf(x, y), [i]);
      }
    }
  }
  return (points) => {
    let most = 0;
    for (let i = 0; i < points.length; i += 3) {
      const [x, y, z] = points.subarray(i, i + 3);
      let least = Infinity;
      for (const triangle of cells.get(keyOf(cellOf(x), cellOf(y))) ?? []) {
        least = Math.min(least, distanceToTriangle(x, y, z, corners, triangle));
        if (least < most) break;
      }
      most = Math.max(most, least);
    }
    return most;
  };
}

/** By projecting on the plane, and on each side: in the manner of a textbook, slowly. */
function distanceToTriangle(x: number, y: number, z: number, corners: Float64Array, at: number): number {
  const p = [x, y, z];
  const [a, b, c] = [0, 3, 6].map((k) => [...corners.subarray(at + k, at + k + 3)]);
  const minus = (m: number[], n: number[]) => m.map((value, k) => value - n[k]);
  const dot = (m: number[], n: number[]) => m[0] * n[0] + m[1] * n[1] + m[2] * n[2];
  const cross = (m: number[], n: number[]) => [
    m[1] * n[2] - m[2] * n[1],
    m[2] * n[0] - m[0] * n[2],
    m[0] * n[1] - m[1] * n[0],
  ];
  const normal = cross(minus(b, a), minus(c, a));
  const sides = [
    [a, b],
    [b, c],
    [c, a],
  ];
  if (
    sides.every(([from, to]) => dot(cross(minus(to, from), minus(p, from)), normal) >= 0) &&
    dot(normal, normal) > 0
  ) {
    return Math.abs(dot(minus(p, a), normal)) / Math.sqrt(dot(normal, normal));
  }
  return Math.min(
    ...sides.map(([from, to]) => {
      const way = minus(to, from);
      const length = dot(way, way);
      const share = length > 0 ? Math.min(Math.max(dot(minus(p, from), way) / length, 0), 1) : 0;
      return Math.hypot(
        ...minus(
          p,
          from.map((value, k) => value + share * way[k]),
        ),
      );
    }),
  );
}

/** A point of every `each`th triangle, evenly spread (M. Roberts, R2). */
export function pointsOf(corners: Float64Array, each: number): Float64Array {
  const out: number[] = [];
  for (let i = 0, k = 0; i < corners.length; i += 9 * each, k++) {
    const [s, t] = [(k * 0.7548776662) % 1, (k * 0.5698402909) % 1];
    const [u, v] = s + t > 1 ? [1 - s, 1 - t] : [s, t];
    for (let axis = 0; axis < 3; axis++) {
      const a = corners[i + axis];
      out.push(a + u * (corners[i + 3 + axis] - a) + v * (corners[i + 6 + axis] - a));
    }
  }
  return Float64Array.from(out);
}
