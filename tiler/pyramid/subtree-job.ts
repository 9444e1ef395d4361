/**
 * Makes 3D Tiles of a layer in advance, a subtree at a time: its GLBs and its .subtree, or in the profile `gis` its tileset,
 * so that no more than the tiles of one subtree are held at once.
 */
import { HEMISPHERES, type Hemisphere, type HemisphereTile } from '../catalog/hemispheres.ts';
import type { LayerJson } from '../catalog/layer-json.ts';
import { contentPath, externalPath, subtreePath, type TilesetJson } from '../catalog/tileset-json.ts';
import { SUBTREE_LEVELS } from '../encode/subtree.ts';
import type { GlbProfile } from '../encode/terrain-glb.ts';
import { flipRow, geographic, type TileId } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { writeTilesetFile } from '../store/tileset-writer.ts';
import { type LevelReport, openLevelReports, openTileCount } from './level-report.ts';
import type { MadeTile } from './make-tile.ts';
import type { MeasureKind } from './measure-tiles.ts';
import { countTiles, rangesUnder, type TilePlan, type TileRange } from './plan.ts';
import type { TerrainMaker } from './terrain-maker.ts';
import { openTerrainTiles3d, type TerrainTiles3d } from './terrain-tiles-3d.ts';
import { checkPlaces, openTilePictures, type TilePictures, type TilePicturesOptions } from './tile-pictures.ts';

/** What a layer's tiles are to become; plain JSON. */
export interface Tiles3dSpec {
  readonly profile: GlbProfile;
  readonly document: LayerJson;
  /** Absolute paths or addresses of pictures that are draped over the terrain. */
  readonly pictures: readonly string[];
  readonly pictureOptions?: Omit<TilePicturesOptions, 'signal'> | undefined;
}

/** Subtrees by their first tiles, written to a folder. */
export interface SubtreesJob {
  readonly kind: 'subtrees';
  /** Of levels 0, 3, 6, ... */
  readonly roots: readonly TileRange[];
  readonly folder: string;
  /** Which samples of the sources the tiles are held against; none without it. */
  readonly measure?: MeasureKind | undefined;
  /** Whether to say what goes into tileset.json. */
  readonly withTileset?: boolean | undefined;
}

export interface SubtreesReport {
  readonly levels: readonly LevelReport[];
  readonly tileset?: TilesetJson | undefined;
}

/**
 * The subtrees of the coarse levels as one job, and then one for each tile of the level that gives about `wanted` of them,
 * with all subtrees under it.
 */
export function cutSubtrees(
  plan: TilePlan,
  wanted: number,
  more: Pick<SubtreesJob, 'folder' | 'measure'>,
): SubtreesJob[] {
  const rootsOf = (levels: TilePlan) => levels.filter((_, level) => level % SUBTREE_LEVELS === 0);
  let level = 0;
  while (level < plan.length && countTiles(plan[level]) < wanted) level += SUBTREE_LEVELS;
  const coarse = rootsOf(plan.slice(0, level)).flat();
  const jobs: SubtreesJob[] = [];
  for (const range of plan[level] ?? []) {
    for (let y = range.y0; y <= range.y1; y++) {
      for (let x = range.x0; x <= range.x1; x++) {
        const roots = rootsOf(plan.slice(level)).flatMap((deeper) => rangesUnder(deeper, { z: level, x, y }));
        jobs.push({ kind: 'subtrees', ...more, roots });
      }
    }
  }
  if (coarse.length > 0) jobs.unshift({ kind: 'subtrees', ...more, roots: coarse });
  return jobs.map((job, k) => ({ ...job, withTileset: k === 0 }));
}

export async function executeSubtrees(
  maker: TerrainMaker,
  { roots, folder, measure, withTileset }: SubtreesJob,
  { signal, onTiles }: ReadOptions & { readonly onTiles?: ((count: number) => void) | undefined },
): Promise<SubtreesReport> {
  const tiles = await tilesOf(maker);
  const reports = openLevelReports(maker, measure);
  const count = openTileCount(onTiles);
  for (const { z, x0, x1, y0, y1 } of roots) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) await makeSubtree({ z, x, y });
    }
  }
  count.end();
  const tileset = withTileset ? await tiles.parts.tileset({ signal }) : undefined;
  tiles.made.clear();
  return { levels: reports.all(), tileset };

  async function makeSubtree(root: TileId): Promise<void> {
    const { parts, made } = tiles;
    const { hemisphere, level, x, y } = hemisphereTile(root);
    made.clear();
    for (const id of parts.tilesOf(hemisphere, level, x, y)) {
      signal?.throwIfAborted();
      const tile = await maker.makeTile(id, { signal });
      made.set(keyOf(id), tile);
      const at = hemisphereTile(id);
      const glb = await parts.content(at.hemisphere, at.level, at.x, at.y, { signal });
      if (glb === undefined) throw new Error(`a planned tile is missing: ${keyOf(id)}`);
      writeTilesetFile(folder, contentPath(at), glb);
      await reports.add(id, tile, glb.length, { signal });
      count.add();
    }
    const at = { hemisphere, level, x, y };
    if (parts.profile === 'gis') {
      const external = await parts.external(hemisphere, level, x, y, { signal });
      writeTilesetFile(folder, externalPath(at), Buffer.from(JSON.stringify(external)));
    } else {
      const subtree = await parts.subtree(hemisphere, level, x, y, { signal });
      if (subtree) writeTilesetFile(folder, subtreePath(at), subtree);
    }
  }
}

