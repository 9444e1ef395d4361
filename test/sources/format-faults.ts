/** Files of every further format with one fault each: the bytes, the options, and what the refusal must say. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { elementsOf, npyOf } from '../support/numpy-writer.ts';
import { pngOf } from '../support/png-writer.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';
import type { Tile } from '../support/tile-archives.ts';
import { pmtilesOf, writeMbtiles } from '../support/tile-archives.ts';
import { zipOf } from '../support/zip-writer.ts';
import type { Fault } from './tiff-faults.ts';

const place = { sourceCrs: 'EPSG:4326', bounds: '10,40,14,43' };
const head = (columns: number | string, rows: number | string, cell: number | string = 1) =>
  `ncols ${columns}\nnrows ${rows}\nxllcorner 10\nyllcorner 40\ncellsize ${cell}\n`;

const ascii = (name: string, says: RegExp, text: string | Buffer, file = 'x.asc'): Fault => ({
  name,
  says,
  options: { sourceCrs: place.sourceCrs },
  files: () => ({ [file]: typeof text === 'string' ? Buffer.from(text, 'latin1') : text }),
});

const TWELVE = '1 2 3 4 5 6 7 8 9 10 11 12';

const ASCII_FAULTS: readonly Fault[] = [
  ascii('too few numbers', /cut off: 11 of its 4 x 3 samples/, head(4, 3) + TWELVE.replace(' 12', '    ')),
  ascii('too many numbers', /more numbers than its 4 x 3/, `${head(4, 3)}${TWELVE} 13`),
  ascii('a word among the numbers', /"seven" in row 2, column 3/, head(4, 3) + TWELVE.replace('7', 'seven')),
  ascii('a word of a megabyte', /is no number/, head(4, 3) + '7'.repeat(2 ** 20).concat('x '.repeat(20))),
  ascii('2^28 samples in a few bytes', /cut off or broken/, head(16384, 16384) + TWELVE),
  ascii('2^62 samples', /at most 268435456/, head(2 ** 31, 2 ** 31) + TWELVE),
  ascii('no columns', /0 ncols/, head(0, 3) + TWELVE),
  ascii('half a row', /2.5 nrows/, head(4, 2.5) + TWELVE),
  ascii('columns in words', /ncols is "four"|no raster/, head('four', 3) + TWELVE),
  ascii('a cell of no size', /cellsize/, head(4, 3, 0) + TWELVE),
  ascii('a cell of infinite size', /cellsize is "1e999"/, head(4, 3, '1e999') + TWELVE),
  ascii('a cell of negative size', /above 0/, head(4, 3, -1) + TWELVE),
  ascii('a header and no more', /cut off/, head(4, 3)),
  ascii('no place', /xllcorner/, `ncols 4\nnrows 3\n${TWELVE}`),
  ascii('a place outside the world', /outside the world/, head(4, 3, 1000) + TWELVE),
  ascii('a bomb in gzip', /cut off/, gzipSync(`${head(8192, 8192, 0.001)}${'0 '.repeat(2 ** 22)}`), 'x.asc.gz'),
  ascii(
    'gzip cut off',
    /read to its end|cut off/,
    gzipSync(head(40, 30) + TWELVE.repeat(100)).subarray(0, 90),
    'x.asc.gz',
  ),
];

const plane = npyOf({ descr: '<i2', shape: [3, 4], bytes: elementsOf('<i2', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) });
const npy = (name: string, says: RegExp, bytes: () => Buffer, file = 'x.npy'): Fault => ({
  name,
  says,
  options: place,
  files: () => ({ [file]: bytes() }),
});
const shaped = (...shape: number[]) => npyOf({ descr: '<f8', shape, bytes: Buffer.alloc(96) });
const changed = (at: number, value: number) => {
  const bytes = Buffer.from(plane);
  bytes[at] = value;
  return bytes;
};

const NUMPY_FAULTS: readonly Fault[] = [
  npy('too few elements', /should reach byte/, () => plane.subarray(0, plane.length - 1)),
  npy('2^60 elements', /should reach byte|cannot be/, () => shaped(2 ** 30, 2 ** 30)),
  npy('a side of 2^53', /cannot be/, () => shaped(3, 2 ** 53)),
  npy('a side of 0', /shape \(0, 4\)/, () => shaped(0, 4)),
  npy('version 9', /version 9/, () => changed(6, 9)),
  npy('a header longer than the file', /header should be/, () => changed(9, 255)),
  npy('no header', /no raster|does not begin/, () => plane.subarray(0, 8)),
  npy('records for elements', /records/, () =>
    Buffer.from(plane.toString('latin1').replace("'<i2'", "[('a')"), 'latin1'),
  ),
  npy(
    'a zip that says 2 GB of 100 bytes',
    /cannot unpack to|should reach|damaged/,
    () =>
      zipOf({
        name: 'a.npy',
        content: npyOf({ descr: '<f8', shape: [16384, 16384], bytes: Buffer.alloc(64) }),
        bytes: 2 ** 31 - 1,
      }),
    'x.npz',
  ),
  npy('a zip with another checksum', /checksum/, () => zipOf({ name: 'a.npy', content: plane, checksum: 1 }), 'x.npz'),
  npy('a zip without arrays', /no \.npy array/, () => zipOf({ name: 'a.txt', content: plane }), 'x.npz'),
];

const picture = (name: string, says: RegExp, bytes: () => Buffer): Fault => ({
  name,
  says,
  options: { ...place, range: '0,100' },
  files: () => ({ 'x.png': bytes() }),
});
const rows = Buffer.alloc(15);

const PICTURE_FAULTS: readonly Fault[] = [
  picture('2^30 pixels a side', /at most 268435456/, () =>
    pngOf({ width: 2 ** 30, height: 2 ** 30, colourType: 0, rows }),
  ),
  picture('no pixels', /0 x 3 pixels/, () => pngOf({ width: 0, height: 3, colourType: 0, rows })),
  picture('pixels that unpack to more', /unpacks to more/, () =>
    pngOf({ width: 4, height: 3, colourType: 0, rows: Buffer.alloc(300 * 2 ** 20) }),
  ),
  picture('16384 a side of nothing', /0 of 268451840 bytes/, () =>
    pngOf({ width: 16384, height: 16384, colourType: 0, rows: Buffer.alloc(0) }),
  ),
  picture('too few pixels', /14 of 15 bytes/, () =>
    pngOf({ width: 4, height: 3, colourType: 0, rows: rows.subarray(1) }),
  ),
  picture('a filter that is none', /sound PNG/, () =>
    pngOf({ width: 4, height: 3, colourType: 0, rows: rows.fill(9) }),
  ),
  picture('9 bits a channel', /9 bits/, () => pngOf({ width: 4, height: 3, depth: 9, colourType: 0, rows })),
  picture('colour type 5', /colour type 5/, () => pngOf({ width: 4, height: 3, colourType: 5, rows })),
  picture('colours beyond its palette', /not in its palette/, () =>
    pngOf({
      width: 4,
      height: 3,
      colourType: 3,
      rows: Buffer.alloc(15, 1).fill(0, 0, 1),
      chunks: { PLTE: rows.subarray(0, 3) },
    }),
  ),
];

const grid = (name: string, says: RegExp, header: string): Fault => ({
  name,
  says,
  options: { sourceCrs: place.sourceCrs },
  files: () => ({ 'x.bil': Buffer.alloc(24), 'x.hdr': Buffer.from(header) }),
});
const bil = (more: string) => `NCOLS 4\nNROWS 3\nNBITS 16\nULXMAP 10\nULYMAP 50\nXDIM 1\nYDIM 1\n${more}`;

const GRID_FAULTS: readonly Fault[] = [
  grid('a header of more samples', /should reach byte/, bil('').replace('3', '300')),
  grid('rows that overlap', /bytes a row/, bil('TOTALROWBYTES 2\n')),
  grid('bytes to skip before the file', /cannot be/, bil('SKIPBYTES -8\n')),
  grid('12 bits', /12 bits/, bil('').replace('16', '12')),
  grid('cells of no size', /above 0/, bil('').replace('XDIM 1', 'XDIM 0')),
  grid('a header of a megabyte', /page of text/, bil(' '.repeat(2 ** 20))),
];

const beside = (name: string, says: RegExp, files: Readonly<Record<string, string>>): Fault => ({
  name,
  says,
  files: () => ({
    'x.tif': tinyTiff({
      columns: 2,
      rows: 2,
      bits: 16,
      format: 2,
      blocks: [bytesOf(Int16Array.of(1, 2, 3, 4))],
      keys: {},
      tags: { 33550: [], 33922: [] },
    }),
    ...Object.fromEntries(Object.entries(files).map(([key, text]) => [key, Buffer.from(text)])),
  }),
});
const world = '1\n0\n0\n-1\n10\n50\n';

const SIDECAR_FAULTS: readonly Fault[] = [
  beside('a world file of infinities', /six numbers/, { 'x.tfw': '1e999\n0\n0\n-1\n10\n50\n', 'x.prj': 'EPSG:4326' }),
  beside('a .prj that never closes', /x\.prj/, { 'x.tfw': world, 'x.prj': 'GEOGCS['.repeat(8000) }),
  beside('a .prj of brackets', /x\.prj/, { 'x.tfw': world, 'x.prj': `GEOGCS${'["a",B'.repeat(5000)}` }),
  beside('overviews that are no TIFF', /does not begin as a TIFF/, {
    'x.tif.ovr': 'hello',
    'x.tfw': world,
    'x.prj': 'EPSG:4326',
  }),
];

/** The content of a file that only a database can write. */
function database(write: (path: string) => void): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'relievo-fault-'));
  try {
    write(join(folder, 'x.mbtiles'));
    return readFileSync(join(folder, 'x.mbtiles'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const colours = (columns: number, height = columns) =>
  pngOf({ width: columns, height, colourType: 2, rows: Buffer.alloc((3 * columns + 1) * height) });
const one = (bytes: Uint8Array): Tile[] => [{ z: 5, x: 3, y: 3, bytes }];
const mbtiles = (name: string, says: RegExp, write: (path: string) => void): Fault => ({
  name,
  says,
  options: { heightEncoding: 'terrarium' },
  files: () => ({ 'x.mbtiles': database(write) }),
});
const sql = (text: string) => (path: string) => {
  const made = new DatabaseSync(path);
  made.exec(text);
  made.close();
};
const TABLES =
  'CREATE TABLE metadata (name, value); CREATE TABLE tiles (zoom_level, tile_column, tile_row, tile_data);';
const facts = { metadata: {}, minZoom: 5, maxZoom: 5, bounds: [-146, 79.5, -136, 81] } as const;
const pmtiles = (name: string, says: RegExp, change: (bytes: Buffer) => Buffer): Fault => ({
  name,
  says,
  options: { heightEncoding: 'terrarium' },
  files: () => ({ 'x.pmtiles': change(pmtilesOf(one(colours(16)), facts)) }),
});
const long = (at: number, value: bigint) => (bytes: Buffer) => {
  bytes.writeBigUInt64LE(value, at);
  return bytes;
};

const TREE_FAULTS: readonly Fault[] = [
  mbtiles('a database of other things', /no tables/, sql('CREATE TABLE other (a);')),
  mbtiles('no tiles', /has no tiles/, sql(TABLES)),
  mbtiles('a tile of level 40', /level 40/, sql(`${TABLES} INSERT INTO tiles VALUES (40, 0, 0, x'00');`)),
  mbtiles('a tile beyond its level', /columns 9 to 9/, sql(`${TABLES} INSERT INTO tiles VALUES (3, 9, 0, x'00');`)),
  mbtiles('a tile at "x"', /no whole number/, sql(`${TABLES} INSERT INTO tiles VALUES (3, 'x', 0, x'00');`)),
  mbtiles('a tile of text', /of no picture/, sql(`${TABLES} INSERT INTO tiles VALUES (3, 1, 1, 'hello');`)),
  mbtiles('other columns', /no such column/, sql('CREATE TABLE metadata (name, value); CREATE TABLE tiles (a, b);')),
  mbtiles(
    'tiles without end',
    /computed by a query/,
    sql(
      `CREATE TABLE metadata (name, value); CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)
       SELECT 3 AS zoom_level, i AS tile_column, i AS tile_row, '' AS tile_data FROM n;`,
    ),
  ),
  mbtiles('vector tiles', /vector tiles/, (path) => writeMbtiles(path, one(colours(16)), { format: 'pbf' })),
  mbtiles('oblong tiles', /16 x 8 pixels/, (path) => writeMbtiles(path, one(colours(16, 8)), {})),
  mbtiles('tiles of 8192 pixels', /8192 x 8192|at most/, (path) =>
    writeMbtiles(path, one(pngOf({ width: 8192, height: 8192, colourType: 0, rows: Buffer.alloc(8192 * 8193) })), {}),
  ),
  mbtiles('empty tiles', /no tiles where it says/, (path) => writeMbtiles(path, one(Buffer.alloc(0)), {})),
  {
    ...mbtiles('half a database', /cannot be used/, () => undefined),
    files: () => ({ 'x.mbtiles': database((path) => writeMbtiles(path, one(colours(256)), {})).subarray(0, 5000) }),
  },
  pmtiles('a header cut off', /cannot be used|cut off/, (bytes) => bytes.subarray(0, 60)),
  pmtiles('a directory past the end', /cannot be used|cut off/, long(8, 10n ** 6n)),
  pmtiles('metadata past the end', /should reach byte/, long(24, 10n ** 6n)),
  pmtiles('metadata of 2^50 bytes', /piece of/, long(32, 2n ** 50n)),
  pmtiles('tiles past the end', /should reach byte/, long(56, 2n ** 40n)),
  pmtiles('a directory of 2^40 entries', /cannot be used/, (bytes) => {
    bytes.set([255, 255, 255, 255, 255, 31], 127);
    return bytes;
  }),
  pmtiles('a directory that unpacks without end', /larger than/, (bytes) => {
    const bomb = gzipSync(Buffer.alloc(2 ** 28));
    bytes.writeBigUInt64LE(BigInt(bytes.length), 8);
    bytes.writeBigUInt64LE(BigInt(bomb.length), 16);
    bytes[97] = 2;
    return Buffer.concat([bytes, bomb]);
  }),
  pmtiles('bounds of nowhere', /bounds on Earth/, (bytes) => bytes.fill(0, 102, 118)),
  pmtiles('levels up to 99', /levels 5 to 99/, (bytes) => bytes.fill(99, 101, 102)),
  pmtiles('vector tiles', /vector tiles/, (bytes) => bytes.fill(1, 99, 100)),
  pmtiles('an unknown compression', /number 9/, (bytes) => bytes.fill(9, 97, 98)),
  pmtiles('version 9', /version 9/, (bytes) => bytes.fill(9, 7, 8)),
];

export const FORMAT_FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  'an ASCII grid': ASCII_FAULTS,
  'a NumPy array': NUMPY_FAULTS,
  'a picture': PICTURE_FAULTS,
  'a binary grid': GRID_FAULTS,
  'a TIFF': SIDECAR_FAULTS,
  'a tree of tiles': TREE_FAULTS,
};
