/**
 * Understands what people paste as the address of imagery: XYZ and TMS templates, TMS folders, WMTS capabilities, and
 * WMTS GetTile requests by template (OGC 07-057r7 section 10) or by query string (section 8). Pure: asks no server.
 */
import { Sentence } from './sentence.ts';

export type ImageryAddress =
  | {
      readonly kind: 'template';
      /** With {z}, {x} and {y} or {reverseY}; {s} where subdomains are given. */
      readonly url: string;
      readonly subdomains: readonly string[];
    }
  | { readonly kind: 'tms'; readonly folder: string }
  | { readonly kind: 'capabilities'; readonly url: string }
  /** A WMTS tile address: a template with {TileMatrix}, {TileRow} and {TileCol}, or the base of a GetTile query. */
  | {
      readonly kind: 'wmts';
      readonly url: string;
      readonly layer: string;
      readonly style: string;
      readonly format: string;
      readonly matrixSet: string;
    }
  /** An XML document or a folder: only its content tells which. */
  | { readonly kind: 'unknown'; readonly url: string };

/** Throws a `Sentence` that says what is missing. `page` resolves addresses without a host. */
export function readImageryAddress(typed: string, page: string): ImageryAddress {
  const words = typed.trim().replace(/^["'<]+|[>"']+$/g, '');
  if (words === '') throw new Sentence('Paste an address first, for example https://…/{z}/{x}/{y}.png.');
  const address = withProtocol(words, page);
  const template = readTemplate(address);
  if (template) return template;

  const url = new URL(address);
  const query = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  const service = query.get('service')?.toLowerCase();
  const request = query.get('request')?.toLowerCase();
  if (service === 'wms' || request === 'getmap') {
    throw new Sentence(
      'This is a WMS address. Relievo takes map tiles, TMS and WMTS; many WMS servers offer WMTS as well.',
    );
  }
  if (service === 'wmts' || request === 'gettile') {
    if (request === 'gettile') return readGetTile(url, query);
    return { kind: 'capabilities', url: asCapabilities(url).href };
  }
  const tile = /^(.*\/)(\d+)\/(\d+)\/(\d+)(@2x)?(\.\w+)?$/.exec(url.pathname);
  if (tile) {
    const proposal = `${url.origin}${tile[1]}{z}/{x}/{y}${tile[6] ?? ''}`;
    throw new Sentence(`This is the address of a single tile. Put {z}, {x} and {y} where its numbers are: ${proposal}`);
  }
  if (/wmtscapabilities\.xml$/i.test(url.pathname)) return { kind: 'capabilities', url: url.href };
  if (/\/tilemapresource\.xml$/i.test(url.pathname)) {
    return { kind: 'tms', folder: url.href.replace(/tilemapresource\.xml.*$/i, '') };
  }
  return { kind: 'unknown', url: url.href };
}

/** The name to show when the user gives none. */
export function nameFromAddress(typed: string, page: string): string {
  try {
    return (
      new URL(withProtocol(typed.trim(), page).replace(/\{[^}]*\}\.?/g, '')).hostname.replace(/^www\./, '') || 'Imagery'
    );
  } catch {
    return 'Imagery';
  }
}

function withProtocol(words: string, page: string): string {
  const protocol = /^([a-z][a-z0-9+.-]*):\/\//i.exec(words)?.[1]?.toLowerCase();
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https') {
    throw new Sentence(`The address starts with ${protocol}://, but imagery comes by https:// or http://.`);
  }
  if (/^(javascript|data|file|blob|mailto):/i.test(words)) {
    throw new Sentence('That is not the address of imagery: it should start with https://.');
  }
  const looksLikeHost = /^[\w{}-]+(\.[\w{}-]+)+(:\d+)?(\/|$)/.test(words) && !words.startsWith('.');
  const whole = protocol === undefined && looksLikeHost ? `https://${words}` : words;
  try {
    // Braces stay readable: only the check goes through the URL parser.
    const parsed = new URL(whole.replace(/\{[^}]*\}/g, 'a').replace(/[{}]/g, '_'), page);
    if (protocol !== undefined || looksLikeHost) return whole;
    return parsed.origin + decodeBraces(new URL(whole, page));
  } catch (cause) {
    throw new Sentence('This is not an address: it should look like https://…/{z}/{x}/{y}.png.', cause);
  }
}

function decodeBraces(url: URL): string {
  return (url.pathname + url.search).replace(/%7B/gi, '{').replace(/%7D/gi, '}');
}

