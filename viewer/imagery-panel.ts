/**
 * The list of imagery: Natural Earth II at the bottom, what the user added above it, the topmost first; and the form
 * that adds an address.
 */
import { type CesiumWidget, ImageryLayer } from 'cesium';
import { byId, iconButton, make } from './dom.ts';
import { nameFromAddress, readImageryAddress } from './imagery-address.ts';
import { opacitySlider, showSwitch } from './imagery-controls.ts';
import { LayerChoice, openImagery, TileDoubt } from './imagery-open.ts';
import type { ImageryEntry } from './page-api.ts';
import { sentenceOf } from './sentence.ts';

interface Row {
  entry: ImageryEntry;
  readonly layer: ImageryLayer | undefined;
  /** Why it is not shown. */
  readonly fault: string | undefined;
}

const UP = 'm6 14 6-6 6 6';
const DOWN = 'm6 10 6 6 6-6';
const REMOVE = 'm7 7 10 10M17 7 7 17';

export interface ImageryChanges {
  /** Something that belongs into a link changed. */
  readonly onChange: () => void;
  /** The user added imagery that is visible. */
  readonly onAdded: () => void;
}

export class ImageryPanel {
  readonly #widget: CesiumWidget;
  readonly #changes: ImageryChanges;
  readonly #list = byId('imagery-list', HTMLUListElement);
  readonly #message = byId('imagery-message', HTMLElement);
  readonly #address = byId('imagery-address', HTMLInputElement);
  readonly #choice = byId('imagery-layer', HTMLSelectElement);
  readonly #choiceField = byId('imagery-choice', HTMLElement);
  readonly #submit = byId('imagery-submit', HTMLButtonElement);
  readonly #anyway = byId('imagery-anyway', HTMLButtonElement);
  readonly #grid = byId('imagery-grid', HTMLSelectElement);
  /** Lowest first, as Cesium draws them. */
  #rows: Row[] = [];
  #base: ImageryLayer | undefined;
  #adding: AbortController | undefined;

