/** A real server on a free port of 127.0.0.1 for the length of a test, a hand-made layer, and requests sent letter by letter. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../../server/start.ts';
import { cutVariant } from '../../tiler/encode/cut-variant.ts';
import type { TileId } from '../../tiler/geo/tiling-scheme.ts';
import type { Layer, Variant } from '../../tiler/pyramid/layer.ts';
import { handMadeNormals, handMadeTile } from '../support/hand-made-tile.ts';

export async function serve(options: Partial<ServerOptions> & Pick<ServerOptions, 'layers'>): Promise<RunningServer> {
  const server = await startServer({ port: 0, host: '127.0.0.1', drainMs: 2000, ...options });
  onTestFinished(() => server.close());
  return server;
}

export interface HandMadeLayer extends Layer {
  /** What `make` was asked for, in order. */
  readonly made: { id: TileId; variant: Variant }[];
  readonly closed: () => number;
}

/** Both roots with normals; `make` may be replaced. */
export function handMadeLayer(name = 'small', changes: Partial<Layer> = {}): HandMadeLayer {
  const stored = handMadeTile({ extensions: [handMadeNormals()] });
  const made: HandMadeLayer['made'] = [];
  let closed = 0;
  return {
    name,
    title: 'Small <b>&</b> "hand-made"',
    kind: 'on-demand',
    document: {
      tilejson: '2.1.0',
      name,
      description: 'Two roots',
      version: 'v-1',
      format: 'quantized-mesh-1.0',
      attribution: 'hand-made',
      scheme: 'tms',
      projection: 'EPSG:4326',
      tiles: ['{z}/{x}/{y}.terrain?v={version}'],
      bounds: [-180, -90, 180, 90],
      minzoom: 0,
      maxzoom: 1,
      extensions: ['octvertexnormals'],
      available: [[{ startX: 0, startY: 0, endX: 1, endY: 0 }], [{ startX: 2, startY: 1, endX: 2, endY: 1 }]],
      relievo: {
        generator: 'test',
        datum: { source: 'egm96', known: 'format', because: 'so it was made', geoid: 'EGM96' },
        heights: 'ellipsoidal',
        maxErrorFactor: 1,
        sources: ['nothing'],
      },
    },
    async make(id, variant) {
      made.push({ id, variant });
      const there = id.z === 0 || (id.z === 1 && id.x === 2 && id.y === 0);
      return there ? cutVariant(stored, variant) : undefined;
    },
    etag: ({ z, x, y }, { extensions, coding }) => `"${name}-${z}-${x}-${y}-${extensions.join('+')}-${coding}"`,
    async close() {
      closed++;
    },
    ...changes,
    made,
    closed: () => closed,
  };
}

export function layersOf(...layers: readonly Layer[]): Map<string, Layer> {
  return new Map(layers.map((layer) => [layer.name, layer]));
}

/** A promise that is settled from outside. */
export function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request whose path is sent as it stands, and whose body is not decoded: `fetch` tidies both. */
export function sendRaw(
  url: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string | string[]> } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostname, port, path, method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The error of an answer; throws unless the whole body is `{ error: { code, message, where? } }` as JSON. */
export function errorOf({ headers, body }: RawAnswer): { code: string; message: string; where?: string } {
  const type = headers['content-type'];
  if (type !== 'application/json; charset=utf-8') throw new Error(`expected JSON, got ${type}: ${body}`);
  const value: unknown = JSON.parse(body.toString());
  const keys = Object.keys(Object(value));
  const { error } = Object(value);
  if (keys.join() !== 'error' || !/^code,message(,where)?$/.test(Object.keys(error).join())) {
    throw new Error(`expected { error: { code, message, where? } }, got ${body}`);
  }
  return error;
}
