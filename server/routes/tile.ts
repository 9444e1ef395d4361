/** `GET /layers/:id/:z/:x/:y.terrain`: a quantized-mesh-1.0 tile, rows from the south, in the form the client accepts. */
import type { Express, Request } from 'express';
import { offeredExtensions, schemeOf } from '../../tiler/catalog/layer-json.ts';
import type { TileId } from '../../tiler/geo/tiling-scheme.ts';
import type { Layer, Variant } from '../../tiler/pyramid/layer.ts';
import { sendCached } from '../http/cached.ts';
import { keepFor } from '../http/document.ts';
import { pathOf, sendError } from '../http/errors.ts';
import { negotiateCoding, negotiateExtensions } from '../http/negotiate.ts';
import { parseTileAddress } from '../http/params.ts';
import type { TileCache } from '../tile-cache.ts';
import { findLayer, type Layers } from './layers.ts';

/** `Cache-Control` of what never changes under its address: a year. */
export const KEPT_FOR_EVER = 'public, max-age=31536000, immutable';

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
    const cacheControl = isVersioned(req, layer, layer.document.version) ? KEPT_FOR_EVER : keepFor(maxAgeSeconds);
    await sendCached(req, res, cache, {
      key: tileKey(layer, tile, etag),
      etag,
      cacheControl,
      type: 'application/vnd.quantized-mesh',
      coding,
      make: (signal) => layer.make(tile, variant, { signal }),
      missing: 'the layer has no such tile',
    });
  });
}

/** The tag stands for source, version, options, tile and variant. */
export function tileKey({ name }: Layer, { z, x, y }: TileId, etag: string): string {
  return `${name} ${etag} ${z}/${x}/${y}`;
}

/** Whether the address names the version that there is now, of a layer whose version changes with its tiles. */
export function isVersioned(req: Request, { document }: Layer, version: string): boolean {
  return req.query.v === version && document.tiles.some((template) => template.includes('{version}'));
}
