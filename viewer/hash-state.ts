/**
 * The state of the page as the part of its address after #, so that a link shows the same view. Written like a query
 * string; what is as it is at the start is left out; what makes no sense is ignored.
 */
import type { CameraView, ImageryEntry, ViewState } from './page-api.ts';

export const START_STATE: ViewState = {
  layer: undefined,
  camera: undefined,
  exaggeration: 1,
  shading: true,
  water: true,
  colours: true,
  contours: false,
  contourInterval: 0,
  imagery: [],
};

/** The hash without its leading #. */
export function writeHash(state: ViewState): string {
  const words = new URLSearchParams();
  if (state.layer !== undefined) words.set('layer', state.layer);
  if (state.camera !== undefined) {
    const { longitude, latitude, height, heading, pitch } = state.camera;
    words.set(
      'view',
      [longitude.toFixed(6), latitude.toFixed(6), height.toFixed(1), heading.toFixed(2), pitch.toFixed(2)].join(','),
    );
  }
  if (state.exaggeration !== START_STATE.exaggeration) words.set('exaggeration', state.exaggeration.toFixed(1));
  if (state.shading !== START_STATE.shading) words.set('shading', state.shading ? '1' : '0');
  if (state.water !== START_STATE.water) words.set('water', state.water ? '1' : '0');
  if (state.colours !== START_STATE.colours) words.set('colours', state.colours ? '1' : '0');
  if (state.contours) words.set('contours', state.contourInterval === 0 ? 'auto' : String(state.contourInterval));
  for (const entry of state.imagery) words.append('imagery', writeImagery(entry));
  // Commas and slashes are allowed in a fragment; keeping them makes a link that people can read.
  return words.toString().replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':');
}

/** Reads a hash with or without its #. */
export function readHash(hash: string): ViewState {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const contours = words.get('contours');
  const interval = Number(contours);
  return {
    layer: words.get('layer') ?? undefined,
    camera: readCamera(words.get('view')),
    exaggeration: clamp(readNumber(words.get('exaggeration')) ?? START_STATE.exaggeration, 1, 5),
    shading: readFlag(words.get('shading'), START_STATE.shading),
    water: readFlag(words.get('water'), START_STATE.water),
    colours: readFlag(words.get('colours'), START_STATE.colours),
    contours: contours !== null,
    contourInterval: Number.isFinite(interval) && interval > 0 ? interval : 0,
    imagery: words
      .getAll('imagery')
      .map(readImagery)
      .filter((entry) => entry !== undefined),
  };
}

/** opacity;visible;grid;layer;name;credit;address: free text is escaped, so that no semicolon of it counts. */
function writeImagery(entry: ImageryEntry): string {
  const text = [entry.layer, entry.name, entry.credit].map(encodeURIComponent);
  return [entry.opacity.toFixed(2), entry.visible ? '1' : '0', entry.grid, ...text, entry.address].join(';');
}

function readImagery(words: string): ImageryEntry | undefined {
  const [opacity = '', visible, grid, layer = '', name = '', credit = '', ...rest] = words.split(';');
  const address = rest.join(';');
  if (address === '') return undefined;
  return {
    opacity: clamp(readNumber(opacity) ?? 1, 0, 1),
    visible: visible !== '0',
    grid: grid === 'geographic' ? 'geographic' : 'mercator',
    layer: readText(layer),
    name: readText(name),
    credit: readText(credit),
    address,
  };
}

function readText(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}

function readCamera(words: string | null): CameraView | undefined {
  const numbers = (words ?? '').split(',').map(readNumber);
  const [longitude, latitude, height, heading, pitch] = numbers;
  if (longitude === undefined || latitude === undefined || height === undefined) return undefined;
  if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90 || Math.abs(height) > 1e9) return undefined;
  return { longitude, latitude, height, heading: heading ?? 0, pitch: clamp(pitch ?? -90, -90, 90) };
}

function readNumber(word: string | null): number | undefined {
  const value = word === null || word.trim() === '' ? Number.NaN : Number(word);
  return Number.isFinite(value) ? value : undefined;
}

function readFlag(word: string | null, otherwise: boolean): boolean {
  return word === '1' ? true : word === '0' ? false : otherwise;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
