/**
 * WKT of coordinate systems as a tree (OGC 01-009; OGC 18-010; Esri's dialect): keywords in capitals, then values in their
 * order. Nothing is interpreted here.
 */
import { RelievoError } from '../error.ts';

export interface WktNode {
  /** In capitals. */
  readonly keyword: string;
  readonly values: readonly WktValue[];
}

export type WktValue = string | number | WktNode;

const MAX_DEPTH = 32;
const WORDS = /\s*(?:"((?:[^"]|"")*)"|([[(])|([\])])|(,)|([A-Za-z_][A-Za-z_0-9]*)|([-+]?[\d.]+(?:[eE][-+]?\d+)?))/y;

/** The tree of a text; undefined for one that does not begin as WKT. Refuses with `crs` one that is cut off or broken. */
export function parseWkt(text: string): WktNode | undefined {
  if (!/^\s*[A-Z_][A-Z_0-9]*\s*[[(]/i.test(text)) return undefined;
  const words = new RegExp(WORDS);
  const next = () => words.exec(text) ?? broken('it is cut off or holds what is no WKT');

  function readNode(keyword: string, depth: number): WktNode {
    if (depth > MAX_DEPTH) broken(`it is more than ${MAX_DEPTH} brackets deep`);
    const values: WktValue[] = [];
    if (next()[2] === undefined) broken(`${keyword} is not followed by a bracket`);
    for (;;) {
      const [, quoted, , closing, comma, name, number] = next();
      if (closing !== undefined) return { keyword: keyword.toUpperCase(), values };
      if (comma !== undefined) continue;
      if (quoted !== undefined) values.push(quoted.replaceAll('""', '"'));
      else if (number !== undefined) values.push(Number(number));
      else if (name !== undefined) {
        const at = words.lastIndex;
        const follows = words.exec(text)?.[2];
        words.lastIndex = at;
        values.push(follows === undefined ? name : readNode(name, depth + 1));
      } else broken('a bracket has no keyword');
    }
  }

  const [, , , , , keyword = ''] = next();
  return readNode(keyword, 0);
}

function broken(what: string): never {
  throw new RelievoError(
    'crs',
    `This WKT cannot be used: ${what}. Get it again, or give the EPSG code instead, such as EPSG:32632.`,
  );
}

/** The first child with one of these keywords. */
export function childOf(node: WktNode | undefined, ...keywords: readonly string[]): WktNode | undefined {
  return childrenOf(node, ...keywords)[0];
}

export function childrenOf(node: WktNode | undefined, ...keywords: readonly string[]): WktNode[] {
  return (node?.values ?? []).filter((value): value is WktNode => isNode(value) && keywords.includes(value.keyword));
}

/** The text at a place among the values; undefined where there is none. */
export function textIn(node: WktNode | undefined, place: number): string | undefined {
  const value = node?.values[place];
  return typeof value === 'string' ? value : undefined;
}

/** The number at a place among the values, also one in quotes; undefined where there is none. */
export function numberIn(node: WktNode | undefined, place: number): number | undefined {
  const value = node?.values[place];
  if (value === undefined || isNode(value) || value === '') return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
}

function isNode(value: WktValue): value is WktNode {
  return typeof value === 'object';
}
