/**
 * The `tiles` template of a layer.json, as file names below its folder: `{z}/{x}/{y}.terrain?v={version}`. Only whole
 * numbers are ever put into it, so a path made from it stays below the folder.
 */
import { RelievoError } from '../error.ts';
import type { TileId } from '../geo/tiling-scheme.ts';

type Known = Readonly<Partial<TileId>>;

export interface TilePath {
  /** Folders plus the file. */
  readonly depth: number;
  /** Names of the folders and the file of a tile, rows as the template counts them. */
  segments(z: number, x: number, y: number): string[];
  /** What the name at a depth says about a tile, joined with what is known; undefined when it fits no tile. */
  match(depth: number, name: string, known: Known): Known | undefined;
}

type Axis = 'z' | 'x' | 'y';
type Part = { readonly text: string } | { readonly axis: Axis };

const NUMBER = '(0|[1-9]\\d{0,9})';

/**
 * Reads a relative template; the query string is dropped, `{version}` stands for `version`. Throws `input-invalid` when it
 * leads out of the folder, lacks one of {z}, {x}, {y}, or names something else.
 */
export function parseTileTemplate(template: string, version: string | undefined, where: string): TilePath {
  const refuse = (what: string): RelievoError => {
    const message = `expected a tiles template such as "{z}/{x}/{y}.terrain", but "${template}" ${what}`;
    return new RelievoError('input-invalid', message, { where });
  };
  const bare = template.replace(/[?#].*$/s, '').replace(/^(\.\/)+/, '');
  const segments = bare.split('/').map((segment) => parseSegment(segment, version, refuse));
  const axes = segments.flat().flatMap((part) => ('axis' in part ? [part.axis] : []));
  for (const axis of ['z', 'x', 'y'] as const) if (!axes.includes(axis)) throw refuse(`has no {${axis}}`);

  const patterns = segments.map(toPattern);
  return {
    depth: segments.length,
    segments: (z, x, y) => {
      const at = { z, x, y };
      return segments.map((parts) => parts.map((part) => ('text' in part ? part.text : at[part.axis])).join(''));
    },
    match(depth, name, known) {
      const pattern = patterns[depth];
      const found = pattern?.exec(name);
      if (!found) return undefined;
      const joined: { z?: number; x?: number; y?: number } = { ...known };
      for (const [i, axis] of (axesOf(segments[depth]) ?? []).entries()) {
        const value = Number(found[i + 1]);
        if (joined[axis] !== undefined && joined[axis] !== value) return undefined;
        joined[axis] = value;
      }
      return joined;
    },
  };
}

function axesOf(parts: readonly Part[] | undefined): Axis[] | undefined {
  return parts?.flatMap((part) => ('axis' in part ? [part.axis] : []));
}

function parseSegment(segment: string, version: string | undefined, refuse: (what: string) => RelievoError): Part[] {
  const parts = segment.split(/(\{[^{}]*\})/).filter((text) => text !== '');
  const read = parts.map((text): Part => {
    if (text === '{z}' || text === '{level}') return { axis: 'z' };
    if (text === '{x}') return { axis: 'x' };
    if (text === '{y}') return { axis: 'y' };
    if (text === '{version}' && version !== undefined) return { text: version };
    if (/[{}]/.test(text)) throw refuse(`holds ${text}, which is not known here`);
    return { text };
  });
  const literal = read.map((part) => ('text' in part ? part.text : '0')).join('');
  if (literal === '' || literal === '.' || literal === '..') throw refuse('leads out of the folder');
  if (!/^[\w.,=@+ -]+$/.test(literal)) throw refuse('holds a character that is no part of a file name here');
  return read;
}

function toPattern(parts: readonly Part[]): RegExp {
  const source = parts.map((part) => ('text' in part ? part.text.replace(/[.+]/g, '\\$&') : NUMBER)).join('');
  return new RegExp(`^${source}$`);
}
