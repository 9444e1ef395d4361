/** Every route over a real socket: documents, tiles in all their forms, conditional requests, CORS, refusals, errors. */
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../server/http/log.ts';
import { RelievoError } from '../../tiler/error.ts';
import { handMadeNormals, handMadeTile } from '../support/hand-made-tile.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { deferred, errorOf, handMadeLayer, layersOf, sendRaw, serve } from './serve.ts';

const TILE = '/layers/small/0/0/0.terrain';
const bare = Buffer.from(handMadeTile());
const withNormals = Buffer.from(handMadeTile({ extensions: [handMadeNormals()] }));
const silent = { report: () => {} };

describe('the catalog', () => {
  it('lists the layers with addresses that work as they stand', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer('small'), handMadeLayer('other')) });
    const layers = JSON.parse(await (await fetch(`${url}/layers`)).text());
    expect(layers).toHaveLength(2);
    expect(layers[0]).toEqual({
      id: 'small',
      title: 'Small <b>&</b> "hand-made"',
      bounds: [-180, -90, 180, 90],
      minLevel: 0,
      maxLevel: 1,
      levels: [
        { level: 0, tiles: 2 },
        { level: 1, tiles: 1 },
      ],
      kind: 'on-demand',
      datum: { source: 'egm96', known: 'format', because: 'so it was made', geoid: 'EGM96' },
      warnings: [],
      heights: 'ellipsoidal',
      attribution: 'hand-made',
      extensions: ['octvertexnormals'],
      version: 'v-1',
      addresses: {
        terrain: `${url}/layers/small`,
        layerJson: `${url}/layers/small/layer.json`,
        tile: `${url}/layers/small/{z}/{x}/{y}.terrain`,
        tiles3d: {
          standard: `${url}/layers/small/3dtiles/tileset.json`,
          'cesium-terrain': `${url}/layers/small/3dtiles/cesium-terrain/tileset.json`,
          gis: `${url}/layers/small/3dtiles/gis/tileset.json`,
        },
      },
    });
    expect(await (await fetch(layers[0].addresses.terrain)).json()).toEqual(layers[0]);
    expect(await (await fetch(layers[1].addresses.layerJson)).json()).toMatchObject({ name: 'other' });
    const tile = layers[1].addresses.tile.replace('{z}', '0').replace('{x}', '1').replace('{y}', '0');
    expect((await fetch(tile)).status).toBe(200);
  });

  it('serves layer.json as the layer has it, and 304 for one that the client holds', async () => {
    const layer = handMadeLayer();
    const { url } = await serve({ layers: layersOf(layer) });
    const first = await fetch(`${url}/layers/small/layer.json`);
    expect(await first.json()).toEqual(layer.document);
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(first.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
    expect(first.headers.get('vary')).toBe('Accept-Encoding');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+-gzip"$/);
    const again = await fetch(`${url}/layers/small/layer.json`, { headers: { 'If-None-Match': `"x", W/${etag}` } });
    expect(again.status).toBe(304);
    expect(again.headers.get('etag')).toBe(etag);
    const plain = await sendRaw(url, '/layers/small/layer.json');
    expect(JSON.parse(plain.body.toString())).toEqual(layer.document);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers.etag).not.toBe(etag);
  });

  it('sees layers that come and go while it runs', async () => {
    const layers = layersOf(handMadeLayer());
    const { url } = await serve({ layers });
    layers.set('late', handMadeLayer('late'));
    expect((await fetch(`${url}/layers/late/layer.json`)).status).toBe(200);
    layers.delete('small');
    expect((await fetch(`${url}/layers/small/layer.json`)).status).toBe(404);
  });

  it('builds addresses only from a plain Host header, and from forwarded ones only when told to', async () => {
    const layers = layersOf(handMadeLayer());
    const plain = await serve({ layers });
    const proxied = await serve({ layers: layersOf(handMadeLayer()), trustProxy: true });
    const fixed = await serve({ layers: layersOf(handMadeLayer()), publicUrl: 'https://terrain.example/relief/' });
    const terrain = async (url: string, headers: Record<string, string>) =>
      JSON.parse((await sendRaw(url, '/layers/small', { headers })).body.toString()).addresses.terrain;

    for (const host of ['terrain.example', 'terrain.example:81', '10.0.0.1', '[::1]:8080', 'my_service:80']) {
      expect(await terrain(plain.url, { Host: host })).toBe(`http://${host}/layers/small`);
    }
    for (const host of ['evil.example/x', 'a b', 'a"b', "a'b", '<x>', 'user@evil', 'a:80:90', 'a#', '[::1', '-a']) {
      expect(await terrain(plain.url, { Host: host }), host).toBe('/layers/small');
    }
    const forwarded = { Host: 'inner', 'X-Forwarded-Host': 'outer.example', 'X-Forwarded-Proto': 'https' };
    expect(await terrain(plain.url, forwarded)).toBe('http://inner/layers/small');
    expect(await terrain(proxied.url, forwarded)).toBe('https://outer.example/layers/small');
    const prefix = { ...forwarded, 'X-Forwarded-Prefix': '/relief/' };
    expect(await terrain(proxied.url, prefix)).toBe('https://outer.example/relief/layers/small');
    for (const wild of ['//evil.example', '/../x', 'x', '/a b', '/<x>']) {
      expect(await terrain(proxied.url, { ...forwarded, 'X-Forwarded-Prefix': wild }), wild).toBe(
        'https://outer.example/layers/small',
      );
    }
    expect(await terrain(fixed.url, forwarded)).toBe('https://terrain.example/relief/layers/small');
  });
});

