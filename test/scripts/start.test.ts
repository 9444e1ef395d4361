/** `npm start` before it does anything: which port it will serve on, and refusing one that it cannot have. */
import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/test-data.ts';

const { readPort, refuseTakenPort } = await import(join(REPOSITORY, 'scripts/start.mjs'));

describe('PORT', () => {
  it.each([
    [undefined, 8080],
    ['', 8080],
    ['0', 0],
    ['9000', 9000],
    ['65535', 65535],
  ])('%j means %i', (text, port) => {
    expect(readPort(text)).toBe(port);
  });

  it.each(['abc', '-1', '65536', '80.5', '0x50', ' 80', '123456'])('%j is refused in a sentence', (text) => {
    expect(() => readPort(text)).toThrow(`PORT must be a whole number from 0 to 65535, not '${text}'`);
  });
});

describe('a port that is taken', () => {
  let server: Server;
  const occupy = (host?: string) =>
    new Promise<number>((resolve, reject) => {
      server = createServer();
      server.once('error', reject);
      server.listen({ port: 0, host }, () => {
        const address = server.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it.each([undefined, '127.0.0.1'])('is refused with another port named (listener on %s)', async (host) => {
    const port = await occupy(host);
    await expect(refuseTakenPort(port)).rejects.toThrow(`port ${port} is taken by another program`);
  });

  it('ends npm start with that one line, code 1, and no stack', async () => {
    const port = await occupy();
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(REPOSITORY, 'scripts/start.mjs')], {
      env: { ...process.env, PORT: String(port) },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^relievo: port \d+ is taken [^\n]*PORT=\d+ npm start\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  it('is not refused once it is free', async () => {
    const port = await occupy();
    await new Promise((resolve) => server.close(resolve));
    await expect(refuseTakenPort(port)).resolves.toBeUndefined();
  });
});
