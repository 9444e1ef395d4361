/**
 * GTX, NOAA's grids of vertical shifts: a header of 40 bytes, big-endian (latitude and longitude of the south-west node,
 * spacings, rows, columns), then float32 metres, rows from the south.
 */
import { RelievoError } from '../error.ts';
import type { ByteFile } from '../sources/byte-file.ts';
import type { GeoidRaster } from './geoid-raster.ts';

const HEADER_BYTES = 40;
/** What VDatum writes where there is no value. */
const VOID = -88.8888;

/** Whether file and header fit together, which nothing but a GTX does. */
export async function isGtx(file: ByteFile): Promise<boolean> {
  if (file.size <= HEADER_BYTES) return false;
  const { rows, columns, spacingLat, spacingLon, south } = await readHeader(file);
  return (
    rows > 1 &&
    columns > 1 &&
    file.size === HEADER_BYTES + 4 * rows * columns &&
    spacingLat > 0 &&
    spacingLon > 0 &&
    Math.abs(south) <= 90
  );
}

/** Refuses with `input-invalid` a file that is cut off or whose header makes no sense. */
export async function openGtx(file: ByteFile): Promise<GeoidRaster> {
  if (!(await isGtx(file))) {
    const sizes = file.size > HEADER_BYTES ? await readHeader(file) : { rows: 0, columns: 0 };
    throw new RelievoError(
      'input-invalid',
      `${file.path} is not a sound GTX grid: its header says ${sizes.columns} x ${sizes.rows} values, its size is ${file.size} bytes; get it again.`,
      { where: file.path },
    );
  }
  const { rows, columns, south, west, spacingLat, spacingLon } = await readHeader(file);
  return {
    west,
    north: south + (rows - 1) * spacingLat,
    spacingLon,
    spacingLat,
    columns,
    rows,
    async read(window) {
      const out = new Float32Array(window.columns * window.rows);
      for (let row = 0; row < window.rows; row++) {
        const fromSouth = rows - 1 - (window.row + row);
        const bytes = await file.read(HEADER_BYTES + 4 * (fromSouth * columns + window.column), 4 * window.columns);
        for (let i = 0; i < window.columns; i++) {
          const value = bytes.readFloatBE(4 * i);
          const valid = Math.abs(value - VOID) > 1e-4 && Math.abs(value) < 1000;
          out[row * window.columns + i] = valid ? value : NaN;
        }
      }
      return out;
    },
  };
}

async function readHeader(file: ByteFile) {
  const head = await file.read(0, HEADER_BYTES);
  return {
    south: head.readDoubleBE(0),
    west: head.readDoubleBE(8),
    spacingLat: head.readDoubleBE(16),
    spacingLon: head.readDoubleBE(24),
    rows: head.readInt32BE(32),
    columns: head.readInt32BE(36),
  };
}
