/** The picture of a tile as JPEG or WebP. Where nothing was laid it has a neutral colour. */
import sharp from 'sharp';
import type { Canvas } from '../fields/drape.ts';
import type { Colour } from './colour.ts';

export type PictureFormat = 'jpeg' | 'webp';

export interface PictureEncoding {
  readonly format: PictureFormat;
  /** 1 to 100. */
  readonly quality: number;
  readonly background: Colour;
}

/** What encodes: other versions may give other bytes. */
export const PICTURE_ENCODER = `${sharp.versions.vips} ${sharp.versions.mozjpeg} ${sharp.versions.webp}`;

export async function encodePicture(
  canvas: Canvas,
  { format, quality, background }: PictureEncoding,
): Promise<Uint8Array> {
  const { size: width, size: height } = canvas;
  const picture = sharp(flatten(canvas, background), { raw: { width, height, channels: 3 } });
  const encoded = format === 'jpeg' ? picture.jpeg({ quality }) : picture.webp({ quality });
  return new Uint8Array(await encoded.toBuffer());
}

/** The canvas on an opaque ground: red, green and blue of each texel. */
export function flatten({ colours, opacity }: Canvas, background: Colour): Uint8Array {
  const out = new Uint8Array(3 * opacity.length);
  for (let k = 0; k < opacity.length; k++) {
    const rest = 1 - opacity[k];
    for (let c = 0; c < 3; c++) out[3 * k + c] = Math.min(255, Math.round(colours[3 * k + c] + rest * background[c]));
  }
  return out;
}
