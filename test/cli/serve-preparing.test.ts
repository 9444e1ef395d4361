/** `relievo serve` while its sources are being prepared: ready or not, which tiles can be had, and what a stop leaves. */
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import { pickSome } from '../../tiler/verify/random.ts';
import { relievo, relievoServe } from '../support/command.ts';
import { gdalTranslate, HAS_GDAL } from '../support/gdal.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTileFolder } from '../support/tile-folder.ts';

const [SHEET] = MAUI_SHEETS;
const NORMALS = { accept: 'application/vnd.quantized-mesh;extensions=octvertexnormals,*/*;q=0.01' };

/** The tile of a level in which a place lies. */
function tileAt(z: number, lon: number, lat: number) {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

/** Holds a file of overviews as if another process, which is this one, were at work on it; ends with the function given back. */
function holdWork(cache: string, file: string): () => void {
  const host = hostname().replace(/[^A-Za-z0-9-]/g, '-');
  const part = join(cache, 'overviews', `${file}.${host}.${process.pid}.held-0.part`);
  writeFileSync(part, '');
  const beat = setInterval(() => utimesSync(part, new Date(), new Date()), 1000);
  const letGo = () => {
    clearInterval(beat);
    rmSync(part, { force: true });
  };
  onTestFinished(letGo);
  return letGo;
}

async function readiness(url: string) {
  const { status, headers, ...answer } = await fetch(`${url}/readyz`).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { prepared: number },
  }));
  return { status, retryAfter: headers.get('retry-after'), prepared: answer.body.prepared };
}

describe('relievo serve, preparing', () => {
  it.runIf(HAS_GDAL)('listens at once, has what needs no overview, and has all when it is ready', async () => {
    const folder = temporaryFolder();
    const [source, cache, out] = ['west.tif', 'cache', 'out'].map((name) => join(folder, name));
    // Slopes of Haleakala without a void.
    const window = ['-srcwin', '2000', '500', '700', '600'];
    gdalTranslate(`/vsizip/${SHEET}/${basename(SHEET, '.zip')}`, source, window);
    const built = await relievo(['build', source, '--out', out, '--cache', cache, '--json']);
    expect(built.code, built.stderr).toBe(0);
    const prepared = JSON.parse((await relievo(['prepare', source, '--cache', cache, '--json'])).stdout);
    const file = basename(prepared.files[0].file);
    rmSync(join(cache, 'overviews'), { recursive: true });
    await relievo(['prepare', source, '--cache', cache]);
    rmSync(join(cache, 'overviews', file));
    const letGo = holdWork(cache, file);

    const server = await relievoServe([source, '--cache', cache]);
    onTestFinished(async () => void (await server.stop()));
    const early = await readiness(server.url);
    expect(early).toEqual({ status: 503, retryAfter: '5', prepared: 0 });
    const layer = `${server.url}/layers/west`;
    const document = (await (await fetch(`${layer}/layer.json`)).json()) as LayerJson;
    const tile = ({ z, x, y }: { z: number; x: number; y: number }) =>
      fetch(`${layer}/${z}/${x}/${2 ** z - 1 - y}.terrain`, { headers: NORMALS });
    const middle = { lon: -157 + 2350 / 3600, lat: 21 - 800 / 3600 };
    const native = tileAt(document.maxzoom, middle.lon, middle.lat);
    expect((await tile(native)).status).toBe(200);

    const late = await tile(tileAt(8, middle.lon, middle.lat));
    expect(late.status).toBe(503);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(((await late.json()) as { error: { code: string } }).error.code).toBe('busy');
    expect((await readiness(server.url)).status).toBe(503);

    const waiting = tile(tileAt(9, middle.lon, middle.lat));
    expect((await tile({ ...native, x: native.x + 1 })).status).toBe(200);
    letGo();
    expect((await waiting).status).toBe(200);
    let now = await readiness(server.url);
    while (now.status !== 200) now = await readiness(server.url);
    expect(now).toEqual({ status: 200, retryAfter: null, prepared: 1 });

    const tileset = openTileFolder(out);
    const coarse = tileset.tiles.filter(({ z }) => z < 11);
    const fine = tileset.tiles.slice(coarse.length);
    for (const id of [...coarse, ...pickSome(fine, 60, 4)]) {
      const answer = await tile(id);
      expect([id, answer.status]).toEqual([id, 200]);
      const same = gunzipSync(tileset.read(id) ?? new Uint8Array()).equals(Buffer.from(await answer.arrayBuffer()));
      expect([id, same]).toEqual([id, true]);
    }
    const { code, stderr } = await server.stop();
    expect(code).toBe(0);
    expect(stderr).toBe(`The same is being prepared by process ${process.pid}; waiting for it.\n`);
  });

  it('says how much is there while it makes it', async () => {
    const cache = temporaryFolder();
    const server = await relievoServe([SHEET, '--cache', cache]);
    onTestFinished(async () => void (await server.stop()));
    const shares: number[] = [];
    for (;;) {
      const { status, prepared } = await readiness(server.url);
      shares.push(prepared);
      if (status === 200) break;
    }
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(new Set(shares).size).toBeGreaterThan(4);
    expect([shares[0] < 1, shares.at(-1)]).toEqual([true, 1]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stopped by %s on its way, leaves nothing half made', async (signal) => {
    const cache = temporaryFolder();
    const server = await relievoServe([...MAUI_SHEETS, '--outside', 'sea-level', '--cache', cache]);
    while ((await readiness(server.url)).prepared < 0.1);
    expect(readdirSync(join(cache, 'overviews'))).toEqual([expect.stringMatching(/\.part$/)]);
    // Somebody waits for a tile of it.
    const waiting = fetch(`${server.url}/layers/n20w157/5/4/19.terrain`).then(({ status }) => status);
    await readiness(server.url);
    const { code, stderr } = await server.stop(signal);
    expect([code, stderr, await waiting]).toEqual([0, '', 503]);
    expect(readdirSync(join(cache, 'overviews'))).toEqual([]);
  });
});
