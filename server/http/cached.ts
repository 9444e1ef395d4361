/** Sends bytes that have a tag before they are there: 304 without making them, else from the cache or made for it. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { RelievoError } from '../../tiler/error.ts';
import type { MakeBytes, TileCache } from '../tile-cache.ts';
import { holdsTag, isNotModified, parseNoneMatch } from './conditional.ts';
import { pathOf } from './errors.ts';
import type { negotiateCoding } from './negotiate.ts';

export interface CachedAnswer {
  /** Of these bytes alone among all that the cache holds: what is kept under it never grows stale. */
  readonly key: string;
  readonly etag: string;
  readonly cacheControl: string;
  readonly type: string;
  readonly coding: NonNullable<ReturnType<typeof negotiateCoding>>;
  /** In the coding. Undefined: there is no such thing, and `missing` says so. */
  readonly make: MakeBytes;
  readonly missing: string;
}

/** Sends nothing when the client is gone. Throws `not-found`. */
export async function sendCached(req: Request, res: Response, cache: TileCache, answer: CachedAnswer): Promise<void> {
  const noneMatch = parseNoneMatch(req.headers['if-none-match']);
  // A client knows this tag only from bytes that were there. `*` says nothing about that: it needs them first.
  if (holdsTag(noneMatch, answer.etag)) {
    sendUnchanged(res, answer);
    return;
  }
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const found = await cache.get(answer.key, answer.make, { signal: gone.signal }).catch((error: unknown) => {
    if (gone.signal.aborted) return undefined;
    throw error;
  });
  if (!found || gone.signal.aborted) return;
  if (!found.bytes) throw new RelievoError('not-found', answer.missing, { where: pathOf(req) });
  res.locals.cache = found.outcome;
  if (isNotModified(noneMatch, answer.etag)) sendUnchanged(res, answer);
  else sendBytes(res, found.bytes, answer);
}

/** A strong tag made of what the bytes hang on; the coding stands at the end. */
export function tagOf(parts: readonly (string | number)[], coding: CachedAnswer['coding']): string {
  const hash = createHash('sha256').update(parts.join('\n')).digest('base64url');
  return `"${hash.slice(0, 27)}-${coding}"`;
}

function sendUnchanged(res: Response, { etag, cacheControl }: CachedAnswer): void {
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', cacheControl);
  res.status(304).end();
}

function sendBytes(res: Response, bytes: Uint8Array, { etag, cacheControl, type, coding }: CachedAnswer): void {
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', cacheControl);
  res.setHeader('Content-Type', type);
  if (coding === 'gzip') res.setHeader('Content-Encoding', 'gzip');
  res.setHeader('Content-Length', bytes.byteLength);
  res.end(bytes);
}
