/**
 * Coordinate reference systems: longitude and latitude (degrees, WGS84) to a raster's own coordinates and back. The
 * only door to proj4. Raster coordinates are x to the east and y to the north, whatever order of axes the definition
 * names (GeoTIFF 1.1, 7.1), but to the west and south where its axes run so: GDAL's traditional order.
 */
import proj4 from 'proj4';
import { RelievoError } from '../error.ts';
import { readProjJson } from './crs-projjson.ts';
import {
  addHelmert,
  citationIn,
  codeIn,
  convertKeys,
  type GeoKeyValues,
  nameOfCode,
  shiftInKeys,
  tokensOfCode,
  tokensOfOwnKeys,
  wktInKeys,
} from './crs-table.ts';
import { type BaseSystem, baseOf, fittingGrids, judgeCode, judgeGrids, type Verdict } from './crs-verdict.ts';
import { readWkt, type WktSystem } from './crs-wkt.ts';
import { type DatumGrid, type DatumShift, gridsOfKey, keyOfGrids, shiftByGrids } from './datum-grid.ts';
import type { Tokens } from './proj-string.ts';
import {
  formatTokens,
  isGeographic,
  isOldEllipsoid,
  isUnshifted,
  parseTokens,
  radiusOf,
  refuseWhatIsMissing,
  takeAxes,
  takeUnit,
} from './proj-string.ts';

export type { GeoKeyValues } from './crs-table.ts';

export interface Crs {
  /** What `resolveCrs` makes this same CRS from, in this process: `EPSG:2056`, a proj4 string, or WKT. */
  readonly definition: string;
  /** In words: `WGS 84 (EPSG:4326)`. */
  readonly name: string;
  /** Coordinates are angles, not lengths. */
  readonly geographic: boolean;
  /** Metres in one unit of x and y; degrees when `geographic`. */
  readonly unitMetres: number;
  /** How far a position may lie from its true place, metres; undefined where nobody says. */
  readonly accuracyMetres: number | undefined;
  /** How its datum is brought to WGS84 and what that costs, a sentence; empty where nothing is worth saying. */
  readonly note: string;
  /** Names of the datum grids in use. */
  readonly grids: readonly string[];
  /** Longitude and latitude in degrees to x and y in the CRS's unit; two NaN where the projection has no answer. */
  forward(lonLat: readonly [lon: number, lat: number]): [x: number, y: number];
  /** x and y to longitude and latitude in degrees; two NaN where the projection has no answer. */
  inverse(xy: readonly [x: number, y: number]): [lon: number, lat: number];
}

export interface CrsOptions {
  /** Datum grids that may be used, in order of preference; those that lead from another datum are left aside. */
  readonly grids?: readonly DatumGrid[] | undefined;
  /** Hand out also what is known to be wrong here: for the script that finds that out. */
  readonly unjudged?: boolean | undefined;
}

/** A CRS from `EPSG:nnnn`, a proj4 string, WKT or PROJJSON. Refuses with code `crs` what is unknown or wrong here. */
export async function resolveCrs(definition: string, options: CrsOptions = {}): Promise<Crs> {
  const [, whole = '', key] = /^\s*([\s\S]*?)\s*(?:\+grids=(\S+)\s*)?$/.exec(definition) ?? [];
  // WKT may be followed by the shift that a file gives beside it.
  const [, text = '', shift] = /^([^+][\s\S]*?)\s+\+towgs84=(\S+)$/.exec(whole) ?? [undefined, whole];
  const given = key === undefined ? options : { ...options, grids: gridsOfKey(key) };
  const epsg = /^EPSG:{1,2}(\d{1,6})$/i.exec(text.replace(/^urn:ogc:def:crs:/i, ''));
  if (epsg) return crsFromCode(Number(epsg[1]), given);
  if (text.startsWith('+')) return crsFromTokens(parseTokens(text), { definition: text, name: nameOfOwn(text) }, given);
  const system = readWkt(text) ?? readProjJson(text);
  if (system?.code !== undefined && shift === undefined) return crsFromCode(system.code, given);
  if (system !== undefined) return crsFromWkt(system, text, given, shift);
  throw new RelievoError(
    'crs',
    `A coordinate reference system is given as EPSG:4326, as a proj4 string (+proj=...), as WKT or as PROJJSON; "${text.slice(0, 60)}" is none of these.`,
  );
}

