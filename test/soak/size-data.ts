/**
 * Rasters of any size from real heights: SRTM sheets of the test data, laid side by side and over again on a grid of one
 * arc-second from 5 E 50 N (those of three seconds are resampled to it by cubic convolution). Voids stay -32768. From it:
 * one GeoTIFF in four layouts, and many small GeoTIFFs with gaps between them.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflate } from 'node:zlib';
import { seededRandom } from '../../tiler/verify/random.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

export const WEST = 5;
export const NORTH = 50;
export const PER_DEGREE = 3600;
export const VOID = -32768;

/** Sheets of the test data, and their samples along a side without the last, which the neighbour has as its first. */
const SHEETS: readonly (readonly [name: string, side: number])[] = [
  ['N42E001.hgt.zip', 1200],
  ['N20W157.hgt.zip', 3600],
  ['N41E001.hgt.zip', 1200],
  ['N49W121.hgt.zip', 3600],
  ['N00E011.hgt.zip', 1200],
  ['N20W156.hgt.zip', 3600],
];

/** How a raster lies in its file. */
export const LAYOUTS = ['striped', 'striped-deflate', 'one-strip', 'one-strip-deflate'] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface Relief {
  readonly side: number;
  /** For GDAL: the judge of all that is made from it. */
  readonly vrt: string;
  /** The same samples bare: int16, little-endian, row by row. */
  readonly raw: string;
}

/** `sheets` is the folder of the .hgt.zip files; everything is written to `folder`. */
export function makeRelief(sheets: string, folder: string, side: number): Relief {
  mkdirSync(folder, { recursive: true });
  const unpacked = new Set<string>();
  const across = Math.ceil(side / PER_DEGREE);
  const sources: string[] = [];
  for (let row = 0; row < across; row++) {
    for (let column = 0; column < across; column++) {
      const i = (column + 2 * row + Math.floor(row / SHEETS.length)) % SHEETS.length;
      const [zip, from] = SHEETS[i] ?? ['', 0];
      const tif = zip.replace('.hgt.zip', '.tif');
      if (!unpacked.has(tif)) gdal(['-q', `/vsizip/${join(sheets, zip)}/${basename(zip, '.zip')}`, join(folder, tif)]);
      unpacked.add(tif);
      const [x, y] = [column * PER_DEGREE, row * PER_DEGREE];
      sources.push(`<ComplexSource resampling="cubic"><SourceFilename relativeToVRT="1">${tif}</SourceFilename>
<SourceBand>1</SourceBand><NODATA>${VOID}</NODATA><SrcRect xOff="0" yOff="0" xSize="${from}" ySize="${from}"/>
<DstRect xOff="${x}" yOff="${y}" xSize="${PER_DEGREE}" ySize="${PER_DEGREE}"/></ComplexSource>`);
    }
  }
  const step = 1 / PER_DEGREE;
  const vrt = join(folder, 'relief.vrt');
  writeFileSync(
    vrt,
    `<VRTDataset rasterXSize="${side}" rasterYSize="${side}"><SRS>EPSG:4326</SRS>
<GeoTransform>${WEST}, ${step}, 0, ${NORTH}, 0, ${-step}</GeoTransform>
<VRTRasterBand dataType="Int16" band="1"><NoDataValue>${VOID}</NoDataValue>
${sources.join('\n')}\n</VRTRasterBand></VRTDataset>\n`,
  );
  const raw = join(folder, 'relief.bin');
  gdal(['-q', '-of', 'ENVI', vrt, raw]);
  return { side, vrt, raw };
}

/** Writes the relief as one GeoTIFF; GDAL writes strips of one row, and what it refuses to write we write ourselves. */
export async function writeLayout(relief: Relief, layout: Layout, path: string): Promise<void> {
  rmSync(path, { force: true });
  const compressed = ['-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=2'];
  if (layout === 'striped') gdal(['-q', relief.vrt, path]);
  else if (layout === 'striped-deflate') gdal(['-q', ...compressed, relief.vrt, path]);
  else await writeOneStrip(relief, layout === 'one-strip-deflate', path);
}

