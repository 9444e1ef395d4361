/**
 * A small site for browser tests: the built viewer under a base path, and a folder of quantized-mesh tiles as one layer
 * of the catalog. It counts the tiles that are asked for, and can be told which layers to list.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { REPOSITORY } from './test-data.ts';

export const VIEWER_FOLDER = resolve(REPOSITORY, 'dist/viewer');

/** Builds the viewer unless what is built is newer than all of its sources. Returns its folder. */
export function buildViewer(): string {
  const built = join(VIEWER_FOLDER, 'index.html');
  const source = resolve(REPOSITORY, 'viewer');
  const newest = Math.max(...readdirSync(source).map((name) => statSync(join(source, name)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return VIEWER_FOLDER;
  const vite = resolve(REPOSITORY, 'node_modules/vite/bin/vite.js');
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', 'viewer', '--logLevel', 'warn'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    // vitest sets NODE_ENV=test, with which Vite would build for development.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (status !== 0) throw new Error(`the viewer could not be built: ${stderr}`);
  return VIEWER_FOLDER;
}

export interface SiteLayer {
  readonly id: string;
  readonly title: string;
  readonly bounds: readonly [number, number, number, number];
  readonly maxLevel: number;
  readonly known: 'option' | 'file' | 'format' | 'assumed';
  readonly attribution: string;
  /** Folder of layer.json. */
  readonly folder: string;
}

export interface ViewerSite {
  /** Address of the page, with a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Tiles answered with 200 since the start. */
  tiles(): number;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.xml': 'text/xml',
  '.terrain': 'application/vnd.quantized-mesh',
};

export interface SiteOptions {
  /** A path with slashes at both ends, so that an absolute address in the page would fail. */
  readonly base?: string;
  /** Further answers by the path below the base: a file with its ending, or undefined. */
  readonly answer?: (path: string) => { readonly ending: string; readonly body: string | Uint8Array } | undefined;
}

/** Serves on a free port of this machine. */
export async function serveViewer(layers: readonly SiteLayer[], options: SiteOptions = {}): Promise<ViewerSite> {
  const { base = '/some/base/', answer } = options;
  const viewer = buildViewer();
  let tiles = 0;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (!pathname.startsWith(base)) return send(response, 404, '.json', '{}');
    const path = decodeURIComponent(pathname.slice(base.length));
    const own = answer?.(path);
    if (own) return send(response, 200, own.ending, own.body);
    if (path === 'layers') return send(response, 200, '.json', JSON.stringify(layers.map(describe)));
    const [, id, below = ''] = /^layers\/([^/]+)\/(.*)$/.exec(path) ?? [];
    const layer = layers.find((candidate) => candidate.id === id);
    const file = layer ? join(layer.folder, below) : join(viewer, path === '' ? 'index.html' : path);
    if (!existsSync(file) || !statSync(file).isFile()) {
      return send(
        response,
        404,
        '.json',
        '{"error":{"code":"not-found","message":"there is nothing at this address"}}',
      );
    }
    if (layer && below.endsWith('.terrain')) tiles++;
    send(response, 200, extname(file), readFileSync(file));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the test site has no port');
  return {
    url: `http://127.0.0.1:${bound.port}${base}`,
    port: bound.port,
    tiles: () => tiles,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function describe(layer: SiteLayer) {
  const terrain = `layers/${layer.id}/`;
  return {
    id: layer.id,
    title: layer.title,
    bounds: layer.bounds,
    minLevel: 0,
    maxLevel: layer.maxLevel,
    kind: 'built',
    datum: {
      source: 'egm96',
      known: layer.known,
      because: 'Its file names no vertical datum, so its heights are taken as heights above sea level.',
      geoid: 'EGM96',
    },
    heights: 'ellipsoidal',
    attribution: layer.attribution,
    extensions: ['octvertexnormals'],
    addresses: { terrain, layerJson: `${terrain}layer.json`, tile: `${terrain}{z}/{x}/{y}.terrain` },
  };
}

function send(response: ServerResponse, status: number, ending: string, body: string | Uint8Array): void {
  const gzipped = typeof body !== 'string' && body[0] === 0x1f && body[1] === 0x8b;
  response.writeHead(status, {
    'Content-Type': TYPES[ending] ?? 'application/octet-stream',
    'Cache-Control': 'no-store',
    ...(gzipped ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(body);
}
