/**
 * Writes a 3D Tiles Archive (3TZ 1.4): a zip (APPNOTE 6.3, ISO/IEC 21320-1) of stored and deflated files whose last entry,
 * `@3dtilesIndex1@`, leads from the MD5 of a path to the offset of its local header. The same files in the same order give
 * the same bytes.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32, deflateRawSync } from 'node:zlib';
import { RelievoError } from '../error.ts';

export const INDEX_NAME = '@3dtilesIndex1@';
/** MD5 of the path, and the offset as 64 bits, little-endian. */
export const INDEX_ENTRY_BYTES = 24;

export interface Archive3tzWriter {
  /** Adds a file; its path has forward slashes, no leading one, and is new. Calls must not overlap. */
  add(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes index and directory, and waits until all of it is on the disk. */
  finish(): Promise<void>;
  /** Closes the file and leaves it as it is. */
  close(): Promise<void>;
}

export interface Archive3tzOptions {
  /** Offset of the first entry in bytes: a zip may have anything in front of it. */
  readonly start?: number | undefined;
}

/** A packed file is stored as it is unless deflate takes this much of it away: readers pay for unpacking. */
const WORTH_SHARE = 0.9;
const STORED = 0;
const DEFLATED = 8;
const UTF8_NAME = 0x0800;
/** 1 January 1980, the earliest date there is: a build at another time gives the same bytes. */
const DOS_DATE = 0x21;
/** APPNOTE 4.4.3.2: 2.0 for deflate, 4.5 for zip64. */
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** APPNOTE 4.4.2: made on Unix, whose names are UTF-8 as they stand, and a plain file that its owner may write. */
const UNIX = 3 << 8;
const FILE_MODE = 0o100644 * 2 ** 16;
const MAX_U16 = 0xffff;
const MAX_U32 = 0xffff_ffff;
/** Less than this deflate does not make smaller by what it costs to ask. */
const MIN_DEFLATE_BYTES = 64;
/** Bytes collected before they are written. */
const CHUNK_BYTES = 2 ** 20;

/** Replaces what is at `file`. */
export async function openArchive3tzWriter(
  file: string,
  { start = 0 }: Archive3tzOptions = {},
): Promise<Archive3tzWriter> {
  const out = openAppender(await open(file, 'w'), start);
  const directory: Buffer[] = [];
  const index: Buffer[] = [];
  return { add, finish, close: out.close };

  async function add(path: string, bytes: Uint8Array): Promise<void> {
    refuseName(path);
    index.push(indexEntry(path, out.offset()));
    await write(path, bytes, bytes.length < MIN_DEFLATE_BYTES ? bytes : deflateRawSync(bytes, { level: 6 }));
  }

  async function finish(): Promise<void> {
    index.sort(compareHashes);
    for (let k = 1; k < index.length; k++) {
      if (compareHashes(index[k - 1], index[k]) === 0) throw new Error('two files of an archive have the same path');
    }
    const bytes = Buffer.concat(index);
    await write(INDEX_NAME, bytes, bytes);
    const from = out.offset();
    for (const entry of directory) await out.append(entry);
    await out.append(endOfDirectory(directory.length, from, out.offset()));
    await out.sync();
  }

  async function write(path: string, bytes: Uint8Array, deflated: Uint8Array): Promise<void> {
    // The sizes stand in the local header, which has 32 bits for them.
    if (bytes.length > MAX_U32) {
      throw new RelievoError('output-refused', 'a file of a 3D Tiles archive may have 4 GiB at most', { where: path });
    }
    const packed = deflated.length < WORTH_SHARE * bytes.length;
    const data = packed ? deflated : bytes;
    const name = Buffer.from(path);
    const common = Buffer.alloc(24);
    common.writeUInt16LE(isAscii(path) ? 0 : UTF8_NAME, 0);
    common.writeUInt16LE(packed ? DEFLATED : STORED, 2);
    common.writeUInt16LE(DOS_DATE, 6);
    common.writeUInt32LE(crc32(bytes), 8);
    common.writeUInt32LE(data.length, 12);
    common.writeUInt32LE(bytes.length, 16);
    common.writeUInt16LE(name.length, 20);
    const offset = out.offset();
    directory.push(directoryEntry(common, name, offset));
    await out.append(words('PK\x03\x04', [VERSION]), common, name, data);
  }
}

/** APPNOTE 4.3.12; the offset in the zip64 field (4.5.3) where 32 bits do not hold it. */
function directoryEntry(common: Buffer, name: Buffer, offset: number): Buffer {
  const far = offset >= MAX_U32;
  const head = Buffer.from(common);
  head.writeUInt16LE(far ? 12 : 0, 22);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(FILE_MODE, 6);
  tail.writeUInt32LE(far ? MAX_U32 : offset, 10);
  const version = far ? VERSION_ZIP64 : VERSION;
  const extra = far ? [words('', [1, 8]), u64(offset)] : [];
  return Buffer.concat([words('PK\x01\x02', [UNIX | version, version]), head, tail, name, ...extra]);
}

/** APPNOTE 4.3.14 to 4.3.16: with the zip64 records where the plain one has no room. */
function endOfDirectory(entries: number, from: number, to: number): Buffer {
  const plain = Buffer.alloc(18);
  plain.writeUInt16LE(Math.min(entries, MAX_U16), 4);
  plain.writeUInt16LE(Math.min(entries, MAX_U16), 6);
  plain.writeUInt32LE(Math.min(to - from, MAX_U32), 8);
  plain.writeUInt32LE(Math.min(from, MAX_U32), 12);
  const end = [words('PK\x05\x06', []), plain];
  if (entries < MAX_U16 && from < MAX_U32 && to - from < MAX_U32) return Buffer.concat(end);
  const disks = Buffer.alloc(8);
  const totals = [entries, entries, to - from, from].map(u64);
  const record = [words('PK\x06\x06', []), u64(44), words('', [UNIX | VERSION_ZIP64, VERSION_ZIP64]), disks, ...totals];
  const oneDisk = Buffer.from([1, 0, 0, 0]);
  return Buffer.concat([...record, words('PK\x06\x07', [0, 0]), u64(to), oneDisk, ...end]);
}

function words(signature: string, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(signature.length + 2 * values.length);
  bytes.write(signature, 'latin1');
  for (const [k, value] of values.entries()) bytes.writeUInt16LE(value, signature.length + 2 * k);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function indexEntry(path: string, offset: number): Buffer {
  return Buffer.concat([hashPath(path), u64(offset)]);
}

/** MD5 of a path that has forward slashes and no leading one. */
export function hashPath(path: string): Buffer {
  return createHash('md5').update(path).digest();
}

/** The order of the index: hashes as two little-endian numbers of 64 bits, the first one deciding. */
export function compareHashes(a: Buffer, b: Buffer): number {
  for (const at of [4, 0, 12, 8]) {
    const difference = a.readUInt32LE(at) - b.readUInt32LE(at);
    if (difference !== 0) return difference;
  }
  return 0;
}

function refuseName(path: string): void {
  if (/^\/|\\|\.3tz|\.3dtiles\.zip/.test(path) || path === INDEX_NAME) {
    throw new RelievoError('output-refused', 'a 3D Tiles archive may hold no file of that name', { where: path });
  }
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** Small pieces are collected: one write for each would take longer than making them. */
function openAppender(handle: FileHandle, start: number) {
  let pieces: Uint8Array[] = [];
  let waiting = 0;
  let written = start;
  const flush = async () => {
    const bytes = Buffer.concat(pieces, waiting);
    pieces = [];
    waiting = 0;
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, written);
      done += bytesWritten;
      written += bytesWritten;
    }
  };
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= handle.close();
    return closing;
  };
  return {
    offset: () => written + waiting,
    async append(...more: Uint8Array[]) {
      for (const piece of more) {
        pieces.push(piece);
        waiting += piece.length;
      }
      if (waiting >= CHUNK_BYTES) await flush();
    },
    async sync() {
      await flush();
      await handle.sync();
      await close();
    },
    close,
  };
}
