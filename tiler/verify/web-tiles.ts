/**
 * A tileset behind an http(s) address, asked as clients ask: CesiumJS's Accept header with the extensions that layer.json
 * lists. Bodies come as the server's Content-Encoding says, unpacked; what is still gzip then is a fault of the server.
 */
import { RelievoError } from '../error.ts';
import type { LayerDocument } from './check-layer.ts';
import type { TileSet } from './tile-set.ts';
import type { JudgedTile } from './tiling.ts';

export interface WebAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const TRIES = 3;
const PAUSE_MS = 300;
const PATIENCE_MS = 30_000;

/** Opens the set whose base, or whose layer.json, is at the address. */
export async function openWebTiles(place: string, signal?: AbortSignal): Promise<TileSet> {
  const url = layerAddress(place);
  const { status, body } = await fetchOnce(url, {}, signal);
  if (status >= 500) {
    throw new RelievoError('input-missing', `The server answered ${status} to layer.json.`, { where: url.href });
  }
  return {
    place,
    kind: 'url',
    layerJson: status === 200 ? new TextDecoder().decode(body) : undefined,
    list: async () => undefined,
    follows: async () => true,
    reader: (document) => async (id, stop) => {
      const answer = await fetchOnce(tileAddress(place, document, id), { accept: acceptOf(document) }, stop);
      if (answer.status === 200) return answer.body;
      if (answer.status === 404 || answer.status === 204) return undefined;
      throw new RelievoError('input-invalid', `the server answered ${answer.status}`);
    },
  };
}

export function layerAddress(place: string): URL {
  const url = new URL(place);
  if (!url.pathname.endsWith('layer.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/layer.json`;
  return url;
}

/** By the first template, as cesium-native, QGIS and 3DTilesRenderer do. */
export function tileAddress(place: string, document: LayerDocument, id: JudgedTile): URL {
  const template = document.templates[0] ?? '{z}/{x}/{y}.terrain';
  return new URL(fillTemplate(template, document, id), layerAddress(place));
}

/** Puts the numbers of a tile and the version in their places. */
export function fillTemplate(template: string, { version, tiling }: LayerDocument, { z, x, y }: JudgedTile): string {
  const words: Record<string, string | number> = { z, x, y: tiling.fileRow(z, y), version };
  return template.replace(/\{(z|x|y|version)\}/g, (_, word: string) => String(words[word]));
}

/** What CesiumJS sends when it wants these extensions. */
export function acceptOf({ extensions }: LayerDocument): string {
  const names = ['octvertexnormals', 'watermask', 'metadata'].filter((name) => extensions.includes(name));
  const wanted = names.length > 0 ? `;extensions=${names.join('-')}` : '';
  return `application/vnd.quantized-mesh${wanted},application/octet-stream;q=0.9,*/*;q=0.01`;
}

/** One answer, tried again where the network or the server failed for a moment. */
export async function fetchOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<WebAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const response = await fetch(url, { headers, signal: signal ? AbortSignal.any([signal, patience]) : patience });
      const body = new Uint8Array(await response.arrayBuffer());
      if (response.status < 500 || attempt === TRIES)
        return { status: response.status, headers: response.headers, body };
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt === TRIES) throw unreachable(url, error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
  }
}

function unreachable(url: URL, error: unknown): RelievoError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new RelievoError('input-missing', `No answer could be read: ${cause}`, { where: url.href, cause: error });
}
