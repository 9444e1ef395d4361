/** What form of an answer the client accepts: content coding (RFC 9110, 12.5.3) and quantized-mesh extensions (`Accept` or query). */
import type { ExtensionName } from '../../tiler/encode/extension-name.ts';
import { EXTENSION_IDS } from '../../tiler/encode/extension-name.ts';

/**
 * The coding to send for an Accept-Encoding header: the one with the higher weight, gzip when they are equal, identity when
 * there is no header; undefined when the client excludes both.
 */
export function negotiateCoding(header: string | undefined): 'gzip' | 'identity' | undefined {
  if (header === undefined) return 'identity';
  const weights = new Map<string, number>();
  for (const item of header.split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, weightOf(parameters));
  }
  const rest = weights.get('*');
  const gzip = weights.get('gzip') ?? rest ?? 0;
  // Identity is acceptable unless it is excluded by name or by a bare *;q=0; unnamed, it ranks below whatever is named.
  const identity = weights.get('identity') ?? (rest === 0 ? 0 : Number.MIN_VALUE);
  if (gzip > 0 && gzip >= identity) return 'gzip';
  return identity > 0 ? 'identity' : undefined;
}

/** 1 without a q, 0 for one that is no weight. */
function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  if (q === undefined) return 1;
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
}

/**
 * The extensions that were asked for and that the layer has, sorted by id, each once. Asked for by `extensions=` in any
 * media range of Accept, or in the query; names joined by "-"; unknown ones are passed over.
 */
export function negotiateExtensions(
  accept: string | undefined,
  query: unknown,
  offered: readonly ExtensionName[],
): ExtensionName[] {
  const asked = new Set(
    [...inAccept(accept ?? ''), ...inQuery(query)].flatMap((text) => text.toLowerCase().split('-')),
  );
  return offered.filter((name) => asked.has(name)).sort((a, b) => EXTENSION_IDS[a] - EXTENSION_IDS[b]);
}

function inAccept(accept: string): string[] {
  return accept.split(',').flatMap((range) => {
    const [, ...parameters] = range.split(';').map((part) => part.trim());
    if (weightOf(parameters.map((parameter) => parameter.toLowerCase())) === 0) return [];
    return parameters.flatMap((parameter) => /^extensions\s*=\s*"?([\w-]+)"?$/i.exec(parameter)?.[1] ?? []);
  });
}

/** As Express parses it: a text, a list of texts, or nothing. */
function inQuery(query: unknown): string[] {
  const values: unknown[] = Array.isArray(query) ? query : [query];
  return values.filter((value) => typeof value === 'string');
}
