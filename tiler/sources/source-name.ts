/** What a user calls a source: a path, a glob, or the address of something remote. */
import { resolve } from 'node:path';

/** Whether the name is an address that bytes are fetched from: `https://`, `http://`, `s3://`. */
export function isRemoteName(name: string): boolean {
  return /^(https?|s3):\/\//i.test(name);
}

/** The same place whatever the working directory: paths are made absolute, addresses stay. */
export function absoluteName(name: string): string {
  return isRemoteName(name) ? name : resolve(name);
}
