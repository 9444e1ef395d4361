/**
 * Names of projections and of their parameters in WKT and PROJJSON (GDAL's, Esri's, EPSG's) as words of a proj4 string.
 * proj4 has a reader of its own, which takes some for others and leaves parameters out without a word.
 */
import { RelievoError } from '../error.ts';
import type { Tokens } from './proj-string.ts';

/** Values by plain name (letters and digits, small): degrees, metres, or factors. */
export type WktParameters = ReadonlyMap<string, number>;

interface Method {
  readonly proj: string;
  /** How the parameters become words where names alone do not say it. */
  readonly adjust?: (tokens: Tokens) => unknown;
}

const ROLES: Readonly<Record<string, string>> = {
  lat_0:
    'latitudeoforigin latitudeofnaturalorigin latitudeoffalseorigin latitudeofcenter latitudeofcentre latitudeofprojectioncentre',
  lon_0:
    'centralmeridian longitudeofnaturalorigin longitudeoffalseorigin longitudeofcenter longitudeofcentre longitudeofprojectioncentre longitudeoforigin straightverticallongitudefrompole',
  lat_1: 'standardparallel1 latitudeof1ststandardparallel latitudeofstandardparallel',
  lat_2: 'standardparallel2 latitudeof2ndstandardparallel',
  k_0: 'scalefactor scalefactoratnaturalorigin scalefactoratprojectioncentre scalefactoroninitialline scalefactoronpseudostandardparallel',
  x_0: 'falseeasting eastingatfalseorigin eastingatprojectioncentre',
  y_0: 'falsenorthing northingatfalseorigin northingatprojectioncentre',
  alpha: 'azimuth azimuthofinitialline azimuthatprojectioncentre colatitudeofconeaxis',
  gamma: 'rectifiedgridangle anglefromrectifiedtoskewgrid',
  // Fixed in every Krovak; the others of Esri say which way its axes run.
  '': 'pseudostandardparallel1 latitudeofpseudostandardparallel xscale yscale xyplanerotation auxiliaryspheretype',
};
const ROLE_BY_NAME = new Map(
  Object.entries(ROLES).flatMap(([role, names]) => names.split(' ').map((name) => [name, role] as const)),
);

const trueScale = (tokens: Tokens) => move(tokens, 'lat_1', 'lat_ts');
const polar = (tokens: Tokens) => {
  move(tokens, 'lat_1', 'lat_ts');
  const latitude = Number(tokens.get('lat_0') ?? tokens.get('lat_ts'));
  if (Math.abs(latitude) < 90 && !tokens.has('lat_ts')) tokens.set('lat_ts', String(latitude));
  tokens.set('lat_0', latitude < 0 ? '-90' : '90');
};
const oblique = (tokens: Tokens) => {
  move(tokens, 'lon_0', 'lonc');
  const azimuth = tokens.get('alpha');
  if (!tokens.has('gamma') && azimuth !== undefined) tokens.set('gamma', azimuth);
};
const obliqueFromEquator = (tokens: Tokens) => {
  oblique(tokens);
  tokens.set('no_uoff', undefined);
};
const tangent = (tokens: Tokens) => {
  if (!tokens.has('lat_1')) tokens.set('lat_1', tokens.get('lat_0') ?? '0');
};
const webMercator = (tokens: Tokens) => {
  for (const word of ['ellps', 'b', 'lat_1', 'lat_ts']) tokens.delete(word);
  tokens.set('a', '6378137');
  tokens.set('b', '6378137');
  tokens.set('nadgrids', '@null');
};

