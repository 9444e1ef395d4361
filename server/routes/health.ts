/** `GET /healthz`: the process answers. `GET /readyz`: whether it should be sent clients, where somebody can tell. */
import type { Express } from 'express';

export function routeHealth(app: Express, version: string, ready: (() => boolean) | undefined): void {
  app.get('/healthz', (_req, res) => {
    res.setHeader('Cache-Control', 'no-store');
    res.json({ status: 'ok', version });
  });
  if (!ready) return;
  app.get('/readyz', (_req, res) => {
    const isReady = ready();
    res.setHeader('Cache-Control', 'no-store');
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'not ready' });
  });
}
