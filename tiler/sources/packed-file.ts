/** One file inside a zip (APPNOTE 6.3), or a gzipped one (RFC 1952), unpacked within a size that is known beforehand. */
import { promisify } from 'node:util';
import { crc32, gunzip, inflateRaw } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { open } from 'yauzl';
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';

export interface ZipEntry {
  /** Path inside the zip. */
  readonly name: string;
  /** Bytes when unpacked, as the zip says. */
  readonly bytes: number;
  /** Unpacks it; refuses more than `maxBytes`, other than `bytes`, or a wrong checksum. */
  load(maxBytes: number): Promise<Buffer<ArrayBuffer>>;
}

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
  const zip = await openZip(file);
  try {
    const entry = await findEntry(zip, wanted, file, missing);
    if ((entry.generalPurposeBitFlag & 1) !== 0)
      throw invalid(file, `${entry.fileName} in it is encrypted; unpack it first`);
    if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
      throw invalid(file, `${entry.fileName} in it is packed by method ${entry.compressionMethod}; unpack it first`);
    }
    return {
      name: entry.fileName,
      bytes: entry.uncompressedSize,
      load: (maxBytes) => loadEntry(file, entry, maxBytes),
    };
  } finally {
    zip.close();
  }
}

function openZip(file: ByteFile): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(file.path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (zip) resolve(zip);
      else reject(invalid(file, `it is not a sound zip file (${error?.message}); get it again`, error));
    });
  });
}

function findEntry(zip: ZipFile, wanted: RegExp, file: ByteFile, missing: string): Promise<Entry> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    const none = () => reject(invalid(file, `the zip holds ${missing}`));
    zip.on('entry', (entry: Entry) => {
      // Resource forks of macOS have the same name in a folder of their own.
      if (wanted.test(entry.fileName) && !entry.fileName.startsWith('__MACOSX/')) resolve(entry);
      else if (++seen >= MAX_ENTRIES) none();
      else zip.readEntry();
    });
    zip.on('end', none);
    zip.on('error', (error: Error) =>
      reject(invalid(file, `it is not a sound zip file (${error.message}); get it again`, error)),
    );
    zip.readEntry();
  });
}

async function loadEntry(file: ByteFile, entry: Entry, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const { fileName, uncompressedSize, compressedSize } = entry;
  if (uncompressedSize > maxBytes)
    throw invalid(file, `${fileName} in it has ${uncompressedSize} bytes; expected at most ${maxBytes}`);
  // Name and extra field stand once more before the data, with lengths of their own (APPNOTE 4.3.7).
  const header = await file.read(entry.relativeOffsetOfLocalHeader, 30);
  const start = entry.relativeOffsetOfLocalHeader + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
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
