/** A tileset from an address is the tileset from the file; what it costs; and that no secret of the address gets out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { buildForTest, specOf } from '../support/build-tileset.ts';
import { type RangeFault, startRangeServer } from '../support/range-server.ts';
import { describeWithData } from '../support/test-data.ts';

const tilesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.terrain'))
    .sort();

async function serve(path: string, latencyMs: number, plan?: (request: number) => RangeFault | undefined) {
  const file = { bytes: readFileSync(path), etag: '"1"' };
  const server = await startRangeServer({ '/data/dem.tif': file }, { latencyMs, ...(plan && { plan }) });
  onTestFinished(() => server.close());
  return Object.assign(server, { address: `${server.url}/data/dem.tif` });
}

describeWithData('tiles of a COG at an address', ['geotiff/swiss_lv95_float32_cog.tif'], (path) => {
  it('are those of the file, with threads, latency and faults too', async () => {
    const server = await serve(path, 50, (n) =>
      n % 5 === 3 ? 'drop-in-body' : n % 7 === 5 ? { status: 503 } : undefined,
    );
    const options = { options: { maxZoom: 15 } };
    const [there, here] = [
      await buildForTest([`${server.address.replace('//', '//me:hush@')}?signature=hush`], { ...options, threads: 2 }),
      await buildForTest([path], options),
    ];
    const names = tilesIn(here.out);
    expect(names.length).toBeGreaterThan(20);
    expect(tilesIn(there.out)).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(there.out, name)).equals(readFileSync(join(here.out, name)))).toBe(true);
    }
    expect(JSON.stringify(there.report)).not.toContain('hush');
    const document = readFileSync(join(there.out, 'layer.json'), 'utf8');
    expect(document).not.toContain('hush');
    expect(JSON.parse(document).relievo.sources).toEqual(['dem.tif']);
  });
});

describeWithData('the first tile', ['derived/maui_srtm1_int16_cog_bigtiff.tif'], (path) => {
  it('costs the requests that opening and its own blocks cost', async () => {
    const server = await serve(path, 50);
    const maker = await openTerrainMaker(specOf([server.address]));
    onTestFinished(() => maker.close());
    expect(server.asked.length).toBe(1);
    await maker.makeTile({ z: 14, x: 2153, y: 6290 });
    const bytes = server.asked.reduce((sum, one) => sum + one.bytes, 0);
    expect(server.asked.length).toBeLessThanOrEqual(3);
    expect(bytes).toBeLessThan(2 ** 19);
  });
});
