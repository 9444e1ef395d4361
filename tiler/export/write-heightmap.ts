/** Heights as a picture: PNG of 16 bits grey (W3C PNG), OpenEXR of one float32 channel, or TIFF 6.0 of float32 samples. */
import sharp from 'sharp';
import type { Heightmap } from './heightmap.ts';

export const HEIGHTMAP_KINDS = ['png', 'exr', 'tif'] as const;
export type HeightmapKind = (typeof HEIGHTMAP_KINDS)[number];

/** What a displacement makes metres of the picture's values with: up = (value - midlevel) x strength, black 0 and white 1. */
export interface Displacement {
  readonly strength: number;
  readonly midlevel: number;
}

const WHITE = 65535;

/** Files of floats hold metres as they are. */
export function displacementOf({ least, greatest }: Heightmap, kind: HeightmapKind): Displacement {
  if (kind !== 'png') return { strength: 1, midlevel: 0 };
  const strength = Math.max(greatest - least, 1e-3);
  return { strength, midlevel: -least / strength };
}

export async function writeHeightmap(map: Heightmap, kind: HeightmapKind): Promise<Uint8Array> {
  if (kind === 'exr') return writeExr(map);
  if (kind === 'tif') return writeTiff(map);
  const { strength } = displacementOf(map, kind);
  const values = Uint16Array.from(map.heights, (height) => Math.round(((height - map.least) / strength) * WHITE));
  const raw = { width: map.columns, height: map.rows, channels: 1 as const };
  return sharp(values, { raw }).toColourspace('grey16').png({ compressionLevel: 9 }).toBuffer();
}

/** Uncompressed scan lines of the channel Y ("OpenEXR File Layout"). */
function writeExr({ columns, rows, heights }: Heightmap): Uint8Array {
  const box = numbers('Int32', [0, 0, columns - 1, rows - 1]);
  const channel = Buffer.concat([Buffer.from('Y\0'), numbers('Int32', [2, 0, 1, 1]), Buffer.alloc(1)]);
  const head = Buffer.concat([
    numbers('Int32', [20000630, 2]),
    attribute('channels', 'chlist', channel),
    attribute('compression', 'compression', Buffer.from([0])),
    attribute('dataWindow', 'box2i', box),
    attribute('displayWindow', 'box2i', box),
    attribute('lineOrder', 'lineOrder', Buffer.from([0])),
    attribute('pixelAspectRatio', 'float', numbers('Float32', [1])),
    attribute('screenWindowCenter', 'v2f', numbers('Float32', [0, 0])),
    attribute('screenWindowWidth', 'float', numbers('Float32', [1])),
    Buffer.alloc(1),
  ]);
  const lineBytes = 8 + 4 * columns;
  const file = Buffer.alloc(head.length + rows * (8 + lineBytes));
  head.copy(file);
  for (let y = 0; y < rows; y++) {
    const line = head.length + 8 * rows + y * lineBytes;
    file.writeBigUInt64LE(BigInt(line), head.length + 8 * y);
    file.writeInt32LE(y, line);
    file.writeInt32LE(4 * columns, line + 4);
    for (let x = 0; x < columns; x++) file.writeFloatLE(heights[y * columns + x], line + 8 + 4 * x);
  }
  return file;
}

function attribute(name: string, type: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${name}\0${type}\0`), numbers('Int32', [value.length]), value]);
}

function numbers(kind: 'Int32' | 'Float32', values: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) {
    if (kind === 'Int32') out.writeInt32LE(value, 4 * i);
    else out.writeFloatLE(value, 4 * i);
  }
  return out;
}

const SHORT = 3;
const LONG = 4;

/** One strip without compression, little-endian. */
function writeTiff({ columns, rows, heights }: Heightmap): Uint8Array {
  const tags = [
    [256, LONG, columns],
    [257, LONG, rows],
    [258, SHORT, 32],
    [259, SHORT, 1],
    [262, SHORT, 1],
    [273, LONG, 0],
    [277, SHORT, 1],
    [278, LONG, rows],
    [279, LONG, 4 * columns * rows],
    [339, SHORT, 3],
  ] as const;
  const start = 8 + 2 + 12 * tags.length + 4;
  const file = Buffer.alloc(start + 4 * columns * rows);
  file.write('II*\0\x08\0\0\0', 'latin1');
  file.writeUInt16LE(tags.length, 8);
  for (const [i, [tag, type, value]] of tags.entries()) {
    const at = 10 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(1, at + 4);
    file.writeUInt32LE(tag === 273 ? start : value, at + 8);
  }
  for (let i = 0; i < heights.length; i++) file.writeFloatLE(heights[i], start + 4 * i);
  return file;
}
