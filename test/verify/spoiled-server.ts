/**
 * A small server of a tileset in memory on 127.0.0.1 that answers as a good one does: gzip said in Content-Encoding, CORS,
 * ETag and 304, Vary, 404. Each answer can be spoiled on its way out.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { TilesetCopy } from './tileset-copy.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Changes an answer in place; `path` is `layer.json` or `z/x/y.terrain`. */
export type SpoilAnswer = (answer: Answer, path: string) => void;

const CORS = { 'access-control-allow-origin': '*' };

/** The set's address; the caller closes it. */
export async function serveSpoiled(set: TilesetCopy, spoil: SpoilAnswer = () => {}) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://here').pathname.slice(1);
    const answer = answerTo(set, path, String(request.headers.accept), request.headers['if-none-match']);
    spoil(answer, path);
    response.writeHead(answer.status, answer.headers).end(answer.status === 304 ? undefined : answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerTo(set: TilesetCopy, path: string, accept: string, tag: string | undefined): Answer {
  if (path === 'layer.json' && set.layerJson !== undefined) {
    return fresh(Buffer.from(set.layerJson), { 'content-type': 'application/json' }, tag);
  }
  const stored = set.files.get(path);
  if (stored === undefined) {
    return {
      status: 404,
      headers: { ...CORS, 'content-type': 'application/json' },
      body: Buffer.from('{"error":"none"}'),
    };
  }
  const headers = { 'content-type': 'application/vnd.quantized-mesh', vary: 'Accept, Accept-Encoding' };
  if (accept.includes('octvertexnormals')) return fresh(stored, { ...headers, 'content-encoding': 'gzip' }, tag);
  return fresh(withoutExtensions(gunzipSync(stored)), headers, tag);
}

function fresh(body: Uint8Array, headers: Readonly<Record<string, string>>, tag: string | undefined): Answer {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
  return { status: tag === etag ? 304 : 200, headers: { ...CORS, ...headers, etag }, body };
}

/** Of a tile with 16-bit indices: all that stands before the first extension. */
function withoutExtensions(plain: Buffer): Uint8Array {
  let at = 92 + 6 * plain.readUInt32LE(88);
  for (const each of [3, 1, 1, 1, 1]) at += 4 + 2 * each * plain.readUInt32LE(at);
  return plain.subarray(0, at);
}
