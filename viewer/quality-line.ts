/**
 * What is known of the error of the terrain in view, from quality.json (docs/quality.md): the certified bound of the
 * level that is drawn in the middle of the view, and what holds for the whole layer.
 */
import type { CesiumWidget } from 'cesium';
import type { LevelQuality, QualityJson } from '../tiler/catalog/quality-json.ts';
import { fetchQuality, type LayerEntry } from './api.ts';
import { byId, make } from './dom.ts';
import { formatFineMetres, formatFineMetresUp, formatRatioUp } from './format.ts';
import { levelInView } from './level-in-view.ts';
import { sentenceOf } from './sentence.ts';

/** Milliseconds between two looks at what is drawn. */
const LOOK_EVERY_MS = 250;

export class QualityLine {
  readonly #widget: CesiumWidget;
  readonly #fact = byId('quality', HTMLElement);
  readonly #inView = byId('quality-in-view', HTMLElement);
  readonly #inAll = byId('quality-in-all', HTMLElement);
  #layer: LayerEntry | undefined;
  #quality: QualityJson | undefined;
  #fetching: AbortController | undefined;
  #level: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(widget: CesiumWidget) {
    this.#widget = widget;
    // Frames come only while something changes, so the last one is always followed by a look.
    widget.scene.postRender.addEventListener(() => {
      if (this.#quality === undefined) return;
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#look();
      }, LOOK_EVERY_MS);
    });
  }

  /** Tells about this layer from now on; about none where nothing is known of its errors. */
  tell(layer: LayerEntry | undefined): void {
    if (layer === this.#layer) return;
    this.#fetching?.abort();
    this.#layer = layer;
    this.#quality = undefined;
    this.#level = undefined;
    const summary = layer?.quality;
    this.#fact.hidden = summary === undefined;
    this.#inView.replaceChildren();
    if (layer === undefined || summary === undefined) return;
    this.#inAll.textContent = summaryText(summary);
    const fetching = new AbortController();
    this.#fetching = fetching;
    fetchQuality(layer, fetching.signal).then(
      (quality) => {
        this.#quality = quality;
        this.#look();
      },
      (error: unknown) => {
        if (fetching.signal.aborted) return;
        const sentence = sentenceOf(error, 'The figures of the single levels could not be read.');
        this.#inView.replaceChildren(make('p', { class: 'hint' }, sentence));
      },
    );
  }

  #look(): void {
    const level = this.#quality && levelInView(this.#widget);
    if (level === this.#level) return;
    this.#level = level;
    const known = this.#quality?.levels.find((candidate) => candidate.level === level);
    this.#inView.replaceChildren(...(known ? linesOf(known) : []));
  }
}

/** `Error at most 37.0 m, certified`; `Level 11, in view: 0.99 of the bound; RMS 5.4 m, p99 14.1 m`. */
function linesOf({ level, maxError, maxErrorRatio, measured }: LevelQuality): HTMLElement[] {
  const [words, badge] =
    maxError === null
      ? ['Greatest error unknown', make('span', { class: 'badge' }, 'not certified')]
      : [`Error at most ${formatFineMetresUp(maxError)}`, make('span', { class: 'badge calm' }, 'certified')];
  const parts = [
    ...(maxErrorRatio === null ? [] : [`${formatRatioUp(maxErrorRatio)} of the bound`]),
    ...(measured ? [`RMS ${formatFineMetres(measured.rms)}, p99 ${formatFineMetres(measured.p99)}`] : []),
  ];
  const where = [`Level ${level}, in view`, ...(parts.length > 0 ? [parts.join('; ')] : [])].join(': ');
  return [make('p', {}, make('b', {}, words), ' ', badge), make('p', { class: 'hint' }, where)];
}

/** `All levels: 0.98 of the bound, certified; RMS at level 14: 0.77 m`. */
function summaryText({ maxErrorRatio, certified, measured }: NonNullable<LayerEntry['quality']>): string {
  const greatest =
    maxErrorRatio === null
      ? 'No level is certified'
      : `${certified ? 'All levels' : 'Certified levels'}: at most ${formatRatioUp(maxErrorRatio)} of the bound`;
  return measured ? `${greatest}; RMS at level ${measured.level}: ${formatFineMetres(measured.rmsMetres)}` : greatest;
}
