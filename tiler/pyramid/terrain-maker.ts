/** A layer's sources, options and plan, opened: what every thread and the server hold, each its own. */
import { createHash } from 'node:crypto';
import { type CrsStatement, type LayerJson, writeLayerJson } from '../catalog/layer-json.ts';
import { appendMetadata } from '../encode/metadata.ts';
import { addWaterMask } from '../encode/water-mask.ts';
import { RelievoError } from '../error.ts';
import { openFloorField } from '../fields/floor-field.ts';
import type { RasterField } from '../fields/raster-field.ts';
import { type Floor, openTerrainField, type TerrainField } from '../fields/terrain-field.ts';
import type { WaterField } from '../fields/water-field.ts';
import { schemeNamed, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import type { PrepareOptions } from '../sources/decimate.ts';
import type { MosaicMember } from '../sources/mosaic.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { baseName } from '../sources/source-name.ts';
import { VERSION } from '../version.ts';
import { areaWarnings, clipBounds, type LayerAreas, readAreas } from './areas.ts';
import { describeDescendants, METADATA_LEVELS, namesDescendants, spanOf } from './descendants.ts';
import { type MadeTile, makeTile, TILE_VERSION } from './make-tile.ts';
import { type OpenedMembers, openMembers, type TerrainMember } from './open-members.ts';
import type { LabelOptions, TileOptions } from './options.ts';
import { type PlannedData, planTiles, type TilePlan } from './plan.ts';
import { capWarnings } from './scheme-limits.ts';
import type { Tiles3dSpec } from './subtree-job.ts';
import { warningsOf } from './warnings.ts';
import { extensionsOf, openWater } from './water.ts';

/** All that is needed to make a layer's tiles, anywhere; plain JSON. */
export interface TerrainSpec {
  /** Absolute paths, globs, addresses. */
  readonly sources: readonly string[];
  readonly options: TileOptions;
  /** Absolute path of the folder where what is prepared from sources is kept; without one that happens in memory. */
  readonly cacheFolder?: string | undefined;
  /** What `sources` stand for, where somebody has found out already: globs and folders are not asked again. */
  readonly mosaic?: readonly MosaicMember[] | undefined;
  /** The polygons that options name, where somebody has read them already. */
  readonly areas?: LayerAreas | undefined;
  /** What the sources' version must be, where others rely on it: opening fails with `input-invalid` when it is another. */
  readonly version?: string | undefined;
  /** The same of the sources of water masks, one by one. */
  readonly waterVersions?: readonly string[] | undefined;
  /** Which tiles there are, where somebody has found out already. */
  readonly plan?: TilePlan | undefined;
  /** What 3D Tiles the tiles are to become, where that is what they are made for. */
  readonly tiles3d?: Tiles3dSpec | undefined;
  /** Files of many-sheet sources held open at a time, at most; default 128. Threads share the bound among them. */
  readonly openFiles?: number | undefined;
}

export interface TerrainMaker {
  /** With what its `sources` stand for. */
  readonly spec: TerrainSpec;
  readonly scheme: TilingScheme;
  readonly field: TerrainField;
  /** The one on top first. */
  readonly members: readonly TerrainMember[];
  readonly maxLevel: number;
  /** That of the finest source. */
  readonly nativeLevel: number;
  /** What a user should know before trusting the layer, in sentences. */
  readonly warnings: readonly string[];
  /** Whether tiles of a level read an overview that has to be made first. */
  needsPreparing(z: number): boolean;
  /** Makes what coarse levels are read from, so that no tile has to wait for it. */
  prepare(options?: PrepareOptions): Promise<void>;
  makeTile(id: TileId, options?: ReadOptions): Promise<MadeTile>;
  /** Slow for large sources; only who plans and publishes needs it. */
  plan(): TilePlan;
  /** `layer.json`; its version names sources, options and encoder. */
  document(name: string, labels?: LabelOptions): LayerJson;
  close(): Promise<void>;
}

export interface OpenMakerOptions extends ReadOptions {
  /** Samples that overviews may be computed from in memory; default 2^28. */
  readonly maxSamples?: number | undefined;
  /** Of many files: those looked at so far, and all. */
  readonly onScan?: ((done: number, total: number) => void) | undefined;
  /** Hash the sources' content, which `document` and prepared overviews need. On by default. */
  readonly hash?: boolean | undefined;
}

export async function openTerrainMaker(
  spec: TerrainSpec,
  { hash = true, ...more }: OpenMakerOptions = {},
): Promise<TerrainMaker> {
  const { options } = spec;
  const scheme = schemeNamed(options.scheme);
  const areas = spec.areas ?? (await readAreas(options));
  const opened = await openMembers({ ...spec, areas }, { hash, ...more });
  const { members, base } = opened;
  const closeSources = () => Promise.all(opened.all.map((source) => source.close())).then(() => {});
  const field = openTerrainField(members, { base, floor: floorOf(options.outside), flats: areas.flats });
  const native = Math.max(...members.map((member) => member.nativeLevel));
  const maxLevel = options.maxZoom ?? native;
  const problem =
    options.minZoom > maxLevel
      ? new RelievoError('usage', `--min-zoom ${options.minZoom} lies beyond the deepest level, ${maxLevel}`)
      : spec.version !== undefined && field.info.version !== spec.version
        ? changed(spec)
        : undefined;
  if (problem) {
    await closeSources();
    throw problem;
  }
  const { maxSamples, signal } = more;
  const water = await openWater(options, {
    ...{ field, scheme, hash, maxSamples, signal },
    cacheFolder: spec.cacheFolder,
    versions: spec.waterVersions,
  }).catch(async (error) => {
    await closeSources();
    throw error;
  });
  const close = () => Promise.all([closeSources(), water?.close()]).then(() => {});
  const extensions = extensionsOf(options);
  const floor = openFloorField(field);
  const warnings = [
    ...warningsOf(members.map((member) => member.field)),
    ...featherWarnings(field, members),
    ...areaWarnings(field, areas),
    ...capWarnings(scheme, members),
  ];
  const withMetadata = options.extensions.includes('metadata');
  const certified = options.prepare && members.every(({ source }) => source.certified);
  let planned = spec.plan;

  return {
    spec: { ...spec, mosaic: opened.mosaic, areas, ...(water && hash && { waterVersions: water.versions }) },
    scheme,
    field,
    members,
    maxLevel,
    nativeLevel: native,
    warnings,
    needsPreparing: (z) =>
      [...members, ...opened.bases].some(({ field, source }) => field.levelFor(z) >= source.storedLevels) ||
      (water?.rasters.some(({ source, levelFor }) => levelFor(z) >= source.storedLevels) ?? false),
    prepare,
    makeTile: async (id, read) => {
      const made = await makeTile(
        {
          field: id.z < options.minZoom ? floor : field,
          terrain: id.z < options.minZoom ? undefined : field,
          children: id.z < options.minZoom ? field : undefined,
          scheme,
          extensions: options.extensions,
          maxErrorFactor: options.maxErrorFactor,
        },
        id,
        read,
      );
      const bytes = water ? addWaterMask(made.bytes, await water.maskOf(scheme, id, read)) : made.bytes;
      if (!withMetadata || !namesDescendants(plan(), id.z)) return { ...made, bytes };
      return { ...made, bytes: appendMetadata(bytes, describeDescendants(plan(), scheme, id)) };
    },
    plan,
    document,
    close,
  };

  async function prepare({ signal, onProgress, onWait }: PrepareOptions = {}): Promise<void> {
    const sources = [...opened.bases, ...members, ...(water?.rasters ?? [])].map(({ source }) => source);
    const totals = sources.map((source) => source.blocksToPrepare);
    const total = totals.reduce((sum, blocks) => sum + blocks, 0);
    let before = 0;
    for (const [i, source] of sources.entries()) {
      await source.prepare({ signal, onWait, onProgress: onProgress && ((done) => onProgress(before + done, total)) });
      before += totals[i];
    }
  }

  function plan(): TilePlan {
    planned ??= planTiles(plannedData(field, members), scheme);
    return planned;
  }

  function document(name: string, { title, attribution }: LabelOptions = {}): LayerJson {
    const levels = plan();
    const { west, south, east, north } = clipBounds(field.info.bounds, areas.clip);
    const { extent } = scheme;
    return writeLayerJson({
      scheme,
      name: title ?? name,
      description: `Terrain from ${field.info.name}`,
      version: layerVersion(field.info.version, options, water),
      attribution: attribution ?? field.info.attribution ?? '',
      bounds: [west, Math.max(south, extent.south), east > 180 ? east - 360 : east, Math.min(north, extent.north)],
      maxLevel: levels.length - 1,
      extensions,
      available: levels.map((ranges) => ranges.map((range) => spanOf(scheme, range))),
      ...(withMetadata && { metadataAvailability: METADATA_LEVELS }),
      generator: `relievo ${VERSION}`,
      datum: field.info.datum,
      crs: crsStatement(field.members),
      warnings,
      minZoom: options.minZoom,
      maxErrorFactor: options.maxErrorFactor,
      sources: members.slice(0, MAX_NAMES).map((member) => member.field.info.name),
      ...(!certified && { certified }),
      ...(water && { water: water.statements }),
    });
  }
}

/** More sources than anybody reads. */
const MAX_NAMES = 100;

/** What the floor is below `outside`: the base reaches everywhere, so that what is below it never shows. */
function floorOf(outside: TileOptions['outside']): Floor {
  return outside === 'ellipsoid' ? 'ellipsoid' : 'sea-level';
}

function changed({ sources }: TerrainSpec): RelievoError {
  return new RelievoError(
    'input-invalid',
    `The content of ${sources.map(baseName).join(', ')} changed while it was in use; start again.`,
  );
}

function plannedData(field: TerrainField, members: readonly TerrainMember[]): PlannedData[] {
  return members.map(({ lastLevel }, i) => ({ lastLevel, touches: (box, z) => field.touches(i, box, z) }));
}

/** A feather cannot be wider than the coarsest level of its source lets it. */
function featherWarnings(field: TerrainField, members: OpenedMembers['members']): string[] {
  return members.flatMap(({ featherMetres, field: { info } }, i) => {
    const metres = field.featherMetres(i);
    if (featherMetres === undefined || Math.abs(metres - featherMetres) <= featherMetres / 10) return [];
    return `${info.name}: a feather of ${featherMetres} m is more than the source lets it be; it is ${metres.toPrecision(2)} m wide.`;
  });
}

function crsStatement(fields: readonly RasterField[]): CrsStatement {
  const accuracies = fields.map(({ crs }) => crs.accuracyMetres ?? null);
  return {
    name: [...new Set(fields.map(({ crs }) => crs.name))].join(', '),
    accuracyMetres: accuracies.reduce(
      (worst, one) => (worst === null || one === null ? null : Math.max(worst, one)),
      0,
    ),
    note: [...new Set(fields.map(({ crs }) => crs.note))].filter((note) => note !== '').join(' '),
  };
}

/** Equal for equal bytes: sources' content, what was chosen of them, and the code that encodes. */
function layerVersion(
  fieldVersion: string,
  { extensions, maxErrorFactor, maxZoom, minZoom, scheme }: TileOptions,
  water: WaterField | undefined,
): string {
  const parts: unknown[] = [
    fieldVersion,
    extensions.toSorted(),
    maxErrorFactor,
    maxZoom ?? null,
    minZoom,
    TILE_VERSION,
  ];
  if (scheme !== 'geographic') parts.push(scheme);
  if (water) parts.push({ water: water.version });
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
