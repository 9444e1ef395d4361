/**
 * Height under the pointer, and at a pinned point: on-screen values come from the drawn ground, the pinned one from the
 * most detailed tile. Both heights are shown: above sea level (EGM96) and ellipsoidal.
 */
import { Cartesian2, type CesiumWidget, ScreenSpaceEventHandler, ScreenSpaceEventType } from 'cesium';
import { byId } from './dom.ts';
import { formatMetres, formatPosition } from './format.ts';
import { loadGeoid, type Undulation } from './geoid.ts';
import { type GroundPoint, groundAt, placeOnScreen, sampleHeights } from './heights.ts';

type Source = 'pointer' | 'middle' | 'pinned' | 'exact';

const WORDS: Record<Source, string> = {
  pointer: 'Under the pointer, as drawn',
  middle: 'Middle of the view, as drawn',
  pinned: 'Pinned, as drawn',
  exact: 'Pinned, exact',
};

export class Readout {
  readonly #widget: CesiumWidget;
  readonly #seaLevel = byId('sea-level', HTMLElement);
  readonly #ellipsoidal = byId('ellipsoidal', HTMLElement);
  readonly #position = byId('position', HTMLElement);
  readonly #where = byId('readout-where', HTMLElement);
  readonly #difference = byId('heights-difference', HTMLElement);
  readonly #unpin = byId('unpin', HTMLButtonElement);
  readonly #pin = byId('pin', HTMLElement);
  readonly #pinLabel = byId('pin-label', HTMLElement);
  #undulation: Undulation | undefined;
  #pinned: { readonly point: GroundPoint; readonly exact: boolean } | undefined;
  #shown: { readonly point: GroundPoint; readonly source: Source } | undefined;
  #pointer: Cartesian2 | undefined;
  #waiting = false;

  constructor(widget: CesiumWidget) {
    this.#widget = widget;
    const handler = new ScreenSpaceEventHandler(widget.canvas);
    handler.setInputAction((event: ScreenSpaceEventHandler.MotionEvent) => {
      this.#pointer = Cartesian2.clone(event.endPosition);
      this.#lookSoon();
    }, ScreenSpaceEventType.MOUSE_MOVE);
    handler.setInputAction((event: ScreenSpaceEventHandler.PositionedEvent) => {
      // Until the pointer moves again the readout tells about the pin.
      this.#pointer = undefined;
      void this.pinAt(event.position);
    }, ScreenSpaceEventType.LEFT_CLICK);
    widget.canvas.addEventListener('pointerleave', () => {
      this.#pointer = undefined;
      this.#showPinned();
    });
    widget.scene.postRender.addEventListener(() => {
      this.#placePin();
      if (this.#pointer === undefined && this.#shown?.source === 'middle') this.showMiddle();
    });
    this.#unpin.addEventListener('click', () => this.unpin());
    const help = byId('heights-help', HTMLButtonElement);
    const hint = byId('heights-hint', HTMLElement);
    help.addEventListener('click', () => {
      hint.hidden = !hint.hidden;
      help.setAttribute('aria-expanded', String(!hint.hidden));
    });
    loadGeoid().then(
      (undulation) => {
        this.#undulation = undulation;
        this.#write();
        this.#labelPin();
      },
      () => {
        this.#seaLevel.title = 'The geoid model could not be loaded; only GPS heights can be shown.';
      },
    );
  }

  /** Shows the height in the middle of the view: for those who steer with the keyboard. */
  showMiddle(): void {
    const point = groundAt(this.#widget, this.#middle());
    if (point) this.#show(point, 'middle');
  }

  /** Pins the middle of the view. */
  pinMiddle(): Promise<void> {
    return this.pinAt(this.#middle());
  }

  /** Pins the ground under a place of the canvas (CSS pixels): at once as drawn, then exactly. */
  async pinAt(place: Cartesian2): Promise<void> {
    const drawn = groundAt(this.#widget, place);
    if (drawn === undefined) {
      this.unpin();
      return;
    }
    const pinned = { point: drawn, exact: false };
    this.#setPin(pinned);
    const [height] = await sampleHeights(this.#widget, [[drawn.longitude, drawn.latitude]]).catch(() => []);
    if (this.#pinned === pinned && height !== undefined && Number.isFinite(height)) {
      this.#setPin({ point: { ...drawn, ellipsoidal: height }, exact: true });
    }
  }

  unpin(): void {
    this.#pinned = undefined;
    this.#pin.hidden = true;
    this.#unpin.hidden = true;
    this.#shown = undefined;
    this.#write();
  }

  #setPin(pinned: { readonly point: GroundPoint; readonly exact: boolean }): void {
    this.#pinned = pinned;
    this.#unpin.hidden = false;
    this.#labelPin();
    this.#showPinned();
    this.#widget.scene.requestRender();
  }

  #showPinned(): void {
    if (this.#pinned) this.#show(this.#pinned.point, this.#pinned.exact ? 'exact' : 'pinned');
    else {
      this.#shown = undefined;
      this.#write();
    }
  }

  /** Pointer moves come faster than frames. */
  #lookSoon(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      if (this.#pointer === undefined) return;
      const point = groundAt(this.#widget, this.#pointer);
      if (point) this.#show(point, 'pointer');
      else this.#showPinned();
    });
  }

  #show(point: GroundPoint, source: Source): void {
    this.#shown = { point, source };
    this.#write();
  }

  #write(): void {
    const shown = this.#shown;
    if (shown === undefined) {
      for (const field of [this.#seaLevel, this.#ellipsoidal, this.#position]) {
        field.textContent = '–';
        delete field.dataset.value;
      }
      this.#where.textContent = matchMedia('(hover: none)').matches ? 'Tap the ground' : 'Point at the ground';
      return;
    }
    const { longitude, latitude, ellipsoidal } = shown.point;
    this.#ellipsoidal.textContent = formatMetres(ellipsoidal);
    this.#ellipsoidal.dataset.value = ellipsoidal.toFixed(3);
    this.#position.textContent = formatPosition(longitude, latitude);
    this.#position.dataset.value = `${longitude.toFixed(7)},${latitude.toFixed(7)}`;
    this.#where.textContent = WORDS[shown.source];
    this.#where.dataset.source = shown.source;
    const undulation = this.#undulation?.(longitude, latitude);
    if (undulation === undefined) {
      this.#seaLevel.textContent = '…';
      return;
    }
    this.#seaLevel.textContent = formatMetres(ellipsoidal - undulation);
    this.#seaLevel.dataset.value = (ellipsoidal - undulation).toFixed(3);
    this.#difference.textContent = `Here sea level lies ${formatMetres(Math.abs(undulation))} ${undulation < 0 ? 'below' : 'above'} it.`;
  }

  #labelPin(): void {
    if (this.#pinned === undefined) return;
    const { longitude, latitude, ellipsoidal } = this.#pinned.point;
    const undulation = this.#undulation?.(longitude, latitude);
    this.#pinLabel.textContent = undulation === undefined ? '…' : formatMetres(ellipsoidal - undulation);
  }

  #placePin(): void {
    const place = this.#pinned && placeOnScreen(this.#widget, this.#pinned.point);
    this.#pin.hidden = place === undefined;
    if (place) this.#pin.style.translate = `${place.x}px ${place.y}px`;
  }

  #middle(): Cartesian2 {
    const { clientWidth, clientHeight } = this.#widget.canvas;
    return new Cartesian2(clientWidth / 2, clientHeight / 2);
  }
}
