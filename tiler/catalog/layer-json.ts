/** `layer.json` of quantized-mesh-1.0: what CesiumJS, cesium-native and QGIS read before the first tile. */
import { EXTENSION_NAMES, type ExtensionName } from '../encode/extension-name.ts';
import type { TileSpan } from '../encode/metadata.ts';
import type { DatumStatement } from '../fields/height-field.ts';
import type { WaterStatement } from '../fields/water-source.ts';
import { geographic, schemeOfProjection, type TilingScheme } from '../geo/tiling-scheme.ts';

export type AvailableRange = TileSpan;

export interface LayerJson {
  readonly tilejson: '2.1.0';
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly format: 'quantized-mesh-1.0';
  readonly attribution: string;
  readonly scheme: 'tms';
  readonly projection: TilingScheme['crs'];
  /** Relative to the document's folder. */
  readonly tiles: readonly string[];
  /** West, south, east, north in degrees, within -180..180; west > east when it crosses the date line. */
  readonly bounds: readonly [number, number, number, number];
  readonly minzoom: number;
  readonly maxzoom: number;
  readonly extensions: readonly string[];
  /** One list for each level from 0 to maxzoom. */
  readonly available: readonly (readonly AvailableRange[])[];
  /** Tiles of every so many levels name their descendants in the `metadata` extension; clients then pass over `available`. */
  readonly metadataAvailability?: number | undefined;
  /** Ours: what no client reads and every user should. */
  readonly relievo: {
    /** Version of the software that made the tiles. */
    readonly generator: string;
    readonly datum: DatumStatement;
    /** Where the sources' positions come from. Absent in documents of others. */
    readonly crs?: CrsStatement | undefined;
    /** What a user should know before trusting the layer, in sentences. Absent in documents of others. */
    readonly warnings?: readonly string[] | undefined;
    /** Metres above the WGS84 ellipsoid: what the tiles hold. */
    readonly heights: 'ellipsoidal';
    /** Boxes as `bounds` in which the tiling scheme has no tiles at all, where there are any. */
    readonly missing?: readonly LayerJson['bounds'][] | undefined;
    /** First level with relief, where it is not 0: those before it are flat on purpose. */
    readonly minZoom?: number | undefined;
    readonly maxErrorFactor: number;
    readonly sources: readonly string[];
    /** False where sources were not prepared, so that nobody knows what their own overviews leave out. */
    readonly certified?: boolean | undefined;
    /** Where the water masks come from, the source that goes before first; absent without masks. */
    readonly water?: readonly WaterStatement[] | undefined;
  };
}

/** A source's coordinate reference system, and how exact the way from it to WGS84 is. */
export interface CrsStatement {
  /** In words: `CH1903+ / LV95 (EPSG:2056)`. */
  readonly name: string;
  /** How far a position may lie from its true place; null where nobody says. */
  readonly accuracyMetres: number | null;
  /** A sentence; empty when there is nothing to say. */
  readonly note: string;
}

export interface LayerDescription {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly attribution: string;
  readonly scheme: TilingScheme;
  readonly bounds: LayerJson['bounds'];
  readonly maxLevel: number;
  readonly extensions: readonly string[];
  readonly available: LayerJson['available'];
  readonly metadataAvailability?: number | undefined;
  readonly generator: string;
  readonly datum: DatumStatement;
  readonly crs: CrsStatement;
  readonly warnings: readonly string[];
  readonly minZoom: number;
  readonly maxErrorFactor: number;
  readonly sources: readonly string[];
  readonly certified?: boolean | undefined;
  readonly water?: readonly WaterStatement[] | undefined;
}

/** Every field that CesiumJS, cesium-native, QGIS or 3DTilesRenderer reads; `minzoom` 0, because the roots are there. */
export function writeLayerJson(layer: LayerDescription): LayerJson {
  return {
    tilejson: '2.1.0',
    name: layer.name,
    description: layer.description,
    version: layer.version,
    format: 'quantized-mesh-1.0',
    attribution: layer.attribution,
    scheme: 'tms',
    projection: layer.scheme.crs,
    tiles: ['{z}/{x}/{y}.terrain?v={version}'],
    bounds: layer.bounds,
    minzoom: 0,
    maxzoom: layer.maxLevel,
    extensions: layer.extensions,
    available: layer.available,
    ...(layer.metadataAvailability !== undefined && { metadataAvailability: layer.metadataAvailability }),
    relievo: {
      generator: layer.generator,
      datum: layer.datum,
      crs: layer.crs,
      warnings: layer.warnings,
      heights: 'ellipsoidal',
      ...(layer.scheme.extent.north < 90 && { missing: capsBeyond(layer.scheme) }),
      ...(layer.minZoom > 0 && { minZoom: layer.minZoom }),
      maxErrorFactor: layer.maxErrorFactor,
      sources: layer.sources,
      ...(layer.certified !== undefined && { certified: layer.certified }),
      ...(layer.water && { water: layer.water }),
    },
  };
}

function capsBeyond({ extent: { south, north } }: TilingScheme): LayerJson['bounds'][] {
  return [
    [-180, north, 180, 90],
    [-180, -90, 180, south],
  ];
}

/** The tiling scheme of a document that this code wrote or adopted. */
export function schemeOf({ projection }: Pick<LayerJson, 'projection'>): TilingScheme {
  return schemeOfProjection(projection) ?? geographic;
}

/**
 * The extensions of a layer's tiles that clients may be given. CesiumJS fails on a tile with metadata where the document
 * has no `metadataAvailability`.
 */
export function offeredExtensions({
  extensions,
  metadataAvailability,
}: Pick<LayerJson, 'extensions' | 'metadataAvailability'>): readonly ExtensionName[] {
  return EXTENSION_NAMES.filter(
    (name) => extensions.includes(name) && (name !== 'metadata' || metadataAvailability !== undefined),
  );
}
