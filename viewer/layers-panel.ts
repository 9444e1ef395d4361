/** The list of terrain layers, and what is known of the chosen one: its datum, levels and attribution. */
import type { LayerEntry } from './api.ts';
import { byId, make } from './dom.ts';

/** Id of the choice without terrain. */
export const SMOOTH = 'none';

const DATUM_NAMES: Readonly<Record<string, string>> = {
  ellipsoid: 'GPS heights (ellipsoid)',
  egm96: 'Sea level (EGM96)',
  egm2008: 'Sea level (EGM2008)',
  unknown: 'Unknown',
};

const HOW_KNOWN: Readonly<Record<LayerEntry['datum']['known'], string>> = {
  option: 'given when it was served',
  file: 'from the file',
  format: 'by its format',
  assumed: 'assumed',
};

export class LayersPanel {
  readonly #list = byId('layers', HTMLElement);
  readonly #facts = byId('layer-facts', HTMLElement);
  readonly #subtitle = byId('subtitle', HTMLElement);
  readonly #onChoose: (id: string) => void;

  constructor(onChoose: (id: string) => void) {
    this.#onChoose = onChoose;
  }

  /** Fills the list. */
  list(layers: readonly LayerEntry[]): void {
    const rows = layers.map((layer) =>
      this.#row(layer.id, layer.title, detailOf(layer), layer.datum?.known === 'assumed'),
    );
    this.#list.replaceChildren(...rows, this.#row(SMOOTH, 'Smooth globe', 'no terrain', false));
  }

  /** Marks the chosen layer and tells about it. */
  mark(layer: LayerEntry | undefined): void {
    const id = layer?.id ?? SMOOTH;
    for (const input of this.#list.querySelectorAll('input')) input.checked = input.value === id;
    this.#subtitle.textContent = layer?.title ?? 'Smooth globe';
    document.title = layer ? `${layer.title} – Relievo` : 'Relievo';
    this.#facts.replaceChildren(...(layer ? factsOf(layer) : []));
  }

  /** Shows at a row that its layer is being opened. */
  markBusy(id: string | undefined): void {
    for (const input of this.#list.querySelectorAll('input')) {
      input.closest('label')?.toggleAttribute('data-busy', input.value === id);
    }
  }

  #row(id: string, title: string, detail: string, assumed: boolean): HTMLLabelElement {
    const input = make('input', { type: 'radio', name: 'layer', value: id });
    input.addEventListener('change', () => this.#onChoose(id));
    const words = make('span', { class: 'row-words' }, make('b', {}, title), make('small', {}, detail));
    const mark = assumed
      ? [make('span', { class: 'badge', title: 'Its heights are assumed to count from sea level' }, 'assumed')]
      : [];
    return make('label', { class: 'row' }, input, words, ...mark);
  }
}

function detailOf(layer: LayerEntry): string {
  const how = layer.kind === 'on-demand' ? 'made as you look' : 'ready-made';
  return `to level ${layer.maxLevel}, ${how}`;
}

function factsOf(layer: LayerEntry): HTMLElement[] {
  const { datum, water, attribution } = layer;
  const assumed = datum?.known === 'assumed';
  const facts: HTMLElement[] = [];
  if (datum) {
    facts.push(
      make(
        'div',
        { class: assumed ? 'fact assumed' : 'fact', id: 'datum' },
        make('span', { class: 'name' }, 'Heights count from'),
        make(
          'p',
          {},
          make('b', {}, DATUM_NAMES[datum.source] ?? datum.source),
          ' ',
          make('span', { class: assumed ? 'badge' : 'badge calm' }, HOW_KNOWN[datum.known] ?? datum.known),
        ),
        make('p', { class: 'hint' }, asSentence(datum.because)),
      ),
    );
  }
  if (water && water.length > 0) {
    const derived = water.some(({ kind }) => kind === 'dem');
    const mark = derived ? [' ', make('span', { class: 'badge calm' }, 'derived')] : [];
    facts.push(
      make(
        'div',
        { class: 'fact', id: 'water-sources' },
        make('span', { class: 'name' }, 'Water from'),
        make('p', {}, make('b', {}, water.map(({ name }) => name).join(', ')), ...mark),
        ...water.map(({ because }) => make('p', { class: 'hint' }, asSentence(because))),
      ),
    );
  }
  if (attribution) {
    facts.push(
      make(
        'div',
        { class: 'fact', id: 'attribution' },
        make('span', { class: 'name' }, 'Source'),
        make('p', {}, attribution),
      ),
    );
  }
  return facts;
}

/** With a capital and a full stop, which the reasons of some layers lack. */
function asSentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1).replace(/\.$/, '')}.`;
}
