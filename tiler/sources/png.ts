/**
 * PNG pictures (W3C PNG, third edition) to bytes or 16-bit words a channel. The only door to fast-png, which takes out
 * filters and interlace; sizes, checksums and decompression are ours, bounded, and by node:zlib more than twice as fast.
 */
import { promisify } from 'node:util';
import { crc32, deflate, inflate } from 'node:zlib';
import { decode } from 'fast-png';
import { RelievoError } from '../error.ts';

export interface Picture {
  readonly columns: number;
  readonly rows: number;
  /** 1 grey, 2 grey and opacity, 3 colour, 4 colour and opacity. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Greatest value of a channel: 255 or 65535. */
  readonly white: number;
  /** Interleaved channels, row-major, north row first. */
  readonly values: Uint8Array | Uint16Array;
}

/** What the first chunk says. */
interface Header {
  readonly columns: number;
  readonly rows: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced: boolean;
}

type Bytes = Buffer<ArrayBuffer>;

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const CHANNELS: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const PALETTE = 3;
/** Bytes of an unpacked picture: 16 384 x 16 384 of one byte, or 8192 x 8192 of four. */
const MAX_RAW_BYTES = 2 ** 28 + 2 ** 16;
/** First column, first row, and steps of the seven passes of Adam7. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

const inflateBytes = promisify(inflate) as (data: Bytes, options: { maxOutputLength: number }) => Promise<Bytes>;
const deflateBytes = promisify(deflate) as (data: Bytes, options: { level: number }) => Promise<Bytes>;

export function looksLikePng(start: Uint8Array): boolean {
  return SIGNATURE.equals(start.subarray(0, 8));
}

/** Columns and rows by the first 33 bytes. Refuses like `decodePng`. */
export function readPngSize(start: Bytes, where: string): { columns: number; rows: number } {
  const { columns, rows } = readHeader(start, where);
  return { columns, rows };
}

/**
 * The picture. Refuses with `input-invalid` what is damaged, with `input-unsupported` one of less than 8 bits a channel or
 * of more than 2^28 bytes; `where` names it in sentences.
 */
