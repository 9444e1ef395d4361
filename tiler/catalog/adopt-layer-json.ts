/**
 * Takes another tool's layer.json as ours: what it says is kept where it is sound, what is missing is filled in, and
 * what Relievo's server does not do (`parentUrl`, `metadataAvailability`, other extensions) is left out. Rows of
 * `available` count from the south whatever `scheme` says, as CesiumJS reads them.
 */
import { RelievoError } from '../error.ts';
import {
  flipRow,
  geographic,
  isTile,
  schemeOfProjection,
  type TileId,
  type TilingScheme,
} from '../geo/tiling-scheme.ts';
import { type AvailableRange, type LayerJson, offeredExtensions } from './layer-json.ts';
import { tileRanges } from './tile-ranges.ts';

type Json = Readonly<Record<string, unknown>>;
/** West, south, east, north, degrees. */
type Bounds = [number, number, number, number];

/** Whether the document was written by Relievo: then its `version` names sources, options and encoder. */
export function isOurLayerJson(document: Json): document is Json & LayerJson {
  const ours = objectOr(document.relievo);
  const datum = objectOr(ours?.datum);
  const scheme = schemeOfProjection(document.projection);
  return (
    scheme !== undefined &&
    typeof ours?.generator === 'string' &&
    typeof datum?.source === 'string' &&
    typeof datum.because === 'string' &&
    typeof document.version === 'string' &&
    readAvailable(document.available, scheme) !== undefined &&
    readBounds(document.bounds) !== undefined &&
    typeof document.maxzoom === 'number' &&
    Array.isArray(document.tiles) &&
    Array.isArray(document.extensions)
  );
}

export interface AdoptOptions {
  /** Name to use when the document has none. */
  readonly name: string;
  /** For error messages. */
  readonly where: string;
  /** The tiles that exist; asked only when the document does not list them. */
  readonly entries: () => AsyncIterable<TileId>;
}

/**
 * The document that Relievo serves for another tool's tiles. Its `tiles` template carries no version: nobody promises
 * that such a version changes with the tiles. Throws `input-unsupported` for a format or projection that is not
 * quantized-mesh in EPSG:4326.
 */
export async function adoptLayerJson(document: Json, { name, where, entries }: AdoptOptions): Promise<LayerJson> {
  const format = document.format;
  if (typeof format !== 'string' || !format.startsWith('quantized-mesh-1.')) {
    const message = `expected tiles of format quantized-mesh-1.0, but layer.json says ${JSON.stringify(format)}`;
    throw new RelievoError('input-unsupported', message, { where });
  }
  const scheme = schemeOfProjection(document.projection ?? geographic.crs);
  if (scheme === undefined) {
    const message = `expected projection EPSG:4326 or EPSG:3857, but layer.json says ${JSON.stringify(document.projection)}`;
    throw new RelievoError('input-unsupported', message, { where });
  }
  // With metadataAvailability the list is not in use, and its tiles' own metadata is not served.
  const listed = document.metadataAvailability === undefined ? readAvailable(document.available, scheme) : undefined;
  const available = capLevels(listed ?? (await listTiles(entries(), scheme)), document.maxzoom);
  const extensions = textsOr(document.extensions).map((text) => (text === 'vertexnormals' ? 'octvertexnormals' : text));

  return {
    tilejson: '2.1.0',
    name: textOr(document.name) || name,
    description: textOr(document.description),
    version: textOr(document.version) || '1.0.0',
    format: 'quantized-mesh-1.0',
    attribution: textOr(document.attribution),
    scheme: 'tms',
    projection: scheme.crs,
    tiles: ['{z}/{x}/{y}.terrain'],
    bounds: narrower(readBounds(document.bounds), boundsOf(available, scheme)),
    minzoom: 0,
    maxzoom: Math.max(0, available.length - 1),
    extensions: offeredExtensions({ extensions }),
    available,
    relievo: {
      generator: 'unknown',
      datum: {
        source: 'unknown',
        known: 'assumed',
        because:
          'these tiles were made by another tool, which does not say what its heights are measured from; ' +
          'they are taken as heights above the WGS84 ellipsoid, as quantized-mesh asks',
        geoid: 'none',
      },
      crs: { name: 'unknown', accuracyMetres: null, note: '' },
      warnings: [
        'These tiles were made by another tool: nothing says how exact they are, nor what their heights are above.',
      ],
      heights: 'ellipsoidal',
      // Nobody measured it: null in JSON.
      maxErrorFactor: Number.NaN,
      sources: [],
    },
  };
}

