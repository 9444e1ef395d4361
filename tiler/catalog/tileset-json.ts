/**
 * `tileset.json` of 3D Tiles 1.1 for terrain: two implicit quadtrees, a hemisphere each, with the tiles' metadata in their
 * subtrees; or, for clients without implicit tiling, explicit tilesets of a few levels that name each other.
 */

import { SUBTREE_LEVELS, TILE_CLASS, TILE_PROPERTIES } from '../encode/subtree.ts';
import type { GlbProfile } from '../encode/terrain-glb.ts';
import { geographic } from '../geo/tiling-scheme.ts';
import {
  type HeightRange,
  type Hemisphere,
  type HemisphereTile,
  type Region,
  regionOf,
  regionOfBox,
  WHOLE_GLOBE,
} from './hemispheres.ts';
import type { LayerJson } from './layer-json.ts';

/** Clients of 3D Tiles refine at 16 pixels of error, those of terrain at 2. */
const PIXELS_RATIO = 8;
/** So much more than level 0's is the error of the whole globe, which has no content: it shows until it is a few pixels wide. */
const GLOBE_RATIO = 64;

/** What a document says of its making; no client shows it. */
export interface TilesetLabels {
  readonly version: string;
  readonly generator: string;
  readonly attribution: string;
}

/** `asset.extras.relievo` of tileset.json: how the heights came about, with what stands in layer.json under the same names. */
export type TilesetLabel = Pick<LayerJson, 'bounds'> &
  Pick<LayerJson['relievo'], 'generator' | 'datum' | 'crs' | 'heights' | 'sources' | 'warnings' | 'minZoom'> & {
    readonly title: string;
    readonly profile: GlbProfile;
    readonly maxLevel: number;
    /** Absent where nobody knows it. */
    readonly maxErrorFactor?: number | undefined;
    /** The geometric error that tiles state, as so many times that which clients of terrain assume of their level. */
    readonly errorRatio: number;
    /** Whether the surface's error is known for every sample of the sources. */
    readonly certified: boolean;
  };

export interface LabelledTileset extends TilesetLabels {
  readonly relievo: TilesetLabel;
}

export function describeMaking(
  { name, bounds, maxzoom, relievo }: LayerJson,
  profile: GlbProfile,
  isCertified: boolean,
): TilesetLabel {
  const { generator, datum, crs, heights, sources, warnings, minZoom, maxErrorFactor } = relievo;
  return {
    title: name,
    generator,
    profile,
    bounds,
    maxLevel: maxzoom,
    minZoom,
    maxErrorFactor: Number.isFinite(maxErrorFactor) ? maxErrorFactor : undefined,
    errorRatio: errorRatioOf(profile),
    certified: isCertified,
    heights,
    datum,
    crs,
    sources,
    warnings,
  };
}

export interface HemisphereRoot {
  readonly hemisphere: Hemisphere;
  /** Of all of its tiles, skirts included. */
  readonly heights: HeightRange;
  /** How many levels have tiles. */
  readonly levels: number;
}

/** A tile of an explicit tileset. */
export interface ExplicitTile extends HeightRange {
  readonly tile: HemisphereTile;
  /** Relative to the document that names it; a GLB, or the tileset that goes on from here. */
  readonly uri: string;
  readonly children: readonly ExplicitTile[];
  /** Whether nothing refines it, here or in the tileset that goes on. */
  readonly isLeaf: boolean;
}

interface TileJson {
  readonly boundingVolume: { readonly region: Region };
  readonly geometricError: number;
  readonly refine?: 'REPLACE';
  readonly content?: { readonly uri: string };
  readonly children?: readonly TileJson[];
  readonly implicitTiling?: object;
}

export interface TilesetJson {
  readonly asset: { readonly version: '1.1'; readonly tilesetVersion: string; readonly extras: object };
  readonly schema?: object;
  readonly geometricError: number;
  readonly root: TileJson;
}

/** Metres of error that a client is told of a level. */
export function geometricErrorOf(profile: GlbProfile, level: number): number {
  return errorRatioOf(profile) * geographic.maxGeometricError(level);
}

function errorRatioOf(profile: GlbProfile): number {
  return profile === 'cesium-terrain' ? 1 : PIXELS_RATIO;
}

