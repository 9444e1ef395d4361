/** Zip files byte by byte (APPNOTE 4.3), sound or with lies about what is packed. One entry, or many sound ones. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface LyingZip {
  readonly name: string;
  readonly content: Uint8Array;
  /** What the directory says instead of what is so. */
  readonly bytes?: number | undefined;
  readonly packedBytes?: number | undefined;
  readonly checksum?: number | undefined;
  readonly method?: number | undefined;
  readonly flags?: number | undefined;
  /** Where the entry is said to begin. */
  readonly at?: number | undefined;
  /** Entries that the end record promises. */
  readonly entries?: number | undefined;
}

export function zipOf(zip: LyingZip): Buffer {
  const packed = deflateRawSync(zip.content, { level: 1 });
  const name = Buffer.from(zip.name);
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(20, 0);
  shared.writeUInt16LE(zip.flags ?? 0, 2);
  shared.writeUInt16LE(zip.method ?? 8, 4);
  shared.writeUInt32LE(zip.checksum ?? crc32(zip.content), 10);
  shared.writeUInt32LE(zip.packedBytes ?? packed.length, 14);
  shared.writeUInt32LE(zip.bytes ?? zip.content.length, 18);
  shared.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, name, packed]);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(zip.at ?? 0, 10);
  const directory = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, rest, name]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(zip.entries ?? 1, 8);
  end.writeUInt16LE(zip.entries ?? 1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

/** A sound zip of many entries by name, deflated. */
export function zipOfMany(contents: Readonly<Record<string, Uint8Array>>): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(contents)) {
    const zip = zipOf({ name, content, at });
    const directory = zip.indexOf('PK\x01\x02', 'latin1');
    locals.push(zip.subarray(0, directory));
    entries.push(zip.subarray(directory, zip.length - 22));
    at += directory;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}
