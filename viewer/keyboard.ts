/** The globe by keyboard: the canvas takes the focus, and the middle of the view stands for the pointer. */
import type { CesiumWidget } from 'cesium';
import { Math as CesiumMath } from 'cesium';
import { moveOver, turnAbout } from './camera.ts';

export interface KeyActions {
  readonly home: () => void;
  readonly north: () => void;
  readonly tilt: () => void;
  readonly pin: () => void;
  readonly unpin: () => void;
  /** After each move. */
  readonly moved: () => void;
}

const STEP = 0.12;

export function steerByKeyboard(widget: CesiumWidget, actions: KeyActions): void {
  const { canvas, camera } = widget;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute(
    'aria-label',
    'Globe. Arrow keys move, shift with arrow keys turns and tilts, plus and minus zoom, H shows the whole layer, N turns north up, Enter pins the middle of the view.',
  );
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const heading = CesiumMath.toDegrees(camera.heading);
    const pitch = CesiumMath.toDegrees(camera.pitch);
    const moves: Record<string, () => void> = event.shiftKey
      ? {
          ArrowLeft: () => turnAbout(widget, { heading: heading - 10 }, 0),
          ArrowRight: () => turnAbout(widget, { heading: heading + 10 }, 0),
          ArrowUp: () => turnAbout(widget, { pitch: pitch + 6 }, 0),
          ArrowDown: () => turnAbout(widget, { pitch: pitch - 6 }, 0),
        }
      : {
          ArrowLeft: () => moveOver(widget, -STEP, 0),
          ArrowRight: () => moveOver(widget, STEP, 0),
          ArrowUp: () => moveOver(widget, 0, STEP),
          ArrowDown: () => moveOver(widget, 0, -STEP),
        };
    const keys: Record<string, () => void> = {
      ...moves,
      '+': () => turnAbout(widget, { zoom: 0.7 }, 0),
      '=': () => turnAbout(widget, { zoom: 0.7 }, 0),
      '-': () => turnAbout(widget, { zoom: 1.4 }, 0),
      _: () => turnAbout(widget, { zoom: 1.4 }, 0),
      h: actions.home,
      n: actions.north,
      t: actions.tilt,
      Enter: actions.pin,
      Escape: actions.unpin,
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
    widget.scene.requestRender();
    actions.moved();
  });
}
