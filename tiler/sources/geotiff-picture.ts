/**
 * A GeoTIFF in colour as a PictureSource: grey, palette, RGB, with opacity, a mask (internal or in a `.msk` beside it) or
 * nodata; overviews, internal or in an `.ovr` beside it, are levels. Placed as GeoTIFFs of heights are. 16 bits are stretched
 * by one range for the whole file.
 */
import { globals } from 'geotiff';
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { inFile, openByteFile } from './byte-file.ts';
import { type CellGrid, readCells } from './cell-grid.ts';
import { describeRaster } from './cell-source.ts';
import { readGeoKeys } from './geo-keys.ts';
import {
  decodeLerc,
  imagesOf,
  type PlacedImage,
  type PyramidLevel,
  parseNodata,
  pyramidOf,
  readFrame,
  readPlace,
} from './geotiff.ts';
import { type BandSamples, type ColourRule, colourRuleOf, countValues, paint, stretched } from './picture-colours.ts';
import { pictureOfCells } from './picture-levels.ts';
import type { PictureSource } from './picture-source.ts';
import { type PlaceOptions, periodOf } from './placement.ts';
import { findMask, findOverviews } from './sidecars.ts';
import type { SampleRule } from './tiff-blocks.ts';
import { tiffCells } from './tiff-cells.ts';
import { ColourTag, Compression, Tag, type TiffImage } from './tiff-header.ts';
import { readTiffPixels } from './tiff-pixels.ts';
import { verticalUnknown } from './vertical.ts';

