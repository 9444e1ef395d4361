/** What a user calls a source: a path, a glob, or the address of something remote; and what of it may be shown. */
import { createHmac, randomBytes } from 'node:crypto';
import { basename, resolve } from 'node:path';

/** Whether the name is an address that bytes are fetched from: `https://`, `http://`, `s3://`. */
export function isRemoteName(name: string): boolean {
  return /^(https?|s3):\/\//i.test(name);
}

/** The same place whatever the working directory: paths are made absolute, addresses stay. */
export function absoluteName(name: string): string {
  return isRemoteName(name) ? name : resolve(name);
}

/** Marks of queries mean nothing outside this process, so that none can be guessed from its mark. */
const SALT = randomBytes(16);

/**
 * The name as messages may show it: of an address without user, password, query and fragment, which may be secrets. In
 * place of a query stands a mark of its own, so that different addresses keep different names.
 */
export function shownName(name: string): string {
  if (!isRemoteName(name)) return name;
  const bare = name.replace(/^([a-z0-9]+:\/\/)[^/?#]*@/i, '$1');
  // In the key of an object ? and # are letters like others.
  if (/^s3:/i.test(bare)) return bare;
  // Of what cannot be parsed nobody knows which part is secret.
  if (!URL.canParse(name)) return name.replace(/:.*$/s, '://...');
  const query = /\?([^#]*)/.exec(bare)?.[1] ?? '';
  const place = bare.replace(/[?#].*$/s, '');
  return query === '' ? place : `${place}?(${createHmac('sha256', SALT).update(query).digest('hex').slice(0, 8)})`;
}

/** Base name of a path, or of the path of an address: what people call the file. */
export function baseName(name: string): string {
  if (!isRemoteName(name)) return basename(name);
  const place = shownName(name).replace(/\?\([0-9a-f]{8}\)$/, '');
  const last = place.replace(/\/+$/, '').replace(/^.*\//s, '');
  try {
    return /^s3:/i.test(name) ? last : decodeURIComponent(last);
  } catch {
    return last;
  }
}
