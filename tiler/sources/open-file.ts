/**
 * One file named by the user as a RasterSource: its format is found by its content first and its name second; what the user
 * says of it goes before what it says itself.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { RelievoError } from '../error.ts';
import { WHOLE_CACHE_BYTES } from './ascii-grid.ts';
import { BlockCache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import { hashFile, inFile, openByteFile } from './byte-file.ts';
import { readDatumGrids } from './datum-grid-file.ts';
import { findEsriHeader } from './ehdr.ts';
import { findReader, type Members } from './file-formats.ts';
import type { FileMemo } from './file-memo.ts';
import type { HeightEncoding } from './height-encoding.ts';
import { MAX_HGT_BYTES } from './hgt.ts';
import { recogniseFamily } from './known-families.ts';
import { withNodata } from './nodata-source.ts';
import type { RasterSource } from './raster-source.ts';
import { findOverviews } from './sidecars.ts';
import { isRemoteName, shownName } from './source-name.ts';
import { hashTileFolder, looksLikeTileTree } from './tiles-in-folder.ts';
import { untilAborted } from './until-aborted.ts';
import { looksLikeVrt } from './vrt.ts';
import { VrtFiles } from './vrt-files.ts';

/** What the user says of a file, instead of what it says itself. */
export interface Understanding {
  /** `ellipsoid`, `egm96`, or the name of another datum or of a geoid file. */
  readonly verticalDatum?: string | undefined;
  /** `metre`, `foot`, `us-foot`, or the metres in one unit as a number. */
  readonly verticalUnit?: string | undefined;
  /** `EPSG:code`, a proj4 string, WKT, or the path of a `.prj`. */
  readonly sourceCrs?: string | undefined;
  /** `west,south,east,north`: outer edges of a file that does not say where it lies, in units of the CRS. */
  readonly bounds?: string | undefined;
  /** `min,max`: heights of the darkest and the brightest value of an elevation picture. */
  readonly range?: string | undefined;
  /** `COLUMNSxROWS:TYPE[:little|big][:SKIP]`: takes the file as bare samples, whatever it looks like. */
  readonly rawLayout?: string | undefined;
  /** How colours hold heights; default what metadata say. */
  readonly heightEncoding?: HeightEncoding | undefined;
  /** Value, in the file's unit, that stands for missing samples beside those that the file names. */
  readonly nodata?: number | undefined;
}

export interface OpenerOptions {
  /** Datum grid files that a CRS may use. */
  readonly crsGrids?: readonly string[] | undefined;
  /** Decoded samples kept in memory, all files together; default 128 MiB, and more for files that decode as a whole. */
  readonly cacheBytes?: number | undefined;
  /** False leaves files unhashed and `info.version` empty; default true. */
  readonly hash?: boolean | undefined;
  /** Where hashes are kept that are known from before; default nowhere. */
  readonly memo?: FileMemo | undefined;
  /** Folders and beginnings of addresses that a VRT may refer to, beside its own folder. */
  readonly allow?: readonly string[] | undefined;
  /** Files of a VRT held open at a time, at most; default 128. */
  readonly maxOpenFiles?: number | undefined;
  /** The files of VRTs, where several openers share them and their bound; default this opener's own. */
  readonly vrtFiles?: VrtFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens files that share caches and datum grids. */
export interface FileOpener {
  /** Refuses with a sentence each: missing, a folder, empty, broken, of no known kind. `hash`: this time only. */
  open(name: string, how?: Understanding, hash?: boolean): Promise<RasterSource>;
}

/** Whole .hgt sheets are kept up to this, because each costs a tenth of a second to unpack again. */
const MAX_HGT_CACHE_BYTES = 2 ** 30;

/** `files`: about how many there will be, by which the cache of .hgt sheets is sized. */
export async function openFiles(files: number, options: OpenerOptions = {}): Promise<FileOpener> {
  const { signal, cacheBytes, hash: hashes = true, memo } = options;
  const sheetBytes = Math.min(files * (MAX_HGT_BYTES + 1024), MAX_HGT_CACHE_BYTES);
  const shared = {
    cache: new BlockCache<Float32Array>(cacheBytes ?? DEFAULT_CACHE_BYTES),
    sheets: new BlockCache<Int16Array>(Math.max(cacheBytes ?? sheetBytes, MAX_HGT_BYTES + 1024)),
    wholes: new BlockCache<Float32Array>(WHOLE_CACHE_BYTES),
    grids: await readDatumGrids(options.crsGrids ?? [], signal),
  };
  // Stored samples and heights of one file are not the same blocks.
  const stored = new BlockCache<Float32Array>(cacheBytes ?? DEFAULT_CACHE_BYTES);
  const vrtFiles = options.vrtFiles ?? new VrtFiles(options.maxOpenFiles);
  return { open: (name, how = {}, hash = hashes) => open(name, how, hash, 0) };

  /** How the files of a VRT are opened that itself lies in `depth` others. */
  function membersAt(depth: number): Members {
    return {
      allow: options.allow ?? [],
      pool: vrtFiles.poolAt(depth),
      lookAt: (member) => vrtFiles.lookAt(member),
      openMember: (member, sourceCrs) =>
        inOneState(member, undefined, async () => {
          const how = { sourceCrs, bounds: ANYWHERE };
          const source = await open(member, how, false, depth + 1).catch(async (error: unknown) => {
            if (!isRemoteName(member)) await vrtFiles.check(member);
            throw error;
          });
          try {
            await vrtFiles.check(member);
          } catch (error) {
            await source.close();
            throw error;
          }
          return source;
        }),
      hashMember: (member) =>
        inOneState(member, signal, async () => {
          await vrtFiles.keep(member, signal);
          if (!looksLikeVrt(await startOf(member))) return hashFiles(member, memo, signal);
          const vrt = await open(member, {}, true, depth + 1);
          await vrt.close();
          return vrt.info.version;
        }),
    };
  }

  async function open(name: string, how: Understanding, hash: boolean, depth: number): Promise<RasterSource> {
    // A member is opened when it is read, long after the call that the signal belongs to.
    const during = depth === 0 ? signal : undefined;
    during?.throwIfAborted();
    const { path, key } = await splitKey(name);
    if (depth > MAX_VRT_DEPTH) throw tooDeep(path);
    return inOneState(path, during, async () => {
      const open = await findReader(path, how);
      const version = hash ? await hashFiles(path, memo, signal) : '';
      const { verticalDatum: datum, verticalUnit: unit, sourceCrs, bounds } = how;
      const vertical = { datum, unit };
      const members = membersAt(depth);
      const plain = { ...shared, how, vertical, sourceCrs, bounds, version, key, members };
      const opening = depth === 0 ? plain : { ...plain, cache: stored, stored: true };
      const source = await open(path, opening).catch((error: unknown) => {
        throw inFile(error, path);
      });
      const known = recognised(identified(withNodata(source, how.nodata), how, key));
      return isRemoteName(path) ? remoteSource(known) : known;
    });
  }
}

/** What is at an address stays open, and so in one state, until the work is done. */
async function inOneState<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const held = isRemoteName(path) ? await openByteFile(path, { signal }) : undefined;
  try {
    return await work();
  } finally {
    await held?.close();
  }
}

