/**
 * Reads a 3D Tiles Archive (3TZ 1.4) by ranges, at a path or an address: the end of the zip leads to its index, and the index,
 * by binary search, to each file. The central directory is not read.
 */
import { promisify } from 'node:util';
import { crc32, inflateRaw, zstdDecompress } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { type ByteFile, openByteFile } from '../sources/byte-file.ts';
import type { ReadOptions } from '../sources/raster-source.ts';
import { compareHashes, hashPath, INDEX_ENTRY_BYTES, INDEX_NAME } from './archive-3tz-writer.ts';
import { MAX_FILE_BYTES, type TilesetFile, type TilesetFiles } from './tileset-files.ts';

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const RECORD = 0x06064b50;
const RECORD_BYTES = 56;
/** The end of a zip with the longest comment, the zip64 records, and the last entry of the directory. */
const TAIL_BYTES = 2 ** 16 + 2048;
/** The local header of most files with its name and extra fields. */
const HEAD_BYTES = 256;
/** 40 million files. */
const MAX_INDEX_BYTES = 2 ** 30;
const STORED = 0;
const DEFLATED = 8;
const ZSTANDARD = 93;
const ENCRYPTED = 1;
const MAX_U32 = 0xffff_ffff;

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;
const inflate = promisify(inflateRaw) as Unpack;
const unpackZstandard = zstdDecompress && (promisify(zstdDecompress) as Unpack);

export function isArchive3tzName(name: string): boolean {
  return /(\.3tz|\.3dtiles\.zip)$/i.test(name);
}