describe('tiles', () => {
  it('come as they were asked for: coding and extensions', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    const ask = 'application/vnd.quantized-mesh;extensions=octvertexnormals-watermask,*/*;q=0.01';
    const onOther = 'application/vnd.quantized-mesh,application/octet-stream;extensions=octvertexnormals';
    for (const [path, headers, body, coding] of [
      [TILE, {}, bare, undefined],
      [TILE, { Accept: ask }, withNormals, undefined],
      [TILE, { Accept: onOther }, withNormals, undefined],
      [TILE, { 'Accept-Encoding': 'gzip, br' }, bare, 'gzip'],
      [TILE, { 'Accept-Encoding': 'gzip', Accept: ask }, withNormals, 'gzip'],
      [TILE, { 'Accept-Encoding': 'gzip;q=0' }, bare, undefined],
      [`${TILE}?extensions=metadata-octvertexnormals&v=1`, {}, withNormals, undefined],
      [`${TILE}?extensions=watermask`, {}, bare, undefined],
    ] as const) {
      const answer = await sendRaw(url, path, { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/vnd.quantized-mesh');
      expect(answer.headers['content-encoding']).toBe(coding);
      expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
      expect(answer.headers['content-length']).toBe(String(answer.body.length));
      expect(coding === 'gzip' ? gunzipSync(answer.body) : answer.body).toEqual(body);
    }
  });

  it('count their rows from the south in addresses, from the north inside', async () => {
    const layer = handMadeLayer();
    const { url } = await serve({ layers: layersOf(layer) });
    expect((await fetch(`${url}/layers/small/1/2/1.terrain`)).status).toBe(200);
    expect((await fetch(`${url}/layers/small/1/2/0.terrain`)).status).toBe(404);
    expect(layer.made.map(({ id }) => id)).toEqual([
      { z: 1, x: 2, y: 0 },
      { z: 1, x: 2, y: 1 },
    ]);
  });

  it('are made once a form, and never for a 304', async () => {
    const layer = handMadeLayer();
    const { url } = await serve({ layers: layersOf(layer) });
    const first = await fetch(url + TILE);
    await first.arrayBuffer();
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toBe(layer.etag({ z: 0, x: 0, y: 0 }, { extensions: [], coding: 'gzip' }));
    await (await fetch(url + TILE)).arrayBuffer();
    expect(layer.made).toHaveLength(1);

    const fresh = handMadeLayer();
    const other = await serve({ layers: layersOf(fresh) });
    for (const value of [etag, `W/${etag}`, `"a", ${etag}, "b"`]) {
      const answer = await fetch(other.url + TILE, { headers: { 'If-None-Match': value } });
      expect(answer.status).toBe(304);
      expect(await answer.text()).toBe('');
      expect(answer.headers.get('etag')).toBe(etag);
      expect(answer.headers.get('vary')).toBe('Accept, Accept-Encoding');
      expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect(fresh.made).toHaveLength(0);
    const otherCoding = await sendRaw(other.url, TILE, { headers: { 'If-None-Match': etag } });
    expect(otherCoding.status).toBe(200);
  });

  it('answer If-None-Match: * by whether there is a tile', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    const ask = async (path: string) => (await sendRaw(url, path, { headers: { 'If-None-Match': '*' } })).status;
    expect(await ask(TILE)).toBe(304);
    expect(await ask('/layers/small/1/0/0.terrain')).toBe(404);
  });

  it('may be kept for ever under their version, for a while otherwise', async () => {
    const unversioned = handMadeLayer('plain');
    const document = { ...unversioned.document, tiles: ['{z}/{x}/{y}.terrain'] };
    const layers = layersOf(handMadeLayer(), handMadeLayer('plain', { document }));
    const { url } = await serve({ layers, tileMaxAgeSeconds: 90 });
    const kept = async (path: string) => (await sendRaw(url, path)).headers['cache-control'];
    expect(await kept(`${TILE}?v=v-1`)).toBe('public, max-age=31536000, immutable');
    expect(await kept(`${TILE}?v=v-0`)).toBe('public, max-age=90');
    expect(await kept(`${TILE}?v=v-1&v=v-1`)).toBe('public, max-age=90');
    expect(await kept(TILE)).toBe('public, max-age=90');
    expect(await kept('/layers/plain/0/0/0.terrain?v=v-1')).toBe('public, max-age=90');
  });

  it('are refused when the client takes no coding that there is', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    for (const path of [TILE, '/layers', '/layers/small/layer.json']) {
      const answer = await sendRaw(url, path, { headers: { 'Accept-Encoding': 'identity;q=0, br' } });
      expect(answer.status).toBe(406);
      expect(errorOf(answer).code).toBe('not-acceptable');
      expect(answer.headers['access-control-allow-origin']).toBe('*');
    }
  });

  it('can be asked about with HEAD', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    for (const path of [TILE, '/layers', '/layers/small/layer.json', '/healthz', '/']) {
      const get = await sendRaw(url, path);
      const head = await sendRaw(url, path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      for (const name of ['content-length', 'content-type', 'etag', 'vary']) {
        expect(head.headers[name], `${name} of ${path}`).toBe(get.headers[name]);
      }
    }
    expect((await sendRaw(url, '/layers/small/1/0/0.terrain', { method: 'HEAD' })).status).toBe(404);
  });

  it('are shared by requests at the same time', async () => {
    const gate = deferred();
    const inner = handMadeLayer();
    let calls = 0;
    const make = async (...parameters: Parameters<typeof inner.make>) => {
      calls++;
      await gate.promise;
      return inner.make(...parameters);
    };
    let asked = 0;
    const etag = (...parameters: Parameters<typeof inner.etag>) => {
      asked++;
      if (asked === 20) setImmediate(gate.resolve);
      return inner.etag(...parameters);
    };
    const { url } = await serve({ layers: layersOf(handMadeLayer('small', { make, etag })) });
    const bodies = await Promise.all(Array.from({ length: 20 }, async () => (await sendRaw(url, TILE)).body));
    for (const body of bodies) expect(body).toEqual(bare);
    expect(calls).toBe(1);
  });

  it('are given up when the client goes', async () => {
    const stopped = deferred();
    const started = deferred();
    const entries: AccessEntry[] = [];
    const faults: unknown[] = [];
    const make = (_id: unknown, _variant: unknown, { signal }: { signal?: AbortSignal | undefined } = {}) =>
      new Promise<Uint8Array>((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          stopped.resolve();
          reject(signal.reason);
        });
        started.resolve();
      });
    const { url, close } = await serve({
      layers: layersOf(handMadeLayer('small', { make })),
      log: (entry) => entries.push(entry),
      report: (error) => faults.push(error),
    });
    const going = new AbortController();
    const answer = fetch(url + TILE, { signal: going.signal });
    await started.promise;
    going.abort();
    await expect(answer).rejects.toThrow();
    await stopped.promise;
    await close();
    expect(entries).toMatchObject([{ url: TILE, aborted: true }]);
    expect(faults).toEqual([]);
  });
});

