/**
 * Bytes of a file on a server, by ranges (RFC 9110 section 14). Every answer is held against what was asked for and against
 * the state of the file that the first answer told of, so that bytes of two states are never mixed.
 */
import type { IncomingMessage } from 'node:http';
import { RelievoError } from '../error.ts';
import { isSameHost, type Network, nextHop } from './http-hop.ts';
import { changed, empty, networkFault, refusalOf, unsupported } from './http-refusals.ts';
import { PassingFault, type RetryLimits, type Turns, withRetries } from './retries.ts';

/** A file on a server. */
export interface RangeTarget {
  readonly url: URL;
  /** The name for messages: without what may be secret. */
  readonly shown: string;
  /** Whether redirects are followed; default yes. */
  readonly redirects?: boolean | undefined;
  /** What proves who asks; goes to the host of `url` and no other. */
  readonly sign: (headers: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>;
  /** Why an answer is a refusal, as a sentence; undefined to leave it to what is said of any server. */
  readonly explain?: ((status: number, answer: IncomingMessage, body: string) => string | undefined) | undefined;
}

/** What of a file can change when its content does. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** As the server wrote it, with `W/` for one that equal content may share with nearly equal. */
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export interface RangeAnswer {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly state: FileState;
}

export interface RangeContext {
  readonly network: Network;
  readonly turns: Turns;
  readonly limits: RetryLimits;
  /** Hears of every request and of the bytes of every body. */
  readonly count: (requests: number, bytes: number) => void;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Of an answer that is no success, for its reason. */
const MAX_REASON_BYTES = 8192;

/**
 * Bytes from `from`, `length` of them or to the end of the file. `state`: what the file must still be. Refuses with
 * `input-missing` what cannot be had, with `input-invalid` a file that has changed, with `input-unsupported` servers
 * without ranges.
 */
export function fetchRange(
  target: RangeTarget,
  from: number,
  length: number,
  state: FileState | undefined,
  context: RangeContext,
): Promise<RangeAnswer> {
  return withRetries(
    (signal) => tryRange(target, from, length, state, { ...context, signal }),
    ({ fault, tries }) =>
      new RelievoError(
        'input-missing',
        `${target.shown} could not be read: the server ${fault.message}, after ${tries} ${tries === 1 ? 'try' : 'tries'}; check that it can be reached, and start again.`,
        { where: target.shown, cause: fault },
      ),
    context.limits,
    { turn: context.turns.of(target.url.host), signal: context.signal },
  );
}

async function tryRange(
  target: RangeTarget,
  from: number,
  length: number,
  state: FileState | undefined,
  context: RangeContext,
): Promise<RangeAnswer> {
  const headers: Record<string, string> = {
    Range: `bytes=${from}-${from + length - 1}`,
    // A part of something that is packed could not be unpacked.
    'Accept-Encoding': 'identity',
    'User-Agent': 'relievo',
  };
  if (isStrong(state?.etag)) headers['If-Match'] = state.etag;
  else if (state?.lastModified !== undefined) headers['If-Unmodified-Since'] = state.lastModified;
  try {
    const answer = await follow(target, headers, context);
    try {
      return await readAnswer(target, answer, from, length, state, context);
    } finally {
      // Of an answer that was not read to its end nothing more is wanted.
      if (!answer.readableEnded) answer.destroy();
    }
  } catch (cause) {
    if (cause instanceof RelievoError || cause instanceof PassingFault) throw cause;
    context.signal.throwIfAborted();
    throw networkFault(target, cause);
  }
}

/** The first answer that is no redirect. */
async function follow(
  target: RangeTarget,
  headers: Readonly<Record<string, string>>,
  { network, count, signal }: RangeContext,
): Promise<IncomingMessage> {
  let url = target.url;
  for (let hops = 0; ; hops++) {
    const own = url.origin === target.url.origin;
    const signed = own ? await target.sign(headers) : headers;
    count(1, 0);
    const answer = await network.get({ url, named: isSameHost(target.url, url), headers: signed, signal });
    const leads = REDIRECTS.has(answer.statusCode ?? 0) && answer.headers.location !== undefined;
    if (!leads || target.redirects === false) return answer;
    answer.destroy();
    if (hops === MAX_REDIRECTS) {
      throw new RelievoError(
        'input-missing',
        `${target.shown} was redirected more than ${MAX_REDIRECTS} times; give the address where the file itself lies.`,
        { where: target.shown },
      );
    }
    url = nextHop(url, answer.headers.location);
  }
}

async function readAnswer(
  target: RangeTarget,
  answer: IncomingMessage,
  from: number,
  length: number,
  state: FileState | undefined,
  { count }: RangeContext,
): Promise<RangeAnswer> {
  const { statusCode: status = 0, headers } = answer;
  if (status === 412 || (status === 416 && state !== undefined)) throw changed(target, `it answered ${status}`);
  if (status === 416 && /\*\/0$/.test(headers['content-range'] ?? '')) throw empty(target);
  if (status === 200) {
    if (state === undefined && headers['content-length'] === '0') throw empty(target);
    throw unsupported(
      target,
      'does not serve ranges: it sends the whole file (200) where a part was asked for; copy the file here first, or put it on a server that serves ranges',
    );
  }
  if (status !== 206) {
    const body = target.explain && (await readBody(answer, MAX_REASON_BYTES, () => {}));
    throw refusalOf(target, answer, body?.toString('latin1') ?? '');
  }
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') {
    throw unsupported(
      target,
      `packs the parts that it sends (${coding.slice(0, 40)}); have it serve this file as it is`,
    );
  }
  const [first, last, size] = contentRange(headers['content-range']);
  const found: FileState = { size, etag: headers.etag, lastModified: headers['last-modified'] };
  if (state !== undefined) checkState(target, state, found);
  const expected = Math.min(from + length, size) - from;
  if (first !== from || last !== from + expected - 1) {
    throw new PassingFault(
      `sent bytes ${first} to ${last} of ${size} where ${from} to ${from + expected - 1} were asked for`,
    );
  }
  const bytes = await readBody(answer, expected, (more) => count(0, more));
  if (bytes.length !== expected) {
    const more = bytes.length > expected ? 'more' : 'less';
    throw new PassingFault(`sent ${more} than the ${expected} bytes of the part that was asked for`);
  }
  return { bytes, state: found };
}

/** Throws when the file is not what it was. */
function checkState(target: RangeTarget, was: FileState, is: FileState): void {
  if (was.size !== is.size) throw changed(target, `it had ${was.size} bytes and has ${is.size}`);
  if (was.etag !== is.etag) {
    throw changed(target, `its ETag was ${was.etag?.slice(0, 80)} and is ${is.etag?.slice(0, 80) ?? 'gone'}`);
  }
  if (!isStrong(was.etag) && was.lastModified !== is.lastModified) {
    throw changed(target, `it was last modified ${was.lastModified} and now ${is.lastModified}`);
  }
}

/** Whether equal values mean equal bytes. */
export function isStrong(etag: string | undefined): etag is string {
  return etag?.startsWith('"') === true;
}

/** First and last byte and the size of the whole: `bytes 0-99/1000`. */
function contentRange(header: string | undefined): [first: number, last: number, size: number] {
  const [, first, last, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(header ?? '') ?? [];
  if (first !== undefined && last !== undefined && size !== undefined)
    return [Number(first), Number(last), Number(size)];
  throw new PassingFault(
    `does not say which part it sends and how long the whole file is (Content-Range: ${header?.slice(0, 80) ?? 'none'})`,
  );
}

/** At most one byte more than `expected`, which tells that there are more. */
async function readBody(
  answer: IncomingMessage,
  expected: number,
  count: (bytes: number) => void,
): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.from(new ArrayBuffer(expected + 1));
  let at = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    count(chunk.length);
    at += chunk.copy(bytes, at, 0, bytes.length - at);
    if (at > expected) break;
  }
  return bytes.subarray(0, at);
}
