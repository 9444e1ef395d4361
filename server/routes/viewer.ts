/** The built viewer's files at `/`; without one, a page that lists the layers and says how to use them. */
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import express, { type Express, type Request, type Response } from 'express';
import { type BaseAddressOptions, baseAddress } from '../http/base-address.ts';
import { type Layers, summarizeLayer } from './layers.ts';

/** Vite puts a hash of the content before the ending: `index-B3xK9_a-.js`. */
const HASHED = /[-.][\w-]{8,}\.[a-z0-9]+$/i;
const DAY_SECONDS = 86400;

/** Whether the folder holds a built viewer. */
export function hasViewer(folder: string | undefined): folder is string {
  return folder !== undefined && existsSync(join(folder, 'index.html'));
}

export function routeViewer(
  app: Express,
  layers: Layers,
  folder: string | undefined,
  options: BaseAddressOptions,
): void {
  if (!hasViewer(folder)) {
    app.get('/', (req, res) => sendLayerPage(req, res, layers, options));
    return;
  }
  app.use(
    express.static(folder, {
      dotfiles: 'ignore',
      index: 'index.html',
      redirect: false,
      cacheControl: false,
      setHeaders: (res, path) => {
        const hashed = path.includes(`${sep}assets${sep}`) && HASHED.test(path);
        const kept = hashed ? 'public, max-age=31536000, immutable' : `public, max-age=${DAY_SECONDS}`;
        res.setHeader('Cache-Control', path.endsWith('.html') ? 'no-cache' : kept);
      },
    }),
  );
}

function sendLayerPage(req: Request, res: Response, layers: Layers, options: BaseAddressOptions): void {
  const rows = [...layers].map(([id, layer]) => {
    const { title, minLevel, maxLevel, addresses } = summarizeLayer(id, layer, baseAddress(req, options));
    const code = `viewer.terrainProvider = await Cesium.CesiumTerrainProvider.fromUrl(${JSON.stringify(addresses.terrain)}, { requestVertexNormals: true });`;
    return `<li><a href="layers/${escapeHtml(id)}/layer.json">${escapeHtml(title)}</a>, levels ${minLevel} to ${maxLevel}<pre>${escapeHtml(code)}</pre></li>`;
  });
  const list = rows.length === 0 ? '<p>No layer is being served.</p>' : `<ul>${rows.join('')}</ul>`;
  const style =
    'body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:52rem;padding:0 1rem}pre{overflow:auto}';
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Relievo</title><link rel="icon" href="data:,"><style>${style}</style><h1>Relievo</h1><p>The terrain is being served; the viewer is not built in this checkout (<code>npm run build</code> makes it).</p>${list}<p><a href="layers">The layers as JSON</a></p></html>`;
  res.setHeader('Cache-Control', 'no-cache');
  res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(page));
  res.end(page);
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? character);
}