describe('addresses', () => {
  it('that are not canonical get 400 or 404 as JSON, and never reach a layer', async () => {
    const layer = handMadeLayer();
    const { url } = await serve({ layers: layersOf(layer) });
    const numbers = [
      '-1',
      '-0',
      '+0',
      '00',
      '01',
      '1e0',
      '0x0',
      '0.0',
      '0.',
      ' 0',
      '0 ',
      '٠',
      'NaN',
      'Infinity',
      '0,0',
    ];
    const paths: [string, number][] = [
      ...numbers.flatMap((n): [string, number][] => [
        [`/layers/small/${encodeURI(n)}/0/0.terrain`, 400],
        [`/layers/small/0/${encodeURI(n)}/0.terrain`, 400],
        [`/layers/small/0/0/${encodeURI(n)}.terrain`, 400],
      ]),
      ['/layers/small/0/0/.terrain', 400],
      ['/layers/small/99999999999/0/0.terrain', 400],
      ['/layers/small/0/2/0.terrain', 404],
      ['/layers/small/0/0/1.terrain', 404],
      ['/layers/small/31/0/0.terrain', 404],
      ['/layers/small/99/0/0.terrain', 404],
      ['/layers/small/9999999999/0/0.terrain', 404],
      ['/layers/small/0/0/0.png', 404],
      ['/layers/small/0/0/0.terrain/', 404],
      ['/layers/small/0/0/0.TERRAIN', 404],
      ['/layers/small/0/0/0', 404],
      ['/layers/small/0/0', 404],
      ['/layers//0/0/0.terrain', 404],
      ['/layers/small//0/0.terrain', 404],
      ['/Layers/small/0/0/0.terrain', 404],
      ['/layers/SMALL/0/0/0.terrain', 404],
      ['/layers/', 404],
      ['/layers/small/', 404],
      ['/layers/small/layer.json/', 404],
      ['/layers/small/LAYER.json', 404],
      ['//layers', 404],
      ['/layers/__proto__', 404],
      ['/layers/constructor/layer.json', 404],
      ['/layers/__proto__/0/0/0.terrain', 404],
      ['/layers/%73mall', 400],
      [`/layers/${'%73'.repeat(200)}mall`, 400],
      ['/layers/small/%30/0/0.terrain', 400],
      ['/layers/small/0/0/0%2eterrain', 400],
      ['/layers/small/0/0/0.terrain%00', 400],
      ['/layers/%2e%2e/small', 400],
      ['/layers/..%2f..%2fetc%2fpasswd', 400],
      ['/layers/%2e%2e%5c', 400],
      ['/layers/%ff', 400],
      ['/layers/%', 400],
      ['/layers/../../etc/passwd', 404],
      ['/layers/small/..\\..\\x/0/0.terrain', 400],
      ['/%2e%2e/%2e%2e/etc/passwd', 404],
      ['/%ff', 404],
      ['/%00', 404],
      ['/nothing', 404],
      ['/LAYERS', 404],
      ['/healthz/', 404],
    ];
    for (const [path, status] of paths) {
      const answer = await sendRaw(url, path);
      expect(answer.status, path).toBe(status);
      const error = errorOf(answer);
      expect(['address-invalid', 'not-found'], path).toContain(error.code);
      expect(answer.body.toString(), path).not.toMatch(/\bat .*\.[tj]s:\d+|node_modules|<html/i);
      expect(answer.headers['access-control-allow-origin'], path).toBe('*');
      expect(answer.headers['x-content-type-options'], path).toBe('nosniff');
      expect(answer.headers['cache-control'], path).toBe('no-store');
    }
    expect(layer.made).toEqual([]);
  });

  it('carry queries that nobody minds', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    for (const query of ['?v=%ff', '?extensions=%', '?extensions[a]=b', '?__proto__=x', '?%00', '?a=1&a=2', '?']) {
      expect((await sendRaw(url, TILE + query)).status, query).toBe(200);
    }
  });
});

