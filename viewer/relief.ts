/** Draws the relief as its state says: exaggeration, light, colours and contour lines. */
import type { CesiumWidget, Material } from 'cesium';
import { groundInMiddle, type Bounds } from './camera.ts';
import type { Undulation } from './geoid.ts';
import { roundDownNicely } from './format.ts';
import type { ReliefState } from './page-api.ts';
import { createReliefMaterial, paintRelief, placeRelief } from './relief-material.ts';
import { Cartesian3 } from 'cesium';

/** What the relief is about: a layer's ground. */
export interface ReliefSubject {
  readonly bounds: Bounds;
  /** Least and greatest height in metres above the ellipsoid. */
  readonly heights: readonly [number, number];
}

/** From which to which height above sea level the colours run. */
export interface ColourRange {
  readonly low: number;
  readonly high: number;
}

export class Relief {
  readonly #widget: CesiumWidget;
  readonly #material: Material;
  #state: ReliefState;
  #range: ColourRange | undefined;
  #spacing = 0;

  constructor(widget: CesiumWidget, state: ReliefState) {
    this.#widget = widget;
    this.#material = createReliefMaterial();
    this.#state = state;
    widget.camera.percentageChanged = 0.05;
    widget.camera.changed.addEventListener(() => this.#paint());
    widget.camera.moveEnd.addEventListener(() => this.#paint());
  }

  get state(): ReliefState {
    return this.#state;
  }

  /** Metres between the contour lines that are drawn now; 0 for none. */
  get spacing(): number {
    return this.#spacing;
  }

  set(state: ReliefState): void {
    this.#state = state;
    this.#paint();
  }

  /** Sets colours and lines on a layer's ground; undefined takes them off. Returns the heights that the colours span. */
  place(subject: ReliefSubject | undefined, undulation: Undulation): ColourRange | undefined {
    if (subject === undefined) {
      this.#range = undefined;
      this.#widget.scene.verticalExaggerationRelativeHeight = 0;
    } else {
      const [west, south, east, north] = subject.bounds;
      const middle = west + (east > west ? east - west : east - west + 360) / 2;
      const fixed = undulation(middle > 180 ? middle - 360 : middle, (south + north) / 2);
      // Exaggeration grows from sea level, so that a coast stays where it is.
      this.#widget.scene.verticalExaggerationRelativeHeight = fixed;
      const low = subject.heights[0] - fixed;
      const high = subject.heights[1] - fixed;
      // A layer that reaches down to the sea has its colours from there.
      this.#range = { low: low < Math.max(2, (high - low) * 0.02) ? 0 : low, high: Math.max(high, low + 1, 1) };
      placeRelief(this.#material, { bounds: subject.bounds, ...this.#range, undulation });
    }
    this.#paint();
    return this.#range;
  }

  #paint(): void {
    const { scene } = this.#widget;
    const { globe } = scene;
    const { exaggeration, shading, colours, contours, contourInterval } = this.#state;
    scene.verticalExaggeration = exaggeration;
    globe.enableLighting = shading;
    const placed = this.#range !== undefined;
    this.#spacing = placed && contours ? contourInterval || this.#spacingForView() : 0;
    if (placed && (colours || contours)) {
      paintRelief(this.#material, {
        tint: colours ? 1 : 0,
        spacing: this.#spacing,
        exaggeration,
        fixedHeight: scene.verticalExaggerationRelativeHeight,
      });
      if (globe.material !== this.#material) globe.material = this.#material;
    } else if (globe.material !== undefined) {
      Reflect.set(globe, 'material', undefined);
    }
    scene.requestRender();
  }

  /** A round interval that leaves room between lines on middling slopes. */
  #spacingForView(): number {
    const middle = groundInMiddle(this.#widget);
    const distance = middle ? Cartesian3.distance(this.#widget.camera.positionWC, middle) : 1e6;
    const most = this.#range ? (this.#range.high - this.#range.low) / 4 : Number.POSITIVE_INFINITY;
    return roundDownNicely(Math.max(Math.min(distance / 250, most), 1));
  }
}
