/** The sources of a layer, opened, clipped, prepared and placed: what `readMosaic` names, and the base below. */
import { RelievoError } from '../error.ts';
import { nativeLevelOf } from '../fields/native-level.ts';
import { openRasterField, type RasterField } from '../fields/raster-field.ts';
import { schemeNamed } from '../geo/tiling-scheme.ts';
import { bundledBasePath } from '../sources/bundled-base.ts';
import type { PreparableSource } from '../sources/decimate.ts';
import type { FoundSheets } from '../sources/many-sheets.ts';
import { type LonLatPolygons, type MosaicMember, readMosaic } from '../sources/mosaic.ts';
import { openSources } from '../sources/open-source.ts';
import { openPrepared } from '../sources/prepared-source.ts';
import type { RasterSource } from '../sources/raster-source.ts';
import { baseName } from '../sources/source-name.ts';
import { SourcePool } from '../sources/source-pool.ts';
import { VrtFiles } from '../sources/vrt-files.ts';
import { clipToAll } from './areas.ts';
import { DEEPEST_LEVEL, type TileOptions } from './options.ts';
import { refuseBeyond } from './scheme-limits.ts';
import type { OpenMakerOptions, TerrainSpec } from './terrain-maker.ts';

/** One source of a layer: a file, or sheets of one grid. */
export interface TerrainMember {
  readonly field: RasterField;
  readonly source: PreparableSource;
  /** The least level whose posts lie no further apart than its samples. */
  readonly nativeLevel: number;
  /** Its tiles are planned down to this one. */
  readonly lastLevel: number;
}

export interface OpenedMembers {
  readonly mosaic: readonly MosaicMember[];
  readonly members: readonly (TerrainMember & { readonly featherMetres: number | undefined })[];
  readonly base: RasterField | undefined;
  /** The base as a source, where there is one. */
  readonly bases: readonly { readonly field: RasterField; readonly source: PreparableSource }[];
  /** All that has to be closed. */
  readonly all: readonly RasterSource[];
}

export async function openMembers(
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