/** All rows in one strip: nothing of it can be had without what stands before it, once it is compressed. */
async function writeOneStrip({ side, raw }: Relief, compressed: boolean, path: string): Promise<void> {
  // Until it is known, the size is one that takes as much room as the right one.
  const start = (size: number) => oneStripHeader(side, compressed, size);
  const file = await open(path, 'w');
  try {
    await file.write(start(2 ** 31));
    const rows = createReadStream(raw, { highWaterMark: 2 * side * Math.max(1, Math.floor(2 ** 20 / side)) });
    let size = 0;
    const append = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        await file.write(chunk);
        size += chunk.length;
      }
    };
    if (compressed) await pipeline(rows, differences(side), createDeflate({ level: 6 }), append);
    else await pipeline(rows, append);
    await file.write(start(size), 0, undefined, 0);
  } finally {
    await file.close();
  }
}

function oneStripHeader(side: number, compressed: boolean, size: number): Buffer {
  const make = (offset: number) =>
    tinyTiff({
      columns: side,
      rows: side,
      blocks: [undefined],
      bits: 16,
      format: 2,
      tie: { x: WEST, y: NORTH, step: 1 / PER_DEGREE },
      tags: {
        259: [compressed ? 8 : 1],
        273: [offset],
        279: [size],
        ...(compressed && { 317: [2] }),
        42113: String(VOID),
      },
    });
  return make(make(0).length);
}

/** The horizontal predictor of TIFF: each sample of a row less the one before it. */
function differences(side: number): Transform {
  let rest = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const whole = all.length - (all.length % (2 * side));
      rest = Buffer.from(all.subarray(whole));
      const samples = new Int16Array(all.buffer.slice(all.byteOffset, all.byteOffset + whole));
      for (let row = 0; row < samples.length; row += side) {
        for (let i = row + side - 1; i > row; i--) samples[i] = (samples[i] ?? 0) - (samples[i - 1] ?? 0);
      }
      done(null, bytesOf(samples));
    },
  });
}

/** Along the side of a small sheet, and of a district of sheets; districts are full or empty. */
export const SHEET_SIDE = 64;
const DISTRICT = 5;

/** Where a small sheet begins in the relief. */
export interface SheetPlace {
  readonly file: string;
  readonly column: number;
  readonly row: number;
}

/** Cuts `count` sheets of 64 x 64 samples in districts spread over the relief, each a GeoTIFF in `folder`; seeded. */
export function cutSheets({ side, raw }: Relief, folder: string, count: number): SheetPlace[] {
  mkdirSync(folder, { recursive: true });
  const across = Math.floor(side / SHEET_SIDE / DISTRICT);
  const room = (across * DISTRICT) ** 2;
  if (count > room * 0.8) throw new Error(`${count} sheets need a relief of more than ${side} samples a side`);
  const random = seededRandom(41);
  const districts = Array.from({ length: across * across }, (_, i) => ({ i, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, Math.ceil(count / DISTRICT ** 2))
    .map(({ i }) => i)
    .sort((a, b) => a - b);
  const places: SheetPlace[] = [];
  const file = openSync(raw, 'r');
  for (const district of districts) {
    for (let k = 0; k < DISTRICT ** 2 && places.length < count; k++) {
      const column = ((district % across) * DISTRICT + (k % DISTRICT)) * SHEET_SIDE;
      const row = (Math.floor(district / across) * DISTRICT + Math.floor(k / DISTRICT)) * SHEET_SIDE;
      const name = `r${String(row).padStart(5, '0')}c${String(column).padStart(5, '0')}.tif`;
      const block = Buffer.alloc(2 * SHEET_SIDE * SHEET_SIDE);
      for (let r = 0; r < SHEET_SIDE; r++) {
        readSync(file, block, 2 * SHEET_SIDE * r, 2 * SHEET_SIDE, 2 * ((row + r) * side + column));
      }
      const tie = { x: WEST + column / PER_DEGREE, y: NORTH - row / PER_DEGREE, step: 1 / PER_DEGREE };
      const shape = { columns: SHEET_SIDE, rows: SHEET_SIDE, bits: 16, format: 2 } as const;
      writeFileSync(join(folder, name), tinyTiff({ ...shape, blocks: [block], tie, tags: { 42113: String(VOID) } }));
      places.push({ file: name, column, row });
    }
  }
  return places;
}

function gdal(args: readonly string[]): void {
  execFileSync('gdal_translate', args, { env: { ...process.env, GDAL_PAM_ENABLED: 'NO', GDAL_CACHEMAX: '256' } });
}
