/**
 * A tileset on a server, file by file over HTTP (RFC 9110). Only the origin that the user named is asked; redirects are
 * followed within it, or to the same host by https.
 */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { RelievoError } from '../error.ts';
import { isSameHost, nextHop, openNetwork } from '../sources/http-hop.ts';
import { networkFault, refusalOf } from '../sources/http-refusals.ts';
import { PassingFault, type RetryLimits, Turns, withRetries } from '../sources/retries.ts';
import { shownName } from '../sources/source-name.ts';
import type { Place } from './place.ts';

const LIMITS: RetryLimits = { tries: 3, tryMs: 60_000, wholeMs: 120_000, pauseMs: 300 };
const MAX_REQUESTS = 6;
/** Of one file, packed and unpacked; and of all together as they come. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
const MAX_TOTAL_BYTES = 8 * 2 ** 30;
const MAX_REDIRECTS = 5;

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;
const UNPACK: Readonly<Record<string, Unpack>> = {
  gzip: promisify(gunzip) as Unpack,
  'x-gzip': promisify(gunzip) as Unpack,
  deflate: promisify(inflate) as Unpack,
  br: promisify(brotliDecompress) as Unpack,
};

export function openWebPlace(name: string): Place {
  const start = URL.parse(name);
  if (start === null) {
    const message = 'This is no address; expected one like https://example.com/tiles/tileset.json.';
    throw new RelievoError('usage', message, { where: shownName(name) });
  }
  const { username, password, origin } = start;
  const authorization =
    username === ''
      ? undefined
      : `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
  start.username = '';
  start.password = '';
  start.hash = '';
  if (!/\.json$/i.test(start.pathname) && !start.pathname.endsWith('/')) start.pathname += '/';
  const network = openNetwork();
  const turns = new Turns(MAX_REQUESTS);
  let total = 0;
  return {
    shown: shownName(start.href),
    name: `${origin}${start.pathname}`,
    start,
    has: (url) => url.origin === origin,
    read(url, { accept = '*/*', signal = new AbortController().signal } = {}) {
      const shown = shownName(url.href);
      return withRetries(
        (stop) => tryFile(url, shown, accept, stop),
        ({ fault, tries }) =>
          new RelievoError(
            'input-missing',
            `${shown} could not be read: the server ${fault.message}, after ${tries} tries; check that it can be reached, and start again.`,
            { where: shown, cause: fault },
          ),
        LIMITS,
        { turn: turns.of(url.host), signal },
      );
    },
    async close() {},
  };

  async function tryFile(
    url: URL,
    shown: string,
    accept: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const target = { url, shown, sign: async (headers: Readonly<Record<string, string>>) => headers };
    try {
      const answer = await follow(url, accept, signal);
      try {
        if (answer.statusCode === 404 || answer.statusCode === 204 || answer.statusCode === 410) return undefined;
        const body = await readBody(answer, shown);
        if (answer.statusCode !== 200) throw refusalOf(target, answer, body.toString('utf8', 0, 1000));
        return await unpack(answer, body, shown);
      } finally {
        if (!answer.readableEnded) answer.destroy();
      }
    } catch (cause) {
      if (cause instanceof RelievoError || cause instanceof PassingFault) throw cause;
      signal.throwIfAborted();
      throw networkFault(target, cause);
    }
  }

  async function follow(from: URL, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
    let url = from;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers: Record<string, string> = {
        accept,
        'accept-encoding': 'gzip, deflate, br',
        'user-agent': 'relievo',
      };
      if (authorization !== undefined && url.origin === origin) headers.authorization = authorization;
      const answer = await network.get({ url, named: true, headers, signal });
      const { location } = answer.headers;
      if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) return answer;
      answer.destroy();
      url = nextHop(url, location);
      if (!isSameHost(from, url)) {
        throw new RelievoError(
          'input-unsupported',
          `${from.host} redirects to ${url.host}, and that is not followed: give the address where the tileset itself lies.`,
          { where: from.host },
        );
      }
    }
    throw new RelievoError('input-unsupported', `${from.host} redirects in a circle; give the address itself.`, {
      where: from.host,
    });
  }

  async function readBody(answer: IncomingMessage, shown: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      total += chunk.length;
      if (bytes > MAX_FILE_BYTES) throw tooLarge(shown, `a file of more than ${MAX_FILE_BYTES / 2 ** 20} MiB`);
      if (total > MAX_TOTAL_BYTES) throw tooLarge(shown, `more than ${MAX_TOTAL_BYTES / 2 ** 30} GiB in all`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

async function unpack(answer: IncomingMessage, body: Buffer, shown: string): Promise<Uint8Array> {
  const coding = (answer.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (coding === 'identity') return body;
  try {
    const way = UNPACK[coding];
    if (way) return await way(body, { maxOutputLength: MAX_FILE_BYTES });
  } catch (cause) {
    const message = `${shown} came packed by ${coding} and cannot be unpacked, or is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB; look at it with curl.`;
    throw new RelievoError('input-invalid', message, { where: shown, cause });
  }
  throw new RelievoError('input-unsupported', `${shown} came packed by ${coding}, which was not asked for.`, {
    where: shown,
  });
}

function tooLarge(shown: string, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `The server sends ${what}: give smaller --bounds or a coarser --level.`,
    {
      where: shown,
    },
  );
}