/** Throws `input-missing` when there is no such file, `input-invalid` when it is no zip or its index is missing or broken. */
export async function openArchive3tz(path: string, options: ReadOptions = {}): Promise<TilesetFiles> {
  const file = await openByteFile(path, options);
  try {
    const index = await readIndex(file, options);
    return {
      kind: 'archive',
      place: path,
      files: index.length / INDEX_ENTRY_BYTES,
      find: (name, read = {}) => find(file, index, name, read),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readIndex(file: ByteFile, { signal }: ReadOptions): Promise<Buffer> {
  const length = Math.min(TAIL_BYTES, file.size);
  const tail = await file.read(file.size - length, length, { signal });
  const last = lastEntry(file, tail);
  if (last === undefined) {
    throw invalid(
      file,
      `expected a 3D Tiles archive, a zip whose last entry is ${INDEX_NAME}, but it has no such entry: pack it anew, with a program that writes 3TZ`,
    );
  }
  const entry = await readLocal(file, last, INDEX_NAME, { signal });
  if (entry === undefined || entry.method !== STORED || entry.size % INDEX_ENTRY_BYTES !== 0) {
    throw invalid(file, `its index ${INDEX_NAME} is not stored as 24 bytes a file: pack it anew`);
  }
  if (entry.size > MAX_INDEX_BYTES) throw invalid(file, 'its index is longer than one can be held in memory');
  const index = await file.read(entry.from, entry.size, { signal });
  if (crc32(index) !== entry.crc) throw invalid(file, 'its index does not have its own checksum: get the file again');
  return index;
}

/** Offset of the local header that the last entry of the central directory names, where that entry is the index. */
function lastEntry(file: ByteFile, tail: Buffer): number | undefined {
  const at = findEnd(tail);
  if (at === undefined) return undefined;
  let end = at;
  if (at >= LOCATOR_BYTES && tail.readUInt32LE(at - LOCATOR_BYTES) === LOCATOR) {
    const record = Number(tail.readBigUInt64LE(at - LOCATOR_BYTES + 8)) - (file.size - tail.length);
    const fits = record >= 0 && record + RECORD_BYTES <= tail.length;
    if (!fits || tail.readUInt32LE(record) !== RECORD) return undefined;
    end = record;
  }
  for (let k = end - CENTRAL_BYTES - INDEX_NAME.length; k >= 0 && k > end - TAIL_BYTES; k--) {
    if (tail.readUInt32LE(k) !== CENTRAL) continue;
    const [name, extra, comment] = [28, 30, 32].map((field) => tail.readUInt16LE(k + field));
    if (k + CENTRAL_BYTES + name + extra + comment !== end) continue;
    const names = k + CENTRAL_BYTES;
    if (tail.toString('utf8', names, names + name) !== INDEX_NAME) return undefined;
    const offset = tail.readUInt32LE(k + 42);
    return offset < MAX_U32 ? offset : wideOffset(tail, k, names + name, names + name + extra);
  }
  return undefined;
}

/** APPNOTE 4.3.16; its comment reaches exactly to the end of the file. */
function findEnd(tail: Buffer): number | undefined {
  for (let k = tail.length - END_BYTES; k >= 0; k--) {
    if (tail.readUInt32LE(k) === END && k + END_BYTES + tail.readUInt16LE(k + 20) === tail.length) return k;
  }
  return undefined;
}

/** APPNOTE 4.5.3: the zip64 field holds, in this order, whichever of both sizes and the offset had no room. */
function wideOffset(tail: Buffer, entry: number, from: number, to: number): number | undefined {
  for (let k = from; k + 4 <= to; ) {
    const size = tail.readUInt16LE(k + 2);
    if (tail.readUInt16LE(k) === 1) {
      const sizes = [20, 24].filter((field) => tail.readUInt32LE(entry + field) === MAX_U32).length;
      const at = k + 4 + 8 * sizes;
      return at + 8 <= to ? Number(tail.readBigUInt64LE(at)) : undefined;
    }
    k += 4 + size;
  }
  return undefined;
}

interface LocalEntry {
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Offset of the data. */
  readonly from: number;
}

/** APPNOTE 4.3.7; undefined where the header is that of another file. */
async function readLocal(
  file: ByteFile,
  offset: number,
  name: string,
  { signal }: ReadOptions,
): Promise<LocalEntry | undefined> {
  if (offset + LOCAL_BYTES > file.size) throw invalid(file, 'its index points beyond its end: get the file again');
  let head = await file.read(offset, Math.min(HEAD_BYTES, file.size - offset), { signal });
  if (head.readUInt32LE(0) !== LOCAL) throw invalid(file, 'its index points at what is no file: pack it anew');
  const [nameBytes, extraBytes] = [26, 28].map((field) => head.readUInt16LE(field));
  if (LOCAL_BYTES + nameBytes > head.length) head = await file.read(offset, LOCAL_BYTES + nameBytes, { signal });
  if (normalizePath(head.toString('utf8', LOCAL_BYTES, LOCAL_BYTES + nameBytes)) !== name) return undefined;
  const [method, crc, packed, size] = [
    head.readUInt16LE(8),
    head.readUInt32LE(14),
    head.readUInt32LE(18),
    head.readUInt32LE(22),
  ];
  if ((head.readUInt16LE(6) & ENCRYPTED) !== 0) throw invalid(file, `${name} in it is encrypted`);
  if (packed === MAX_U32 || size === MAX_U32 || (size > 0 && packed === 0)) {
    throw invalid(file, `the local header of ${name} in it does not tell its size, as 3TZ asks for: pack it anew`);
  }
  return { method, crc, packed, size, from: offset + LOCAL_BYTES + nameBytes + extraBytes };
}

function normalizePath(path: string): string {
  return path.replaceAll('\\', '/').replace(/^\/+/, '');
}

async function find(
  file: ByteFile,
  index: Buffer,
  path: string,
  options: ReadOptions,
): Promise<TilesetFile | undefined> {
  const name = normalizePath(path);
  const wanted = hashPath(name);
  const entryAt = (k: number) => index.subarray(k * INDEX_ENTRY_BYTES, (k + 1) * INDEX_ENTRY_BYTES);
  const files = index.length / INDEX_ENTRY_BYTES;
  let low = 0;
  for (let high = files; low < high; ) {
    const middle = (low + high) >>> 1;
    if (compareHashes(entryAt(middle), wanted) < 0) low = middle + 1;
    else high = middle;
  }
  // Different paths may have the same hash: then their entries are neighbours.
  for (let k = low; k < files && compareHashes(entryAt(k), wanted) === 0; k++) {
    const entry = await readLocal(file, Number(entryAt(k).readBigUInt64LE(16)), name, options);
    if (entry) return fileOf(file, name, entry);
  }
  return undefined;
}

function fileOf(file: ByteFile, name: string, { method, crc, packed, size, from }: LocalEntry): TilesetFile {
  const readPacked = ({ signal }: ReadOptions = {}) => {
    if (Math.max(size, packed) > MAX_FILE_BYTES)
      throw invalid(file, `${name} in it has ${size} bytes, too many to send`);
    return file.read(from, packed, { signal });
  };
  return {
    stamp: `${crc.toString(16)}@${size}@${from}`,
    bytes: size,
    async read(options) {
      const bytes = await unpack(file, name, method, await readPacked(options), size);
      if (bytes.length !== size || crc32(bytes) !== crc) {
        throw invalid(file, `${name} in it does not have its own checksum: get the file again`);
      }
      return bytes;
    },
    // What gzip (RFC 1952) puts round deflated bytes is known from the zip: nothing has to be unpacked and packed again.
    ...(method === DEFLATED && {
      readGzip: async (options?: ReadOptions) => {
        const tail = Buffer.alloc(8);
        tail.writeUInt32LE(crc, 0);
        tail.writeUInt32LE(size, 4);
        return Buffer.concat([GZIP_HEAD, await readPacked(options), tail]);
      },
    }),
  };
}

/** No time, and an operating system that is unknown. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

async function unpack(file: ByteFile, name: string, method: number, bytes: Buffer, size: number): Promise<Buffer> {
  if (method === STORED) return bytes;
  const way = method === DEFLATED ? inflate : method === ZSTANDARD ? unpackZstandard : undefined;
  if (!way) {
    const message = `${name} in it is packed by method ${method}, which cannot be read here: deflate (8) and stored (0) can, and Zstandard (93) by Node 22.15 or newer`;
    throw new RelievoError('input-unsupported', message, { where: file.path });
  }
  try {
    return await way(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw new RelievoError('input-invalid', `${name} in ${file.name} cannot be unpacked: get the file again`, {
      where: file.path,
      cause,
    });
  }
}

function invalid(file: ByteFile, message: string): RelievoError {
  return new RelievoError('input-invalid', `${file.name} cannot be used: ${message}`, { where: file.path });
}
