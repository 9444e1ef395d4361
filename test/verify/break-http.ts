/** Ways in which a server breaks a sound tileset (formats.md 1.5). */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FaultCode } from '../../tiler/verify/fault.ts';
import { TILE } from './breakage.ts';
import type { SpoilAnswer } from './spoiled-server.ts';

export interface ServerBreakage {
  readonly name: string;
  readonly spoil: SpoilAnswer;
  /** Every kind that is found, the one that matters first. */
  readonly kinds: readonly FaultCode[];
  /** Tiles that are named, where it matters which. */
  readonly tiles?: readonly string[];
}

const isTile = (path: string): boolean => path.endsWith('.terrain');

/** Answers 200 that hold a tile, spoiled. */
const tiles =
  (spoil: SpoilAnswer): SpoilAnswer =>
  (answer, path) => {
    if (isTile(path) && answer.status === 200) spoil(answer, path);
  };
const missing =
  (spoil: SpoilAnswer): SpoilAnswer =>
  (answer, path) => {
    if (answer.status === 404) spoil(answer, path);
  };

export const BREAK_HTTP: readonly ServerBreakage[] = [
  {
    name: 'packed tiles without Content-Encoding',
    spoil: tiles(({ headers }) => {
      delete headers['content-encoding'];
    }),
    kinds: ['http-encoding'],
  },
  {
    name: 'tiles packed twice',
    spoil: tiles((answer) => {
      if (answer.headers['content-encoding']) answer.body = gzipSync(answer.body);
    }),
    kinds: ['http-encoding'],
  },
  {
    name: 'plain tiles that are said to be packed',
    spoil: tiles((answer) => {
      if (answer.headers['content-encoding']) answer.body = gunzipSync(answer.body);
    }),
    kinds: ['http-encoding', 'tile-unreadable'],
  },
  {
    name: 'no CORS on anything',
    spoil: ({ headers }) => {
      delete headers['access-control-allow-origin'];
    },
    kinds: ['http-cors'],
  },
  {
    name: 'no CORS on tiles',
    spoil: tiles(({ headers }) => {
      delete headers['access-control-allow-origin'];
    }),
    kinds: ['http-cors'],
  },
  {
    name: 'no CORS on errors',
    spoil: missing(({ headers }) => {
      delete headers['access-control-allow-origin'];
    }),
    kinds: ['http-cors'],
  },
  {
    name: 'CORS for one page only',
    spoil: ({ headers }) => {
      headers['access-control-allow-origin'] = 'https://example.org';
    },
    kinds: ['http-cors'],
  },
  {
    name: 'a page with status 200 for tiles that do not exist',
    spoil: missing((answer) => {
      answer.status = 200;
      answer.headers['content-type'] = 'text/html';
      answer.body = Buffer.from(`<!doctype html><title>Not here</title>${'<p>nothing</p>'.repeat(20)}`);
    }),
    kinds: ['http-missing-status'],
  },
  {
    name: '204 for tiles that do not exist',
    spoil: missing((answer) => {
      answer.status = 204;
      answer.body = new Uint8Array();
    }),
    kinds: ['http-missing-status'],
  },
  {
    name: '403 for tiles that do not exist',
    spoil: missing((answer) => {
      answer.status = 403;
    }),
    kinds: ['http-missing-status'],
  },
  {
    name: 'a page in place of one tile',
    spoil: (answer, path) => {
      if (path !== TILE) return;
      answer.headers = { ...answer.headers, 'content-type': 'text/html' };
      delete answer.headers['content-encoding'];
      answer.body = Buffer.from('<!doctype html><title>Please log in</title>');
    },
    kinds: ['not-a-tile'],
    tiles: [TILE],
  },
  {
    name: '404 for a tile that is advertised',
    spoil: (answer, path) => {
      if (path === TILE) answer.status = 404;
    },
    kinds: ['tile-missing'],
    tiles: [TILE],
  },
  {
    name: '204 for a tile that is advertised',
    spoil: (answer, path) => {
      if (path === TILE) Object.assign(answer, { status: 204, body: new Uint8Array() });
    },
    kinds: ['tile-missing'],
    tiles: [TILE],
  },
  {
    name: 'a tile cut off by the server',
    spoil: (answer, path) => {
      if (path !== TILE || answer.status !== 200) return;
      delete answer.headers['content-encoding'];
      answer.body = gunzipSync(answer.body).subarray(0, 1000);
    },
    kinds: ['truncated'],
    tiles: [TILE],
  },
  {
    name: 'layer.json with 404',
    spoil: (answer, path) => {
      if (path === 'layer.json') answer.status = 404;
    },
    kinds: ['layer-unreadable'],
  },
  {
    name: 'a page in place of layer.json',
    spoil: (answer, path) => {
      if (path === 'layer.json') answer.body = Buffer.from('<!doctype html>');
    },
    kinds: ['layer-unreadable'],
  },
  {
    name: 'a body that depends on Accept without Vary',
    spoil: tiles(({ headers }) => {
      delete headers.vary;
    }),
    kinds: ['http-vary'],
  },
  {
    name: 'an ETag that is not compared',
    spoil: (answer) => {
      if (answer.status === 304) answer.status = 200;
    },
    kinds: ['http-conditional'],
  },
  {
    name: 'nothing by which to keep an answer',
    spoil: ({ headers }) => {
      delete headers.etag;
    },
    kinds: ['http-caching'],
  },
  {
    name: 'tiles as text',
    spoil: tiles(({ headers }) => {
      headers['content-type'] = 'text/plain';
    }),
    kinds: ['http-type'],
  },
];