/** Outer edges for files of a VRT that do not say where they lie: it is the VRT that places them. */
const ANYWHERE = '0,0,1,1';
/** VRTs that may lie within each other. */
const MAX_VRT_DEPTH = 4;

function tooDeep(path: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${shownName(path)} lies in a VRT within ${MAX_VRT_DEPTH} others, or in one that refers to itself; name the files themselves.`,
    { where: shownName(path) },
  );
}

async function startOf(path: string): Promise<Uint8Array> {
  const file = await openByteFile(path);
  try {
    return await file.read(0, Math.min(256, file.size));
  } finally {
    await file.close();
  }
}

/** `dem.npz#elevation` is the array `elevation` of dem.npz, unless there is a file of that very name. */
export async function splitKey(name: string): Promise<{ path: string; key: string | undefined }> {
  const [, path = name, key] = /^(.*\.npz)#([^#/\\]+)$/i.exec(name) ?? [];
  if (key === undefined) return { path: name, key };
  if (isRemoteName(name)) return { path: name, key: undefined };
  const exists = await stat(name).then(
    () => true,
    () => false,
  );
  return exists ? { path: name, key: undefined } : { path, key };
}

/** Content of a file and of the overviews or the header beside it, or of a folder of tiles. */
async function hashFiles(path: string, memo: FileMemo | undefined, signal: AbortSignal | undefined): Promise<string> {
  const hashOf = (file: string) => memo?.hashOf(file, () => hashFile(file, signal)) ?? hashFile(file, signal);
  if (await looksLikeTileTree(path)) return hashTileFolder(path, signal);
  const own = await hashOf(path);
  const beside = [await findOverviews(path), await findEsriHeader(path)].filter((other) => other !== undefined);
  const others = await Promise.all(beside.map(hashOf));
  return others.length === 0 ? own : digest([own, ...others]);
}

/** The version takes in where the samples lie and how they are understood, which names, sidecars and options can say. */
function identified(source: RasterSource, how: Understanding, key: string | undefined): RasterSource {
  const { version, crs, affine } = source.info;
  if (version === '') return source;
  const { range, rawLayout, heightEncoding, nodata } = how;
  const place = Object.entries(affine).sort();
  const parts = [
    version,
    crs,
    place,
    range ?? '',
    rawLayout ?? '',
    heightEncoding ?? '',
    key ?? '',
    ...(nodata === undefined ? [] : [nodata]),
  ];
  return { ...source, info: { ...source.info, version: digest(parts) } };
}

/** Says that it is remote, and lets go of a server that keeps it waiting as soon as its reader does. */
function remoteSource(source: RasterSource): RasterSource {
  return {
    ...source,
    info: { ...source.info, remote: true },
    read: (level, window, options) => untilAborted(source.read(level, window, options), options?.signal),
  };
}

/** Of what its heights are above, where the file says nothing, its name may tell. */
function recognised(source: RasterSource): RasterSource {
  const { vertical, name } = source.info;
  const known = recogniseFamily(vertical, name);
  return known === vertical ? source : { ...source, info: { ...source.info, vertical: known } };
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
