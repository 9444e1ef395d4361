/**
 * Opens imagery at an address that the user gave, after a look whether pictures come from there: what is wrong becomes a
 * sentence at once instead of an empty layer.
 */
import {
  Cartographic,
  type CesiumWidget,
  Credit,
  GeographicTilingScheme,
  type ImageryProvider,
  Rectangle,
  TileMapServiceImageryProvider,
  type TilingScheme,
  UrlTemplateImageryProvider,
  WebMapTileServiceImageryProvider,
  WebMercatorTilingScheme,
} from 'cesium';
import { readImageryAddress } from './imagery-address.ts';
import type { ImageryEntry } from './page-api.ts';
import { Sentence } from './sentence.ts';
import { escapeHtml } from './terrain.ts';
import { readWmtsLayers, type WmtsLayer } from './wmts-capabilities.ts';

/** Deepest level asked of tile servers that do not say theirs. */
const DEEPEST = 19;
const PATIENCE_MS = 12_000;

/** The address offers several layers: one of them has to be named. */
export class LayerChoice extends Sentence {
  readonly layers: readonly { readonly id: string; readonly title: string }[];

  constructor(layers: readonly WmtsLayer[]) {
    super(`This address offers ${layers.length} layers: choose one.`);
    this.layers = layers;
  }
}

/** A fault after which the layer may be added all the same: the tiles that were tried may just not exist. */
export class TileDoubt extends Sentence {}

export interface OpenOptions {
  readonly widget: CesiumWidget;
  readonly signal: AbortSignal;
  /** Whether to try a tile first. */
  readonly check: boolean;
}

/** Rejects with a `Sentence`, a `LayerChoice` or a `TileDoubt`. */
export async function openImagery(entry: ImageryEntry, options: OpenOptions): Promise<ImageryProvider> {
  const address = readImageryAddress(entry.address, document.baseURI);
  const credit = entry.credit === '' ? undefined : new Credit(escapeHtml(entry.credit), true);
  switch (address.kind) {
    case 'template': {
      const provider = new UrlTemplateImageryProvider({
        url: address.url,
        subdomains: [...address.subdomains],
        tilingScheme: schemeOf(entry.grid),
        maximumLevel: DEEPEST,
        ...(credit ? { credit } : {}),
      });
      return checked(provider, options);
    }
    case 'tms':
      return openTms(address.folder, credit, options);
    case 'capabilities':
      return openCapabilities(await fetchXml(address.url, options.signal), address.url, entry, credit, options);
    case 'wmts': {
      const { url, layer, style, format, matrixSet: tileMatrixSetID } = address;
      const provider = new WebMapTileServiceImageryProvider({
        ...{ url, layer, style, format, tileMatrixSetID, maximumLevel: DEEPEST, tilingScheme: schemeOf(entry.grid) },
        ...(credit ? { credit } : {}),
      });
      return checked(provider, options);
    }
    case 'unknown':
      return openUnknown(address.url, entry, credit, options);
  }
}