  constructor(widget: CesiumWidget, changes: ImageryChanges) {
    this.#widget = widget;
    this.#changes = changes;
    byId('imagery-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#add(true);
    });
    this.#anyway.addEventListener('click', () => void this.#add(false));
    this.#address.addEventListener('input', () => {
      this.#say(undefined);
      this.#choiceField.hidden = true;
      this.#anyway.hidden = true;
      byId('imagery-grid-field', HTMLElement).hidden = !/\{(z|zoom|tilematrix)\}/i.test(this.#address.value);
    });
    this.#write();
  }

  get entries(): readonly ImageryEntry[] {
    return this.#rows.map(({ entry }) => entry);
  }

  /** Lists the base, which is at the bottom of the globe's imagery already. */
  setBase(layer: ImageryLayer): void {
    this.#base = layer;
    this.#write();
  }

  /** Replaces what was added by these, lowest first; those that cannot be opened are listed with the reason. */
  async restore(entries: readonly ImageryEntry[]): Promise<void> {
    if (JSON.stringify(entries) === JSON.stringify(this.entries)) return;
    for (const row of this.#rows) this.#takeOff(row);
    this.#rows = [];
    const signal = new AbortController().signal;
    const opened = await Promise.all(
      entries.map(async (entry): Promise<Row> => {
        try {
          const provider = await openImagery(entry, { widget: this.#widget, signal, check: false });
          return { entry, layer: new ImageryLayer(provider), fault: undefined };
        } catch (error) {
          return { entry, layer: undefined, fault: sentenceOf(error, 'This imagery could not be opened.') };
        }
      }),
    );
    for (const row of opened) this.#putOn(row);
    this.#write();
  }

  async #add(check: boolean): Promise<void> {
    this.#adding?.abort();
    const adding = new AbortController();
    this.#adding = adding;
    this.#say(undefined);
    this.#anyway.hidden = true;
    this.#submit.setAttribute('aria-busy', 'true');
    this.#submit.textContent = 'Looking…';
    try {
      const entry = this.#read();
      const provider = await openImagery(entry, { widget: this.#widget, signal: adding.signal, check });
      this.#putOn({ entry, layer: new ImageryLayer(provider), fault: undefined });
      byId('imagery-form', HTMLFormElement).reset();
      byId('imagery-add', HTMLDetailsElement).open = false;
      this.#choiceField.hidden = true;
      byId('imagery-grid-field', HTMLElement).hidden = true;
      this.#write();
      this.#changes.onAdded();
      this.#changes.onChange();
    } catch (error) {
      if (adding.signal.aborted) return;
      if (error instanceof LayerChoice) {
        this.#choice.replaceChildren(...error.layers.map(({ id, title }) => new Option(title, id)));
        this.#choiceField.hidden = false;
        this.#choice.focus();
      }
      this.#anyway.hidden = !(error instanceof TileDoubt);
      this.#say(sentenceOf(error, 'This imagery could not be opened. Is the address right?'));
    } finally {
      if (this.#adding === adding) {
        this.#adding = undefined;
        this.#submit.removeAttribute('aria-busy');
        this.#submit.textContent = 'Add';
      }
    }
  }

  /** Throws a `Sentence` when the address makes no sense. */
  #read(): ImageryEntry {
    const address = this.#address.value.trim();
    readImageryAddress(address, document.baseURI);
    const layer = this.#choiceField.hidden ? '' : this.#choice.value;
    const chosen = layer === '' ? undefined : this.#choice.selectedOptions[0]?.textContent;
    return {
      address,
      layer,
      name: byId('imagery-name', HTMLInputElement).value.trim() || chosen || nameFromAddress(address, document.baseURI),
      credit: byId('imagery-credit', HTMLInputElement).value.trim(),
      opacity: 1,
      visible: true,
      grid: this.#grid.value === 'geographic' ? 'geographic' : 'mercator',
    };
  }

  #say(sentence: string | undefined): void {
    this.#message.hidden = sentence === undefined;
    this.#message.textContent = sentence ?? '';
    this.#address.toggleAttribute('aria-invalid', sentence !== undefined);
  }

  #putOn(row: Row): void {
    this.#rows.push(row);
    if (row.layer === undefined) return;
    row.layer.alpha = row.entry.opacity;
    row.layer.show = row.entry.visible;
    // A listener keeps Cesium from writing each missing tile into the console.
    row.layer.imageryProvider.errorEvent.addEventListener(() => undefined);
    this.#widget.imageryLayers.add(row.layer);
    this.#widget.scene.requestRender();
  }

  #takeOff(row: Row): void {
    if (row.layer) this.#widget.imageryLayers.remove(row.layer, true);
    this.#widget.scene.requestRender();
  }

  #update(row: Row, change: Partial<ImageryEntry>): void {
    row.entry = { ...row.entry, ...change };
    if (row.layer) {
      row.layer.alpha = row.entry.opacity;
      row.layer.show = row.entry.visible;
    }
    this.#widget.scene.requestRender();
    this.#changes.onChange();
  }

  #move(row: Row, by: 1 | -1): void {
    const from = this.#rows.indexOf(row);
    const to = from + by;
    const other = this.#rows[to];
    if (other === undefined) return;
    this.#rows[to] = row;
    this.#rows[from] = other;
    if (row.layer && other.layer) {
      if (by === 1) this.#widget.imageryLayers.raise(row.layer);
      else this.#widget.imageryLayers.lower(row.layer);
    }
    this.#widget.scene.requestRender();
    this.#write();
    this.#changes.onChange();
  }

  #write(): void {
    const rows = this.#rows.map((row, i) => this.#item(row, i)).reverse();
    this.#list.replaceChildren(...rows, ...(this.#base ? [this.#baseItem(this.#base)] : []));
  }

  #item(row: Row, index: number): HTMLLIElement {
    const { entry } = row;
    const up = iconButton(UP, `Move ${entry.name} up`);
    const down = iconButton(DOWN, `Move ${entry.name} down`);
    const remove = iconButton(REMOVE, `Remove ${entry.name}`);
    up.disabled = index === this.#rows.length - 1;
    down.disabled = index === 0;
    up.addEventListener('click', () => this.#move(row, 1));
    down.addEventListener('click', () => this.#move(row, -1));
    remove.addEventListener('click', () => {
      this.#takeOff(row);
      this.#rows = this.#rows.filter((other) => other !== row);
      this.#write();
      this.#changes.onChange();
    });
    return make(
      'li',
      { class: 'imagery' },
      make(
        'div',
        { class: 'imagery-head' },
        showSwitch(entry.name, entry.visible, (visible) => this.#update(row, { visible })),
        make(
          'span',
          { class: 'row-words' },
          make('b', {}, entry.name),
          ...(entry.credit ? [make('small', {}, entry.credit)] : []),
        ),
        up,
        down,
        remove,
      ),
      row.fault === undefined
        ? opacitySlider(entry.name, entry.opacity, (opacity) => this.#update(row, { opacity }))
        : make('p', { class: 'message' }, row.fault),
    );
  }

  #baseItem(layer: ImageryLayer): HTMLLIElement {
    const name = 'Natural Earth II';
    return make(
      'li',
      { class: 'imagery' },
      make(
        'div',
        { class: 'imagery-head' },
        showSwitch(name, layer.show, (visible) => {
          layer.show = visible;
          this.#widget.scene.requestRender();
        }),
        make('span', { class: 'row-words' }, make('b', {}, name), make('small', {}, 'the whole Earth, coarse')),
      ),
    );
  }
}
