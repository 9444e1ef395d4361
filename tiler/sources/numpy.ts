/**
 * NumPy arrays: `.npy` (format 1.0 to 3.0) and the arrays of a zip of them, `.npz`, of which one is chosen by
 * `file.npz#name` or by being the only one of two dimensions. First row north; placed by the user. Plain arrays are read
 * in pieces where they lie, those in a zip are unpacked once.
 */
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff, openByteFile } from './byte-file.ts';
import { MAX_WHOLE_SAMPLES } from './cell-source.ts';
import type { FlatLayout, FlatType } from './flat-cells.ts';
import { bytesOfType } from './flat-cells.ts';
import type { FlatOptions } from './flat-source.ts';
import { openFlatSource } from './flat-source.ts';
import type { ZipEntry } from './packed-file.ts';
import { openZipEntries } from './packed-file.ts';
import type { RasterSource } from './raster-source.ts';

export interface NumpyOptions extends FlatOptions {
  /** Name of the array in an `.npz`. */
  readonly key?: string | undefined;
  readonly cache?: BlockCache<Float32Array> | undefined;
}

const MAGIC = '\x93NUMPY';
/** Of a header: a few dozen bytes for a plain array, more only for records. */
const MAX_HEADER_BYTES = 2 ** 16;
const TYPES: Readonly<Record<string, FlatType>> = {
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

export function looksLikeNumpy(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 6)).toString('latin1') === MAGIC;
}

/** Opens an `.npy`. Refuses what is broken, has other than two dimensions, or is not placed. */
export async function openNumpy(path: string, options: NumpyOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const start = await file.read(0, Math.min(MAX_HEADER_BYTES, file.size));
    const array = readArrayHeader(start, file.path);
    return await openFlatSource(file, 'NumPy', 'a NumPy array', layoutOf(array, file.path), options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens an array of an `.npz`. Refuses like `openNumpy`, and where it is not clear which array is meant. */
export async function openNumpyZip(path: string, options: NumpyOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const { entry, array } = await chooseArray(file, options.key);
    const layout = layoutOf(array, `${path}#${keyOf(entry)}`);
    if (layout.columns * layout.rows > MAX_WHOLE_SAMPLES) {
      throw new RelievoError(
        'input-unsupported',
        `${path} has ${layout.columns} x ${layout.rows} samples in a zip, of which at most ${MAX_WHOLE_SAMPLES} can be unpacked: save the array with numpy.save as .npy.`,
        { where: path },
      );
    }
    return await openFlatSource(unpacked(file, entry), 'NumPy', 'a NumPy array', layout, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface ArrayHeader {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Byte of the first element. */
  readonly offset: number;
}

/** Python's literal of a dictionary with the keys descr, fortran_order and shape. */
function readArrayHeader(start: Buffer, path: string): ArrayHeader {
  const invalid = (what: string) =>
    new RelievoError('input-invalid', `${path} is no sound NumPy array: ${what}; save it again with numpy.save.`, {
      where: path,
    });
  if (!looksLikeNumpy(start) || start.length < 12) throw invalid('it does not begin as one');
  const major = start[6] ?? 0;
  if (major < 1 || major > 3) throw invalid(`its format is of version ${major}; expected 1 to 3`);
  const from = major === 1 ? 10 : 12;
  const length = major === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (from + length > start.length) throw invalid(`its header should be ${length} bytes long, which it is not`);
  const text = start.subarray(from, from + length).toString('latin1');
  const descr = /'descr'\s*:\s*'([^']{1,20})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (order === undefined || shape === undefined) throw invalid('its header does not give a shape');
  if (descr === undefined) throw invalid('its elements are records, where heights are plain numbers');
  const sides = shape
    .split(',')
    .map((side) => side.trim().replace(/L$/, ''))
    .filter((side) => side !== '')
    .map(Number);
  return { descr, fortran: order === 'True', shape: sides, offset: from + length };
}

/** Rows and columns, after sides of 1; undefined for an array of other than two dimensions. */
function sidesOf({ shape }: ArrayHeader): { rows: number; columns: number } | undefined {
  const extra = shape.length - 2;
  if (extra < 0 || shape.slice(0, extra).some((side) => side !== 1)) return undefined;
  const [rows = 0, columns = 0] = shape.slice(extra);
  return rows > 0 && columns > 0 ? { rows, columns } : undefined;
}

function layoutOf(array: ArrayHeader, path: string): FlatLayout {
  const sides = sidesOf(array);
  if (sides === undefined) {
    throw new RelievoError(
      'input-unsupported',
      `${path} has the shape (${array.shape.join(', ')}); expected heights in two dimensions, rows from the north by columns from the west.`,
      { where: path },
    );
  }
  const [, order = '', code = ''] = /^([<>|=]?)([a-z]\d+)$/.exec(array.descr) ?? [];
  const sampleType = TYPES[code];
  if (sampleType === undefined) {
    throw new RelievoError(
      'input-unsupported',
      `${path} holds elements of type "${array.descr}"; expected integers or floats of 1 to 8 bytes: save it as array.astype('float32').`,
      { where: path },
    );
  }
  const run = array.fortran ? sides.rows : sides.columns;
  return {
    ...sides,
    sampleType,
    littleEndian: order !== '>',
    offset: array.offset,
    stride: run * bytesOfType(sampleType),
    fortran: array.fortran,
  };
}

async function chooseArray(file: ByteFile, key: string | undefined): Promise<{ entry: ZipEntry; array: ArrayHeader }> {
  const entries = await openZipEntries(file, /\.npy$/i, 'no .npy array');
  const names = entries.map(keyOf).slice(0, 20).join(', ');
  const refuse = (what: string) =>
    new RelievoError(
      'input-invalid',
      `${file.path} ${what}; it holds ${names}. Name the array after a #: ${file.name}#${keyOf(entries[0])}.`,
      {
        where: file.path,
      },
    );
  if (key !== undefined) {
    const entry = entries.find((one) => keyOf(one) === key);
    if (entry === undefined) throw refuse(`has no array "${key}"`);
    return { entry, array: readArrayHeader(await entry.start(), `${file.path}#${key}`) };
  }
  const flat: { entry: ZipEntry; array: ArrayHeader }[] = [];
  for (const entry of entries) {
    const array = readArrayHeader(await entry.start(), `${file.path}#${keyOf(entry)}`);
    if (sidesOf(array) !== undefined) flat.push({ entry, array });
  }
  const [only] = flat;
  if (only !== undefined && flat.length === 1) return only;
  throw refuse(flat.length === 0 ? 'has no array of two dimensions' : `has ${flat.length} arrays of two dimensions`);
}

function keyOf(entry: ZipEntry | undefined): string {
  return (entry?.name ?? '').replace(/\.npy$/i, '');
}

/** The entry as a file: unpacked at the first read, and kept until it is closed. */
function unpacked(file: ByteFile, entry: ZipEntry): ByteFile {
  let loading: Promise<Buffer<ArrayBuffer>> | undefined;
  return {
    path: `${file.path}#${keyOf(entry)}`,
    name: file.name,
    size: entry.bytes,
    async read(offset, length) {
      if (offset < 0 || offset + length > entry.bytes) throw cutOff(file.path, offset + length, entry.bytes);
      loading ??= entry.load(entry.bytes);
      // A failed read is tried again by the next who asks.
      loading.catch(() => {
        loading = undefined;
      });
      const bytes = await loading;
      return Buffer.from(new Uint8Array(bytes.subarray(offset, offset + length)).buffer);
    },
    async close() {
      loading = undefined;
      await file.close();
    },
  };
}
