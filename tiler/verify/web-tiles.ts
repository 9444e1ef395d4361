/**
 * A tileset behind an http(s) address, asked as clients ask: CesiumJS's Accept header with the extensions that layer.json
 * lists. Bodies come as the server's Content-Encoding says, unpacked; what is still gzip then is a fault of the server. Only
 * the host that the user named is asked.
 */
import { RelievoError } from '../error.ts';
import { isSameHost } from '../sources/http-hop.ts';
import { MAX_FILE_BYTES } from '../store/tileset-files.ts';
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
const MAX_REDIRECTS = 5;

/** Opens the set whose base, or whose layer.json, is at the address. */
export async function openWebTiles(place: string, signal?: AbortSignal): Promise<TileSet> {
  const url = layerAddress(place);
  const answer = await fetchOnce(url, {}, signal);
  const { status, body } = answer;
  if (status >= 500 || isRedirect(status)) {
    throw new RelievoError('input-missing', `To layer.json ${answeredBy(answer)}.`, { where: url.href });
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
      throw new RelievoError('input-invalid', answeredBy(answer));
    },
  };
}

export function layerAddress(place: string): URL {
  const url = new URL(place);
  if (!url.pathname.endsWith('layer.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/layer.json`;
  return url;
}

/** By the first template, as cesium-native, QGIS and 3DTilesRenderer do. Throws `input-unsupported` when it leads elsewhere. */
export function tileAddress(place: string, document: LayerDocument, id: JudgedTile): URL {
  const template = document.templates[0] ?? '{z}/{x}/{y}.terrain';
  const layer = layerAddress(place);
  const url = URL.parse(fillTemplate(template, document, id), layer.href);
  if (url !== null && isSameHost(layer, url)) return url;
  const message = `layer.json names tiles at ${url?.host || template}, and only ${layer.host} is asked: verify them where they lie.`;
  throw new RelievoError('input-unsupported', message, { where: layer.href });
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

/**
 * One answer, tried again where the network or the server failed for a moment. A redirect is followed within the host, any
 * other is the answer. Throws `input-unsupported` for a body of more than 256 MiB.
 */
export async function fetchOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<WebAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const response = await follow(url, headers, signal ? AbortSignal.any([signal, patience]) : patience);
      const body = await readBody(url, response);
      if (response.status < 500 || attempt === TRIES)
        return { status: response.status, headers: response.headers, body };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof RelievoError) throw error;
      if (attempt === TRIES) throw unreachable(url, error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
  }
}

async function follow(from: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
  let url = from;
  for (let hops = 0; ; hops++) {
    const response = await fetch(url, { headers, signal, redirect: 'manual' });
    const location = isRedirect(response.status) ? response.headers.get('location') : null;
    const next = location === null ? null : URL.parse(location, url.href);
    if (next === null || !isSameHost(from, next) || hops === MAX_REDIRECTS) return response;
    await response.body?.cancel();
    url = next;
  }
}

async function readBody(url: URL, { body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_FILE_BYTES) {
      const message = `the server sends more than ${MAX_FILE_BYTES / 2 ** 20} MiB`;
      throw new RelievoError('input-unsupported', message, { where: url.href });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** What came in place of the file, as part of a sentence. */
export function answeredBy({ status, headers }: Pick<WebAnswer, 'status' | 'headers'>): string {
  const said = `the server answered ${status}`;
  return isRedirect(status) ? `${said} and leads to ${headers.get('location')}, which is not followed` : said;
}

function unreachable(url: URL, error: unknown): RelievoError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new RelievoError('input-missing', `No answer could be read: ${cause}`, { where: url.href, cause: error });
}
