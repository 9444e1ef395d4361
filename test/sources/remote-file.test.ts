/** Bytes at addresses: what is asked, what is kept, and what each fault of a server comes to. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRemoteFiles, type RemoteFile, type RemoteOptions } from '../../tiler/sources/remote-file.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import {
  type RangeFault,
  type RangeServer,
  type RangeServerOptions,
  type ServedFile,
  startRangeServer,
} from '../support/range-server.ts';

const KIB = 1024;
/** Bytes that no other place of the file has. */
function contentOf(length: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), i);
  return bytes;
}

const CONTENT = contentOf(1000 * KIB + 123);
const SOUND: ServedFile = { bytes: CONTENT, etag: '"one"' };
/** Pauses that a test need not wait for. */
const QUICK = { pauseMs: 1 };

async function serveFile(
  file: ServedFile = SOUND,
  options?: RangeServerOptions,
): Promise<RangeServer & { address: string }> {
  const server = await startRangeServer({ '/a/dem.bin': file }, options);
  onTestFinished(() => server.close());
  return Object.assign(server, { address: `${server.url}/a/dem.bin` });
}

async function open(address: string, { limits, ...options }: RemoteOptions = {}): Promise<RemoteFile> {
  const file = await openRemoteFiles({ ...options, limits: { ...QUICK, ...limits } }).open(address);
  onTestFinished(() => file.close());
  return file;
}

const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });

/** The first requests meet the faults, one each. */
const first =
  (...faults: (RangeFault | undefined)[]) =>
  (request: number) =>
    faults[request];
/** The request that opens the file does not. */
const afterOpening = (fault: RangeFault) => (request: number) => (request === 0 ? undefined : fault);

describe('what is asked of a server', () => {
  it('opens with one request, which brings the beginning along', async () => {
    const server = await serveFile();
    const file = await open(server.address);
    expect(file).toMatchObject({ path: server.address, name: 'dem.bin', size: CONTENT.length });
    expect(await file.read(0, 100 * KIB)).toEqual(CONTENT.subarray(0, 100 * KIB));
    expect(await file.version()).toMatch(/^[0-9a-f]{32}$/);
    expect(server.asked.map(({ headers }) => headers.range)).toEqual(['bytes=0-131071']);
    expect(server.asked[0]?.headers['accept-encoding']).toBe('identity');
    expect(file.traffic).toEqual({ requests: 1, bytes: 128 * KIB });
  });

  it('puts neighbouring reads of one turn into one request, and asks for nothing twice', async () => {
    const server = await serveFile(SOUND, { latencyMs: 20 });
    const file = await open(server.address);
    const read = () =>
      Promise.all([file.read(300 * KIB, 1000), file.read(330 * KIB, 50 * KIB), file.read(301 * KIB, 10)]);
    const [a, b, c] = await read();
    expect(a).toEqual(CONTENT.subarray(300 * KIB, 300 * KIB + 1000));
    expect(b).toEqual(CONTENT.subarray(330 * KIB, 380 * KIB));
    expect(c).toEqual(CONTENT.subarray(301 * KIB, 301 * KIB + 10));
    await read();
    expect(server.asked.map(({ headers }) => headers.range).slice(1)).toEqual(['bytes=262144-393215']);
    expect(server.asked[1]?.headers['if-match']).toBe('"one"');
  });

  it('lets reads that come during a flight wait for it', async () => {
    const server = await serveFile(SOUND, { latencyMs: 50 });
    const file = await open(server.address);
    const one = file.read(500 * KIB, 10);
    await new Promise((soon) => setTimeout(soon, 10));
    await Promise.all([one, file.read(500 * KIB, 20)]);
    expect(server.asked).toHaveLength(2);
  });

  it('asks for at most six parts of a host at a time', async () => {
    const server = await serveFile({ bytes: contentOf(4000 * KIB), etag: '"x"' }, { latencyMs: 20 });
    const file = await open(server.address);
    await Promise.all(Array.from({ length: 20 }, (_, i) => file.read((i + 1) * 192 * KIB, 10)));
    expect(server.asked).toHaveLength(21);
    expect(server.mostAtOnce).toBe(6);
  });

  it('keeps no more than it may', async () => {
    const server = await serveFile();
    const file = await open(server.address, { cacheBytes: 3 * 65 * KIB });
    for (const at of [200, 300, 400, 500, 600, 200]) {
      expect(await file.read(at * KIB, 10)).toEqual(CONTENT.subarray(at * KIB, at * KIB + 10));
    }
    expect(server.asked).toHaveLength(7);
  });

  it('reads a whole file of any length, its end too', async () => {
    const server = await serveFile({ bytes: contentOf(20_000 * KIB + 5), etag: '"x"' });
    const file = await open(server.address, { cacheBytes: 2 ** 20 });
    expect((await file.read(0, file.size)).equals(server.files.get('/a/dem.bin')?.bytes ?? Buffer.alloc(0))).toBe(true);
    await expect(file.read(file.size - 5, 6)).rejects.toEqual(refusal('input-invalid', /is cut off or broken/));
  });

  it('takes no memory on the word of a server', async () => {
    const headers = { 'Content-Range': 'bytes 0-131071/999999999999999', ETag: '"x"' };
    const server = await serveFile(SOUND, { plan: () => ({ status: 206, headers, body: 'x'.repeat(128 * KIB) }) });
    const file = await open(server.address);
    await expect(file.read(0, 2 ** 40)).rejects.toEqual(refusal('input-unsupported', /too long to be fetched at once/));
  });

  it('is one file for all who have it open, and forgotten after the last', async () => {
    const server = await serveFile();
    const files = openRemoteFiles();
    const [a, b] = await Promise.all([files.open(server.address), files.open(server.address)]);
    await a.close();
    await a.close();
    expect(await b.read(0, 5)).toEqual(CONTENT.subarray(0, 5));
    expect(server.asked).toHaveLength(1);
    await b.close();
    await (await files.open(server.address)).close();
    expect(server.asked).toHaveLength(2);
  });
});

