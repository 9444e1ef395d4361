/**
 * Implicit tiling (3D Tiles 1.1, "Implicit tiling", and the extension of the same form for 1.0): tiles of a quadtree or
 * octree by their subtree files, read when they are asked for. The only reader of subtrees is loaders.gl.
 */
import { Tile3DSubtreeLoader } from '@loaders.gl/3d-tiles';
import { parse } from '@loaders.gl/core';
import { RelievoError } from '../error.ts';
import { childVolume, type Volume } from './bounding-volume.ts';
import { nameOf, type Place, referTo } from './place.ts';

export interface ImplicitRoot {
  /** Of the document that the templates are written in. */
  readonly base: URL;
  readonly octree: boolean;
  readonly subtreeLevels: number;
  readonly levels: number;
  readonly subtrees: string;
  readonly contents: readonly string[];
  readonly volume: Volume;
  readonly geometricError: number;
}

export interface ImplicitTile {
  readonly volume: Volume;
  readonly geometricError: number;
  readonly contents: readonly URL[];
  /** Those that reach into the box, and whether there are any at all. */
  children(): Promise<{ readonly any: boolean; readonly within: readonly ImplicitTile[] }>;
}

interface Availability {
  readonly constant?: number;
  readonly explicitBitstream?: Uint8Array;
}

interface Subtree {
  readonly tileAvailability: Availability;
  readonly contentAvailability?: Availability | readonly Availability[];
  readonly childSubtreeAvailability: Availability;
}

type Json = Readonly<Record<string, unknown>>;

/** The description in a tile of tileset.json; undefined for a tile that is not the root of an implicit tree. */
export function readImplicit(
  tile: Json,
  contents: readonly string[],
  base: URL,
  shown: string,
): ImplicitRoot | undefined {
  const extensions = (tile.extensions ?? {}) as Json;
  const tiling = (tile.implicitTiling ?? extensions['3DTILES_implicit_tiling']) as Json | undefined;
  if (tiling === undefined) return undefined;
  const { subdivisionScheme, subtreeLevels, availableLevels, maximumLevel, subtrees } = tiling;
  const uri = (subtrees as Json | undefined)?.uri;
  const levels = availableLevels ?? (Number.isInteger(maximumLevel) ? Number(maximumLevel) + 1 : undefined);
  const fits = (value: unknown, most: number) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  const known = subdivisionScheme === 'QUADTREE' || subdivisionScheme === 'OCTREE';
  // Beyond 20 levels the numbers of an octree's bits in one file would not be exact, and nobody writes such files.
  if (!known || !fits(subtreeLevels, 20) || !fits(levels, 40) || typeof uri !== 'string') {
    throw new RelievoError(
      'input-invalid',
      'The implicit tiling needs subdivisionScheme QUADTREE or OCTREE, subtreeLevels, availableLevels and subtrees.uri; run a 3D Tiles validator.',
      { where: shown },
    );
  }
  return {
    base,
    octree: subdivisionScheme === 'OCTREE',
    subtreeLevels: Number(subtreeLevels),
    levels: Number(levels),
    subtrees: uri,
    contents,
    volume: (tile.boundingVolume ?? {}) as Volume,
    geometricError: Number(tile.geometricError ?? 0),
  };
}

