/**
 * Where a file may send the reader: names written in a VRT or a tile index lead below the folder of that file, or to what
 * the operator allows, and nowhere else. Links are followed before places are compared.
 */
import { readlink, realpath } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { RelievoError } from '../error.ts';
import { isRemoteName, shownName } from './source-name.ts';

export interface Referrer {
  /** Absolute path or address of the file that names others. */
  readonly path: string;
  /** Folders and beginnings of addresses that may be referred to beside the file's own folder. */
  readonly allow: readonly string[];
}

/** The file itself where the path is a link to it: what it names lies beside that, as for GDAL. */
export async function referrerOf(path: string, allow: readonly string[] = []): Promise<Referrer> {
  if (isRemoteName(path)) return { path, allow };
  const linked = await readlink(path).then(
    () => realpath(path),
    () => resolve(path),
  );
  return { path: linked, allow };
}

/**
 * Absolute path or address of `name` as written in the file. `beside`: relative names count from the file's folder,
 * else from the working directory. Refuses with `input-unsupported` what leads elsewhere, as far as names tell.
 */
export function resolveReference(name: string, referrer: Referrer, beside = true): string {
  if (name === '' || /[\0\r\n]/.test(name)) throw refused(name, referrer, 'is no name of a file');
  const address = addressOf(name);
  if (address !== undefined) return requireAllowed(address, name, referrer);
  if (/^\/vsi|^[a-z][a-z\d+.-]+:/i.test(name)) {
    throw refused(name, referrer, 'is no plain file, and Relievo reads plain files and addresses only', false);
  }
  if (!isRemoteName(referrer.path)) {
    return requireAllowed(beside ? resolve(dirname(referrer.path), name) : resolve(name), name, referrer);
  }
  // Steps and letters of a key are taken as text: an address would have them in percent.
  const folder = referrer.path.replace(name.startsWith('/') ? /(?<=:\/\/[^/]*)\/.*$/s : /[^/]*$/, '');
  const object = plainObject(folder + name);
  if (object !== undefined) return requireAllowed(object, name, referrer);
  if (/%(2f|5c)|[\\?#]/i.test(name)) throw refused(name, referrer, 'is no plain relative name');
  return requireAllowed(new URL(name, referrer.path).href, name, referrer);
}

/** The same after links are followed; `path` is what `resolveReference` gave. */
export async function checkLinks(path: string, referrer: Referrer): Promise<void> {
  if (isRemoteName(path)) return;
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined || real === path) return;
  const places = [dirname(referrer.path), ...referrer.allow.filter((entry) => !isRemoteName(entry))];
  const roots = await Promise.all(places.map((place) => realpath(place).catch(() => resolve(place))));
  if (!roots.some((root) => liesIn(real, root))) throw refused(path, referrer, `leads by a link to ${real}`);
}

/** GDAL's names of addresses and ours as an address, undefined for others. */
function addressOf(name: string): string | undefined {
  const plain = name.replace(/^\/vsicurl(_streaming)?\/(?=https?:)/i, '').replace(/^\/vsis3(_streaming)?\//i, 's3://');
  return isRemoteName(plain) ? plainAddress(plain) : undefined;
}

/** Without steps between folders, so that places can be compared; undefined where it cannot be parsed. */
function plainAddress(address: string): string | undefined {
  return plainObject(address) ?? URL.parse(address)?.href;
}

/** The same for `s3://bucket/key`, whose letters stay as they are written; undefined for other addresses. */
function plainObject(address: string): string | undefined {
  const [, bucket, key = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(address) ?? [];
  if (bucket === undefined) return undefined;
  const parts: string[] = [];
  for (const part of key.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return `s3://${bucket}/${parts.join('/')}`;
}

function requireAllowed(place: string, name: string, referrer: Referrer): string {
  const allowed = isRemoteName(place) ? isAllowedAddress(place, referrer) : isAllowedPath(place, referrer);
  if (allowed) return place;
  throw refused(name, referrer, isRemoteName(place) ? 'lies elsewhere on the net' : 'lies outside of its folder');
}

function isAllowedPath(path: string, { path: from, allow }: Referrer): boolean {
  if (!isRemoteName(from) && liesIn(path, dirname(from))) return true;
  return allow.some((entry) => !isRemoteName(entry) && liesIn(path, resolve(entry)));
}

function isAllowedAddress(address: string, { path: from, allow }: Referrer): boolean {
  const folders = allow.filter((entry) => isRemoteName(entry));
  if (isRemoteName(from)) folders.push(plainObject(from)?.replace(/[^/]*$/, '') ?? new URL('.', from).href);
  const roots = folders.flatMap((entry) => plainAddress(entry) ?? []);
  return roots.some((root) => address === root || address.startsWith(root.endsWith('/') ? root : `${root}/`));
}

function liesIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function refused(name: string, referrer: Referrer, why: string, canAllow = true): RelievoError {
  const remedy = canAllow ? '; allow its folder or address with --allow, if you trust the file' : '';
  return new RelievoError(
    'input-unsupported',
    `${shownName(referrer.path)} refers to "${shownName(name).slice(0, 200)}", which ${why}${remedy}.`,
    { where: shownName(referrer.path) },
  );
}
