/**
 * SRTM .hgt: big-endian int16 metres above EGM96, rows from the north, samples **on** the degree lines, so that
 * neighbours share a row or column. The name says which degree; the size says the spacing (SRTM Topo user guide 2.2).
 * Plain, in a zip, or gzipped.
 */
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import { BlockCache as Cache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { openByteFile } from './byte-file.ts';
import { gunzipWithin, openZipEntry } from './packed-file.ts';
import type { RasterInfo, RasterSource, VerticalReference } from './raster-source.ts';
import { checkWindow, columnRuns } from './sample-window.ts';
import type { VerticalOverride } from './vertical.ts';
import { overrideVertical } from './vertical.ts';

export interface HgtOptions {
  readonly vertical?: VerticalOverride | undefined;
  /** Where whole decoded sheets are kept; default: a cache of its own that holds this sheet. */
  readonly cache?: BlockCache<Int16Array> | undefined;
  /** `info.version`; default none. */
  readonly version?: string | undefined;
}

interface Shape {
  readonly columns: number;
  readonly rows: number;
}

/** By bytes: 3 arc-seconds, 1 arc-second, and 2 by 1 beyond 50 degrees of latitude. */
const SHAPES: readonly Shape[] = [
  { columns: 1201, rows: 1201 },
  { columns: 3601, rows: 3601 },
  { columns: 1801, rows: 3601 },
];
export const MAX_HGT_BYTES = 3601 * 3601 * 2;
const VOID = -32768;

const SRTM: VerticalReference = {
  datum: 'egm96',
  known: 'format',
  unitMetres: 1,
  unit: 'metre',
  because: 'SRTM heights are metres above the EGM96 geoid.',
};

/** Opens one sheet. Refuses what is not one with code `input-invalid`; samples are decoded at the first read. */
export async function openHgt(path: string, options: HgtOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const content = await findContent(file);
    const shape = shapeOf(content.bytes, file.path, content.name);
    const corner = cornerOf(content.name) ?? cornerOf(file.name);
    if (corner === undefined) {
      throw invalid(
        file.path,
        `its name does not say which degree it covers; expected the south-west corner, as in N45E007.hgt`,
      );
    }
    const info: RasterInfo = {
      name: file.name,
      format: 'SRTM',
      crs: 'EPSG:4326',
      crsName: 'WGS 84 (EPSG:4326)',
      affine: { a: 1 / (shape.columns - 1), b: 0, c: corner.west, d: 0, e: -1 / (shape.rows - 1), f: corner.south + 1 },
      levels: [{ ...shape, scaleX: 1, scaleY: 1 }],
      sheets: [{ file: file.name, column: 0, row: 0, ...shape }],
      sampleType: 'int16',
      nodata: VOID,
      attribution: 'SRTM: NASA, USGS',
      vertical: overrideVertical(SRTM, options.vertical ?? {}),
      version: options.version ?? '',
    };
    const cache = options.cache ?? new Cache<Int16Array>(2 * content.bytes);
    return sourceOf(info, shape, file, cache, async () => toSamples(await content.load()));
  } catch (error) {
    await file.close();
    throw error;
  }
}

function sourceOf(
  info: RasterInfo,
  shape: Shape,
  file: ByteFile,
  cache: BlockCache<Int16Array>,
  load: () => Promise<Int16Array>,
): RasterSource {
  return {
    info,
    async read(level, window, { signal } = {}) {
      signal?.throwIfAborted();
      checkWindow(window);
      if (level !== 0) throw new RangeError(`an .hgt has level 0 only; got ${level}`);
      const samples = await cache.get(file.path, load);
      signal?.throwIfAborted();
      const out = new Float32Array(window.columns * window.rows);
      const [run] = columnRuns(window, shape.columns, undefined);
      const inside = run?.columns === window.columns && window.row >= 0 && window.row + window.rows <= shape.rows;
      if (!inside) out.fill(Number.NaN);
      if (run === undefined) return out;
      const endRow = Math.min(shape.rows, window.row + window.rows);
      for (let row = Math.max(0, window.row); row < endRow; row++) {
        const from = row * shape.columns + run.column;
        const to = (row - window.row) * window.columns + run.at;
        for (let i = 0; i < run.columns; i++) {
          const height = samples[from + i] ?? VOID;
          out[to + i] = height === VOID ? Number.NaN : height;
        }
      }
      return out;
    },
    async close() {
      cache.drop(file.path);
      await file.close();
    },
  };
}

interface Content {
  /** Name that carries the corner. */
  readonly name: string;
  /** Bytes when unpacked. */
  readonly bytes: number;
  load(): Promise<Buffer<ArrayBuffer>>;
}

async function findContent(file: ByteFile): Promise<Content> {
  const start = await file.read(0, Math.min(4, file.size));
  if (start[0] === 0x50 && start[1] === 0x4b) {
    const entry = await openZipEntry(file, /\.hgt$/i, 'no .hgt file');
    return { name: entry.name, bytes: entry.bytes, load: () => entry.load(MAX_HGT_BYTES) };
  }
  if (start[0] === 0x1f && start[1] === 0x8b) {
    // The last four bytes are the size of what is packed (RFC 1952); unpacking holds it to that.
    const bytes = (await file.read(file.size - 4, 4)).readUInt32LE(0);
    return { name: file.name, bytes, load: () => gunzipWithin(file, bytes) };
  }
  return { name: file.name, bytes: file.size, load: () => file.read(0, file.size) };
}

function shapeOf(bytes: number, path: string, name: string): Shape {
  const shape = SHAPES.find(({ columns, rows }) => columns * rows * 2 === bytes);
  if (shape) return shape;
  const sizes = SHAPES.map(({ columns, rows }) => `${columns * rows * 2} (${columns} x ${rows})`).join(', ');
  throw invalid(path, `${name} has ${bytes} bytes; expected ${sizes}. It is cut off or not an .hgt file; get it again`);
}

/** Degrees of the south-west corner: `N45E007`, also with something before or after it; undefined when there is none. */
function cornerOf(name: string): { west: number; south: number } | undefined {
  const match = /(?:^|[/_-])([NS])(\d{2})([EW])(\d{3})(?!\d)/i.exec(name);
  if (!match) return undefined;
  const [, ns = '', lat = '', ew = '', lon = ''] = match;
  const south = Number(lat) * (ns.toUpperCase() === 'S' ? -1 : 1);
  const west = Number(lon) * (ew.toUpperCase() === 'W' ? -1 : 1);
  return south >= -90 && south < 90 && west >= -180 && west < 180 ? { west, south } : undefined;
}

function toSamples(bytes: Buffer<ArrayBuffer>): Int16Array {
  const own = bytes.byteOffset % 2 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  own.swap16();
  return new Int16Array(own.buffer, own.byteOffset, own.length / 2);
}

function invalid(path: string, what: string): RelievoError {
  return new RelievoError('input-invalid', `${path} cannot be used: ${what}.`, { where: path });
}
