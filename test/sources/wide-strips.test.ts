/** Uncompressed strips so wide that only a part of each row is read, beside GDAL's samples. */
import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGeoTiff } from '../../tiler/sources/geotiff.ts';
import { gdalSamples, gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

const COLUMNS = 9001;
const ROWS = 157;
const VOID = -9999;
const SAMPLES = Int16Array.from({ length: COLUMNS * ROWS }, (_, i) =>
  i % 1013 === 0 ? VOID : (i % COLUMNS) - 3 * Math.floor(i / COLUMNS),
);
const SHAPE = { columns: COLUMNS, rows: ROWS, bits: 16, format: 2, tie: { x: 10, y: 50, step: 0.001 } } as const;

async function expectAsGdal(path: string): Promise<void> {
  const truth = Float32Array.from(gdalSamples(path), (value) => (value === VOID ? Number.NaN : value));
  const source = await openGeoTiff(path);
  try {
    expect(source.piece?.columns).toBeLessThan(COLUMNS / 2);
    const windows = [
      [0, 0, COLUMNS, ROWS],
      [2040, 60, 20, 10],
      [COLUMNS - 5, ROWS - 5, 9, 9],
      [-3, -2, 5000, 70],
      [4096, 64, 1, 1],
    ] as const;
    for (const [column, row, columns, rows] of windows) {
      const expected = new Float32Array(columns * rows).map((_, i) => {
        const [c, r] = [column + (i % columns), row + Math.floor(i / columns)];
        const inside = c >= 0 && r >= 0 && c < COLUMNS && r < ROWS;
        return inside ? (truth[r * COLUMNS + c] ?? Number.NaN) : Number.NaN;
      });
      const read = await source.read(0, { column, row, columns, rows });
      expect(read.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1);
    }
  } finally {
    await source.close();
  }
}

describe.runIf(HAS_GDAL)('wide uncompressed strips', () => {
  const write = (blocks: readonly (Uint8Array | undefined)[], more = {}) => {
    const path = join(temporaryFolder(), 'wide.tif');
    writeFileSync(path, tinyTiff({ ...SHAPE, blocks, tags: { 42113: String(VOID), ...more } }));
    return path;
  };

  it.each<[string, string[]]>([
    ['one strip', ['-co', `BLOCKYSIZE=${ROWS}`]],
    ['a strip for each row', ['-co', 'BLOCKYSIZE=1']],
    ['strips of 10 rows, big endian', ['-co', 'BLOCKYSIZE=10', '-co', 'ENDIANNESS=BIG']],
    ['three bands, interleaved', ['-co', 'INTERLEAVE=PIXEL', '-b', '1', '-b', '1', '-b', '1', '-co', 'BLOCKYSIZE=7']],
    ['two bands, apart', ['-co', 'INTERLEAVE=BAND', '-b', '1', '-b', '1', '-ot', 'Float64']],
  ])('%s', async (_, args) => {
    const path = join(temporaryFolder(), 'gdal.tif');
    gdalTranslate(write([bytesOf(SAMPLES)]), path, args);
    await expectAsGdal(path);
  });

  it('strips that are left out', async () => {
    const rows = Math.ceil(ROWS / 3);
    const strip = (k: number) => bytesOf(SAMPLES.slice(k * rows * COLUMNS, Math.min(ROWS, (k + 1) * rows) * COLUMNS));
    await expectAsGdal(write([strip(0), undefined, strip(2)]));
  });

  it('a file that becomes shorter while it is open is refused', async () => {
    const path = write([bytesOf(SAMPLES)]);
    const source = await openGeoTiff(path);
    const file = openSync(path, 'r+');
    ftruncateSync(file, COLUMNS * ROWS);
    closeSync(file);
    const window = { column: 0, row: ROWS - 9, columns: 10, rows: 9 };
    await expect(source.read(0, window)).rejects.toMatchObject({ code: 'input-invalid' });
    await source.close();
  });
});
