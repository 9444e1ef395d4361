/** A layer's sources, options and plan, opened: what every thread and the server hold, each its own. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type AvailableRange, type LayerJson, writeLayerJson } from '../catalog/layer-json.ts';
import { RelievoError } from '../error.ts';
import { openOutsideField } from '../fields/outside-field.ts';
import { openRasterField, type RasterField } from '../fields/raster-field.ts';
import { TILE_CELLS } from '../geo/post-grid.ts';
import { flipRow, geographic, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import { openSource } from '../sources/open-source.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { VERSION } from '../version.ts';
import { type MadeTile, makeTile, TILE_VERSION } from './make-tile.ts';
import { DEEPEST_LEVEL, type LabelOptions, type TileOptions } from './options.ts';
import { nativeLevel, planTiles, type TilePlan } from './plan.ts';
import { warningsOf } from './warnings.ts';

/** All that is needed to make a layer's tiles, anywhere; plain JSON. */
export interface TerrainSpec {
  /** Absolute paths. */
  readonly sources: readonly string[];
  readonly options: TileOptions;
  /** Absolute path of the folder where what is prepared from sources is kept; without one that happens in memory. */
  readonly cacheFolder?: string | undefined;
}

export interface TerrainMaker {
  readonly spec: TerrainSpec;
  readonly scheme: TilingScheme;
  readonly field: RasterField;
  readonly maxLevel: number;
  readonly nativeLevel: number;
  /** Levels that the source's files hold; those after them are computed in memory. */
  readonly storedLevels: number;
  /** What a user should know before trusting the layer, in sentences. */
  readonly warnings: readonly string[];
  /** Makes what coarse levels are read from, so that no tile has to wait for it. */
  prepare(options?: ReadOptions): Promise<void>;
  makeTile(id: TileId, options?: ReadOptions): Promise<MadeTile>;
  /** Slow for large sources; only who plans and publishes needs it. */
  plan(): TilePlan;
  /** `layer.json`; its version names sources, options and encoder. */
  document(name: string, labels?: LabelOptions): LayerJson;
  close(): Promise<void>;
}

export interface OpenMakerOptions extends ReadOptions {
  /** Hash the sources' content, which `document` needs and making tiles does not. On by default. */
  readonly hash?: boolean | undefined;
}

export async function openTerrainMaker(
  spec: TerrainSpec,
  { hash = true, signal }: OpenMakerOptions = {},
): Promise<TerrainMaker> {
  const { options } = spec;
  const scheme = geographic;
  const source = await openSource([...spec.sources], {
    verticalDatum: options.verticalDatum,
    verticalUnit: options.verticalUnit,
    sourceCrs: options.sourceCrs,
    crsGrids: options.crsGrids,
    bounds: options.bounds,
    range: options.range,
    rawLayout: options.rawLayout,
    heightEncoding: options.heightEncoding,
    hash,
    signal,
  });
  const field = await openRasterField(source, scheme, options).catch(async (error) => {
    await source.close();
    throw error;
  });
  const native = Math.min(DEEPEST_LEVEL, nativeLevel(scheme, field.info.spacingDegrees, TILE_CELLS));
  const maxLevel = options.maxZoom ?? native;
  if (options.minZoom > maxLevel) {
    await field.close();
    throw new RelievoError('usage', `--min-zoom ${options.minZoom} lies beyond the deepest level, ${maxLevel}`);
  }
  const outside = openOutsideField(field);
  const warnings = warningsOf(field);
  let planned: TilePlan | undefined;

  return {
    spec,
    scheme,
    field,
    maxLevel,
    nativeLevel: native,
    storedLevels: source.storedLevels,
    warnings,
    prepare: (read) => source.prepare(read),
    makeTile: (id, read) =>
      makeTile(
        {
          field: id.z < options.minZoom ? outside : field,
          scheme,
          extensions: options.extensions,
          maxErrorFactor: options.maxErrorFactor,
          readsOverview: (z) => field.levelFor(z) > 0,
        },
        id,
        read,
      ),
    plan,
    document,
    close: () => field.close(),
  };

  function plan(): TilePlan {
    planned ??= planTiles(field, scheme, maxLevel);
    return planned;
  }

  function document(name: string, { title, attribution }: LabelOptions = {}): LayerJson {
    const levels = plan();
    const { west, south, east, north } = field.info.bounds;
    return writeLayerJson({
      name: title ?? name,
      description: `Terrain from ${field.info.name}`,
      version: layerVersion(field.info.version, options),
      attribution: attribution ?? field.info.attribution ?? '',
      bounds: [west, south, east > 180 ? east - 360 : east, north],
      maxLevel: levels.length - 1,
      extensions: options.extensions,
      available: levels.map((ranges) => ranges.map(fromSouth)),
      generator: `relievo ${VERSION}`,
      datum: field.info.datum,
      crs: {
        name: field.crs.name,
        accuracyMetres: field.crs.accuracyMetres ?? null,
        note: field.crs.note,
      },
      warnings,
      maxErrorFactor: options.maxErrorFactor,
      sources: spec.sources.map((path) => basename(path)),
    });
  }

  function fromSouth(r: { z: number; x0: number; y0: number; x1: number; y1: number }): AvailableRange {
    return { startX: r.x0, startY: flipRow(scheme, r.z, r.y1), endX: r.x1, endY: flipRow(scheme, r.z, r.y0) };
  }
}

/** Equal for equal bytes: sources' content, what was chosen of them, and the code that encodes. */
function layerVersion(fieldVersion: string, { extensions, maxErrorFactor, maxZoom, minZoom }: TileOptions): string {
  const parts = [fieldVersion, extensions.toSorted(), maxErrorFactor, maxZoom ?? null, minZoom, TILE_VERSION];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
