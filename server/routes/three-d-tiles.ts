/**
 * `GET /layers/:id/3dtiles/[profile/]...`: a layer's terrain as 3D Tiles 1.1, made from its quantized-mesh tiles when it is
 * asked for. `tileset.json`; below `west` and `east` subtrees, content and (profile `gis`) external tilesets; rows from
 * the south.
 */
import type { Express } from 'express';
import { HEMISPHERES, type Hemisphere } from '../../tiler/catalog/hemispheres.ts';
import { offeredExtensions, schemeOf } from '../../tiler/catalog/layer-json.ts';
import { gzipBytes } from '../../tiler/encode/gzip.ts';
import { GLB_PROFILES, type GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { RelievoError } from '../../tiler/error.ts';
import type { TileId } from '../../tiler/geo/tiling-scheme.ts';
import type { Layer, Variant } from '../../tiler/pyramid/layer.ts';
import { openTerrainTiles3d, type TerrainTiles3d } from '../../tiler/pyramid/terrain-tiles-3d.ts';
import type { ReadOptions } from '../../tiler/sources/raster-source.ts';
import { sendCached, tagOf } from '../http/cached.ts';
import { keepFor } from '../http/document.ts';
import { pathOf, sendError } from '../http/errors.ts';
import { negotiateCoding } from '../http/negotiate.ts';
import { parseNumber } from '../http/params.ts';
import type { TileCache } from '../tile-cache.ts';
import { findLayer, type Layers } from './layers.ts';
import { isVersioned, KEPT_FOR_EVER, tileKey } from './tile.ts';

/** Parts in the making, at most; each holds a tile or a subtree's headers. */
const MAX_FLIGHTS = 512;

const JSON_TYPE = 'application/json';

/** One thing that can be had of a layer in a profile. */
interface Part {
  readonly type: string;
  /** The tiles whose bytes decide the part's. */
  readonly tiles: readonly TileId[];
  readonly missing: string;
  make(options: ReadOptions): Promise<Uint8Array | undefined>;
}

/** `maxAgeSeconds`: how long clients may keep a part without asking; `documentMaxAgeSeconds`: tileset.json. */
export function routeThreeDTiles(
  app: Express,
  layers: Layers,
  cache: TileCache,
  maxAgeSeconds: number,
  documentMaxAgeSeconds: number,
): void {
  const opened = new WeakMap<Layer, Map<GlbProfile, TerrainTiles3d>>();
  let flights = 0;

  app.get('/layers/:id/3dtiles/*path', async (req, res) => {
    const layer = findLayer(layers, req.params.id);
    const path: readonly string[] = req.params.path;
    const profile = GLB_PROFILES.find((known) => known === path[0]);
    const rest = (profile === undefined ? path : path.slice(1)).join('/');
    const tiles = openOnce(layer, profile ?? 'standard');
    const part = findPart(tiles, rest);

    res.setHeader('Vary', 'Accept-Encoding');
    const coding = negotiateCoding(req.headers['accept-encoding']);
    if (coding === undefined) {
      const message = 'a part of a tileset can be had as gzip or as it is, and the client takes neither';
      sendError(res, 'not-acceptable', message, pathOf(req));
      return;
    }
    const tags = part.tiles.map((tile) => layer.etag(tile, plainVariant(layer)));
    const etag = tagOf([tiles.version, tiles.profile, rest, ...tags], coding);
    await sendCached(req, res, cache, {
      key: `${layer.name} ${etag} 3dtiles`,
      etag,
      cacheControl: isVersioned(req, layer, tiles.version)
        ? KEPT_FOR_EVER
        : keepFor(rest === 'tileset.json' ? documentMaxAgeSeconds : maxAgeSeconds),
      type: part.type,
      coding,
      make: (signal) => makePart(part, coding, signal),
      missing: part.missing,
    });
  });

  async function makePart(part: Part, coding: Variant['coding'], signal: AbortSignal) {
    if (flights >= MAX_FLIGHTS) {
      throw new RelievoError('busy', `${MAX_FLIGHTS} parts of 3D Tiles are being made: ask again in a moment`);
    }
    flights++;
    try {
      const plain = await part.make({ signal });
      return plain && coding === 'gzip' ? await gzipBytes(plain) : plain;
    } finally {
      flights--;
    }
  }

  function openOnce(layer: Layer, profile: GlbProfile): TerrainTiles3d {
    const known = opened.get(layer) ?? new Map<GlbProfile, TerrainTiles3d>();
    opened.set(layer, known);
    const tiles = known.get(profile) ?? openTiles(layer, profile);
    known.set(profile, tiles);
    return tiles;
  }

  function openTiles(layer: Layer, profile: GlbProfile): TerrainTiles3d {
    const variant = plainVariant(layer);
    const source = {
      scheme: schemeOf(layer.document),
      document: layer.document,
      async read(id: TileId, { signal }: ReadOptions = {}) {
        const key = tileKey(layer, id, layer.etag(id, variant));
        return (await cache.get(key, (making) => layer.make(id, variant, { signal: making }), { signal })).bytes;
      },
    };
    try {
      // The cache keeps the tiles: by their tags, which another tool's change with their files.
      return openTerrainTiles3d(source, { profile, quality: layer.quality, keptTiles: 0 });
    } catch (error) {
      // Not a fault of the server: the layer is none that can be had as 3D Tiles.
      if (!(error instanceof RelievoError && error.code === 'input-unsupported')) throw error;
      throw new RelievoError('not-found', error.message, { where: `layers/${layer.name}/3dtiles` });
    }
  }
}

/** What 3D Tiles are made from. */
function plainVariant({ document }: Layer): Variant {
  const extensions = offeredExtensions(document).filter((name) => name === 'octvertexnormals');
  return { extensions, coding: 'identity' };
}

const PART = /^(west|east)\/(subtrees|content|tilesets)\/([^/]+)\/([^/]+)\/([^/]+)$/;
const SUFFIXES: Readonly<Record<string, string>> = { subtrees: '.subtree', content: '.glb', tilesets: '.json' };

/** The part at an address below the profile's; throws `not-found`, and `address-invalid` for what is no number. */
function findPart(tiles: TerrainTiles3d, path: string): Part {
  if (path === 'tileset.json') {
    return {
      type: JSON_TYPE,
      tiles: HEMISPHERES.flatMap((hemisphere) => tiles.tilesOf(hemisphere, 0, 0, 0)),
      missing: 'the layer has no tiles',
      make: async (options) => jsonBytes(await tiles.tileset(options)),
    };
  }
  const [, side, kind = '', z = '', column = '', file = ''] = PART.exec(path) ?? [];
  const suffix = SUFFIXES[kind] ?? '';
  const hemisphere = HEMISPHERES.find((known) => known === side);
  const isOurs = tiles.profile === 'gis' ? kind !== 'subtrees' : kind !== 'tilesets';
  if (hemisphere === undefined || !file.endsWith(suffix) || !isOurs) throw noSuchPart(tiles.profile, path);
  const level = parseNumber(z, 'level', path);
  const x = parseNumber(column, 'column', path);
  const y = parseNumber(file.slice(0, -suffix.length), 'row', path);
  return kind === 'content' ? contentPart(tiles, hemisphere, level, x, y) : groupPart(tiles, hemisphere, level, x, y);
}

function contentPart(tiles: TerrainTiles3d, hemisphere: Hemisphere, level: number, x: number, y: number): Part {
  return {
    type: 'model/gltf-binary',
    tiles: tiles.tileOf(hemisphere, level, x, y),
    missing: 'the layer has no such tile',
    make: (options) => tiles.content(hemisphere, level, x, y, options),
  };
}

/** A subtree, or the external tileset that stands for one. */
function groupPart(tiles: TerrainTiles3d, hemisphere: Hemisphere, level: number, x: number, y: number): Part {
  const isJson = tiles.profile === 'gis';
  return {
    type: isJson ? JSON_TYPE : 'application/octet-stream',
    tiles: tiles.tilesOf(hemisphere, level, x, y),
    missing: `there is no ${isJson ? 'tileset' : 'subtree'} at this tile: they begin at tiles of every third level from 0`,
    async make(options) {
      if (!isJson) return tiles.subtree(hemisphere, level, x, y, options);
      const json = await tiles.external(hemisphere, level, x, y, options);
      return json && jsonBytes(json);
    },
  };
}

function jsonBytes(json: object): Uint8Array {
  return Buffer.from(JSON.stringify(json));
}

function noSuchPart(profile: GlbProfile, path: string): RelievoError {
  const group = profile === 'gis' ? 'tilesets/{level}/{x}/{y}.json' : 'subtrees/{level}/{x}/{y}.subtree';
  const message = `expected tileset.json, or west/ or east/ with ${group} or content/{level}/{x}/{y}.glb behind it`;
  return new RelievoError('not-found', message, { where: path.slice(0, 200) });
}
