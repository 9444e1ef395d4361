/**
 * WKT (OGC 01-009 and 18-010, Esri's dialect) and PROJJSON before they are computed: the EPSG code that says everything,
 * the horizontal part of a compound, the geographic system underneath, and the directions of the axes.
 */
import { RelievoError } from '../error.ts';
import { type BaseSystem, baseNamed, baseOf } from './crs-verdict.ts';

export interface WktSystem {
  /** As it was given. */
  readonly text: string;
  /** EPSG code of the whole horizontal system; it says more than the text around it, the datum shift above all. */
  readonly code?: number | undefined;
  readonly name: string;
  /** The geographic system underneath; undefined for WGS84 and where it is not known. */
  readonly base: BaseSystem | undefined;
  /** Whether the text brings its own shift to WGS84. */
  readonly shifted: boolean;
  /** `en`, `ws` or `sw`. */
  readonly axes: string;
  /** What proj4 takes. */
  readonly proj4: unknown;
}

/** Nodes that hold coordinate systems, by what they are. */
const COMPOUND = /^(COMPD_CS|COMPOUNDCRS)\s*\[/i;
const BOUND = /^BOUNDCRS\s*\[/i;
const HORIZONTAL = /\b(PROJCS|PROJCRS|PROJECTEDCRS|GEOGCS|GEOGCRS|GEOGRAPHICCRS|GEODCRS|GEODETICCRS)\s*\[/i;
const GEOGRAPHIC = /\b(GEOGCS|GEOGCRS|BASEGEOGCRS|BASEGEODCRS|GEODCRS|GEODETICCRS|GEOGRAPHICCRS)\s*\[/i;

/** The parts that count; undefined for a text that is neither WKT nor PROJJSON. Refuses with `crs` one cut short. */
export function readWkt(text: string): WktSystem | undefined {
  if (text.startsWith('{')) return readProjJson(text);
  if (!/^[A-Z_0-9]+\s*\[/i.test(text)) return undefined;
  if (COMPOUND.test(text)) {
    const part = nodeAt(text, HORIZONTAL);
    const whole = codeOf(text);
    const inner = part === undefined ? undefined : readWkt(part);
    // The code of a compound stands for its horizontal part too, where that has none of its own.
    return inner && { ...inner, text, code: inner.code ?? whole };
  }
  const bound = BOUND.test(text);
  const part = bound ? (nodeAt(text, HORIZONTAL) ?? text) : text;
  const shifted = bound || /\bTOWGS84\s*\[/i.test(text);
  const geographic = nodeAt(part, GEOGRAPHIC);
  const geographicCode = geographic && codeOf(geographic);
  const code = codeOf(part);
  return {
    text,
    code,
    name: nameOf(part) ?? 'WKT',
    base: geographicCode ? baseOf(geographicCode) : baseNamed((geographic && nameOf(geographic)) ?? ''),
    shifted,
    axes: axesOf(part),
    proj4: bound ? text : part,
  };
}

/** The first node that matches, with its brackets. Refuses with `crs` brackets that do not close. */
function nodeAt(text: string, pattern: RegExp): string | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  let depth = 0;
  let quoted = false;
  for (let i = match.index; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === '[') depth++;
    else if (!quoted && letter === ']' && --depth === 0) return text.slice(match.index, i + 1);
  }
  throw new RelievoError(
    'crs',
    `This WKT cannot be used: its brackets do not close, it is cut off. Give the EPSG code instead, such as EPSG:32632.`,
  );
}

/** The EPSG code at the very end of a node: that of the node itself. */
function codeOf(node: string): number | undefined {
  const match = /(?:AUTHORITY|ID)\s*\[\s*"EPSG"\s*,\s*"?(\d+)"?\s*\]\s*\]\s*$/i.exec(node);
  return match ? Number(match[1]) : undefined;
}

function nameOf(node: string): string | undefined {
  return /^\s*[A-Z_0-9]+\s*\[\s*"([^"]+)"/i.exec(node)?.[1];
}

/** The last two directions named, other than up and down: those of the outermost system. */
function axesOf(node: string): string {
  if (!/^PROJ/i.test(node)) return 'en';
  const found = [...node.matchAll(/\bAXIS\s*\[\s*"[^"]*"\s*,\s*(north|south|east|west)\b/gi)].slice(-2);
  const axes = found.map(([, direction = '']) => direction[0]?.toLowerCase()).join('');
  return axes === 'ws' || axes === 'sw' ? axes : 'en';
}

interface JsonNode {
  readonly type?: string;
  readonly name?: string;
  readonly id?: { readonly authority?: string; readonly code?: number | string };
  readonly components?: readonly JsonNode[];
  readonly source_crs?: JsonNode;
  readonly base_crs?: JsonNode;
  readonly coordinate_system?: { readonly axis?: readonly { readonly direction?: string }[] };
}

function readProjJson(text: string): WktSystem {
  let root: JsonNode;
  try {
    root = JSON.parse(text) as JsonNode;
  } catch (cause) {
    throw new RelievoError('crs', `This PROJJSON cannot be used: ${cause instanceof Error ? cause.message : cause}.`);
  }
  const bound = root.type === 'BoundCRS';
  const outer = bound ? (root.source_crs ?? root) : root;
  const part = outer.components?.[0] ?? outer;
  const geographic = part.base_crs ?? part;
  const geographicCode = codeOfNode(geographic);
  const directions = (part.coordinate_system?.axis ?? []).slice(0, 2).map(({ direction = '' }) => direction[0]);
  const axes = part.base_crs ? directions.join('') : 'en';
  return {
    text,
    code: codeOfNode(part) ?? codeOfNode(outer),
    name: part.name ?? 'PROJJSON',
    base: geographicCode ? baseOf(geographicCode) : baseNamed(geographic.name ?? ''),
    shifted: bound,
    axes: axes === 'ws' || axes === 'sw' ? axes : 'en',
    proj4: bound ? root : part,
  };
}

function codeOfNode({ id }: JsonNode): number | undefined {
  return id?.authority?.toUpperCase() === 'EPSG' && Number(id.code) > 0 ? Number(id.code) : undefined;
}
