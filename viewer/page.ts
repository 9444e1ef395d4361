/**
 * The page as a whole: holds globe, panels and readout together, opens layers, restores and remembers the view. Nothing
 * on it waits for the geoid model.
 */
import { type CesiumWidget, EllipsoidTerrainProvider } from 'cesium';
import { fetchLayers, type LayerEntry } from './api.ts';
import { currentView, flyToBounds, flyToSpace, setView } from './camera.ts';
import { loadGeoid, type Undulation } from './geoid.ts';
import { addBaseImagery } from './globe.ts';
import { readHash, writeHash } from './hash-state.ts';
import { ImageryPanel } from './imagery-panel.ts';
import { steerByKeyboard } from './keyboard.ts';
import { LayersPanel, SMOOTH } from './layers-panel.ts';
import { lightFromUpperLeft } from './lighting.ts';
import { setUpNav } from './nav.ts';
import type { ReliefState, ViewState } from './page-api.ts';
import { freeArea, setUpPanel } from './panel.ts';
import { QualityLine } from './quality-line.ts';
import { Readout } from './readout.ts';
import { Relief } from './relief.ts';
import { ReliefPanel } from './relief-panel.ts';
import { sentenceOf } from './sentence.ts';
import { hideNotice, showLoading, showNotice, showToast } from './status.ts';
import { type Survey, surveyLayer } from './survey.ts';
import { openTerrain } from './terrain.ts';

/** Longest time in milliseconds that the first view waits for a look at the heights. */
const LOOK_MS = 6000;

