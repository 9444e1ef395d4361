/** Coordinate systems as PROJJSON (proj.org/specifications/projjson.html) as words of a proj4 string, like crs-wkt.ts. */
import { RelievoError } from '../error.ts';
import { baseNamed, baseOf } from './crs-verdict.ts';
import { toDegrees, towgs84Of, type WktSystem } from './crs-wkt.ts';
import type { Tokens } from './proj-string.ts';
import { axesOfMethod, plainName, setProjection } from './wkt-projection.ts';

interface Json {
  readonly [key: string]: unknown;
}

const DEGREE = Math.PI / 180;
const UNITS: Readonly<Record<string, number>> = { degree: DEGREE, metre: 1, unity: 1 };

/** What the text says; undefined when it is no JSON object. Refuses with `crs` one that is broken or of another kind. */
export function readProjJson(text: string): WktSystem | undefined {
  if (!text.startsWith('{')) return undefined;
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw broken(cause instanceof Error ? cause.message : String(cause));
  }
  return readSystem(objectOf(root), undefined);
}

function readSystem(root: Json, shift: string | undefined): WktSystem {
  if (root.type === 'CompoundCRS') {
    const inner = readSystem(objectOf(listOf(root.components)[0]), shift);
    return { ...inner, code: inner.code ?? codeOf(root) };
  }
  if (root.type === 'BoundCRS') return readSystem(objectOf(root.source_crs), shiftOf(objectOf(root.transformation)));
  const projected = root.type === 'ProjectedCRS';
  if (!projected && root.type !== 'GeographicCRS') throw broken(`it is a ${String(root.type)}`);
  const geographic = projected ? objectOf(root.base_crs) : root;
  const code = codeOf(geographic);
  const axes = listOf(objectOf(root.coordinate_system).axis).map(objectOf);
  const unit = unitOf(axes[0]?.unit) / (projected ? 1 : DEGREE);
  const datum = objectOf(geographic.datum ?? geographic.datum_ensemble);
  return {
    code: codeOf(root),
    name: typeof root.name === 'string' ? root.name : 'PROJJSON',
    base: code === undefined ? baseNamed(String(geographic.name)) : baseOf(code),
    unit: Math.abs(unit - 1) < 1e-12 ? 1 : unit,
    tokens() {
      const tokens: Tokens = new Map([['proj', 'longlat']]);
      const ellipsoid = objectOf(datum.ellipsoid);
      const a = amountOf(ellipsoid.semi_major_axis ?? ellipsoid.radius);
      const inverseFlattening = ellipsoid.inverse_flattening;
      const minor = ellipsoid.semi_minor_axis;
      const flat = inverseFlattening === undefined ? a : a - a / amountOf(inverseFlattening);
      tokens.set('a', String(a));
      tokens.set('b', String(minor === undefined ? flat : amountOf(minor)));
      const meridian =
        datum.prime_meridian === undefined ? 0 : amountOf(objectOf(datum.prime_meridian).longitude, DEGREE);
      if (meridian !== 0) tokens.set('pm', String(toDegrees(meridian / DEGREE, DEGREE)));
      if (shift !== undefined) tokens.set('towgs84', shift);
      if (!projected) return tokens;
      const conversion = objectOf(root.conversion);
      const method = String(objectOf(conversion.method).name);
      const parameters = new Map<string, number>();
      for (const parameter of listOf(conversion.parameters).map(objectOf)) {
        const name = plainName(String(parameter.name));
        const angular = !/easting|northing|scale/.test(name);
        const value = amountOf(parameter.value);
        const unit = unitOf(parameter.unit);
        parameters.set(name, angular ? toDegrees(value, unit) : value * unit);
      }
      setProjection(tokens, method, parameters);
      const directions = axes
        .map(({ direction }) => String(direction)[0])
        .join('')
        .slice(0, 2);
      const own = directions === 'ws' || directions === 'sw' ? directions : 'en';
      const turned = axes.length < 2 ? axesOfMethod(method, parameters) : own;
      if (turned !== 'en') tokens.set('axis', turned);
      return tokens;
    },
  };
}

function shiftOf(transformation: Json): string {
  const parameters = listOf(transformation.parameters).map(objectOf);
  const values = new Map(parameters.map((one) => [plainName(String(one.name)), amountOf(one.value)]));
  // PROJJSON has the scale as parts per million, WKT as a factor.
  return towgs84Of(plainName(String(objectOf(transformation.method).name)), (name, fallback) => {
    const value = values.get(name);
    return value === undefined ? fallback : name === 'scaledifference' ? 1 + value * 1e-6 : value;
  });
}

function codeOf({ id }: Json): number | undefined {
  if (id === undefined) return undefined;
  const { authority, code } = objectOf(id);
  return authority === 'EPSG' && Number(code) > 0 ? Number(code) : undefined;
}

/** Radians, metres or one in a unit; the unit may be a name or an object. */
function unitOf(unit: unknown): number {
  const factor = typeof unit === 'string' ? UNITS[unit] : amountOf(objectOf(unit).conversion_factor);
  if (factor === undefined) throw broken(`the unit ${String(unit)} is not known`);
  return factor;
}

/** A number, or an object with a value and a unit; `factor` is that of a number alone. */
function amountOf(value: unknown, factor = 1): number {
  if (typeof value === 'number') return value * factor;
  if (typeof value === 'object' && value !== null && 'value' in value) {
    const { value: inner, unit } = value as Json;
    return amountOf(inner) * unitOf(unit);
  }
  throw broken('a number is missing');
}

function objectOf(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw broken('a part is missing');
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function broken(what: string): RelievoError {
  return new RelievoError(
    'crs',
    `This PROJJSON cannot be used: ${what}. Give the EPSG code instead, such as EPSG:32632.`,
  );
}
