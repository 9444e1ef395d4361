/** `GET /layers/:id/quality.json`: what the makers of a built layer know of its errors, level by level. */
import type { Express } from 'express';
import { RelievoError } from '../../tiler/error.ts';
import { keepFor, sendDocument } from '../http/document.ts';
import { findLayer, type Layers } from './layers.ts';

/** `maxAgeSeconds`: how long clients may keep the document without asking. */
export function routeQualityJson(app: Express, layers: Layers, maxAgeSeconds: number): void {
  app.get('/layers/:id/quality.json', async (req, res) => {
    const { id } = req.params;
    const { quality, kind } = findLayer(layers, id);
    if (quality === undefined) throw noQuality(id, kind === 'built');
    await sendDocument(req, res, quality, keepFor(maxAgeSeconds));
  });
}

function noQuality(id: string, isBuilt: boolean): RelievoError {
  const why = isBuilt
    ? 'there is none beside its tiles, or it belongs to other ones'
    : 'its tiles are made on demand, and nobody has measured them';
  return new RelievoError('not-found', `the layer "${id}" has no quality.json: ${why}`, {
    where: `layers/${id}/quality.json`,
  });
}
