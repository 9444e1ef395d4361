/** Errors as HTTP answers: always `{ error: { code, message, where? } }`, their status from one table. */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { type ErrorCode, RelievoError } from '../../tiler/error.ts';

/** Codes of the tiler, and those that only HTTP knows. */
export type HttpErrorCode = ErrorCode | 'request-invalid' | 'method-not-allowed' | 'not-acceptable' | 'range-invalid';

/** The one table. Faults of sources and folders are the operator's, not the client's: 500. */
export const STATUS_OF: Readonly<Record<HttpErrorCode, number>> = {
  usage: 400,
  'address-invalid': 400,
  'request-invalid': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  'range-invalid': 416,
  busy: 503,
  'input-missing': 500,
  'input-invalid': 500,
  'input-unsupported': 500,
  crs: 500,
  datum: 500,
  'output-refused': 500,
  'output-unwritable': 500,
  'address-in-use': 500,
  internal: 500,
};

const RETRY_AFTER_SECONDS = 2;

/** Hears of every error that is the server's own fault, with the address that met it. */
export type ReportFault = (error: unknown, where: string) => void;

/** Sends an error; the body names neither files of this machine nor stacks. */
export function sendError(res: Response, code: HttpErrorCode, message: string, where?: string): void {
  const body = JSON.stringify({ error: { code, message, ...(where === undefined ? {} : { where }) } });
  res.status(STATUS_OF[code]);
  for (const name of ['ETag', 'Content-Encoding', 'Content-Range', 'Last-Modified', 'Content-Security-Policy']) {
    res.removeHeader(name);
  }
  if (code === 'busy') res.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

/** The path that was asked for, at most 200 characters, without the query. */
export function pathOf(req: Request): string {
  return (req.originalUrl.split('?', 1)[0] ?? '').slice(0, 200);
}

/** For addresses that lead nowhere. */
export const answerNotFound: RequestHandler = (req, res) => {
  sendError(res, 'not-found', 'there is nothing at this address; GET /layers lists what there is', pathOf(req));
};

/** For what a handler threw. */
export function answerErrors(report: ReportFault): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const { code, message, where } = describeError(error, pathOf(req));
    if (STATUS_OF[code] >= 500 && code !== 'busy') report(error, pathOf(req));
    // Too late for an answer: the client must not take what it got for whole.
    if (res.headersSent) res.destroy();
    else sendError(res, code, message, where);
  };
}

function describeError(error: unknown, path: string): { code: HttpErrorCode; message: string; where: string } {
  if (error instanceof RelievoError) {
    const status = STATUS_OF[error.code];
    if (status < 500) return { code: error.code, message: error.message, where: error.where ?? path };
    const message =
      error.code === 'busy'
        ? 'this cannot be had at the moment, because other things are being made; try again in a few seconds'
        : "this cannot be made from the layer's source; the server's log says more";
    return { code: error.code, message, where: path };
  }
  // Express and its static files put a status on what is the client's fault.
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 404) return { code: 'not-found', message: 'there is nothing at this address', where: path };
  if (status === 416)
    return { code: 'range-invalid', message: 'the range asked for lies outside the file', where: path };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { code: 'request-invalid', message: 'the address or a header cannot be understood', where: path };
  }
  return { code: 'internal', message: "something went wrong in the server; the server's log says more", where: path };
}