export async function decodePng(bytes: Bytes, where: string): Promise<Picture> {
  const header = readHeader(bytes, where);
  const { columns, rows, depth, colourType } = header;
  const expected = rawBytes(header);
  if (expected > MAX_RAW_BYTES) {
    throw new RelievoError(
      'input-unsupported',
      `${where} has ${columns} x ${rows} pixels, ${expected} bytes; a picture can have at most ${MAX_RAW_BYTES}: make it a GeoTIFF with gdal_translate -of COG -a_srs ... -a_ullr ....`,
      { where },
    );
  }
  if (depth < 8) {
    throw new RelievoError(
      'input-unsupported',
      `${where} has ${depth} bits a channel; expected 8 or 16: heights need more steps than that.`,
      { where },
    );
  }
  const { data, palette, transparency } = collectChunks(bytes, where);
  const raw = await inflateBytes(data, { maxOutputLength: expected }).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ERR_BUFFER_TOO_LARGE' ? 'it unpacks to more than its pixels need' : cause.message;
    throw damaged(where, what, cause);
  });
  if (raw.length !== expected) throw damaged(where, `${raw.length} of ${expected} bytes of its pixels are there`);
  // Unpacked already, so fast-png is handed a picture whose data are packed by nothing.
  const plain = Buffer.concat([
    SIGNATURE,
    chunk('IHDR', bytes.subarray(16, 29)),
    chunk('IDAT', await deflateBytes(raw, { level: 0 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  const values = unfilter(plain, where);
  const channels = CHANNELS[colourType] ?? 1;
  const white = depth === 16 ? 65535 : 255;
  const picture = { columns, rows, channels, white, values };
  if (colourType === PALETTE) return lookUp(picture, palette, transparency, where);
  return transparency.length > 0 && colourType !== 4 && colourType !== 6 ? keyOut(picture, transparency) : picture;
}

function readHeader(bytes: Bytes, where: string): Header {
  if (!looksLikePng(bytes) || bytes.length < 33) throw damaged(where, 'it does not begin as a PNG');
  if (bytes.toString('latin1', 12, 16) !== 'IHDR' || bytes.readUInt32BE(8) !== 13) throw damaged(where, 'no IHDR');
  const [columns, rows] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [depth = 0, colourType = 0, compression, filter, interlace] = bytes.subarray(24, 29);
  const sound = columns > 0 && rows > 0 && columns < 2 ** 31 && rows < 2 ** 31 && compression === 0 && filter === 0;
  if (!sound || !DEPTHS[colourType]?.includes(depth) || (interlace !== 0 && interlace !== 1)) {
    throw damaged(where, `${columns} x ${rows} pixels of ${depth} bits in colour type ${colourType}`);
  }
  return { columns, rows, depth, colourType, interlaced: interlace === 1 };
}

/** Bytes of the filtered rows, each with a byte for its filter. */
function rawBytes({ columns, rows, depth, colourType, interlaced }: Header): number {
  const bits = (CHANNELS[colourType] ?? 1) * depth;
  const pass = (width: number, height: number) => (width > 0 ? height * (1 + Math.ceil((width * bits) / 8)) : 0);
  if (!interlaced) return pass(columns, rows);
  return PASSES.reduce(
    (sum, [x, y, stepX, stepY]) => sum + pass(Math.ceil((columns - x) / stepX), Math.ceil((rows - y) / stepY)),
    0,
  );
}

/** The chunks that matter, their checksums held to what they say. */
function collectChunks(bytes: Bytes, where: string): { data: Bytes; palette: Bytes; transparency: Bytes } {
  const data: Bytes[] = [];
  let palette: Bytes = Buffer.alloc(0);
  let transparency: Bytes = Buffer.alloc(0);
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw damaged(where, 'it is cut off');
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw damaged(where, 'it is cut off');
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, end);
    const matters = type === 'IDAT' || type === 'PLTE' || type === 'tRNS';
    if (matters && crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) {
      throw damaged(where, `the checksum of its ${type} differs`);
    }
    if (type === 'IDAT') data.push(content);
    else if (type === 'PLTE') palette = content;
    else if (type === 'tRNS') transparency = content;
    else if (type === 'IEND') return { data: Buffer.concat(data), palette, transparency };
    at = end + 4;
  }
}

function chunk(type: string, content: Bytes): Bytes {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content, Buffer.alloc(4)]);
}

function unfilter(plain: Bytes, where: string): Uint8Array | Uint16Array {
  try {
    const { data } = decode(plain, { checkCrc: false });
    return data instanceof Uint16Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  } catch (cause) {
    throw damaged(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Colours of a palette in place of their numbers. */
function lookUp(picture: Picture, palette: Bytes, transparency: Bytes, where: string): Picture {
  const values = new Uint8Array(picture.values.length * 4);
  for (let i = 0; i < picture.values.length; i++) {
    const index = picture.values[i] ?? 0;
    if (3 * index + 2 >= palette.length) throw damaged(where, `colour ${index} is not in its palette`);
    for (let c = 0; c < 3; c++) values[4 * i + c] = palette[3 * index + c] ?? 0;
    values[4 * i + 3] = transparency[index] ?? 255;
  }
  return { ...picture, channels: 4, values };
}

/** One colour that stands for nothing becomes opacity 0. */
function keyOut(picture: Picture, transparency: Bytes): Picture {
  const { channels, values, white } = picture;
  const grown = channels === 1 ? 2 : 4;
  const count = (values.length / channels) * grown;
  const keyed = values instanceof Uint16Array ? new Uint16Array(count) : new Uint8Array(count);
  const key = Array.from({ length: channels }, (_, c) =>
    transparency.length >= 2 * c + 2 ? transparency.readUInt16BE(2 * c) : -1,
  );
  for (let i = 0, o = 0; i < values.length; i += channels, o += grown) {
    let same = true;
    for (let c = 0; c < channels; c++) {
      keyed[o + c] = values[i + c] ?? 0;
      if (values[i + c] !== key[c]) same = false;
    }
    keyed[o + channels] = same ? 0 : white;
  }
  return { ...picture, channels: grown, values: keyed };
}

function damaged(where: string, what: string, cause?: unknown): RelievoError {
  return new RelievoError('input-invalid', `${where} is no sound PNG picture: ${what}; get it again.`, {
    where,
    cause,
  });
}
