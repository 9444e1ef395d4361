/** The words of `--water` to the sources of a layer's water masks, opened. */
import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { ExtensionName } from '../encode/extension-name.ts';
import { RelievoError } from '../error.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { openDemWater } from '../fields/water-dem.ts';
import { joinWater, type WaterField } from '../fields/water-field.ts';
import { openNaturalEarthWater, openPolygonWater } from '../fields/water-polygons.ts';
import { marksOf, openRasterWater } from '../fields/water-raster.ts';
import type { WaterSource } from '../fields/water-source.ts';
import type { TilingScheme } from '../geo/tiling-scheme.ts';
import { readMosaic } from '../sources/mosaic.ts';
import { openSources } from '../sources/open-source.ts';
import { openPrepared } from '../sources/prepared-source.ts';
import type { RasterSource, ReadOptions } from '../sources/raster-source.ts';
import type { TileOptions } from './options.ts';

const LAND = 'land:';
const POLYGON_ENDINGS = ['.geojson', '.json', '.fgb'];
/** naturalearth, Natural_Earth, natural-eath. */
const LIKE_NATURAL_EARTH = /^nat[a-z]*[^a-z]?e[a-z]*th$/i;

export interface OpenWaterOptions extends ReadOptions {
  /** The layer's heights. */
  readonly field: TerrainField;
  readonly scheme: TilingScheme;
  readonly hash: boolean;
  /** Where overviews of rasters are kept; without one they are made in memory. */
  readonly cacheFolder?: string | undefined;
  /** Of all sources, in their order, what others rely on: a source that has another fails with `input-invalid`. */
  readonly versions?: readonly string[] | undefined;
  readonly maxSamples?: number | undefined;
}

/** Undefined where the layer has no masks. Refuses as the files' readers do, and `dem` without a sea level with `usage`. */
export async function openWater(options: TileOptions, more: OpenWaterOptions): Promise<WaterField | undefined> {
  if (options.water.length === 0) return undefined;
  const sources: WaterSource[] = [];
  try {
    for (const name of options.water) {
      if (isRaster(name)) {
        if (LIKE_NATURAL_EARTH.test(name) && !existsSync(name)) throw misspelt(name);
        sources.push(...(await openRasters(name, options, more)));
        continue;
      }
      const how = { hash: more.hash, version: more.versions?.[sources.length] };
      if (name === 'dem') sources.push(openDemWater(more.field));
      else if (name === 'natural-earth') sources.push(await openNaturalEarthWater(how));
      else if (name.startsWith(LAND)) sources.push(await openPolygonWater(resolve(name.slice(LAND.length)), true, how));
      else sources.push(await openPolygonWater(resolve(name), false, how));
    }
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  return joinWater(sources);
}

/** All that tiles made with these options carry. */
export function extensionsOf({ extensions, water }: TileOptions): readonly ExtensionName[] {
  return water.length === 0 ? extensions : [...extensions, 'watermask'];
}

function misspelt(name: string): RelievoError {
  const message = `--water ${name} names no file; the coasts that come with Relievo are called natural-earth.`;
  return new RelievoError('input-missing', message, { where: name });
}

function isRaster(name: string): boolean {
  if (name === 'dem' || name === 'natural-earth' || name.startsWith(LAND)) return false;
  return !POLYGON_ENDINGS.includes(extname(name).toLowerCase());
}

/** A source for each grid of samples that the name stands for. */
async function openRasters(
  name: string,
  { allow, crsGrids, prepare }: TileOptions,
  { scheme, hash, cacheFolder, maxSamples, signal }: OpenWaterOptions,
): Promise<WaterSource[]> {
  const folder = prepare && hash ? cacheFolder : undefined;
  const opened: RasterSource[] = [];
  try {
    for (const { paths, how } of await readMosaic([name], { allow, signal })) {
      opened.push(...(await openSources(paths, { ...how, crsGrids, allow, cacheFolder, hash, signal })));
    }
    return await Promise.all(
      opened.map((source) => openRasterWater(openPrepared(marksOf(source), { folder, maxSamples }), scheme)),
    );
  } catch (error) {
    await Promise.all(opened.map((source) => source.close()));
    throw error;
  }
}
