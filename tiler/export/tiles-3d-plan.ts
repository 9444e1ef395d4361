/**
 * The tiles of a 3D Tiles tileset (1.0 or 1.1, explicit, implicit and external) that cover a box, at a level or within an
 * error. A tile's level is the number of tiles with content above it; refinement is as the specification says.
 */
import { RelievoError } from '../error.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { mayReach, type Volume } from './bounding-volume.ts';
import { sidesOf } from './box-sides.ts';
import { clipPiece } from './clip.ts';
import { type Detail, type ExportPlan, MOST_TILES, tooManyTiles, USUAL_TILES } from './export-plan.ts';
import { type ImplicitTile, openImplicit, readImplicit } from './implicit-tiles.ts';
import { IDENTITY, isMatrix, type Matrix, multiply } from './matrix.ts';
import { type Place, readJson, referTo } from './place.ts';
import { openContents, type UpAxis } from './tile-content.ts';

type Json = Readonly<Record<string, unknown>>;

/** A tile in whatever way it was written. */
interface Tile {
  readonly volume: Volume;
  readonly transform: Matrix;
  readonly geometricError: number;
  readonly add: boolean;
  readonly contents: readonly URL[];
  readonly upAxis: UpAxis;
  /** Those that reach into the box, and whether there are any at all. */
  children(): Promise<{ readonly any: boolean; readonly within: readonly Tile[] }>;
}

/** A file to be read. */
interface Use {
  readonly url: URL;
  readonly transform: Matrix;
  readonly upAxis: UpAxis;
  readonly level: number;
  readonly geometricError: number;
}

/** Tiles that are looked at, whether they are used or not. */
const MOST_LOOKED_AT = 200_000;
const MOST_NESTED = 64;

