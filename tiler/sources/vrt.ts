/**
 * GDAL's VRT as a RasterSource: the first band's files laid over each other, later ones on top, by their nearest samples as
 * GDAL does. Files are opened when they are read and closed when others need their place. Coordinates are those of the VRT.
 * Level 0 only. Places that no file covers are void, where GDAL gives 0 for a VRT without a NoDataValue.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import type { Affine } from '../geo/affine.ts';
import { resolveCrs } from '../geo/crs.ts';
import { checkLinks, type Referrer, referrerOf, resolveReference } from './allowed-place.ts';
import { openByteFile } from './byte-file.ts';
import { describeRaster, MAX_HEIGHT, singleLevel } from './cell-source.ts';
import type { Frame, PlaceOptions } from './placement.ts';
import { requireAffine, requireFrame } from './placement.ts';
import type { RasterSource, SampleWindow, SheetWindow, VerticalReference } from './raster-source.ts';
import { checkWindow, columnRuns, intersect } from './sample-window.ts';
import { placesTouching } from './sheet-index.ts';
import { baseName, isRemoteName, shownName } from './source-name.ts';
import type { PooledSource, SourcePool } from './source-pool.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical, verticalFromWkt, verticalUnknown } from './vertical.ts';
import type { VrtDocument, VrtRect, VrtSource } from './vrt-document.ts';
import { readVrt } from './vrt-document.ts';

export interface VrtOptions extends PlaceOptions {
  readonly vertical: VerticalOverride;
  /** Hash of the VRT's own text; empty leaves its files unhashed as well. */
  readonly version: string;
  /** Samples as they are stored, without scale and offset. */
  readonly stored?: boolean | undefined;
  /** Places outside of the VRT's folder that it may refer to. */
  readonly allow: readonly string[];
  /** Bounds the files open at once. */
  readonly pool: SourcePool;
  /** Remembers the state of one of its files, if that is cheap. */
  readonly lookAt: (path: string) => void;
  /** Opens one of its files, for samples as they are stored, wherever they say that they lie; refuses what has changed. */
  readonly openMember: (path: string, sourceCrs: string) => Promise<RasterSource>;
  /** Hash of the content of one of its files. */
  readonly hashMember: (path: string) => Promise<string>;
}

/** A file, and where its samples go. */
interface Placed {
  readonly source: VrtSource;
  readonly pooled: PooledSource;
  readonly box: SampleWindow;
}

const MAX_BYTES = 2 ** 25;
/** GDAL's: a rectangle that reaches into a sample by less than this leaves it alone. */
const NEAR = 1e-3;
/** Samples of a file that are read at once, where its samples are thinned out. */
const MAX_READ = 2 ** 22;
const HASHES_ABREAST = 8;

export function looksLikeVrt(start: Uint8Array): boolean {
  return /^(\uFEFF|\xEF\xBB\xBF)?\s*(<\?xml[^>]*>\s*)?<VRTDataset\b/.test(Buffer.from(start).toString('latin1'));
}