async function openUnknown(url: string, entry: ImageryEntry, credit: Credit | undefined, options: OpenOptions) {
  const document = await fetchXml(url, options.signal).catch((error: unknown) => {
    if (options.signal.aborted) throw error;
    return undefined;
  });
  if (document?.documentElement.localName === 'Capabilities') {
    return openCapabilities(document, url, entry, credit, options);
  }
  const folder = url.replace(/[?#].*$/, '').replace(/\/?$/, '/');
  try {
    return await openTms(folder, credit, options);
  } catch (cause) {
    if (options.signal.aborted || cause instanceof TileDoubt) throw cause;
    throw new Sentence(
      'No imagery was found at this address. Relievo takes addresses with {z}, {x} and {y}, a TMS folder (with a tilemapresource.xml in it) or WMTS capabilities.',
      cause,
    );
  }
}

async function openTms(folder: string, credit: Credit | undefined, options: OpenOptions): Promise<ImageryProvider> {
  const document = await fetchXml(new URL('tilemapresource.xml', folder).href, options.signal);
  if (document.documentElement.localName !== 'TileMap') {
    throw new Sentence('The tilemapresource.xml in this folder describes no tile map (it holds no TileMap).');
  }
  const provider = await TileMapServiceImageryProvider.fromUrl(folder, credit ? { credit } : {});
  return checked(provider, options);
}

async function openCapabilities(
  document: Document,
  url: string,
  entry: ImageryEntry,
  credit: Credit | undefined,
  options: OpenOptions,
): Promise<ImageryProvider> {
  if (document.documentElement.localName !== 'Capabilities') {
    throw new Sentence(`This address answers with ${document.documentElement.localName}, not with WMTS capabilities.`);
  }
  const layers = readWmtsLayers(document, url);
  const [first] = layers;
  if (first === undefined) {
    throw new Sentence(
      'This WMTS offers no layer in Web Mercator or in longitude and latitude: the globe takes no other grid.',
    );
  }
  const chosen = entry.layer === '' ? undefined : layers.find((layer) => layer.id === entry.layer);
  if (chosen === undefined && layers.length > 1) throw new LayerChoice(layers);
  const layer = chosen ?? first;
  const minimumLevel = layer.labels.findIndex((label) => label !== undefined);
  const provider = new WebMapTileServiceImageryProvider({
    url: layer.url,
    layer: layer.id,
    style: layer.style,
    format: layer.format,
    tileMatrixSetID: layer.matrixSet,
    tileMatrixLabels: layer.labels.map((label, level) => label ?? String(level)),
    tilingScheme: schemeOf(layer.grid),
    // Far from its place a layer that begins deep would ask for thousands of tiles.
    minimumLevel: layer.bounds ? minimumLevel : 0,
    maximumLevel: layer.labels.length - 1,
    ...(Object.keys(layer.dimensions).length > 0 ? { dimensions: layer.dimensions } : {}),
    ...(layer.bounds ? { rectangle: Rectangle.fromDegrees(...layer.bounds) } : {}),
    ...(credit ? { credit } : {}),
  });
  return checked(provider, options);
}

/** Tries the tile in the middle of the view, then a tile of the first level. */
async function checked<T extends ImageryProvider>(provider: T, { widget, signal, check }: OpenOptions): Promise<T> {
  if (!check) return provider;
  const scheme = provider.tilingScheme;
  const place = middleOf(widget, provider.rectangle);
  const first = provider.minimumLevel ?? 0;
  const near = Math.min(levelFor(widget, scheme), provider.maximumLevel ?? DEEPEST);
  let fault: unknown;
  for (const level of [...new Set([Math.max(near, first), first])]) {
    const tile = scheme.positionToTileXY(place, level);
    if (tile === undefined) continue;
    try {
      const picture = await withPatience(provider.requestImage(tile.x, tile.y, level), signal);
      if (picture !== undefined) return provider;
    } catch (error) {
      signal.throwIfAborted();
      fault = error;
    }
  }
  throw new TileDoubt(whyNoTile(provider, fault), fault);
}

function whyNoTile(provider: ImageryProvider, fault: unknown): string {
  const url: unknown = Reflect.get(provider, 'url');
  const host =
    typeof url === 'string' ? new URL(url.replace(/\{[^}]*\}/g, 'a'), document.baseURI).host : 'that address';
  if (fault instanceof Sentence) return `${host} ${fault.message}`;
  const insecure = location.protocol === 'https:' && typeof url === 'string' && url.startsWith('http://');
  if (insecure)
    return `This page came by https, so the browser refuses pictures from ${host} by http. Try https:// in the address.`;
  return `No picture came from ${host}: the address may be wrong, it may have no tiles for this place, or it may not allow other pages to show its pictures (CORS).`;
}

function withPatience<T>(promise: Promise<T> | undefined, signal: AbortSignal): Promise<T | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  return new Promise((resolve, reject) => {
    limit.addEventListener('abort', () => reject(new Sentence(`did not answer within ${PATIENCE_MS / 1000} seconds.`)));
    Promise.resolve(promise).then(resolve, reject);
  });
}

function middleOf(widget: CesiumWidget, rectangle: Rectangle): Cartographic {
  const { longitude, latitude } = widget.camera.positionCartographic;
  const here = new Cartographic(longitude, latitude);
  return Rectangle.contains(rectangle, here) ? here : Rectangle.center(rectangle);
}

/** A level that would be drawn from where the camera is, within a step or two. */
function levelFor(widget: CesiumWidget, scheme: TilingScheme): number {
  const across = Math.max(widget.camera.positionCartographic.height, 500);
  const tiles = 20_000_000 / across / scheme.getNumberOfXTilesAtLevel(0);
  return Math.max(Math.floor(Math.log2(Math.max(tiles, 1))), 0);
}

function schemeOf(grid: 'mercator' | 'geographic'): TilingScheme {
  return grid === 'mercator' ? new WebMercatorTilingScheme() : new GeographicTilingScheme();
}

async function fetchXml(url: string, signal: AbortSignal): Promise<Document> {
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Sentence(`${host} could not be reached, or does not allow other pages to read from it (CORS).`, cause);
  }
  if (!response.ok) throw new Sentence(`${host} answered ${response.status} for ${new URL(url).pathname}.`);
  const parsed = new DOMParser().parseFromString(await response.text(), 'text/xml');
  if (parsed.getElementsByTagName('parsererror').length > 0) {
    throw new Sentence(`What ${host} answered for ${new URL(url).pathname} is not XML.`);
  }
  return parsed;
}
