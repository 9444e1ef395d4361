/**
 * What a server must say besides the bytes: content type and encoding, CORS, caching and conditional requests, Vary, and
 * 404 for tiles that do not exist. Asked of layer.json and of a few tiles; where tiles exist one is asked for outside them.
 */
import type { LayerDocument } from './check-layer.ts';
import type { Ledger } from './ledger.ts';
import type { TileIndex } from './tile-index.ts';
import { inGrid, type JudgedTile } from './tiling.ts';
import { acceptOf, fetchOnce, layerAddress, tileAddress, type WebAnswer } from './web-tiles.ts';

/** An origin that is nobody's, so that a server which allows only its own pages shows it. */
export const ORIGIN = 'https://verify.invalid';

export async function checkWeb(
  place: string,
  document: LayerDocument,
  there: TileIndex,
  ledger: Ledger,
  signal?: AbortSignal,
): Promise<void> {
  const layer = layerAddress(place);
  const answer = await fetchOnce(layer, { origin: ORIGIN }, signal);
  const name = 'layer.json';
  checkCors(answer, name, undefined, ledger);
  await checkCaching(layer, answer, {}, name, undefined, ledger, signal);
  const type = answer.headers.get('content-type') ?? 'none';
  if (!/json/.test(type)) ledger.add('http-type', `${name}: the content type is ${type}, usually application/json`);

  for (const id of someTiles(there)) {
    const url = tileAddress(place, document, id);
    const headers = { accept: acceptOf(document), origin: ORIGIN };
    const tile = await fetchOnce(url, headers, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      ledger.add(
        'http-encoding',
        `no body could be read: ${error instanceof Error ? error.message : String(error)}`,
        id,
      );
    });
    if (tile?.status !== 200) continue;
    checkCors(tile, 'the tile', id, ledger);
    checkType(tile, id, ledger);
    checkEncoding(tile, id, ledger);
    await checkCaching(url, tile, headers, 'the tile', id, ledger, signal);
    await checkVariants(url, tile, document, id, ledger, signal);
  }
  for (const id of tilesOutside(there, document)) {
    const missing = await fetchOnce(
      tileAddress(place, document, id),
      { accept: acceptOf(document), origin: ORIGIN },
      signal,
    );
    if (missing.status === 404) {
      checkCors(missing, 'the answer 404', id, ledger);
    } else if (missing.status === 200 && !looksLikePage(missing)) {
      ledger.add('tile-unlisted', 'the server has a tile here that layer.json does not advertise', id);
    } else {
      const body = looksLikePage(missing) ? 'a page' : `${missing.body.length} bytes`;
      ledger.add('http-missing-status', `outside what is advertised: status ${missing.status} with ${body}`, id);
    }
  }
}

/** One of the roots, of the middle and of the deepest level. */
function someTiles(there: TileIndex): JudgedTile[] {
  const levels = new Set([0, there.depth >> 1, there.depth - 1]);
  return [...levels].filter((z) => there.count(z) > 0).map((z) => there.at(z, there.count(z) >> 1));
}

/** Children just outside: of a tile that has none, and beside the edge of a level. */
function tilesOutside(there: TileIndex, { tiling }: LayerDocument): JudgedTile[] {
  const found: JudgedTile[] = [];
  const z = there.depth - 1;
  if (z < 0) return found;
  const deepest = there.at(z, there.count(z) >> 1);
  found.push({ z: z + 1, x: 2 * deepest.x, y: 2 * deepest.y });
  for (const level of [z, z - 1]) {
    for (let i = 0; level > 0 && i < there.count(level); i++) {
      const { x, y } = there.at(level, i);
      const beside = { z: level, x: x + 1, y };
      if (there.has(beside) || !inGrid(beside, tiling)) continue;
      found.push(beside);
      break;
    }
  }
  return found;
}

export function checkCors({ headers }: WebAnswer, what: string, id: JudgedTile | undefined, ledger: Ledger): void {
  const allowed = headers.get('access-control-allow-origin');
  if (allowed === '*' || allowed === ORIGIN) return;
  ledger.add('http-cors', `${what}: Access-Control-Allow-Origin is ${allowed ?? 'missing'}, expected *`, id);
}

function checkType({ headers }: WebAnswer, id: JudgedTile, ledger: Ledger): void {
  const type = headers.get('content-type')?.split(';')[0] ?? 'none';
  if (type === 'application/vnd.quantized-mesh' || type === 'application/octet-stream') return;
  ledger.add('http-type', `the content type is ${type}, usually application/vnd.quantized-mesh`, id);
}

/** fetch has unpacked what the header names: what is still packed then, a browser cannot read. */
function checkEncoding({ headers, body }: WebAnswer, id: JudgedTile, ledger: Ledger): void {
  if (!(body[0] === 0x1f && body[1] === 0x8b && body[2] === 8)) return;
  const said = headers.get('content-encoding');
  const message = said
    ? `the body is gzip even after unpacking Content-Encoding: ${said}: it was packed twice`
    : 'the body is gzip, and no Content-Encoding says so';
  ledger.add('http-encoding', message, id);
}

export async function checkCaching(
  url: URL,
  { headers }: WebAnswer,
  asked: Readonly<Record<string, string>>,
  what: string,
  id: JudgedTile | undefined,
  ledger: Ledger,
  signal?: AbortSignal,
): Promise<void> {
  const etag = headers.get('etag');
  const modified = headers.get('last-modified');
  if (!etag && !modified && !headers.get('cache-control')) {
    ledger.add('http-caching', `${what}: neither ETag nor Last-Modified nor Cache-Control`, id);
  }
  if (!etag) return;
  const again = await fetchOnce(url, { ...asked, 'if-none-match': etag }, signal);
  if (again.status === 304) return;
  ledger.add('http-conditional', `${what}: If-None-Match: ${etag} is answered with ${again.status}, expected 304`, id);
}

/** Whether the body hangs on what is asked for, and whether caches are told. */
async function checkVariants(
  url: URL,
  full: WebAnswer,
  { extensions }: LayerDocument,
  id: JudgedTile,
  ledger: Ledger,
  signal?: AbortSignal,
): Promise<void> {
  if (extensions.length === 0) return;
  const plain = await fetchOnce(url, { accept: 'application/vnd.quantized-mesh,*/*;q=0.1', origin: ORIGIN }, signal);
  if (plain.status !== 200) return;
  const vary = (full.headers.get('vary') ?? '').toLowerCase();
  if (plain.body.length === full.body.length) {
    ledger.add('http-unasked', 'the same bytes come with and without extensions in the request', id);
  } else if (!/\baccept\b(?!-)|\*/.test(vary)) {
    ledger.add('http-vary', `the body depends on Accept, but Vary is ${vary || 'missing'}`, id);
  }
}

function looksLikePage({ headers, body }: WebAnswer): boolean {
  return /html/.test(headers.get('content-type') ?? '') || body[0] === 0x3c || body.length < 92;
}
