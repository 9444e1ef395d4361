/**
 * Writes whole metres on a grid of longitude and latitude as a tiled GeoTIFF (OGC GeoTIFF 1.1; TIFF 6.0): 16-bit signed,
 * DEFLATE with the horizontal predictor, samples at points, heights above EGM96.
 */
import { deflateSync } from 'node:zlib';

export interface TiledTiff {
  readonly columns: number;
  readonly rows: number;
  /** Row-major, north row first. */
  readonly heights: Int16Array;
  /** Longitude and latitude of the first sample, and samples in one degree. */
  readonly west: number;
  readonly north: number;
  readonly perDegree: number;
  /** What stands in tag 270: plain ASCII. */
  readonly description: string;
}

const TILE = 256;
const ASCII = 2;
const SHORT = 3;
const LONG = 4;
const DOUBLE = 12;

/** Model geographic, samples at points, EPSG:4326 with heights in metres above EGM96 (EPSG:5773). */
const GEO_KEYS: readonly (readonly [key: number, value: number])[] = [
  [1024, 2],
  [1025, 2],
  [2048, 4326],
  [4096, 5773],
  [4099, 9001],
];

export function writeTiledTiff(tiff: TiledTiff): Buffer {
  const tiles = packTiles(tiff);
  const step = 1 / tiff.perDegree;
  const entry = (tag: number, type: number, ...values: readonly number[]) => ({ tag, ...encode(type, values) });
  const sizes = tiles.map(({ length }) => length);
  const entriesFor = (offsets: readonly number[]) => [
    entry(256, LONG, tiff.columns),
    entry(257, LONG, tiff.rows),
    entry(258, SHORT, 16),
    entry(259, SHORT, 8),
    entry(262, SHORT, 1),
    entry(270, ASCII, ...Buffer.from(`${tiff.description}\0`, 'latin1')),
    entry(277, SHORT, 1),
    entry(317, SHORT, 2),
    entry(322, SHORT, TILE),
    entry(323, SHORT, TILE),
    entry(324, LONG, ...offsets),
    entry(325, LONG, ...sizes),
    entry(339, SHORT, 2),
    entry(33550, DOUBLE, step, step, 0),
    entry(33922, DOUBLE, 0, 0, 0, tiff.west, tiff.north, 0),
    entry(34735, SHORT, 1, 1, 0, GEO_KEYS.length, ...GEO_KEYS.flatMap(([key, value]) => [key, 0, 1, value])),
  ];
  const start = headerBytes(entriesFor(sizes)).length;
  let end = start;
  const offsets = sizes.map((size) => {
    end += size;
    return end - size;
  });
  return Buffer.concat([headerBytes(entriesFor(offsets)), ...tiles]);
}

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** The start of the file: header, directory, and the values that do not fit into it. */
function headerBytes(entries: readonly Entry[]): Buffer {
  const values = 8 + 2 + 12 * entries.length + 4;
  const far = entries.filter(({ bytes }) => bytes.length > 4);
  const out = Buffer.alloc(far.reduce((sum, { bytes }) => sum + bytes.length + (bytes.length % 2), values));
  out.write('II*\0', 'latin1');
  out.writeUInt32LE(8, 4);
  out.writeUInt16LE(entries.length, 8);
  let at = values;
  for (const [i, { tag, type, count, bytes }] of entries.entries()) {
    const place = 10 + 12 * i;
    out.writeUInt16LE(tag, place);
    out.writeUInt16LE(type, place + 2);
    out.writeUInt32LE(count, place + 4);
    if (bytes.length <= 4) out.set(bytes, place + 8);
    else {
      out.writeUInt32LE(at, place + 8);
      out.set(bytes, at);
      at += bytes.length + (bytes.length % 2);
    }
  }
  return out;
}

function encode(type: number, values: readonly number[]): Omit<Entry, 'tag'> {
  const size = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [DOUBLE]: 8 }[type] ?? 1;
  const bytes = Buffer.alloc(size * values.length);
  for (const [i, value] of values.entries()) {
    if (type === DOUBLE) bytes.writeDoubleLE(value, i * size);
    else bytes.writeUIntLE(value, i * size, size);
  }
  return { type, count: values.length, bytes };
}

/** Tiles row by row; what lies past the edge repeats the last sample, which costs next to nothing. */
function packTiles({ columns, rows, heights }: TiledTiff): Buffer[] {
  const tiles: Buffer[] = [];
  for (let top = 0; top < rows; top += TILE) {
    for (let left = 0; left < columns; left += TILE) {
      const bytes = Buffer.alloc(2 * TILE * TILE);
      for (let r = 0; r < TILE; r++) {
        const row = Math.min(top + r, rows - 1) * columns;
        let last = 0;
        for (let c = 0; c < TILE; c++) {
          const height = heights[row + Math.min(left + c, columns - 1)] ?? 0;
          bytes.writeUInt16LE((height - last) & 0xffff, 2 * (r * TILE + c));
          last = height;
        }
      }
      tiles.push(deflateSync(bytes, { level: 9, memLevel: 9 }));
    }
  }
  return tiles;
}
