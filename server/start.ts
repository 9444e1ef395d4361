/** Opens the socket, and closes it so that no request in flight fails. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RelievoError } from '../tiler/error.ts';
import { type AppOptions, createApp } from './app.ts';

export interface ServerOptions extends AppOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to listen on: `127.0.0.1` for this machine alone, `0.0.0.0` or `::` for all of its networks. */
  readonly host: string;
  /** How long `close` waits for requests in flight before it cuts them, in milliseconds. */
  readonly drainMs?: number | undefined;
}

export interface RunningServer {
  /** Where a browser on this machine finds it, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, lets requests in flight finish, then closes the layers. May be called twice. */
  close(): Promise<void>;
}

/** A request's headers must be in within this, so that idle half-requests do not pile up. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the minute that load balancers keep connections, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
/** A client that reads nothing for so long is gone; also the longest that a tile may take. */
const SILENT_SOCKET_MS = 120_000;
const DRAIN_MS = 10_000;

/**
 * Listens and serves. Throws `address-in-use` when the port is taken, `usage` for a port or host that cannot be listened
 * on; the layers then stay open and are the caller's.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { port, host, layers, drainMs = DRAIN_MS } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RelievoError('usage', `expected a port from 0 to 65535, got ${port}: change --port`);
  }
  let closing: Promise<void> | undefined;
  const { ready, prepared } = options;
  const isReady = () => closing === undefined && (ready?.() ?? true);
  const app = createApp({ ...options, ...((ready || prepared) && { ready: isReady }) });
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    app,
  );
  server.setTimeout(SILENT_SOCKET_MS);
  const open = trackResponses(server);
  const bound = await listen(server, port, host);

  return {
    url: `http://${browserHost(host)}:${bound.port}`,
    port: bound.port,
    close() {
      closing ??= drain(server, open, drainMs).then(async () => {
        await Promise.all([...layers.values(), ...(options.tilesets?.values() ?? [])].map((each) => each.close()));
      });
      return closing;
    },
  };
}

function trackResponses(server: Server): ReadonlySet<ServerResponse> {
  const open = new Set<ServerResponse>();
  server.prependListener('request', (_req, res) => {
    open.add(res);
    // A connection that was kept open may bring one more request while the server drains.
    if (!server.listening) res.setHeader('Connection', 'close');
    res.once('close', () => open.delete(res));
  });
  return open;
}

async function drain(server: Server, open: ReadonlySet<ServerResponse>, drainMs: number): Promise<void> {
  // Idle connections are closed by this at once; those in use when their answer is through.
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const res of open) {
    if (!res.headersSent) res.setHeader('Connection', 'close');
    res.once('close', () => setImmediate(() => server.closeIdleConnections()));
  }
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(cut);
}

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => reject(listenError(cause, port, host));
    server.once('error', refuse);
    server.listen({ port, host }, () => {
      server.off('error', refuse);
      const bound = server.address();
      if (bound !== null && typeof bound === 'object') resolve(bound);
      else reject(new RelievoError('internal', 'the server listens, but not on a port'));
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): RelievoError {
  const where = `${host}:${port}`;
  if (cause.code === 'EADDRINUSE') {
    const message = `port ${port} is taken by another program: choose a free one with --port or the variable PORT`;
    return new RelievoError('address-in-use', message, { where, cause });
  }
  if (cause.code === 'EACCES') {
    const message = `this user may not listen on port ${port}: choose one from 1024 on with --port`;
    return new RelievoError('usage', message, { where, cause });
  }
  const message = `cannot listen on host ${host} (${cause.code ?? cause.message}): change --host, 127.0.0.1 is this machine`;
  return new RelievoError('usage', message, { where, cause });
}

function browserHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '127.0.0.1') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
