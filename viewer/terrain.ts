/**
 * Opens a layer of the server as Cesium terrain, with vertex normals and, where it has them, water masks. Tiles that a busy server puts off (503) are asked
 * for again after the time it names.
 */
import { CesiumTerrainProvider, Credit, type RequestErrorEvent, Resource, type TileProviderError } from 'cesium';
import { absoluteAddress, checkLayerJson, type LayerEntry } from './api.ts';
import { Sentence } from './sentence.ts';

/** Answers after which the same request may succeed. */
const PASSING = new Set([429, 502, 503, 504]);
const RETRIES = 5;
/** Seconds to wait when the server names no time, and at most. */
const WAIT = { usual: 1, most: 8 };

export interface TerrainOptions {
  readonly signal: AbortSignal;
  /** Called for each tile that could not be had, with a sentence. */
  readonly onTileError: (sentence: string) => void;
}

/** Rejects with a `Sentence` when the layer cannot be shown. */
export async function openTerrain(layer: LayerEntry, options: TerrainOptions): Promise<CesiumTerrainProvider> {
  await checkLayerJson(layer, options.signal);
  const folder = new Resource({
    url: absoluteAddress(layer.addresses.terrain),
    retryAttempts: RETRIES,
    retryCallback: async (resource, error) => {
      if (!PASSING.has(error?.statusCode ?? 0)) return false;
      await new Promise((resume) => setTimeout(resume, 1000 * waitNamedBy(error)));
      // A throttled repetition could be dropped for want of a free connection, and with it the tile.
      if (resource) Reflect.set(resource.request, 'throttle', false);
      return true;
    },
  });
  let provider: CesiumTerrainProvider;
  try {
    provider = await CesiumTerrainProvider.fromUrl(folder, {
      requestVertexNormals: true,
      requestWaterMask: layer.extensions.includes('watermask'),
      ...(layer.attribution ? { credit: new Credit(escapeHtml(layer.attribution), true) } : {}),
    });
  } catch (cause) {
    if (cause instanceof Sentence) throw cause;
    throw new Sentence(`“${layer.title}” cannot be shown: its layer.json was not understood.`, cause);
  }
  options.signal.throwIfAborted();
  provider.errorEvent.addEventListener((error: TileProviderError) => {
    const status = statusOf(error.error);
    const why = status === undefined ? 'the server could not be reached' : `the server answered ${status}`;
    options.onTileError(
      `Part of “${layer.title}” is drawn coarsely: for tile ${error.level}/${error.x}/${error.y} ${why}.`,
    );
  });
  return provider;
}

/** Text that Cesium's credits, which take HTML, show as it is. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function waitNamedBy(error: RequestErrorEvent | undefined): number {
  const headers: unknown = error?.responseHeaders;
  const named =
    typeof headers === 'object' && headers !== null ? Number(Reflect.get(headers, 'retry-after')) : Number.NaN;
  return Number.isFinite(named) && named > 0 ? Math.min(named, WAIT.most) : WAIT.usual;
}

function statusOf(error: unknown): number | undefined {
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  return typeof status === 'number' ? status : undefined;
}
