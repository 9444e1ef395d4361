/** quality.json over HTTP: of built layers that have one, with tags and for all origins; the list of layers tells it in short. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LayerSummary } from '../../server/routes/layers.ts';
import type { QualityJson } from '../../tiler/catalog/quality-json.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import { buildForTest } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { errorOf, handMadeLayer, layersOf, sendRaw, serve } from './serve.ts';

describe('quality.json of the server', { timeout: 60_000 }, () => {
  it('is sent as it was written, asked for by tag, and told in short', async () => {
    const { out } = await buildForTest(MAUI_SHEETS, { options: { maxZoom: 5 } });
    const written: QualityJson = JSON.parse(readFileSync(join(out, 'quality.json'), 'utf8'));
    const { url } = await serve({
      layers: layersOf(await openBuiltLayer(out, { name: 'maui' }), handMadeLayer('small')),
    });

    const answer = await sendRaw(url, '/layers/maui/quality.json');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual(written);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const tag = answer.headers.etag ?? '';
    expect(tag).toMatch(/^".+"$/);
    const again = await sendRaw(url, '/layers/maui/quality.json', { headers: { 'If-None-Match': tag } });
    expect([again.status, again.body.length]).toEqual([304, 0]);

    const list = (await (await fetch(`${url}/layers`)).json()) as LayerSummary[];
    const [maui, small] = list;
    expect(maui?.quality).toEqual({
      maxErrorRatio: written.maxErrorRatio,
      certified: written.certified,
      measured: { level: 5, rmsMetres: written.levels[5]?.measured?.rms },
    });
    expect(maui?.addresses.qualityJson).toMatch(/\/layers\/maui\/quality\.json$/);
    expect(small).not.toHaveProperty('quality');
    expect(small?.addresses).not.toHaveProperty('qualityJson');
    const none = await sendRaw(url, '/layers/small/quality.json');
    expect(none.status).toBe(404);
    expect(errorOf(none).message).toContain('on demand');
  });

  it('is not believed when it belongs to other tiles, and refused when it is broken', async () => {
    const { out } = await buildForTest(MAUI_SHEETS, { options: { maxZoom: 3 } });
    const path = join(out, 'quality.json');
    const written: QualityJson = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...written, layer: { ...written.layer, version: 'another' } }));
    expect((await openBuiltLayer(out, { name: 'maui' })).quality).toBeUndefined();
    writeFileSync(path, '{ "schema": 1,');
    await expect(openBuiltLayer(out, { name: 'maui' })).rejects.toMatchObject({ code: 'input-invalid', where: path });
  });
});