/** A CRS from the keys of a GeoTIFF. Refuses with code `crs` when they name none, or one that is unknown or wrong here. */
export async function crsFromGeoKeys(keys: GeoKeyValues, options: CrsOptions = {}): Promise<Crs> {
  const model = keys.GTModelTypeGeoKey;
  if (model === 3)
    throw new RelievoError(
      'crs',
      'Its coordinates are geocentric (X, Y, Z from the centre of the Earth), which a raster of heights cannot use.',
    );
  const projected = codeIn(keys, 'ProjectedCSTypeGeoKey');
  const geographic = codeIn(keys, 'GeographicTypeGeoKey');
  const projects =
    projected !== undefined || keys.ProjectionGeoKey !== undefined || keys.ProjCoordTransGeoKey !== undefined;
  if (!projects && geographic === undefined && model !== 2 && keys.GeogSemiMajorAxisGeoKey === undefined) {
    throw new RelievoError('crs', 'It does not say in which coordinate reference system its coordinates are.');
  }
  const wkt = projects ? undefined : wktInKeys(keys);
  const system = wkt === undefined ? undefined : readWkt(wkt);
  if (wkt !== undefined && system !== undefined) return crsFromWkt(system, wkt, options, shiftInKeys(keys));
  const code = projected ?? (projects ? undefined : geographic);
  const citation = citationIn(keys, projects);
  if (code !== undefined) {
    const plain = await crsFromCode(code, options, citation);
    const unit = await unitOfKeys(keys, plain);
    return unit === plain.unitMetres ? plain : rescaled(code, unit, citation, options);
  }
  const { tokens, unit } = await tokensOfOwnKeys(keys);
  if (model === 1 && isGeographic(tokens)) {
    throw new RelievoError('crs', 'It says that its coordinates are projected, but not by which projection.');
  }
  const shift = shiftInKeys(keys);
  if (shift !== undefined) tokens.set('towgs84', shift);
  if (!tokens.has('towgs84') && geographic !== undefined) addHelmert(tokens, geographic);
  const name = citation ?? `the file's own (${tokens.get('proj')})`;
  return crsFromTokens(tokens, { name, unit, datumCode: geographic }, options);
}

function nameOfOwn(proj: string): string {
  return `Own definition (${parseTokens(proj).get('proj') ?? 'no projection'})`;
}

async function crsFromCode(code: number, options: CrsOptions, citation?: string): Promise<Crs> {
  const naming = { definition: `EPSG:${code}`, name: nameWithCode(code, citation), datumCode: code };
  return crsFromTokens(await tokensOfCode(code), naming, options);
}

/** The code with another unit of length than its own. */
async function rescaled(code: number, unit: number, citation: string | undefined, options: CrsOptions): Promise<Crs> {
  const tokens = await tokensOfCode(code);
  takeUnit(tokens);
  return crsFromTokens(tokens, { name: nameWithCode(code, citation), unit, datumCode: code }, options);
}

function nameWithCode(code: number, citation: string | undefined): string {
  const title = citation ?? nameOfCode(code);
  return title === undefined ? `EPSG:${code}` : `${title} (EPSG:${code})`;
}

interface Naming {
  /** Undefined: the proj4 string that results. */
  readonly definition?: string | undefined;
  readonly name: string;
  /** Metres (degrees) in a unit, where the string does not say it. */
  readonly unit?: number | undefined;
  /** EPSG code that says on which datum it lies. */
  readonly datumCode?: number | undefined;
}