function readTemplate(address: string): ImageryAddress | undefined {
  let url = address
    .replace(/%7B/gi, '{')
    .replace(/%7D/gi, '}')
    .replace(/\$\{/g, '{')
    .replace(/\{zoom\}/gi, '{z}')
    .replace(/\{(-y|reversey)\}/gi, '{reverseY}')
    .replace(/\{(z|x|y|s)\}/gi, (_, letter: string) => `{${letter.toLowerCase()}}`)
    .replace(/\{r\}|\{ratio\}/gi, '');
  if (/\{tilematrix\}/i.test(url)) return readWmtsTemplate(url);
  const has = (name: string) => url.includes(`{${name}}`);
  if (!has('z') && !has('x') && !has('y') && !has('reverseY')) {
    const unknown = /\{([^}]*)\}/.exec(url)?.[1];
    if (unknown === undefined) return undefined;
    throw new Sentence(`Relievo does not know {${unknown}}. The address needs {z}, {x} and {y}.`);
  }
  const missing = [has('z') ? '' : '{z}', has('x') ? '' : '{x}', has('y') || has('reverseY') ? '' : '{y} or {-y}'];
  const named = missing.filter((word) => word !== '');
  if (named.length > 0) throw new Sentence(`The address lacks ${named.join(' and ')}: without that it names no tile.`);

  let subdomains: readonly string[] = ['a', 'b', 'c'];
  url = url.replace(/\{switch:([^}]*)\}/i, (_, list: string) => {
    subdomains = list.split(',').map((word) => word.trim());
    return '{s}';
  });
  url = url.replace(/\{([a-z0-9])-([a-z0-9])\}/i, (_, first: string, last: string) => {
    subdomains = Array.from({ length: Math.max(last.charCodeAt(0) - first.charCodeAt(0) + 1, 1) }, (_unused, i) =>
      String.fromCharCode(first.charCodeAt(0) + i),
    );
    return '{s}';
  });
  const odd = [...url.matchAll(/\{([^}]*)\}/g)].find(
    ([, word]) => !['z', 'x', 'y', 'reverseY', 's'].includes(word ?? ''),
  );
  if (odd) throw new Sentence(`Relievo does not know {${odd[1]}} in the address: replace it by what it stands for.`);
  return { kind: 'template', url, subdomains };
}

function readWmtsTemplate(address: string): ImageryAddress {
  const url = address.replace(/\{(\w+)\}/g, (braced, word: string) => {
    const known = ['TileMatrix', 'TileRow', 'TileCol', 'TileMatrixSet', 'Style', 'Layer'];
    const name = known.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
    return name === undefined ? braced : `{${name}}`;
  });
  for (const name of ['{TileRow}', '{TileCol}']) {
    if (!url.includes(name)) throw new Sentence(`The WMTS address lacks ${name}: without that it names no tile.`);
  }
  for (const name of ['{TileMatrixSet}', '{Layer}']) {
    if (url.includes(name)) {
      throw new Sentence(`Replace ${name} in the address by its value, or paste the address of the WMTS capabilities.`);
    }
  }
  return { kind: 'wmts', url, layer: 'layer', style: 'default', format: 'image/png', matrixSet: 'default' };
}

function readGetTile(url: URL, query: ReadonlyMap<string, string>): ImageryAddress {
  const layer = query.get('layer');
  const matrixSet = query.get('tilematrixset');
  if (!layer || !matrixSet) {
    throw new Sentence(`The WMTS request lacks ${layer ? 'TileMatrixSet' : 'Layer'}=…: without that it names no tile.`);
  }
  const dropped = [
    'service',
    'request',
    'version',
    'layer',
    'style',
    'format',
    'tilematrixset',
    'tilematrix',
    'tilerow',
    'tilecol',
  ];
  const base = new URL(url);
  for (const name of [...base.searchParams.keys()]) {
    if (dropped.includes(name.toLowerCase())) base.searchParams.delete(name);
  }
  return {
    kind: 'wmts',
    url: base.href,
    layer,
    style: query.get('style') ?? '',
    format: query.get('format') ?? 'image/png',
    matrixSet,
  };
}

function asCapabilities(url: URL): URL {
  const asked = new URL(url);
  for (const name of [...asked.searchParams.keys()]) {
    if (['service', 'request'].includes(name.toLowerCase())) asked.searchParams.delete(name);
  }
  asked.searchParams.set('SERVICE', 'WMTS');
  asked.searchParams.set('REQUEST', 'GetCapabilities');
  return asked;
}
