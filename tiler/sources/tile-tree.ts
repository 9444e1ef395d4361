/**
 * A tree of Terrain-RGB or Terrarium tiles as one raster in web Mercator (EPSG:3857): the deepest zoom level is level 0,
 * the others its overviews; a sample is a pixel, its place the pixel's centre. Missing tiles are void.
 */
import { RelievoError } from '../error.ts';
import { resolveCrs } from '../geo/crs.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache, DEFAULT_CACHE_BYTES } from './block-cache.ts';
import type { CellGrid } from './cell-grid.ts';
import { readCells } from './cell-grid.ts';
import { describeRaster } from './cell-source.ts';
import { heightsOfColours } from './elevation-picture.ts';
import type { HeightEncoding } from './height-encoding.ts';
import type { HeightTiles, ZoomRange } from './height-tiles.ts';
import { formatOfTile, refuseFormat } from './height-tiles.ts';
import type { Picture } from './png.ts';
import { decodePng, readPngSize } from './png.ts';
import type { RasterLevel, RasterSource, SampleWindow } from './raster-source.ts';
import { checkWindow, intersect } from './sample-window.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical } from './vertical.ts';

export interface TileTreeOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** How colours hold heights, instead of what the metadata say. */
  readonly heightEncoding?: HeightEncoding | undefined;
  /** Where decoded tiles are kept; default: a cache of its own, 128 MiB. */
  readonly cache?: BlockCache<Float32Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

/** Half the width of the world in web Mercator, metres. */
const HALF_WORLD = Math.PI * 6378137;
/** Pixels along the side of a tile, at most. */
const MAX_TILE_SIDE = 4096;
/** Tiles that are tried for one that tells the size of all. */
const MAX_TRIES = 10_000;

/** One zoom level, in samples. */
interface TreeLevel {
  readonly level: RasterLevel;
  readonly grid: CellGrid;
  /** Of the raster's first sample in `grid`. */
  readonly column: number;
  readonly row: number;
}

/** The source, which closes the tiles. Refuses an encoding that nobody names, and tiles of other formats than PNG. */
export async function openTileTree(tiles: HeightTiles, options: TileTreeOptions = {}): Promise<RasterSource> {
  const finest = tiles.zooms.at(-1);
  if (finest === undefined) throw new RangeError('a tree has at least one level');
  const encoding = options.heightEncoding ?? tiles.encoding;
  if (encoding === undefined) {
    throw new RelievoError(
      'input-unsupported',
      `${tiles.path} does not say how its colours hold heights: name it with --height-encoding terrain-rgb or terrarium.`,
      { where: tiles.path },
    );
  }
  const cache = options.cache ?? new Cache<Float32Array>(DEFAULT_CACHE_BYTES);
  const side = await findSide(tiles, finest);
  const levels = levelsOf(tiles, finest, side, encoding, cache);
  const spacing = (2 * HALF_WORLD) / (side * 2 ** finest.z);
  const info = describeRaster({
    name: tiles.name,
    format: `${tiles.format}, ${encoding === 'terrarium' ? 'Terrarium' : 'Terrain-RGB'}`,
    crs: await resolveCrs('EPSG:3857'),
    affine: {
      a: spacing,
      b: 0,
      c: (finest.x0 * side + 0.5) * spacing - HALF_WORLD,
      d: 0,
      e: -spacing,
      f: HALF_WORLD - (finest.y0 * side + 0.5) * spacing,
    },
    levels: levels.map(({ level }) => level),
    sampleType: 'float32',
    vertical: overrideVertical(
      {
        datum: 'egm96',
        known: 'assumed',
        unitMetres: 1,
        unit: 'metre',
        because:
          'Terrain-RGB and Terrarium tiles hold heights above sea level, and not by which geoid; EGM96 is taken.',
      },
      options.vertical ?? {},
    ),
    version: options.version ?? '',
    attribution: tiles.attribution,
  });
  return {
    info,
    async read(index, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      const level = levels[index];
      if (level === undefined) throw new RangeError(`levels are 0 to ${levels.length - 1}; got ${index}`);
      return readLevel(level, window, signal);
    },
    async close() {
      cache.drop(`${tiles.path}\n`);
      await tiles.close();
    },
  };
}

