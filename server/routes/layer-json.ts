/** `GET /layers/:id/layer.json`: the document that CesiumJS, cesium-native and QGIS read first. */
import type { Express } from 'express';
import { keepFor, sendDocument } from '../http/document.ts';
import { findLayer, type Layers } from './layers.ts';

/** `maxAgeSeconds`: how long clients may keep the document without asking. */
export function routeLayerJson(app: Express, layers: Layers, maxAgeSeconds: number): void {
  app.get('/layers/:id/layer.json', async (req, res) => {
    await sendDocument(req, res, findLayer(layers, req.params.id).document, keepFor(maxAgeSeconds));
  });
}
