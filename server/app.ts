/** The server without its socket: which address leads to which route, and what every answer carries. */
import express, { type Express } from 'express';
import { RelievoError } from '../tiler/error.ts';
import { VERSION } from '../tiler/version.ts';
import type { BaseAddressOptions } from './http/base-address.ts';
import { answerErrors, answerNotFound, type ReportFault } from './http/errors.ts';
import { openToOrigins } from './http/headers.ts';
import { logAccess, type WriteAccess } from './http/log.ts';
import { refuseEncodedPath } from './http/params.ts';
import { routeBuiltThreeDTiles, type Tilesets } from './routes/built-three-d-tiles.ts';
import { routeHealth } from './routes/health.ts';
import { routeLayerJson } from './routes/layer-json.ts';
import { type Layers, routeLayers } from './routes/layers.ts';
import { routeQualityJson } from './routes/quality-json.ts';
import { routeThreeDTiles } from './routes/three-d-tiles.ts';
import { routeTile } from './routes/tile.ts';
import { routeViewer } from './routes/viewer.ts';
import { DEFAULT_CACHE_BYTES, TileCache } from './tile-cache.ts';

export interface AppOptions extends BaseAddressOptions {
  /** By the name that stands in addresses. Read at each request: layers may come and go. */
  readonly layers: Layers;
  /** 3D Tiles that were built in advance, beside the layers; no name may be a layer's. */
  readonly tilesets?: Tilesets | undefined;
  /** Folder of the built viewer; without one `/` lists the layers. */
  readonly viewerFolder?: string | undefined;
  /** Memory for finished tiles in bytes; 0 keeps none. */
  readonly cacheBytes?: number | undefined;
  /** Hears of each request that ended; nobody does by default. */
  readonly log?: WriteAccess | undefined;
  /** Hears of faults that are the server's own; one line on stderr by default. */
  readonly report?: ReportFault | undefined;
  /** How much of what tiles are made from is there, 0..1; when given, `/readyz` says no before it is 1. */
  readonly prepared?: (() => number) | undefined;
  /** False once the server is about to end. */
  readonly ready?: (() => boolean) | undefined;
  /** Access-Control-Allow-Origin; `*` by default, false for none. */
  readonly corsOrigin?: string | false | undefined;
  /** How long clients may keep tiles without asking, in seconds; an hour by default. */
  readonly tileMaxAgeSeconds?: number | undefined;
  /** The same for layer.json; 0 by default: a restart with other tiles shows at the next reload. */
  readonly documentMaxAgeSeconds?: number | undefined;
}

export function createApp(options: AppOptions): Express {
  const { layers, log, report = reportToStderr, corsOrigin = '*' } = options;
  const cache = new TileCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');

  if (log) app.use(logAccess(log));
  app.use(openToOrigins(corsOrigin));
  const tileSeconds = options.tileMaxAgeSeconds ?? 3600;
  const documentSeconds = options.documentMaxAgeSeconds ?? 0;
  routeBuiltThreeDTiles(app, options.tilesets ?? new Map(), cache, tileSeconds, documentSeconds, options);
  app.use('/layers', (req, _res, next) => {
    refuseEncodedPath(req.originalUrl.split('?', 1)[0] ?? '');
    next();
  });
  routeHealth(app, VERSION, options);
  routeLayers(app, layers, options);
  routeLayerJson(app, layers, documentSeconds);
  routeQualityJson(app, layers, documentSeconds);
  routeThreeDTiles(app, layers, cache, tileSeconds, documentSeconds);
  routeTile(app, layers, cache, tileSeconds);
  routeViewer(app, layers, options.viewerFolder, options);
  app.use(answerNotFound);
  app.use(answerErrors(report));
  return app;
}

const reportToStderr: ReportFault = (error, where) => {
  const place = error instanceof RelievoError && error.where !== undefined ? ` (${error.where})` : '';
  const text = error instanceof RelievoError ? `${error.code}: ${error.message}` : faultText(error);
  process.stderr.write(`relievo: ${where}: ${text}${place}\n`);
};

function faultText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
