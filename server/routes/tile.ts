/** `GET /layers/:id/:z/:x/:y.terrain`: a quantized-mesh-1.0 tile, rows from the south, in the form the client accepts. */
import type { Express, Request, Response } from 'express';
import { offeredExtensions, schemeOf } from '../../tiler/catalog/layer-json.ts';
import { RelievoError } from '../../tiler/error.ts';
import type { Layer, Variant } from '../../tiler/pyramid/layer.ts';
import { holdsTag, isNotModified, parseNoneMatch } from '../http/conditional.ts';
import { keepFor } from '../http/document.ts';
import { pathOf, sendError } from '../http/errors.ts';
import { negotiateCoding, negotiateExtensions } from '../http/negotiate.ts';
import { parseTileAddress } from '../http/params.ts';
import type { TileCache } from '../tile-cache.ts';
import { findLayer, type Layers } from './layers.ts';

const YEAR_SECONDS = 31536000;

/** `maxAgeSeconds`: how long clients may keep a tile without asking, unless its address carries the layer's version. */
export function routeTile(app: Express, layers: Layers, cache: TileCache, maxAgeSeconds: number): void {
  app.get('/layers/:id/:z/:x/:file', async (req, res) => {
    const { id, z, x, file } = req.params;
    const layer = findLayer(layers, id);
    const tile = parseTileAddress(z, x, file, schemeOf(layer.document));

    res.setHeader('Vary', 'Accept, Accept-Encoding');
    const coding = negotiateCoding(req.headers['accept-encoding']);
    if (coding === undefined) {
      sendError(
        res,
        'not-acceptable',
        'a tile can be had as gzip or as it is, and the client takes neither',
        pathOf(req),
      );
      return;
    }
    const extensions = negotiateExtensions(req.headers.accept, req.query.extensions, offeredExtensions(layer.document));
    const variant: Variant = { extensions, coding };

    const etag = layer.etag(tile, variant);
    const cacheControl = isVersioned(req, layer)
      ? `public, max-age=${YEAR_SECONDS}, immutable`
      : keepFor(maxAgeSeconds);
    const noneMatch = parseNoneMatch(req.headers['if-none-match']);
    // A client knows this tag only from a tile that was there. `*` says nothing about that: it needs the tile first.
    if (holdsTag(noneMatch, etag)) {
      answerUnchanged(res, etag, cacheControl);
      return;
    }

    const gone = new AbortController();
    res.once('close', () => gone.abort());
    // The tag stands for source, version, options, tile and variant: what is kept under it never grows stale.
    const key = `${layer.name} ${etag} ${tile.z}/${tile.x}/${tile.y}`;
    const make = (signal: AbortSignal) => layer.make(tile, variant, { signal });
    const answer = await cache.get(key, make, { signal: gone.signal }).catch((error: unknown) => {
      if (gone.signal.aborted) return undefined;
      throw error;
    });
    if (!answer || gone.signal.aborted) return;
    if (!answer.bytes) {
      throw new RelievoError('not-found', 'the layer has no such tile', { where: pathOf(req) });
    }
    res.locals.cache = answer.outcome;
    if (isNotModified(noneMatch, etag)) answerUnchanged(res, etag, cacheControl);
    else sendTile(res, answer.bytes, coding, etag, cacheControl);
  });
}

/** Whether the address names the version that the layer has now, in a layer whose addresses carry one. */
function isVersioned(req: Request, { document }: Layer): boolean {
  return req.query.v === document.version && document.tiles.some((template) => template.includes('{version}'));
}

function answerUnchanged(res: Response, etag: string, cacheControl: string): void {
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', cacheControl);
  res.status(304).end();
}

function sendTile(res: Response, bytes: Uint8Array, coding: string, etag: string, cacheControl: string): void {
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', cacheControl);
  res.setHeader('Content-Type', 'application/vnd.quantized-mesh');
  if (coding === 'gzip') res.setHeader('Content-Encoding', 'gzip');
  res.setHeader('Content-Length', bytes.byteLength);
  res.end(bytes);
}