export class Page {
  readonly #widget: CesiumWidget;
  /** Seconds a flight takes. */
  readonly #flight: number;
  readonly #relief: Relief;
  readonly #reliefPanel: ReliefPanel;
  readonly #layersPanel: LayersPanel;
  readonly #imagery: ImageryPanel;
  readonly #quality: QualityLine;
  #layers: readonly LayerEntry[] = [];
  #chosen: LayerEntry | undefined;
  #survey: Survey | undefined;
  #layerId: string | undefined;
  #opening: AbortController | undefined;
  #hashTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(widget: CesiumWidget, { flight }: { readonly flight: number }) {
    this.#widget = widget;
    this.#flight = flight;
    lightFromUpperLeft(widget);
    showLoading(widget);
    setUpPanel();
    const start = readHash(location.hash);
    this.#relief = new Relief(widget, reliefOf(start));
    this.#reliefPanel = new ReliefPanel((state) => {
      this.#relief.set(state);
      this.#reliefPanel.showSpacing(this.#relief.spacing);
      this.#remember();
    });
    this.#reliefPanel.show(start);
    this.#layersPanel = new LayersPanel((id) => void this.#choose(id, true));
    this.#imagery = new ImageryPanel(widget, {
      onChange: () => this.#remember(),
      onAdded: () => this.#showImagery(),
    });
    this.#quality = new QualityLine(widget);
    const readout = new Readout(widget);
    const home = () => this.#goHome(this.#flight);
    const moves = setUpNav(widget, { home, link: () => this.#link(), duration: flight / 2 });
    steerByKeyboard(widget, {
      ...moves,
      home,
      pin: () => void readout.pinMiddle(),
      unpin: () => readout.unpin(),
      moved: () => readout.showMiddle(),
    });
    widget.camera.moveEnd.addEventListener(() => {
      this.#reliefPanel.showSpacing(this.#relief.spacing);
      this.#remember();
    });
    widget.scene.renderError.addEventListener((_scene: unknown, error: unknown) => {
      console.error(error);
      showNotice({
        title: 'The globe stopped',
        text: 'Drawing the globe failed; the console of the browser says more. Loading the page again usually helps.',
        retry: () => location.reload(),
      });
    });
    addEventListener('hashchange', () => void this.#restore(readHash(location.hash)));
  }

  get state(): ViewState {
    return {
      ...this.#relief.state,
      layer: this.#layerId,
      camera: currentView(this.#widget),
      imagery: this.#imagery.entries,
    };
  }

  /** Lists the layers and shows what the address of the page names. */
  async start(): Promise<void> {
    const asked = readHash(location.hash);
    void addBaseImagery(this.#widget).then(
      (base) => this.#imagery.setBase(base),
      () => showToast('The base imagery could not be loaded'),
    );
    void this.#imagery.restore(asked.imagery);
    if (asked.camera) setView(this.#widget, asked.camera);
    try {
      this.#layers = await fetchLayers(new AbortController().signal);
    } catch (error) {
      this.#layersPanel.list([]);
      this.#layersPanel.mark(undefined);
      showNotice({
        title: 'No terrain',
        text: sentenceOf(error, 'The list of terrain layers could not be read.'),
        retry: () => void this.start(),
      });
      return;
    }
    this.#layersPanel.list(this.#layers);
    const [first] = this.#layers;
    if (first === undefined) {
      this.#layersPanel.mark(undefined);
      showNotice({
        title: 'No terrain yet',
        text: 'This server has no layers. Stop it, and start it again with an elevation file:',
        code: 'relievo serve your.tif',
      });
      return;
    }
    const known = asked.layer === SMOOTH || this.#layers.some(({ id }) => id === asked.layer);
    if (asked.layer !== undefined && !known) showToast(`There is no layer “${asked.layer}” here any more`);
    await this.#choose(known ? (asked.layer ?? first.id) : first.id, asked.camera === undefined);
  }

  /** Switches to a layer, or to the smooth globe. */
  async #choose(id: string, fly: boolean): Promise<void> {
    this.#opening?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    const layer = this.#layers.find((candidate) => candidate.id === id);
    hideNotice();
    if (layer === undefined) {
      this.#widget.terrainProvider = new EllipsoidTerrainProvider();
      this.#settle(undefined, undefined);
      this.#layersPanel.markBusy(undefined);
      if (fly) flyToSpace(this.#widget, this.#flight);
      return;
    }
    this.#layersPanel.markBusy(id);
    let failed = 0;
    try {
      const provider = await openTerrain(layer, {
        signal: opening.signal,
        onTileError: (sentence) => {
          failed++;
          if (failed === 1) showNotice({ title: 'Some terrain is missing', text: sentence });
        },
      });
      this.#widget.terrainProvider = provider;
      const look = surveyLayer(this.#widget, layer);
      const survey = await Promise.race([look, wait(LOOK_MS)]).catch(() => undefined);
      opening.signal.throwIfAborted();
      this.#settle(layer, survey);
      if (fly) this.#goHome(this.#flight);
      if (survey === undefined) {
        void look.then((late) => {
          if (!opening.signal.aborted) this.#settle(layer, late);
        }, ignore);
      }
    } catch (error) {
      if (opening.signal.aborted) return;
      this.#layersPanel.mark(this.#chosen);
      showNotice({
        title: 'This terrain cannot be shown',
        text: sentenceOf(error, `“${layer.title}” could not be loaded.`),
        retry: () => void this.#choose(id, fly),
      });
    } finally {
      if (this.#opening === opening) this.#layersPanel.markBusy(undefined);
    }
  }

  #settle(layer: LayerEntry | undefined, survey: Survey | undefined): void {
    this.#chosen = layer;
    this.#layerId = layer?.id ?? SMOOTH;
    this.#survey = survey;
    this.#layersPanel.mark(layer);
    this.#quality.tell(layer);
    this.#reliefPanel.offerWater(layer);
    const paint = (undulation: Undulation) => {
      if (this.#chosen !== layer) return;
      const maskKnowsLand = layer?.water?.some(({ kind }) => kind === 'natural-earth') ?? false;
      const subject = layer && { bounds: layer.bounds, survey, maskKnowsLand };
      this.#reliefPanel.showRange(this.#relief.place(subject, undulation));
      this.#reliefPanel.showSpacing(this.#relief.spacing);
    };
    void loadGeoid().then(paint, () => paint(() => 0));
    this.#remember();
  }

  #goHome(duration: number): void {
    if (this.#chosen === undefined) {
      flyToSpace(this.#widget, duration);
      return;
    }
    const { points = [], highest: high = 0 } = this.#survey ?? {};
    const low = points.reduce((least, { ellipsoidal }) => Math.min(least, ellipsoidal), high);
    const { exaggeration } = this.#relief.state;
    flyToBounds(this.#widget, this.#chosen.bounds, {
      duration,
      heights: [low, low + (high - low) * exaggeration],
      free: freeArea(this.#widget.canvas),
    });
  }

  /** Colours hide imagery: what the user adds is to be seen. */
  #showImagery(): void {
    if (!this.#relief.state.colours) return;
    const state = { ...this.#relief.state, colours: false };
    this.#relief.set(state);
    this.#reliefPanel.show(state);
    showToast('Elevation colours are off, so that the imagery shows');
  }

  async #restore(state: ViewState): Promise<void> {
    if (`#${writeHash(this.state)}` === location.hash) return;
    this.#relief.set(reliefOf(state));
    this.#reliefPanel.show(state);
    await this.#imagery.restore(state.imagery);
    if (state.layer !== undefined && state.layer !== this.#layerId)
      await this.#choose(state.layer, state.camera === undefined);
    if (state.camera) setView(this.#widget, state.camera);
  }

  /** Writes the state into the address of the page, without a step in its history. */
  #remember(): void {
    clearTimeout(this.#hashTimer);
    this.#hashTimer = setTimeout(() => {
      if (this.#layerId !== undefined) history.replaceState(null, '', this.#link());
    }, 250);
  }

  #link(): string {
    const url = new URL(location.href);
    url.hash = writeHash(this.state);
    return url.href;
  }
}

function reliefOf({ exaggeration, shading, water, colours, contours, contourInterval }: ReliefState): ReliefState {
  return { exaggeration, shading, water, colours, contours, contourInterval };
}

function ignore(): void {}

function wait(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}
