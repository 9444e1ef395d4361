/**
 * A file server on a free port of 127.0.0.1 that serves ranges (RFC 9110 section 14) and counts what it is asked. Every
 * answer can be made to fail: a plan says, for each request, which fault it meets.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What happens to one request, instead of the right answer. */
export type RangeFault =
  | 'drop' // the connection ends before the answer
  | 'drop-in-body'
  | 'short-body' // an honest header, and less than it says
  | 'long-body' // more bytes than were asked for, and no length
  | 'less-than-asked' // a sound answer for a shorter range
  | 'other-range' // a sound answer for other bytes
  | 'no-content-range'
  | 'other-total'
  | 'no-ranges' // 200 with everything
  | 'gzip' // says that the part is packed
  | 'drip' // a byte at a time, for ever
  | 'silence' // never answers
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

export interface AskedRange {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Bytes of the body that were sent. */
  bytes: number;
}

export interface ServedFile {
  bytes: Buffer;
  etag?: string | undefined;
  lastModified?: string | undefined;
}

export interface RangeServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** By path, with the slash; may be changed at any time. */
  readonly files: Map<string, ServedFile>;
  /** All requests until now. */
  readonly asked: AskedRange[];
  /** Greatest number of requests that were under way at a time. */
  readonly mostAtOnce: number;
  close(): Promise<void>;
}

export interface RangeServerOptions {
  /** Before each answer, milliseconds. */
  readonly latencyMs?: number;
  /** The fault that the request of this number, from 0, meets. */
  readonly plan?: (request: number, message: IncomingMessage) => RangeFault | undefined;
  /** Whether it refuses what `If-Match` and `If-Unmodified-Since` forbid; default true. */
  readonly conditional?: boolean;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

export async function startRangeServer(
  files: Readonly<Record<string, ServedFile>>,
  { latencyMs = 0, plan = () => undefined, conditional = true, host = '127.0.0.1' }: RangeServerOptions = {},
): Promise<RangeServer> {
  const served = new Map(Object.entries(files));
  const asked: AskedRange[] = [];
  const sockets = new Set<Socket>();
  let [running, most] = [0, 0];
  const server = createServer((req, res) => {
    const number = asked.length;
    const entry: AskedRange = { path: req.url ?? '', headers: req.headers, bytes: 0 };
    asked.push(entry);
    most = Math.max(most, ++running);
    res.on('close', () => running--);
    setTimeout(() => {
      const path = (req.url ?? '').split('?')[0] ?? '';
      const file = served.get(path);
      const fault = plan(number, req);
      if (typeof fault === 'object') {
        res.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
      } else if (file === undefined) res.writeHead(404).end('nothing here');
      else answer(req, res, file, fault, conditional, entry);
    }, latencyMs);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, host, listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    port,
    files: served,
    asked,
    get mostAtOnce() {
      return most;
    },
    close: () =>
      new Promise((closed) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => closed());
      }),
  };
}

function answer(
  req: IncomingMessage,
  res: ServerResponse,
  file: ServedFile,
  fault: Exclude<RangeFault, object> | undefined,
  conditional: boolean,
  entry: AskedRange,
): void {
  const { bytes, etag, lastModified } = file;
  const state: Record<string, string> = {};
  if (etag !== undefined) state.ETag = etag;
  if (lastModified !== undefined) state['Last-Modified'] = lastModified;
  if (fault === 'drop') return void req.socket.destroy();
  if (fault === 'silence') return;
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
  if (fault === 'no-ranges' || from === '') {
    res.writeHead(200, { ...state, 'Content-Length': bytes.length });
    entry.bytes += bytes.length;
    return void res.end(bytes);
  }
  if (conditional && isForbidden(req, file)) return void res.writeHead(412, state).end();
  let first = Number(from);
  let end = Math.min(Number(to) + 1, bytes.length);
  if (first >= bytes.length) {
    return void res.writeHead(416, { ...state, 'Content-Range': `bytes */${bytes.length}` }).end();
  }
  if (fault === 'less-than-asked') end = first + Math.max(1, Math.floor((end - first) / 2));
  if (fault === 'other-range') {
    const shift = first >= 7 ? -7 : Math.min(7, bytes.length - end);
    [first, end] = [first + shift, end + shift];
  }
  const body = bytes.subarray(first, end);
  const total = fault === 'other-total' ? bytes.length + 1 : bytes.length;
  const headers: Record<string, string | number> = { ...state, 'Content-Range': `bytes ${first}-${end - 1}/${total}` };
  if (fault === 'no-content-range') delete headers['Content-Range'];
  if (fault === 'gzip') headers['Content-Encoding'] = 'gzip';
  if (fault !== 'long-body') headers['Content-Length'] = body.length;
  res.writeHead(206, headers);
  if (fault === 'drip') {
    const timer = setInterval(() => res.write(body.subarray(0, 1)), 20);
    return void res.on('close', () => clearInterval(timer));
  }
  if (fault === 'short-body' || fault === 'drop-in-body') {
    const part = body.subarray(0, Math.floor(body.length / 2));
    entry.bytes += part.length;
    res.write(part, () => (fault === 'drop-in-body' ? req.socket.resetAndDestroy() : req.socket.end()));
    return;
  }
  entry.bytes += body.length;
  res.end(fault === 'long-body' ? Buffer.concat([body, Buffer.alloc(100_000, 1)]) : body);
}

function isForbidden({ headers }: IncomingMessage, { etag, lastModified }: ServedFile): boolean {
  const match = headers['if-match'];
  if (match !== undefined) return match !== etag || match.startsWith('W/');
  const since = headers['if-unmodified-since'];
  return since !== undefined && lastModified !== undefined && Date.parse(lastModified) > Date.parse(since);
}
