/** Tilesets behind addresses: what a right server says brings no fault, and each wrong answer is named. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTileSet } from '../../tiler/verify/tile-set.ts';
import { verifyTileset } from '../../tiler/verify/verify.ts';
import { planTile, writeTile } from './tiny-tile.ts';

const LAYER = {
  tilejson: '2.1.0',
  name: 'hills',
  description: '',
  version: '1.0.0',
  format: 'quantized-mesh-1.0',
  attribution: '',
  scheme: 'tms',
  projection: 'EPSG:4326',
  tiles: ['{z}/{x}/{y}.terrain?v={version}'],
  bounds: [-180, -90, 180, 90],
  minzoom: 0,
  maxzoom: 1,
  extensions: ['octvertexnormals'],
  available: [[{ startX: 0, startY: 0, endX: 1, endY: 0 }], [{ startX: 0, startY: 0, endX: 3, endY: 1 }]],
};

const round = (lon: number, lat: number): number => 1000 + 500 * Math.sin((lon * Math.PI) / 180) + lat;

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What a server that does everything right answers; `spoil` changes it. */
function answerTo({ url = '', headers }: IncomingMessage, layer: object): Answer {
  const path = new URL(url, 'http://x').pathname;
  const allow = { 'access-control-allow-origin': '*' };
  const [, z, x, south] = path.match(/^\/set\/(\d+)\/(\d+)\/(\d+)\.terrain$/)?.map(Number) ?? [];
  if (path === '/set/layer.json') {
    const body = Buffer.from(JSON.stringify(layer));
    return {
      status: 200,
      headers: { ...allow, 'content-type': 'application/json', 'cache-control': 'max-age=60' },
      body,
    };
  }
  if (z === undefined || z > 1) return { status: 404, headers: allow, body: Buffer.from('{}') };
  const normals = /octvertexnormals/.test(headers.accept ?? '');
  const etag = `"${z}-${x}-${south}-${normals}"`;
  const said = { ...allow, etag, vary: 'Accept, Accept-Encoding', 'content-type': 'application/vnd.quantized-mesh' };
  if (headers['if-none-match'] === etag) return { status: 304, headers: said, body: Buffer.alloc(0) };
  const plan = planTile({ z, x, y: 2 ** z - 1 - south }, round, { cells: 8, normals });
  return { status: 200, headers: { ...said, 'content-encoding': 'gzip' }, body: gzipSync(writeTile(plan)) };
}

async function serve(
  spoil: (answer: Answer, request: IncomingMessage) => void = () => {},
  layer: object = LAYER,
): Promise<string> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const answer = answerTo(request, layer);
    spoil(answer, request);
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/set`;
}

async function kindsAt(url: string): Promise<string[]> {
  return (await verifyTileset(await openTileSet(url))).findings.map(({ kind }) => kind).sort();
}

const isTile = (request: IncomingMessage): boolean => /\.terrain/.test(request.url ?? '');

describe('a tileset behind an address', () => {
  it('brings no finding when everything is right, by its base and by its layer.json', async () => {
    const url = await serve();
    for (const address of [url, `${url}/`, `${url}/layer.json`]) {
      const report = await verifyTileset(await openTileSet(address));
      expect(report.findings).toEqual([]);
      expect([report.tileset.kind, report.tileset.tiles, report.sampled.tiles]).toEqual(['url', 10, 10]);
    }
  });

  it('asks no other host that layer.json names', async () => {
    const url = await serve(() => {}, { ...LAYER, tiles: ['http://elsewhere.invalid/{z}/{x}/{y}.terrain'] });
    await expect(verifyTileset(await openTileSet(url))).rejects.toMatchObject({
      code: 'input-unsupported',
      message: expect.stringContaining('elsewhere.invalid'),
    });
  });

  const WRONG: readonly (readonly [string, (answer: Answer, request: IncomingMessage) => void, readonly string[]])[] = [
    ['no Content-Encoding on packed tiles', (a) => delete a.headers['content-encoding'], ['http-encoding']],
    [
      'tiles packed twice',
      (a, r) => isTile(r) && a.status === 200 && Object.assign(a, { body: gzipSync(a.body) }),
      ['http-encoding'],
    ],
    ['no CORS', (a) => delete a.headers['access-control-allow-origin'], ['http-cors']],
    ['no CORS on 404', (a) => a.status === 404 && delete a.headers['access-control-allow-origin'], ['http-cors']],
    [
      'a page for what is missing',
      (a) => a.status === 404 && Object.assign(a, { status: 200, body: Buffer.from('<html>') }),
      ['http-missing-status'],
    ],
    [
      '204 for what is missing',
      (a) => a.status === 404 && Object.assign(a, { status: 204, body: Buffer.alloc(0) }),
      ['http-missing-status'],
    ],
    ['no Vary', (a) => Object.assign(a.headers, { vary: 'Accept-Encoding' }), ['http-vary']],
    [
      'an ETag that is never recognised',
      (a, r) => isTile(r) && Object.assign(a.headers, { etag: `"${Math.random()}"` }),
      ['http-conditional'],
    ],
    ['nothing to cache by', (a, r) => isTile(r) && delete a.headers.etag, ['http-caching']],
    [
      'an unusual type',
      (a, r) => isTile(r) && Object.assign(a.headers, { 'content-type': 'text/plain' }),
      ['http-type'],
    ],
  ];
  it.each(WRONG)('names %s', async (_, spoil, expected) => {
    expect(await kindsAt(await serve(spoil))).toEqual(expected);
  });

  it('names tiles that are advertised and answered with 404 or 500', async () => {
    const missing = await serve((answer, { url }) => {
      if (url?.includes('/1/3/0.')) Object.assign(answer, { status: 404, body: Buffer.alloc(0) });
    });
    expect(await kindsAt(missing)).toEqual(['tile-missing']);
    const broken = await serve((answer, { url }) => {
      if (url?.includes('/1/3/0.')) Object.assign(answer, { status: 403, body: Buffer.alloc(0) });
    });
    expect(await kindsAt(broken)).toEqual(['tile-unreadable']);
  });

  it('names tiles beyond what is advertised', async () => {
    const available = LAYER.available.slice(0, 1);
    const url = await serve(undefined, { ...LAYER, available, maxzoom: 0 });
    expect(await kindsAt(url)).toEqual(['tile-unlisted']);
  });

  it('says in a sentence that nobody answers', async () => {
    await expect(openTileSet('http://127.0.0.1:9/set')).rejects.toThrow(/No answer could be read/);
  });
});
