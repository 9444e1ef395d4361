/** Whether the pictures inside a glTF are what they say: JPEG (ITU T.81), PNG and WebP (RIFF) by their headers and ends. */
import type { Gltf } from './3d-glb.ts';
import { isObject, type Report } from './3d-volume.ts';

export function checkPictures(gltf: Gltf, report: Report): void {
  const { images } = gltf.json;
  if (!Array.isArray(images)) return;
  for (const [i, image] of images.entries()) {
    if (!isObject(image) || image.bufferView === undefined) continue;
    const bytes = gltf.view(image.bufferView, `image ${i}`);
    if (bytes === undefined) continue;
    const found = pictureOf(bytes);
    if (typeof found === 'string') report('texture-broken', `image ${i}: ${found}`);
    else if (found.type !== image.mimeType)
      report(
        'texture-broken',
        `image ${i}: mimeType is ${JSON.stringify(image.mimeType)}, the bytes are ${found.type}`,
      );
    else if (!(found.width > 0 && found.height > 0))
      report('texture-broken', `image ${i}: ${found.width} by ${found.height} pixels`);
  }
}

interface Picture {
  readonly type: 'image/jpeg' | 'image/png' | 'image/webp';
  readonly width: number;
  readonly height: number;
}

/** What is wrong, in words, where it is no whole picture. */
export function pictureOf(bytes: Uint8Array): Picture | string {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegOf(data);
  if (bytes.length > 32 && data.getUint32(0) === 0x89504e47) return pngOf(data);
  if (bytes.length > 30 && data.getUint32(0) === 0x52494646 && data.getUint32(8) === 0x57454250) return webpOf(data);
  return 'the bytes are neither JPEG nor PNG nor WebP';
}

function jpegOf(data: DataView): Picture | string {
  let end = data.byteLength;
  while (end > 2 && data.getUint8(end - 1) === 0) end--;
  if (data.getUint16(end - 2) !== 0xffd9) return 'the JPEG ends before its end marker';
  for (let at = 2; at + 9 < data.byteLength; ) {
    const marker = data.getUint16(at);
    if (marker >> 8 !== 0xff) return `the JPEG has no marker at byte ${at}`;
    const code = marker & 0xff;
    // A frame header: baseline to lossless, without the tables that share the range.
    if (code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code))
      return { type: 'image/jpeg', height: data.getUint16(at + 5), width: data.getUint16(at + 7) };
    at += code === 0xff ? 1 : 2 + data.getUint16(at + 2);
  }
  return 'the JPEG has no frame header';
}

function pngOf(data: DataView): Picture | string {
  if (data.getUint32(12) !== 0x49484452) return 'the PNG has no IHDR';
  if (data.getUint32(data.byteLength - 8) !== 0x49454e44) return 'the PNG ends before its IEND';
  return { type: 'image/png', width: data.getUint32(16), height: data.getUint32(20) };
}

function webpOf(data: DataView): Picture | string {
  const whole = 8 + data.getUint32(4, true);
  if (whole > data.byteLength) return `the WebP counts ${whole} bytes, there are ${data.byteLength}`;
  const chunk = data.getUint32(12);
  const wide = (at: number) => 1 + data.getUint16(at, true) + (data.getUint8(at + 2) << 16);
  if (chunk === 0x56503858) return { type: 'image/webp', width: wide(24), height: wide(27) };
  if (chunk === 0x56503820)
    return { type: 'image/webp', width: data.getUint16(26, true) & 0x3fff, height: data.getUint16(28, true) & 0x3fff };
  if (chunk === 0x5650384c) {
    const bits = data.getUint32(21, true);
    return { type: 'image/webp', width: 1 + (bits & 0x3fff), height: 1 + ((bits >> 14) & 0x3fff) };
  }
  return 'the WebP begins with a chunk of no known kind';
}