describe('versions', () => {
  it('are equal for the same ETag at the same address, and different for others', async () => {
    const server = await serveFile();
    const again = async () => (await open(`${server.address}?sig=${Math.random()}`)).version();
    const one = await again();
    expect(await again()).toBe(one);
    server.files.set('/a/dem.bin', { bytes: CONTENT, etag: '"two"' });
    expect(await again()).not.toBe(one);
  });

  it('take in the first and the last block where there is no strong ETag', async () => {
    const server = await serveFile({ bytes: CONTENT });
    const again = async (file: ServedFile) => {
      server.files.set('/a/dem.bin', file);
      return (await open(server.address)).version();
    };
    const changed = Buffer.from(CONTENT);
    changed[CONTENT.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const versions = [
      await again({ bytes: CONTENT }),
      await again({ bytes: changed }),
      await again({ bytes: CONTENT, etag: 'W/"one"' }),
      await again({ bytes: CONTENT, lastModified: 'Tue, 01 Sep 2026 10:00:00 GMT' }),
      await again({ bytes: CONTENT, lastModified: 'Tue, 01 Sep 2026 10:00:01 GMT' }),
    ];
    expect(new Set(versions).size).toBe(5);
    expect(await again({ bytes: CONTENT })).toBe(versions[0]);
  });
});

describe('faults that pass', () => {
  it.each<RangeFault>([
    'drop',
    'drop-in-body',
    'short-body',
    'long-body',
    'less-than-asked',
    'other-range',
    'no-content-range',
    { status: 429, headers: { 'Retry-After': '0' } },
    { status: 500, body: 'x'.repeat(100_000) },
    { status: 502 },
    { status: 503, headers: { 'Retry-After': 'Thu, 01 Jan 1970 00:00:00 GMT' } },
    { status: 504 },
  ])('are tried again: %j', async (fault) => {
    const server = await serveFile(SOUND, { plan: first(fault, fault, undefined, fault) });
    const file = await open(server.address);
    expect(await file.read(500 * KIB, 99)).toEqual(CONTENT.subarray(500 * KIB, 500 * KIB + 99));
    expect(server.asked).toHaveLength(5);
  });

  it.each<[RangeFault, RegExp]>([
    ['drop', /could not be read: the server cannot be reached or broke off \(ECONNRESET\), after 5 tries/],
    ['drop-in-body', /broke off \(ECONNRESET\), after 5 tries/],
    ['short-body', /after 5 tries/],
    ['long-body', /sent more than the 65536 bytes of the part that was asked for, after 5 tries/],
    ['less-than-asked', /sent bytes 458752 to 491519 of 1024123 where 458752 to 524287 were asked for, after 5 tries/],
    ['other-range', /sent bytes 458745 to 524280 of 1024123 where 458752 to 524287/],
    ['no-content-range', /does not say which part it sends .*Content-Range: none\), after 5 tries/],
    [{ status: 500 }, /answered 500, after 5 tries; check that it can be reached, and start again/],
  ])('and end in a sentence when they do not pass: %j', async (fault, text) => {
    const server = await serveFile(SOUND, { plan: afterOpening(fault) });
    const file = await open(server.address);
    await expect(file.read(500 * KIB, 10)).rejects.toEqual(refusal('input-missing', text));
    expect(server.asked).toHaveLength(6);
  });

  it('are waited for as long as the server says, and not beyond the time that there is', async () => {
    const busy: RangeFault = { status: 503, headers: { 'Retry-After': '3600' } };
    const server = await serveFile(SOUND, { plan: first(busy) });
    await expect(open(server.address)).rejects.toEqual(refusal('input-missing', /answered 503, after 1 try;/));
    const soon: RangeFault = { status: 503, headers: { 'Retry-After': '1' } };
    const other = await serveFile(SOUND, { plan: first(soon) });
    const began = performance.now();
    await open(other.address);
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  it.each<RangeFault>(['silence', 'drip'])('have their time: %s', async (fault) => {
    const server = await serveFile(SOUND, { plan: first(fault, undefined, fault, fault, fault) });
    const file = await open(server.address, { limits: { tryMs: 150, tries: 3 } });
    await expect(file.read(500 * KIB, 10)).rejects.toEqual(
      refusal('input-missing', /did not finish its answer within 0\.15 s, after 3 tries/),
    );
    expect(await file.read(500 * KIB, 10)).toEqual(CONTENT.subarray(500 * KIB, 500 * KIB + 10));
  });

  it('have no more time together than a whole read', async () => {
    const server = await serveFile(SOUND, { plan: () => 'silence' });
    const limits = { tryMs: 100, wholeMs: 250, tries: 100 };
    await expect(open(server.address, { limits })).rejects.toEqual(refusal('input-missing', /after 3 tries/));
  });

  it('are given up at once when nobody waits any more', async () => {
    const server = await serveFile(SOUND, { plan: () => 'silence' });
    const signal = AbortSignal.timeout(50);
    await expect(openRemoteFiles().open(server.address, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    const other = await serveFile(SOUND, { plan: afterOpening('silence') });
    const file = await openRemoteFiles().open(other.address);
    const read = file.read(500 * KIB, 10);
    await Promise.all([expect(read).rejects.toMatchObject({ name: 'AbortError' }), file.close()]);
  });
});

describe('faults that do not pass', () => {
  it.each<[RangeFault, string, RegExp]>([
    ['no-ranges', 'input-unsupported', /does not serve ranges: it sends the whole file \(200\)/],
    ['gzip', 'input-unsupported', /packs the parts that it sends \(gzip\)/],
    [{ status: 401 }, 'input-missing', /wants to know who asks \(401\); give user and password/],
    [{ status: 403 }, 'input-missing', /refuses it \(403\)/],
    [{ status: 404 }, 'input-missing', /there is nothing at this address \(404\)/],
    [{ status: 204 }, 'input-missing', /answered 204; expected 206/],
    [{ status: 302 }, 'input-missing', /answered 302; expected 206/],
    [{ status: 302, headers: { Location: 'ftp://host/dem.tif' } }, 'input-unsupported', /no web address/],
    [{ status: 200, headers: { 'Content-Length': '0' } }, 'input-invalid', /is empty \(0 bytes\)/],
    [{ status: 416, headers: { 'Content-Range': 'bytes */0' } }, 'input-invalid', /is empty \(0 bytes\)/],
  ])('are said at once: %j', async (fault, code, text) => {
    const server = await serveFile(SOUND, { plan: first(fault) });
    await expect(open(server.address)).rejects.toEqual(refusal(code, text));
    expect(server.asked).toHaveLength(1);
  });

  it('a server without ranges is not read to its end', async () => {
    let sent = 0;
    const server = createServer((_, res) => {
      res.writeHead(200, { 'Content-Length': 2 ** 30 });
      const more = () => {
        sent += 2 ** 16;
        res.write(Buffer.alloc(2 ** 16), () => (res.destroyed ? undefined : setImmediate(more)));
      };
      more();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(open(`http://127.0.0.1:${port}/x`)).rejects.toEqual(refusal('input-unsupported', /serve ranges/));
    expect(sent).toBeLessThan(2 ** 25);
  });

  it('nobody listens, no such host, no address', async () => {
    const server = await serveFile();
    await server.close();
    await expect(open(server.address)).rejects.toEqual(
      refusal('input-missing', /cannot be reached or broke off \(ECONNREFUSED\), after 5 tries/),
    );
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    await expect(open('http://nowhere.invalid/dem.tif', { resolve })).rejects.toEqual(
      refusal('input-missing', /there is no host nowhere\.invalid/),
    );
    await expect(open('http://:80/dem.tif')).rejects.toEqual(refusal('usage', /is no address/));
  });
});

describe('a file that changes while it is read', () => {
  const other: ServedFile = { bytes: contentOf(CONTENT.length, 2), etag: '"two"' };
  const later = { lastModified: 'Tue, 01 Sep 2026 10:00:01 GMT' };
  const before = { lastModified: 'Tue, 01 Sep 2026 10:00:00 GMT' };

  it.each<[string, ServedFile, ServedFile, RegExp]>([
    ['other ETag', SOUND, other, /its ETag was "one" and is "two"/],
    ['no ETag any more', SOUND, { bytes: other.bytes }, /its ETag was "one" and is gone/],
    ['other weak ETag', { ...SOUND, etag: 'W/"1"' }, { ...other, etag: 'W/"2"' }, /its ETag was W\/"1" and is W\/"2"/],
    [
      'a weak ETag that stays',
      { ...SOUND, etag: 'W/"1"', ...before },
      { ...other, etag: 'W/"1"', ...later },
      /modified/,
    ],
    ['other time', { bytes: CONTENT, ...before }, { bytes: other.bytes, ...later }, /it was last modified/],
    ['other size', SOUND, { bytes: CONTENT.subarray(0, 900 * KIB), etag: '"one"' }, /had 1024123 bytes and has 921600/],
    ['much smaller', SOUND, { bytes: CONTENT.subarray(0, 10), etag: '"one"' }, /answered 416/],
  ])('is refused, now and ever after: %s', async (_, was, is, how) => {
    for (const conditional of [true, false]) {
      const server = await serveFile(was, { conditional });
      const files = openRemoteFiles({ limits: QUICK });
      const file = await files.open(server.address);
      await file.read(200 * KIB, 10);
      server.files.set('/a/dem.bin', is);
      const refused = refusal('input-invalid', conditional ? /has changed while it was being read/ : how);
      await expect(file.read(600 * KIB, 10)).rejects.toEqual(refused);
      await expect(file.read(200 * KIB, 10)).rejects.toEqual(refused);
      server.files.set('/a/dem.bin', was);
      await expect(file.read(600 * KIB, 10)).rejects.toEqual(refused);
      // Who opens it now gets it as it is now.
      const again = await files.open(server.address);
      expect(await again.read(600 * KIB, 10)).toEqual(CONTENT.subarray(600 * KIB, 600 * KIB + 10));
      await Promise.all([file.close(), again.close()]);
    }
  });

  it('is asked for with the condition that fits', async () => {
    const server = await serveFile({ bytes: CONTENT, etag: 'W/"1"', ...before });
    const file = await open(server.address);
    await file.read(500 * KIB, 10);
    expect(server.asked[1]?.headers).toMatchObject({ 'if-unmodified-since': before.lastModified });
    expect(server.asked[1]?.headers).not.toHaveProperty('if-match');
  });
});

describe('redirects', () => {
  const to = (location: string): RangeFault => ({ status: 302, headers: { Location: location } });

  it('are followed on the host that was named, each time anew', async () => {
    const server = await serveFile(SOUND, { plan: (_, { url }) => (url === '/x' ? to('/a/dem.bin') : undefined) });
    const file = await open(`${server.url}/x`);
    expect(await file.read(500 * KIB, 10)).toEqual(CONTENT.subarray(500 * KIB, 500 * KIB + 10));
    expect(server.asked.map(({ path }) => path)).toEqual(['/x', '/a/dem.bin', '/x', '/a/dem.bin']);
    expect(file.name).toBe('x');
  });

  it('end after five', async () => {
    const server = await serveFile(SOUND, { plan: () => to('/again') });
    await expect(open(server.address)).rejects.toEqual(refusal('input-missing', /redirected more than 5 times/));
    expect(server.asked).toHaveLength(6);
  });

  it.each([
    'http://127.0.0.1:PORT/x',
    'http://2130706433:PORT/x',
    'http://0x7f.1:PORT/x',
    'http://[::1]:PORT/x',
    'http://[::ffff:127.0.0.1]:PORT/x',
    'http://169.254.169.254/latest/meta-data',
    'http://private.test:PORT/x',
    'http://both.test:PORT/x',
    'http://mapped.test:PORT/x',
  ])('do not lead into a private network: %s', async (location) => {
    const inner = await serveFile();
    const server = await serveFile(SOUND, { plan: () => to(location.replace('PORT', String(inner.port))) });
    const names: Record<string, readonly string[]> = {
      'private.test': ['127.0.0.1'],
      'both.test': ['8.8.8.8', '127.0.0.1'],
      'mapped.test': ['::ffff:127.0.0.1'],
    };
    const resolve = async (host: string) =>
      (names[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    await expect(open(server.address, { resolve })).rejects.toEqual(
      refusal('input-unsupported', /where a redirect leads, at .*, which is no address of the public internet/),
    );
    expect(inner.asked).toHaveLength(0);
  });

  it('go to other hosts without the credentials, at the address that was checked', async () => {
    // All of 127.0.0.0/8 is this machine; here 127.0.0.2 stands for a public address.
    const elsewhere = await startRangeServer({ '/a/dem.bin': SOUND }, { host: '127.0.0.2' });
    onTestFinished(() => elsewhere.close());
    const server = await serveFile(SOUND, { plan: () => to(`http://u:p@files.test:${elsewhere.port}/a/dem.bin`) });
    const looked: string[] = [];
    const options: RemoteOptions = {
      isAllowed: (address) => address === '127.0.0.2',
      // A second question would be answered otherwise.
      resolve: async (host) => {
        looked.push(host);
        return [{ address: looked.length === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
      },
    };
    const file = await open(server.address.replace('http://', 'http://me:secret@'), options);
    expect(await file.read(500 * KIB, 10)).toEqual(CONTENT.subarray(500 * KIB, 500 * KIB + 10));
    expect(file.path).toBe(server.address);
    expect(looked).toEqual(['files.test']);
    const login = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([login, login]);
    expect(elsewhere.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });
});

describe('secrets', () => {
  it('are in no message, no path and no version', async () => {
    for (const plan of [
      first({ status: 403 }),
      first('no-ranges'),
      afterOpening('drop'),
      afterOpening('other-total'),
    ]) {
      const server = await serveFile(SOUND, { plan });
      const address = `${server.address.replace('//', '//me:hush@')}?signature=hush`;
      const attempt = async () => {
        const file = await open(address);
        expect(JSON.stringify([file.path, file.name])).not.toContain('hush');
        await file.read(500 * KIB, 10);
      };
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ name: 'RelievoError' });
      expect(JSON.stringify(error, ['name', 'message', 'where'])).not.toContain('hush');
      expect(server.asked[0]?.path).toBe('/a/dem.bin?signature=hush');
    }
  });
});
