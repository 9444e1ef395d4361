/** The settings panel: folded or not, and what it leaves of the canvas. */
import { byId } from './dom.ts';

/** Below this width of the window in CSS pixels the panel is a sheet at the bottom. */
const NARROW = '(max-width: 760px)';

export function setUpPanel(): void {
  const panel = byId('panel', HTMLElement);
  const toggle = byId('panel-toggle', HTMLButtonElement);
  const narrow = matchMedia(NARROW);
  const fold = (folded: boolean) => {
    panel.toggleAttribute('data-folded', folded);
    document.body.toggleAttribute('data-panel-open', !folded);
    toggle.setAttribute('aria-expanded', String(!folded));
  };
  fold(narrow.matches);
  narrow.addEventListener('change', () => fold(narrow.matches));
  toggle.addEventListener('click', () => fold(!panel.hasAttribute('data-folded')));
}

/** Part of the canvas that panels leave free, in CSS pixels, with some air around it. */
export function freeArea(canvas: HTMLCanvasElement): { left: number; top: number; right: number; bottom: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const panel = byId('panel', HTMLElement).getBoundingClientRect();
  const readout = byId('readout', HTMLElement).getBoundingClientRect();
  const air = Math.min(width, height) * 0.03;
  if (matchMedia(NARROW).matches) {
    const bottom = Math.min(panel.top, readout.height > 0 ? readout.top : panel.top);
    return { left: air, top: air, right: width - air, bottom: Math.max(bottom - air, height * 0.4) };
  }
  return { left: panel.right + air, top: air, right: width - 2 * air, bottom: readout.top - air };
}
