/** Headers on every answer, errors included: CORS (so that globes on other sites may read tiles and errors) and nosniff. */
import type { RequestHandler } from 'express';
import { pathOf, sendError } from './errors.ts';

export const ALLOWED_METHODS = 'GET, HEAD, OPTIONS';

/** `origin` goes into Access-Control-Allow-Origin; false leaves CORS to whatever stands in front. Answers OPTIONS. */
export function openToOrigins(origin: string | false): RequestHandler {
  return (req, res, next) => {
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (origin !== false) {
      res.setHeader('Access-Control-Allow-Origin', origin);
      res.setHeader('Access-Control-Expose-Headers', 'ETag, Retry-After');
    }
    if (req.method === 'GET' || req.method === 'HEAD') {
      next();
      return;
    }
    res.setHeader('Allow', ALLOWED_METHODS);
    if (req.method !== 'OPTIONS') {
      sendError(res, 'method-not-allowed', `expected one of ${ALLOWED_METHODS}, got ${req.method}`, pathOf(req));
      return;
    }
    if (origin !== false) {
      res.setHeader('Access-Control-Allow-Methods', ALLOWED_METHODS);
      res.setHeader('Access-Control-Allow-Headers', '*');
      res.setHeader('Access-Control-Max-Age', '86400');
    }
    res.status(204).end();
  };
}