function crsFromTokens(tokens: Tokens, naming: Naming, options: CrsOptions): Crs {
  const { name } = naming;
  const geographic = isGeographic(tokens);
  const unit = takeUnit(tokens) ?? naming.unit ?? 1;
  const axes = takeAxes(tokens, geographic);
  tokens.delete('geoidgrids');
  tokens.delete('vunits');
  tokens.delete('vto_meter');
  const gridsAsked = tokens.get('nadgrids');
  // proj4 knows this datum's ellipsoid only and would leave out a shift of 100 m (EPSG:1173, continental US, 10 m).
  const isNad27 = tokens.get('datum')?.toUpperCase() === 'NAD27' && !tokens.has('towgs84');
  const base = naming.datumCode === undefined ? (isNad27 ? baseOf(4267) : undefined) : baseOf(naming.datumCode);
  // Who names a grid in the definition knows what it is for.
  const asked = gridsAsked?.split(',').map((one) => one.replace('@', ''));
  const grids = asked
    ? (options.grids ?? []).filter(({ name: file }) => asked.includes(file))
    : fittingGrids(options.grids ?? [], base, radiusOf(tokens));
  // The table leaves the pole to the sign of the standard parallel (EPSG method 9829); proj4 wants to be told.
  const trueScale = Number(tokens.get('lat_ts'));
  if (tokens.get('proj') === 'stere' && !tokens.has('lat_0') && trueScale !== 0) {
    tokens.set('lat_0', trueScale < 0 ? '-90' : '90');
  }
  // Along a parallel the general formulas lose a decimetre in proj4; PROJ takes the Swiss ones there too.
  if (tokens.get('proj') === 'omerc' && Number(tokens.get('alpha')) === 90 && Number(tokens.get('gamma')) === 90) {
    tokens.set('proj', 'somerc');
    tokens.set('lon_0', tokens.get('lonc') ?? '0');
    for (const word of ['alpha', 'gamma', 'lonc']) tokens.delete(word);
  }
  // proj4's Swiss formulas ask for the flattening and do not work it out from the radii.
  const [a, b] = [Number(tokens.get('a')), Number(tokens.get('b'))];
  if (tokens.get('proj') === 'somerc' && a > b) tokens.set('rf', String(a / (a - b)));
  if (grids.length > 0) {
    if (isNad27) tokens.set('ellps', 'clrk66');
    for (const word of ['towgs84', 'datum', 'nadgrids']) tokens.delete(word);
  } else {
    refuseWhatIsMissing(tokens, name);
    if (isNad27) tokens.set('towgs84', '-8,160,176');
  }
  const proj = formatTokens(tokens);
  const verdict = grids.length > 0 ? judgeGrids(base, grids) : judgeTokens(tokens, naming, base, options);
  const own = `${proj}${axes === 'en' ? '' : ` +axis=${axes}u`}${unit === 1 ? '' : ` +to_meter=${unit}`}`;
  if (verdict.refusal !== undefined && !options.unjudged) {
    const accept = tokens.has('towgs84') ? ` To accept the error, give --source-crs "${own}".` : '';
    throw new RelievoError('crs', `${verdict.refusal}${accept}`);
  }
  const plain = grids.length === 0 && geographic && isUnshifted(tokens);
  return makeCrs({
    definition: withGrids(naming.definition ?? own, grids),
    name,
    geographic,
    unitMetres: unit,
    factor: unit,
    axes,
    converter: plain ? undefined : converterOf(() => proj4(proj), name),
    shift: grids.length > 0 ? shiftByGrids(grids) : undefined,
    grids,
    verdict,
  });
}

/** What can be said of a definition whose datum is brought to WGS84 by its own +towgs84, or by nothing. */
function judgeTokens(tokens: Tokens, naming: Naming, base: BaseSystem | undefined, options: CrsOptions): Verdict {
  const shift = tokens.get('towgs84');
  const shifted = shift?.split(',').some((part) => Number(part) !== 0) ?? false;
  const shiftless = shift === undefined && !tokens.has('datum') && !tokens.has('nadgrids') && isOldEllipsoid(tokens);
  if (naming.datumCode !== undefined) {
    const verdict = judgeCode(naming.datumCode, base, shifted);
    if (verdict.refusal !== undefined || !shiftless || options.unjudged) return verdict;
  }
  if (shiftless) {
    const refusal = `${naming.name} lies on a datum of before satellites, and its shift to WGS 84 is not known here: positions would be off by hundreds of metres. Name the system with --source-crs as an EPSG code or with +towgs84=..., give its datum grid with --crs-grids, or reproject the file first with gdalwarp -t_srs EPSG:4326.`;
    return { accuracyMetres: undefined, note: '', refusal };
  }
  if (shifted || (tokens.has('datum') && !isUnshifted(tokens))) {
    return {
      accuracyMetres: undefined,
      note: 'Its datum is brought to WGS 84 by the shift in its definition, of which nobody says how good it is.',
    };
  }
  return { accuracyMetres: 0, note: '' };
}

