/** Tells when all that is in view has been loaded and drawn: for tests and for pictures of the page. */
import type { CesiumWidget } from 'cesium';

/** Frames in a row without anything left to load; one alone comes between two levels. */
const QUIET_FRAMES = 8;

/** Resolves when nothing is left to load; rejects after `limitMs`. */
export function whenSettled(widget: CesiumWidget, limitMs: number): Promise<void> {
  const { scene } = widget;
  return new Promise((resolve, reject) => {
    let quiet = 0;
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`tiles were still loading after ${limitMs} ms`));
    }, limitMs);
    const stop = scene.postRender.addEventListener(() => {
      quiet = scene.globe.tilesLoaded ? quiet + 1 : 0;
      if (quiet >= QUIET_FRAMES) {
        clearTimeout(timer);
        stop();
        resolve();
      } else {
        requestAnimationFrame(() => scene.requestRender());
      }
    });
    scene.requestRender();
  });
}
