/** Draws the relief as its state says: exaggeration, light, colours and contour lines. */
import { Cartesian3, type CesiumWidget, type Material } from 'cesium';
import { type Bounds, groundInMiddle } from './camera.ts';
import { roundDownNicely, roundUpNicely } from './format.ts';
import type { Undulation } from './geoid.ts';
import type { ReliefState } from './page-api.ts';
import { createReliefMaterial, paintRelief, placeRelief } from './relief-material.ts';
import type { Survey } from './survey.ts';

/** What the relief is about: a layer's ground. */
export interface ReliefSubject {
  readonly bounds: Bounds;
  /** undefined when nothing is known of it. */
  readonly survey: Survey | undefined;
  /** Whether its water masks tell land and sea apart everywhere. */
  readonly maskKnowsLand: boolean;
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
      const { points = [], highest = 0 } = subject.survey ?? {};
      const { bounds, maskKnowsLand } = subject;
      const heights = points.map(
        ({ longitude, latitude, ellipsoidal }) => ellipsoidal - undulation(longitude, latitude),
      );
      const lowest = heights.reduce((a, b) => Math.min(a, b), highest - fixed);
      const high = Math.max(highest - fixed, lowest + 1);
      // A layer that reaches down to the sea has its colours from there.
      const low = lowest < Math.max(3, (high - lowest) * 0.02) ? 0 : lowest;
      const span = roundUpNicely(Math.max(high - low, 1));
      const step = span / 10;
      this.#range = { low: Math.floor(low / step) * step, high: Math.ceil(high / step) * step };
      const border = heights.filter((_, i) => points[i]?.atBorder);
      const amidSea = border.filter((height) => height < 3).length > border.length * 0.55;
      placeRelief(this.#material, { bounds, ...this.#range, undulation, amidSea, maskKnowsLand });
    }
    this.#paint();
    return this.#range;
  }

  #paint(): void {
    const { scene } = this.#widget;
    const { globe } = scene;
    const { exaggeration, shading, water, colours, contours, contourInterval } = this.#state;
    scene.verticalExaggeration = exaggeration;
    globe.enableLighting = shading;
    globe.showWaterEffect = water;
    const placed = this.#range !== undefined;
    this.#spacing = placed && contours ? contourInterval || this.#spacingForView() : 0;
    if (placed && (colours || contours)) {
      paintRelief(this.#material, {
        tint: colours ? 1 : 0,
        waves: water,
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
    return roundDownNicely(Math.max(Math.min(distance / 150, most), 1));
  }
}