/** By plain name; several names of one method are written in one line. */
const METHODS: readonly (readonly [names: string, method: Method])[] = [
  ['transversemercator gausskruger transversemercatorcomplex', { proj: 'tmerc' }],
  ['transversemercatorsouthorientated transversemercatorsouthoriented', { proj: 'tmerc' }],
  ['lambertconformalconic2sp lambertconicconformal2sp lambertconformalconic', { proj: 'lcc', adjust: tangent }],
  ['lambertconformalconic1sp lambertconicconformal1sp', { proj: 'lcc', adjust: tangent }],
  ['albersconicequalarea albersequalarea albers', { proj: 'aea' }],
  ['lambertazimuthalequalarea', { proj: 'laea' }],
  ['polarstereographic polarstereographicvarianta polarstereographicvariantb', { proj: 'stere', adjust: polar }],
  ['stereographicnorthpole stereographicsouthpole', { proj: 'stere', adjust: polar }],
  ['stereographic', { proj: 'stere' }],
  ['obliquestereographic doublestereographic', { proj: 'sterea' }],
  [
    'hotineobliquemercator hotineobliquemercatorvarianta hotineobliquemercatorazimuthnaturalorigin',
    { proj: 'omerc', adjust: obliqueFromEquator },
  ],
  [
    'hotineobliquemercatorvariantb hotineobliquemercatorazimuthcenter obliquemercator',
    { proj: 'omerc', adjust: oblique },
  ],
  ['swissobliquecylindrical swissobliquemercator', { proj: 'somerc' }],
  ['krovak krovaknorthorientated', { proj: 'krovak' }],
  ['equirectangular equidistantcylindrical equidistantcylindricalspherical', { proj: 'eqc', adjust: trueScale }],
  ['platecarree', { proj: 'eqc' }],
  ['mercator mercator1sp mercator2sp mercatorvarianta mercatorvariantb', { proj: 'merc', adjust: trueScale }],
  ['popularvisualisationpseudomercator mercatorauxiliarysphere', { proj: 'merc', adjust: webMercator }],
  ['cylindricalequalarea lambertcylindricalequalarea', { proj: 'cea', adjust: trueScale }],
  ['behrmann', { proj: 'cea', adjust: (tokens) => tokens.set('lat_ts', '30') }],
  ['mollweide', { proj: 'moll' }],
  ['sinusoidal', { proj: 'sinu' }],
  ['robinson', { proj: 'robin' }],
  ['polyconic americanpolyconic', { proj: 'poly' }],
  ['cassini cassinisoldner', { proj: 'cass' }],
  ['azimuthalequidistant', { proj: 'aeqd' }],
  ['equidistantconic', { proj: 'eqdc' }],
  ['millercylindrical', { proj: 'mill' }],
  ['gnomonic', { proj: 'gnom' }],
  ['orthographic', { proj: 'ortho' }],
  ['newzealandmapgrid', { proj: 'nzmg' }],
  ['equalearth', { proj: 'eqearth' }],
];
const METHOD_BY_NAME = new Map(METHODS.flatMap(([names, method]) => names.split(' ').map((name) => [name, method])));

/** Sets projection and parameters in `tokens`. Refuses with `crs` a projection or a parameter that is not known here. */
export function setProjection(tokens: Tokens, method: string, parameters: WktParameters): void {
  const found = METHOD_BY_NAME.get(plainName(method));
  if (found === undefined) throw unknown(`the projection ${method}`);
  tokens.set('proj', found.proj);
  for (const [name, value] of parameters) {
    const role = ROLE_BY_NAME.get(name);
    if (role === undefined) throw unknown(`the parameter ${name} of ${method}`);
    if (role !== '') tokens.set(role, String(value));
  }
  found.adjust?.(tokens);
}

/** Directions of the axes that the projection has where none are named: `en`, `ws` or `sw`. */
export function axesOfMethod(method: string, parameters: WktParameters): string {
  const name = plainName(method);
  if (/^transversemercatorsouth/.test(name)) return 'ws';
  // Esri's Krovak is turned to east and north by a scale of -1.
  if (name === 'krovak') return (parameters.get('xscale') ?? 1) < 0 ? 'en' : 'sw';
  return 'en';
}

/** Letters and digits only, small. */
export function plainName(name: string): string {
  return name.replaceAll(/[^a-z0-9]/gi, '').toLowerCase();
}

function move(tokens: Tokens, from: string, to: string): void {
  const value = tokens.get(from);
  if (value === undefined) return;
  tokens.delete(from);
  tokens.set(to, value);
}

function unknown(what: string): RelievoError {
  return new RelievoError(
    'crs',
    `This coordinate system cannot be computed here: ${what} is not known. Give its EPSG code or a proj4 string with --source-crs, or reproject the file first with gdalwarp -t_srs EPSG:4326.`,
  );
}
