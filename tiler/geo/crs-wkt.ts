/**
 * Coordinate systems as WKT (OGC 01-009 and 18-010, Esri's dialect) as words of a proj4 string: the horizontal part of a
 * compound, its EPSG code where it has one, the geographic system underneath, a shift to WGS84 that comes with it.
 */
import { RelievoError } from '../error.ts';
import { type BaseSystem, baseNamed, baseOf } from './crs-verdict.ts';
import type { Tokens } from './proj-string.ts';
import { parseTokens } from './proj-string.ts';
import { axesOfMethod, plainName, setProjection } from './wkt-projection.ts';
import { childOf, childrenOf, numberIn, parseWkt, textIn, type WktNode } from './wkt-tree.ts';

export interface WktSystem {
  /** EPSG code of the whole horizontal system; it says more than the text around it, the datum shift above all. */
  readonly code?: number | undefined;
  readonly name: string;
  /** The geographic system underneath; undefined for WGS84 and where it is not known. */
  readonly base: BaseSystem | undefined;
  /** Metres (degrees, where geographic) in a unit of coordinates. */
  readonly unit: number;
  /** What proj4 computes. Refuses with `crs` what is not known here. */
  tokens(): Tokens;
}

const COMPOUND = ['COMPD_CS', 'COMPOUNDCRS'];
const PROJECTED = ['PROJCS', 'PROJCRS', 'PROJECTEDCRS'];
const GEOGRAPHIC = ['GEOGCS', 'GEOGCRS', 'GEOGRAPHICCRS', 'GEODCRS', 'GEODETICCRS', 'BASEGEOGCRS', 'BASEGEODCRS'];
const DATUMS = ['DATUM', 'ENSEMBLE', 'GEODETICDATUM', 'TRF'];
const UNITS = ['UNIT', 'LENGTHUNIT', 'ANGLEUNIT', 'SCALEUNIT'];
const DEGREE = Math.PI / 180;
/** Degrees, and the meridian of which texts disagree in which unit it is given. */
const PARIS = 2.33722917;

/** What the text says; undefined when it is no WKT. Refuses with `crs` one that is broken or of another kind. */
export function readWkt(text: string): WktSystem | undefined {
  const root = parseWkt(text);
  return root && readSystem(root, undefined);
}

/** `shift`: the +towgs84 of a bound system around this one. */
function readSystem(root: WktNode, shift: string | undefined): WktSystem {
  if (COMPOUND.includes(root.keyword)) {
    const part = childOf(root, ...PROJECTED, ...GEOGRAPHIC, 'BOUNDCRS', ...COMPOUND);
    if (part === undefined) throw otherKind(root);
    const inner = readSystem(part, shift);
    return { ...inner, code: inner.code ?? codeOf(root) };
  }
  if (root.keyword === 'BOUNDCRS') {
    const part = childOf(childOf(root, 'SOURCECRS'), ...PROJECTED, ...GEOGRAPHIC, ...COMPOUND);
    if (part === undefined) throw otherKind(root);
    const inner = readSystem(part, shiftOf(childOf(root, 'ABRIDGEDTRANSFORMATION')));
    return inner;
  }
  const projected = PROJECTED.includes(root.keyword);
  if (!projected && !GEOGRAPHIC.includes(root.keyword)) throw otherKind(root);
  const geographic = projected ? childOf(root, ...GEOGRAPHIC) : root;
  if (geographic === undefined) throw otherKind(root);
  const code = codeOf(geographic);
  const angle = unitOf(geographic) ?? DEGREE;
  const unit = projected ? (unitOf(root) ?? 1) : angle / DEGREE;
  const datum = childOf(geographic, ...DATUMS);
  return {
    code: codeOf(root),
    name: (textIn(root, 0) ?? 'WKT').replaceAll('_', ' '),
    base: code === undefined ? baseNamed(textIn(geographic, 0) ?? '') : baseOf(code),
    unit: Math.abs(unit - 1) < 1e-12 ? 1 : unit,
    tokens() {
      const extension = childrenOf(root, 'EXTENSION').find((node) => textIn(node, 0) === 'PROJ4');
      const written = textIn(extension, 1);
      if (written !== undefined) return parseTokens(written);
      const tokens: Tokens = new Map([['proj', 'longlat']]);
      setEllipsoid(tokens, childOf(datum, 'SPHEROID', 'ELLIPSOID'));
      const meridian = meridianOf(childOf(geographic, 'PRIMEM'), angle);
      if (meridian !== 0) tokens.set('pm', String(meridian));
      const own = childOf(datum, 'TOWGS84')?.values.filter((value) => typeof value === 'number');
      if (own !== undefined && own.length >= 3) tokens.set('towgs84', own.join(','));
      if (shift !== undefined) tokens.set('towgs84', shift);
      if (projected) setConversion(tokens, root, unit, angle);
      return tokens;
    },
  };
}

