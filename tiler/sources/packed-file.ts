/** One file inside a zip (APPNOTE 6.3), or a gzipped one (RFC 1952), unpacked within a size that is known beforehand. */
import { promisify } from 'node:util';
import { constants, crc32, gunzip, inflateRaw, inflateRawSync } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { open } from 'yauzl';
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';

export interface ZipEntry {
  /** Path inside the zip. */
  readonly name: string;
  /** Bytes when unpacked, as the zip says. */
  readonly bytes: number;
  /** The beginning, unpacked: as much as 4 KiB of the zip hold. */
  start(): Promise<Buffer<ArrayBuffer>>;
  /** Unpacks it; refuses more than `maxBytes`, other than `bytes`, or a wrong checksum. */
  load(maxBytes: number): Promise<Buffer<ArrayBuffer>>;
}

/** Bytes of a packed entry that its beginning is unpacked from. */
const START_BYTES = 4096;
/** What a byte of deflate can unpack to, at most. */
const MAX_DEFLATE_RATIO = 1032;
/** Entries of a zip that are looked at before it is given up. */
const MAX_ENTRIES = 10_000;
const STORED = 0;
const DEFLATED = 8;

const gunzipBytes = promisify(gunzip) as (
  data: Buffer,
  options: { maxOutputLength: number },
) => Promise<Buffer<ArrayBuffer>>;
const inflateBytes = promisify(inflateRaw) as (
  data: Buffer,
  options: { maxOutputLength: number; chunkSize: number },
) => Promise<Buffer<ArrayBuffer>>;

/** The first entry whose name matches; refuses with `input-invalid` a zip that is broken or has none (`missing`). */
export async function openZipEntry(file: ByteFile, wanted: RegExp, missing: string): Promise<ZipEntry> {
  const [entry] = await openZipEntries(file, wanted, missing, 1);
  if (entry === undefined) throw invalid(file, `the zip holds ${missing}`);
  return entry;
}

/** Entries whose names match, in the order of the zip, at most `most`; refuses a zip that is broken or has none. */
export async function openZipEntries(
  file: ByteFile,
  wanted: RegExp,
  missing: string,
  most = MAX_ENTRIES,
): Promise<ZipEntry[]> {
  const zip = await openZip(file);
  try {
    const entries = await findEntries(zip, wanted, file, most);
    if (entries.length === 0) throw invalid(file, `the zip holds ${missing}`);
    return entries.map((entry) => entryOf(file, entry));
  } finally {
    zip.close();
  }
}

function entryOf(file: ByteFile, entry: Entry): ZipEntry {
  if ((entry.generalPurposeBitFlag & 1) !== 0)
    throw invalid(file, `${entry.fileName} in it is encrypted; unpack it first`);
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw invalid(file, `${entry.fileName} in it is packed by method ${entry.compressionMethod}; unpack it first`);
  }
  return {
    name: entry.fileName,
    bytes: entry.uncompressedSize,
    start: () => startOfEntry(file, entry),
    load: (maxBytes) => loadEntry(file, entry, maxBytes),
  };
}

function openZip(file: ByteFile): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(file.path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (zip) resolve(zip);
      else reject(invalid(file, `it is not a sound zip file (${error?.message}); get it again`, error));
    });
  });
}

function findEntries(zip: ZipFile, wanted: RegExp, file: ByteFile, most: number): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    const found: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      // Resource forks of macOS have the same name in a folder of their own.
      if (wanted.test(entry.fileName) && !entry.fileName.startsWith('__MACOSX/')) found.push(entry);
      if (found.length >= most || ++seen >= MAX_ENTRIES) resolve(found);
      else zip.readEntry();
    });
    zip.on('end', () => resolve(found));
    zip.on('error', (error: Error) =>
      reject(invalid(file, `it is not a sound zip file (${error.message}); get it again`, error)),
    );
    zip.readEntry();
  });
}

async function startOfEntry(file: ByteFile, entry: Entry): Promise<Buffer<ArrayBuffer>> {
  const packed = await file.read(await dataOf(file, entry), Math.min(START_BYTES, entry.compressedSize));
  if (entry.compressionMethod === STORED) return packed;
  try {
    const maxOutputLength = 2 * START_BYTES * MAX_DEFLATE_RATIO;
    return inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }) as Buffer<ArrayBuffer>;
  } catch (cause) {
    throw invalid(file, `${entry.fileName} in it is damaged; get it again`, cause);
  }
}

/** Where an entry's data begin: name and extra field stand once more before them, with lengths of their own (APPNOTE 4.3.7). */
async function dataOf(file: ByteFile, { relativeOffsetOfLocalHeader: at }: Entry): Promise<number> {
  const header = await file.read(at, 30);
  return at + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function loadEntry(file: ByteFile, entry: Entry, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const { fileName, uncompressedSize, compressedSize } = entry;
  if (uncompressedSize > maxBytes)
    throw invalid(file, `${fileName} in it has ${uncompressedSize} bytes; expected at most ${maxBytes}`);
  if (uncompressedSize > compressedSize * MAX_DEFLATE_RATIO + 64)
    throw invalid(file, `${fileName} in it cannot unpack to ${uncompressedSize} bytes; it is damaged, get it again`);
  const start = await dataOf(file, entry);
  const packed = await file.read(start, compressedSize);
  const bytes =
    entry.compressionMethod === STORED
      ? packed
      : await inflateBytes(packed, {
          maxOutputLength: uncompressedSize,
          chunkSize: Math.max(1024, uncompressedSize),
        }).catch((cause: unknown) => {
          throw invalid(file, `${fileName} in it is damaged; get it again`, cause);
        });
  if (bytes.length !== uncompressedSize || crc32(bytes) !== entry.crc32) {
    throw invalid(file, `${fileName} in it is damaged (its checksum differs); get it again`);
  }
  return bytes;
}

/** The content of a gzipped file, which must be of exactly `bytes` bytes. */
export async function gunzipWithin(file: ByteFile, bytes: number): Promise<Buffer<ArrayBuffer>> {
  const packed = await file.read(0, file.size);
  const content = await gunzipBytes(packed, { maxOutputLength: Math.max(1, bytes) }).catch((cause: unknown) => {
    throw invalid(file, 'its gzip data are damaged; get it again', cause);
  });
  if (content.length !== bytes) throw invalid(file, 'its gzip data are cut off; get it again');
  return content;
}

function invalid(file: ByteFile, what: string, cause?: unknown): RelievoError {
  return new RelievoError('input-invalid', `${file.path} cannot be used: ${what}.`, { where: file.path, cause });
}
