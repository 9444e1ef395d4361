/** Sends a JSON document: tagged by its content, gzipped when that is accepted, 304 when the client has it already. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { gzipBytes } from '../../tiler/encode/gzip.ts';
import { isNotModified, parseNoneMatch } from './conditional.ts';
import { sendError } from './errors.ts';
import { negotiateCoding } from './negotiate.ts';

interface Prepared {
  readonly plain: Uint8Array;
  readonly hash: string;
  zipped?: Promise<Uint8Array>;
}

/** The lists of available tiles can be long: each document is written out and packed once. */
const preparedOf = new WeakMap<object, Prepared>();

function prepare(document: object): Prepared {
  const known = preparedOf.get(document);
  if (known) return known;
  const plain = Buffer.from(JSON.stringify(document));
  const prepared = { plain, hash: createHash('sha256').update(plain).digest('base64url').slice(0, 27) };
  preparedOf.set(document, prepared);
  return prepared;
}

/** `Cache-Control` for answers that may be kept for some seconds; 0 means: ask again each time. */
export function keepFor(seconds: number): string {
  return seconds > 0 ? `public, max-age=${Math.floor(seconds)}` : 'public, max-age=0, must-revalidate';
}

/** Sends `document`, which must not change later; `cacheControl` as it stands. 406 when the client excludes every coding. */
export async function sendDocument(req: Request, res: Response, document: object, cacheControl: string): Promise<void> {
  const coding = negotiateCoding(req.headers['accept-encoding']);
  res.setHeader('Vary', 'Accept-Encoding');
  if (coding === undefined) {
    sendError(res, 'not-acceptable', 'this can be had as gzip or as it is, and the client takes neither');
    return;
  }
  const prepared = prepare(document);
  const etag = `"${prepared.hash}-${coding}"`;
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', cacheControl);
  if (isNotModified(parseNoneMatch(req.headers['if-none-match']), etag)) {
    res.status(304).end();
    return;
  }
  if (coding === 'gzip') prepared.zipped ??= gzipBytes(prepared.plain);
  const body = coding === 'gzip' && prepared.zipped ? await prepared.zipped : prepared.plain;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  if (coding === 'gzip') res.setHeader('Content-Encoding', 'gzip');
  res.setHeader('Content-Length', body.byteLength);
  res.end(body);
}
