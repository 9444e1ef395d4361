/** Water masks from polygons of water or of land, read when the first tile needs them: the package's own coasts, or a file. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { RelievoError } from '../error.ts';
import { decodeFlatGeobuf, isFlatGeobuf } from '../sources/flat-geobuf.ts';
import { readPolygons } from '../sources/geojson-polygons.ts';
import { decodeNaturalEarth, naturalEarthPath } from '../sources/natural-earth.ts';
import { collectPolygons, RingCollector, type RingSet } from '../sources/ring-set.ts';
import { openPolygonCover, type PolygonCover } from './polygon-cover.ts';
import { NOTHING_SAID, WATER_RULES, type WaterSource, type WaterStatement } from './water-source.ts';

/** A GeoJSON text of this size takes a few GiB while it is read; FlatGeobuf ten times less. */
const MAX_BYTES = 2 ** 29 - 2 ** 16;

export interface PolygonWaterOptions {
  /** What the version must be, where others rely on it; without one it is worked out now, and the file checked. */
  readonly version?: string | undefined;
  /** Work out no version. */
  readonly hash?: boolean | undefined;
}

/** Land is land and all else water. */
export async function openNaturalEarthWater(options: PolygonWaterOptions): Promise<WaterSource> {
  const statement: WaterStatement = {
    kind: 'natural-earth',
    name: 'Natural Earth 1:10m',
    because: 'Land and sea of Natural Earth 1:10m, whose coasts lie up to a kilometre or two off; lakes count as land.',
  };
  return openPolygons(naturalEarthPath(), true, statement, decodeNaturalEarth, options);
}

/**
 * GeoJSON or FlatGeobuf. Of water: what lies outside is not known. Of land (`land`): what lies outside is water. Refuses
 * with `input-missing` or `input-invalid`.
 */
export async function openPolygonWater(
  path: string,
  land: boolean,
  options: PolygonWaterOptions,
): Promise<WaterSource> {
  const name = basename(path);
  const because = land
    ? `Water is what lies outside the land polygons of ${name}.`
    : `Water is what lies inside the polygons of ${name}.`;
  return openPolygons(path, land, { kind: 'polygons', name, because }, (bytes) => decodeFile(bytes, path), options);
}

async function openPolygons(
  path: string,
  land: boolean,
  statement: WaterStatement,
  decode: (bytes: Uint8Array) => RingSet,
  { version: expected, hash = true }: PolygonWaterOptions,
): Promise<WaterSource> {
  let version = expected ?? '';
  if (expected === undefined && hash) {
    const bytes = await readBytes(path);
    if (statement.kind === 'polygons') decode(bytes);
    version = versionOf(bytes, land);
  }
  let loading: Promise<PolygonCover> | undefined;
  return {
    statement,
    version,
    rasters: [],
    async pixelsOf(scheme, id, { signal, last }) {
      signal?.throwIfAborted();
      loading ??= load().catch((error) => {
        loading = undefined;
        throw error;
      });
      const cover = (await loading).coverOf(scheme.box(id));
      signal?.throwIfAborted();
      if (typeof cover === 'number') {
        if (land) return { water: 255 - cover, weight: 255 };
        return cover === 0 && !last ? NOTHING_SAID : { water: cover, weight: 255 };
      }
      if (land) return { water: cover.map((value) => 255 - value), weight: 255 };
      return { water: 255, weight: cover };
    },
    close: async () => {},
  };

  async function load(): Promise<PolygonCover> {
    const bytes = await readBytes(path);
    if (version !== '' && versionOf(bytes, land) !== version) {
      const message = `The content of ${statement.name} changed while it was in use; start again.`;
      throw new RelievoError('input-invalid', message, { where: path });
    }
    return openPolygonCover(decode(bytes));
  }
}

function versionOf(bytes: Uint8Array, land: boolean): string {
  return createHash('sha256')
    .update(bytes)
    .update(`\n${land ? 'land' : 'water'} ${WATER_RULES}`)
    .digest('hex')
    .slice(0, 32);
}

async function readBytes(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) => {
    const message = `Cannot open ${path}, a file of polygons for the water mask; check the name.`;
    throw new RelievoError('input-missing', message, { where: path, cause });
  });
  if (found.isFile() && found.size <= MAX_BYTES) return readFile(path);
  const what = found.isFile() ? `has ${found.size} bytes, at most ${MAX_BYTES} are read` : 'is no file';
  throw new RelievoError('input-invalid', `${path} ${what}; expected polygons as GeoJSON or FlatGeobuf.`, {
    where: path,
  });
}

function decodeFile(bytes: Uint8Array, path: string): RingSet {
  if (isFlatGeobuf(bytes)) return decodeFlatGeobuf(bytes, path);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    const why = (cause as Error).message.slice(0, 120);
    const message = `${path} is neither GeoJSON (${why}) nor FlatGeobuf; expected polygons in longitude and latitude.`;
    throw new RelievoError('input-invalid', message, { where: path, cause });
  }
  const rings = new RingCollector();
  collectPolygons(readPolygons(value, path), rings);
  return rings.finish();
}
