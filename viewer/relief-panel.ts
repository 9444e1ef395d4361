/** The controls of the relief: exaggeration, light, colours with their legend, contour lines. */
import type { LayerEntry } from './api.ts';
import { byId } from './dom.ts';
import { formatWholeMetres } from './format.ts';
import type { ReliefState } from './page-api.ts';
import type { ColourRange } from './relief.ts';
import { rampAsCss } from './relief-material.ts';

export class ReliefPanel {
  readonly #exaggeration = byId('exaggeration', HTMLInputElement);
  readonly #factor = byId('exaggeration-value', HTMLOutputElement);
  readonly #shading = byId('shading', HTMLInputElement);
  readonly #water = byId('water', HTMLInputElement);
  readonly #colours = byId('colours', HTMLInputElement);
  readonly #contours = byId('contours', HTMLInputElement);
  readonly #interval = byId('contour-interval', HTMLSelectElement);
  readonly #legend = byId('legend', HTMLElement);
  #range: ColourRange | undefined;
  /** What the reader wants, while the layer has no water too. */
  #wantsWater = true;

  constructor(onChange: (state: ReliefState) => void) {
    byId('legend-ramp', HTMLElement).style.background = rampAsCss();
    const changed = () => {
      const state = this.#read();
      this.show(state);
      onChange(state);
    };
    this.#exaggeration.addEventListener('input', changed);
    for (const control of [this.#shading, this.#water, this.#colours, this.#contours, this.#interval]) {
      control.addEventListener('change', changed);
    }
  }

  /** Sets the controls. */
  show(state: ReliefState): void {
    this.#exaggeration.value = String(state.exaggeration);
    this.#exaggeration.style.setProperty('--part', `${((state.exaggeration - 1) / 4) * 100}%`);
    this.#factor.textContent = state.exaggeration === 1 ? 'true to scale' : `${state.exaggeration}×`;
    this.#shading.checked = state.shading;
    this.#wantsWater = state.water;
    this.#water.checked = state.water && !this.#water.disabled;
    this.#colours.checked = state.colours;
    this.#contours.checked = state.contours;
    const interval = String(state.contourInterval);
    if (![...this.#interval.options].some(({ value }) => value === interval)) {
      this.#interval.add(new Option(`${interval} m`, interval));
    }
    this.#interval.value = interval;
    byId('contour-field', HTMLElement).hidden = !state.contours;
    this.#legend.hidden = !state.colours || this.#range === undefined;
  }

  /** The switch of the water works where the layer says where water is; undefined: no layer. Else a sentence says why not. */
  offerWater(layer: LayerEntry | undefined): void {
    const known = layer?.extensions.includes('watermask') === true;
    this.#water.disabled = !known;
    this.#water.checked = known && this.#wantsWater;
    const hint = byId('water-hint', HTMLElement);
    hint.hidden = known;
    hint.textContent = layer
      ? 'The tiles of this layer do not say where water is: they have no water mask.'
      : 'The smooth globe has no water mask.';
  }

  /** Writes the heights that the colours span; undefined when there is nothing to colour. */
  showRange(range: ColourRange | undefined): void {
    this.#range = range;
    this.#legend.hidden = !this.#colours.checked || range === undefined;
    if (range === undefined) return;
    byId('legend-low', HTMLElement).textContent = formatWholeMetres(range.low);
    byId('legend-middle', HTMLElement).textContent = formatWholeMetres((range.low + range.high) / 2);
    byId('legend-high', HTMLElement).textContent = formatWholeMetres(range.high);
  }

  /** Writes into the automatic choice how far apart the lines are now. */
  showSpacing(metres: number): void {
    const [automatic] = this.#interval.options;
    if (automatic) automatic.textContent = metres > 0 ? `Automatic (${formatWholeMetres(metres)})` : 'Automatic';
  }

  #read(): ReliefState {
    return {
      exaggeration: Number(this.#exaggeration.value),
      shading: this.#shading.checked,
      water: this.#water.disabled ? this.#wantsWater : this.#water.checked,
      colours: this.#colours.checked,
      contours: this.#contours.checked,
      contourInterval: Number(this.#interval.value),
    };
  }
}
