/** A layer's sources, options and plan, opened: what every thread and the server hold, each its own. */
import { createHash } from 'node:crypto';
import { type CrsStatement, type LayerJson, writeLayerJson } from '../catalog/layer-json.ts';
import { appendMetadata } from '../encode/metadata.ts';
import { addWaterMask } from '../encode/water-mask.ts';
import { RelievoError } from '../error.ts';
import { openFloorField } from '../fields/floor-field.ts';
import { nativeLevelOf } from '../fields/native-level.ts';
import { openRasterField, type RasterField } from '../fields/raster-field.ts';
import { type Floor, openTerrainField, type TerrainField } from '../fields/terrain-field.ts';
import type { WaterField } from '../fields/water-field.ts';
import { schemeNamed, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';
import { bundledBasePath } from '../sources/bundled-base.ts';
import type { PreparableSource, PrepareOptions } from '../sources/decimate.ts';
import type { FoundSheets } from '../sources/many-sheets.ts';
import { type LonLatPolygons, type MosaicMember, readMosaic } from '../sources/mosaic.ts';
import { openSources } from '../sources/open-source.ts';
import { openPrepared } from '../sources/prepared-source.ts';
import type { RasterSource, ReadOptions } from '../sources/raster-source.ts';
import { baseName } from '../sources/source-name.ts';
import { SourcePool } from '../sources/source-pool.ts';
import { VrtFiles } from '../sources/vrt-files.ts';
import { VERSION } from '../version.ts';
import { areaWarnings, clipBounds, clipToAll, type LayerAreas, readAreas } from './areas.ts';
import { describeDescendants, METADATA_LEVELS, namesDescendants, spanOf } from './descendants.ts';
import { type MadeTile, makeTile, TILE_VERSION } from './make-tile.ts';
import { DEEPEST_LEVEL, type LabelOptions, type TileOptions } from './options.ts';
import { type PlannedData, planTiles, type TilePlan } from './plan.ts';
import { capWarnings, refuseBeyond } from './scheme-limits.ts';
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
  /** Files of many-sheet sources held open at a time, at most; default 128. Threads share the bound among them. */
  readonly openFiles?: number | undefined;
}

