/**
 * Samples that lie one after another in a file, without compression: NumPy arrays, Esri's binary grids, RAW. Cells are runs
 * of whole rows (or of whole columns, in Fortran order), read when they are asked for; NaN is void.
 */
import { RelievoError } from '../error.ts';
import type { BlockCache } from './block-cache.ts';
import type { ByteFile } from './byte-file.ts';
import { cutOff } from './byte-file.ts';
import type { CellGrid } from './cell-grid.ts';
import type { SampleRule } from './tiff-blocks.ts';
import { heightsOf, swapBytes, viewAs } from './tiff-blocks.ts';
import type { SampleType } from './tiff-header.ts';

export type FlatType = SampleType | 'float16' | 'int64' | 'uint64';

export interface FlatLayout {
  readonly columns: number;
  readonly rows: number;
  readonly sampleType: FlatType;
  readonly littleEndian: boolean;
  /** Byte of the first sample. */
  readonly offset: number;
  /** Bytes from one row to the next (from one column to the next in Fortran order). */
  readonly stride: number;
  /** Columns lie one after another, not rows. */
  readonly fortran: boolean;
}

const BITS: Readonly<Record<FlatType, number>> = {
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  float16: 16,
  uint32: 32,
  int32: 32,
  float32: 32,
  uint64: 64,
  int64: 64,
  float64: 64,
};

export const FLAT_TYPES = Object.keys(BITS) as FlatType[];

/** Samples of a cell: small enough for a window's sake, large enough to be worth a promise. */
const CELL_SAMPLES = 2 ** 17;
const MAX_SIDE = 2 ** 31;

export function bytesOfType(type: FlatType): number {
  return BITS[type] / 8;
}

/** Byte after the last sample. Refuses with `input-invalid` a size that is none; the file is not looked at. */
export function endOfSamples(path: string, { columns, rows, sampleType, offset, stride, fortran }: FlatLayout): number {
  const [run, runs] = fortran ? [rows, columns] : [columns, rows];
  const runBytes = run * bytesOfType(sampleType);
  const end = offset + (runs - 1) * stride + runBytes;
  const sound = isSide(columns) && isSide(rows) && Number.isSafeInteger(offset) && offset >= 0 && stride >= runBytes;
  if (sound && Number.isSafeInteger(end)) return end;
  throw new RelievoError(
    'input-invalid',
    `${path} says that it holds ${columns} x ${rows} samples from byte ${offset}, ${stride} bytes a row; that cannot be.`,
    { where: path },
  );
}

/** The samples as cells. Refuses with `input-invalid` a file that is too short for them. */
export function flatCells(
  file: ByteFile,
  layout: FlatLayout,
  rule: SampleRule,
  cache: BlockCache<Float32Array>,
  key: string,
): CellGrid {
  const end = endOfSamples(file.path, layout);
  if (end > file.size) throw cutOff(file.path, end, file.size);
  const { columns, rows, fortran } = layout;
  const [run, runs] = fortran ? [rows, columns] : [columns, rows];
  const perCell = Math.min(runs, Math.max(1, Math.floor(CELL_SAMPLES / run)));
  return {
    columns,
    rows,
    cellColumns: fortran ? perCell : columns,
    cellRows: fortran ? rows : perCell,
    cell: (x, y) =>
      cache.get(`${key}\n${x}\n${y}`, async () => {
        const first = (fortran ? x : y) * perCell;
        const samples = await readRuns(file, layout, run, first, Math.min(perCell, runs - first), rule);
        return fortran ? transpose(samples, run, perCell) : samples;
      }),
  };
}

async function readRuns(
  file: ByteFile,
  { sampleType, littleEndian, offset, stride }: FlatLayout,
  run: number,
  first: number,
  count: number,
  rule: SampleRule,
): Promise<Float32Array> {
  const runBytes = run * bytesOfType(sampleType);
  const read = await file.read(offset + first * stride, (count - 1) * stride + runBytes);
  let bytes: Uint8Array<ArrayBuffer> = read;
  if (stride !== runBytes) {
    bytes = new Uint8Array(count * runBytes);
    for (let i = 0; i < count; i++) bytes.set(read.subarray(i * stride, i * stride + runBytes), i * runBytes);
  }
  if (!littleEndian) swapBytes(bytes, BITS[sampleType]);
  return heightsOf(numbersOf(sampleType, bytes.buffer, count * run), 1, count * run, rule);
}

function numbersOf(type: FlatType, buffer: ArrayBuffer, count: number): ReturnType<typeof viewAs> {
  if (type === 'float16') return Float32Array.from(new Uint16Array(buffer, 0, count), halfToNumber);
  if (type === 'int64') return Float64Array.from(new BigInt64Array(buffer, 0, count), Number);
  if (type === 'uint64') return Float64Array.from(new BigUint64Array(buffer, 0, count), Number);
  return viewAs(type, buffer, count);
}

/** IEEE 754 binary16. Node has an array of these from 24 on only. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Columns of `rows` samples, one after another, to rows of `width`; what is missing on the right stays 0. */
function transpose(samples: Float32Array, rows: number, width: number): Float32Array {
  const out = new Float32Array(rows * width);
  for (let i = 0, column = 0; i < samples.length; column++) {
    for (let row = 0; row < rows; row++, i++) out[row * width + column] = samples[i] ?? Number.NaN;
  }
  return out;
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= MAX_SIDE;
}
