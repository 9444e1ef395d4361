/** Coded pictures to pixels: whole PNG, JPEG and WebP files, and the JPEG and WebP blocks of a TIFF file (TIFF TechNote 2). */
import sharp from 'sharp';
import { packColour } from './picture-source.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export interface Pixels {
  readonly columns: number;
  readonly rows: number;
  /** Interleaved, 8 bits each: grey, grey and opacity, red green blue, or those and opacity. */
  readonly channels: number;
  readonly data: Buffer;
}

export const CODECS = ['PNG', 'JPEG', 'WebP'] as const;
export type Codec = (typeof CODECS)[number];

/** Which a file that begins so is of; undefined for others. */
export function codecOf(start: Buffer): Codec | undefined {
  if (start.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))) return 'PNG';
  if (start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff) return 'JPEG';
  const isWebp = start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 12) === 'WEBP';
  return isWebp ? 'WebP' : undefined;
}

/** Columns and rows, from the beginning of a picture. Throws an Error with what is wrong with the bytes. */
export async function readPictureSize(bytes: Uint8Array): Promise<{ columns: number; rows: number }> {
  const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return { columns: width, rows: height };
}

/** Decodes at most `maxPixels`; more than 8 bits keep their upper 8. Throws an Error with what is wrong with the bytes. */
export async function decodePicture(bytes: Uint8Array, maxPixels: number): Promise<Pixels> {
  const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { columns: info.width, rows: info.height, channels: info.channels, data };
}

/** Pixels as words of a PictureSource. */
export function wordsOf({ columns, rows, channels, data }: Pixels): Uint32Array {
  const out = new Uint32Array(columns * rows);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  const opacity = channels % 2 === 0 ? channels - 1 : undefined;
  for (let i = 0, at = 0; i < out.length; i++, at += channels) {
    const seen = opacity === undefined ? 255 : data[at + opacity];
    if (seen !== 0) out[i] = packColour(data[at], data[at + green], data[at + blue], seen);
  }
  return out;
}

/** One JPEG from the tables that all blocks of a TIFF file share and the data of one. `isYCbCr`: else red, green and blue. */
export function joinJpeg(tables: Uint8Array | undefined, block: Bytes, isYCbCr: boolean): Uint8Array {
  // An Adobe marker says what three components are, which decoders guess wrongly without.
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, isYCbCr ? 1 : 0];
  const start = Buffer.from([0xff, 0xd8, ...adobe]);
  return Buffer.concat([
    start,
    tables === undefined ? start.subarray(0, 0) : tables.subarray(2, -2),
    block.subarray(2),
  ]);
}
