/** TIFF files with one fault each: what is wrong, the bytes, and what the refusal must say. */
import { deflateSync, zstdCompressSync } from 'node:zlib';
import type { RawTag, RawTiff } from '../support/broken-tiff.ts';
import { ascii, double, firstByteOf, long, rawTiff, short, soundSamples, soundTags } from '../support/broken-tiff.ts';

export interface Fault {
  readonly name: string;
  /** File names and contents; the first file is the one that is opened. */
  readonly files: () => Readonly<Record<string, Uint8Array>>;
  readonly says: RegExp;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Options whose value is one of the files: `verticalDatum`, `crsGrids`. */
  readonly beside?: Readonly<Record<string, string>>;
}

type Tags = Readonly<Record<number, RawTag | undefined>>;

interface Variation extends Partial<Omit<RawTiff, 'directories'>> {
  readonly tags?: Tags;
  /** Further directories after the first. */
  readonly more?: readonly Tags[];
}

/** The sound raster with these differences. */
export function variedTiff({ tags = {}, more = [], ...rest }: Variation = {}): Buffer {
  const data = rest.data ?? soundSamples(rest.bigEndian);
  return rawTiff({ ...rest, data, directories: [{ ...soundTags(firstByteOf(rest)), ...tags }, ...more] });
}

const fault = (name: string, says: RegExp, variation: Variation): Fault => ({
  name,
  says,
  files: () => ({ 'x.tif': variedTiff(variation) }),
});

/** The sound raster's one block packed as `compression`. */
const packed = (name: string, says: RegExp, compression: number, pack: () => Buffer, tags: Tags = {}): Fault => ({
  name,
  says,
  files: () => {
    const data = pack();
    return { 'x.tif': variedTiff({ data, tags: { 259: short(compression), 279: long(data.length), ...tags } }) };
  },
});

const BOMB = 300 * 2 ** 20;
let bomb: Buffer | undefined;
/** Zeros that unpack to 300 MiB. */
export function deflateBomb(): Buffer {
  bomb ??= deflateSync(Buffer.alloc(BOMB), { level: 1 });
  return bomb;
}
const sparse = { 273: long(0), 279: long(0) };
/** Of samples so small that many have room in the world. */
const fine = { 33550: double(1e-8, 1e-8, 0) };
const pages = (count: number): Tags[] => Array.from({ length: count }, () => ({ 254: long(2), 256: short(1) }));
const repeat = (text: string, count: number): RawTag => ascii(text.repeat(count));
/** The same raster in four strips of 16 rows, or whatever is said of them. */
const strips = (offsets: readonly number[], counts: readonly number[]): Tags => ({
  278: short(16),
  273: long(...offsets),
  279: long(...counts),
});
const FOUR = [8, 2056, 4104, 6152] as const;
const LENGTHS = [2048, 2048, 2048, 2048] as const;