/** The root tile; undefined when its subtree says that it has none. */
export async function openImplicit(
  place: Place,
  root: ImplicitRoot,
  reaches: (volume: Volume) => boolean,
  signal: AbortSignal,
): Promise<ImplicitTile | undefined> {
  const { octree, subtreeLevels } = root;
  const bits = octree ? 3 : 2;
  const fan = 1 << bits;
  const top = [0, 0, 0, 0] as const;
  return tileOf(await readSubtree(top), top, top);

  /** `at`: level, x, y, z in the tree; `start`: the same of the root of its subtree. */
  function tileOf(subtree: Subtree, start: Address, at: Address): ImplicitTile | undefined {
    const local = at[0] - start[0];
    const index = (fan ** local - 1) / (fan - 1) + mortonOf(start, at);
    if (!bitOf(subtree.tileAvailability, index)) return undefined;
    const [level, x, y, z] = at;
    const lists = subtree.contentAvailability ?? [];
    const availabilities = (Array.isArray(lists) ? lists : [lists]) as readonly Availability[];
    return {
      volume: childVolume(root.volume, level, x, y, octree ? z : undefined),
      geometricError: root.geometricError / 2 ** level,
      contents: root.contents
        .filter((_, k) => availabilities[k] !== undefined && bitOf(availabilities[k], index))
        .map((template) => referTo(place, root.base, fill(template, at))),
      children: () => childrenOf(subtree, start, at),
    };
  }

  async function childrenOf(subtree: Subtree, start: Address, at: Address): ReturnType<ImplicitTile['children']> {
    const within: ImplicitTile[] = [];
    if (at[0] + 1 >= root.levels) return { any: false, within };
    let any = false;
    const leaves = at[0] + 1 - start[0] === subtreeLevels;
    for (let k = 0; k < fan; k++) {
      const child = [at[0] + 1, 2 * at[1] + (k & 1), 2 * at[2] + ((k >> 1) & 1), 2 * at[3] + (k >> 2)] as const;
      if (leaves && !bitOf(subtree.childSubtreeAvailability, mortonOf(start, child))) continue;
      const volume = childVolume(root.volume, child[0], child[1], child[2], octree ? child[3] : undefined);
      if (leaves && !reaches(volume)) {
        any = true;
        continue;
      }
      const tile = leaves ? tileOf(await readSubtree(child), child, child) : tileOf(subtree, start, child);
      if (!tile) continue;
      any = true;
      if (reaches(volume)) within.push(tile);
    }
    return { any, within };
  }

  function mortonOf([level, x, y, z]: Address, at: Address): number {
    const local = at[0] - level;
    const size = 2 ** local;
    const parts = [at[1] - x * size, at[2] - y * size, at[3] - z * size];
    let morton = 0;
    for (let bit = local - 1; bit >= 0; bit--) {
      for (let axis = bits - 1; axis >= 0; axis--) morton = 2 * morton + ((parts[axis] >> bit) & 1);
    }
    return morton;
  }

  async function readSubtree(at: Address): Promise<Subtree> {
    const url = referTo(place, root.base, fill(root.subtrees, at));
    const bytes = await place.read(url, { signal });
    const refuse = (why: string, cause?: unknown) =>
      new RelievoError('input-invalid', `The subtree ${nameOf(url)} ${why}`, { where: place.shown, cause });
    if (bytes === undefined) throw refuse('is not there; check that the tileset is whole.');
    const fetch = async (address: string) => {
      const buffer = await place.read(referTo(place, url, address.slice(FOLDER.length)), { signal });
      return new Response(buffer && Uint8Array.from(buffer), { status: buffer ? 200 : 404 });
    };
    try {
      // A copy, because the loader wants a buffer of its own.
      const options = { core: { worker: false, fetch, baseUrl: FOLDER } };
      const subtree = (await parse(Uint8Array.from(bytes).buffer, Tile3DSubtreeLoader, options, {
        baseUrl: FOLDER.slice(0, -1),
        fetch,
      } as never)) as unknown as Subtree;
      if (subtree.tileAvailability && subtree.childSubtreeAvailability) return subtree;
    } catch (cause) {
      if (cause instanceof RelievoError) throw cause;
      signal.throwIfAborted();
      throw refuse(`cannot be read: ${String(cause)}; get the file again.`, cause);
    }
    throw refuse('says nothing of the tiles that there are; get the file again.');
  }
}

type Address = readonly [level: number, x: number, y: number, z: number];

/** What stands before the names in files for loaders.gl, which wants addresses that it can join. */
export const FOLDER = 'https://tileset.invalid/';

function bitOf({ constant, explicitBitstream }: Availability, index: number): boolean {
  if (constant !== undefined) return constant === 1;
  const byte = explicitBitstream?.[Math.floor(index / 8)] ?? 0;
  return ((byte >> (index % 8)) & 1) === 1;
}

function fill(template: string, [level, x, y, z]: Address): string {
  const numbers: Record<string, number> = { level, x, y, z };
  return template.replace(/\{(level|x|y|z)\}/g, (_, word: string) => String(numbers[word]));
}
