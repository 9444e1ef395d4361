/**
 * One GET over HTTP or HTTPS, without following anything (RFC 9110). The host that the operator named may lie anywhere; any
 * other must lead to public addresses only, and the connection goes to the addresses that were checked, so that a name
 * cannot mean something else a moment later.
 */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { RelievoError } from '../error.ts';
import { isPublicAddress } from './public-address.ts';

export interface NetworkOptions {
  /** All addresses of a host name; default the system's. */
  readonly resolve?: ((host: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Whether a host that the operator did not name may lie at this address; default public ones only. */
  readonly isAllowed?: ((address: string) => boolean) | undefined;
}

export interface Hop {
  readonly url: URL;
  /** Whether the operator named this very host. */
  readonly named: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Connections that are kept open for the next request. */
export interface Network {
  /** The answer with its body still to come. Throws what Node throws, and `input-unsupported` for a forbidden host. */
  get(hop: Hop): Promise<IncomingMessage>;
}

/** Milliseconds that an unused connection is kept. */
const KEEP_MS = 15_000;

export function openNetwork({ resolve = lookUpAll, isAllowed = isPublicAddress }: NetworkOptions = {}): Network {
  // Apart, because a kept connection is not looked up again.
  const named = agents();
  const foreign = agents();
  return {
    get({ url, named: isNamed, headers, signal }) {
      const check = (addresses: readonly string[]) => {
        const bad = isNamed ? undefined : addresses.find((address) => !isAllowed(address));
        if (bad !== undefined) throw forbidden(url, bad);
      };
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const lookupChecked: LookupFunction = (name, { all }, done) => {
        resolve(name)
          .then(
            (found) => {
              check(found.map(({ address }) => address));
              const [first] = found;
              if (first === undefined) throw Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND' });
              if (all) done(null, [...found]);
              else done(null, first.address, first.family);
            },
            // The type asks for an address even beside an error.
          )
          .catch((error: Error) => done(error, ''));
      };
      return new Promise((answer, refuse) => {
        // Node looks up names only.
        if (isIP(host) !== 0) check([host]);
        const secure = url.protocol === 'https:';
        const agent = (isNamed ? named : foreign)[secure ? 'https' : 'http'];
        const options: RequestOptions = { agent, headers, signal, lookup: lookupChecked };
        const request = secure ? requestHttps(url, options, answer) : requestHttp(url, options, answer);
        request.on('error', refuse);
        request.end();
      });
    },
  };
}

/** Where a redirect leads. Refuses what is no web address, and a step from https to http. */
export function nextHop(from: URL, location: string | undefined): URL {
  const to = location === undefined ? null : URL.parse(location, from.href);
  if (to === null || (to.protocol !== 'https:' && to.protocol !== 'http:')) {
    throw refused(from, 'redirects to something that is no web address');
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw refused(from, `redirects from https to http (${to.host})`);
  }
  to.username = '';
  to.password = '';
  return to;
}

/** Whether the operator who named `typed` named the host and port of `url` with it; http may become https. */
export function isSameHost(typed: URL, url: URL): boolean {
  const upgraded = typed.protocol === 'http:' && url.protocol === 'https:' && typed.port === '' && url.port === '';
  return typed.hostname === url.hostname && ((typed.protocol === url.protocol && typed.port === url.port) || upgraded);
}

function forbidden(url: URL, address: string): RelievoError {
  return refused(url, `is where a redirect leads, at ${address}, which is no address of the public internet`);
}

function refused(url: URL, what: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${url.host} ${what}, and that is not followed: give the address where the file itself lies.`,
    { where: url.host },
  );
}

function agents() {
  const options = { keepAlive: true, maxFreeSockets: 6, timeout: KEEP_MS };
  return { http: new HttpAgent(options), https: new HttpsAgent(options) };
}

function lookUpAll(host: string): Promise<LookupAddress[]> {
  return lookup(host, { all: true });
}
