/** gzip as tiles are stored and sent: one level, and a header that tells neither time nor operating system. */
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';

const gzipAsync = promisify(gzip);
const OPTIONS = { level: 6 };
/** RFC 1952, 2.3.1: byte 9 is the operating system, 255 unknown. Otherwise the same tile would differ between machines. */
const OS_BYTE = 9;
const OS_UNKNOWN = 255;

export async function gzipBytes(plain: Uint8Array): Promise<Uint8Array> {
  return withoutSystem(await gzipAsync(plain, OPTIONS));
}

/** The same bytes, for threads that have nothing else to do. */
export function gzipBytesSync(plain: Uint8Array): Uint8Array {
  return withoutSystem(gzipSync(plain, OPTIONS));
}

function withoutSystem(zipped: Uint8Array): Uint8Array {
  zipped[OS_BYTE] = OS_UNKNOWN;
  return zipped;
}