export const TIFF_FAULTS: readonly Fault[] = [
  // Header and directories
  fault('first directory past the end', /should reach byte/, { first: 2 ** 31 }),
  fault('no directory at all', /holds no image/, { first: 0 }),
  fault('directory of no entries', /should reach byte|expected 1 to \d+ a side/, { entries: 0 }),
  fault('directory of 65535 entries', /should reach byte/, { entries: 65535 }),
  fault('directory that is its own next', /run in a circle/, { next: { directory: 0 } }),
  fault('directories in a circle of three', /run in a circle/, { more: pages(2), next: { directory: 1 } }),
  fault('chain of 2000 directories', /more than 64 images/, { more: pages(2000) }),
  fault('chain that ends past the file', /should reach byte/, { next: { byte: 2 ** 30 } }),
  {
    name: 'BigTIFF with offsets of 4 bytes',
    says: /not of 8 bytes/,
    files: () => {
      const bytes = variedTiff({ big: true });
      bytes[4] = 4;
      return { 'x.tif': bytes };
    },
  },
  fault('BigTIFF of 2^62 entries', /should reach byte|entries/, { big: true, entries: 2 ** 62 }),
  fault('BigTIFF with a directory at 2^63', /should reach byte/, { big: true, first: 2 ** 63 }),
  fault('BigTIFF in a circle', /run in a circle/, { big: true, next: { directory: 0 } }),
  fault('big-endian with a strip past the end', /should reach byte/, { bigEndian: true, tags: { 273: long(9000) } }),

  // Counts and places of values
  fault('tag of 2^31 values', /values in tag 273/, { tags: { 273: { ...long(8), count: 2 ** 31 } } }),
  fault('values past the end', /should reach byte/, { tags: { 33550: { ...double(1, 1, 0), at: 2 ** 31 } } }),
  fault('BigTIFF tag of 2^60 values', /values in tag 279/, {
    big: true,
    tags: { 279: { type: 'long8', values: [8192], count: 2 ** 60 } },
  }),
  fault('one megabyte claimed by 200 tags', /claim more bytes than the file has/, {
    data: Buffer.alloc(2 ** 20),
    more: Array.from({ length: 60 }, () => hungryTags()),
  }),
  {
    name: 'a thousand entries of one tag',
    says: /expected 1 to \d+ a side/,
    files: () => {
      const entry = [273, { ...long(8), count: 250_000, at: 8 }] as const;
      const directory = Array.from({ length: 1000 }, () => entry);
      return { 'x.tif': rawTiff({ data: Buffer.alloc(2 ** 20), directories: [directory] }) };
    },
  },
  fault('text of 8 MB', /values in tag 42112/, { tags: { 42112: repeat('<Item ', 1_400_000) } }),
  fault('keys that copy 64 KB each', /keys/, {
    tags: {
      34735: short(1, 1, 0, 30_000, ...Array.from({ length: 30_000 }, () => [2057, 34736, 65535, 0]).flat()),
      34736: double(...new Array<number>(65_535).fill(6378137)),
    },
  }),

  // Sizes
  fault('no size', /0 x 64 samples/, { tags: { 256: undefined } }),
  fault('zero rows', /64 x 0 samples/, { tags: { 257: short(0) } }),
  fault('2^32 - 1 samples a side', /expected 1 to \d+ a side/, {
    tags: { 256: long(2 ** 32 - 1), 257: long(2 ** 32 - 1) },
  }),
  fault('2^30 samples a side', /rows is one piece of 1074 million/, {
    tags: { 256: long(2 ** 30), 257: long(2 ** 30), 278: long(2 ** 30) },
  }),
  fault('sparse row of 2^31 samples', /rows is one piece of 2147 million/, {
    tags: { ...sparse, ...fine, 256: long(2 ** 31), 257: short(1) },
  }),
  fault('sparse, 2^20 a side, no overviews', /at most \d+ can be held/, {
    tags: { ...sparse, ...fine, 256: long(2 ** 20), 257: long(2 ** 20), 278: long(2 ** 20) },
  }),
  fault('tiles of no size', /tiles of 0 x 16/, { tags: tiles(0, 16) }),
  fault('tiles of 2^31 - 1 a side', /of its blocks holds/, { tags: tiles(2 ** 31 - 1, 2 ** 31 - 1) }),
  fault('tile of 16384 a side', /of its blocks holds/, {
    tags: { ...tiles(16384, 16384), 325: long(0), 324: long(0) },
  }),
  fault('tiles without offsets', /where its samples lie/, {
    tags: { ...tiles(64, 64), 324: undefined, 273: undefined },
  }),

  // Blocks
  fault('strip offsets missing', /where its samples lie/, { tags: { 273: undefined } }),
  fault('strip lengths missing', /where its samples lie/, { tags: { 279: undefined } }),
  fault('three strips where four are needed', /4 blocks, but it lists 3/, { tags: strips(FOUR.slice(0, 3), LENGTHS) }),
  fault('two lengths for four strips', /4 blocks, but it lists 2/, { tags: strips(FOUR, LENGTHS.slice(0, 2)) }),
  fault('strip past the end', /should reach byte/, { tags: strips([8, 2056, 4104, 2 ** 30], LENGTHS) }),
  fault('packed strip whose length runs past the end', /should reach byte/, {
    tags: { ...strips(FOUR, [2048, 2048, 2048, 2 ** 30]), 259: short(5) },
  }),
  fault('strip shorter than its samples', /where its samples need 2048/, {
    tags: strips(FOUR, [2048, 100, 2048, 2048]),
  }),
  fault('strips that overlap', /overlap/, { tags: strips([8, 1000, 4104, 6152], LENGTHS) }),
  fault('strip inside the header', /lies at byte 2/, { tags: strips([2, 2056, 4104, 6152], LENGTHS) }),
  fault('offset without a length', /block 1/, { tags: { ...strips(FOUR, [2048, 0, 2048, 2048]) } }),

  // What samples are
  fault('1000 bits a sample', /1000 bits/, { tags: { 258: short(1000) } }),
  fault('0 bits a sample', /0 bits/, { tags: { 258: short(0) } }),
  fault('16-bit floating point', /16 bits in sample format 3/, { tags: { 339: short(3) } }),
  fault('bands of different bits', /different types/, { tags: { 277: short(2), 258: short(16, 32) } }),
  fault('complex samples', /sample format 6/, { tags: { 339: short(6), 258: short(32), 279: long(16384) } }),
  fault('no band', /0 bands/, { tags: { 277: short(0) } }),
  fault('planar configuration 7', /planar configuration 7/, { tags: { 284: short(7) } }),
  fault('two planes, blocks for one', /2 blocks, but it lists 1/, {
    tags: { 277: short(2), 258: short(16, 16), 284: short(2) },
  }),
  fault('JPEG', /compression is JPEG/, { tags: { 259: short(7) } }),
  fault('compression 4242', /compression is number 4242/, { tags: { 259: short(4242) } }),
  fault('predictor 9', /predictor is 9/, { tags: { 259: short(8), 317: short(9) } }),
  fault('floating-point predictor on integers', /predictor is 3/, { tags: { 259: short(8), 317: short(3) } }),
  fault('colour picture', /picture in colour/, {
    tags: { 258: short(8, 8, 8), 262: short(2), 277: short(3), 279: long(12288), 339: undefined },
  }),

  // What heights are
  fault('nodata that is a word', /no data|nodata/i, { tags: { 42113: ascii('none at all') } }),
  fault('nodata of 900 KB', /no data|nodata/i, { tags: { 42113: repeat('9', 900_000) } }),
  fault('scale that is a word', /scale/, { tags: { 42112: item('role="scale"', 'one tenth') } }),
  fault('scale of 0', /scale/, { tags: { 42112: item('role="scale"', '0') } }),
  fault('offset without end', /offset/, { tags: { 42112: item('role="offset"', '1e999') } }),
  fault('metadata cut off in the scale', /metadata/i, {
    tags: { 42112: ascii('<GDALMetadata><Item name="SCALE" sample="0" role="scale">0.1') },
  }),
  fault('metadata of 100 000 open items', /metadata/i, { tags: { 42112: repeat('<Item ', 100_000) } }),
  fault('heights in a unit that is none', /unit EPSG:9999/, {
    tags: { 34735: short(1, 1, 0, 4, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326, 4099, 0, 1, 9999) },
  }),

  // Where samples lie
  fault('pixel scale of 0', /no size on the ground/, { tags: { 33550: double(0, 0, 0) } }),
  fault('pixel scale that is no number', /no size on the ground/, {
    tags: { 33550: double(Number.NaN, Number.NaN, 0) },
  }),
  fault('pixel scale without end', /no size on the ground/, {
    tags: { 33550: double(Number.POSITIVE_INFINITY, 1, 0) },
  }),
  fault('pixel scale of 1e-300', /no size on the ground/, { tags: { 33550: double(1e-300, 1e-300, 0) } }),
  fault('pixel scale of 1e-11', /apart/, { tags: { 33550: double(1e-11, 1e-11, 0) } }),
  fault('samples 2 m wide and 127 km long', /as much east as north/, {
    tags: {
      34735: projected(32632),
      33550: double(2, 126_976, 0),
      33922: double(0, 0, 0, 4e5, 5e6, 0),
    },
  }),
  fault('pixel scale of 1e300', /no size on the ground/, { tags: { 33550: double(1e300, 1e300, 0) } }),
  fault('pixel scale of 1e307, 64 times', /outside the world|no size/, {
    tags: { 33550: double(1.7e308, 1.7e308, 0) },
  }),
  fault('tie point that is no number', /no size on the ground|nowhere/, {
    tags: { 33922: double(0, 0, 0, Number.NaN, 50, 0) },
  }),
  fault('tie point missing', /where its samples lie/, { tags: { 33922: undefined } }),
  fault('pixel scale missing', /where its samples lie/, { tags: { 33550: undefined } }),
  fault('control points only', /control points only/, {
    tags: { 33550: undefined, 33922: double(0, 0, 0, 10, 50, 0, 64, 64, 0, 11, 49, 0) },
  }),
  fault('transformation of zeros', /no size on the ground/, {
    tags: { 34264: double(...new Array<number>(16).fill(0)) },
  }),
  fault('transformation that is no number', /no size on the ground/, {
    tags: { 34264: double(...new Array<number>(16).fill(Number.NaN)) },
  }),
  fault('no CRS', /coordinate reference system/, { tags: { 34735: undefined } }),
  fault('CRS that does not exist', /EPSG:29999/, { tags: { 34735: projected(29999) } }),
  fault('geocentric', /geocentric/, { tags: { 34735: short(1, 1, 0, 2, 1024, 0, 1, 3, 2048, 0, 1, 4978) } }),
  fault('projected, a billion metres away', /nowhere on Earth/, {
    tags: { 34735: projected(32632), 33922: double(0, 0, 0, 1e12, 1e12, 0), 33550: double(30, 30, 0) },
  }),
  fault('projected, at 1e308 metres', /nowhere on Earth|no size/, {
    tags: { 34735: projected(32632), 33922: double(0, 0, 0, 1.7e308, 1.7e308, 0), 33550: double(1e307, 1e307, 0) },
  }),
  fault('keys that promise more than there are', /coordinate reference system/, {
    tags: { 34735: short(1, 1, 0, 60_000, 1024, 0, 1) },
  }),
  fault('name of the CRS with line breaks and escapes', /two lines/, {
    tags: {
      34735: short(1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632, 3073, 34737, 23, 0),
      34737: ascii('two\nlines\u001b[2Jand more|'),
      33550: double(30, 30, 0),
      33922: double(0, 0, 0, 1e12, 1e12, 0),
    },
  }),

  // Blocks that unpack to other than they should
  packed('deflate bomb', /more than the 8192 bytes/, 8, deflateBomb),
  packed('old deflate bomb', /more than the 8192 bytes/, 32946, deflateBomb),
  packed('ZSTD bomb', /more than the 8192 bytes/, 50000, () => zstdCompressSync(Buffer.alloc(BOMB))),
  packed('LZW bomb', /more than the 8192 bytes/, 5, () => lzwZeros(4)),
  packed('PackBits bomb', /more than the 8192 bytes/, 32773, () => Buffer.alloc(2 ** 20, Buffer.from([0x81, 0x00]))),
  packed('LERC of 4096 values a sample', /LERC|values/, 34887, () => lercBlob({ depth: 4096 }), { 50674: long(4, 0) }),
  packed('LERC of 46000 a side', /expected 64 x 64|LERC/, 34887, () => lercBlob({ side: 46_000 }), {
    50674: long(4, 0),
  }),
  packed(
    'LERC of 2^31 - 1 a side, masked',
    /expected 64 x 64|LERC/,
    34887,
    () => lercBlob({ side: 2 ** 31 - 1, valid: 7 }),
    {
      50674: long(4, 0),
    },
  ),
  packed('LERC behind a deflate bomb', /more than the \d+ bytes/, 34887, deflateBomb, {
    50674: long(4, 1),
  }),
  packed('LERC of another type', /LERC|type/, 34887, () => lercBlob({ type: 7 }), { 50674: long(4, 0) }),
  packed('LERC cut off after its header', /cannot be read/, 34887, () => lercBlob({}), { 50674: long(4, 0) }),
  packed('deflate of noise', /cannot be read/, 8, () => Buffer.from(soundSamples())),
  packed('deflate that ends early', /ends after 4096 of 8192|cannot be read/, 8, () => deflateSync(Buffer.alloc(4096))),
  packed('LZW of noise', /cannot be read/, 5, () => Buffer.alloc(4096, 0xa7)),
  packed('PackBits that ends early', /ends after 128 of 8192/, 32773, () => Buffer.from([0x81, 0x00])),
  packed('ZSTD of noise', /cannot be read/, 50000, () => Buffer.from(soundSamples())),
];

