/** Opening and closing the socket: what is said when it cannot be opened, and that closing fails no request. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startServer } from '../../server/start.ts';
import { handMadeTile } from '../support/hand-made-tile.ts';
import { deferred, errorOf, handMadeLayer, layersOf, sendRaw, serve } from './serve.ts';

/** Below the server's own time limits, which would otherwise end what `close` failed to end. */
const HANG_MS = 50_000;

const TILE = '/layers/small/0/0/0.terrain';

/** A layer whose tiles wait until they are let go. */
function gatedLayer() {
  const inner = handMadeLayer();
  const gate = deferred();
  const started = deferred();
  const layer = handMadeLayer('small', {
    async make(id, variant, options) {
      started.resolve();
      await gate.promise;
      return inner.make(id, variant, options);
    },
  });
  return { layer, started: started.promise, letGo: () => gate.resolve() };
}

describe('startServer', () => {
  it('says which option helps when the port is taken, and leaves the layers open', async () => {
    const { port } = await serve({ layers: layersOf() });
    const layer = handMadeLayer();
    const second = startServer({ port, host: '127.0.0.1', layers: layersOf(layer) });
    await expect(second).rejects.toMatchObject({ code: 'address-in-use', where: `127.0.0.1:${port}` });
    await expect(second).rejects.toThrow('--port');
    expect(layer.closed()).toBe(0);
  });

  it('refuses ports and hosts that cannot be', async () => {
    for (const port of [-1, 65536, 1.5, Number.NaN]) {
      await expect(startServer({ port, host: '127.0.0.1', layers: layersOf() })).rejects.toMatchObject({
        code: 'usage',
      });
    }
    // A documentation address (RFC 5737): no machine has it.
    const elsewhere = startServer({ port: 0, host: '203.0.113.1', layers: layersOf() });
    await expect(elsewhere).rejects.toMatchObject({ code: 'usage' });
    await expect(elsewhere).rejects.toThrow('--host');
  });

  it('gives an address that a browser on this machine can open', async () => {
    const everywhere = await serve({ layers: layersOf(), host: '0.0.0.0' });
    expect(everywhere.url).toBe(`http://localhost:${everywhere.port}`);
    const here = await serve({ layers: layersOf() });
    expect(here.url).toBe(`http://localhost:${here.port}`);
    expect((await fetch(`${here.url}/healthz`)).status).toBe(200);
  });
});

describe('close', () => {
  it('lets the request in flight finish, takes no new connection, then closes the layers', async () => {
    const { layer, started, letGo } = gatedLayer();
    const { url, close } = await serve({ layers: layersOf(layer) });
    const inFlight = sendRaw(url, TILE);
    await started;
    const closed = close();
    await expect(sendRaw(url, '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(layer.closed()).toBe(0);
    letGo();
    const answer = await inFlight;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(Buffer.from(handMadeTile()));
    expect(answer.headers.connection).toBe('close');
    await closed;
    expect(layer.closed()).toBe(1);
    await close();
    expect(layer.closed()).toBe(1);
  });

  it(
    'does not wait for connections that are merely kept open',
    async () => {
      const { url, close } = await serve({ layers: layersOf(), drainMs: 2 ** 30 });
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/Connection: keep-alive/i);
      const ended = once(socket, 'close');
      await close();
      await ended;
    },
    HANG_MS,
  );

  it(
    'cuts what has not finished when its time is over',
    async () => {
      const { layer, started } = gatedLayer();
      const { url, close } = await serve({ layers: layersOf(layer), drainMs: 20, report: () => {} });
      const inFlight = sendRaw(url, TILE);
      const failed = expect(inFlight).rejects.toMatchObject({ code: 'ECONNRESET' });
      await started;
      await close();
      await failed;
      expect(layer.closed()).toBe(1);
    },
    HANG_MS,
  );

  it('says no to /readyz on a connection that is still open', async () => {
    const { layer, started, letGo } = gatedLayer();
    const { url, close } = await serve({ layers: layersOf(layer), ready: () => true });
    const inFlight = sendRaw(url, TILE);
    await started;
    // Two requests on one connection: the second comes when the server drains already.
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (part) => {
      text += part.toString();
    });
    const ended = once(socket, 'close');
    const host = `Host: ${hostname}\r\n\r\n`;
    socket.write(`GET ${TILE} HTTP/1.1\r\n${host}`);
    await once(socket, 'connect');
    await sendRaw(url, '/healthz');
    const closed = close();
    socket.write(`GET /readyz HTTP/1.1\r\n${host}`);
    letGo();
    await ended;
    await inFlight;
    await closed;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).not.toContain('"ready"');
  });
});

describe('a server with several clients', () => {
  it('goes on when one sends nonsense', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    const { hostname, port } = new URL(url);
    for (const nonsense of [
      '\0\0\0\0\r\n\r\n',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET / HTTP/1.1\r\nA\0: b\r\n\r\n',
    ]) {
      const answered = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(Number(port), hostname, () => socket.write(nonsense));
        socket.on('data', (part) => {
          text += part.toString();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      expect(answered).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect((await sendRaw(url, TILE)).status).toBe(200);
    expect(errorOf(await sendRaw(url, '/nothing')).code).toBe('not-found');
  });
});