export interface PictureOptions extends PlaceOptions {
  /** Where pixels are kept that have been decoded or averaged. */
  readonly cache: BlockCache<Uint32Array>;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

/** Pixels of a cell of strips. */
const CELL_PIXELS = 2 ** 17;
/** Cells that the range of a picture of 16 bits is taken from, spread evenly over its coarsest level. */
const MAX_COUNTED = 64;
/** Of decoded masks. */
const MASK_BYTES = 2 ** 23;
const MASK_RULE: SampleRule = { nodata: undefined, scale: 1, offset: 0, limit: Number.POSITIVE_INFINITY };

/** Opens a file or what is at an address. Refuses broken ones (`input-invalid`), other kinds (`input-unsupported`), and `crs`. */
export async function openTiffPicture(path: string, options: PictureOptions): Promise<PictureSource> {
  const files = [await openByteFile(path)];
  const close = async () => {
    options.cache.drop(`${path}\n`);
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const beside = await findOverviews(path);
    if (beside !== undefined) files.push(await openByteFile(beside));
    const maskBeside = await findMask(path);
    const maskFile = maskBeside === undefined ? undefined : await openByteFile(maskBeside);
    if (maskFile === undefined) return await describe(files, [], options, close);
    const images = files.slice();
    files.push(maskFile);
    return await describe(images, await imagesOf(maskFile, 0, { colours: true }), options, close);
  } catch (error) {
    await close();
    throw inFile(error, path);
  }
}

/** `files`: the picture, then its external overviews. `masks`: images of a mask beside it. */
async function describe(
  files: readonly ByteFile[],
  masks: readonly PlacedImage[],
  options: PictureOptions,
  close: () => Promise<void>,
): Promise<PictureSource> {
  const [images = [], overviews = []] = await Promise.all(files.map((file, i) => imagesOf(file, i, { colours: true })));
  const [full] = images;
  if (full === undefined) throw new RelievoError('input-invalid', 'It holds no image.');
  const { file, image } = full;
  const keys = readGeoKeys(image.directory, globals.geoKeyNames);
  const affine = await readPlace(file.path, image, keys, options);
  const { crs } = await readFrame(file.path, keys, undefined, options);
  const nodata = parseNodata(image.directory.text(Tag.gdalNodata)?.trim() ?? '');
  const found = pyramidOf([...images, ...overviews], full, periodOf(affine, crs, image.columns));
  // An overview without a mask would show what the mask hides.
  const hides = found[0] !== undefined && maskOf(found[0], masks) !== undefined;
  const pyramid = found.filter((level) => !hides || maskOf(level, masks) !== undefined);
  const plain = colourRuleOf(image, nodata, file.path);
  const rule = image.bits === 8 || plain.palette ? plain : await stretchToFile(pyramid, plain);
  const info = describeRaster({
    name: file.name,
    format: 'GeoTIFF',
    crs,
    affine,
    levels: pyramid.map(({ level }) => level),
    sampleType: image.sampleType ?? 'uint8',
    nodata,
    vertical: verticalUnknown(),
    version: options.version ?? '',
    attribution: image.directory.text(ColourTag.copyright)?.trim() || undefined,
  });
  const grids = pyramid.map((level, i) =>
    colourCells(level, maskOf(level, masks), rule, options.cache, `${file.path}\n${i}`),
  );
  return pictureOfCells(info, grids, options.cache, file.path, close);
}

interface Layout {
  readonly cellColumns: number;
  readonly cellRows: number;
  readonly across: number;
  readonly down: number;
}

/** A cell is a tile, or some whole strips. */
function layoutOf({ tiled, columns, rows, blockColumns, blockRows, compression }: TiffImage): Layout {
  const wanted = Math.max(1, Math.floor(CELL_PIXELS / columns));
  // Rows of an uncompressed strip can be taken as they are needed.
  const unit = compression === Compression.none ? 1 : blockRows;
  const cellRows = tiled ? blockRows : Math.min(rows, Math.ceil(wanted / unit) * unit);
  const cellColumns = tiled ? blockColumns : columns;
  return { cellColumns, cellRows, across: Math.ceil(columns / cellColumns), down: Math.ceil(rows / cellRows) };
}

/** The mask of a level: its own, else that of its size beside the file. */
function maskOf({ placed, mask }: PyramidLevel, masks: readonly PlacedImage[]): PlacedImage | undefined {
  if (mask !== undefined) return { file: placed.file, image: mask };
  const { columns, rows } = placed.image;
  return masks.find(({ image }) => image.columns === columns && image.rows === rows);
}

function colourCells(
  { placed: { file, image } }: PyramidLevel,
  mask: PlacedImage | undefined,
  rule: ColourRule,
  cache: BlockCache<Uint32Array>,
  key: string,
): CellGrid<Uint32Array> {
  const layout = layoutOf(image);
  const { cellColumns, cellRows } = layout;
  const masks = new Cache<Float32Array>(MASK_BYTES);
  const shown = mask && tiffCells(mask.file, mask.image, MASK_RULE, undefined, masks, key, decodeLerc);
  return {
    columns: image.columns,
    rows: image.rows,
    cellColumns,
    cellRows,
    cell: (x, y) =>
      cache.get(`${key}\n${x}\n${y}`, async () => {
        const bands = await bandsOfCell(file, image, layout, rule, x, y);
        const count = cellColumns * cellRows;
        const words = bands === undefined ? new Uint32Array(count) : paint(bands, count, rule);
        if (shown === undefined) return words;
        const window = { column: x * cellColumns, row: y * cellRows, columns: cellColumns, rows: cellRows };
        const seen = await readCells(shown, window, undefined, undefined);
        for (let i = 0; i < count; i++) if (seen[i] === 0) words[i] = 0;
        return words;
      }),
  };
}

/** Undefined for a cell that the file leaves out and that is not there. */
async function bandsOfCell(
  file: ByteFile,
  image: TiffImage,
  { cellColumns, cellRows }: Layout,
  rule: ColourRule,
  x: number,
  y: number,
): Promise<(BandSamples | undefined)[] | undefined> {
  const wanted = [...new Set([...rule.bands, ...(rule.opacity === undefined ? [] : [rule.opacity])])];
  const cell = { x, row: y * cellRows, columns: cellColumns, rows: cellRows };
  return readTiffPixels(file, image, cell, wanted, rule.nodata);
}

async function stretchToFile(pyramid: readonly PyramidLevel[], rule: ColourRule): Promise<ColourRule> {
  const coarsest = pyramid.at(-1);
  if (coarsest === undefined) return rule;
  const { file, image } = coarsest.placed;
  const layout = layoutOf(image);
  const cells = layout.across * layout.down;
  const histogram = new Float64Array(65536);
  const step = Math.max(1, cells / MAX_COUNTED);
  for (let k = 0; k < cells; k += step) {
    const cell = Math.floor(k);
    const [x, y] = [cell % layout.across, Math.floor(cell / layout.across)];
    const bands = await bandsOfCell(file, image, layout, rule, x, y);
    if (bands === undefined) continue;
    // What lies beyond the last column and below the last row is not of the picture.
    const columns = Math.min(layout.cellColumns, image.columns - x * layout.cellColumns);
    const rows = Math.min(layout.cellRows, image.rows - y * layout.cellRows);
    countValues(histogram, bands, { columns, rows, width: layout.cellColumns }, rule);
  }
  return stretched(rule, histogram);
}
