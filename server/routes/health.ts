/** `GET /healthz`: the process answers. `GET /readyz`: whether it should be sent clients, where somebody can tell. */
import type { Express } from 'express';
import type { AppOptions } from '../app.ts';

const RETRY_AFTER_SECONDS = 5;

export function routeHealth(
  app: Express,
  version: string,
  { ready, prepared }: Pick<AppOptions, 'ready' | 'prepared'>,
): void {
  app.get('/healthz', (_req, res) => {
    res.setHeader('Cache-Control', 'no-store');
    res.json({ status: 'ok', version });
  });
  if (!ready && !prepared) return;
  app.get('/readyz', (_req, res) => {
    const share = prepared?.();
    const isReady = (ready?.() ?? true) && (share ?? 1) >= 1;
    res.setHeader('Cache-Control', 'no-store');
    if (!isReady) res.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
    const known = share === undefined ? {} : { prepared: Math.floor(share * 1000) / 1000 };
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'not ready', ...known });
  });
}
