/** Starts the page, or says why this browser cannot, and hands its parts to scripts and tests as `window.relievo`. */
import type { CesiumWidget } from 'cesium';
import 'cesium/Build/Cesium/Widgets/CesiumWidget/CesiumWidget.css';
import { byId } from './dom.ts';
import { createGlobe, hasWebGl } from './globe.ts';
import { placeOnScreen, sampleHeights } from './heights.ts';
import { Page } from './page.ts';
import type { RelievoPage } from './page-api.ts';
import { whenSettled } from './settled.ts';
import { showNotice } from './status.ts';

declare global {
  interface Window {
    relievo?: RelievoPage;
  }
}

const light = new URLSearchParams(location.search).get('light') === '1';

function start(): void {
  if (!hasWebGl()) {
    showNotice({
      title: 'This browser cannot draw the globe',
      text: 'Relievo needs WebGL 2, which is missing or switched off here. A current Chrome, Edge, Firefox or Safari with hardware acceleration has it.',
      closable: false,
    });
    return;
  }
  let widget: CesiumWidget;
  try {
    widget = createGlobe(byId('globe', HTMLElement), byId('credits', HTMLElement), { light });
  } catch {
    showNotice({
      title: 'The globe could not be started',
      text: 'The graphics of this computer refused. Closing other pages that draw in 3D may help.',
      retry: () => location.reload(),
    });
    return;
  }
  const page = new Page(widget, {
    flight: light || matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 2.2,
  });
  window.relievo = {
    viewer: widget,
    ready: page.start(),
    state: () => page.state,
    sampleHeights: (points) => sampleHeights(widget, points),
    toScreen: ([longitude, latitude], ellipsoidal) => {
      const place = placeOnScreen(widget, { longitude, latitude, ellipsoidal });
      return place && { x: place.x, y: place.y };
    },
    settled: (limitMs) => whenSettled(widget, limitMs),
  };
}

start();