/** Refuses with a sentence: broken, beyond the subset, or referring to places that are not allowed. */
export async function openVrt(path: string, options: VrtOptions): Promise<RasterSource> {
  const shown = shownName(path);
  const vrt = readVrt(await readText(path), shown);
  const { columns, rows } = vrt;
  const referrer = await referrerOf(path, options.allow);
  const paths = vrt.sources.map(({ name, relativeToVrt }) =>
    resolveReference(name, referrer, relativeToVrt || isRemoteName(path)),
  );
  const frame = await frameOf(vrt, path, options);
  const members = new Map<string, PooledSource>();
  const placed = vrt.sources.flatMap((source, i): Placed[] => {
    const member = paths[i] ?? '';
    const pooled = members.get(member) ?? {
      files: 1,
      async open() {
        await checkLinks(member, referrer);
        const opened = await options.openMember(member, frame.crs.definition);
        const { columns: width, rows: height } = opened.info.levels[0] ?? { columns: 0, rows: 0 };
        const { size } = source;
        if (size === undefined || (size.columns === width && size.rows === height)) return opened;
        await opened.close();
        throw new RelievoError(
          'input-invalid',
          `${shown} takes ${shownName(member)} for ${size.columns} x ${size.rows} samples, and it has ${width} x ${height}: make the VRT again with gdalbuildvrt.`,
          { where: shown },
        );
      },
    };
    if (!members.has(member)) options.lookAt(member);
    members.set(member, pooled);
    const box = intersect(boxOf(source.to), { column: 0, row: 0, columns, rows });
    return box === undefined ? [] : [{ source, pooled, box }];
  });
  if (placed.length === 0) {
    throw new RelievoError('input-invalid', `${shown} has no source inside its ${columns} x ${rows} samples.`, {
      where: shown,
    });
  }
  const close = async () => {
    await Promise.all([...members.values()].map((member) => options.pool.close(member)));
  };
  try {
    const vertical = overrideVertical(await verticalOf(vrt, frame, placed, options.pool), options.vertical);
    const plain = describeRaster({
      name: baseName(path),
      format: 'VRT',
      crs: frame.crs,
      affine:
        vrt.geoTransform === undefined ? await requireAffine(path, 'a VRT', vrt, options) : affineOf(vrt.geoTransform),
      levels: singleLevel(columns, rows),
      sampleType: vrt.dataType === 'byte' ? 'uint8' : vrt.dataType,
      nodata: vrt.nodata,
      vertical,
      version: await versionOf([...members.keys()], referrer, options),
    });
    const remote = [...members.keys()].some(isRemoteName) || undefined;
    const info = { ...plain, sheets: sheetsOf(placed), remote };
    const boxes = placed.map(({ source, box }) => ({ file: source.name, ...box }));
    const rule: Rule = { scale: vrt.scale, offset: vrt.offset, limit: MAX_HEIGHT / vertical.unitMetres };
    const plainRule: Rule = { scale: 1, offset: 0, limit: Number.POSITIVE_INFINITY };
    return {
      info,
      async read(level, window, { signal } = {}) {
        signal?.throwIfAborted();
        checkWindow(window);
        if (level !== 0) throw new RangeError(`levels are 0 to 0; got ${level}`);
        const out = new Float32Array(window.columns * window.rows).fill(Number.NaN);
        const covered = new Uint8Array(out.length);
        for (const run of columnRuns(window, columns, info.periodColumns)) {
          const part = { column: run.column, row: window.row, columns: run.columns, rows: window.rows };
          // From the top down: what is covered need not be read below.
          for (const { index } of placesTouching({ sheets: boxes, periodColumns: undefined }, part).toReversed()) {
            const one = placed[index];
            const box = one && intersect(part, one.box);
            if (one === undefined || box === undefined || isCovered(box, part, run.at, window.columns, covered))
              continue;
            const at = (column: number, row: number) =>
              (row - window.row) * window.columns + run.at + column - run.column;
            await options.pool.use(one.pooled, (opened) => lay(opened, one.source, box, at, out, covered, vrt, signal));
          }
        }
        finish(out, vrt.nodata, options.stored ? plainRule : rule);
        return out;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  const file = await openByteFile(path);
  try {
    if (file.size <= MAX_BYTES) return (await file.read(0, file.size)).toString('utf8').replace(/^\uFEFF/, '');
    throw new RelievoError(
      'input-invalid',
      `${file.path} has ${file.size} bytes; a VRT of at most ${MAX_BYTES} is read: name its files themselves, or a tile index.`,
      { where: file.path },
    );
  } finally {
    await file.close();
  }
}

/** The CRS that the user names, else the VRT's own. */
async function frameOf({ srs, unit }: VrtDocument, path: string, options: VrtOptions): Promise<Frame> {
  if (options.sourceCrs !== undefined || srs === undefined) return requireFrame(path, 'a VRT', options);
  const crs = await resolveCrs(srs, { grids: options.grids });
  return { crs, vertical: verticalFromWkt(srs, unit) ?? verticalUnknown(unit) };
}

/** By the VRT's own coordinate system, else by its first file's; the unit by the VRT where it names one. */
async function verticalOf(
  { unit }: VrtDocument,
  { vertical }: Frame,
  [first]: readonly Placed[],
  pool: SourcePool,
): Promise<VerticalReference> {
  if (vertical.known !== 'assumed' || first === undefined) return vertical;
  const own = await pool.use(first.pooled, async ({ info }) => info.vertical);
  return unit === undefined ? own : { ...own, unit: vertical.unit, unitMetres: vertical.unitMetres };
}

function affineOf([x = 0, a = 0, b = 0, y = 0, d = 0, e = 0]: readonly number[]): Affine {
  return { a, b, c: x + (a + b) / 2, d, e, f: y + (d + e) / 2 };
}

/** Samples that a rectangle touches, as GDAL counts them. */
function boxOf({ x, y, width, height }: VrtRect): SampleWindow {
  const [column, row] = [Math.floor(x + NEAR), Math.floor(y + NEAR)];
  return { column, row, columns: Math.ceil(x + width - NEAR) - column, rows: Math.ceil(y + height - NEAR) - row };
}

function sheetsOf(placed: readonly Placed[]): SheetWindow[] {
  const sheets = placed.map(({ source, box }) => ({ file: baseName(source.name), ...box }));
  return [...new Map(sheets.map((sheet) => [Object.values(sheet).join(' '), sheet])).values()];
}

async function versionOf(
  paths: readonly string[],
  referrer: Referrer,
  { version, hashMember }: VrtOptions,
): Promise<string> {
  if (version === '') return '';
  const hashes: string[] = new Array(paths.length);
  let next = 0;
  const go = async () => {
    for (let i = next++; i < paths.length; i = next++) {
      const path = paths[i] ?? '';
      await checkLinks(path, referrer);
      hashes[i] = await hashMember(path);
    }
  };
  await Promise.all(Array.from({ length: HASHES_ABREAST }, go));
  return createHash('sha256')
    .update(JSON.stringify([version, hashes]))
    .digest('hex')
    .slice(0, 32);
}

function isCovered(box: SampleWindow, part: SampleWindow, at: number, stride: number, covered: Uint8Array): boolean {
  for (let row = 0; row < box.rows; row++) {
    const start = (box.row - part.row + row) * stride + at + box.column - part.column;
    if (covered.subarray(start, start + box.columns).includes(0)) return false;
  }
  return true;
}

/** Writes a file's samples where nothing lies yet. */
async function lay(
  opened: RasterSource,
  source: VrtSource,
  box: SampleWindow,
  at: (column: number, row: number) => number,
  out: Float32Array,
  covered: Uint8Array,
  vrt: VrtDocument,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { from, to, nodata, ratio, offset } = source;
  const columns = picks(box.column, box.columns, from.x, from.width, to.x, to.width);
  const rows = picks(box.row, box.rows, from.y, from.height, to.y, to.height);
  const window = windowOf(columns, rows);
  if (window.columns * window.rows > MAX_READ && columns.length * rows.length > 1) {
    for (const half of halvesOf(box)) await lay(opened, source, half, at, out, covered, vrt, signal);
    return;
  }
  const samples = await opened.read(0, window, { signal });
  const convert = source.converts ? converterOf(vrt.dataType) : undefined;
  for (const [r, row] of rows.entries()) {
    const start = (row - window.row) * window.columns - window.column;
    const target = at(box.column, box.row + r);
    for (const [c, column] of columns.entries()) {
      const stored = samples[start + column] ?? Number.NaN;
      if (covered[target + c] === 1 || Number.isNaN(stored) || stored === nodata) continue;
      const value = ratio === 1 && offset === 0 ? stored : Math.fround(stored * ratio + offset);
      out[target + c] = convert === undefined ? value : convert(value);
      covered[target + c] = 1;
    }
  }
}

/** For each of `count` samples from `first` on the file's sample nearest to its centre. */
function picks(first: number, count: number, from: number, fromSize: number, to: number, toSize: number): Int32Array {
  const [least, most] = [Math.floor(from + NEAR), Math.ceil(from + fromSize - NEAR) - 1];
  return Int32Array.from({ length: count }, (_, i) => {
    const place = from + (first + i + 0.5 - to) * (fromSize / toSize);
    return Math.min(most, Math.max(least, Math.floor(place + 1e-8)));
  });
}

/** Picks never run backwards. */
function windowOf(columns: Int32Array, rows: Int32Array): SampleWindow {
  const [column, row] = [columns[0] ?? 0, rows[0] ?? 0];
  return { column, row, columns: (columns.at(-1) ?? column) - column + 1, rows: (rows.at(-1) ?? row) - row + 1 };
}

function halvesOf(box: SampleWindow): SampleWindow[] {
  if (box.rows > 1) {
    const rows = box.rows >> 1;
    return [
      { ...box, rows },
      { ...box, row: box.row + rows, rows: box.rows - rows },
    ];
  }
  const columns = box.columns >> 1;
  return [
    { ...box, columns },
    { ...box, column: box.column + columns, columns: box.columns - columns },
  ];
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  byte: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** To the band's type: whole numbers are the nearest, halves away from zero. */
function converterOf(dataType: string): ((value: number) => number) | undefined {
  const [least, most] = RANGES[dataType] ?? [];
  if (least === undefined || most === undefined) return undefined;
  return (value) => Math.min(most, Math.max(least, Math.sign(value) * Math.floor(Math.abs(value) + 0.5) + 0));
}

interface Rule {
  readonly scale: number;
  readonly offset: number;
  /** Heights farther than this from 0 are void. */
  readonly limit: number;
}

/** Stored values of the band to heights. */
function finish(out: Float32Array, nodata: number | undefined, { scale, offset, limit }: Rule): void {
  for (let i = 0; i < out.length; i++) {
    const stored = out[i] ?? Number.NaN;
    const height = stored === nodata ? Number.NaN : stored * scale + offset;
    out[i] = Math.abs(height) <= limit ? height : Number.NaN;
  }
}