/** Addresses of a tile's parts, relative to the folder of tileset.json. */
export function contentPath(tile: HemisphereTile): string {
  return `${tile.hemisphere}/content/${tile.level}/${tile.x}/${tile.y}.glb`;
}

export function subtreePath(tile: HemisphereTile): string {
  return `${tile.hemisphere}/subtrees/${tile.level}/${tile.x}/${tile.y}.subtree`;
}

export function externalPath(tile: HemisphereTile): string {
  return `${tile.hemisphere}/tilesets/${tile.level}/${tile.x}/${tile.y}.json`;
}

/** From `externalPath` back to the folder of tileset.json. */
export const UP_FROM_EXTERNAL = '../../../../';

export function writeImplicitTileset(
  profile: GlbProfile,
  labels: LabelledTileset,
  roots: readonly HemisphereRoot[],
): TilesetJson {
  const children = roots.map(({ hemisphere, heights, levels }): TileJson => {
    return {
      boundingVolume: { region: regionOf({ hemisphere, level: 0, x: 0, y: 0 }, heights) },
      geometricError: geometricErrorOf(profile, 0),
      refine: 'REPLACE',
      content: { uri: `${hemisphere}/content/{level}/{x}/{y}.glb` },
      implicitTiling: {
        subdivisionScheme: 'QUADTREE',
        subtreeLevels: SUBTREE_LEVELS,
        availableLevels: levels,
        subtrees: { uri: `${hemisphere}/subtrees/{level}/{x}/{y}.subtree` },
      },
    };
  });
  return { ...headOf(labels), schema: TILE_SCHEMA, ...globeOf(profile, roots, children) };
}

/** Of an explicit tileset: `tiles` are the hemispheres' roots, each going on in a tileset of its own. */
export function writeExplicitTileset(
  profile: GlbProfile,
  labels: LabelledTileset,
  roots: readonly HemisphereRoot[],
): TilesetJson {
  const children = roots.map(({ hemisphere, heights, levels }) => {
    const tile = { hemisphere, level: 0, x: 0, y: 0 };
    return tileJson(profile, { tile, ...heights, uri: externalPath(tile), children: [], isLeaf: levels === 1 });
  });
  return { ...headOf(labels), ...globeOf(profile, roots, children) };
}

/** The tileset that goes on at a tile. */
export function writeExternalTileset(profile: GlbProfile, labels: TilesetLabels, root: ExplicitTile): TilesetJson {
  return {
    ...headOf(labels),
    geometricError: geometricErrorOf(profile, root.tile.level),
    root: { ...tileJson(profile, root), refine: 'REPLACE' },
  };
}

function tileJson(profile: GlbProfile, { tile, uri, children, isLeaf, ...heights }: ExplicitTile): TileJson {
  return {
    boundingVolume: { region: regionOf(tile, heights) },
    geometricError: isLeaf ? 0 : geometricErrorOf(profile, tile.level),
    content: { uri },
    ...(children.length > 0 && { children: children.map((child) => tileJson(profile, child)) }),
  };
}

function headOf({ version, generator, attribution, relievo }: TilesetLabels & Partial<LabelledTileset>) {
  const extras = { generator, ...(attribution !== '' && { copyright: attribution }), ...(relievo && { relievo }) };
  return { asset: { version: '1.1', tilesetVersion: version, extras } } as const;
}

/** The tile above the hemispheres, which draws nothing. */
function globeOf(profile: GlbProfile, roots: readonly HemisphereRoot[], children: readonly TileJson[]) {
  const geometricError = GLOBE_RATIO * geometricErrorOf(profile, 0);
  const heights = {
    minHeight: Math.min(...roots.map((root) => root.heights.minHeight)),
    maxHeight: Math.max(...roots.map((root) => root.heights.maxHeight)),
  };
  const root: TileJson = {
    boundingVolume: { region: regionOfBox(WHOLE_GLOBE, heights) },
    geometricError,
    refine: 'REPLACE',
    children,
  };
  return { geometricError, root };
}

/** Inline: Cesium3DTilesTerrainProvider follows no `schemaUri`. */
const TILE_SCHEMA = {
  id: 'relievo_terrain',
  classes: {
    [TILE_CLASS]: {
      properties: Object.fromEntries(
        Object.entries(TILE_PROPERTIES).map(([id, { type, semantic }]) => [id, { ...type, required: true, semantic }]),
      ),
    },
  },
};
