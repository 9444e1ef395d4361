/**
 * A picture of heights: a PNG of 8 or 16 bits of grey, whose darkest and brightest values stand for heights that the user
 * gives, or one whose colours hold heights (Terrain-RGB, Terrarium). Placed by the user or a world file; north row first.
 */
import { RelievoError } from '../error.ts';
import type { WholeFileOptions } from './ascii-grid.ts';
import { WHOLE_CACHE_BYTES } from './ascii-grid.ts';
import { BlockCache } from './block-cache.ts';
import { openByteFile } from './byte-file.ts';
import { describeRaster, MAX_HEIGHT, MAX_WHOLE_SAMPLES, singleLevel, sourceOfCells } from './cell-source.ts';
import type { HeightEncoding } from './height-encoding.ts';
import { heightOfColour } from './height-encoding.ts';
import { requireAffine, requireFrame } from './placement.ts';
import type { Picture } from './png.ts';
import { decodePng, readPngSize } from './png.ts';
import type { RasterSource } from './raster-source.ts';
import { overrideVertical } from './vertical.ts';

export interface PictureOptions extends WholeFileOptions {
  /** `min,max`: heights of black and of white, in the unit of heights. */
  readonly range?: string | undefined;
  /** How colours hold heights; then `range` says nothing. */
  readonly heightEncoding?: HeightEncoding | undefined;
}

/** Opens and decodes a picture. Refuses one without range or place, one in colour, a damaged one. */
export async function openElevationPicture(path: string, options: PictureOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const what = 'a picture';
    const size = readPngSize(await file.read(0, Math.min(64, file.size)), path);
    if (size.columns * size.rows > MAX_WHOLE_SAMPLES) {
      throw new RelievoError(
        'input-unsupported',
        `${path} has ${size.columns} x ${size.rows} pixels; a picture can have at most ${MAX_WHOLE_SAMPLES}: make it a GeoTIFF with gdal_translate -of COG.`,
        { where: path },
      );
    }
    const range = options.heightEncoding === undefined ? parseRange(path, options.range) : undefined;
    const affine = await requireAffine(path, what, size, options);
    const { crs, vertical: found } = await requireFrame(path, what, options);
    const vertical = overrideVertical(found, options.vertical ?? {});
    const cache = options.cache ?? new BlockCache<Float32Array>(WHOLE_CACHE_BYTES);
    const limit = MAX_HEIGHT / vertical.unitMetres;
    const load = () =>
      cache.get(`${path}\n`, async () => {
        const again = await openByteFile(path);
        try {
          const picture = await decodePng(await again.read(0, again.size), path);
          const heights =
            range === undefined
              ? heightsOfColours(picture, options.heightEncoding ?? 'terrain-rgb', path)
              : heightsOfGrey(picture, range, path);
          return heights.map((height) => (Math.abs(height) <= limit ? height : Number.NaN));
        } finally {
          await again.close();
        }
      });
    const info = describeRaster({
      name: file.name,
      format: range === undefined ? `PNG, ${options.heightEncoding}` : 'PNG',
      crs,
      affine,
      levels: singleLevel(size.columns, size.rows),
      sampleType: 'float32',
      vertical,
      version: options.version ?? '',
    });
    // At once, so that a picture in colour is refused before anything is planned.
    await load();
    const grid = { ...size, cellColumns: size.columns, cellRows: size.rows, cell: load };
    return sourceOfCells(info, [grid], async () => cache.drop(`${path}\n`));
  } finally {
    await file.close();
  }
}

/** Heights of a picture whose colours hold them, metres; NaN where it is transparent or black. */
export function heightsOfColours(picture: Picture, encoding: HeightEncoding, where: string): Float32Array {
  const { columns, rows, channels, values, white } = picture;
  if (white !== 255) {
    throw new RelievoError('input-unsupported', `${where} has 16 bits a channel; ${encoding} has 8.`, { where });
  }
  const heights = new Float32Array(columns * rows);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  const opacity = channels % 2 === 0 ? channels - 1 : undefined;
  for (let i = 0, v = 0; i < heights.length; i++, v += channels) {
    const seen = opacity === undefined || values[v + opacity] !== 0;
    heights[i] = seen
      ? heightOfColour(encoding, values[v] ?? 0, values[v + green] ?? 0, values[v + blue] ?? 0)
      : Number.NaN;
  }
  return heights;
}

interface HeightRange {
  readonly black: number;
  readonly white: number;
}

function heightsOfGrey(picture: Picture, range: HeightRange, where: string): Float32Array {
  const { columns, rows, channels, values } = picture;
  const step = (range.white - range.black) / picture.white;
  const heights = new Float32Array(columns * rows);
  for (let i = 0, v = 0; i < heights.length; i++, v += channels) {
    const value = values[v] ?? 0;
    const seen = channels % 2 === 1 || values[v + channels - 1] !== 0;
    if (seen && channels >= 3 && (values[v + 1] !== value || values[v + 2] !== value)) {
      throw new RelievoError(
        'input-unsupported',
        `${where} is a picture in colour (at column ${i % columns}, row ${Math.floor(i / columns)}), and heights are read from grey: save it in grey, or, if its colours hold heights, name how with --height-encoding terrain-rgb or terrarium.`,
        { where },
      );
    }
    heights[i] = seen ? range.black + value * step : Number.NaN;
  }
  return heights;
}

function parseRange(path: string, text: string | undefined): HeightRange {
  if (text === undefined) {
    throw new RelievoError(
      'input-unsupported',
      `${path} is a picture, which does not say how high black and white are: give both heights with --range MIN,MAX, or, if its colours hold heights, name how with --height-encoding terrain-rgb or terrarium.`,
      { where: path },
    );
  }
  const [black = Number.NaN, white = Number.NaN, ...more] = text.split(',').map((part) => Number(part.trim() || 'x'));
  if (Number.isFinite(black) && Number.isFinite(white) && black !== white && more.length === 0) return { black, white };
  throw new RelievoError('usage', `A range is MIN,MAX, two different heights such as 0,4810; got "${text}".`, {
    where: '--range',
  });
}