/** The zoom levels that cover the deepest one and lie on its samples, finest first. */
function levelsOf(
  tiles: HeightTiles,
  finest: ZoomRange,
  side: number,
  encoding: HeightEncoding,
  cache: BlockCache<Float32Array>,
): TreeLevel[] {
  const found: TreeLevel[] = [];
  for (const zoom of tiles.zooms.toReversed()) {
    const scale = 2 ** (finest.z - zoom.z);
    // Beyond that the first sample of the raster lies inside one of the level.
    if (scale > side) break;
    const parents = {
      x0: Math.floor(finest.x0 / scale),
      y0: Math.floor(finest.y0 / scale),
      x1: Math.floor(finest.x1 / scale),
      y1: Math.floor(finest.y1 / scale),
    };
    const covers = zoom.x0 <= parents.x0 && zoom.y0 <= parents.y0 && zoom.x1 >= parents.x1 && zoom.y1 >= parents.y1;
    if (!covers) continue;
    found.push({
      level: {
        columns: ((finest.x1 - finest.x0 + 1) * side) / scale,
        rows: ((finest.y1 - finest.y0 + 1) * side) / scale,
        scaleX: scale,
        scaleY: scale,
      },
      grid: gridOf(tiles, { z: zoom.z, ...parents }, side, encoding, cache),
      column: (finest.x0 / scale - parents.x0) * side,
      row: (finest.y0 / scale - parents.y0) * side,
    });
  }
  return found;
}

function gridOf(
  tiles: HeightTiles,
  { z, x0, y0, x1, y1 }: ZoomRange,
  side: number,
  encoding: HeightEncoding,
  cache: BlockCache<Float32Array>,
): CellGrid {
  return {
    columns: (x1 - x0 + 1) * side,
    rows: (y1 - y0 + 1) * side,
    cellColumns: side,
    cellRows: side,
    async cell(x, y) {
      const [column, row] = [x0 + x, y0 + y];
      const heights = await cache.get(`${tiles.path}\n${z}/${column}/${row}`, async () => {
        const where = `${tiles.path}: tile ${z}/${column}/${row}`;
        const picture = await readPicture(tiles, z, column, row);
        if (picture === undefined) return NO_TILE;
        if (picture.columns !== side || picture.rows !== side) {
          throw new RelievoError(
            'input-invalid',
            `${where} has ${picture.columns} x ${picture.rows} pixels, where others have ${side} x ${side}; make all of one size.`,
            { where: tiles.path },
          );
        }
        return heightsOfColours(picture, encoding, where);
      });
      return heights.length === 0 ? undefined : heights;
    },
  };
}

const NO_TILE = new Float32Array(0);

async function readPicture(tiles: HeightTiles, z: number, x: number, y: number): Promise<Picture | undefined> {
  const bytes = await tiles.read(z, x, y);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const format = formatOfTile(bytes);
  if (format !== 'png') refuseFormat(tiles.path, format);
  const where = `${tiles.path}: tile ${z}/${x}/${y}`;
  const { columns, rows } = readPngSize(bytes, where);
  if (Math.max(columns, rows) <= MAX_TILE_SIDE) return decodePng(bytes, where);
  throw new RelievoError(
    'input-unsupported',
    `${where} has ${columns} x ${rows} pixels; expected squares of 256 or 512 a side.`,
    { where: tiles.path },
  );
}

/** Pixels along the side of the first tile that is there, from the middle of the range. */
async function findSide(tiles: HeightTiles, { z, x0, y0, x1, y1 }: ZoomRange): Promise<number> {
  const across = x1 - x0 + 1;
  const down = y1 - y0 + 1;
  for (let i = 0; i < Math.min(MAX_TRIES, across * down); i++) {
    const x = x0 + (((across >> 1) + i) % across);
    const y = y0 + (((down >> 1) + Math.floor(i / across)) % down);
    const picture = await readPicture(tiles, z, x, y);
    if (picture === undefined) continue;
    const { columns, rows } = picture;
    if (columns === rows && columns <= MAX_TILE_SIDE && Number.isInteger(Math.log2(columns))) return columns;
    throw new RelievoError(
      'input-unsupported',
      `${tiles.path} has tiles of ${columns} x ${rows} pixels; expected squares of 256 or 512 a side.`,
      { where: tiles.path },
    );
  }
  throw new RelievoError('input-invalid', `${tiles.path} has no tiles where it says that they are; get it again.`, {
    where: tiles.path,
  });
}

async function readLevel(
  { level, grid, column, row }: TreeLevel,
  window: SampleWindow,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const inside = intersect(window, { column: 0, row: 0, columns: level.columns, rows: level.rows });
  const moved = inside && { ...inside, column: inside.column + column, row: inside.row + row };
  if (moved?.columns === window.columns && moved.rows === window.rows) {
    return readCells(grid, moved, undefined, signal);
  }
  const out = new Float32Array(window.columns * window.rows).fill(Number.NaN);
  if (inside === undefined || moved === undefined) return out;
  const samples = await readCells(grid, moved, undefined, signal);
  for (let r = 0; r < inside.rows; r++) {
    const at = (inside.row - window.row + r) * window.columns + inside.column - window.column;
    out.set(samples.subarray(r * inside.columns, (r + 1) * inside.columns), at);
  }
  return out;
}
