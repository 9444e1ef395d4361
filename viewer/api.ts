/**
 * What the page asks its server: the list of terrain layers and their layer.json. Addresses are taken relative to the
 * page, so that it works under any base path. Every fault becomes a sentence for the reader of the page.
 */
import type { QualityJson } from '../tiler/catalog/quality-json.ts';
import type { DatumStatement } from '../tiler/fields/height-field.ts';
import type { WaterStatement } from '../tiler/fields/water-source.ts';
import { Sentence } from './sentence.ts';

/** One element of `GET layers`. */
export interface LayerEntry {
  readonly id: string;
  readonly title: string;
  /** West, south, east, north in degrees; west > east when the layer crosses the date line. */
  readonly bounds: readonly [number, number, number, number];
  readonly minLevel: number;
  readonly maxLevel: number;
  readonly kind: 'built' | 'on-demand';
  readonly datum: DatumStatement;
  readonly heights: 'ellipsoidal';
  readonly attribution: string;
  /** Where the water masks come from; absent without masks. */
  readonly water?: readonly WaterStatement[] | undefined;
  readonly extensions: readonly string[];
  /** What is known of the tiles' errors; absent where nothing is. */
  readonly quality?:
    | {
        /** Greatest certified error as a share of the client's bound. */
        readonly maxErrorRatio: number | null;
        readonly certified: boolean;
        readonly measured?: { readonly level: number; readonly rmsMetres: number } | undefined;
      }
    | undefined;
  readonly addresses: {
    readonly terrain: string;
    readonly layerJson: string;
    readonly tile: string;
    /** Present where `quality` is. */
    readonly qualityJson?: string | undefined;
  };
}

/** All layers of the server; a `Sentence` when there is no list, or no sense in it. */
export async function fetchLayers(signal: AbortSignal): Promise<LayerEntry[]> {
  const list = await fetchJson('layers', 'the list of terrain layers', signal);
  if (!Array.isArray(list)) {
    throw new Sentence('The server answered, but not with a list of terrain layers. Is this page served by Relievo?');
  }
  return list.filter(isLayerEntry);
}

/**
 * Fails early with a sentence: CesiumJS takes a missing layer.json for another format and then fails at every tile.
 */
export async function checkLayerJson(layer: LayerEntry, signal: AbortSignal): Promise<void> {
  const document = await fetchJson(layer.addresses.layerJson, `the description of “${layer.title}”`, signal);
  const format = isRecord(document) ? document.format : undefined;
  if (typeof format !== 'string' || !format.startsWith('quantized-mesh-1.')) {
    throw new Sentence(
      `“${layer.title}” cannot be shown: its layer.json should say format quantized-mesh-1.0, but says ${format === undefined ? 'nothing' : String(format)}.`,
    );
  }
}

/** What is known of each level's errors; a `Sentence` when the layer has no such document, or there is no sense in it. */
export async function fetchQuality(layer: LayerEntry, signal: AbortSignal): Promise<QualityJson> {
  const address = layer.addresses.qualityJson ?? `${layer.addresses.terrain}/quality.json`;
  const document = await fetchJson(address, `the quality of “${layer.title}”`, signal);
  if (!isQuality(document)) throw new Sentence(`The quality.json of “${layer.title}” was not understood.`);
  return document;
}

/** Absolute form of an address given relative to the page. */
export function absoluteAddress(address: string): string {
  return new URL(address, document.baseURI).href;
}

async function fetchJson(address: string, what: string, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(absoluteAddress(address), { signal, headers: { Accept: 'application/json' } });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Sentence(`The server could not be reached for ${what}. Is it still running?`, cause);
  }
  if (!response.ok) {
    throw new Sentence(`The server answered ${response.status} for ${what}${await reasonIn(response)}`);
  }
  try {
    return await response.json();
  } catch (cause) {
    throw new Sentence(`The server's answer for ${what} is not JSON. Is this page served by Relievo?`, cause);
  }
}

/** The server's own sentence in an error answer, if it has one. */
async function reasonIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = isRecord(body) ? (body.message ?? body.error) : undefined;
  const message = isRecord(error) ? error.message : error;
  return typeof message === 'string' && message !== '' ? `: ${message}` : '.';
}

function isLayerEntry(value: unknown): value is LayerEntry {
  if (!isRecord(value) || !isRecord(value.addresses) || !Array.isArray(value.bounds)) return false;
  const { bounds } = value;
  return (
    typeof value.id === 'string' &&
    typeof value.addresses.terrain === 'string' &&
    typeof value.addresses.layerJson === 'string' &&
    bounds.length === 4 &&
    bounds.every((degree) => typeof degree === 'number' && Number.isFinite(degree))
  );
}

function isQuality(value: unknown): value is QualityJson {
  return isRecord(value) && value.schema === 1 && Array.isArray(value.levels) && value.levels.every(isRecord);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