/**
 * The layer's document, with warnings where pictures show more than the deepest level can, or nothing of the terrain. Fails
 * as opening them does, and with `input-unsupported` when none shows anything of it.
 */
export async function describeTiles3d(
  document: LayerJson,
  { pictures: files, pictureOptions }: Omit<Tiles3dSpec, 'document'>,
  options: ReadOptions,
): Promise<LayerJson> {
  if (files.length === 0) return document;
  const { places, nativeLevel, close } = await openTilePictures(files, { ...pictureOptions, ...options });
  await close();
  const { bounds, maxzoom, relievo } = document;
  const [west, south, east, north] = bounds;
  const elsewhere = checkPlaces(places, { west, south, east: east < west ? east + 360 : east, north });
  const finer =
    nativeLevel > maxzoom
      ? `The pictures are finer than level ${maxzoom} shows them: --max-zoom ${nativeLevel} would show all of them, at about ${4 ** (nativeLevel - maxzoom)} times the tiles.`
      : undefined;
  const found = [elsewhere, finer].filter((warning) => warning !== undefined);
  if (found.length === 0) return document;
  return { ...document, relievo: { ...relievo, warnings: [...(relievo.warnings ?? []), ...found] } };
}

/**
 * tileset.json with a version of its profile's own: clients put it into addresses, and at one and the same of them tiles
 * for other clients are other tiles.
 */
export function labelTileset(tileset: TilesetJson | undefined, { profile }: Pick<Tiles3dSpec, 'profile'>): object {
  if (tileset === undefined) throw new Error('no job has said what goes into tileset.json');
  const { asset, ...rest } = tileset;
  return { asset: { ...asset, tilesetVersion: `${asset.tilesetVersion}-${profile}` }, ...rest };
}

/** The other way round than `globeTile`. */
export function hemisphereTile({ z, x, y }: TileId): HemisphereTile {
  const hemisphere: Hemisphere = HEMISPHERES[x < 2 ** z ? 0 : 1];
  return { hemisphere, level: z, x: x % 2 ** z, y: flipRow(geographic, z, y) };
}

interface OpenTiles {
  readonly parts: TerrainTiles3d;
  /** Those of the subtree at work. */
  readonly made: Map<string, MadeTile>;
  readonly pictures: TilePictures | undefined;
}

/** Of each layer that is open. A layer does one job of this kind at a time. */
const opened = new WeakMap<TerrainMaker, Promise<OpenTiles>>();

function tilesOf(maker: TerrainMaker): Promise<OpenTiles> {
  const known = opened.get(maker) ?? openTiles(maker);
  opened.set(maker, known);
  return known;
}

async function openTiles(maker: TerrainMaker): Promise<OpenTiles> {
  const { tiles3d } = maker.spec;
  if (tiles3d === undefined) throw new Error('the spec does not say what 3D Tiles to make');
  const { profile, document, pictures: files, pictureOptions } = tiles3d;
  const pictures = files.length > 0 ? await openTilePictures(files, pictureOptions) : undefined;
  const made = new Map<string, MadeTile>();
  const parts = openTerrainTiles3d(
    {
      scheme: maker.scheme,
      document,
      read: async (id, options) => (made.get(keyOf(id)) ?? (await maker.makeTile(id, options))).bytes,
      errorOf: (id) => made.get(keyOf(id))?.maxSampleError,
    },
    { profile, pictures, keptTiles: 0 },
  );
  return { parts, made, pictures };
}

/** Closes what the jobs of a layer have opened beside it. */
export async function closeSubtrees(maker: TerrainMaker): Promise<void> {
  const known = await opened.get(maker)?.catch(() => undefined);
  opened.delete(maker);
  await known?.pictures?.close();
}

function keyOf({ z, x, y }: TileId): string {
  return `${z}/${x}/${y}`;
}