export async function planTiles3d(
  place: Place,
  url: URL,
  document: Json,
  box: LonLatBox,
  detail: Detail,
  signal: AbortSignal,
): Promise<ExportPlan> {
  const documents = new Map<string, Promise<Json>>([[url.href, Promise.resolve(document)]]);
  const opened = new Map<Json, Map<string, Promise<Tile | undefined>>>();
  const ratio = errorRatioOf(document);
  const root = await openDocument(url, IDENTITY, false);
  const uses = await chooseUses();
  const contents = openContents(place);
  const sides = sidesOf(box);
  const levels = uses.map(({ level }) => level);
  const asset = (document.asset ?? {}) as Json;
  return {
    kind: '3d-tiles',
    levels: [Math.min(...levels), Math.max(...levels)],
    // Tiles that nothing refines state 0, whatever their error is.
    errorMetres: Math.max(0, ...uses.map((use) => use.geometricError / ratio)) || undefined,
    tiles: uses.length,
    skirts: contents.skirts,
    attribution: () => [...(typeof asset.copyright === 'string' ? [asset.copyright] : []), ...contents.attribution()],
    warnings: contents.warnings,
    parts: uses.map((use) => async (stop) => {
      const pieces = await contents.read(use.url, use.transform, use.upAxis, stop);
      return pieces.flatMap((piece) => clipPiece(piece, sides) ?? []);
    }),
  };

  async function chooseUses(): Promise<readonly Use[]> {
    const { level, maxError } = detail;
    if (maxError !== undefined) return (await collect((tile) => tile.geometricError / ratio > maxError)).uses;
    if (level !== undefined) return (await collect((_, at) => at < level)).uses;
    let best = await collect((_, at) => at < 0);
    for (let most = 1; best.stopped; most++) {
      const finer = await collect((_, at) => at < most, USUAL_TILES);
      if (finer.uses.length > USUAL_TILES) break;
      best = finer;
    }
    return best.uses;
  }

  /** `refine` is asked of tiles that have content and children; `stopped` tells whether it ever said no. */
  async function collect(refine: (tile: Tile, level: number) => boolean, most = MOST_TILES) {
    const uses: Use[] = [];
    let stopped = false;
    let looked = 0;
    const visit = async (tile: Tile, level: number, nested: number): Promise<void> => {
      signal.throwIfAborted();
      if (uses.length > most || !mayReach(tile.volume, tile.transform, box)) return;
      if (++looked > MOST_LOOKED_AT || nested > MOST_NESTED) throw tooManyTiles(place.shown);
      const external = tile.contents.filter(isDocument);
      const own = tile.contents.filter((content) => !isDocument(content));
      for (const content of external) {
        const inner = await openDocument(content, tile.transform, tile.add);
        if (inner) await visit(inner, level, nested + 1);
      }
      const wanted = own.length === 0 || refine(tile, level);
      const { any, within } = wanted || !stopped ? await tile.children() : { any: false, within: [] };
      if (!wanted && within.length > 0) stopped = true;
      const replaced = wanted && any && !tile.add;
      if (!replaced) {
        const { transform, upAxis, geometricError } = tile;
        for (const content of own) uses.push({ url: content, transform, upAxis, level, geometricError });
      }
      if (!wanted) return;
      for (const child of within) await visit(child, level + (own.length > 0 ? 1 : 0), nested + 1);
    };
    if (root) await visit(root, 0, 0);
    if (uses.length > MOST_TILES) throw tooManyTiles(place.shown);
    return { uses, stopped };
  }

  async function openDocument(at: URL, transform: Matrix, add: boolean): Promise<Tile | undefined> {
    const reading = documents.get(at.href) ?? readJson(place, at, { signal });
    documents.set(at.href, reading);
    const found = await reading;
    const { asset, root } = found;
    if (typeof root !== 'object' || root === null) {
      throw new RelievoError('input-invalid', `${at.pathname} has no root tile; run a 3D Tiles validator.`, {
        where: place.shown,
      });
    }
    const axis = (asset as Json | undefined)?.gltfUpAxis;
    const upAxis = axis === 'X' || axis === 'Z' ? axis : 'Y';
    return openTile(root as Json, at, transform, add, upAxis);
  }

  /** Kept: subtrees are read once, however often levels are tried. */
  function openTile(
    tile: Json,
    base: URL,
    outer: Matrix,
    outerAdd: boolean,
    upAxis: UpAxis,
  ): Promise<Tile | undefined> {
    const here = opened.get(tile) ?? new Map<string, Promise<Tile | undefined>>();
    opened.set(tile, here);
    // A document may be referred to from more than one place.
    const opening = here.get(outer.join()) ?? readTile(tile, base, outer, outerAdd, upAxis);
    here.set(outer.join(), opening);
    return opening;
  }

  async function readTile(
    tile: Json,
    base: URL,
    outer: Matrix,
    outerAdd: boolean,
    upAxis: UpAxis,
  ): Promise<Tile | undefined> {
    const transform = isMatrix(tile.transform) ? multiply(outer, tile.transform) : outer;
    const add = typeof tile.refine === 'string' ? tile.refine.toUpperCase() === 'ADD' : outerAdd;
    const uris = contentUris(tile);
    const implicit = readImplicit(tile, uris, base, place.shown);
    const shared = { transform, add, upAxis };
    if (implicit) {
      const first = await openImplicit(place, implicit, (volume) => mayReach(volume, transform, box), signal);
      return first && { ...fromImplicit(first), ...shared };
    }
    const children = Array.isArray(tile.children) ? (tile.children as Json[]) : [];
    return {
      ...shared,
      volume: (tile.boundingVolume ?? {}) as Volume,
      geometricError: Number(tile.geometricError ?? 0),
      contents: uris.map((uri) => referTo(place, base, uri)),
      async children() {
        const within: Tile[] = [];
        for (const child of children) {
          // A tree of its own is not read before it is known to lie in the box.
          if (!mayReach((child.boundingVolume ?? {}) as Volume, childTransform(child, transform), box)) continue;
          const open = await openTile(child, base, transform, add, upAxis);
          if (open) within.push(open);
        }
        return { any: children.length > 0, within };
      },
    };

    function fromImplicit(from: ImplicitTile): Tile {
      const { volume, geometricError, contents } = from;
      let children: ReturnType<Tile['children']> | undefined;
      const read = async () => {
        const { any, within } = await from.children();
        return { any, within: within.map(fromImplicit) };
      };
      return {
        ...shared,
        volume,
        geometricError,
        contents,
        children() {
          children ??= read();
          return children;
        },
      };
    }
  }
}

function childTransform(child: Json, outer: Matrix): Matrix {
  return isMatrix(child.transform) ? multiply(outer, child.transform) : outer;
}

/** `asset.extras.relievo.errorRatio`: how many times the surface's own error Relievo's terrain states to its clients. */
function errorRatioOf({ asset }: Json): number {
  const { relievo } = ((asset as Json | undefined)?.extras ?? {}) as { readonly relievo?: Json };
  const ratio = Number(relievo?.errorRatio);
  return ratio > 0 && Number.isFinite(ratio) ? ratio : 1;
}

/** Of `content`, `contents` and what went before them. */
function contentUris(tile: Json): string[] {
  const extensions = (tile.extensions ?? {}) as Json;
  const many = tile.contents ?? (extensions['3DTILES_multiple_contents'] as Json | undefined)?.contents;
  const contents = Array.isArray(many) ? many : [tile.content];
  return contents.flatMap((content: unknown) => {
    const { uri, url } = (content ?? {}) as Json;
    const name = uri ?? url;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

function isDocument(url: URL): boolean {
  return /\.json$/i.test(url.pathname);
}