describe('errors', () => {
  it('of layers become JSON by one table, and tell nothing of this machine', async () => {
    const reported: unknown[] = [];
    const failing = (error: unknown) =>
      handMadeLayer('small', {
        make: async () => {
          throw error;
        },
      });
    const secret = { where: '/home/someone/secret.tif' };
    for (const [error, status, code] of [
      [new RelievoError('busy', 'full', secret), 503, 'busy'],
      [new RelievoError('input-invalid', 'broken /home/someone/secret.tif', secret), 500, 'input-invalid'],
      [new RelievoError('input-missing', 'gone /home/someone/secret.tif', secret), 500, 'input-missing'],
      [new RelievoError('not-found', 'no such tile'), 404, 'not-found'],
      [new TypeError('secret is not a function'), 500, 'internal'],
      ['a secret string', 500, 'internal'],
    ] as const) {
      reported.length = 0;
      const { url } = await serve({ layers: layersOf(failing(error)), report: (fault) => reported.push(fault) });
      const answer = await sendRaw(url, TILE);
      expect(answer.status).toBe(status);
      expect(errorOf(answer).code).toBe(code);
      expect(errorOf(answer).where).not.toContain('secret');
      expect(answer.body.toString()).not.toMatch(/secret|\.ts:/);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['retry-after']).toBe(code === 'busy' ? '2' : undefined);
      for (const header of ['etag', 'content-encoding']) expect(answer.headers[header]).toBeUndefined();
      expect(reported).toEqual(status === 500 ? [error] : []);
    }
  });

  it('are not kept: the next request tries again', async () => {
    const inner = handMadeLayer();
    let calls = 0;
    const make = async (...parameters: Parameters<typeof inner.make>) => {
      calls++;
      if (calls === 1) throw new Error('once');
      return inner.make(...parameters);
    };
    const { url } = await serve({ layers: layersOf(handMadeLayer('small', { make })), ...silent });
    expect((await sendRaw(url, TILE)).status).toBe(500);
    expect((await sendRaw(url, TILE)).body).toEqual(bare);
  });

  it('meet other methods with 405 and what is allowed', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
      for (const path of [TILE, '/layers', '/', '/nothing']) {
        const answer = await sendRaw(url, path, { method });
        expect(answer.status).toBe(405);
        expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
        expect(errorOf(answer).code).toBe('method-not-allowed');
      }
    }
  });

  it('meet a flood of headers with 431', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    const answer = await sendRaw(url, TILE, { headers: { 'X-Flood': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
    expect((await sendRaw(url, TILE)).status).toBe(200);
  });
});