/** One source of a layer: a file, or sheets of one grid. */
export interface TerrainMember {
  readonly field: RasterField;
  readonly source: PreparableSource;
  /** The least level whose posts lie no further apart than its samples. */
  readonly nativeLevel: number;
  /** Its tiles are planned down to this one. */
  readonly lastLevel: number;
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

interface OpenedMembers {
  readonly mosaic: readonly MosaicMember[];
  readonly members: readonly (TerrainMember & { readonly featherMetres: number | undefined })[];
  readonly base: RasterField | undefined;
  /** The base as a source, where there is one. */
  readonly bases: readonly { readonly field: RasterField; readonly source: PreparableSource }[];
  /** All that has to be closed. */
  readonly all: readonly RasterSource[];
}

async function openMembers(
  spec: TerrainSpec,
  { hash, maxSamples, signal, onScan }: OpenMakerOptions,
): Promise<OpenedMembers> {
  const { options, cacheFolder } = spec;
  const scheme = schemeNamed(options.scheme);
  const { verticalDatum, verticalUnit, sourceCrs, bounds, range, rawLayout, nodata, heightEncoding } = options;
  const how = { verticalDatum, verticalUnit, sourceCrs, bounds, range, rawLayout, nodata, heightEncoding };
  const folder = options.prepare && hash ? cacheFolder : undefined;
  const all: RasterSource[] = [];
  const pool = new SourcePool(spec.openFiles);
  const vrtFiles = new VrtFiles(spec.openFiles);
  const sheets = new Map<MosaicMember, FoundSheets>();
  try {
    const found: { field: RasterField; source: PreparableSource; featherMetres: number | undefined }[] = [];
    const mosaic = spec.mosaic ?? (await readMosaic(spec.sources, { how, allow: options.allow, signal }));
    for (const member of mosaic) {
      const isBase = member.base === true;
      const files = isBase ? { ...member, paths: [bundledBasePath()] } : member;
      for (const source of await openMember(files, [member.clip, spec.areas?.clip])) {
        const field = await openRasterField(source, scheme, { ...options, isBase });
        if (!isBase) refuseBeyond(scheme, field);
        found.push({ field, source, featherMetres: member.featherMetres });
      }
    }
    if (found.length === 0) throw nothingLeft(spec);
    const bases: { field: RasterField; source: PreparableSource }[] = [];
    if (options.outside === 'base') {
      for (const source of await openMember({ name: 'base', paths: [bundledBasePath()], how: {} }, [])) {
        bases.push({ field: await openRasterField(source, scheme, { maxFill: 0, isBase: true }), source });
      }
    }
    const known = mosaic.map((member) => ({ ...member, found: sheets.get(member) ?? member.found }));
    return { mosaic: known, members: withLevels(found, options), base: bases[0]?.field, bases, all };
  } catch (error) {
    await Promise.all(all.map((source) => source.close()));
    throw error;
  }

  async function openMember(
    member: MosaicMember,
    clips: readonly (LonLatPolygons | undefined)[],
  ): Promise<PreparableSource[]> {
    const { crsGrids } = options;
    const sources = await openSources(member.paths, {
      ...member.how,
      crsGrids,
      allow: options.allow,
      cacheFolder,
      pool,
      vrtFiles,
      hash,
      signal,
      onScan,
      found: member.found,
      onFound: (what) => sheets.set(member, what),
    }).catch((error: unknown) => {
      throw namedIn(error, member);
    });
    all.push(...sources);
    const clipped = await Promise.all(sources.map((source) => clipToAll(source, clips)));
    // Of several sources a clip may leave nothing.
    const left = clipped.filter(({ info }) => info.sheets.length > 0);
    const prepared = left.map((source) =>
      openPrepared(titled(source, member), { folder: bringsOverviews(source) ? undefined : folder, maxSamples }),
    );
    // Each closes what it stands for.
    all.splice(-sources.length, sources.length, ...prepared, ...sources.filter((_, i) => !left.includes(clipped[i])));
    return prepared;
  }
}

/** A file that is missing is easier found where it is named. */
function namedIn(error: unknown, { namedIn: by }: MosaicMember): unknown {
  if (by === undefined || !(error instanceof RelievoError) || error.message.includes(by)) return error;
  const message = `${error.message.replace(/\.$/, '')}. It is named in ${by}.`;
  return new RelievoError(error.code, message, { where: error.where, cause: error.cause });
}

function titled(source: RasterSource, { title }: MosaicMember): RasterSource {
  return title === undefined ? source : { ...source, info: { ...source.info, name: title } };
}

function nothingLeft({ sources }: TerrainSpec): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `Nothing of ${sources.map(baseName).join(', ')} lies inside the polygons that it is clipped to: are they in longitude and latitude?`,
  );
}

/** To read all of a file far away costs more than its own overviews are worth; nobody certifies these. */
function bringsOverviews({ info }: RasterSource): boolean {
  return info.remote === true && info.levels.length > 1;
}

/**
 * How deep each source's tiles go: to its own native level, and at most to --max-zoom; where that lies beyond the native
 * level of all, the finest sources go on to it.
 */
function withLevels<T extends { readonly field: RasterField }>(found: readonly T[], { maxZoom, scheme }: TileOptions) {
  const natives = found.map(({ field }) => Math.min(DEEPEST_LEVEL, nativeLevelOf(field, schemeNamed(scheme))));
  const finest = Math.max(...natives);
  return found.map((member, i) => {
    const native = natives[i];
    const beyond = maxZoom !== undefined && maxZoom > finest && native === finest;
    return { ...member, nativeLevel: native, lastLevel: beyond ? maxZoom : Math.min(native, maxZoom ?? native) };
  });
}