function objectOr(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOr(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((text) => typeof text === 'string');
}

function readBounds(value: unknown): Bounds | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [west, south, east, north]: unknown[] = value;
  if (!isWithin(west, 180) || !isWithin(south, 90) || !isWithin(east, 180) || !isWithin(north, 90)) return undefined;
  return south < north && west !== east ? [west, south, east, north] : undefined;
}

function isWithin(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Math.abs(value) <= limit;
}

/** The sound ranges of each level; undefined when there is no such list, or nothing in it. */
function readAvailable(value: unknown, scheme: TilingScheme): AvailableRange[][] | undefined {
  if (!Array.isArray(value)) return undefined;
  const levels = value.slice(0, 31).map((level: unknown, z) => {
    const ranges: unknown[] = Array.isArray(level) ? level : [];
    return ranges.flatMap((range) => readRange(objectOr(range), z, scheme) ?? []);
  });
  return levels.some((ranges) => ranges.length > 0) ? levels : undefined;
}

function readRange(range: Json | undefined, z: number, scheme: TilingScheme): AvailableRange | undefined {
  const { startX, startY, endX, endY } = range ?? {};
  if (typeof startX !== 'number' || typeof startY !== 'number') return undefined;
  if (typeof endX !== 'number' || typeof endY !== 'number') return undefined;
  const inside = isTile(scheme, { z, x: startX, y: startY }) && isTile(scheme, { z, x: endX, y: endY });
  return inside && startX <= endX && startY <= endY ? { startX, startY, endX, endY } : undefined;
}

/** Without the levels below maxzoom and without empty ones at the end. */
function capLevels(available: AvailableRange[][], maxzoom: unknown): AvailableRange[][] {
  const capped = typeof maxzoom === 'number' && maxzoom >= 0 ? available.slice(0, Math.floor(maxzoom) + 1) : available;
  return capped.slice(0, 1 + capped.findLastIndex((ranges) => ranges.length > 0));
}

async function listTiles(entries: AsyncIterable<TileId>, scheme: TilingScheme): Promise<AvailableRange[][]> {
  const levels: { x: number; y: number }[][] = [];
  for await (const { z, x, y } of entries) {
    while (levels.length <= z) levels.push([]);
    levels[z]?.push({ x, y: flipRow(scheme, z, y) });
  }
  return levels.map(tileRanges);
}

/** What is said of the bounds, unless the deepest tiles lie within it: many tools name the world or half of it. */
function narrower(said: Bounds | undefined, tiles: Bounds): Bounds {
  if (said === undefined) return tiles;
  const [west, south, east, north] = said;
  const holds = west <= tiles[0] && south <= tiles[1] && east >= tiles[2] && north >= tiles[3];
  return holds ? tiles : said;
}

/** Around the tiles of the deepest level that has any. */
function boundsOf(available: readonly (readonly AvailableRange[])[], scheme: TilingScheme): Bounds {
  const z = available.findLastIndex((ranges) => ranges.length > 0);
  const ranges = available[z] ?? [];
  const { west, south, east, north } = scheme.extent;
  if (ranges.length === 0) return [west, south, east, north];
  const corner = (x: number, fromSouth: number) => scheme.box({ z, x, y: flipRow(scheme, z, fromSouth) });
  const first = corner(
    Math.min(...ranges.map(({ startX }) => startX)),
    Math.min(...ranges.map(({ startY }) => startY)),
  );
  const last = corner(Math.max(...ranges.map(({ endX }) => endX)), Math.max(...ranges.map(({ endY }) => endY)));
  return [first.west, first.south, last.east, last.north];
}
