/** Why a server gives no bytes: which answers may be others the next time, and sentences for those that will not. */
import type { IncomingMessage } from 'node:http';
import { RelievoError } from '../error.ts';
import type { RangeTarget } from './http-ranges.ts';
import { PassingFault } from './retries.ts';

const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Errors of the network that may be gone the next time. */
const PASSING_CODES = /^(ECONN(RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|EAI_AGAIN|E(HOST|NET)UNREACH|HPE_.*)$/;

/** Why there are no bytes. */
export function refusalOf(target: RangeTarget, answer: IncomingMessage, body: string): Error {
  const { statusCode: status = 0 } = answer;
  if (PASSING.has(status)) {
    return new PassingFault(`answered ${status}`, { waitMs: retryAfterMs(answer.headers['retry-after']) });
  }
  const sentence =
    target.explain?.(status, answer, body) ??
    REASONS[status] ??
    `the server answered ${status}; expected 206 with a part of the file`;
  return new RelievoError('input-missing', `Cannot open ${target.shown}: ${sentence}.`, { where: target.shown });
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'the server wants to know who asks (401); give user and password in the address, as in https://user:password@host/',
  403: 'the server refuses it (403); check the address, and whether a signature in it has run out',
  404: 'there is nothing at this address (404); check it',
  410: 'it is no longer there (410)',
};

/** Seconds, or a date. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d{1,6}$/.test(header) ? 1000 * Number(header) : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : 0;
}

export function networkFault(target: RangeTarget, cause: unknown): Error {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (PASSING_CODES.test(code)) return new PassingFault(`cannot be reached or broke off (${code})`, { cause });
  const reason =
    code === 'ENOTFOUND' ? `there is no host ${target.url.hostname}; check the address` : `${message} (${code})`;
  return new RelievoError('input-missing', `Cannot open ${target.shown}: ${reason}.`, { where: target.shown, cause });
}

export function changed(target: RangeTarget, how: string): RelievoError {
  return new RelievoError(
    'input-invalid',
    `${target.shown} has changed while it was being read (${how}): nothing of both states is mixed; start again.`,
    { where: target.shown },
  );
}

export function empty(target: RangeTarget): RelievoError {
  return new RelievoError('input-invalid', `${target.shown} is empty (0 bytes): put it on the server again.`, {
    where: target.shown,
  });
}

export function unsupported(target: RangeTarget, what: string): RelievoError {
  return new RelievoError('input-unsupported', `The server of ${target.shown} ${what}.`, { where: target.shown });
}
