/**
 * An S3 server on 127.0.0.1: s3rver keeps the objects, and a gate before it checks signatures (AWS Signature Version 4), which
 * s3rver takes unseen. The gate is written from AWS's description and held against AWS's own example.
 */
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface S3Key {
  readonly id: string;
  readonly secret: string;
  readonly region: string;
  /** Of temporary credentials, which must come with every request. */
  readonly token?: string | undefined;
}

export interface S3Server {
  readonly url: string;
  /** Requests that came to the gate: `GET /bucket/key`, and whether they were signed. */
  readonly asked: { readonly line: string; readonly signed: boolean }[];
  close(): Promise<void>;
}

interface ObjectServer {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}
type ObjectServerClass = new (options: object) => ObjectServer;

/** Objects by `bucket/key`. Those in the bucket `public` are given to anybody, others to holders of the key. */
export async function startS3Server(objects: Readonly<Record<string, Buffer>>, key: S3Key): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'relievo-s3-'));
  const S3rver = createRequire(import.meta.url)('s3rver') as ObjectServerClass;
  const buckets = [...new Set(Object.keys(objects).map((name) => name.split('/')[0] ?? ''))];
  const store = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    vhostBuckets: false,
    directory,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  const { port } = await store.run();
  for (const [name, bytes] of Object.entries(objects)) {
    const path = name.split('/').map(encodeURIComponent).join('/');
    const put = await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'PUT', body: new Uint8Array(bytes) });
    if (!put.ok) throw new Error(`s3rver did not take ${name}: ${await put.text()}`);
  }
  const asked: { line: string; signed: boolean }[] = [];
  const gate = createServer((req, res) => {
    const { method = '', url = '', headers } = req;
    asked.push({ line: `${method} ${url}`, signed: headers.authorization !== undefined });
    const refusal = judge(method, url, headers, key);
    if (refusal !== undefined) return void refuse(res, ...refusal);
    const { authorization: _, ...rest } = headers;
    const inner = request({ host: '127.0.0.1', port, method, path: url, headers: rest }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
    req.pipe(inner);
  });
  await new Promise<void>((listening) => gate.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
    asked,
    async close() {
      gate.closeAllConnections();
      gate.close();
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Refusal = [status: number, code: string, more?: string];

function judge(method: string, url: string, headers: IncomingHttpHeaders, key: S3Key): Refusal | undefined {
  if (headers.authorization === undefined) return url.startsWith('/public/') ? undefined : [403, 'AccessDenied'];
  const [, id, region] = /Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request/.exec(headers.authorization) ?? [];
  if (id !== key.id) return [403, 'InvalidAccessKeyId', `<AWSAccessKeyId>${id}</AWSAccessKeyId>`];
  if (region !== key.region) return [400, 'AuthorizationHeaderMalformed', `<Region>${key.region}</Region>`];
  if (headers['x-amz-security-token'] !== key.token) return [400, 'InvalidToken'];
  const sent = /Signature=([0-9a-f]{64})$/.exec(headers.authorization)?.[1];
  return sent === signatureOf(method, url, headers, key.secret) ? undefined : [403, 'SignatureDoesNotMatch'];
}

/** The signature that a request with these headers must carry. */
export function signatureOf(method: string, url: string, headers: IncomingHttpHeaders, secret: string): string {
  const [, date = '', region = '', names = ''] =
    /Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request,\s*SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ??
    [];
  const [path = '', query = ''] = url.split('?');
  const lines = names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`);
  const canonical = [method, path, query, lines.join(''), names, headers['x-amz-content-sha256']].join('\n');
  const text = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    `${date}/${region}/s3/aws4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  let step: Buffer | string = `AWS4${secret}`;
  for (const part of [date, region, 's3', 'aws4_request']) step = createHmac('sha256', step).update(part).digest();
  return createHmac('sha256', step).update(text).digest('hex');
}

function refuse(res: ServerResponse, status: number, code: string, more = ''): void {
  res.writeHead(status, { 'Content-Type': 'application/xml' });
  res.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>No.</Message>${more}</Error>`);
}
