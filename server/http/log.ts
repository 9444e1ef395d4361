/** One structured entry for each request that ended, answered or broken off. */
import type { RequestHandler } from 'express';

export interface AccessEntry {
  /** When the request came, ISO 8601. */
  readonly time: string;
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly status: number;
  /** Bytes of the body by its Content-Length; undefined when none was declared. */
  readonly bytes: number | undefined;
  readonly milliseconds: number;
  /** How a tile was had: `hit`, `joined`, `made`; undefined for everything else. */
  readonly cache: string | undefined;
  /** The client went before the answer was through. */
  readonly aborted: boolean;
}

export type WriteAccess = (entry: AccessEntry) => void;

export function logAccess(write: WriteAccess): RequestHandler {
  return (req, res, next) => {
    const time = new Date().toISOString();
    const started = performance.now();
    res.once('close', () => {
      const length = Number(res.getHeader('Content-Length'));
      const cache: unknown = res.locals.cache;
      write({
        time,
        method: req.method,
        url: req.originalUrl,
        status: res.statusCode,
        bytes: req.method === 'HEAD' || !Number.isFinite(length) ? undefined : length,
        milliseconds: Math.round((performance.now() - started) * 1000) / 1000,
        cache: typeof cache === 'string' ? cache : undefined,
        aborted: !res.writableFinished,
      });
    });
    next();
  };
}