function setConversion(tokens: Tokens, root: WktNode, unit: number, angle: number): void {
  const conversion = childOf(root, 'CONVERSION') ?? root;
  const method = textIn(childOf(conversion, 'PROJECTION', 'METHOD'), 0);
  if (method === undefined) throw otherKind(root);
  const parameters = new Map<string, number>();
  for (const node of childrenOf(conversion, 'PARAMETER')) {
    const name = plainName(textIn(node, 0) ?? '');
    const value = numberIn(node, 1) ?? Number.NaN;
    const isLength = /easting|northing/.test(name);
    const isFactor = /scale/.test(name);
    const own = unitOf(node);
    if (isFactor) parameters.set(name, value * (own ?? 1));
    else if (isLength) parameters.set(name, value * (own ?? unit));
    else parameters.set(name, toDegrees(value, own ?? angle));
  }
  setProjection(tokens, method, parameters);
  const axes = axesOf(root) ?? axesOfMethod(method, parameters);
  if (axes !== 'en') tokens.set('axis', axes);
}

function setEllipsoid(tokens: Tokens, node: WktNode | undefined): void {
  const a = (numberIn(node, 1) ?? Number.NaN) * (unitOf(node) ?? 1);
  const inverseFlattening = numberIn(node, 2) ?? Number.NaN;
  if (!(a > 0) || !(inverseFlattening >= 0)) {
    throw new RelievoError('crs', 'This WKT cannot be used: it names no ellipsoid. Give the EPSG code instead.');
  }
  tokens.set('a', String(a));
  tokens.set('b', String(inverseFlattening === 0 ? a : a - a / inverseFlattening));
}

function meridianOf(node: WktNode | undefined, angle: number): number {
  if (node === undefined) return 0;
  if (/^paris$/i.test(textIn(node, 0) ?? '')) return PARIS;
  return toDegrees(numberIn(node, 1) ?? 0, unitOf(node) ?? angle);
}

/** Degrees are left to the last digit, which an azimuth of 90 needs; texts round the radians in one. */
export function toDegrees(value: number, unitRad: number): number {
  return Math.abs(unitRad / DEGREE - 1) < 1e-9 ? value : (value * unitRad) / DEGREE;
}

/** Radians, metres or one in the unit that the node names itself; undefined where it names none. */
function unitOf(node: WktNode | undefined): number | undefined {
  const own = childOf(node, ...UNITS) ?? childOf(childOf(node, 'CS'), ...UNITS);
  const factor = numberIn(own, 1);
  if (factor !== undefined) return factor;
  // WKT2 may name it at each axis instead.
  return numberIn(childOf(childOf(node, 'AXIS'), ...UNITS), 1);
}

/** `en`, `ws` or `sw`; undefined where the text names no axes. */
function axesOf(root: WktNode): string | undefined {
  const words = childrenOf(root, 'AXIS').map((node) => (textIn(node, 1) ?? '').toLowerCase());
  const axes = words.slice(0, 2).map((word) => word[0]);
  if (axes.length < 2) return undefined;
  return axes.join('') === 'ws' || axes.join('') === 'sw' ? axes.join('') : 'en';
}

function codeOf(node: WktNode): number | undefined {
  const id = childrenOf(node, 'AUTHORITY', 'ID').find((one) => textIn(one, 0)?.toUpperCase() === 'EPSG');
  return numberIn(id, 1);
}

/** The +towgs84 of an abridged transformation: metres, seconds of arc by position vector, parts per million. */
function shiftOf(node: WktNode | undefined): string {
  const method = plainName(textIn(childOf(node, 'METHOD'), 0) ?? '');
  const values = new Map(childrenOf(node, 'PARAMETER').map((one) => [plainName(textIn(one, 0) ?? ''), one]));
  return towgs84Of(method, (name, fallback) => numberIn(values.get(name), 1) ?? fallback);
}

/** Refuses with `crs` a method that is no such shift: a grid above all. */
export function towgs84Of(method: string, value: (name: string, fallback: number) => number): string {
  const translations = ['x', 'y', 'z'].map((axis) => value(`${axis}axistranslation`, 0));
  if (/^geocentrictranslations/.test(method)) return translations.join(',');
  const sign = /^positionvector/.test(method) ? 1 : /^coordinateframe/.test(method) ? -1 : 0;
  if (sign === 0) {
    throw new RelievoError(
      'crs',
      `This coordinate system comes with a shift to WGS 84 by ${method || 'no method'}, which is not known here: give its datum grid with --crs-grids and its EPSG code with --source-crs, or reproject the file first with gdalwarp -t_srs EPSG:4326.`,
    );
  }
  const rotations = ['x', 'y', 'z'].map((axis) => sign * value(`${axis}axisrotation`, 0));
  return [...translations, ...rotations, (value('scaledifference', 1) - 1) * 1e6].join(',');
}

function otherKind({ keyword }: WktNode): RelievoError {
  return new RelievoError(
    'crs',
    `This WKT is a ${keyword}, which says nothing of where on Earth coordinates lie; expected a projected or geographic system (PROJCS, GEOGCS, PROJCRS, GEOGCRS).`,
  );
}
