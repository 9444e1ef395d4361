/**
 * A layer's quantized-mesh tiles as 3D Tiles 1.1, part by part: each a pure function of the tiles that it speaks of and of
 * what is known of their errors, which is all that a part made on demand and one made in advance may differ in. Parts are named by hemisphere, level, x and y from its
 * root, y from the south (catalog/hemispheres.ts).
 */
import {
  type Availability,
  globeTile,
  HEMISPHERES,
  type HeightRange,
  type Hemisphere,
  type HemisphereTile,
  openAvailability,
} from '../catalog/hemispheres.ts';
import type { LayerJson } from '../catalog/layer-json.ts';
import type { QualityJson } from '../catalog/quality-json.ts';
import {
  contentPath,
  describeMaking,
  type ExplicitTile,
  externalPath,
  geometricErrorOf,
  type HemisphereRoot,
  type TilesetJson,
  type TilesetLabels,
  UP_FROM_EXTERNAL,
  writeExplicitTileset,
  writeExternalTileset,
  writeImplicitTileset,
} from '../catalog/tileset-json.ts';
import {
  encodeSubtree,
  mortonIndex,
  SUBTREE_CHILDREN,
  SUBTREE_LEVELS,
  type SubtreeTile,
  subtreeBit,
} from '../encode/subtree.ts';
import { encodeTerrainGlb, type GlbOptions, type GlbProfile } from '../encode/terrain-glb.ts';
import { RelievoError } from '../error.ts';
import { toEcef, WGS84_A, WGS84_B } from '../geo/ellipsoid.ts';
import type { TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { decodeTerrainTile } from './terrain-tile.ts';
import type { TilePictures } from './tile-pictures.ts';

/**
 * Part of the entity tags of what is made here: raise it when the same quantized-mesh tiles give other GLBs, subtrees or
 * documents.
 */
export const TILES_3D_VERSION = 1;

/** The tiles that 3D Tiles are made from. */
export interface TilesSource {
  readonly scheme: TilingScheme;
  readonly document: LayerJson;
  /** Plain quantized-mesh, with normals where the layer has them; undefined when there is no such tile. */
  read(id: TileId, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** Certified error of a tile that was read, metres; NaN or undefined where there is none. Goes before `quality`. */
  errorOf?(id: TileId): number | undefined;
}

export interface Tiles3dOptions {
  readonly profile: GlbProfile;
  /** Draped over the tiles; `cesium-terrain` takes none. */
  readonly pictures?: TilePictures | undefined;
  /** Tells the greatest error of each level, for tiles of which the source does not tell their own. */
  readonly quality?: QualityJson | undefined;
  /** Tiles that are kept after reading, since a subtree and its content read the same ones; default 64. */
  readonly keptTiles?: number | undefined;
}

/** Undefined: there is no such part. */
export interface TerrainTiles3d {
  readonly profile: GlbProfile;
  /** Of all that is made here: sources, options, encoders, pictures. Stands in tileset.json, and CesiumJS in addresses. */
  readonly version: string;
  readonly availability: Availability;
  /** The tile that a GLB is made from; none where there is no such GLB. */
  tileOf(hemisphere: Hemisphere, level: number, x: number, y: number): readonly TileId[];
  /** The tiles whose bytes decide those of the subtree, or of the external tileset, that begins at a tile. */
  tilesOf(hemisphere: Hemisphere, level: number, x: number, y: number): readonly TileId[];
  /** What tileset.json says. */
  tileset(options?: ReadOptions): Promise<TilesetJson>;
  /** A .subtree file, not compressed. Not in the profile `gis`. */
  subtree(
    hemisphere: Hemisphere,
    level: number,
    x: number,
    y: number,
    options?: ReadOptions,
  ): Promise<Uint8Array | undefined>;
  /** A GLB. */
  content(
    hemisphere: Hemisphere,
    level: number,
    x: number,
    y: number,
    options?: ReadOptions,
  ): Promise<Uint8Array | undefined>;
  /** What {hemisphere}/tilesets/{level}/{x}/{y}.json says. Only in the profile `gis`. */
  external(
    hemisphere: Hemisphere,
    level: number,
    x: number,
    y: number,
    options?: ReadOptions,
  ): Promise<TilesetJson | undefined>;
}

const KEPT_TILES = 64;
/** Tiles that are read at the same time for one subtree, so that one client's does not keep all others waiting. */
const READ_WIDTH = 4;
/**
 * Skirts reach down five times the client's bound, as in terrain clients: that hides a neighbour two levels coarser. No
 * neighbour gapes further than relief and the sag of a chord at level 0 together.
 */
const SKIRT_BOUNDS = 5;
const DEEPEST_SKIRT_METRES = 20_000;
/** What another tool's coarse tiles hold of their descendants nobody knows: all land on Earth lies between these. */
const UNKNOWN_HEIGHTS: HeightRange = { minHeight: -1000, maxHeight: 9000 };
/** How far out the occlusion point of a tile lies that has none: see geo/horizon.ts. */
const FAR = 1e6;

/** Fails with `input-unsupported` for tiles that are no two quadtrees of longitude and latitude. */
export function openTerrainTiles3d(source: TilesSource, options: Tiles3dOptions): TerrainTiles3d {
  const { scheme, document } = source;
  const { profile, pictures, quality } = options;
  if (scheme.id !== 'geographic') {
    const message =
      '3D Tiles are made from tiles of longitude and latitude (EPSG:4326), and these are in EPSG:3857: build the layer with --scheme geographic';
    throw new RelievoError('input-unsupported', message, { where: document.name });
  }
  const availability = openAvailability(document);
  const missing = HEMISPHERES.filter((hemisphere) => availability.levels(hemisphere) === 0);
  if (missing.length === 2 || (missing.length === 1 && profile === 'cesium-terrain')) {
    const message = `expected both tiles of level 0, but layer.json lists none in the ${missing.join(' and the ')}: build the layer again`;
    throw new RelievoError('input-unsupported', message, { where: document.name });
  }
  const read = keepRecent(source, options.keptTiles ?? KEPT_TILES);
  const labels: TilesetLabels = {
    version: [document.version, TILES_3D_VERSION, ...(pictures ? [pictures.version] : [])].join('-'),
    generator: document.relievo.generator,
    attribution: document.attribution,
  };
  const isForeign = document.relievo.generator === 'unknown';
  return { profile, version: labels.version, availability, tileOf, tilesOf, tileset, subtree, content, external };

  function skirtOf(level: number): number {
    if (profile === 'cesium-terrain') return 0;
    return Math.min(SKIRT_BOUNDS * scheme.maxGeometricError(level), DEEPEST_SKIRT_METRES);
  }

  /** As single precision can hold it, rounded up: it is a bound. */
  function errorOf(id: TileId): number | undefined {
    const ofLevel = () => quality?.levels.find(({ level }) => level === id.z)?.maxError ?? Number.NaN;
    const error = (source.errorOf ? source.errorOf(id) : ofLevel()) ?? Number.NaN;
    if (Number.isNaN(error)) return undefined;
    const single = Math.fround(error);
    return single >= error ? single : Math.fround(error * (1 + 2 ** -23));
  }

  function tileOf(hemisphere: Hemisphere, level: number, x: number, y: number): TileId[] {
    const tile = { hemisphere, level, x, y };
    return availability.has(tile) ? [globeTile(tile)] : [];
  }

  function tilesOf(hemisphere: Hemisphere, level: number, x: number, y: number): TileId[] {
    const root = { hemisphere, level, x, y };
    if (level % SUBTREE_LEVELS !== 0) return [];
    const there = availability.subtree(root)?.tiles ?? [];
    return tilesUnder(root).flatMap((tile, bit) => (there[bit] ? [globeTile(tile)] : []));
  }

  async function tileset(read?: ReadOptions): Promise<TilesetJson> {
    const there = HEMISPHERES.filter((hemisphere) => availability.levels(hemisphere) > 0);
    const roots = await Promise.all(
      there.map(async (hemisphere): Promise<HemisphereRoot> => {
        const tiles = await describeTiles({ hemisphere, level: 0, x: 0, y: 0 }, read);
        const known = tiles?.filter((tile) => tile !== undefined) ?? [];
        const heights = uniteHeights(isForeign ? [...known, UNKNOWN_HEIGHTS] : known);
        return { hemisphere, heights, levels: availability.levels(hemisphere) };
      }),
    );
    const write = profile === 'gis' ? writeExplicitTileset : writeImplicitTileset;
    const isCertified = quality?.certified ?? (!isForeign && document.relievo.certified !== false);
    return write(profile, { ...labels, relievo: describeMaking(document, profile, isCertified) }, roots);
  }

  async function subtree(hemisphere: Hemisphere, level: number, x: number, y: number, read?: ReadOptions) {
    const root = { hemisphere, level, x, y };
    const there = profile === 'gis' ? undefined : subtreeAt(root);
    const tiles = there && (await describeTiles(root, read));
    return there && tiles && encodeSubtree({ tiles, children: there.children });
  }

  async function content(hemisphere: Hemisphere, level: number, x: number, y: number, options: ReadOptions = {}) {
    const tile = { hemisphere, level, x, y };
    if (!availability.has(tile)) return undefined;
    const id = globeTile(tile);
    const draped = profile === 'cesium-terrain' ? undefined : pictures;
    const [bytes, picture] = await Promise.all([read(id, options), draped?.pictureOf(id, options)]);
    if (!bytes) throw missingTile(id);
    options.signal?.throwIfAborted();
    const decoded = decodeTerrainTile(bytes, scheme.box(id));
    const glb: GlbOptions = {
      profile,
      copyright: [document.attribution, draped?.attribution ?? ''].filter((text) => text !== '').join('; '),
      skirtMetres: skirtOf(level),
      ...(picture && { picture }),
      ...(profile !== 'cesium-terrain' && {
        statement: {
          sources: document.relievo.sources.join(', '),
          minHeight: decoded.minHeight,
          maxHeight: decoded.maxHeight,
          maxErrorMetres: errorOf(id),
        },
      }),
    };
    return encodeTerrainGlb(decoded, glb);
  }

  async function external(hemisphere: Hemisphere, level: number, x: number, y: number, read?: ReadOptions) {
    const root = { hemisphere, level, x, y };
    const there = profile === 'gis' ? subtreeAt(root) : undefined;
    const tiles = there && (await describeTiles(root, read));
    if (!there || !tiles) return undefined;
    return writeExternalTileset(profile, labels, explicitTile(0, 0, 0));

    function explicitTile(below: number, dx: number, dy: number): ExplicitTile {
      const tile = under(root, below, dx, dy);
      const known = tiles?.[subtreeBit(below, dx, dy)];
      if (known === undefined) throw missingTile(globeTile(tile));
      const children = [0, 1, 2, 3].flatMap((k): ExplicitTile[] => {
        const [l, cx, cy] = [below + 1, 2 * dx + (k & 1), 2 * dy + (k >> 1)];
        if (l < SUBTREE_LEVELS) return there?.tiles[subtreeBit(l, cx, cy)] ? [explicitTile(l, cx, cy)] : [];
        return there?.children[mortonIndex(l, cx, cy)] ? [goingOn(under(root, l, cx, cy), known)] : [];
      });
      const { minHeight, maxHeight } = known;
      const uri = UP_FROM_EXTERNAL + contentPath(tile);
      return { tile, minHeight, maxHeight, uri, children, isLeaf: children.length === 0 };
    }

    /** Where the next document begins. Its tiles are not read for this one: the parent's heights have room for them. */
    function goingOn(tile: HemisphereTile, { minHeight, maxHeight }: HeightRange): ExplicitTile {
      const isLeaf = !availability.subtree(tile)?.tiles.includes(true, 1);
      return { tile, minHeight, maxHeight, uri: UP_FROM_EXTERNAL + externalPath(tile), children: [], isLeaf };
    }
  }

  function subtreeAt(root: HemisphereTile) {
    return root.level % SUBTREE_LEVELS === 0 ? availability.subtree(root) : undefined;
  }

  /** In the order of bits. A tile's heights hold those of its descendants in the subtree. */
  async function describeTiles(root: HemisphereTile, options?: ReadOptions) {
    const there = subtreeAt(root)?.tiles;
    if (!there) return undefined;
    const tiles = tilesUnder(root);
    const found: (SubtreeTile | undefined)[] = tiles.map(() => undefined);
    let next = 0;
    const readOn = async () => {
      for (let bit = next++; bit < tiles.length; bit = next++) {
        if (there[bit]) found[bit] = await describeTile(tiles[bit], options);
      }
    };
    await Promise.all(Array.from({ length: READ_WIDTH }, readOn));
    if (profile === 'gis') makeRoom(root, found);
    for (let bit = found.length - 1; bit > 0; bit--) {
      const [tile, parent] = [found[bit], (bit - 1) >> 2];
      const above = found[parent];
      if (tile && above) found[parent] = { ...above, ...uniteHeights([above, tile]) };
    }
    return found;
  }

  /**
   * For the documents that go on below tiles of this one, so that volumes lie within each other: they are not read, but a
   * surface within its level's bound of the ground stays within this one's of tiles whose range holds the ground.
   */
  function makeRoom(root: HemisphereTile, found: (SubtreeTile | undefined)[]): void {
    const level = root.level + SUBTREE_LEVELS - 1;
    const factor = document.relievo.maxErrorFactor;
    const room = isForeign ? geometricErrorOf(profile, level) : scheme.maxGeometricError(level) * Math.max(1, factor);
    const parents = new Set(
      subtreeAt(root)?.children.flatMap((there, k) => (there ? [found.length - SUBTREE_CHILDREN / 4 + (k >> 2)] : [])),
    );
    for (const bit of parents) {
      const tile = found[bit];
      if (tile) found[bit] = { ...tile, minHeight: tile.minHeight - room, maxHeight: tile.maxHeight + room };
    }
  }

  async function describeTile(tile: HemisphereTile, options?: ReadOptions): Promise<SubtreeTile> {
    const id = globeTile(tile);
    const bytes = await read(id, options);
    if (!bytes) throw missingTile(id);
    const header = readHeader(bytes, id);
    const skirt = skirtOf(tile.level);
    return {
      minHeight: header.minHeight - skirt,
      maxHeight: header.maxHeight,
      sphere: { ...header.sphere, radius: header.sphere.radius + skirt },
      occlusion: isOcclusionPoint(header.occlusion) ? header.occlusion : farOver(scheme, id),
    };
  }

  function missingTile({ z, x, y }: TileId): RelievoError {
    const message = 'layer.json lists a tile that is not there; build the layer again';
    return new RelievoError('input-invalid', message, {
      where: `tile ${z}/${x}/${y} (y from the north) of ${document.name}`,
    });
  }
}

/** All places of a subtree in the order of bits. */
function tilesUnder(root: HemisphereTile): HemisphereTile[] {
  const tiles: HemisphereTile[] = [];
  for (let below = 0; below < SUBTREE_LEVELS; below++) {
    for (let dx = 0; dx < 2 ** below; dx++) {
      for (let dy = 0; dy < 2 ** below; dy++) tiles[subtreeBit(below, dx, dy)] = under(root, below, dx, dy);
    }
  }
  return tiles;
}

function under({ hemisphere, level, x, y }: HemisphereTile, below: number, dx: number, dy: number): HemisphereTile {
  return { hemisphere, level: level + below, x: x * 2 ** below + dx, y: y * 2 ** below + dy };
}

function uniteHeights(ranges: readonly HeightRange[]): HeightRange {
  return {
    minHeight: Math.min(...ranges.map(({ minHeight }) => minHeight)),
    maxHeight: Math.max(...ranges.map(({ maxHeight }) => maxHeight)),
  };
}

const HEADER_BYTES = 88;

/** The first bytes of a quantized-mesh tile: what clients know before they decode it. */
function readHeader(bytes: Uint8Array, { z, x, y }: TileId): SubtreeTile {
  if (bytes.byteLength < HEADER_BYTES) {
    const message = `expected a quantized-mesh tile, got ${bytes.byteLength} bytes; build it again`;
    throw new RelievoError('input-invalid', message, { where: `tile ${z}/${x}/${y} (y from the north)` });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const vector = (at: number) => ({
    x: view.getFloat64(at, true),
    y: view.getFloat64(at + 8, true),
    z: view.getFloat64(at + 16, true),
  });
  return {
    minHeight: view.getFloat32(24, true),
    maxHeight: view.getFloat32(28, true),
    sphere: { ...vector(32), radius: view.getFloat64(56, true) },
    occlusion: vector(64),
  };
}

/** A point on or above the ellipsoid. Other tools write zeros for half a globe, and clients would never draw it. */
function isOcclusionPoint({ x, y, z }: SubtreeTile['occlusion']): boolean {
  const length = Math.hypot(x, y, z);
  return Number.isFinite(length) && length > 1 - 1e-6;
}

function farOver(scheme: TilingScheme, id: TileId): SubtreeTile['occlusion'] {
  const box = scheme.box(id);
  const middle = new Float64Array(3);
  toEcef((box.west + box.east) / 2, (box.south + box.north) / 2, 0, middle, 0);
  const [x, y, z] = [middle[0] / WGS84_A, middle[1] / WGS84_A, middle[2] / WGS84_B];
  const scale = FAR / Math.hypot(x, y, z);
  return { x: x * scale, y: y * scale, z: z * scale };
}

/** The source's `read`, with the tiles that were read last kept. */
function keepRecent(source: TilesSource, most: number): TilesSource['read'] {
  const recent = new Map<string, Uint8Array>();
  return async (id, options) => {
    const key = `${id.z}/${id.x}/${id.y}`;
    const known = recent.get(key);
    const bytes = known ?? (await source.read(id, options));
    if (!bytes || most === 0) return bytes;
    recent.delete(key);
    recent.set(key, bytes);
    for (const oldest of recent.keys()) {
      if (recent.size <= most) break;
      recent.delete(oldest);
    }
    return bytes;
  };
}
