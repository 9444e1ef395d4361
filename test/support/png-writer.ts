/** PNG pictures for tests, chunk by chunk, with whatever they should say of themselves. */
import { crc32, deflateSync } from 'node:zlib';

export interface RawPng {
  readonly width: number;
  readonly height: number;
  readonly depth?: number | undefined;
  /** 0 grey, 2 colour, 3 palette, 4 and 6 with opacity. */
  readonly colourType: number;
  readonly interlace?: number | undefined;
  /** Filtered rows, each after the byte of its filter. */
  readonly rows: Uint8Array;
  /** Further chunks, before the pixels. */
  readonly chunks?: Readonly<Record<string, Uint8Array>> | undefined;
}

export function pngOf({ width, height, depth = 8, colourType, interlace = 0, rows, chunks = {} }: RawPng): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlace], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunkOf('IHDR', header),
    ...Object.entries(chunks).map(([type, content]) => chunkOf(type, content)),
    chunkOf('IDAT', deflateSync(rows)),
    chunkOf('IEND', Buffer.alloc(0)),
  ]);
}

function chunkOf(type: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(content.length, 0);
  out.set(named, 4);
  out.writeUInt32BE(crc32(named), named.length + 4);
  return out;
}
