/** Camera buttons, compass, scale bar and the link to the view. */
import type { CesiumWidget } from 'cesium';
import { Math as CesiumMath } from 'cesium';
import { metresPerPixel, OBLIQUE, turnAbout } from './camera.ts';
import { byId } from './dom.ts';
import { formatLength, roundDownNicely } from './format.ts';
import { showToast } from './status.ts';

/** Greatest length of the scale bar in CSS pixels. */
const SCALE_WIDTH = 110;

export interface NavActions {
  readonly home: () => void;
  /** The address of the page as it is now. */
  readonly link: () => string;
  /** Seconds that camera moves take. */
  readonly duration: number;
}

export interface NavMoves {
  readonly north: () => void;
  readonly tilt: () => void;
}

export function setUpNav(widget: CesiumWidget, actions: NavActions): NavMoves {
  const { camera, scene } = widget;
  const { duration } = actions;
  const compass = byId('compass', HTMLButtonElement);
  const tilt = byId('tilt', HTMLButtonElement);
  const needle = compass.querySelector('svg');
  const isOblique = () => CesiumMath.toDegrees(camera.pitch) > -80;
  const moves: NavMoves = {
    north: () => turnAbout(widget, { heading: 0 }, duration),
    tilt: () => turnAbout(widget, { pitch: isOblique() ? -90 : OBLIQUE }, duration),
  };
  byId('zoom-in', HTMLButtonElement).addEventListener('click', () => turnAbout(widget, { zoom: 0.5 }, duration / 2));
  byId('zoom-out', HTMLButtonElement).addEventListener('click', () => turnAbout(widget, { zoom: 2 }, duration / 2));
  compass.addEventListener('click', moves.north);
  tilt.addEventListener('click', moves.tilt);
  byId('home', HTMLButtonElement).addEventListener('click', actions.home);
  byId('share', HTMLButtonElement).addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(actions.link());
      showToast('Link to this view copied');
    } catch {
      showToast('Copy the address of this page: it shows this view');
    }
  });

  let drawn = '';
  scene.postRender.addEventListener(() => {
    const heading = CesiumMath.toDegrees(camera.heading);
    const now = `${heading.toFixed(1)} ${isOblique()}`;
    if (now === drawn) return;
    drawn = now;
    if (needle) needle.style.rotate = `${-heading}deg`;
    tilt.setAttribute('aria-pressed', String(isOblique()));
  });
  const scale = () => drawScale(widget);
  camera.changed.addEventListener(scale);
  camera.moveEnd.addEventListener(scale);
  return moves;
}

function drawScale(widget: CesiumWidget): void {
  const chip = byId('scale', HTMLElement);
  const metres = metresPerPixel(widget);
  chip.hidden = metres === undefined || !(metres < 20_000);
  if (metres === undefined || chip.hidden) return;
  const length = roundDownNicely(metres * SCALE_WIDTH);
  byId('scale-label', HTMLElement).textContent = formatLength(length);
  byId('scale-bar', HTMLElement).style.width = `${length / metres}px`;
}
