/** `GET /layers` and `GET /layers/:id`: what can be had, for people and programs. */
import type { Express } from 'express';
import { type CrsStatement, type LayerJson, schemeOf } from '../../tiler/catalog/layer-json.ts';
import type { QualityJson } from '../../tiler/catalog/quality-json.ts';
import type { GlbProfile } from '../../tiler/encode/terrain-glb.ts';
import { RelievoError } from '../../tiler/error.ts';
import type { DatumStatement } from '../../tiler/fields/height-field.ts';
import type { WaterStatement } from '../../tiler/fields/water-source.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { type BaseAddressOptions, baseAddress } from '../http/base-address.ts';
import { keepFor, sendDocument } from '../http/document.ts';

export type Layers = ReadonlyMap<string, Layer>;

/** One layer as the catalog shows it. */
export interface LayerSummary {
  readonly id: string;
  readonly title: string;
  /** West, south, east, north in degrees; west > east when the data cross the date line. */
  readonly bounds: readonly [number, number, number, number];
  readonly minLevel: number;
  readonly maxLevel: number;
  /** Tiles of each level from 0. */
  readonly levels: readonly { readonly level: number; readonly tiles: number }[];
  readonly kind: Layer['kind'];
  /** What the source's heights were measured from, and how that is known. */
  readonly datum: DatumStatement;
  /** Where the source's positions come from, and how exactly; absent when nobody says. */
  readonly crs?: CrsStatement | undefined;
  /** What a user should know before trusting the layer, in sentences. */
  readonly warnings: readonly string[];
  /** What the tiles hold: metres above the WGS84 ellipsoid. */
  readonly heights: 'ellipsoidal';
  readonly attribution: string;
  /** Where the tiles' water masks come from; absent without masks. */
  readonly water?: readonly WaterStatement[] | undefined;
  readonly extensions: readonly string[];
  readonly version: string;
  /** What is known of the tiles' errors, in short; absent where they are made on demand, or nobody wrote it down. */
  readonly quality?: QualitySummary | undefined;
  readonly addresses: {
    /** For `CesiumTerrainProvider.fromUrl`. */
    readonly terrain: string;
    readonly layerJson: string;
    /** Template with {z}, {x} and {y}; rows from the south. */
    readonly tile: string;
    /** tileset.json of the terrain as 3D Tiles, by profile; absent where the layer cannot be had so. */
    readonly tiles3d?: Readonly<Record<GlbProfile, string>> | undefined;
    /** Present where `quality` is. */
    readonly qualityJson?: string | undefined;
  };
}

export interface QualitySummary {
  /** Greatest certified error as a share of the client's bound; null where no level is certified. */
  readonly maxErrorRatio: number | null;
  /** Whether all levels are. */
  readonly certified: boolean;
  /** Of the deepest level that was measured; absent where none was. */
  readonly measured?: { readonly level: number; readonly rmsMetres: number } | undefined;
}

export function summarizeLayer(id: string, { title, kind, document, quality }: Layer, base: string): LayerSummary {
  const terrain = `${base}/layers/${id}`;
  return {
    id,
    title,
    bounds: document.bounds,
    minLevel: document.minzoom,
    maxLevel: document.maxzoom,
    levels: document.available.map((ranges, level) => ({ level, tiles: countAvailable(ranges) })),
    kind,
    datum: document.relievo.datum,
    crs: document.relievo.crs,
    warnings: document.relievo.warnings ?? [],
    heights: document.relievo.heights,
    attribution: document.attribution,
    water: document.relievo.water,
    extensions: document.extensions,
    version: document.version,
    quality: quality && summarizeQuality(quality),
    addresses: {
      terrain,
      layerJson: `${terrain}/layer.json`,
      tile: `${terrain}/{z}/{x}/{y}.terrain`,
      ...(schemeOf(document).id === 'geographic' && {
        tiles3d: {
          standard: `${terrain}/3dtiles/tileset.json`,
          'cesium-terrain': `${terrain}/3dtiles/cesium-terrain/tileset.json`,
          gis: `${terrain}/3dtiles/gis/tileset.json`,
        },
      }),
      ...(quality && { qualityJson: `${terrain}/quality.json` }),
    },
  };
}

function summarizeQuality({ maxErrorRatio, certified, levels }: QualityJson): QualitySummary {
  const deepest = levels.findLast(({ measured }) => measured !== undefined);
  const measured = deepest?.measured && { level: deepest.level, rmsMetres: deepest.measured.rms };
  return { maxErrorRatio, certified, measured };
}

/** The layer of that name; throws `not-found`. */
export function findLayer(layers: Layers, id: string | undefined): Layer {
  const layer = id === undefined ? undefined : layers.get(id);
  if (layer) return layer;
  throw new RelievoError('not-found', `there is no layer "${id ?? ''}"; GET /layers lists those that there are`, {
    where: `layers/${id ?? ''}`,
  });
}

export function routeLayers(app: Express, layers: Layers, options: BaseAddressOptions): void {
  app.get('/layers', async (req, res) => {
    const base = baseAddress(req, options);
    const summaries = [...layers].map(([id, layer]) => summarizeLayer(id, layer, base));
    await sendDocument(req, res, summaries, keepFor(0));
  });
  app.get('/layers/:id', async (req, res) => {
    const layer = findLayer(layers, req.params.id);
    await sendDocument(req, res, summarizeLayer(req.params.id, layer, baseAddress(req, options)), keepFor(0));
  });
}

function countAvailable(ranges: LayerJson['available'][number]): number {
  return ranges.reduce((sum, r) => sum + (r.endX - r.startX + 1) * (r.endY - r.startY + 1), 0);
}
