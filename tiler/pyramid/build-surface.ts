/**
 * A placed surface to a tileset with levels of detail, from the leaves up: a tile is what its two children are, with half
 * the triangles. Vertices that other tiles have too are kept at every level, so neighbours fit whatever their levels.
 */
import { type SurfaceTileEntry, surfaceTileset } from '../catalog/surface-tileset.ts';
import { type OpenPicture, openPicture, sizeOfPicture } from '../encode/surface-picture.ts';
import { RelievoError } from '../error.ts';
import type { SurfaceMesh, SurfacePicture } from '../geo/surface-mesh.ts';
import { simplifySurface } from '../mesh/simplify.ts';
import { type SurfacePart, splitSurface } from '../mesh/split-surface.ts';
import { boxOf, type TidySurface, tidySurface } from '../mesh/tidy-surface.ts';
import { openTilesetWriter, writeTilesetFile } from '../store/tileset-writer.ts';
import { makeSurfaceTile } from './make-surface-tile.ts';

export interface BuildSurfaceOptions {
  /** A folder, or an archive x.3tz. */
  readonly out: string;
  readonly title?: string | undefined;
  /** Shown by clients. */
  readonly attribution?: string | undefined;
  /** The most triangles of a leaf; 20 000 by default. */
  readonly tileTriangles?: number | undefined;
  /** The most texels of a tile's pictures together; 1 048 576 by default. */
  readonly tileTexels?: number | undefined;
  readonly onTiles?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SurfaceLevel {
  /** 0 at the root. */
  readonly level: number;
  readonly tiles: number;
  readonly bytes: number;
  readonly triangles: number;
  /** Metres, the greatest of its tiles: how far a tile lies from the full surface. */
  readonly maxError: number;
}

export interface SurfaceReport {
  readonly levels: readonly SurfaceLevel[];
  readonly stepMetres: number;
}

/** Clients of 3D Tiles refine where the error is seen at 16 pixels: eight times the error is refined at two. */
const ERROR_FACTOR = 8;
const TILE_TRIANGLES = 20_000;
const TILE_TEXELS = 2 ** 20;
/** A tile of so few triangles is not cut for its pictures' sake. */
const FEW_TRIANGLES = 64;
/** Further away a local frame's up is no longer the ground's. */
const MOST_METRES = 100_000;

/** What a part has become: vertices of the surface, and what is known of it. */
interface Made {
  readonly triangles: Uint32Array;
  readonly entry: SurfaceTileEntry;
  /** Texels for one of the surface's pictures. */
  readonly scale: number;
}

export async function buildSurface(mesh: SurfaceMesh, options: BuildSurfaceOptions): Promise<SurfaceReport> {
  const { out, title = '', attribution = '', tileTexels = TILE_TEXELS, onTiles, signal } = options;
  refuseFar(mesh);
  const surface = tidySurface(mesh);
  if (surface.triangles.length === 0) {
    throw new RelievoError('input-invalid', 'No triangle of it has an area', { where: mesh.origin });
  }
  const step = 2 ** surface.stepPower;
  const texels = await weighTriangles(surface);
  const { order, root } = splitSurface(surface.positions, surface.triangles, texels.each, {
    triangles: options.tileTriangles ?? TILE_TRIANGLES,
    weight: tileTexels,
    few: FEW_TRIANGLES,
  });
  const reach = reachOfPlaces(surface, order);
  const total = countParts(root);
  const levels: { -readonly [key in keyof SurfaceLevel]: SurfaceLevel[key] }[] = [];
  const pictures = openShelf();
  let done = 0;
  const writer = await openTilesetWriter(out);
  try {
    const { entry } = await make(root, 0, 0);
    const tileset = surfaceTileset(entry, { frame: surface.frame, leastHalf: step, title, attribution });
    await writer.finish(tileset, undefined, signal ? { signal } : {});
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return { levels, stepMetres: step };

  async function make(part: SurfacePart, level: number, number: number): Promise<Made> {
    const children: Made[] = [];
    for (const [i, child] of part.children.entries()) children.push(await make(child, level + 1, 2 * number + i));
    signal?.throwIfAborted();
    const { triangles, error } = children.length > 0 ? await merge(part, children) : full(part);
    const weight = sumOf(texels.each, order, part);
    const scale = Math.min(1, Math.sqrt(tileTexels / weight));
    const texelMetres = weight > 0 ? texels.metres(part, order) / scale : undefined;
    const bytes = await makeSurfaceTile(surface, triangles, {
      scale,
      copyright: attribution,
      openPicture: pictures.open,
    });
    const uri = `tiles/${level}/${number}.glb`;
    writeTilesetFile(writer.folder, uri, bytes);
    count(level, bytes.length, triangles.length / 3, error);
    const blurred = children.some((child) => child.scale > scale) ? (texelMetres ?? 0) : 0;
    const entry = {
      box: boxOfPart(children, triangles),
      geometricError: Math.max(
        ERROR_FACTOR * error,
        ERROR_FACTOR * blurred,
        ...children.map((child) => child.entry.geometricError),
      ),
      uri,
      children: children.map((child) => child.entry),
      triangles: triangles.length / 3,
      errorMetres: error,
      texelMetres,
    };
    onTiles?.(++done, total);
    return { triangles, entry, scale };
  }

  function full({ from, to }: SurfacePart) {
    const triangles = new Uint32Array(3 * (to - from));
    for (let i = from; i < to; i++) {
      triangles.set(surface.triangles.subarray(3 * order[i], 3 * order[i] + 3), 3 * (i - from));
    }
    return { triangles, error: 0 };
  }

  /** The errors add up: each is between a tile and its children. */
  async function merge(part: SurfacePart, children: readonly Made[]) {
    const all = Uint32Array.from(children.flatMap((child) => Array.from(child.triangles)));
    const kept = Uint32Array.from(new Set(all));
    const numberOf = new Map(Array.from(kept, (vertex, i) => [vertex, i]));
    const [x, y, z] = boxOfPart(children, all);
    const at = [x, y, z];
    const { triangles, error } = await simplifySurface(
      {
        positions: Float32Array.from({ length: 3 * kept.length }, (_, i) => {
          return surface.positions[3 * kept[Math.floor(i / 3)] + (i % 3)] - at[i % 3];
        }),
        uv: Float32Array.from({ length: 2 * kept.length }, (_, i) => surface.uv[2 * kept[i >> 1] + (i & 1)]),
        metresPerUv: texels.metresPerUv,
        triangles: all.map((vertex) => numberOf.get(vertex) as number),
        locked: Uint8Array.from(kept, (vertex) => (reach.isShared(vertex, part) ? 1 : 0)),
      },
      all.length / 3 / 2,
      step,
    );
    return {
      triangles: triangles.map((vertex) => kept[vertex]),
      error: error + Math.max(...children.map((child) => child.entry.errorMetres)),
    };
  }

  /** A parent's holds its children, whose surface may reach further. */
  function boxOfPart(children: readonly Made[], triangles: Uint32Array): number[] {
    if (children.length === 0) {
      const positions = new Float64Array(3 * triangles.length);
      for (const [i, vertex] of triangles.entries()) {
        positions.set(surface.positions.subarray(3 * vertex, 3 * vertex + 3), 3 * i);
      }
      return boxOf(positions);
    }
    const boxes = children.map((child) => child.entry.box);
    return [0, 1, 2, 3, 4, 5].map((k) => (k < 3 ? Math.min : Math.max)(...boxes.map((box) => box[k])));
  }

  function count(level: number, bytes: number, triangles: number, error: number): void {
    for (let k = levels.length; k <= level; k++) {
      levels.push({ level: k, tiles: 0, bytes: 0, triangles: 0, maxError: 0 });
    }
    const row = levels[level];
    row.tiles++;
    row.bytes += bytes;
    row.triangles += triangles;
    row.maxError = Math.max(row.maxError, error);
  }
}

function refuseFar({ positions, origin }: SurfaceMesh): void {
  const furthest = positions.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (furthest <= MOST_METRES) return;
  throw new RelievoError(
    'input-unsupported',
    `The scene reaches ${Math.round(furthest / 1000)} km from its own origin, which --at places: coordinates of a map are to be moved near 0 first, and units other than metres scaled`,
    { where: origin },
  );
}

function countParts({ children }: SurfacePart): number {
  return children.reduce((sum, child) => sum + countParts(child), 1);
}

function sumOf(values: Float64Array, order: Uint32Array, { from, to }: SurfacePart): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[order[i]];
  return sum;
}

/** Texels under each triangle, and what they cover. */
async function weighTriangles(surface: TidySurface) {
  const { triangles, positions, uv, material, materials } = surface;
  const sizes: (number | undefined)[] = [];
  for (const { picture } of materials) {
    const size = picture && (await sizeOfPicture(picture));
    sizes.push(size && size.width * size.height);
  }
  const each = new Float64Array(triangles.length / 3);
  const areas = new Float64Array(triangles.length / 3);
  let [inUv, inMetres] = [0, 0];
  for (let i = 0; i < each.length; i++) {
    const [a, b, c] = triangles.subarray(3 * i, 3 * i + 3);
    const size = sizes[material[a]];
    if (size === undefined) continue;
    const [u, v] = [b, c].map((k) => [0, 1, 2].map((axis) => positions[3 * k + axis] - positions[3 * a + axis]));
    const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    areas[i] = Math.hypot(...cross) / 2;
    const [p, q] = [b, c].map((k) => [uv[2 * k] - uv[2 * a], uv[2 * k + 1] - uv[2 * a + 1]]);
    const share = Math.abs(p[0] * q[1] - p[1] * q[0]) / 2;
    each[i] = share * size;
    inUv += share;
    inMetres += areas[i];
  }
  return {
    each,
    metresPerUv: inUv > 0 ? Math.sqrt(inMetres / inUv) : 0,
    metres: (part: SurfacePart, order: Uint32Array) =>
      Math.sqrt(sumOf(areas, order, part) / Math.max(sumOf(each, order, part), Number.MIN_VALUE)),
  };
}

/** Which places the triangles of other parts have too, at full detail. */
function reachOfPlaces({ triangles, places }: TidySurface, order: Uint32Array) {
  const first = new Uint32Array(places.length).fill(0xffffffff);
  const last = new Uint32Array(places.length);
  for (let i = 0; i < order.length; i++) {
    for (let k = 0; k < 3; k++) {
      const place = places[triangles[3 * order[i] + k]];
      first[place] = Math.min(first[place], i);
      last[place] = Math.max(last[place], i);
    }
  }
  return {
    isShared: (vertex: number, { from, to }: SurfacePart) => first[places[vertex]] < from || last[places[vertex]] >= to,
  };
}

/** Unpacked pictures, those used last, as many as fit. */
function openShelf() {
  const kept = new Map<SurfacePicture, OpenPicture>();
  return { open };

  async function open(picture: SurfacePicture): Promise<OpenPicture> {
    const known = kept.get(picture) ?? (await openPicture(picture));
    kept.delete(picture);
    kept.set(picture, known);
    let bytes = 0;
    for (const { pixels } of kept.values()) bytes += pixels.length;
    for (const [oldest, { pixels }] of kept) {
      if (bytes <= SHELF_BYTES || oldest === picture) break;
      kept.delete(oldest);
      bytes -= pixels.length;
    }
    return known;
  }
}

const SHELF_BYTES = 2 ** 30;