describe('other sites', () => {
  it('may read everything, and preflights are answered', async () => {
    const { url } = await serve({ layers: layersOf(handMadeLayer()) });
    const headers = { Origin: 'https://globe.example', 'Access-Control-Request-Method': 'GET' };
    for (const path of [TILE, '/layers', '/nothing']) {
      const answer = await sendRaw(url, path, { method: 'OPTIONS', headers });
      expect(answer.status).toBe(204);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, HEAD, OPTIONS',
        'access-control-allow-headers': '*',
        allow: 'GET, HEAD, OPTIONS',
      });
    }
    const tile = await sendRaw(url, TILE, { headers });
    expect(tile.headers['access-control-allow-origin']).toBe('*');
    expect(tile.headers['access-control-expose-headers']).toBe('ETag, Retry-After');
  });

  it('may be narrowed to one, or left to a proxy', async () => {
    const one = await serve({ layers: layersOf(handMadeLayer()), corsOrigin: 'https://globe.example' });
    expect((await sendRaw(one.url, TILE)).headers['access-control-allow-origin']).toBe('https://globe.example');
    const none = await serve({ layers: layersOf(handMadeLayer()), corsOrigin: false });
    expect((await sendRaw(none.url, TILE)).headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await sendRaw(none.url, TILE, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toBeUndefined();
  });
});

