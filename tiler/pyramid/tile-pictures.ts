/**
 * Pictures for the tiles of a tileset, laid over its terrain from files that the user names; of those that cover a place the
 * first one wins. Texels are centred on the tile's sides, so of a picture N texels wide the outermost 1/2N lies beyond them.
 */
import { createHash } from 'node:crypto';
import { NEUTRAL_COLOUR } from '../encode/colour.ts';
import { encodePicture, PICTURE_ENCODER } from '../encode/picture.ts';
import type { TilePicture } from '../encode/terrain-glb.ts';
import { RelievoError } from '../error.ts';
import { type Drape, emptyCanvas, nativeTexelLevel, openDrape } from '../fields/drape.ts';
import { overlap } from '../fields/raster-field.ts';
import { geographic, type LonLatBox, type TileId } from '../geo/tiling-scheme.ts';
import { BlockCache } from '../sources/block-cache.ts';
import { openPicture } from '../sources/picture.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

/** Texels a side. */
export const PICTURE_SIZES = [256, 512] as const;
export type PictureSize = (typeof PICTURE_SIZES)[number];

export interface TilePicturesOptions extends ReadOptions {
  /** Default by level: see `sizeFor`. */
  readonly size?: PictureSize | undefined;
  /** Default `jpeg`. */
  readonly format?: 'jpeg' | 'webp' | undefined;
  /** 1 to 100; default 85. */
  readonly quality?: number | undefined;
  /** Colour outside the pictures, 0 to 255 each; default that of terrain without one. */
  readonly background?: readonly [red: number, green: number, blue: number] | undefined;
  /** CRS of all files, instead of what they say. */
  readonly textureCrs?: string | undefined;
  /** Default: what the files say of their owners. */
  readonly attribution?: string | undefined;
  /** Absolute; hashes of files are remembered there. */
  readonly cacheFolder?: string | undefined;
}

export interface PicturePlace {
  /** As messages show it. */
  readonly name: string;
  readonly bounds: LonLatBox;
}

export interface TilePictures {
  /** Hash of the files' content, the options and what makes pictures of them. */
  readonly version: string;
  /** Owners of the files, as they or the user say it; may be empty. */
  readonly attribution: string;
  /** The level at which texels are as fine as the finest picture; deeper ones show nothing more. */
  readonly nativeLevel: number;
  /** Where each file lies, in the order of the files. */
  readonly places: readonly PicturePlace[];
  /** Of a tile of the geographic scheme; undefined where no file has anything. */
  pictureOf(id: TileId, options?: ReadOptions): Promise<TilePicture | undefined>;
  close(): Promise<void>;
}

/** Counted up when the same files and options give other texels. */
const TEXELS = 1;
/** Of pixels decoded and averaged, of all files. */
const CACHE_BYTES = 256 * 2 ** 20;
const DEFAULT_QUALITY = 85;

/** `files` in the order of their priority. Refuses as their readers do, and with `usage` what the options cannot be. */
export async function openTilePictures(
  files: readonly string[],
  options: TilePicturesOptions = {},
): Promise<TilePictures> {
  const {
    format = 'jpeg',
    quality = DEFAULT_QUALITY,
    background = NEUTRAL_COLOUR,
    textureCrs,
    cacheFolder,
    signal,
  } = options;
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new RelievoError('usage', `The quality of pictures is a whole number from 1 to 100; got ${quality}.`);
  }
  if (files.length === 0)
    throw new RelievoError('usage', 'Name at least one picture, such as an orthophoto as GeoTIFF.');
  const cache = new BlockCache<Uint32Array>(CACHE_BYTES);
  const drapes: Drape[] = [];
  const close = async () => {
    await Promise.all(drapes.map(({ source }) => source.close()));
  };
  try {
    for (const name of files) {
      const source = await openPicture(name, { sourceCrs: textureCrs, cache, cacheFolder, signal });
      drapes.push(
        await openDrape(source, geographic).catch(async (error: unknown) => {
          await source.close();
          throw error;
        }),
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  const finest = Math.min(...drapes.map(({ spacingDegrees }) => spacingDegrees));
  const owners = drapes.map(({ source }) => source.info.attribution ?? '').filter((owner) => owner !== '');
  const identity = [
    TEXELS,
    PICTURE_ENCODER,
    drapes.map(({ source }) => source.info.version),
    format,
    quality,
    background,
  ];
  return {
    version: createHash('sha256')
      .update(JSON.stringify([...identity, options.size ?? 0]))
      .digest('hex')
      .slice(0, 32),
    attribution: options.attribution ?? [...new Set(owners)].join('; '),
    nativeLevel: nativeTexelLevel(geographic, finest, 512),
    places: drapes.map(({ source, bounds }) => ({ name: source.info.name, bounds })),
    async pictureOf(id, reading = {}) {
      reading.signal?.throwIfAborted();
      const size = options.size ?? sizeFor(id.z, finest);
      const canvas = emptyCanvas(size);
      let laid = false;
      for (const drape of drapes) {
        if (await drape.layUnder(canvas, id, reading)) laid = true;
        if (laid && canvas.opacity.every((opacity) => opacity === 1)) break;
      }
      if (!laid) return undefined;
      const bytes = await encodePicture(canvas, { format, quality, background });
      return { bytes, type: `image/${format}`, inset: 0.5 / size };
    },
    close,
  };
}

/**
 * 512 texels: a level is drawn until its error of 8 E(z) is 16 pixels on the screen (E(z) and 2 for CesiumJS's terrain), so a
 * pixel then spans E(z)/2, of which a tile's height has 520. From the level on where even 256 are no wider apart than
 * the pixels of the finest picture, 256. A matter of the level alone, so that neighbours have the same.
 */
export function sizeFor(z: number, finestSpacingDegrees: number): PictureSize {
  return z >= nativeTexelLevel(geographic, finestSpacingDegrees, 256) ? 256 : 512;
}

/** Pictures that a sentence names one by one. */
const NAMED = 4;

/**
 * Refuses with `input-unsupported` when no picture meets the box of the terrain; of several, a sentence with a full stop
 * about those that do not, undefined when all do.
 */
export function checkPlaces(places: readonly PicturePlace[], terrain: LonLatBox): string | undefined {
  const elsewhere = places.filter(({ bounds }) => !overlap(bounds, terrain));
  if (elsewhere.length === 0) return undefined;
  const named = elsewhere.slice(0, NAMED).map(({ name, bounds }) => `${name} (${boxText(bounds)})`);
  const more = elsewhere.length > NAMED ? ` and ${elsewhere.length - NAMED} more` : '';
  const terrainIs = `the terrain (${boxText(terrain)}; west, south, east, north in degrees)`;
  if (elsewhere.length < places.length) return `Pictures that do not meet ${terrainIs}: ${named.join('; ')}${more}.`;
  throw new RelievoError(
    'input-unsupported',
    `expected pictures of ${terrainIs}, but they lie elsewhere: ${named.join('; ')}${more}. Name others, or their CRS with --texture-crs.`,
  );
}

function boxText({ west, south, east, north }: LonLatBox): string {
  return [west, south, east, north].map((degrees) => Number(degrees.toFixed(5))).join(', ');
}