function tiles(columns: number, rows: number): Tags {
  return {
    273: undefined,
    278: undefined,
    279: undefined,
    322: long(columns),
    323: long(rows),
    324: long(8),
    325: long(8192),
  };
}

function projected(code: number): RawTag {
  return short(1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, code);
}

function item(attributes: string, value: string): RawTag {
  return ascii(`<GDALMetadata><Item name="X" sample="0" ${attributes}>${value}</Item></GDALMetadata>`);
}

/** A mask's directory in which many tags claim the same megabyte. */
function hungryTags(): Tags {
  const everything: RawTag = { type: 'byte', values: [0], count: 2 ** 20, at: 8 };
  return { 254: long(5), 258: everything, 273: everything, 279: everything, 339: everything, 33550: everything };
}

/** LZW of zeros: 7 MB of them in each `turns` of the whole table (TIFF 6.0 section 13). */
function lzwZeros(turns: number): Buffer {
  const bits: number[] = [];
  const put = (code: number, width: number) => {
    for (let i = width - 1; i >= 0; i--) bits.push((code >> i) & 1);
  };
  for (let turn = 0; turn < turns; turn++) {
    put(256, turn === 0 ? 9 : 12);
    put(0, 9);
    for (let code = 258; code < 4094; code++) put(code, code < 511 ? 9 : code < 1023 ? 10 : code < 2047 ? 11 : 12);
  }
  put(257, 12);
  const out = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) if (bit) out[i >> 3] = (out[i >> 3] ?? 0) | (0x80 >> (i & 7));
  return out;
}

/** The header of a LERC2 block, version 4, and a little more (Esri LERC specification). */
function lercBlob(blobOf: { side?: number; depth?: number; type?: number; valid?: number }): Buffer {
  const { side = 64, depth = 1, type = 2 } = blobOf;
  const valid = blobOf.valid ?? side * side;
  const blob = Buffer.alloc(200);
  blob.write('Lerc2 ', 'latin1');
  for (const [i, value] of [4, 0, side, side, depth, valid, 8, 200, type].entries()) {
    blob.writeInt32LE(value | 0, 6 + 4 * i);
  }
  return blob;
}