/** `given`: the +towgs84 that comes with the text. */
function crsFromWkt(system: WktSystem, text: string, options: CrsOptions, given?: string): Crs {
  const { name, base, unit } = system;
  const tokens = system.tokens();
  if (given !== undefined) tokens.set('towgs84', given);
  const own = tokens.has('towgs84') || tokens.has('nadgrids');
  if (!own && base !== undefined) addHelmert(tokens, base.code);
  const definition = given === undefined ? text : `${text} +towgs84=${given}`;
  return crsFromTokens(tokens, { definition, name, unit, datumCode: own ? undefined : base?.code }, options);
}

function withGrids(definition: string, grids: readonly DatumGrid[]): string {
  return grids.length === 0 ? definition : `${definition} +grids=${keyOfGrids(grids)}`;
}

interface Parts {
  readonly definition: string;
  readonly name: string;
  readonly geographic: boolean;
  readonly unitMetres: number;
  /** Divides what the converter gives. */
  readonly factor: number;
  /** Directions of x and y: `en`, `ws` or `sw`. */
  readonly axes: string;
  /** Undefined: coordinates are longitude and latitude in `factor` degrees. */
  readonly converter: Converter | undefined;
  /** Between WGS84 and the datum that the converter takes for it. */
  readonly shift: DatumShift | undefined;
  readonly grids: readonly DatumGrid[];
  readonly verdict: Verdict;
}

function makeCrs({ factor, axes, converter, shift, grids, verdict, ...said }: Parts): Crs {
  const { accuracyMetres, note } = verdict;
  const common = { ...said, accuracyMetres, note, grids: grids.map(({ name }) => name) };
  const turn = TURNS[axes] ?? TURNS.en;
  if (converter === undefined && turn === undefined) {
    return {
      ...common,
      forward: ([lon, lat]) => finitePair(lon / factor, lat / factor),
      inverse: ([x, y]) => finitePair(x * factor, y * factor),
    };
  }
  const { forward, inverse } = converter ?? IDENTITY;
  return {
    ...common,
    forward([lon, lat]) {
      if (!Number.isFinite(lon) || !(Math.abs(lat) <= 90)) return [Number.NaN, Number.NaN];
      try {
        const out = forward(shift === undefined ? [lon, lat] : shift.fromWgs84(lon, lat));
        const [x, y] = turn === undefined ? out : turn(out);
        return finitePair(x / factor, y / factor);
      } catch {
        return [Number.NaN, Number.NaN];
      }
    },
    inverse([x, y]) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) return [Number.NaN, Number.NaN];
      try {
        const scaled: [number, number] = [x * factor, y * factor];
        const [lon, lat] = inverse(turn === undefined ? scaled : turn(scaled));
        return shift === undefined ? finitePair(lon, lat) : shift.toWgs84(lon, lat);
      } catch {
        return [Number.NaN, Number.NaN];
      }
    },
  };
}

/** East and north to the axes' own directions; each is its own inverse. */
const TURNS: Readonly<Record<string, ((point: [number, number]) => [number, number]) | undefined>> = {
  en: undefined,
  ws: ([x, y]) => [-x, -y],
  sw: ([x, y]) => [-y, -x],
};

interface Converter {
  forward(point: [number, number]): [number, number];
  inverse(point: [number, number]): [number, number];
}

const IDENTITY: Converter = { forward: (point) => point, inverse: (point) => point };

function converterOf(make: () => Converter, name: string): Converter {
  try {
    const converter = make();
    return { forward: (point) => converter.forward(point), inverse: (point) => converter.inverse(point) };
  } catch (cause) {
    throw new RelievoError(
      'crs',
      `The projection of ${name} is not one that Relievo can compute (${messageOf(cause)}): reproject the file first, for example with gdalwarp -t_srs EPSG:4326.`,
      { cause },
    );
  }
}

/** The unit that the file names, where it names one; else that of the CRS. */
async function unitOfKeys(keys: GeoKeyValues, crs: Crs): Promise<number> {
  const asked = crs.geographic ? keys.GeogAngularUnitsGeoKey : keys.ProjLinearUnitsGeoKey;
  if (asked === undefined || asked === (crs.geographic ? 9102 : 9001)) return crs.unitMetres;
  const { unit } = await convertKeys(keys);
  return Math.abs(unit / crs.unitMetres - 1) < 1e-9 ? crs.unitMetres : unit;
}

function finitePair(first: number, second: number): [number, number] {
  return Number.isFinite(first) && Number.isFinite(second) ? [first, second] : [Number.NaN, Number.NaN];
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
