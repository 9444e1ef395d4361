/**
 * A file as bytes at offsets, by its path or its address: the sentences for a local one that is missing, a folder, empty or
 * unreadable are here.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { RelievoError } from '../error.ts';
import { isRemoteName, shownName } from './source-name.ts';

export interface ByteFileOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ByteFile {
  /** Path, or address without what may be secret; no two files that are open have the same. */
  readonly path: string;
  /** Base name, for sentences. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in memory of their own; refuses with `input-invalid` past the end. */
  read(offset: number, length: number, options?: ByteFileOptions): Promise<Buffer<ArrayBuffer>>;
  /** May be called more than once. */
  close(): Promise<void>;
}

/** Opens what is at a path or an address. */
export async function openByteFile(path: string, options: ByteFileOptions = {}): Promise<ByteFile> {
  if (isRemoteName(path)) {
    const { openRemoteFile } = await import('./remote-file.ts');
    return openRemoteFile(path, options);
  }
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      throw new RelievoError(
        'input-invalid',
        `${path} is a folder; expected an elevation raster such as a GeoTIFF or an SRTM .hgt file: name the files inside it.`,
        { where: path },
      );
    }
    if (!stat.isFile()) {
      throw new RelievoError('input-invalid', `${path} is not a regular file; copy its content into one first.`, {
        where: path,
      });
    }
    if (stat.size === 0) {
      throw new RelievoError(
        'input-invalid',
        `${path} is empty (0 bytes): the copy or download failed; get it again.`,
        { where: path },
      );
    }
    let closing: Promise<void> | undefined;
    return {
      path,
      name: basename(path),
      size: stat.size,
      async read(offset, length) {
        if (offset < 0 || offset + length > stat.size) throw cutOff(path, offset + length, stat.size);
        const bytes = Buffer.from(new ArrayBuffer(length));
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          // The file has become shorter since it was opened.
          if (bytesRead === 0) throw cutOff(path, offset + length, offset + done);
          done += bytesRead;
        }
        return bytes;
      },
      close() {
        closing ??= handle.close();
        return closing;
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The error for data that should reach `end` in a file of `size` bytes. */
export function cutOff(path: string, end: number, size: number): RelievoError {
  return new RelievoError(
    'input-invalid',
    `${path} is cut off or broken: its data should reach byte ${end}, but the file is ${size} bytes long; get it again.`,
    { where: path },
  );
}

/** The same error with the file's name in front, for sentences that say "it". */
export function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof RelievoError) || error.where !== undefined) return error;
  const where = shownName(path);
  return new RelievoError(error.code, `${where} cannot be used. ${error.message}`, { where, cause: error.cause });
}

/**
 * SHA-256 of the file's bytes, the first 32 hexadecimal digits. At an address: of what the server says of the content, which
 * is not read as a whole.
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  if (isRemoteName(path)) {
    const { openRemoteFile } = await import('./remote-file.ts');
    const file = await openRemoteFile(path, { signal });
    return file.version().finally(() => file.close());
  }
  const hash = createHash('sha256');
  // Not a stream with a signal: one that is given up while it opens may leave its file open (Node 24).
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const chunk = Buffer.allocUnsafe(Math.min((await handle.stat()).size + 1, 2 ** 20));
    for (let read = 1; read > 0; ) {
      signal?.throwIfAborted();
      read = (await handle.read(chunk, 0, chunk.length, null)).bytesRead;
      hash.update(chunk.subarray(0, read));
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreadable(path, cause);
  } finally {
    await handle.close();
  }
  return hash.digest('hex').slice(0, 32);
}

function unreadable(path: string, cause: unknown): RelievoError {
  const code = (cause as NodeJS.ErrnoException).code;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file; check the name and the folder',
    ENOTDIR: 'a part of the path is a file, not a folder; check the path',
    EACCES: 'the file may not be read by this user; check its permissions',
    EPERM: 'the file may not be read by this user; check its permissions',
    EISDIR: 'it is a folder; name the files inside it',
    EMFILE: 'too many files are open; raise the limit (ulimit -n)',
    ENAMETOOLONG: 'the name is too long for a file',
  };
  const reason = (code && reasons[code]) ?? String(cause);
  return new RelievoError('input-missing', `Cannot open ${path}: ${reason}.`, { where: path, cause });
}
