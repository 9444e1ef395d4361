/** A page with nothing but CesiumJS, as it comes from npm: for what is drawn of tiles by a client that is not our viewer. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { REPOSITORY } from './test-data.ts';
import { ask, PATIENCE_MS } from './visit.ts';

const BUILD = join(REPOSITORY, 'node_modules/cesium/Build/Cesium');
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.json': 'application/json' };

/** What is behind everything: where it shows below the horizon there is a hole. */
const PAGE = `<!doctype html><style>
  body { margin: 0 } #globe { width: 100vw; height: 100vh }
  .cesium-widget, .cesium-widget canvas { width: 100%; height: 100% } .cesium-widget-credits { display: none }
</style><div id="globe"></div>
<script>window.CESIUM_BASE_URL = '/';</script><script src="/Cesium.js"></script><script>
Cesium.Ion.defaultAccessToken = '';
window.widget = new Cesium.CesiumWidget('globe', {
  baseLayer: false, skyBox: false, skyAtmosphere: false, requestRenderMode: false, msaaSamples: 1,
  contextOptions: { webgl: { preserveDrawingBuffer: true } },
});
const { scene } = window.widget;
scene.backgroundColor = Cesium.Color.MAGENTA;
scene.globe.baseColor = Cesium.Color.LIGHTGRAY;
scene.globe.enableLighting = true;
scene.globe.showGroundAtmosphere = false;
scene.fog.enabled = false;
window.look = (lon, lat, height, heading, pitch) => widget.camera.setView({
  destination: Cesium.Cartesian3.fromDegrees(lon, lat, height),
  orientation: { heading: Cesium.Math.toRadians(heading), pitch: Cesium.Math.toRadians(pitch), roll: 0 },
});
// From the upper left of whoever looks.
scene.preRender.addEventListener(() => {
  const { right, direction, up } = widget.camera;
  const towards = Cesium.Cartesian3.add(direction, Cesium.Cartesian3.negate(up, new Cesium.Cartesian3()), new Cesium.Cartesian3());
  scene.light = new Cesium.DirectionalLight({
    intensity: 4,
    direction: Cesium.Cartesian3.normalize(Cesium.Cartesian3.add(towards, right, towards), towards),
  });
});
window.settle = async (done) => {
  for (let quiet = 0; quiet < 5; ) {
    await new Promise((next) => requestAnimationFrame(next));
    quiet = done() ? quiet + 1 : 0;
  }
};
</script>`;

export interface CesiumPage {
  readonly page: Page;
  /** Errors on the console. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

export async function openCesiumPage(browser: Browser, size: { width: number; height: number }): Promise<CesiumPage> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    const file = join(BUILD, pathname);
    if (pathname === '/') response.setHeader('Content-Type', 'text/html').end(PAGE);
    else if (existsSync(file)) {
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(readFileSync(file));
    } else response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const page = await browser.newPage({ viewport: size });
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction('window.settle !== undefined');
  return {
    page,
    faults,
    async close() {
      await page.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Share of the canvas in which what is behind everything shows, of the rows from `top` (0..1) down. */
export function shareOfBackground(page: Page, top: number): Promise<number> {
  return ask(
    page,
    `(() => {
      const drawn = widget.canvas;
      const flat = Object.assign(document.createElement('canvas'), { width: drawn.width, height: drawn.height });
      const context = flat.getContext('2d');
      context.drawImage(drawn, 0, 0);
      const first = Math.round(drawn.height * ${top});
      const { data } = context.getImageData(0, first, drawn.width, drawn.height - first);
      let seen = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] > 180 && data[i + 1] < 90 && data[i + 2] > 180) seen++;
      return seen / (data.length / 4);
    })()`,
  );
}