describe('health', () => {
  it('says that the server answers, and by its own word whether it is ready', async () => {
    let isReady = false;
    const { url } = await serve({ layers: layersOf(), ready: () => isReady });
    const health = await fetch(`${url}/healthz`);
    expect(health.headers.get('cache-control')).toBe('no-store');
    expect(await health.json()).toEqual({ status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    isReady = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const other = await serve({ layers: layersOf() });
    expect((await fetch(`${other.url}/readyz`)).status).toBe(404);
  });
});

describe('the page at /', () => {
  it('lists the layers when no viewer is built, with their names escaped', async () => {
    for (const viewerFolder of [undefined, temporaryFolder({ 'other.txt': '' })]) {
      const { url } = await serve({ layers: layersOf(handMadeLayer()), viewerFolder });
      const page = await fetch(`${url}/`);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      const text = await page.text();
      expect(text).toContain('Small &lt;b&gt;&amp;&lt;/b&gt; &quot;hand-made&quot;');
      expect(text).toContain(`fromUrl(&quot;${url}/layers/small&quot;`);
      expect(text).not.toContain('<b>');
      expect((await fetch(`${url}/other.txt`)).status).toBe(404);
    }
  });

  it('is the viewer when there is one', async () => {
    const files = {
      'index.html': '<!doctype html><title>viewer</title>',
      'assets/index-B3xK9_a-.js': 'js',
      'cesium/Workers/worker.js': 'worker',
      '.secret': 'secret',
      'layers/small/layer.json': 'not this one',
    };
    const outer = temporaryFolder({
      ...Object.fromEntries(Object.entries(files).map(([k, v]) => [`v/${k}`, v])),
      'x.txt': 'x',
    });
    const { url } = await serve({ layers: layersOf(handMadeLayer()), viewerFolder: `${outer}/v` });
    const index = await sendRaw(url, '/');
    expect(index.body.toString()).toContain('<title>viewer</title>');
    expect(index.headers['cache-control']).toBe('no-cache');
    const kept = async (path: string) => (await sendRaw(url, path)).headers['cache-control'];
    expect(await kept('/index.html')).toBe('no-cache');
    expect(await kept('/assets/index-B3xK9_a-.js')).toBe('public, max-age=31536000, immutable');
    expect(await kept('/cesium/Workers/worker.js')).toBe('public, max-age=86400');
    expect(JSON.parse((await sendRaw(url, '/layers/small/layer.json')).body.toString()).name).toBe('small');

    for (const path of [
      '/.secret',
      '/nothing',
      '/assets',
      '/assets/',
      '/../x.txt',
      '/%2e%2e/x.txt',
      '/..%2fx.txt',
      '/%2e%2e%2fx.txt',
    ]) {
      const answer = await sendRaw(url, path);
      expect([400, 403, 404], path).toContain(answer.status);
      expect(errorOf(answer).code, path).toMatch(/^(not-found|request-invalid)$/);
    }
    for (const path of ['/%ff', '/%00', '/a%00b', '/%']) {
      const answer = await sendRaw(url, path);
      expect([400, 404], path).toContain(answer.status);
      expect(errorOf(answer).code, path).toMatch(/^(not-found|request-invalid)$/);
    }
    const beyond = await sendRaw(url, '/index.html', { headers: { Range: 'bytes=9999-' } });
    expect(beyond.status).toBe(416);
    expect(errorOf(beyond).code).toBe('range-invalid');
  });
});

describe('the access log', () => {
  it('has one entry for each request that ended, and is off unless asked for', async () => {
    const entries: AccessEntry[] = [];
    const { url, close } = await serve({ layers: layersOf(handMadeLayer()), log: (entry) => entries.push(entry) });
    await sendRaw(url, `${TILE}?v=v-1`);
    await sendRaw(url, `${TILE}?v=v-1`);
    await sendRaw(url, '/nothing');
    await close();
    expect(entries).toMatchObject([
      { method: 'GET', url: `${TILE}?v=v-1`, status: 200, bytes: bare.length, cache: 'made', aborted: false },
      { method: 'GET', url: `${TILE}?v=v-1`, status: 200, bytes: bare.length, cache: 'hit', aborted: false },
      { method: 'GET', url: '/nothing', status: 404, cache: undefined, aborted: false },
    ]);
    for (const { milliseconds, time } of entries) {
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      expect(new Date(time).toISOString()).toBe(time);
    }
  });
});
